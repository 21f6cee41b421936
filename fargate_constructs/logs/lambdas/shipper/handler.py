"""Write each batch of a log group's events to S3 once, under the hours of the events.

```
event ──> [envelope ──> lines (splice, plain or prepared) ──> batch ──> objects ──> put] ──> S3 ──> Athena
```

Each event is one line of NDJSON, unchanged, in one object for each batch and UTC hour:

    log_group=%2Fecs%2Fweb/dt=2026-02-28/hour=23/1772323199999-<half the SHA-256 of the lines>.ndjson.gz
    {"logGroup":"/ecs/web","logStream":"web/1","owner":"111122223333","id":"…","timestamp":1772323199999,"message":"…"}

With `ARCHIVE_FORMAT=raw` each batch is one object, under the hour of its first event:

    raw/log_group=%2Fecs%2Fweb/dt=2026-02-28/hour=23/1772323199999-<half the SHA-256 of the JSON>.json.gz

Delivery is at least once, so key and lines depend on the batch only, and no object is written twice. A batch is

- archived: all of its objects are in the archive bucket;
- quarantined: it cannot be read, and the failure bucket has it unchanged;
- an exception: S3 did not store it. Lambda retries, and then sends it to the function's failure destination.

Quarantine, exception and delay are each one JSON line in the function's log: the runtime writes the exception, the
others are metrics. A batch of an ignored log group (IGNORED_LOG_GROUPS) is dropped without a line, because that line
would be shipped, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .envelope import UnreadableBatch
from .metrics import report_lag
from .objects import objects_of
from .put import quarantine, store

if TYPE_CHECKING:
    from .put import Context


def handler(event: object, context: Context) -> dict[str, object]:
    """Archive the batch in a subscription event, or quarantine it if it is unreadable.

    Returns:
        `{"archived": [key, ...]}` or `{"quarantined": key}`, for invocations by hand.

    Raises:
        NotStoredError: S3 did not store an object. The next attempt finds the objects of this one.
    """
    try:
        objects = objects_of(event)
    except UnreadableBatch as unreadable:
        return {"quarantined": quarantine(event, str(unreadable), context)}
    store(objects, context)
    report_lag(objects.newest, context)
    return {"archived": list(objects.bodies)}
