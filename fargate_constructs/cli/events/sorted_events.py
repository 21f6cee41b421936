"""Sorts log events that may be too many for the memory: what is above a size is sorted on disk."""

from __future__ import annotations

import heapq
import json
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from tempfile import TemporaryFile
from types import TracebackType
from typing import Self

from fargate_constructs.cli.events.log_events import LogEvent, timestamp_of

# What events take in memory: their messages, and Python's objects around each.
MEMORY_BYTES, EVENT_BYTES = 2**27, 700


class SortedEvents:
    """Events of any order that are taken in the order of time; those of one millisecond as they were added."""

    def __init__(self, memory_bytes: int = MEMORY_BYTES) -> None:
        self._memory_bytes = memory_bytes
        self._events: list[LogEvent] = []
        self._size = 0
        self._runs: list[_Run] = []

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Delete the files."""
        for each in self._runs:
            each.file.close()

    def add(self, event: LogEvent) -> None:
        """Add an event."""
        self._events.append(event)
        self._size += len(event.message) + EVENT_BYTES
        if self._size > self._memory_bytes:
            self._events.sort(key=timestamp_of)
            self._runs.append(_Run(self._events))
            self._events, self._size = [], 0

    def take_until(self, time: int) -> Iterator[LogEvent]:
        """Yield the events before a time in order, and remove them."""
        self._events.sort(key=timestamp_of)
        place = bisect_left(self._events, time, key=timestamp_of)
        taken, self._events = self._events[:place], self._events[place:]
        self._size = sum(len(each.message) + EVENT_BYTES for each in self._events)
        yield from heapq.merge(*(each.take_until(time) for each in self._runs), taken, key=timestamp_of)
        for each in self._runs:
            if not each.next:
                each.file.close()
        self._runs = [each for each in self._runs if each.next]


class _Run:
    """Sorted events in a file that has no name."""

    def __init__(self, events: Iterable[LogEvent]) -> None:
        self.file = TemporaryFile("w+", encoding="ascii")  # noqa: SIM115 - open until its last event is taken
        self.file.writelines(f"{json.dumps(each)}\n" for each in events)
        self.file.seek(0)
        self.next = self._read()

    def take_until(self, time: int) -> Iterator[LogEvent]:
        """Yield the events before a time."""
        while self.next and self.next.timestamp < time:
            event, self.next = self.next, self._read()
            yield event

    def _read(self) -> LogEvent | None:
        line = self.file.readline()
        return LogEvent(*json.loads(line)) if line else None
