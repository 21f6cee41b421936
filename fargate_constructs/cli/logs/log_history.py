"""Reads the logs of some containers over a time, which may be in several log groups.

log groups ──> histories of each ──> one order of time: a range, its last events, or what comes from now on
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import chain, count

from fargate_constructs.cli.events.archived_events import HOUR
from fargate_constructs.cli.events.log_events import LogEvent, timestamp_of
from fargate_constructs.cli.logs.group_history import DAY, GroupHistory

MINUTE = 60_000
# The last lines are searched in these lengths of time, the newest first.
LENGTHS = (MINUTE, 10 * MINUTE, HOUR, 6 * HOUR, DAY, 7 * DAY, 30 * DAY)


class LogHistory:
    """The logs of some containers, which may be in several log groups."""

    def __init__(self, groups: Sequence[GroupHistory], at: int) -> None:
        self.groups, self.at = groups, at

    @property
    def unreadable(self) -> list[str]:
        """What could not be read."""
        return [text for each in self.groups for text in each.unreadable]

    @property
    def is_complete(self) -> bool:
        """Whether everything could be read."""
        return not self.unreadable and all(each.is_complete for each in self.groups)

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
