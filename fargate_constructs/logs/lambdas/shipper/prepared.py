"""The reader of lines in the archive's form, which Data Firehose keeps of a prepared batch.

Above its limit of active partitions Data Firehose writes a batch to its error prefix, as `transform.py` prepared it
(https://docs.aws.amazon.com/firehose/latest/dev/buffering.html), and the replay function sends it to the shipper. Lines
and key are the same as if the shipper had stored the batch directly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .batch import Batch, Piece, hour_of, parse
from .envelope import UnreadableBatch
from .plain import is_log_event

if TYPE_CHECKING:
    from typing import Any


def prepared(text: bytes) -> Batch:
    """Return the batch of lines of one log group, in the archive's form."""
    pieces, groups = [], set[str]()
    for line in text.splitlines(keepends=True):
        try:
            record: Any = parse(line.decode())
        except UnicodeDecodeError:
            raise UnreadableBatch("not JSON in UTF-8") from None
        match record:
            case {"logGroup": str(group), "logStream": str(), "owner": str()} if is_log_event(record):
                groups.add(group)
            case _:
                raise UnreadableBatch("neither a control message nor a batch of log events")
        timestamp = record["timestamp"]
        pieces.append(Piece(hour_of(timestamp), timestamp, timestamp, line))
    if len(groups) != 1 or not text.endswith(b"\n"):
        raise UnreadableBatch("not whole lines of one log group")
    return Batch(groups.pop(), pieces)
