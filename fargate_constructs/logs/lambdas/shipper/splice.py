r"""The fast reader: it cuts the lines out of the delivered bytes, where they are proven to equal what `plain` makes.

CloudWatch Logs delivers compact JSON, each event as `{"id":"…","timestamp":…,"message":"…"}`, with IDs of 56 digits.
Between two events is `"},{"id":"`, and nowhere else: inside a string, a quote has a backslash before it. A line end and
the header, put in there, make the lines. First the bytes must be proven to be such JSON, by searches that run at the
speed of C. Cut between the events,

1. each begins with a head as long as the first one's: digits, `","timestamp":`, thirteen digits, `,"message":"`;
2. what is left of each is its message, in UTF-8;
3. the scanner of `json`, which stops at the first quote without a backslash, reads all messages as one string.

A text that fails a proof is no error: `plain` reads it.
"""

from __future__ import annotations

import re
from json.decoder import scanstring  # type: ignore[attr-defined]  # typeshed does not know it
from typing import TYPE_CHECKING

from .batch import LINE_ENDS, Batch, Header, Piece, escape_line_ends, hour_of, parse, read_header
from .envelope import UnreadableBatch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

BEFORE_EVENTS = b',"logEvents":['
BEFORE_EVENT, AFTER_EVENT = b'{"id":"', b'"}'
BETWEEN_EVENTS = AFTER_EVENT + b"," + BEFORE_EVENT
# The list is the batch's last value, or the one before some plain texts (policyLevel), so that its depth is known.
AFTER_EVENTS = re.compile(rb'\](?:,"\w++":"[^"\\]*+")*+\}')

BEFORE_TIMESTAMP, BEFORE_MESSAGE = b'","timestamp":', b',"message":"'
MAX_HEAD_BYTES = 128  # so that what is compared with stays small
TIMESTAMP_DIGITS = 13  # from 2001 to 2286
AFTER_ID = BEFORE_TIMESTAMP + b"0" * TIMESTAMP_DIGITS + BEFORE_MESSAGE
ZEROS_FOR_DIGITS = bytes.maketrans(b"123456789", b"000000000")

EVENT_KEYS = ("id", "timestamp", "message")

CHUNK_BYTES = 64 * 1024  # what fits into a core's own cache: the same bytes are read some ten times


class UnexpectedLayout(Exception):  # noqa: N818 -- not an error: `plain` reads the batch
    """A batch that is not proven to have the expected layout."""


def spliced(text: bytes) -> Batch:
    """Return the batch in a JSON text of the expected layout."""
    start = text.find(BEFORE_EVENTS) + len(BEFORE_EVENTS)
    end = text.rfind(AFTER_EVENT + b"]") + len(AFTER_EVENT)
    if not (text.startswith(BEFORE_EVENT, start) and AFTER_EVENTS.fullmatch(text, end)):
        raise UnexpectedLayout
    try:
        payload: Any = parse((text[:start] + text[end:]).decode())
        header = read_header(payload)
    except (UnreadableBatch, UnicodeDecodeError):
        raise UnexpectedLayout from None
    if header is None:
        raise UnexpectedLayout
    return Batch(header.log_group, list(pieces(header, text, start + len(BEFORE_EVENT), end - len(AFTER_EVENT))))


def pieces(header: Header, text: bytes, start: int, end: int) -> Iterator[Piece]:
    """Yield the lines of the events between the first ID and the last message's end, as far as they are proven."""
    opening = header.opening(EVENT_KEYS) + b'"id":"'
    between_lines = b'"}\n' + opening
    id_digits = text.find(BEFORE_TIMESTAMP, start, start + MAX_HEAD_BYTES) - start
    if id_digits < 0:
        raise UnexpectedLayout
    while start <= end:  # an event that is nothing but an ID begins at the end
        between = text.find(BETWEEN_EVENTS, start + CHUNK_BYTES, end)
        chunk_end = between if between > 0 else end
        events = text[start : chunk_end + 1].split(BETWEEN_EVENTS)  # with the quote that ends the last message
        timestamps, has_line_ends = check_layout(events, id_digits)
        oldest, newest = min(timestamps), max(timestamps)
        if oldest.startswith(b"0"):
            raise UnexpectedLayout
        events[0] = opening + events[0]
        events[-1] += b"}\n"
        lines = between_lines.join(events)
        if has_line_ends:
            lines = escape_line_ends(lines)
        hour = hour_of(int(oldest))
        if hour == hour_of(int(newest)):
            yield Piece(hour, int(timestamps[0]), int(newest), lines)
        else:
            for timestamp, line in zip(map(int, timestamps), lines.splitlines(keepends=True), strict=True):
                yield Piece(hour_of(timestamp), timestamp, timestamp, line)
        start = chunk_end + len(BETWEEN_EVENTS)


def check_layout(events: list[bytes], id_digits: int) -> tuple[list[bytes], bool]:
    """Check the layout of cut events; return their timestamps, and whether there is a line end to escape."""
    head_bytes = id_digits + len(AFTER_ID)
    heads = [event[:head_bytes] for event in events]
    if b"".join(heads).translate(ZEROS_FOR_DIGITS) != (b"0" * id_digits + AFTER_ID) * len(events):
        raise UnexpectedLayout
    # A comma between the messages ends what one may have begun: no escape or character goes on with one.
    try:
        messages = b",".join([event[head_bytes:] for event in events]).decode()
        _, end = scanstring(messages, 0, True)  # noqa: FBT003 -- strict, without control characters; it takes no names
    except ValueError:
        raise UnexpectedLayout from None
    if end < len(messages):
        raise UnexpectedLayout
    begin = id_digits + len(BEFORE_TIMESTAMP)
    timestamps = [head[begin : begin + TIMESTAMP_DIGITS] for head in heads]
    return timestamps, not messages.isascii() and any(line_end in messages for line_end in LINE_ENDS)
