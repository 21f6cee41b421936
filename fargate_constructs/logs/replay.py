"""Failed batches are sent to the shipper again, every hour, until they are stored."""

from aws_cdk import Aws, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets
from constructs import Construct

from fargate_constructs._core.nag_suppressions import INLINE_POLICY, acknowledge, acknowledge_wildcards
from fargate_constructs.logs.archive_function import ArchiveFunction, archive_metric
from fargate_constructs.logs.failure_bucket import ASYNC_FAILURE_PREFIX, FailureBucket
from fargate_constructs.logs.failure_queue import FailureQueue

# Where Data Firehose puts what it failed to store.
STREAM_FAILURE_PREFIX = "firehose-failures/"

# The most that Lambda gives. What there is no time for is left for the next run.
TIMEOUT = Duration.minutes(15)
# What Data Firehose failed to store comes in objects of up to 128 MB.
MEMORY_MIB = 1024
# Soon enough, and what fails again costs next to nothing until then.
EVERY = Duration.hours(1)


class Replay(Construct):
    """A function that sends failed batches to the shipper again, and deletes each once it is stored.

    It runs on a schedule, and by hand with *command*. Batches in quarantine can never be read, so they stay there.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        shipper: lambda_.IFunction,
        failure_bucket: FailureBucket,
        failure_queue: FailureQueue | None,
        schedule: scheduler.ScheduleExpression | None = None,
    ) -> None:
        super().__init__(scope, id)
        self._shipper = shipper
        self.function = ArchiveFunction(
            self,
            "Function",
            description="Replays batches of logs that could not be stored",
            folder="replay",
            module="drain" if failure_queue else "handler",
            environment={
                "SHIPPER": shipper.function_name,
                "FAILURE_BUCKET": failure_bucket.bucket_name,
                "FAILURE_BUCKET_OWNER": Aws.ACCOUNT_ID,
            },
            memory_size=MEMORY_MIB,
            timeout=TIMEOUT,
            # The next run does it.
            retry_attempts=0,
        )
        self.function.allow("lambda:InvokeFunction", on=shipper.function_arn)
        self._allow_replay(failure_bucket, ASYNC_FAILURE_PREFIX, failure_bucket.encryption_key)
        if failure_queue:
            self.function.add_environment("FAILURE_QUEUE", failure_queue.queue_url)
            failure_queue.grant_drain(self.function.execution_role)
        self._run(schedule or scheduler.ScheduleExpression.rate(EVERY))

    @property
    def command(self) -> str:
        """The shell command that replays now; it prints how many batches were replayed and how many still wait."""
        wait = f"--cli-read-timeout {TIMEOUT.to_seconds():g}"
        return f"aws lambda invoke --function-name {self.function.function_name} {wait} /dev/stdout"

    def add_stream(self, bucket: s3.IBucket, *, owner: str | None) -> list[tuple[iam.Role, iam.PolicyStatement]]:
        """Replay what Data Firehose failed to store, too, and keeps in the archive; return role and statements."""
        self.function.add_environment("STREAM_FAILURE_BUCKET", bucket.bucket_name)
        if owner:
            self.function.add_environment("STREAM_FAILURE_BUCKET_OWNER", owner)
        statements = self._allow_replay(bucket, STREAM_FAILURE_PREFIX, bucket.encryption_key)
        return [(self.function.execution_role, statement) for statement in statements]

    def metric_waiting_failures(self) -> cloudwatch.Metric:
        """How many failures still wait after a replay, whole or in part; Data Firehose puts many batches into one."""
        return archive_metric(self._shipper, "WaitingFailures", "Maximum")

    def metric_oldest_failure_age(self) -> cloudwatch.Metric:
        """For how many seconds the oldest of them waits, or no further part of it has landed; 0 when none does."""
        return archive_metric(self._shipper, "OldestFailureAge", "Maximum")

    def _allow_replay(
        self, bucket: s3.IBucket, prefix: str, encryption_key: kms.IKey | None
    ) -> list[iam.PolicyStatement]:
        failures = bucket.arn_for_objects(f"{prefix}*")
        of_prefix = {"StringEquals": {"s3:prefix": prefix}}
        statements = [
            # Put: of an object with many batches, those that have not landed are put back.
            self.function.allow("s3:GetObject", "s3:PutObject", "s3:DeleteObject", on=failures),
            self.function.allow("s3:ListBucket", on=bucket.bucket_arn, conditions=of_prefix),
        ]
        acknowledge_wildcards(
            self.function.execution_role, [failures], reason="The batches that will fail are not known."
        )
        if encryption_key:
            encryption_key.grant(self.function.execution_role, "kms:Decrypt", "kms:GenerateDataKey")
        return statements

    def _run(self, schedule: scheduler.ScheduleExpression) -> None:
        group = Stack.of(self).format_arn(service="scheduler", resource="schedule-group", resource_name="default")
        invoke = iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[self.function.function_arn])
        role = iam.Role(
            self,
            "ScheduleRole",
            # https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
            assumed_by=iam.ServicePrincipal(
                "scheduler.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID, "aws:SourceArn": group}},
            ),
            inline_policies={"Invoke": iam.PolicyDocument(statements=[invoke])},
        )
        acknowledge(role, INLINE_POLICY)
        scheduler.Schedule(
            self,
            "Schedule",
            schedule=schedule,
            description="Replays batches of logs that could not be stored",
            target=targets.LambdaInvoke(
                self.function,
                role=role.without_policy_updates(),  # CDK's own grant would be for every version of the function
                retry_attempts=2,
                max_event_age=Duration.minutes(30),
            ),
        )
