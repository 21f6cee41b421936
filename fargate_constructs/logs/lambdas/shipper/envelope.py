"""The delivery of CloudWatch Logs, unpacked."""

from __future__ import annotations

import base64
import zlib
from typing import NamedTuple

MAX_BATCH_BYTES = 64 * 1024 * 1024  # ten thousand log lines are about 4 MB, but 1 MB of gzip can be a bomb of 1 GB


class UnreadableBatch(Exception):  # noqa: N818 -- not an error of the function: the batch is at fault
    """A batch that no retry can read. The message has the reason in ASCII, and no content of the batch."""


class Delivered(NamedTuple):
    """A delivered batch."""

    compressed: bytes
    text: bytes


def as_event(data: str) -> object:
    """Return the subscription event with this data."""
    return {"awslogs": {"data": data}}


def data_of(event: object) -> str | None:
    """Return the text in `awslogs.data`, or `None` if there is none."""
    match event:
        case {"awslogs": {"data": str(data)}}:
            return data
    return None


def unpack(event: object) -> Delivered:
    """Return the gzip in a subscription event, and its content."""
    data = data_of(event)
    if data is None:
        raise UnreadableBatch("no text under awslogs.data")
    try:
        compressed = base64.b64decode(data, validate=True)
    except ValueError:  # binascii.Error is one, too
        raise UnreadableBatch("not base64") from None
    return Delivered(compressed, gunzip(compressed))


def gunzip(compressed: bytes) -> bytes:
    """Return the content of exactly one complete gzip member."""
    gunzip = zlib.decompressobj(zlib.MAX_WBITS | 16)  # 16 asks for a gzip header
    try:
        text = gunzip.decompress(compressed, MAX_BATCH_BYTES)
    except zlib.error:
        raise UnreadableBatch("not gzip") from None
    # A cut gzip, content beyond the limit and bytes after the end raise no error; only these attributes show them.
    if not gunzip.eof or gunzip.unused_data:
        raise UnreadableBatch("not one whole gzip member below the size limit")
    return text
