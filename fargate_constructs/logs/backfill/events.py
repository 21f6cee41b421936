"""Log events in the files of an export task of CloudWatch Logs."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

# The largest batch of CloudWatch Logs: events, and bytes of JSON.
BATCH_EVENTS, BATCH_BYTES = 10_000, 4_000_000
EVENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (.*)", re.DOTALL)


class Event(NamedTuple):
    """A log event of an export."""

    stream: str
    timestamp: int
    message: str

    @property
    def fingerprint(self) -> bytes:
        """A hash that only equal events share; it uses the exported form of the stream's name."""
        text = "\0".join([self.stream.replace("/", "-"), str(self.timestamp), self.message])
        return hashlib.sha256(text.encode(errors="surrogatepass")).digest()[:16]

    def with_id(self, name: str) -> Line:
        """Return the event with an ID, as a line of the archive."""
        return Line(
            self.stream,
            self.timestamp,
            b'"id":%b,"timestamp":%d,"message":%b' % (_json(name), self.timestamp, _json(self.message)),
        )


class Line(NamedTuple):
    """An event to write to the archive."""

    stream: str
    timestamp: int
    members: bytes
    """The bytes of its JSON object, without the keys that all lines of its stream share."""


def parse(text: str, when: range) -> Iterator[tuple[int, str]]:
    """Return the timestamps and messages of an exported file; *when* is the exported time, in milliseconds.

    A line that does not begin with a timestamp of that time continues the message before it.
    """
    begun: tuple[int, list[str]] | None = None
    for line in text.removesuffix("\n").split("\n"):
        event = EVENT.fullmatch(line)
        if event and (timestamp := _timestamp(event[1])) is not None and timestamp in when:
            if begun:
                yield begun[0], "\n".join(begun[1])
            begun = timestamp, [event[2]]
        elif begun:
            begun[1].append(line)
    if begun:
        yield begun[0], "\n".join(begun[1])


def batches(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """Yield lines of one stream, as many at a time as CloudWatch Logs would deliver."""
    batch: list[Line] = []
    size = 0
    for line in lines:
        full = len(batch) == BATCH_EVENTS or size + len(line.members) > BATCH_BYTES
        if batch and (full or batch[0].stream != line.stream):
            yield batch
            batch, size = [], 0
        batch.append(line)
        size += len(line.members)
    if batch:
        yield batch


def milliseconds(at: datetime) -> int:
    """Return a time in milliseconds, as in events."""
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def _timestamp(text: str) -> int | None:
    """Return the time of an ISO 8601 text, or `None` if there is no such time (month 0, a leap second)."""
    try:
        return milliseconds(datetime.fromisoformat(text))
    except ValueError:
        return None


def _json(text: str) -> bytes:
    """Return text as JSON in UTF-8; lone surrogates, which UTF-8 does not have, as ASCII escapes."""
    try:
        return json.dumps(text, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(text).encode()
