"""The lines of a batch, by the fastest reader that can read it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from .envelope import UnreadableBatch
from .plain import plain
from .prepared import prepared
from .splice import UnexpectedLayout, spliced

if TYPE_CHECKING:
    from .batch import Batch


def read_lines(text: bytes) -> Batch:
    """Return the batch in a text: JSON as CloudWatch Logs delivers it, any other JSON, or prepared lines."""
    try:
        return spliced(text)
    except UnexpectedLayout:
        pass
    try:
        return plain(text)
    except UnreadableBatch as unreadable:
        with suppress(UnreadableBatch):
            return prepared(text)
        raise unreadable from None
