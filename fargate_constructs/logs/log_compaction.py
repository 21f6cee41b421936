"""Fewer, larger objects, so that queries over a year of logs are fast and cheap."""

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from fargate_constructs._core.arguments import checked
from fargate_constructs._core.nag_suppressions import acknowledge_wildcards
from fargate_constructs.logs.scheduled_function import ScheduledFunction

# What the function takes so that two runs never overlap; its code says the same.
LEASE = "_merging-lease"
# A merge holds up to 128 MB and an upload's part twice; Lambda gives CPU and network by memory.
MEMORY_MIB = 1024
TIMEOUT = Duration.minutes(15)  # Lambda's most


@checked
class LogCompaction(ScheduledFunction):
    """A Lambda that joins each hour's small objects into few of about 128 MB, without compressing them again.

    Every hour it looks at the hours that ended two to nine days ago, and compacts where a log group has ten small
    objects or more. It can be killed at any point and loses no line and leaves none twice:
    `lambdas/compaction/handler.py` says how, and what a reader may see meanwhile. The next run continues a run that
    cannot finish in 15 minutes; with more than some 2,000 log groups a run would not get through its lists. Of two runs
    at the same time only one works: the one that holds the lease, an object of the bucket.

    The bucket must not be versioned, nor have Object Lock: each merged line would be kept twice. The function refuses
    such a bucket, which raises its alarm.

    ```python
    LogCompaction(stack, "Merger", bucket=bucket)
    ```

    It costs little: for each object one GET, 0.40 USD per million, and a LIST per log group and day looked at, 0.29 USD
    a month for ten log groups (https://aws.amazon.com/s3/pricing/).
    """

    def __init__(self, scope: Construct, id: str, *, bucket: s3.IBucket, owner: str | None = None) -> None:
        """A Lambda that joins each hour's small objects into few of about 128 MB, without compressing them again.

        Args:
            scope: The construct that owns the compaction.
            id: The construct's ID.
            bucket: The bucket with the archive's objects. If it belongs to another account, that account must let
                *function*'s role in.
            owner: The account ID of the bucket's owner, which S3 then checks. By default it does not; the archive gives
                its own account's for a bucket it made.
        """
        super().__init__(
            scope,
            id,
            folder="compaction",
            description="Merges small objects of the log archive",
            environment={
                "ARCHIVE_BUCKET": bucket.bucket_name,
                **({"ARCHIVE_BUCKET_OWNER": owner} if owner else {}),
            },
            rate=Duration.hours(1),
            memory_size=MEMORY_MIB,
            timeout=TIMEOUT,
        )
        self.bucket_grants: list[tuple[iam.Role, iam.PolicyStatement]] = [
            (self.function.execution_role, statement) for statement in self._grant(bucket)
        ]
        """What *function* may do with the bucket; a bucket of another account must allow its role the same."""

    def _grant(self, bucket: s3.IBucket) -> list[iam.PolicyStatement]:
        function = self.function
        lines = bucket.arn_for_objects("log_group=*")
        of_prefix = {"StringLike": {"s3:prefix": ["log_group=*", LEASE]}}
        statements = [
            function.allow("s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject", on=lines),
            # To replace a lease of which it knows the ETag, S3 wants it to be readable.
            function.allow("s3:GetObject", "s3:PutObject", on=bucket.arn_for_objects(LEASE)),
            function.allow("s3:ListBucket", on=bucket.bucket_arn, conditions=of_prefix),
            function.allow("s3:GetBucketVersioning", "s3:ListBucketMultipartUploads", on=bucket.bucket_arn),
        ]
        acknowledge_wildcards(
            function.execution_role, [lines], reason="The log groups and hours that will be archived are not known."
        )
        if bucket.encryption_key:
            bucket.encryption_key.grant(function.execution_role, "kms:GenerateDataKey", "kms:Decrypt")
        return statements


def decide_compaction(*, compaction: bool | None, bucket: s3.IBucket | None, **reasons_against: object) -> bool:
    """Tell whether to compact; refuse where something is set that makes it harmful or useless."""
    against = [name for name, value in reasons_against.items() if value]
    if compaction and against:
        raise ValueError(f"compaction must be off beside {' and '.join(against)}, got: True")
    return compaction if compaction is not None else not (bucket or against)
