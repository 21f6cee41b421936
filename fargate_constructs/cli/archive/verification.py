"""Verifies an archive: which log groups, hour by hour, and what to do about what is missing.

CloudWatch Logs ──┐
archive ──────────┼──> an hour of a log group ──> counts, missing events ──> replay, backfill
failed batches ───┘
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from shlex import quote
from typing import TYPE_CHECKING

from fargate_constructs.cli.archive.archived_log_groups import archived_log_groups, subscribed_log_groups
from fargate_constructs.cli.archive.failed_batches import WaitingEvents
from fargate_constructs.cli.archive.hour_comparison import Hour, Waiting, compare
from fargate_constructs.cli.archive.logged_events import BYTES_PER_PAGE, PAGES_PER_SECOND, LoggedEvents
from fargate_constructs.cli.deployed.deployed_resources import listed
from fargate_constructs.cli.events.archived_events import ArchivedEvents
from fargate_constructs.cli.terminal import moments
from fargate_constructs.cli.terminal.confirmation import confirm
from fargate_constructs.cli.terminal.moments import as_text, milliseconds
from fargate_constructs.cli.terminal.output import counted, in_bytes

if TYPE_CHECKING:
    from boto3 import Session

    from fargate_constructs.cli.deployed.archives import DeployedArchive
    from fargate_constructs.cli.terminal.progress import Progress

HOUR = timedelta(hours=1)
# What CloudWatch Logs received less long ago may still be on its way: usually three minutes
# (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Subscriptions.html), with retries of the function 5 more.
# Data Firehose collects for up to one and a half of its 15 minutes.
DIRECT_LAG, BUFFERED_LAG = timedelta(minutes=10), timedelta(minutes=40)
# CloudWatch Logs tries a delivery for 24 hours, and Lambda for 6 more. A younger event may still come, and with the
# backfilled one it would be there twice. With a short retention there is no time for that; exports need 12 hours.
SETTLED_AFTER = timedelta(hours=30)
# What needs a confirmation: minutes, and USD.
LONG_MINUTES, LARGE_PRICE = 10, 0.10


@dataclass
class Group:
    """A log group to compare."""

    name: str
    retention: timedelta | None
    """After how long CloudWatch Logs deletes events; `None` if it never does."""
    begin: datetime
    """From here on CloudWatch Logs has all events."""
    notes: list[str] = field(default_factory=list)


class Verification:
    """The comparison of an archive with CloudWatch Logs in a range of time."""

    def __init__(
        self, session: Session, archive: DeployedArchive, begin: datetime, end: datetime, progress: Progress
    ) -> None:
        self.archive, self.begin, self.end = archive, begin, end
        self.notes: list[str] = []
        """What is not known."""
        self.is_uncertain = False
        """Whether something could not be read."""
        self._session, self._progress, self._now = session, progress, moments.now()
        self._logs = LoggedEvents(session, archive.region, progress.note)
        self._lag = BUFFERED_LAG if archive.stream else DIRECT_LAG

    def groups(self, names: Sequence[str]) -> list[Group]:
        """Return the log groups to compare: those with these names, or all that are subscribed.

        Raises:
            ValueError: If there is none with a name, or CloudWatch Logs has deleted all of the range.
        """
        groups = [self._group(each) for each in names]
        subscribed = subscribed_log_groups(
            self._session,
            self.archive,
            names,
            show=self._progress.show,
            note=self.notes.append if names else self._doubt,
        )
        if not names:
            others = [each for each in archived_log_groups(self._session, self.archive) if each not in subscribed]
            if others:
                self.notes.append(
                    "Not compared, because they are not subscribed (now): "
                    f"{listed(others)}. A log router writes without CloudWatch Logs; --log-group compares others."
                )
            if not subscribed:
                raise ValueError(f"no log group of {self.archive.region} is subscribed to {self.archive.name}")
            groups = [self._group(each) for each in subscribed]
        for each in groups:
            if pattern := subscribed.get(each.name):
                each.notes.append(
                    f"Its subscription leaves out events that do not match its filter pattern, {pattern}: they are "
                    "missing."
                )
            if each.name not in subscribed:
                each.notes.append(
                    f"No subscription of it leads to {self.archive.name}, so new events are not archived."
                )
        return groups

    def confirm(self, groups: Sequence[Group], *, yes: bool) -> None:
        """Ask before a comparison that takes long, or costs more than a few cents."""
        if yes:
            return
        received, pages, price = 0, 0.0, 0.0
        for each in groups:
            self._progress.show(f"estimates {each.name}")
            received += self._logs.received_bytes(each.name, each.begin, self.end)
            pages += (self.end - each.begin) / HOUR  # an hour without events has one, too
            archived = ArchivedEvents(self._session, self.archive, each.name)
            price += archived.size(milliseconds(each.begin), milliseconds(self.end)).usd
        pages += received / BYTES_PER_PAGE
        minutes = pages / PAGES_PER_SECOND / 60
        if minutes >= LONG_MINUTES or price >= LARGE_PRICE:
            confirm(
                f"{in_bytes(received)} are read from CloudWatch Logs, in {pages:,.0f} requests, about "
                f"{PAGES_PER_SECOND} a second: {minutes:,.0f} minutes. The archive's objects of this time cost about "
                f"{price:.2f} USD to read (less in the bucket's region).",
                yes=False,
            )

    def run(self, groups: Sequence[Group]) -> Iterator[Hour]:
        """Yield the hours of log groups."""
        for group in groups:
            archived = ArchivedEvents(self._session, self.archive, group.name)
            begin = group.begin
            while begin < self.end:
                end = min(begin.replace(minute=0, second=0, microsecond=0) + HOUR, self.end)
                self._progress.show(f"{group.name}  {begin:%Y-%m-%d %H:%M}")
                first, last = milliseconds(begin), milliseconds(end)
                yield compare(
                    Hour(group.name, begin),
                    self._logs.read(group.name, first, last),
                    archived.read(first, last),
                    self._waiting,
                    milliseconds(self._now - self._lag),
                )
                begin = end
            for each in archived.unreadable:
                self._doubt(f"Not read, so that its events may be missing in the counts: {each}")

    def remedies(self, group: Group, hours: Sequence[Hour]) -> list[str]:
        """Return what to do about what the archive lacks of a log group."""
        name, todo = quote(self.archive.name), []
        incomplete = [each for each in hours if each.missing]
        # What waits in the queue of the China regions is not read, and counts as missing.
        if any(each.waiting for each in hours) or (incomplete and self.archive.failure_queue):
            todo.append(f"fargate-constructs archive replay {name}")
        if incomplete:
            begin, end = incomplete[0].begin, incomplete[-1].begin + HOUR
            settled = end + min(SETTLED_AFTER, (group.retention or SETTLED_AFTER * 2) / 2)
            when = f"from {as_text(settled)} on: " if settled > self._now else ""
            todo.append(
                f"{when}fargate-constructs archive backfill {name} --log-group {quote(group.name)} "
                f"--since {begin:%Y-%m-%dT%H:%M} --until {end:%Y-%m-%dT%H:%M}"
            )
            if group.retention:
                oldest = group.retention + begin
                todo.append(f"before {as_text(oldest)}, when CloudWatch Logs begins to delete these events")
        return todo

    def has_finding(self, hours: Sequence[Hour]) -> bool:
        """Whether the archive lacks an event, or something could not be read."""
        return self.is_uncertain or any(each.has_finding for each in hours)

    @cached_property
    def _waiting(self) -> Waiting:
        self._progress.show("reads the failed batches that wait")
        waiting = WaitingEvents(self._session, self.archive)
        made = Waiting(waiting.read())
        if waiting.unread:
            self.notes.append(
                "Some of the failed batches that wait could not be read, so that their events count as missing: "
                f"{'; '.join(waiting.unread[:3])}"
            )
        return made

    def _group(self, name: str) -> Group:
        group = Group(name, self._logs.retention(name), self.begin)
        if group.retention and (kept := self._now - group.retention) > self.begin:
            days = f"CloudWatch Logs keeps events for {counted(group.retention.days, 'day')}"
            group.begin = kept.replace(minute=0, second=0, microsecond=0) + HOUR
            if group.begin >= self.end:
                raise ValueError(
                    f"nothing can be proved about {name} from {as_text(self.begin)} to {as_text(self.end)}: {days}; "
                    "write a later --until"
                )
            group.notes.append(f"Compared from {as_text(group.begin)} on, because {days}.")
        return group

    def _doubt(self, note: str) -> None:
        self.is_uncertain = True
        self.notes.append(note)
