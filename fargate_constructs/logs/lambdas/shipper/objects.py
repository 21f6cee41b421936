"""The S3 objects of a batch: keys, which come from the content, and bodies."""

from __future__ import annotations

import hashlib
import os
import zlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from .envelope import Delivered, UnreadableBatch, unpack
from .lines import read_lines

if TYPE_CHECKING:
    from .batch import Batch, Piece

MAX_KEY_BYTES = 1024  # S3's limit

# 10,000 events of JSON logs and of a Japanese access log: the whole handler's CPU to that of unpacking and compressing
# alone, how many times as fast it is as json.loads, json.dumps and gzip.compress, and bytes beside level 6:
#     level 2:                 1.52, 5.0, 1.17    1.50, 4.4, 1.22
#     level 3:                 1.48, 4.8, 1.14    1.42, 3.9, 1.14
#     level 4 and Z_FILTERED:  1.33, 3.5, 0.99    1.32, 3.0, 1.04
# Z_FILTERED takes no match of five bytes or less: logs are full of digits that happen to repeat. Of a GB delivered,
# whose ingestion costs 0.50 USD, level 2 saves 0.0001 USD of CPU and costs 0.004 USD more in S3: 90 days at 0.023 USD
# per GB-month, then 310 at 0.004 (us-east-1, arm64).
COMPRESSION_LEVEL = 4
COMPRESSION_STRATEGY = zlib.Z_FILTERED


class Objects(NamedTuple):
    """The objects of a batch."""

    bodies: dict[str, bytes]
    """By key."""
    content_type: str
    newest: int | None
    """The time of the batch's newest event, in milliseconds; `None` without events."""


def objects_of(event: object) -> Objects:
    """Return the objects of a subscription event.

    All of them are made before the first put, so an unreadable batch leaves no object.
    """
    delivered = unpack(event)
    batch = read_lines(delivered.text)
    newest = max((piece.newest for piece in batch.pieces), default=None)
    match os.environ.get("ARCHIVE_FORMAT", "ndjson"):
        case "ndjson":
            return Objects(lines_by_hour(batch), "application/x-ndjson", newest)
        case "raw":
            return Objects(as_delivered(batch, delivered), "application/json", newest)
        case other:
            raise ValueError(f"ARCHIVE_FORMAT must be ndjson or raw, got: {other}")


def lines_by_hour(batch: Batch) -> dict[str, bytes]:
    """Return one object of lines for each hour, by key; the events keep the batch's order."""
    hours: dict[int, list[Piece]] = {}
    for piece in batch.pieces:
        hours.setdefault(piece.hour, []).append(piece)
    return dict(lines_of_hour(batch.log_group, pieces) for pieces in hours.values())


def lines_of_hour(log_group: str, pieces: list[Piece]) -> tuple[str, bytes]:
    """Return the key and the object of one hour's lines."""
    digest = hashlib.sha256()
    gzip = new_gzip()
    body = []
    for piece in pieces:
        digest.update(piece.lines)
        body.append(gzip.compress(piece.lines))
    return key("", log_group, pieces[0], f"{digest.hexdigest()[:32]}.ndjson.gz"), b"".join([*body, gzip.flush()])


def new_gzip() -> zlib._Compress:
    """Return a compressor for one gzip member without a time in its header."""
    return zlib.compressobj(COMPRESSION_LEVEL, wbits=zlib.MAX_WBITS | 16, strategy=COMPRESSION_STRATEGY)


def as_delivered(batch: Batch, delivered: Delivered) -> dict[str, bytes]:
    """Return the delivered gzip as one object, under the hour of its first event; no object without events."""
    if not batch.pieces:
        return {}
    digest = hashlib.sha256(delivered.text).hexdigest()[:32]  # not of the gzip, so that equal contents make one object
    return {key("raw/", batch.log_group, batch.pieces[0], f"{digest}.json.gz"): delivered.compressed}


def key(prefix: str, log_group: str, first: Piece, name: str) -> str:
    """Return the key of an object whose first events are these."""
    group = quote(log_group, safe="", errors="surrogatepass")
    partition = f"{datetime.fromtimestamp(first.hour * 3600, UTC):dt=%Y-%m-%d/hour=%H}"
    whole = f"{prefix}log_group={group}/{partition}/{first.timestamp}-{name}"
    if len(whole) > MAX_KEY_BYTES:
        raise UnreadableBatch("a log group or timestamp too long for an S3 key")
    return whole
