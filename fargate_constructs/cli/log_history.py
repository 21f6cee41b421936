"""Reads the log of some containers over a time: from CloudWatch Logs, and from the archive what CloudWatch Logs lacks.

CloudWatch Logs ──┐
archive in S3 ────┴──> merged ──> each line once, in the order of time
"""

from __future__ import annotations

import heapq
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from fargate_constructs.cli.archived_events import HOUR, ArchivedEvents, ScanSize
from fargate_constructs.cli.archives import DeployedArchive, archive_of, find_archive
from fargate_constructs.cli.cloudwatch_events import CloudWatchEvents
from fargate_constructs.cli.log_events import LogEvent, merged, timestamp_of
from fargate_constructs.cli.log_lines import time_text
from fargate_constructs.cli.log_sources import LogSource, common_prefix, routed_archive

if TYPE_CHECKING:
    from boto3 import Session

MINUTE, DAY = 60_000, 24 * HOUR
# The last lines are searched in these lengths of time, the newest first.
LENGTHS = (MINUTE, 10 * MINUTE, HOUR, 6 * HOUR, DAY, 7 * DAY, 30 * DAY)
# CloudWatch Logs deletes at some time after the retention, so both sides have what is around it.
OVERLAP = HOUR
# What is read without a question: this price in USD, and so many objects, which take a minute.
FREE_USD, FREE_OBJECTS = 0.05, 5_000


class Source(Enum):
    """Where lines are read."""

    auto = "auto"
    cloudwatch = "cloudwatch"
    archive = "archive"
    both = "both"


class Person(NamedTuple):
    """How to ask and tell the person who waits."""

    confirm: Callable[[str], None]
    """Asks a question; raises if the answer is no."""
    note: Callable[[str], None]
    """Tells what is not in the answer, and why."""
    progress: Callable[[str], None]
    """Shows what is read now."""


class Request(NamedTuple):
    """What is asked for."""

    source: Source
    expression: str
    """A regular expression that lines must match."""
    has_begin: bool
    """Whether there is `--since`; otherwise what is past the retention is not read."""
    at: int
    """The time of the request, in milliseconds since 1970."""
    app: Path | None = None
    """The folder of CDK."""


