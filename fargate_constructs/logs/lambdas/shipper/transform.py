"""Prepare batches for Data Firehose: the shipper's lines, and the partition in which they belong.

```
log group ──> Data Firehose ──> [transform Lambda] ──> Data Firehose ──> S3
                                      │ over an hour's edge, or too large
                                      └──> S3, as the shipper does
```

Each batch becomes one gzip member, and Data Firehose puts members end to end, which is gzip again. It knows one
partition for a batch, so one whose events lie in several hours goes to S3 from here, under the same keys as if the
shipper had stored it. So does one that no longer fits into the 6 MB that Lambda may answer.

What is over Data Firehose's limit of active partitions is kept as it was prepared here; the shipper takes such lines.
An exception fails the whole invocation: Data Firehose keeps its batches under its error prefix, and the replay function
gives them to the shipper.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, TypedDict

from .envelope import UnreadableBatch
from .handler import archive_objects, quarantine, store
from .metrics import report_lag

if TYPE_CHECKING:
    from .put import Context

# Lambda's limit is 6 MB (https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html); the rest is for the
# IDs and partitions of the batches.
MAX_ANSWER_BYTES = 5_000_000


class Record(TypedDict):
    """A batch as Data Firehose sends it."""

    recordId: str
    data: str


def handler(event: dict[str, list[Record]], context: Context) -> dict[str, list[dict[str, object]]]:
    """Prepare each batch.

    Raises:
        NotStoredError: S3 did not take an object, as in the shipper.
    """
    room = MAX_ANSWER_BYTES
    answers = []
    for record in event["records"]:
        prepared = prepare(record, room, context)
        room -= len(str(prepared.get("data", "")))
        answers.append({"recordId": record["recordId"], **prepared})
    return {"records": answers}


def prepare(record: Record, room: int, context: Context) -> dict[str, object]:
    """Return a batch for Data Firehose, or tell it to drop one that is where it belongs already."""
    delivered = {"awslogs": {"data": record["data"]}}
    try:
        archived = archive_objects(delivered)
    except UnreadableBatch as unreadable:
        quarantine(delivered, str(unreadable), context)
        return {"result": "Dropped"}
    report_lag(archived.newest, context)
    if len(archived.objects) == 1:
        [(key, body)] = archived.objects.items()
        data = base64.b64encode(body).decode()
        if len(data) <= room:
            return {"result": "Ok", "data": data, "metadata": {"partitionKeys": partition_of(key)}}
    store(archived, context)
    return {"result": "Dropped"}


def partition_of(key: str) -> dict[str, str]:
    """Return the partition in an object's key, such as log_group=%2Fecs%2Fweb/dt=2026-02-28/hour=23/….ndjson.gz."""
    return dict(part.split("=", 1) for part in key.split("/")[:-1])
