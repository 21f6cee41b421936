"""Reads the lines that a person asked for, which may be in several log groups.

log groups ──> histories of each ──> one order of time: a range, its last events, or what comes from now on
"""

from __future__ import annotations

import heapq
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain, count

from fargate_constructs.cli.events.archived_events import HOUR
from fargate_constructs.cli.events.cloudwatch_events import LATE, PAUSE_SECONDS
from fargate_constructs.cli.events.log_events import LogEvent, time_text, timestamp_of
from fargate_constructs.cli.logs.group_history import DAY, GroupHistory
from fargate_constructs.cli.terminal.moments import milliseconds

TAIL = 100
# Without --since, the last lines are searched so far back.
LOOK_BACK = 30 * DAY
MINUTE = 60_000
# The last lines are searched in these lengths of time, the newest first.
LENGTHS = (MINUTE, 10 * MINUTE, HOUR, 6 * HOUR, DAY, 7 * DAY, 30 * DAY)


class LogHistory:
    """The logs of some containers over a time."""

    def __init__(
        self, groups: Sequence[GroupHistory], at: int, since: datetime | None, until: datetime | None, tail: int | None
    ) -> None:
        self._groups, self._at = groups, at
        self._end = milliseconds(until) if until else at + DAY  # the clock of a task or this one may be wrong
        self._begin = milliseconds(since) if since else min(self._end, at) - LOOK_BACK
        self._has_default_tail = tail is None and not since
        self._tail = TAIL if self._has_default_tail else tail

    @property
    def unreadable(self) -> list[str]:
        """What could not be read."""
        return [text for each in self._groups for text in each.unreadable]

    @property
    def is_complete(self) -> bool:
        """Whether everything could be read."""
        return not self.unreadable and all(each.is_complete for each in self._groups)

    def note(self, count: int) -> str:
        """Return what a person should know who sees so many lines."""
        if count:
            is_cut = self._has_default_tail and count == TAIL
            return f"the last {TAIL} lines; --tail or --since prints more" if is_cut else ""
        begin, end = (time_text(each)[:16] for each in (self._begin, min(self._end, self._at)))
        return f"no such line from {begin} to {end} UTC; write another --since or --until to read more"

    def lines(self) -> Iterable[LogEvent]:
        """Return the lines of the range, or the last ones of it, in the order of time."""
        return self._lines(self._end, self._tail)

    def followed(self) -> Iterator[Iterable[LogEvent]]:
        """Yield these lines, and then new ones without end.

        What may come late is polled first, so that no line is between the range and the first poll.
        """
        middle = max(self._begin, self._at - LATE)
        new = self._poll(middle)
        if self._tail is None:
            yield self._lines(middle, None)
        else:
            yield self._lines(middle, max(self._tail - len(new), 0))
            new = new[max(len(new) - self._tail, 0) :]
        while True:
            yield new
            time.sleep(PAUSE_SECONDS)
            new = self._poll(middle)

    def _lines(self, end: int, tail: int | None) -> Iterable[LogEvent]:
        """Return the lines to an end; with *tail* the last ones, and what is older is not read."""
        if tail is None:
            return self._read(self._begin, end)
        found: list[LogEvent] = []
        for start, stop in pieces(self._begin, end, self._at):
            if len(found) >= tail:
                break
            found = [*deque(self._read(start, stop), maxlen=tail - len(found)), *found]
        return found

    def _read(self, begin: int, end: int) -> Iterator[LogEvent]:
        return heapq.merge(*(each.read(begin, end) for each in self._groups), key=timestamp_of)

    def _poll(self, begin: int) -> list[LogEvent]:
        """Return the events since a time that were not returned before."""
        return sorted((event for each in self._groups for event in each.poll(begin)), key=timestamp_of)


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
