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

import hashlib
import json
import re
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any, NamedTuple, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from . import archived_hours, lease

TARGET_BYTES = 128 * 1024 * 1024  # of gzip: what Athena reads well; Firehose's largest, too
MIN_OBJECTS = 10  # fewer cost readers less than the merge would
MAX_OBJECTS = 10_000  # a list of 600 KB, and some 30 s to read them
LONGEST_MERGE = 120_000  # milliseconds
SETTLED_AFTER = timedelta(days=2)
LOOK_BACK = timedelta(days=9)  # seven days in which an hour can be merged

SHIPPED = re.compile(r"(?P<first>-?\d+)-(?P<digest>[0-9a-f]{32})\.ndjson\.gz")
MERGED = re.compile(r"-?\d+-[0-9a-f]{32}\.merged\.ndjson\.gz")
HOUR = re.compile(r".*/dt=(\d{4}-\d\d-\d\d)/hour=(\d\d)/")


class VersionedBucket(Exception):  # noqa: N818 -- the bucket is at fault
    """The bucket keeps what is deleted: merging would store every line once more."""


class Unfinished(Exception):  # noqa: N818 -- the next run goes on
    """S3 refused something. Which hours and objects it was is in the log; everything else is merged."""


class UnreadableObjects(Exception):  # noqa: N818 -- the objects are at fault
    """Objects that are not what their names say. Their keys are in the log; everything else is merged."""


class Object(NamedTuple):
    """What S3's list says of an object in an hour's folder."""

    name: str
    size: int
    storage_class: str


