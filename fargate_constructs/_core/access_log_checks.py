"""Checks of buckets that load balancers write their access logs to."""

from __future__ import annotations

from aws_cdk import Stack

from fargate_constructs._core.lazy_cdk import aws_s3 as s3

# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
SSE_S3 = "AES256"


def why_no_access_logs(bucket: s3.IBucket) -> str | None:
    """Return why load balancers cannot write their logs to a bucket, if that is known; or `None`.

    They need SSE-S3. With a default lock S3 requires checksums, and AWS does not document that they send them.
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
