"""The alarms of an archive."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from fargate_constructs._core.construct_paths import path_of
from fargate_constructs._core.nag_suppressions import ALARM, acknowledge
from fargate_constructs._core.threshold_alarm import threshold_alarm
from fargate_constructs.logs.archive_function import ShipperFunction
from fargate_constructs.logs.failure_queue import FailureQueue
from fargate_constructs.logs.firehose import Firehose
from fargate_constructs.logs.replay import Replay

FIVE_MINUTES = Duration.minutes(5)

# Milliseconds. Lambda retries after one minute and after two more. A batch that is older failed each time, or waits
# because the function is throttled (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html).
LATE_BATCH = 5 * 60 * 1000
# Milliseconds, in this number of periods of five minutes in a row. Lambda's retries make a batch at most five minutes
# late, and a replay or the backlog of a host that was offline ends before the third period.
LATE_EVENT, LATE_PERIODS = 10 * 60 * 1000, 3
# Seconds: three failed hourly replays.
OLD_FAILURE = 3 * 60 * 60
# Seconds. Data Firehose delivers within 1.5 times the longest buffer of 15 minutes; this is twice that time.
LATE_STREAM = 45 * 60


class Alarms:
    """The alarms of an archive, as its children."""

    def __init__(self, archive: Construct, actions: Sequence[cloudwatch.IAlarmAction]) -> None:
        self._archive = archive
        self._actions = actions
        self.all: list[cloudwatch.Alarm] = []

    def add(
        self,
        id: str,
        metric: cloudwatch.IMetric,
        meaning: str,
        *,
        threshold: float = 1,
        periods: int = 1,
        treat_missing_data: cloudwatch.TreatMissingData | None = None,
    ) -> cloudwatch.Alarm:
        """Add an alarm that is raised when a metric reaches a threshold in each of some periods of five minutes."""
        alarm = threshold_alarm(
            self._archive,
            f"{id}Alarm",
            metric,
            f"{path_of(self._archive)}: {meaning}",
            threshold=threshold,
            periods=periods,
            treat_missing_data=treat_missing_data,
        )
        self.adopt(alarm)
        if not self._actions:
            acknowledge(alarm, ALARM)
        return alarm

    def adopt(self, alarm: cloudwatch.Alarm) -> None:
        """Add the same actions to another alarm."""
        if self._actions:
            alarm.add_alarm_action(*self._actions)
        self.all.append(alarm)

    def watch_shipper(self, shipper: ShipperFunction, failure_queue: FailureQueue | None) -> None:
        """Watch the shipper, and the failure queue, if there is one.

        In China Lambda has no metrics of its own about the age of asynchronous invocations and those it dropped
        (https://docs.amazonaws.cn/en_us/aws/latest/userguide/lambda.html#feature-diff); the queue has.
        """
        undelivered = shipper.metric("DestinationDeliveryFailures", statistic="Sum", period=FIVE_MINUTES)
        self.add("Errors", shipper.metric_errors(), "the log shipper fails; Lambda tries again")
        self.add("Throttles", shipper.metric_throttles(), "the log shipper is throttled; Lambda tries again")
        if failure_queue:
            dropped = failure_queue.metric_number_of_messages_sent(statistic="Sum", period=FIVE_MINUTES)
            self._watch_queue(failure_queue)
        else:
            age = shipper.metric("AsyncEventAge", statistic="Maximum", period=FIVE_MINUTES)
            dropped = shipper.metric("AsyncEventsDropped", statistic="Sum", period=FIVE_MINUTES)
            self.add("Age", age, "batches of logs wait for the log shipper", threshold=LATE_BATCH)
        self.add("Dropped", dropped, "Lambda gave up on batches of logs; they are replayed from the failure bucket")
        self.add("Undelivered", undelivered, "batches of logs reached neither the archive nor the failure bucket")
        self._watch_lag("Lag", shipper)
        self.add("Quarantine", shipper.metric_quarantined_batches(), "batches of logs could not be read")

    def watch_replay(self, replay: Replay) -> None:
        """Watch the replay function, and batches that it cannot replay."""
        self.add("ReplayErrors", replay.function.metric_errors(), "failed batches of logs cannot be replayed")
        self.add(
            "Waiting",
            replay.metric_oldest_failure_age(),
            "batches of logs fail again and again; see the replay function's log",
            threshold=OLD_FAILURE,
            # Each run measures it once; the value holds until the next run.
            treat_missing_data=cloudwatch.TreatMissingData.IGNORE,
        )

    def watch_subscriptions(self, filter_name: str) -> None:
        """Watch the delivery of CloudWatch Logs, of all log groups together.

        One query over the name that all subscriptions share replaces an alarm for each log group; metric math takes at
        most ten of them
        (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Create_Metrics_Insights_Alarm.html).
        """
        for name, meaning in (
            ("DeliveryErrors", "CloudWatch Logs cannot deliver and drops log events"),
            ("DeliveryThrottling", "CloudWatch Logs is throttled; it tries again for a day"),
        ):
            query = f"SELECT SUM({name}) FROM \"AWS/Logs\" WHERE FilterName = '{filter_name}'"  # noqa: S608 - no SQL
            self.add(name, cloudwatch.MathExpression(expression=query, period=FIVE_MINUTES), meaning)

    def watch_firehose(self, firehose: Firehose) -> None:
        """Watch Data Firehose and the function that prepares its batches."""
        quarantined = firehose.function.metric_quarantined_batches()
        self._watch_lag("TransformLag", firehose.function)
        self.add("TransformQuarantine", quarantined, "batches of logs for Data Firehose could not be read")
        self.add(
            "TransformErrors", firehose.function.metric_errors(), "batches for Data Firehose fail; they are replayed"
        )
        self.add("TransformThrottles", firehose.function.metric_throttles(), "batches for Data Firehose are throttled")
        self.add(
            "StreamAge",
            firehose.metric("DeliveryToS3.DataFreshness", "Maximum"),
            "Data Firehose is late",
            threshold=LATE_STREAM,
        )
        self.add(
            "Partitions",
            firehose.metric("PartitionCountExceeded", "Maximum"),
            "more log groups and hours at a time than Data Firehose's quota; batches above it are replayed",
        )

    def _watch_queue(self, failure_queue: FailureQueue) -> None:
        age = failure_queue.metric_approximate_age_of_oldest_message(statistic="Maximum", period=FIVE_MINUTES)
        self.add(
            "FailureQueue",
            age,
            "failed batches of logs are not moved from the failure queue, which deletes them after 14 days",
            threshold=OLD_FAILURE,
            # SQS sends no metrics of a queue that nothing has used for six hours, also if it is not empty
            # (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/monitoring-using-cloudwatch.html).
            treat_missing_data=cloudwatch.TreatMissingData.IGNORE,
        )

    def _watch_lag(self, id: str, function: ShipperFunction) -> None:
        meaning = "logs have come minutes late for 15 minutes; CloudWatch Logs or the application is slow"
        self.add(id, function.metric_lag(), meaning, threshold=LATE_EVENT, periods=LATE_PERIODS)
