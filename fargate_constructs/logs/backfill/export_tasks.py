"""The export tasks of a log group, and their files."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, NamedTuple

from fargate_constructs.logs.backfill import PREFIX
from fargate_constructs.logs.backfill.events import Event, milliseconds, parse
from fargate_constructs.logs.backfill.zipped_objects import BackfillError, UnreadableError, keys, unzipped


class Day(NamedTuple):
    """A day, or a part of a day at the beginning or end of the range."""

    begin: datetime
    end: datetime

    def __str__(self) -> str:
        """The name of the day in messages."""
        return f"{self.begin:%Y-%m-%d}"


class ExportTasks:
    """The export tasks of one log group, one at a time."""

    def __init__(
        self,
        *,
        logs: Any,  # noqa: ANN401 - boto3 makes its classes at run time
        s3: Any,  # noqa: ANN401 - the same
        log_group: str,
        bucket: str,
        report: Callable[[str], None],
        poll_seconds: float,
    ) -> None:
        self._logs, self._s3, self._log_group, self._bucket = logs, s3, log_group, bucket
        self._report, self._poll_seconds = report, poll_seconds

    def validate(self) -> None:
        """Refuse a log group that is not there.

        Raises:
            BackfillError: There is none with this name in the account and region.
        """
        _ = self._created

    def first_moment(self) -> datetime:
        """Return the time of the log group's creation or of its first event, which may be earlier."""
        created = self._created
        first = (stream.get("firstEventTimestamp", created) for stream in self._streams)
        return datetime.fromtimestamp(min([created, *first]) / 1000, UTC)

    def run(self, day: Day) -> str:
        """Run an export task to its end; return the folder with its files."""
        task_id = self._begin(day)
        while True:
            [task] = self._logs.describe_export_tasks(taskId=task_id)["exportTasks"]
            status = task["status"]
            if status["code"] == "COMPLETED":
                return f"{PREFIX}/{task_id}/"
            if status["code"] in {"CANCELLED", "FAILED", "PENDING_CANCEL"}:
                raise UnreadableError(f"the export task ended as {status['code']}: {status.get('message')}")
            time.sleep(self._poll_seconds)

    def events(self, day: Day, folder: str) -> Iterator[Event]:
        """Return the day's events in a folder of exported files, stream by stream."""
        names = defaultdict[str, list[str]](list)
        for name in (stream["logStreamName"] for stream in self._streams):
            names[name.replace("/", "-")].append(name)
        when, end = self._exported_range(day), milliseconds(day.end)
        for key in keys(self._s3, self._bucket, folder):
            exported = key.removeprefix(folder).rpartition("/")[0]
            candidates = names[exported]
            stream = candidates[0] if len(candidates) == 1 else exported
            with unzipped(self._s3, self._bucket, key) as file:
                content = file.read()  # all of it, so that it is known to be whole
            # Bytes that are no UTF-8 become lone surrogates, each its own, so that no two messages become one.
            text = content.decode(errors="surrogateescape")
            yield from (Event(stream, at, message) for at, message in parse(text, when) if at < end)

    def _begin(self, day: Day) -> str:
        """Start an export task when no other is running."""
        waiting, when = False, self._exported_range(day)
        while True:
            try:
                task_id: str = self._logs.create_export_task(
                    taskName=f"backfill-{day}",
                    logGroupName=self._log_group,
                    fromTime=when.start,
                    to=when.stop - 1,
                    destination=self._bucket,
                    destinationPrefix=PREFIX,
                )["taskId"]
            except self._logs.exceptions.LimitExceededException:
                if not waiting:
                    self._report(f"{day}  waiting: another export task of this account is running")
                waiting = True
                time.sleep(self._poll_seconds)
            else:
                return task_id

    def _exported_range(self, day: Day) -> range:
        """Return the range to export for a day, in milliseconds; it ends at the log group's creation or later.

        CloudWatch Logs accepts no earlier end
        (https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateExportTask.html), but events of
        the two weeks before that.
        """
        return range(milliseconds(day.begin), max(milliseconds(day.end), self._created + 1))

    @cached_property
    def _created(self) -> int:
        """The time of the log group's creation, in milliseconds."""
        groups = self._logs.describe_log_groups(logGroupNamePrefix=self._log_group)["logGroups"]
        created: list[int] = [each["creationTime"] for each in groups if each["logGroupName"] == self._log_group]
        if not created:
            raise BackfillError(f"there is no log group {self._log_group!r} in this account and region")
        return created[0]

    @cached_property
    def _streams(self) -> list[dict[str, Any]]:
        """The response of CloudWatch Logs for each stream."""
        pages = self._logs.get_paginator("describe_log_streams").paginate(logGroupName=self._log_group)
        return [stream for page in pages for stream in page["logStreams"]]
