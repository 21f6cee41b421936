"""The Lambda functions of the archive."""

from collections.abc import Mapping
from pathlib import Path
from typing import Required, TypedDict, Unpack

from aws_cdk import Aws, Duration, IgnoreMode, PhysicalName
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct

from fargate_constructs._core.nag_suppressions import acknowledge_wildcards
from fargate_constructs._core.python_function import PythonFunction
from fargate_constructs.logs.archive_format import ArchiveFormat
from fargate_constructs.logs.failure_bucket import FailureBucket

FOLDERS = Path(__file__).parent / "lambdas"
# CDK makes a name only if a bucket policy in a stack of another account of the app names the role.
NAME_IF_NEEDED = PhysicalName.GENERATE_IF_NEEDED
METRIC_NAMESPACE = "FargateConstructs/LogArchive"
# A full batch is 1 MB as delivered and about 6 MB of lines, a few times in memory at most
# (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html). Lambda gives CPU by memory:
# at 512 MB a full batch takes about half a second.
SHIPPER_MEMORY_MIB = 512


class FunctionOptions(TypedDict, total=False):
    """Arguments of `PythonFunction`. The last three are Lambda's settings for failed asynchronous invocations."""

    description: Required[str]
    timeout: Required[Duration]
    retry_attempts: int
    max_event_age: Duration
    on_failure: lambda_.IDestination


def code_of(folder: str) -> lambda_.Code:
    """Return a folder in `lambdas` as a function's code, with the folder itself, so that imports are the same as here.

    Bytecode is left out: it would change the asset's hash on each machine, and each deployment would upload it.
    """
    nothing_else = ["/*", f"!/{folder}/", "__pycache__"]
    return lambda_.Code.from_asset(str(FOLDERS), exclude=nothing_else, ignore_mode=IgnoreMode.GIT)


class ArchiveFunction(PythonFunction):
    """One of the archive's functions: the code is a folder in `lambdas`; `handler` of *module* is called."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        folder: str,
        module: str = "handler",
        environment: Mapping[str, str],
        memory_size: int,
        **options: Unpack[FunctionOptions],
    ) -> None:
        super().__init__(
            scope,
            id,
            code=code_of(folder),
            handler=f"{folder}.{module}.handler",
            dlq_suppressions=_dlq_suppressions(options),
            environment=environment,
            memory_size=memory_size,
            role_name=NAME_IF_NEEDED,
            **options,
        )


class ShipperFunction(ArchiveFunction):
    """A function that writes new objects to the archive, and unreadable batches to the quarantine. It can read neither.

    *owner* is the account of *bucket*, which S3 then checks; `None` if it is not known.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        module: str = "handler",
        bucket: s3.IBucket,
        owner: str | None,
        failure_bucket: FailureBucket,
        archive_format: ArchiveFormat = ArchiveFormat.ndjson,
        **options: Unpack[FunctionOptions],
    ) -> None:
        super().__init__(
            scope,
            id,
            folder="shipper",
            module=module,
            environment={
                "ARCHIVE_BUCKET": bucket.bucket_name,
                **({"ARCHIVE_BUCKET_OWNER": owner} if owner else {}),
                "FAILURE_BUCKET": failure_bucket.bucket_name,
                "FAILURE_BUCKET_OWNER": Aws.ACCOUNT_ID,
                "ARCHIVE_FORMAT": archive_format.value,
            },
            memory_size=SHIPPER_MEMORY_MIB,
            **options,
        )
        failure_bucket.grant_quarantine(self.execution_role)
        self.bucket_grants = [(self.execution_role, self._allow_objects(bucket, archive_format))]
        """The function's role, and the statements that it needs for the archive."""

    def metric_quarantined_batches(self) -> cloudwatch.Metric:
        """The number of unreadable batches in the quarantine; a batch that is delivered again counts again."""
        return archive_metric(self, "QuarantinedBatches", "Sum")

    def metric_lag(self) -> cloudwatch.Metric:
        """The delay of a batch after its newest event, in milliseconds; written only if it is over a minute.

        Replayed batches and those of a host that was offline are late, too, without a fault.
        """
        return archive_metric(self, "Lag", "Maximum")

    def _allow_objects(self, bucket: s3.IBucket, archive_format: ArchiveFormat) -> iam.PolicyStatement:
        objects = bucket.arn_for_objects(f"{archive_format.prefix}*")
        statement = self.allow("s3:PutObject", on=objects)
        acknowledge_wildcards(
            self.execution_role, [objects], reason="The log groups and hours that will be archived are not known."
        )
        if bucket.encryption_key:
            bucket.encryption_key.grant(self.execution_role, "kms:GenerateDataKey")
        return statement


def archive_metric(shipper: lambda_.IFunction, name: str, statistic: str) -> cloudwatch.Metric:
    """Return a metric that the functions print with the shipper's name."""
    return cloudwatch.Metric(
        namespace=METRIC_NAMESPACE,
        metric_name=name,
        dimensions_map={"FunctionName": shipper.function_name},
        statistic=statistic,
        period=Duration.minutes(5),
    )


def _dlq_suppressions(options: FunctionOptions) -> dict[str, str]:
    """Return why there is no queue for failed invocations."""
    if "on_failure" in options:
        return {"LambdaDLQ": "Failed invocations go to a failure destination; a dead-letter queue is the older form."}
    if "retry_attempts" in options:
        again = "The next run does the work of a failed run."
        return {"LambdaDLQ": again, "LambdaAsyncFailureDestination": again}
    return {"LambdaDLQ": "Data Firehose waits for its answer, and keeps failed batches."}
