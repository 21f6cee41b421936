"""Reads the events of a log group from CloudWatch Logs: a range, or what comes from now on.

FilterLogEvents, page by page ──> events in the order of time
FilterLogEvents, every two seconds, of the last half minute; each half minute, of the last minutes ──> new events

StartLiveTail is not used to follow: it leaves events out above 500 a second, ends after three hours, and costs 0.01 USD
a minute (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatchLogs_LiveTail.html,
https://aws.amazon.com/cloudwatch/pricing/). FilterLogEvents costs nothing.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from fargate_constructs.cli.aws import aws_errors, code_of, is_passing
from fargate_constructs.cli.events.log_events import LogEvent, timestamp_of
from fargate_constructs.cli.terminal.moments import milliseconds, now

# How long a poll waits, and over how long it reads again what may have come late; that of every poll, and that of a
# longer one from time to time. The awslogs driver and agents send within seconds, and try again if CloudWatch Logs
# refuses. FilterLogEvents knows no order of arrival.
PAUSE_SECONDS = 2.0
RECENT, LATE, SWEEP_EVERY = 30_000, 300_000, 30_000
# By so much the first poll may have begun before its answer.
SLACK = 60_000
# CloudWatch Logs takes 5 to 10 requests a second of an account and region, of all its users
# (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html). boto3 tries three times; this
# command waits for up to ten minutes: a network that comes back, a laptop that was closed.
WAITS = (1.0, 2.0, 4.0, 8.0, 15.0, *([30.0] * 19))
# A token may come several times, with pages that have no events (https://github.com/aws/aws-cli/issues/3191).
MAX_SAME = 100
# What CloudWatch Logs takes for literal characters within `%…%`
# (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/regex-expressions.html).
LITERAL = r"[A-Za-z0-9:_#=@/;,-]"
MIN_LITERAL = 3


class CloudWatchEvents:
    """The events that CloudWatch Logs has of a log group."""

    def __init__(
        self,
        client: Any,  # noqa: ANN401 - of boto3
        log_group: str,
        *,
        stream_prefix: str = "",
        expression: str = "",
        report: Callable[[str], None] = lambda _: None,
        progress: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Read nothing yet.

        Args:
            client: That of CloudWatch Logs.
            log_group: Its name.
            stream_prefix: What the names of the streams begin with. By default all streams.
            expression: A regular expression that the events must match. CloudWatch Logs may leave out events that do
                not match; others may come.
            report: Called with what a person should know: that AWS limits the rate.
            progress: Called after a page without events that is not the last, with the number of requests.
        """
        self._client, self._log_group = client, log_group
        self._parameters = {"logGroupName": log_group}
        if stream_prefix:
            self._parameters["logStreamNamePrefix"] = stream_prefix
        if pattern := filter_pattern(expression):
            self._parameters["filterPattern"] = pattern
        self._report, self._progress = report, progress
        # Times of CloudWatch Logs, in milliseconds, because the clock of this computer may be wrong.
        self._clock: int | None = None
        self._polled: int | None = None
        self._swept: int | None = None
        self._seen: dict[str, int] = {}

    def read(self, begin: int, end: int | None = None) -> Iterator[LogEvent]:
        """Yield the events from one time to another, which does not belong to the range, in the order of time."""
        request: dict[str, Any] = {**self._parameters, "startTime": max(begin, 0)}
        if end is not None:
            if end <= max(begin, 0):
                return
            request["endTime"] = end - 1
        number = same = 0
        while True:
            number += 1
            answer = self._ask(request)
            for each in answer["events"]:
                stream, message, received = each["logStreamName"], each["message"], each["ingestionTime"]
                yield LogEvent(each["timestamp"], self._log_group, stream, message, each["eventId"], received)
            token = answer.get("nextToken")
            if not token:
                return
            if not answer["events"]:
                self._progress(number)
            same = same + 1 if token == request.get("nextToken") else 0
            if same == MAX_SAME:
                raise ValueError(
                    f"CloudWatch Logs does not come to the end of {self._log_group}; write another --since"
                )
            request["nextToken"] = token

    def poll(self, begin: int) -> list[LogEvent]:
        """Return the events since a time that were not returned before, in the order of time.

        An event that comes up to five minutes late is returned, and so is one with the same time as another.
        """
        known, started = self._clock, milliseconds(now())
        is_sweep = known is None or self._swept is None or known - self._swept >= SWEEP_EVERY
        since = (self._swept or 0) - LATE if is_sweep else (self._polled or 0) - RECENT
        new = {each.id: each for each in self.read(max(begin, since)) if each.id not in self._seen}
        # The time of the answer before this poll, so that nothing can come between it and this poll unseen.
        self._polled = known or (self._clock or started) - SLACK
        if is_sweep:
            self._swept = self._polled
        self._seen.update((each.id, each.timestamp) for each in new.values())
        oldest = (self._swept or 0) - LATE  # no later request begins before it
        self._seen = {id_: timestamp for id_, timestamp in self._seen.items() if timestamp >= oldest}
        return sorted(new.values(), key=timestamp_of)

    def has_stream(self, prefix: str) -> bool:
        """Whether there is a stream whose name begins so."""
        answer = self._client.describe_log_streams(logGroupName=self._log_group, logStreamNamePrefix=prefix, limit=1)
        return bool(answer["logStreams"])

    def _ask(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a page; wait if AWS limits the rate, or is not there for a while."""
        waits = iter(WAITS)
        while True:
            try:
                answer: Mapping[str, Any] = self._client.filter_log_events(**request)
                break
            except aws_errors() as error:
                code = code_of(error) or type(error).__name__
                wait = next(waits, None)
                if wait is None or not is_passing(error):
                    raise
                self._report(f"CloudWatch Logs: {code}; next attempt in {wait:g} s")
                time.sleep(wait)
        date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
        if date:
            self._clock = milliseconds(parsedate_to_datetime(date))
        return answer


def filter_pattern(expression: str) -> str:
    """Return a pattern of CloudWatch Logs that each text with a match of a regular expression fits.

    It is the longest literal part of the expression, or alternatives that are literal. It is empty if there is none,
    or if parts of the expression may be optional.
    """
    if re.fullmatch(rf"{LITERAL}+(\|{LITERAL}+)+", expression):
        return f"%{expression}%"
    if re.search(r"[|(\[{?*]|\\(?![dwsbDWSB]|[^\w])", expression):
        return ""
    parts = re.findall(rf"{LITERAL}+", re.sub(r"\\.", " ", expression))
    longest = max(parts, key=len, default="")
    return f"%{longest}%" if len(longest) >= MIN_LITERAL else ""