class Context(Protocol):
    """What is used of Lambda's context object."""

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until Lambda kills the invocation."""


class OutOfTime(Exception):  # noqa: N818 -- not an error: the next run goes on
    """Too little time is left for another merge."""


class Run:
    """One run: what it did, for the log."""

    def __init__(self, context: Context) -> None:
        """Begin."""
        self._context = context
        self.merged = 0
        self.members = 0
        self.deleted_again = 0
        self.unreadable: list[str] = []
        self.failed: dict[str, str] = {}
        self.finished = True

    def merge_days(self, days: list[date]) -> None:
        """Merge the settled hours of these days, in all log groups."""
        try:
            groups = list(archived_hours.log_groups())
            for day in days:
                for group in groups:
                    self._check_time()
                    with self._going_on(f"{group}dt={day}/"):
                        self._merge_day(f"{group}dt={day}/")
        except OutOfTime:
            self.finished = False

    def _merge_day(self, prefix: str) -> None:
        for hour, objects in hours(prefix):
            if is_settled(hour) and hour not in self.failed:
                self._check_time()
                with self._going_on(hour):
                    self.merge_hour(hour, objects)

    def abort_uploads(self) -> None:
        """Abort what an earlier run began to upload and did not finish; an hour in which that fails is left alone."""
        for key, upload_id in archived_hours.uploads():
            folder, _, name = key.rpartition("/")
            if MERGED.fullmatch(name):
                with self._going_on(f"{folder}/"):
                    archived_hours.abort(key, upload_id)

    def merge_hour(self, prefix: str, objects: list[Object]) -> None:
        """Delete what is merged already, and merge the rest if that is worth it."""
        shipped = [entry for entry in objects if SHIPPED.fullmatch(entry.name)]
        if not shipped:
            return
        try:
            already = merged_members(prefix, {entry.name for entry in objects})
        except archived_hours.NotThereError:
            return  # of an object here, nothing tells whether it is in a merged one
        again = [entry.name for entry in shipped if entry.name in already]
        archived_hours.delete(prefix, again)
        self.deleted_again += len(again)
        # Other classes are left alone: what must be restored first cannot be read, and to delete costs in some.
        small = [entry for entry in shipped if entry.name not in already and entry.storage_class == "STANDARD"]
        for chosen in choices(small):
            self._check_time()
            self.merge(prefix, chosen)

    def merge(self, prefix: str, names: list[str]) -> None:
        """Make one object of those that are whole, and delete them."""
        with ThreadPoolExecutor(archived_hours.READERS) as pool:
            read = zip(names, pool.map(lambda name: self._read(prefix + name), names), strict=True)
            bodies = {name: body for name, body in read if body is not None}
        broken = [name for name, body in bodies.items() if not is_whole(name, body)]
        self.unreadable += [prefix + name for name in broken]
        for name in broken:
            del bodies[name]
        if len(bodies) < MIN_OBJECTS:
            return
        stem = merged_stem(list(bodies))
        archived_hours.put(f"{prefix}_{stem}.txt", "\n".join(bodies))
        archived_hours.upload(f"{prefix}{stem}.ndjson.gz", bodies)
        archived_hours.delete(prefix, list(bodies))
        self.merged += 1
        self.members += len(bodies)

    def _read(self, key: str) -> bytes | None:
        """Return what an object holds; None if that cannot be had, which keeps no other from being merged."""
        try:
            return archived_hours.read(key)
        except archived_hours.NotThereError:
            return None
        except (BotoCoreError, ClientError) as error:
            self.failed[key] = str(error)
            return None

    @contextmanager
    def _going_on(self, prefix: str) -> Iterator[None]:
        """Note what S3 refuses below a prefix: everything else goes on."""
        try:
            yield
        except (BotoCoreError, ClientError, archived_hours.NotDeletedError) as error:
            self.failed[prefix] = str(error)

    def _check_time(self) -> None:
        """Stop before Lambda does."""
        if self._context.get_remaining_time_in_millis() < LONGEST_MERGE:
            raise OutOfTime

    def summary(self) -> dict[str, Any]:
        """Return what was done."""
        return {
            "merged": self.merged,
            "members": self.members,
            "deletedAgain": self.deleted_again,
            "unreadable": self.unreadable,
            "failed": self.failed,
            "finished": self.finished,
        }


def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:
    """Merge the hours that have settled in the last days, as far as time allows; the next run goes on.

    Args:
        event: The schedule's, of which nothing is used. By hand, `{"first_day": "2026-01-01", "last_day":
            "2026-01-31"}` names the days, say after a replay of old failures.
        context: Lambda's.

    Returns:
        How many merged objects were made, of how many members; how many merged ones were there again and were deleted;
        which objects are not what their names say; where S3 refused something; whether time sufficed. If another run
        is under way, only that.

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
    today = now().date()
    first = date.fromisoformat(event["first_day"]) if "first_day" in event else today - LOOK_BACK
    last = date.fromisoformat(event["last_day"]) if "last_day" in event else today - SETTLED_AFTER
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        yield date.fromordinal(ordinal)


def now() -> datetime:
    """Return the time."""
    return datetime.fromtimestamp(time.time(), UTC)


def hours(day: str) -> Iterator[tuple[str, list[Object]]]:
    """Return the objects of each hour of a log group's day; no more than one hour's are held at a time."""
    for prefix, found in groupby(archived_hours.entries(day), key=lambda entry: entry["Key"].rpartition("/")[0] + "/"):
        yield (
            prefix,
            [
                Object(each["Key"].rpartition("/")[2], each["Size"], each.get("StorageClass", "STANDARD"))
                for each in found
            ],
        )


def is_settled(prefix: str) -> bool:
    """Tell whether a folder is an hour's, and that hour is long over."""
    hour = HOUR.fullmatch(prefix)
    if not hour:
        return False
    begun = datetime.fromisoformat(f"{hour[1]}T{hour[2]}:00:00+00:00")
    return begun + timedelta(hours=1) + SETTLED_AFTER <= now()


def merged_members(prefix: str, names: set[str]) -> set[str]:
    """Return the names of what is in merged objects that are there."""
    lists = [f"_{name.removesuffix('.ndjson.gz')}.txt" for name in names if MERGED.fullmatch(name)]
    return {name for each in lists if each in names for name in archived_hours.read(prefix + each).decode().split("\n")}


def choices(objects: list[Object]) -> Iterator[list[str]]:
    """Return which objects to join with each other, in the order of their names, which is that of time."""
    chosen: list[str] = []
    size = 0
    for entry in sorted(objects):
        if chosen and (size + entry.size > TARGET_BYTES or len(chosen) == MAX_OBJECTS):
            if len(chosen) >= MIN_OBJECTS:
                yield chosen
            chosen, size = [], 0
        chosen.append(entry.name)
        size += entry.size
    if len(chosen) >= MIN_OBJECTS:
        yield chosen


def merged_stem(names: list[str]) -> str:
    """Return the name of the object that these make: the same members make the same object, under the same key."""
    digest = hashlib.sha256("\n".join(names).encode()).hexdigest()[:32]
    return f"{names[0].rpartition('-')[0]}-{digest}.merged"


def is_whole(name: str, body: bytes) -> bool:
    """Tell whether an object is one gzip member whose lines have the SHA-256 in its name; unzips a MiB at a time."""
    shipped = SHIPPED.fullmatch(name)
    gunzip, digest = zlib.decompressobj(zlib.MAX_WBITS | 16), hashlib.sha256()  # 16 asks for a gzip header
    try:
        while body and not gunzip.eof:
            digest.update(gunzip.decompress(body, 1024 * 1024))
            body = gunzip.unconsumed_tail
    except zlib.error:
        return False
    whole = gunzip.eof and not gunzip.unused_data
    return whole and shipped is not None and digest.hexdigest().startswith(shipped["digest"])
