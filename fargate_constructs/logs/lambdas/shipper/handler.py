"""Write each batch of a log group's events to S3, once, under the hours in which they happened.

```
event ──> [envelope ──> lines (splice, plain or prepared) ──> batch ──> objects ──> put] ──> S3 ──> Athena
```

Every event is one line of NDJSON, in one object per batch and UTC hour of event time, as it was delivered:

    log_group=%2Fecs%2Fweb/dt=2026-02-28/hour=23/1772323199999-<half the SHA-256 of the lines>.ndjson.gz
    {"logGroup":"/ecs/web","logStream":"web/1","owner":"111122223333","id":"…","timestamp":1772323199999,"message":"…"}

or, with `ARCHIVE_FORMAT=raw`, every batch is one object, under the hour of its first event:

    raw/log_group=%2Fecs%2Fweb/dt=2026-02-28/hour=23/1772323199999-<half the SHA-256 of the JSON>.json.gz

Delivery is at least once, so key and lines depend on the batch alone and no object is written twice. A batch ends as

- archived: all of its objects are in the archive bucket;
- quarantined: it can never be read; it is in the failure bucket as it came;
- an exception: S3 did not take it. Lambda retries, and sends it at last to the function's failure destination.

Quarantine, exception and lateness are each one JSON line in the function's log: the exception's is the runtime's, the
others are metrics. A batch of an ignored log group (IGNORED_LOG_GROUPS) is dropped without a line: the line would be
shipped in its turn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .archive import archive

if TYPE_CHECKING:
    from .put import Context


def handler(event: object, context: Context) -> dict[str, object]:
    """Archive the batch in a subscription event, or quarantine it if it is unreadable.

    Returns:
        `{"archived": [key, ...]}` or `{"quarantined": key}`, for a person who invokes the function by hand.

    Raises:
        NotStoredError: S3 did not take an object. The next attempt finds what this one stored.
    """
    return archive(event, context)
