"""The functions that bring lines into an archive, and failed batches back, with what they need."""

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from fargate_constructs.logs.archive_format import ArchiveFormat
from fargate_constructs.logs.archive_function import ShipperFunction
from fargate_constructs.logs.delivery import Delivery
from fargate_constructs.logs.failure_bucket import FailureBucket
from fargate_constructs.logs.failure_queue import FailureQueue, needs_queue
from fargate_constructs.logs.firehose import Firehose
from fargate_constructs.logs.replay import Replay
from fargate_constructs.logs.retention import Retention
from fargate_constructs.logs.subscriptions import SubscriptionTarget, function_target

# Time for the S3 client's own retries of a few objects; Lambda tries the whole batch again after that.
SHIPPER_TIMEOUT = Duration.minutes(1)
# Lambda's own retries, before it gives up a batch: both are its maximum
# (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html).
RETRY_ATTEMPTS = 2
MAX_EVENT_AGE = Duration.hours(6)


class Shipping:
    """Shipper, replay, failure bucket and Data Firehose of an archive, as its children."""

    def __init__(
        self,
        archive: Construct,
        *,
        bucket: s3.IBucket,
        owner: str | None,
        is_imported: bool,
        delivery: Delivery,
        archive_format: ArchiveFormat,
        encryption_key: kms.IKey | None,
        failure_expiration: Duration | None,
        replay_schedule: scheduler.ScheduleExpression | None,
    ) -> None:
        self._archive, self._bucket, self._owner = archive, bucket, owner
        self.failure_bucket = FailureBucket(
            archive,
            "Failures",
            lifecycle_rules=Retention(expiration=failure_expiration, transitions=[]).lifecycle_rules(),
            encryption_key=encryption_key,
        )
        self.failure_queue = (
            FailureQueue(archive, "FailureQueue", encryption_key=encryption_key) if needs_queue(archive) else None
        )
        self.shipper = self._make_shipper(archive_format)
        self.replay = Replay(
            archive,
            "Replay",
            shipper=self.shipper,
            failure_bucket=self.failure_bucket,
            failure_queue=self.failure_queue,
            schedule=replay_schedule,
        )
        self.firehose = self._make_firehose(delivery) if delivery.has_buffer else None
        self.bucket_grants: list[tuple[iam.IRole, iam.PolicyStatement]] = [*self.shipper.bucket_grants]
        if self.firehose:
            self.bucket_grants += self.firehose.bucket_grants
        if self.firehose or not is_imported:
            # Also for direct delivery: batches that Data Firehose failed to store before the switch.
            self.bucket_grants += self.replay.add_stream(bucket, owner=owner)

    @property
    def functions(self) -> list[ShipperFunction]:
        """The functions that receive lines."""
        return [self.firehose.function, self.shipper] if self.firehose else [self.shipper]

    @property
    def own_log_groups(self) -> list[logs.ILogGroup]:
        """The log groups of all of it, which must never be shipped."""
        of_firehose = [self.firehose.own_log_group] if self.firehose else []
        of_functions = [each.own_log_group for each in (*self.functions, self.replay.function)]
        return [of_functions[0], *of_firehose, *of_functions[1:]]

    def subscription_target(self, delivery: Delivery) -> SubscriptionTarget:
        """Return what log groups are subscribed to."""
        if self.firehose and delivery.is_buffered:
            return self.firehose.subscription_target()
        return function_target(self._archive, self.shipper)

    def _make_shipper(self, archive_format: ArchiveFormat) -> ShipperFunction:
        failures = self.failure_queue or self.failure_bucket
        shipper = ShipperFunction(
            self._archive,
            "Shipper",
            module="queue_fallback" if self.failure_queue else "handler",
            description="Ships CloudWatch Logs to S3",
            bucket=self._bucket,
            owner=self._owner,
            failure_bucket=self.failure_bucket,
            archive_format=archive_format,
            timeout=SHIPPER_TIMEOUT,
            retry_attempts=RETRY_ATTEMPTS,
            max_event_age=MAX_EVENT_AGE,
            on_failure=failures.as_destination(),
        )
        failures.grant_failures(shipper.execution_role)
        if self.failure_queue:
            shipper.add_environment("FAILURE_QUEUE", self.failure_queue.queue_url)
        return shipper

    def _make_firehose(self, delivery: Delivery) -> Firehose:
        firehose = Firehose(
            self._archive,
            "Buffer",
            delivery=delivery,
            bucket=self._bucket,
            owner=self._owner,
            failure_bucket=self.failure_bucket,
        )
        if delivery.is_draining:
            firehose.drain()
        return firehose
