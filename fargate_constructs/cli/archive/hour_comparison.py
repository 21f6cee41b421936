"""Compares what CloudWatch Logs and an archive have of an hour of a log group, event by event.

events of CloudWatch Logs ──> the same ID is archived? ──> an equal event is? ──> waits? ──> is new? ──> missing
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from fargate_constructs.cli.events.log_events import LogEvent

# Missing events that an answer names at most, for each hour; all are counted.
MAX_NAMED = 1000


@dataclass
class Hour:
    """The counts of an hour of a log group."""

    log_group: str
    begin: datetime
    logged: int = 0
    """Events in CloudWatch Logs."""
    archived: int = 0
    """Events in the archive."""
    by_content: int = 0
    """Those of CloudWatch Logs that the archive has under another ID: backfill makes its own."""
    missing: int = 0
    waiting: int = 0
    """Those that the archive lacks, and a failed batch has."""
    on_the_way: int = 0
    """Those that the archive lacks, and CloudWatch Logs has just received."""
    only_archived: int = 0
    """Those that CloudWatch Logs does not have, such as those past its retention."""
    named: list[LogEvent] = field(default_factory=list)
    """Missing events."""

    @property
    def has_finding(self) -> bool:
        """Whether the archive lacks an event that it should have."""
        return bool(self.missing or self.waiting)


class Waiting:
    """The events of failed batches."""

    def __init__(self, events: Iterable[LogEvent]) -> None:
        self._ids = set[tuple[str, str]]()
        self._contents = Counter[tuple[str, bytes]]()
        for each in events:
            if (each.log_group, each.id) not in self._ids:
                self._ids.add((each.log_group, each.id))
                self._contents[each.log_group, each.fingerprint] += 1

    def has(self, event: LogEvent) -> bool:
        """Whether an event waits, by its ID or by its content; an event with another ID is taken only once."""
        if (event.log_group, event.id) in self._ids:
            return True
        key = event.log_group, event.fingerprint
        found = self._contents[key] > 0
        self._contents[key] -= found
        return found


def compare(
    hour: Hour, logged: Iterable[LogEvent], archived: Iterable[LogEvent], waiting: Waiting, received_before: int
) -> Hour:
    """Count an hour.

    Args:
        hour: Gets the counts.
        logged: Its events in CloudWatch Logs.
        archived: Its events in the archive.
        waiting: The events of failed batches.
        received_before: An event that CloudWatch Logs received later may be on its way, in milliseconds.
    """
    by_id = {each.id or f"without ID {number}": each.fingerprint for number, each in enumerate(archived)}
    hour.archived = len(by_id)
    others: dict[str, LogEvent] = {}
    matched = set[str]()
    for each in logged:
        if each.id in by_id:
            matched.add(each.id)
        else:
            others[each.id or f"without ID {len(others)}"] = each  # a page may come twice
    hour.logged = len(matched) + len(others)
    left = Counter(fingerprint for name, fingerprint in by_id.items() if name not in matched)
    for each in others.values():
        fingerprint = each.fingerprint
        if left[fingerprint]:
            left[fingerprint] -= 1
            hour.by_content += 1
        elif waiting.has(each):
            hour.waiting += 1
        elif each.ingested >= received_before:
            hour.on_the_way += 1
        else:
            hour.missing += 1
            if len(hour.named) < MAX_NAMED:
                hour.named.append(each)
    hour.only_archived = left.total()
    hour.named.sort()
    return hour
