"""The reader of any JSON text, event by event.

A line is the header's keys, and then the event's own text without white space between its tokens. So numbers and
messages keep each digit and escape.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from .batch import Batch, Header, JsonObject, Piece, escape_line_ends, hour_of, parse, read_header
from .envelope import UnreadableBatch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

# A parsed batch takes up to 16 times its size. A larger batch would exceed the function's memory at each attempt and
# replay. CloudWatch Logs' batches are far smaller: 1 MB of gzip is about 6 MB of log lines.
MAX_PARSED_BYTES = 16 * 1024 * 1024

STRING_OR_SPACE = re.compile(r'("[^"\\]*+(?:\\.[^"\\]*+)*+")|[ \t\n\r]++')

DECODER = json.JSONDecoder()


def plain(text: bytes) -> Batch:
    """Return the batch in any JSON text, without pieces if there is nothing to archive."""
    if len(text) > MAX_PARSED_BYTES:
        raise UnreadableBatch("too large for JSON of an unexpected layout")
    try:
        # Decoded first, because json.loads guesses the encoding of bytes and accepts invalid UTF-8.
        decoded = text.decode()
    except UnicodeDecodeError:
        raise UnreadableBatch("not JSON in UTF-8") from None
    payload: Any = parse(decoded)
    header = read_header(payload)
    if header is None:
        return Batch("", [])
    events = payload["logEvents"]
    if not all(map(is_log_event, events)):
        raise UnreadableBatch("neither a control message nor a batch of log events")
    return Batch(header.log_group, list(pieces(header, events, STRING_OR_SPACE.sub(r"\1", decoded))))


def is_log_event(value: object) -> bool:
    """Return whether a JSON value has the three keys of a log event; it may have more."""
    match value:
        case {"id": str(), "timestamp": int(timestamp), "message": str()}:
            return not isinstance(timestamp, bool)
    return False


def pieces(header: Header, events: list[JsonObject], compact: str) -> Iterator[Piece]:
    """Yield each event's line, made from its part of the JSON text."""
    end = start_of_events(compact)
    for event in events:
        start = end + 1  # after the bracket or the comma
        _, end = DECODER.raw_decode(compact, start)
        own_members = escape_line_ends(compact[start + 1 : end].encode())
        line = header.opening(event.keys()) + own_members + b"\n"
        timestamp = event["timestamp"]
        yield Piece(hour_of(timestamp), timestamp, timestamp, line)


def start_of_events(compact: str) -> int:
    """Return the position of the list of log events in a batch without white space between tokens."""
    end = 0
    while True:
        key, colon = DECODER.raw_decode(compact, end + 1)
        if key == "logEvents":
            return colon + 1
        _, end = DECODER.raw_decode(compact, colon + 1)
