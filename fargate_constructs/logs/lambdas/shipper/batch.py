"""A batch of log events: its log group and its lines in pieces of an hour each; and what all readers share."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Collection
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from .envelope import UnreadableBatch

HOUR = 3_600_000  # in milliseconds, as all timestamps here
YEAR_10000 = 253_402_300_800_000  # beyond the range of datetime

# The keys that belong to the delivery, not to the events. Lines leave them out, so that a batch from a second filter
# makes the same lines and is stored once.
DELIVERY_KEYS = frozenset({"messageType", "subscriptionFilters", "policyLevel", "logEvents"})

# Characters that JSON allows in a string, but at which some readers split lines.
LINE_ENDS = {"\x85": b"\\u0085", "\u2028": b"\\u2028", "\u2029": b"\\u2029"}

JsonObject = dict[str, Any]


class Piece(NamedTuple):
    """Consecutive events of one hour."""

    hour: int
    """Since 1970, in UTC."""
    timestamp: int
    """The time of the first event, in milliseconds."""
    newest: int
    """The latest time of its events."""
    lines: bytes
    """A JSON object in UTF-8 and a line end for each event."""


class Batch(NamedTuple):
    """Log events of one stream, in the order of delivery."""

    log_group: str
    pieces: list[Piece]


class Header(NamedTuple):
    """The keys of a batch that belong to all of its events."""

    log_group: str
    members: JsonObject
    """The keys that each line repeats."""

    def opening(self, own_keys: Collection[str]) -> bytes:
        """Return the beginning of an event's line, up to the event's own first key.

        If event and header share a key, the event's value stays, because it is more specific.
        """
        members = {key: value for key, value in self.members.items() if key not in own_keys}
        if not members:
            return b"{"
        try:
            text = json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode()
        except UnicodeEncodeError:  # a lone surrogate, which UTF-8 cannot hold: ASCII escapes mean the same
            text = json.dumps(members, separators=(",", ":")).encode()
        except RecursionError:  # parsing accepts one more level than writing
            raise UnreadableBatch("nested too deeply") from None
        return escape_line_ends(text[:-1]) + b","


def read_header(payload: object) -> Header | None:
    """Return the header of a parsed batch, or `None` if there is nothing to archive."""
    batch: Any = payload
    match batch:
        case {"messageType": "CONTROL_MESSAGE"}:  # a test message of CloudWatch Logs
            return None
        case {
            "messageType": "DATA_MESSAGE",
            "logGroup": str(group),
            "logStream": str(stream),
            "owner": str(owner),
            "logEvents": list(),
        }:
            if is_ignored(group):
                return None  # and no line about it: the function would ship its own lines forever
            shared = {key: value for key, value in batch.items() if key not in DELIVERY_KEYS}
            return Header(group, {"logGroup": group, "logStream": stream, "owner": owner, **shared})
    raise UnreadableBatch("neither a control message nor a batch of log events")


def is_ignored(log_group: str) -> bool:
    """Return whether a log group is the function's own or in IGNORED_LOG_GROUPS, where `*` matches all characters."""
    own = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME", "")
    ignored = (own, *os.environ.get("IGNORED_LOG_GROUPS", "").split(","))
    return any(each and fnmatchcase(log_group, each) for each in ignored)


def parse(text: str) -> object:
    """Return the value of a strict JSON text, without extensions of Python or anything that Python would lose."""
    try:
        return json.loads(text, object_pairs_hook=unique_keys, parse_float=finite, parse_constant=finite)
    except (ValueError, RecursionError):  # ValueError: no JSON, or an integer of more than 4300 digits
        raise UnreadableBatch("not JSON in UTF-8") from None


def unique_keys(pairs: list[tuple[str, Any]]) -> JsonObject:
    """Return a JSON object; refuse a key that occurs twice, of which a dict would keep the last."""
    members = dict(pairs)
    if len(members) < len(pairs):
        raise UnreadableBatch("a key twice in one JSON object")
    return members


def finite(literal: str) -> float:
    """Return a number; refuse NaN and Infinity, which JSON does not have."""
    number = float(literal)
    if not math.isfinite(number):
        raise UnreadableBatch("a number that is not finite")
    return number


def escape_line_ends(line: bytes) -> bytes:
    """Write line ends outside ASCII as ASCII escapes, which mean the same."""
    for character, escape in LINE_ENDS.items():
        line = line.replace(character.encode(), escape)
    return line


def hour_of(timestamp: int) -> int:
    """Return the hours since 1970; 0 for a time before 1970 or after 9999."""
    return timestamp // HOUR if 0 <= timestamp < YEAR_10000 else 0
