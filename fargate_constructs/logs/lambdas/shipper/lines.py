"""Lines that are as the archive has them already: what Data Firehose keeps of a prepared batch.

```
NDJSON ──> [lines] ──> one piece for each line
```

A batch over the limit of active partitions goes, as `transform.py` prepared it, under Data Firehose's error prefix
(https://docs.aws.amazon.com/firehose/latest/dev/buffering.html), and the replay function gives it to the shipper. Its
lines and key are the same as if the shipper had stored the batch at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .batch import Batch, Piece, hour_of, parse
from .envelope import UnreadableBatch
from .plain import is_log_event

if TYPE_CHECKING:
    from typing import Any


def lines(text: bytes) -> Batch:
    """Return the batch in lines of one log group.

    Raises:
        UnreadableBatch: They are not lines as the archive has them.
    """
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
