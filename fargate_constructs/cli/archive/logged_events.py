"""Reads the events of a log group from CloudWatch Logs, all of them, with their IDs; and for how long it keeps them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from fargate_constructs.cli.aws import paged
from fargate_constructs.cli.deployed.cloudwatch_log_groups import describe_log_group
from fargate_constructs.cli.events.cloudwatch_events import CloudWatchEvents
from fargate_constructs.cli.events.log_events import LogEvent

if TYPE_CHECKING:
    from boto3 import Session

# FilterLogEvents gives a MB a page, and an account has 5 pages a second in most regions
# (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html). Other readers use some.
BYTES_PER_PAGE, PAGES_PER_SECOND = 1_000_000, 3


class LoggedEvents:
    """CloudWatch Logs in a region."""

    def __init__(self, session: Session, region: str, report: Callable[[str], None]) -> None:
        self._region, self._report = region, report
        self._logs: Any = session.client("logs", region_name=region)
        self._metrics: Any = session.client("cloudwatch", region_name=region)

    def retention(self, log_group: str) -> timedelta | None:
        """Return after how long the events of a log group are deleted; `None` if they never are.

        Raises:
            ValueError: If there is no such log group.
        """
        found = describe_log_group(self._logs, log_group)
        if not found:
            raise ValueError(f"CloudWatch Logs in {self._region} has no log group {log_group}; correct --log-group")
        return timedelta(days=found["retentionInDays"]) if "retentionInDays" in found else None

    def received_bytes(self, log_group: str, begin: datetime, end: datetime) -> int:
        """Return how many bytes a log group received between two times, by its metric."""
        query = {
            "Id": "received",
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/Logs",
                    "MetricName": "IncomingBytes",
                    "Dimensions": [{"Name": "LogGroupName", "Value": log_group}],
                },
                "Period": 3600,
                "Stat": "Sum",
            },
        }
        first = begin.replace(minute=0, second=0, microsecond=0)
        period = {"StartTime": first, "EndTime": end}
        found = paged(self._metrics, "get_metric_data", "MetricDataResults", MetricDataQueries=[query], **period)
        return int(sum(value for each in found for value in each["Values"]))

    def read(self, log_group: str, begin: int, end: int) -> Iterator[LogEvent]:
        """Yield the events from one time to another, which does not belong to the range."""
        return CloudWatchEvents(self._logs, log_group, report=self._report).read(begin, end)
