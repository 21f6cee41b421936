"""The bucket that all parts use for their files."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import RemovalPolicy
from aws_cdk import aws_s3 as s3
from constructs import Construct

from fargate_constructs._core.lazy_cdk import aws_kms as kms
from fargate_constructs._core.nag_suppressions import acknowledge

READERS = "CloudTrail data events record who reads a bucket; an account turns them on once for all."


class PrivateBucket(s3.Bucket):
    """A private, encrypted and retained bucket that requires TLS 1.2 or newer.

    Args:
        encryption_key: The KMS key, used with bucket keys. By default S3's own key (SSE-S3).
        versioned: Whether overwritten and deleted objects stay as noncurrent versions. By default they do not.
        object_lock: How long no object can be deleted; the bucket is then versioned. By default there is no lock.
        object_ownership: Whether access control lists count. By default only the bucket's policy counts.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        lifecycle_rules: Sequence[s3.LifecycleRule],
        encryption_key: kms.IKey | None = None,
        versioned: bool = False,
        object_lock: s3.ObjectLockRetention | None = None,
        object_ownership: s3.ObjectOwnership = s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
    ) -> None:
        super().__init__(
            scope,
            id,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.KMS if encryption_key else s3.BucketEncryption.S3_MANAGED,
            encryption_key=encryption_key,
            # One request to KMS for many objects; without it, each PUT needs one.
            bucket_key_enabled=True if encryption_key else None,
            versioned=True if versioned or object_lock else None,
            object_lock_default_retention=object_lock,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            object_ownership=object_ownership,
            removal_policy=RemovalPolicy.RETAIN,
            lifecycle_rules=lifecycle_rules,
        )
        reasons = {
            "AwsSolutions-S1": READERS,
            "S3BucketLoggingEnabled": READERS,
            "S3BucketReplicationEnabled": "S3 stores objects in three zones; you decide whether you need a copy in "
            "another region.",
        }
        if not encryption_key:
            reasons["S3DefaultEncryptionKMS"] = (
                "S3 encrypts with its own key, the only one for load balancers' logs. Archives take encryption_key."
            )
        if not versioned and not object_lock:
            reasons["S3BucketVersioningEnabled"] = (
                "Its objects never change, and expired objects should be gone. Archives take versioned=True, or a lock."
            )
        acknowledge(self, reasons)
