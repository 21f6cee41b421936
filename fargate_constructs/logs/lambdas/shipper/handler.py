"""Write each batch of a log group's events to S3, once, under the hours in which they happened.

```
log group ──> subscription ──> [shipper Lambda] ──> S3 ──> Athena
```

Every event is one line of NDJSON, in one object per batch and UTC hour of event time, as it was delivered:

    log_group=%2Fecs%2Fweb/dt=2026-02-28/hour=23/1772323199999-<half the SHA-256 of the lines>.ndjson.gz
    {"logGroup":"/ecs/web","logStream":"web/1","owner":"111122223333","id":"…","timestamp":1772323199999,"message":"…"}

or, with `ARCHIVE_FORMAT=raw`, every batch is one object, under the hour of its first event:

    raw/log_group=%2Fecs%2Fweb/dt=2026-02-28/hour=23/1772323199999-<half the SHA-256 of the JSON>.json.gz

Delivery is at least once, so key and lines depend on the batch alone and no object is written twice. A batch ends as

- archived: all of its objects are in the archive bucket;
- quarantined: it can never be read, and lies in the failure bucket as it came;
- an exception: S3 did not take it. Lambda tries again and at last hands it to the function's failure destination.

Quarantine and exception are one JSON line each in the function's log: the one is a metric's, printed here, the other
the runtime's. So is a batch that comes late. What is on the archive's own way (IGNORED_LOG_GROUPS) is dropped without a
line, which would come back.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

from .batch import Batch, Piece
from .envelope import UnreadableBatch, decode, delivered_data, gunzip
from .lines import lines
from .metrics import report_lag, report_quarantine
from .objects import as_delivered, lines_by_hour
from .plain import plain
from .put import Context, put_once
from .splice import UnexpectedLayout, spliced


class Archived(NamedTuple):
    """What a batch becomes in S3."""

    objects: dict[str, bytes]
    """By key."""
    content_type: str
    newest: int | None
    """When its newest event happened, in milliseconds; None if it has none."""


def handler(event: object, context: Context) -> dict[str, object]:
    """Archive the batch in a subscription event, or quarantine it if it is unreadable.

    Returns:
        `{"archived": [key, ...]}` or `{"quarantined": key}`, for a person who invokes the function by hand.

    Raises:
        NotStoredError: S3 did not take an object. The next attempt finds what this one stored.
    """
    try:
        archived = archive_objects(event)
    except UnreadableBatch as unreadable:
        return {"quarantined": quarantine(event, str(unreadable), context)}
    store(archived, context)
    report_lag(archived.newest, context)
    return {"archived": list(archived.objects)}


def store(archived: Archived, context: Context) -> None:
    """Put what a batch becomes into the archive."""
    for key, body in archived.objects.items():
        put_once("ARCHIVE", key, body, content_type=archived.content_type, context=context)


def archive_objects(event: object) -> Archived:
    """Return what a subscription event becomes in S3.

    All of it before S3 gets the first: an unreadable batch leaves nothing there.
    """
    compressed = decode(event)
    text = gunzip(compressed)
    newest: list[int] = []

    def noted(pieces: Iterable[Piece]) -> Iterator[Piece]:
        for piece in pieces:
            newest[:] = [max([piece.newest, *newest])]
            yield piece

    def archived(batch: Batch) -> Archived:
        batch = batch._replace(pieces=noted(batch.pieces))
        match os.environ.get("ARCHIVE_FORMAT", "ndjson"):
            case "ndjson":
                objects, content_type = lines_by_hour(batch), "application/x-ndjson"
            case "raw":
                objects, content_type = as_delivered(batch, compressed, text), "application/json"
            case other:
                raise ValueError(f"ARCHIVE_FORMAT must be ndjson or raw, got: {other}")
        return Archived(objects, content_type, max(newest, default=None))

    try:
        return archived(spliced(text))
    except UnexpectedLayout:
        pass
    try:
        return archived(plain(text))
    except UnreadableBatch as unreadable:
        with suppress(UnreadableBatch):
            return archived(lines(text))
        raise unreadable from None


def quarantine(event: object, reason: str, context: Context) -> str:
    """Store what was delivered in the failure bucket, count it, and return its key.

    The same batch again is stored once and counted again: the metric counts deliveries.
    """
    data = delivered_data(event)
    body = json.dumps(event).encode() if data is None else data.encode(errors="surrogatepass")
    key = f"quarantine/{hashlib.sha256(body).hexdigest()}"
    put_once("FAILURE", key, body, content_type="text/plain", metadata={"reason": reason}, context=context)
    report_quarantine(key, reason, context)
    return key
