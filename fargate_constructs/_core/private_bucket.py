"""The bucket that every part keeps its files in."""

from collections.abc import Sequence

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from fargate_constructs._core.nag_suppressions import acknowledge

# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
SSE_S3 = "AES256"
READERS = "Who reads a bucket is a matter for CloudTrail data events, which an account turns on once."


def why_no_access_logs(bucket: s3.IBucket) -> str | None:
    """Return what keeps load balancers from writing their logs to a bucket, as far as that is known here; or None.

    They need SSE-S3. With a default lock, S3 wants checksums that they are not known to send.
    """
    if bucket.encryption_key:
        return "a KMS key"
    resource = bucket.node.default_child
    if not isinstance(resource, s3.CfnBucket):
        return None
    encryption = Stack.of(bucket).resolve(resource.bucket_encryption) or {}
    rules = encryption.get("serverSideEncryptionConfiguration", [])
    if any(rule.get("serverSideEncryptionByDefault", {}).get("sseAlgorithm", SSE_S3) != SSE_S3 for rule in rules):
        return "a KMS key"
    return "a default lock" if resource.object_lock_configuration else None


class PrivateBucket(s3.Bucket):
    """A bucket that is private, reached over TLS 1.2 or newer only, encrypted, and kept with its stack gone.

    Args:
        scope: The construct that owns the bucket.
        id: The bucket's ID.
        lifecycle_rules: What happens to objects as they age.
        encryption_key: The KMS key to encrypt with, by way of bucket keys. By default S3's own (SSE-S3).
        versioned: Whether what is overwritten or deleted stays as a noncurrent version. By default it does not.
        object_lock: For how long no object may be deleted; the bucket is then versioned. By default there is no lock.
        object_ownership: Whether access control lists count. By default they do not: the bucket's policy decides.
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
                "Nothing in it is changed, and what expires is to be gone. Archives take versioned=True, or a lock."
            )
        acknowledge(self, reasons)
