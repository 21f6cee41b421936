"""Reads a log group over a time: from CloudWatch Logs, and from the archive what CloudWatch Logs lacks.

CloudWatch Logs ──┐
archive in S3 ────┴──> merged ──> each line once, in the order of time
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from os.path import commonprefix
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from fargate_constructs.cli.aws import one_line
from fargate_constructs.cli.deployed.archives import DeployedArchive, archive_of, readable_archives
from fargate_constructs.cli.deployed.cloudwatch_log_groups import describe_log_group
from fargate_constructs.cli.deployed.deployed_resources import listed
from fargate_constructs.cli.events.archived_events import HOUR, ArchivedEvents, ScanSize
from fargate_constructs.cli.events.cloudwatch_events import CloudWatchEvents
from fargate_constructs.cli.events.log_events import LogEvent, merged, time_text
from fargate_constructs.cli.logs.log_sources import LogSource
from fargate_constructs.cli.terminal.output import counted

if TYPE_CHECKING:
    from boto3 import Session

DAY = 24 * HOUR
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
    has_time: bool
    """Whether there is `--since` or `--until`; otherwise what is past the retention is not read."""
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
        bucket = first.router_bucket
        self._routed = DeployedArchive(bucket, self.region, bucket, "", "ndjson", "log_group=") if bucket else None
        self._archived: ArchivedEvents | None = None
        self._is_searched = False
        self._lines = 0
        self._unasked = ScanSize()
        self.is_complete = True
        """Whether all that was asked for may be read; an object that could not be read is in `unreadable`."""
        self._client: Any = session.client("logs", region_name=self.region)
        self._group = {} if self._routed else describe_log_group(self._client, self.log_group)
        self._cloudwatch = (
            CloudWatchEvents(
                self._client,
                self.log_group,
                stream_prefix=commonprefix([each.prefix for each in sources]),  # noqa: RUF071 - of characters
                expression=request.expression,
                report=person.note,
                progress=self._show_request,
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

    def _boundary(self) -> int:
        """Return until when the archive is read, too."""
        source = self._request.source
        if source is Source.cloudwatch:
            return 0
        is_all = source in (Source.archive, Source.both) or not self._group
        if is_all or (self._sources[0].task and not self._has_streams()):
            return self._request.at + DAY  # events may be of the future
        if not self._request.has_time:
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
        if not self._archived:
            return
        self._person.progress(f"counts the objects of {self.log_group} in the archive")
        try:
            size = self._archived.size(begin, end)
        except self._client.exceptions.ClientError as error:
            self.is_complete, self._archived = False, None
            self._note_missing(one_line(error))
            return
        self._unasked = ScanSize(*map(sum, zip(self._unasked, size, strict=True)))
        self._confirm(self._unasked, begin)
        yield from self._archived.read(begin, end)

    def _find_archived(self) -> ArchivedEvents | None:
        """Return the archive of the log group; tell the person if there is none that can be read.

        Raises:
            ValueError: If there is neither the log group nor an archive that has something of it, or if the person
                asked for the archive alone.
        """
        if not self._group and not self._routed:
            return self._of_deleted_group()
        found, why = self._routed, "no archive was found"
        try:
            found = found or archive_of(self._session, self.log_group, self.region)
        except (self._client.exceptions.ClientError, ValueError) as error:
            why, self.is_complete = one_line(error), False
        if found and found.format:
            return self._archived_in(found)
        if found:
            why = f"{found.name} lacks {'; '.join(found.lacks)}"
        if self._request.source is Source.archive:
            raise ValueError(f"{self.log_group} must have an archive that can be read: {why}")
        self._note_missing(why)
        return None

    def _of_deleted_group(self) -> ArchivedEvents:
        """Return the first archive that has something of the log group, of which CloudWatch Logs knows nothing."""
        names = []
        for each in readable_archives(self._session, self._request.app, self.region):
            archived = self._archived_in(each)
            if archived.has_any():
                return archived
            names.append(each.name)
        raise ValueError(
            f"there is no log group {self.log_group} in {self.region}, and no archive has its lines; got: "
            f"{listed(names) or 'no archive'}"
        )

    def _archived_in(self, archive: DeployedArchive) -> ArchivedEvents:
        return ArchivedEvents(self._session, archive, self.log_group, progress=self._show)

    def _note_missing(self, why: str) -> None:
        """Tell the person that lines of the archive are missing."""
        before = f" before {time_text(self._archive_until)[:16]} UTC" if self._archive_until < self._request.at else ""
        self._person.note(f"{self.log_group}: lines{before} are not read from an archive: {why}")

    def _show_request(self, number: int) -> None:
        self._person.progress(
            f"{self.log_group} is searched in CloudWatch Logs, {counted(number, 'request')}, {self._lines:,} lines read"
        )

    def _show(self) -> None:
        assert self._archived
        self._person.progress(
            f"{self.log_group} in the archive at {self._archived.hour:%Y-%m-%d %H}:00 UTC, "
            f"{self._archived.objects_read:,} objects read"
        )

    def _confirm(self, size: ScanSize, begin: int) -> None:
        """Ask the person if a read of the archive takes long or costs; again, if the last lines need more of it."""
        if size.usd <= FREE_USD and size.objects <= FREE_OBJECTS:
            return
        cold = f", {size.cold_bytes / 1e9:,.1f} of them in Glacier Instant Retrieval" if size.cold_bytes else ""
        self._person.confirm(
            f"The archive has {counted(size.objects, 'object')} of {self.log_group} "
            f"from {time_text(begin)[:16]} UTC on, {size.bytes / 1e9:,.1f} GB{cold}. "
            f"To read them costs at most {size.usd:,.2f} USD."
        )
        self._unasked = ScanSize()
