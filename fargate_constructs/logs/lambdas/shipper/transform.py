"""Prepare batches for Data Firehose: the shipper's lines, and the partition in which they belong.

```
log group ──> Data Firehose ──> [transform Lambda] ──> Data Firehose ──> S3
                                      │ several hours, or too large
                                      └──> S3, as the shipper does
```

Each batch becomes one gzip member. Data Firehose joins members, and joined members are gzip again. Data Firehose has
one partition for a batch. A batch with events of several hours therefore goes to S3 from here, under the same keys as
if the shipper had stored it. So does a batch that no longer fits into the 6 MB of Lambda's response.

Over its limit of active partitions Data Firehose keeps a batch as it was prepared here; the shipper takes such lines.
An exception fails the whole invocation: Data Firehose keeps its batches under its error prefix, and the replay function
sends them to the shipper.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, TypedDict

from .envelope import UnreadableBatch, as_event
from .metrics import report_lag
from .objects import objects_of
from .put import quarantine, store

if TYPE_CHECKING:
    from .put import Context

# Lambda's limit is 6 MB (https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html); the rest is for the
# IDs and partitions of the batches.
MAX_RESPONSE_BYTES = 5_000_000


class Record(TypedDict):
    """A batch as Data Firehose sends it."""

    recordId: str
    data: str


def handler(event: dict[str, list[Record]], context: Context) -> dict[str, list[dict[str, object]]]:
    """Prepare each batch.

    Raises:
        NotStoredError: S3 did not take an object, as in the shipper.
    """
    room = MAX_RESPONSE_BYTES
    responses = []
    for record in event["records"]:
        prepared = prepare(record["data"], room, context)
        room -= len(str(prepared.get("data", "")))
        responses.append({"recordId": record["recordId"], **prepared})
    return {"records": responses}


def prepare(data: str, room: int, context: Context) -> dict[str, object]:
    """Return a batch for Data Firehose; let it drop a batch that is stored already, or put into quarantine."""
    event = as_event(data)
    try:
        objects = objects_of(event)
    except UnreadableBatch as unreadable:
        quarantine(event, str(unreadable), context)
        return {"result": "Dropped"}
    report_lag(objects.newest, context)
    if len(objects.bodies) == 1:
        [(key, body)] = objects.bodies.items()
        prepared = base64.b64encode(body).decode()
        if len(prepared) <= room:
            return {"result": "Ok", "data": prepared, "metadata": {"partitionKeys": partition_of(key)}}
    store(objects, context)
    return {"result": "Dropped"}


def partition_of(key: str) -> dict[str, str]:
    """Return the partition in an object's key, such as log_group=%2Fecs%2Fweb/dt=2026-02-28/hour=23/….ndjson.gz."""
    return dict(part.split("=", 1) for part in key.split("/")[:-1])
