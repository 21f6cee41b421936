"""A Lambda that maintains the archive from time to time."""

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from fargate_constructs._core.nag_suppressions import ALARM, acknowledge
from fargate_constructs._core.threshold_alarm import threshold_alarm
from fargate_constructs.logs.archive_function import ArchiveFunction


class ScheduledFunction(Construct):
    """A Lambda that runs at a rate, is not retried (its next run goes on), and raises an alarm when a run fails."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        folder: str,
        description: str,
        environment: Mapping[str, str],
        rate: Duration,
        memory_size: int,
        timeout: Duration,
    ) -> None:
        super().__init__(scope, id)
        self.function = ArchiveFunction(
            self,
            "Function",
            folder=folder,
            description=description,
            environment=environment,
            memory_size=memory_size,
            timeout=timeout,
            retry_attempts=0,
            max_event_age=rate,
        )
        """The function."""
        self.rule = events.Rule(
            self,
            "Schedule",
            description=description,
            schedule=events.Schedule.rate(rate),
            targets=[targets.LambdaFunction(self.function)],
        )
        """The schedule."""
        meaning = f"{self.node.path}: fails; see {description!r} in its log group"
        self.alarm = threshold_alarm(self, "Alarm", self.function.metric_errors(), meaning)
        """Goes off when a run fails; add your own actions."""
        acknowledge(self.alarm, ALARM)
        acknowledge(self.rule, {"EventBusDLQ": "The next run does the work of a run that was not started."})
