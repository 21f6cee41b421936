"""What writes batches into the archive: the shipper, and what prepares batches for Data Firehose.

```
batch ──> [ArchivingFunction] ──> archive, or quarantine in the failure bucket
```
"""

from collections.abc import Mapping

from aws_cdk import Aws, Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct

from fargate_constructs._core.nag_suppressions import acknowledge_wildcards
from fargate_constructs.logs.archive_format import ArchiveFormat
from fargate_constructs.logs.archive_function import ArchiveFunction
from fargate_constructs.logs.failure_bucket import FailureBucket

# A full batch is 1 MB as delivered and some 6 MB of lines, held a few times over at the most
# (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html). Lambda gives CPU by memory:
# at 512 MB a full batch takes about half a second.
MEMORY_MIB = 512


class ArchivingFunction(ArchiveFunction):
    """A function that puts new objects into the archive, and what it cannot read into quarantine; it reads neither.

    Args:
        scope: The construct that owns the function.
        id: The function's ID.
        code: The folder in `lambdas` that is its whole code.
        description: What it does, in a few words.
        bucket: The archive.
        owner: The account of *bucket*, which S3 then checks. None if it is not known.
        failure_bucket: Where it puts what it cannot read.
        archive_format: How a batch lies in the archive.
        environment: Further environment variables.
        timeout: How long one invocation may take.
        module: The module of that folder whose `handler` is called. By default `handler`.
        retry_attempts: How often Lambda tries an asynchronous invocation again, 0 to 2. By default 2.
        max_event_age: For how long Lambda keeps an asynchronous invocation. By default 6 hours.
        on_failure: Where Lambda puts an asynchronous invocation that it gave up. By default nowhere.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        code: str,
        description: str,
        bucket: s3.IBucket,
        owner: str | None,
        failure_bucket: FailureBucket,
        archive_format: ArchiveFormat = ArchiveFormat.ndjson,
        environment: Mapping[str, str] | None = None,
        timeout: Duration,
        module: str = "handler",
        retry_attempts: int | None = None,
        max_event_age: Duration | None = None,
        on_failure: lambda_.IDestination | None = None,
    ) -> None:
        super().__init__(
            scope,
            id,
            code=code,
            description=description,
            environment={
                "ARCHIVE_BUCKET": bucket.bucket_name,
                **({"ARCHIVE_BUCKET_OWNER": owner} if owner else {}),
                "FAILURE_BUCKET": failure_bucket.bucket_name,
                "FAILURE_BUCKET_OWNER": Aws.ACCOUNT_ID,
                "ARCHIVE_FORMAT": archive_format.value,
                **(environment or {}),
            },
            memory_size=MEMORY_MIB,
            timeout=timeout,
            module=module,
            retry_attempts=retry_attempts,
            max_event_age=max_event_age,
            on_failure=on_failure,
        )
        failure_bucket.grant_quarantine(self.execution_role)
        self.bucket_grants = [(self.execution_role, self._allow_objects(bucket, archive_format))]
        """What the function may do with the archive: its role, and each statement."""

    def metric_quarantined_batches(self) -> cloudwatch.Metric:
        """How many batches could not be read and were put aside; counted again if one is delivered again."""
        return self._metric("QuarantinedBatches", "Sum")

    def metric_lag(self) -> cloudwatch.Metric:
        """How many milliseconds after its newest event a batch got here; measured only where it is more than a minute.

        A replayed batch is late, too, and so is one of a host that was offline: neither is a fault.
        """
        return self._metric("Lag", "Maximum")

    def _metric(self, name: str, statistic: str) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace="FargateConstructs/LogArchive",
            metric_name=name,
            dimensions_map={"FunctionName": self.function_name},
            statistic=statistic,
            period=Duration.minutes(5),
        )

    def _allow_objects(self, bucket: s3.IBucket, archive_format: ArchiveFormat) -> iam.PolicyStatement:
        objects = bucket.arn_for_objects(f"{archive_format.prefix}*")
        statement = self.allow("s3:PutObject", on=objects)
        acknowledge_wildcards(
            self.execution_role, [objects], reason="Which log groups will be archived, and when, is not known here."
        )
        if bucket.encryption_key:
            bucket.encryption_key.grant(self.execution_role, "kms:GenerateDataKey")
        return statement
