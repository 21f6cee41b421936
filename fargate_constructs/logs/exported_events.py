"""Log events, as an export task of CloudWatch Logs writes them.

```
export bucket ──> [events] ──> batches, as the shipper takes them
```
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

BATCH_EVENTS, BATCH_BYTES = 10_000, 4_000_000  # what CloudWatch Logs delivers at once, at the most
EVENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (.*)", re.DOTALL)


class Event(NamedTuple):
    """A log event, as far as an export tells."""

    stream: str
    timestamp: int
    message: str

    @property
    def fingerprint(self) -> bytes:
        """What tells it from others but equal ones; of the stream, what an export leaves of the name."""
        text = "\0".join([self.stream.replace("/", "-"), str(self.timestamp), self.message])
        return hashlib.sha256(text.encode(errors="surrogatepass")).digest()[:16]


def parse(text: str) -> Iterator[tuple[int, str]]:
    """Return the timestamps and messages of an exported file; a line without a timestamp goes on with a message."""
    begun: tuple[int, list[str]] | None = None
    for line in text.removesuffix("\n").split("\n"):
        if event := EVENT.fullmatch(line):
            if begun:
                yield begun[0], "\n".join(begun[1])
            begun = milliseconds(datetime.fromisoformat(event[1])), [event[2]]
        elif begun:
            begun[1].append(line)
    if begun:
        yield begun[0], "\n".join(begun[1])


def batches(events: Iterable[Event]) -> Iterator[list[Event]]:
    """Return events of one stream at a time, as many as CloudWatch Logs would deliver."""
    batch: list[Event] = []
    size = 0
    for event in events:
        if batch and (batch[0].stream != event.stream or len(batch) == BATCH_EVENTS or size >= BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(event)
        size += len(event.message)
    if batch:
        yield batch


def milliseconds(at: datetime) -> int:
    """Return a moment as events have it."""
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
