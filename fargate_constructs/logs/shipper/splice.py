r"""The fast way: the lines are cut out of the delivered bytes, where that is proven to equal the plain way.

```
JSON text ──> [splice] ──> one piece for each 64 KiB
```

CloudWatch Logs delivers compact JSON, each event as `{"id":"…","timestamp":…,"message":"…"}`. Between two events stands
`"},{"id":"`, and nowhere else: inside a string, a quote has a backslash before it. So a line end and the envelope, put
in there, make the lines. First the bytes must prove that they are such JSON, by searches that run at the speed of C:

1. They are UTF-8 without control characters, which JSON wants escaped.
2. Every escape is blanked, `\"` to `__`; then no backslash is left. A blank is no structure, so it is inside a string;
   and what can be cut into plain characters and valid escapes, in whatever way, is a valid string.
3. What is left matches the layout from end to end, so that its quotes are where strings begin and end.

Whatever fails a proof is no error: it goes the plain way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .batch import LINE_ENDS, Batch, Envelope, Piece, escape_line_ends, hour_of, parse, read_envelope
from .delivery import UnreadableBatch

if TYPE_CHECKING:
    from typing import Any

BEFORE_EVENTS = b',"logEvents":['
BETWEEN_EVENTS = b'"},{"id":"'
# The list is the envelope's last value, or the one before some plain texts (policyLevel), so that its depth is known.
AFTER_EVENTS = re.compile(rb'\](?:,"\w++":"[^"\\]*+")*+\}')

NOT_IN_JSON = tuple(bytes([control]) for control in range(0x20))
ESCAPE = re.compile(rb'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})')
# Whatever is not an event matches, too, without a timestamp. Thirteen digits: from 2001 to 2286.
EVENT_OR_REST = re.compile(
    rb'\{"id":"[^"]*+","timestamp":([1-9][0-9]{12}),"message":"[^"]*+"\}(?:,|\Z)|(?s:.)++',
)
EVENT_KEYS = ("id", "timestamp", "message")

CHUNK_BYTES = 64 * 1024  # what fits into a core's own cache: the same bytes are searched some ten times


class UnexpectedLayout(Exception):  # noqa: N818 -- not an error: the plain way reads it
    """A batch that the fast way cannot prove to be what it expects."""


def spliced(text: bytes) -> Batch:
    """Return the batch in a JSON text of the expected layout.

    Raises:
        UnexpectedLayout: Now or while the pieces are read: the plain way may still be able to read the batch.
    """
    start = text.find(BEFORE_EVENTS) + len(BEFORE_EVENTS)
    end = text.rfind(b'"}]') + 2
    if not AFTER_EVENTS.fullmatch(text, end):
        raise UnexpectedLayout
    try:
        payload: Any = parse((text[:start] + text[end:]).decode())
        envelope = read_envelope(payload)
    except (UnreadableBatch, UnicodeDecodeError):
        raise UnexpectedLayout from None
    if envelope is None:
        raise UnexpectedLayout
    return Batch(envelope.log_group, pieces(envelope, text, start, end))


def pieces(envelope: Envelope, text: bytes, start: int, end: int) -> Iterator[Piece]:
    """Yield the lines of the events between two places of the text, as far as they are proven."""
    opening = envelope.opening(EVENT_KEYS)
    between_lines = b'"}\n' + opening + b'"id":"'
    while start < end:
        between = text.find(BETWEEN_EVENTS, start + CHUNK_BYTES, end)
        chunk_end = between + 2 if between > 0 else end
        chunk = text[start:chunk_end]
        try:
            decoded = chunk.decode()
        except UnicodeDecodeError:
            raise UnexpectedLayout from None
        timestamps = EVENT_OR_REST.findall(blank_escapes(chunk))
        if b"" in timestamps or any(character in chunk for character in NOT_IN_JSON):
            raise UnexpectedLayout
        first, *others = chunk.split(BETWEEN_EVENTS)
        lines = between_lines.join([opening + first[1:], *others]) + b"\n"
        if any(line_end in decoded for line_end in LINE_ENDS):
            lines = escape_line_ends(lines)
        hour = hour_of(int(min(timestamps)))
        if hour == hour_of(int(max(timestamps))):
            yield Piece(hour, int(timestamps[0]), lines)
        else:
            for timestamp, line in zip(map(int, timestamps), lines.splitlines(keepends=True), strict=True):
                yield Piece(hour_of(timestamp), timestamp, line)
        start = chunk_end + 1


def blank_escapes(chunk: bytes) -> bytes:
    """Return the chunk without backslashes: underscores for each escape."""
    blanked = chunk.replace(rb"\"", b"__")
    if b"\\" in blanked:
        blanked = ESCAPE.sub(b"__", blanked)
        if b"\\" in blanked:  # the quote behind a message that ends in a backslash, `\\"`, was no escape
            blanked = ESCAPE.sub(b"__", chunk)
            if b"\\" in blanked:
                raise UnexpectedLayout
    return blanked
