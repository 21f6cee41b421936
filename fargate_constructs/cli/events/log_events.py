"""A log event from CloudWatch Logs or the archive, and the merging of both: in the order of time, each event once."""

from __future__ import annotations

import heapq
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby, repeat
from operator import attrgetter
from typing import NamedTuple

from fargate_constructs.logs.backfill.events import Event

# Exports of CloudWatch Logs have no IDs, so backfill makes them: fingerprint, and number among equal events.
BACKFILLED = re.compile(r"backfill-[0-9a-f]+-(\d+)")

timestamp_of = attrgetter("timestamp")


class LogEvent(NamedTuple):
    """A line of a log."""

    timestamp: int
    """In milliseconds since 1970."""
    log_group: str
    stream: str
    message: str
    id: str = ""
    """The ID that CloudWatch Logs gave it; empty if another writer stored it without one."""
    ingested: int = 0
    """When CloudWatch Logs received it, in milliseconds since 1970; 0 if the archive has it, which does not say."""

    @property
    def fingerprint(self) -> bytes:
        """A hash that only equal events share."""
        return Event(self.stream, self.timestamp, self.message).fingerprint

    @property
    def time(self) -> str:
        """Its time as programs read it."""
        return f"{time_text(self.timestamp).replace(' ', 'T')}Z"


def time_text(timestamp: int) -> str:
    """Return a time in milliseconds since 1970 as people read it; it is UTC's."""
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=timestamp)
    return f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03}"


def merged(*sources: Iterable[LogEvent]) -> Iterator[LogEvent]:
    """Yield the events of sources that are in the order of time; what several sources have, once.

    Equal events are as many as the source has that has most of them: AWS does not document that an event has the same
    ID in a subscription and in FilterLogEvents.
    """
    numbered = [zip(each_once(source), repeat(number)) for number, source in enumerate(sources)]
    in_order = heapq.merge(*numbered, key=lambda each: each[0].timestamp)
    for _, found in groupby(in_order, key=lambda each: each[0].timestamp):
        first, *others = found
        if not others:
            yield first[0]
            continue
        counts: Counter[tuple[str, bytes, int]] = Counter()
        yielded: Counter[tuple[str, bytes]] = Counter()
        for event, number in (first, *others):
            same = event.log_group, event.fingerprint
            counts[*same, number] += 1
            if counts[*same, number] > yielded[same]:
                yielded[same] += 1
                yield event


def each_once(events: Iterable[LogEvent]) -> Iterator[LogEvent]:
    """Yield each event once, of events in the order of time; only those of one millisecond are in memory.

    Delivery is at least once, and compaction stores lines twice for seconds: these have the same ID. Backfill numbers
    equal events, and stores those that the archive lacks; they may come later with IDs of their own. So the n-th is
    there already if n with other IDs are. Lines without an ID are the same if everything else is equal.
    """
    for _, found in groupby(events, key=timestamp_of):
        first, *others = found
        if not others:
            yield first
            continue
        unique = {(each.log_group, each.id or each): each for each in (first, *others)}.values()
        delivered = Counter(each.fingerprint for each in unique if not BACKFILLED.fullmatch(each.id))
        for each in unique:
            number = BACKFILLED.fullmatch(each.id)
            if not number or int(number[1]) > delivered[each.fingerprint]:
                yield each
