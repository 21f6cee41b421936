"""Join the small objects of each past hour into few large ones. No line is lost, and none stays twice.

```
small objects of an hour ──> [joined gzip members, unchanged] ──> one object of up to 128 MB
```

A gzip file may have many members, so nothing is compressed again. An hour's objects before and after:

    log_group=%2Fecs%2Fweb/dt=2026-02-28/hour=23/1772323199999-<hash>.ndjson.gz          many, from the shipper
    log_group=%2Fecs%2Fweb/dt=2026-02-28/hour=23/_1772323199999-<hash>.merged.txt        the names of those joined
    log_group=%2Fecs%2Fweb/dt=2026-02-28/hour=23/1772323199999-<hash>.merged.ndjson.gz   their lines

Athena and every other Hive reader skip names that begin with `_`; the list stays as long as the lines do.

S3 has no transaction over two objects. Lambda may kill the function between any two of these steps:

1. Each upload that an earlier run left unfinished is aborted, so nothing of it can appear later.
2. If a list and its joined object both exist, the objects in the list are deleted: the joined object has their lines.
3. Complete objects are chosen from the others: unzipped, each must have the SHA-256 in its name. A broken object would
   hide all later ones.
4. Their list is put, then the joined object, which S3 shows completely or not at all. Then they are deleted.

If a run is killed before the joined object exists, readers see no change. If it is killed later, step 2 of the next run
finishes it. If a member is delivered or replayed again after its deletion, the shipper puts it again, and step 2 of the
next run for its hour deletes it.

Two runs at the same time would not be safe: they could join different choices of the same objects, and lines would stay
twice. So each run takes a lease first; `lease.py` says why only one can have it.

What a reader may see: from the moment that a merged object appears until its members are deleted, their lines are
there twice. That takes seconds; after a kill, until the next run. The view `logs` has each event once at any time. A
query that has listed a member and reads it after its deletion fails with `NoSuchKey`, and works when run again.

One object never stops the others. What is gone or must be restored first is left alone, and so is an hour of which
that is true of a list: nothing tells then what is merged. What S3 refuses is named in the log and left to the next run,
and the run fails when everything else is done; then it keeps its lease, as its last request may still be on its way.

An hour is left alone for two days after its end: Lambda delivers for up to 6 hours after CloudWatch Logs, which tries
for up to 24. What comes later still (a replay, an agent that was offline) is merged or recognized as above.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from . import archived_hours, hours, lease
from .run import Context, Run

LOOK_BACK = timedelta(days=9)  # seven days in which an hour can be compacted


class VersionedBucket(Exception):  # noqa: N818 -- the bucket is at fault
    """The bucket keeps deleted objects: compaction would store every line once more."""


class Unfinished(Exception):  # noqa: N818 -- the next run goes on
    """S3 refused some requests. The log names the hours and objects; everything else is compacted."""


class UnreadableObjects(Exception):  # noqa: N818 -- the objects are at fault
    """Objects whose lines do not have the hash in their names. The log has their keys; everything else is compacted."""


def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:
    """Compact the hours that have ended in the last days, as far as time allows; the next run continues.

    Args:
        event: The schedule's event, which is not used. By hand, `{"first_day": "2026-01-01", "last_day":
            "2026-01-31"}` names the days, for example after a replay of old failures.
        context: Lambda's.

    Returns:
        The number of joined objects and of their members; the number of members that came again and were deleted; the
        objects with a wrong hash; the hours in which S3 refused a request; whether there was enough time. If another
        run is active, only that.

    Raises:
        VersionedBucket: The bucket is versioned.
        Unfinished: S3 refused some requests. The next run continues.
        UnreadableObjects: Some objects were left as they are.
        botocore.exceptions.ClientError: S3 refuses a request that every hour needs. The next run continues.
    """
    if archived_hours.is_versioned():
        raise VersionedBucket("turn compaction off for a versioned bucket: LogArchive(…, compaction=False)")
    try:
        held = lease.take()
    except lease.Busy as busy:
        return {"busy": str(busy)}
    run = Run(context)
    run.abort_uploads()
    run.merge_days(list(days(event)))
    if not run.failed:
        lease.give_back(held)
    summary = run.summary()
    if run.merged or run.deleted_again or run.unreadable or run.failed or not run.finished:
        print(json.dumps(summary))  # noqa: T201 -- standard output is the function's log
    if run.failed:
        first = next(iter(run.failed))
        raise Unfinished(f"{len(run.failed)} times, such as {first}: {run.failed[first]}")
    if run.unreadable:
        raise UnreadableObjects(f"{len(run.unreadable)} objects, such as {run.unreadable[0]}")
    return summary


def days(event: dict[str, Any]) -> Iterator[date]:
    """Return the days to compact, the oldest first, because it is the next one that is no longer compacted."""
    today = hours.now().date()
    first = date.fromisoformat(event["first_day"]) if "first_day" in event else today - LOOK_BACK
    last = date.fromisoformat(event["last_day"]) if "last_day" in event else today - hours.SETTLED_AFTER
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        yield date.fromordinal(ordinal)
