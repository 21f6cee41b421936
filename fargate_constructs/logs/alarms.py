"""The alarms of an archive.

```
shipper, replay, Data Firehose, CloudWatch Logs ── metrics ──> [Alarms] ──> your actions
```
"""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from fargate_constructs._core.nag_suppressions import ALARM, acknowledge
from fargate_constructs.logs.firehose import Buffer
from fargate_constructs.logs.replayer import Replayer
from fargate_constructs.logs.shipper_function import ArchivingFunction

FIVE_MINUTES = Duration.minutes(5)

# Milliseconds. Lambda tries again after one minute and after two more; a batch that is older had no luck with it, or
# waits because the function is throttled (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html).
LATE_BATCH = 5 * 60 * 1000
# Milliseconds, in as many periods of five minutes one after the other. Lambda's own retries make a batch no more than
# five minutes late, and a replay or the backlog of a host that was offline is over before the third period.
LATE_EVENT, LATE_PERIODS = 10 * 60 * 1000, 3
# Seconds. Three hourly replays that did not help.
OLD_FAILURE = 3 * 60 * 60
# Seconds. Data Firehose delivers within 1.5 times the longest buffer of 15 minutes; this is twice as late.
LATE_STREAM = 45 * 60


class Alarms:
    """The alarms of an archive, as its children.

    Args:
        archive: The archive.
        actions: What happens when one of them goes off.
    """

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
        evaluation_periods: int = 1,
        treat_missing_data: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING,
    ) -> cloudwatch.Alarm:
        """Add one that goes off when a metric reaches a threshold.

        Args:
            id: What the alarm's ID begins with.
            metric: The metric.
            meaning: What has happened, for the person it wakes.
            threshold: The value. By default 1, for what should never happen.
            evaluation_periods: In how many periods of five minutes, one after the other. By default in one.
            treat_missing_data: What no data means. By default that all is well.
        """
        alarm = cloudwatch.Alarm(
            self._archive,
            f"{id}Alarm",
            metric=metric,
            alarm_description=f"{self._archive.node.path}: {meaning}",
            threshold=threshold,
            evaluation_periods=evaluation_periods,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=treat_missing_data,
        )
        self.adopt(alarm)
        if not self._actions:
            acknowledge(alarm, ALARM)
        return alarm

    def adopt(self, alarm: cloudwatch.Alarm) -> None:
        """Let one that was made elsewhere do what the others do."""
        alarm.add_alarm_action(*self._actions)
        self.all.append(alarm)

    def watch_shipper(self, shipper: ArchivingFunction) -> None:
        """Watch the function that ships."""
        age, dropped, undelivered = (
            shipper.metric(name, statistic=statistic, period=FIVE_MINUTES)
            for name, statistic in (
                ("AsyncEventAge", "Maximum"),
                ("AsyncEventsDropped", "Sum"),
                ("DestinationDeliveryFailures", "Sum"),
            )
        )
        self.add("Errors", shipper.metric_errors(), "the log shipper fails; Lambda tries again")
        self.add("Throttles", shipper.metric_throttles(), "the log shipper is throttled; Lambda tries again")
        self.add("Age", age, "batches of logs wait for the log shipper", threshold=LATE_BATCH)
        self.add("Dropped", dropped, "Lambda gave up on batches of logs; they are replayed from the failure bucket")
        self.add("Undelivered", undelivered, "batches of logs reached neither the archive nor the failure bucket")
        self._watch_lag("Lag", shipper)
        self.add("Quarantine", shipper.metric_quarantined_batches(), "batches of logs could not be read")

    def watch_replay(self, replayer: Replayer) -> None:
        """Watch what brings failures back, and those that it cannot."""
        self.add("ReplayErrors", replayer.function.metric_errors(), "failed batches of logs cannot be replayed")
        self.add(
            "Waiting",
            replayer.metric_oldest_failure_age(),
            "batches of logs fail again and again; see the replay function's log",
            threshold=OLD_FAILURE,
            # It is measured once in each run; what it said holds until the next.
            treat_missing_data=cloudwatch.TreatMissingData.IGNORE,
        )

    def watch_subscriptions(self, filter_name: str) -> None:
        """Watch CloudWatch Logs deliver, over all log groups at once.

        One query over the name that all subscriptions share takes the place of an alarm for each log group; metric math
        could take no more than ten of them
        (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Create_Metrics_Insights_Alarm.html).
        """
        for name, meaning in (
            ("DeliveryErrors", "CloudWatch Logs cannot deliver and drops log events"),
            ("DeliveryThrottling", "CloudWatch Logs is throttled; it tries again for a day"),
        ):
            query = f"SELECT SUM({name}) FROM \"AWS/Logs\" WHERE FilterName = '{filter_name}'"  # noqa: S608 - no SQL
            self.add(name, cloudwatch.MathExpression(expression=query, period=FIVE_MINUTES), meaning)

    def watch_buffer(self, buffer: Buffer) -> None:
        """Watch Data Firehose and the function that prepares its batches."""
        quarantined = buffer.function.metric_quarantined_batches()
        self._watch_lag("TransformLag", buffer.function)
        self.add("TransformQuarantine", quarantined, "batches of logs for Data Firehose could not be read")
        self.add(
            "TransformErrors", buffer.function.metric_errors(), "batches for Data Firehose fail; they are replayed"
        )
        self.add("TransformThrottles", buffer.function.metric_throttles(), "batches for Data Firehose are throttled")
        self.add(
            "StreamAge",
            buffer.metric("DeliveryToS3.DataFreshness", "Maximum"),
            "Data Firehose is late",
            threshold=LATE_STREAM,
        )
        self.add(
            "Partitions",
            buffer.metric("PartitionCountExceeded", "Maximum"),
            "more log groups and hours at a time than Data Firehose's quota; what is over it is replayed",
        )

    def _watch_lag(self, id: str, function: ArchivingFunction) -> None:
        meaning = "logs have come minutes late for a quarter of an hour; CloudWatch Logs, or who writes them, is behind"
        self.add(id, function.metric_lag(), meaning, threshold=LATE_EVENT, evaluation_periods=LATE_PERIODS)