class GroupHistory:
    """The log of containers that share a log group."""

    def __init__(self, session: Session, sources: Sequence[LogSource], request: Request, person: Person) -> None:
        first = sources[0]
        self.log_group, self.region = first.log_group, first.region
        self._session, self._sources, self._person = session, sources, person
        self._request, self._expression = request, re.compile(request.expression)
        self._routed = routed_archive(first) if first.router_bucket else None
        self._archive: DeployedArchive | None = None
        self._archived: ArchivedEvents | None = None
        self._is_searched = self._is_confirmed = False
        self._lines = 0
        self._size = ScanSize()
        client: Any = session.client("logs", region_name=self.region)
        self._group = {} if self._routed else self._described(client)
        self._cloudwatch = (
            CloudWatchEvents(
                client,
                self.log_group,
                stream_prefix=common_prefix(sources),
                expression=request.expression,
                report=person.note,
            )
            if self._group and request.source is not Source.archive
            else None
        )
        self._archive_until = self._boundary()

    @property
    def unreadable(self) -> Sequence[str]:
        """What of the archive could not be read."""
        return self._archived.unreadable if self._archived else ()

    def read(self, begin: int, end: int) -> Iterator[LogEvent]:
        """Yield the events from one time to another, which does not belong to the range, in the order of time."""
        of_cloudwatch = self._cloudwatch.read(begin, end) if self._cloudwatch else iter(())
        of_archive = self._from_archive(begin, min(end, self._archive_until))
        return merged(self._chosen(of_cloudwatch), self._chosen(of_archive))

    @property
    def why_not_cloudwatch(self) -> str:
        """Why CloudWatch Logs has no lines; empty if it has."""
        if self._routed:
            return f"{self.log_group}: a log router sends its lines to S3 alone"
        return "" if self._group else f"there is no log group {self.log_group} in {self.region}"

    def poll(self, begin: int) -> list[LogEvent]:
        """Return the events since a time that were not returned before."""
        return [*self._chosen(self._cloudwatch.poll(begin))] if self._cloudwatch else []

    def _described(self, client: Any) -> dict[str, Any]:  # noqa: ANN401 - of boto3
        """Return what CloudWatch Logs knows about the log group; nothing if it does not exist."""
        for page in client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=self.log_group):
            for each in page["logGroups"]:
                if each["logGroupName"] == self.log_group:
                    return dict(each)
        return {}

    def _boundary(self) -> int:
        """Return until when the archive is read, too."""
        source = self._request.source
        if source is Source.cloudwatch:
            return 0
        is_all = source in (Source.archive, Source.both) or not self._group
        if is_all or (self._sources[0].task and not self._has_streams()):
            return self._request.at + DAY  # events may be of the future
        if not self._request.has_begin:
            return 0
        if "retentionInDays" in self._group:
            return self._request.at - int(self._group["retentionInDays"]) * DAY + OVERLAP
        return int(self._group["creationTime"])

    def _has_streams(self) -> bool:
        """Whether CloudWatch Logs has a stream of the task, or may have one; a person may have deleted it."""
        prefixes = [each.prefix for each in self._sources]
        return not self._cloudwatch or not all(prefixes) or any(map(self._cloudwatch.has_stream, prefixes))

    def _chosen(self, events: Iterator[LogEvent] | Sequence[LogEvent]) -> Iterator[LogEvent]:
        """Yield the events of the containers that match the expression."""
        wanted: dict[str, bool] = {}
        for each in events:
            if each.stream not in wanted:
                wanted[each.stream] = any(source.has(each.stream) for source in self._sources)
            self._lines += 1
            if self._lines % 500 == 0:
                self._person.progress(
                    f"{self.log_group} at {time_text(each.timestamp)} UTC, {self._lines:,} lines read"
                )
            if wanted[each.stream] and self._expression.search(each.message):
                yield each

    def _from_archive(self, begin: int, end: int) -> Iterator[LogEvent]:
        if begin >= end:
            return
        if not self._is_searched:
            self._is_searched = True
            self._archived = self._find_archived()
        if self._archived and not self._is_confirmed:
            self._person.progress(f"counts the objects of {self.log_group} in the archive")
            self._archived = self._counted(self._archived, begin, end)
        if self._archived:
            yield from self._archived.read(begin, end)

    def _counted(self, archived: ArchivedEvents, begin: int, end: int) -> ArchivedEvents | None:
        """Return the archive, after the person has confirmed what it costs; nothing if it may not be read."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - `--help` starts without it

        try:
            size = archived.size(begin, end)
        except ClientError as error:
            self._note_missing(" ".join(str(error).split()))
            return None
        self._size = ScanSize(*map(sum, zip(self._size, size, strict=True)))
        self._confirm(self._size)
        return archived

    def _find_archived(self) -> ArchivedEvents | None:
        """Return the archive of the log group; tell the person if there is none that can be read.

        Raises:
            ValueError: If there is neither the log group nor an archive that has something of it.
        """
        from botocore.exceptions import ClientError  # noqa: PLC0415 - `--help` starts without it

        found, why = self._routed, "no archive was found"
        try:
            if self._group:
                found = archive_of(self._session, self.log_group, self.region)
            elif not found:
                found = find_archive(self._session, "", self._request.app, self.region)
        except (ClientError, ValueError) as error:
            why = " ".join(str(error).split())
        if found and not found.format:
            why = f"{found.name} lacks {'; '.join(found.lacks)}"
        if found and found.format:
            archived = ArchivedEvents(self._session, found, self.log_group, progress=self._show)
            if self._group or self._routed or archived.has_any():
                return archived
            why = f"{found.name} has nothing of it"
        if not self._group:
            raise ValueError(f"there is no log group {self.log_group} in {self.region}, and in the archive: {why}")
        self._note_missing(why)
        return None

    def _note_missing(self, why: str) -> None:
        """Tell the person that lines of the archive are missing."""
        before = f" before {time_text(self._archive_until)[:16]} UTC" if self._archive_until < self._request.at else ""
        self._person.note(f"{self.log_group}: lines{before} are not read from an archive: {why}")

    def _show(self) -> None:
        assert self._archived
        self._person.progress(
            f"{self.log_group} in the archive at {self._archived.hour:%Y-%m-%d %H}:00 UTC, "
            f"{self._archived.objects_read:,} objects read"
        )

    def _confirm(self, size: ScanSize) -> None:
        """Ask the person if a read of the archive takes long or costs."""
        if size.usd <= FREE_USD and size.objects <= FREE_OBJECTS:
            return
        cold = f", {size.cold_bytes / 1e9:,.1f} of them in Glacier Instant Retrieval" if size.cold_bytes else ""
        self._person.confirm(
            f"The archive has {size.objects:,} objects of {self.log_group} in this range, {size.bytes / 1e9:,.1f} GB"
            f"{cold}. To read them costs at most {size.usd:,.2f} USD."
        )
        self._is_confirmed = True


class LogHistory:
    """The logs of some containers, which may be in several log groups."""

    def __init__(self, groups: Sequence[GroupHistory], at: int) -> None:
        self.groups, self.at = groups, at

    @property
    def unreadable(self) -> list[str]:
        """What could not be read."""
        return [text for each in self.groups for text in each.unreadable]

    def read(self, begin: int, end: int) -> Iterator[LogEvent]:
        """Yield the events from one time to another, which does not belong to the range, in the order of time."""
        return heapq.merge(*(each.read(begin, end) for each in self.groups), key=timestamp_of)

    def last(self, begin: int, end: int, count: int) -> list[LogEvent]:
        """Return the last events of a range, in the order of time; what is older is not read."""
        found: list[LogEvent] = []
        for start, stop in pieces(begin, end, self.at):
            if len(found) >= count:
                break
            found = [*deque(self.read(start, stop), maxlen=count - len(found)), *found]
        return found

    def poll(self, begin: int) -> list[LogEvent]:
        """Return the events since a time that were not returned before, in the order of time."""
        return sorted((event for each in self.groups for event in each.poll(begin)), key=timestamp_of)


def pieces(begin: int, end: int, at: int) -> Iterator[tuple[int, int]]:
    """Divide a range, from its end on, into longer and longer pieces; the archive is read in whole hours.

    Lines with a time after *at* are with those of the last minute before it.
    """
    stop, latest, lengths = end, min(end, at), chain(LENGTHS, (LENGTHS[-1] * 2**power for power in count(1)))
    while stop > begin:
        length = next(lengths)
        start = latest - length
        if length >= HOUR:
            start -= start % HOUR
        yield max(start, begin), stop
        latest = stop = start
