"""Join the small objects of each past hour into few large ones; no line is lost, and none is there twice for long.

```
small objects of an hour ──> [gzip members, one after the other, as they are] ──> one object of up to 128 MB
```

A gzip file may have many members, so nothing is compressed again. An hour's objects before and after:

    log_group=%2Fecs%2Fweb/dt=2026-02-28/hour=23/1772323199999-<hash>.ndjson.gz          many, from the shipper
    log_group=%2Fecs%2Fweb/dt=2026-02-28/hour=23/_1772323199999-<hash>.merged.txt        the names of those joined
    log_group=%2Fecs%2Fweb/dt=2026-02-28/hour=23/1772323199999-<hash>.merged.ndjson.gz   their lines

Athena and every other Hive reader skip names that begin with `_`; the list stays as long as the lines do.

S3 has no transaction over two objects. These steps, in this order, are safe to be killed between any two:

1. Every upload that an earlier run left unfinished is aborted, so nothing of it can appear from here on.
2. Where a list and its merged object are both there, what the list names is deleted: it is in the merged object.
3. Of what is left, whole objects are chosen: unzipped, each must have the SHA-256 that its name says. One broken object
   would hide all that follow it.
4. Their list is put, then the merged object, which S3 shows all at once or not at all; then they are deleted.

Killed before the merged object is there, a run has changed nothing that a reader sees. Killed after, the next run
finishes it by step 2. A member that is delivered or replayed again after its deletion is put again by the shipper, and
deleted by step 2 of the next run that looks at its hour.

Two runs at once would not be safe: joining different choices of the same objects, they would leave lines there twice
for good. So each takes a lease first; `lease.py` says why only one can have it.

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

LOOK_BACK = timedelta(days=9)  # seven days in which an hour can be merged


class VersionedBucket(Exception):  # noqa: N818 -- the bucket is at fault
    """The bucket keeps what is deleted: merging would store every line once more."""


class Unfinished(Exception):  # noqa: N818 -- the next run goes on
    """S3 refused something. Which hours and objects it was is in the log; everything else is merged."""


class UnreadableObjects(Exception):  # noqa: N818 -- the objects are at fault
    """Objects that are not what their names say. Their keys are in the log; everything else is merged."""


def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:
    """Merge the hours that have settled in the last days, as far as time allows; the next run goes on.

    Args:
        event: The schedule's, of which nothing is used. By hand, `{"first_day": "2026-01-01", "last_day":
            "2026-01-31"}` names the days, say after a replay of old failures.
        context: Lambda's.

    Returns:
        How many merged objects were made, of how many members; how many members were there again and were deleted;
        which objects are not what their names say; where S3 refused something; whether there was enough time. If
        another run is under way, only that.

    Raises:
        VersionedBucket: The bucket is versioned.
        Unfinished: S3 refused something in some hours. The next run goes on.
        UnreadableObjects: Some objects were left as they are.
        botocore.exceptions.ClientError: S3 refuses what no hour can do without. The next run goes on.
    """
    if archived_hours.is_versioned():
        raise VersionedBucket("turn merging off for a versioned bucket: LogArchive(…, compaction=False)")
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
    """Return the days to look at, the oldest first: it is the next to leave the ones that are looked at."""
    today = hours.now().date()
    first = date.fromisoformat(event["first_day"]) if "first_day" in event else today - LOOK_BACK
    last = date.fromisoformat(event["last_day"]) if "last_day" in event else today - hours.SETTLED_AFTER
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        yield date.fromordinal(ordinal)
