"""Reads the events of a log group from an archive in S3: in the order of time, each event once.

list, hour by hour ──> objects, several at a time ──> events of the hour, sorted (on disk if they are many) ──> events

An object of the shipper, of Data Firehose or of compaction is in the folder of its events' hour. There are two
exceptions. A log router's object is in the folder of its first line, and goes on for up to a minute. A raw batch is in
the folder of its first event, and CloudWatch Logs accepts batches of 24 hours
(https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html). So the folders before the
range are listed, too, and of these objects those are read that were stored since it begins. The first line may not be
the earliest, so these objects are read with the hour before theirs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from fargate_constructs.cli.aws import paged
from fargate_constructs.cli.deployed.archives import DeployedArchive
from fargate_constructs.cli.events.log_events import LogEvent, each_once
from fargate_constructs.cli.events.sorted_events import SortedEvents
from fargate_constructs.logs.backfill.zipped_objects import UnreadableError, unzipped

if TYPE_CHECKING:
    from boto3 import Session

HOUR = 3_600_000  # in milliseconds, as all times here
# For how many hours an object may go on after the hour of its folder.
ROUTED_HOURS, RAW_HOURS = 1, 24
# Names of objects whose events are all of the hour of their folder: those of the shipper, of compaction, and of Data
# Firehose. All begin with a time.
OF_ONE_HOUR = re.compile(r".*/-?\d+-[^/]+\.ndjson\.gz")
HOUR_OF = re.compile(r"/dt=(\d{4}-\d\d-\d\d)/hour=([01]\d|2[0-3])/[^/]+$")
SUFFIXES = {"ndjson": ".ndjson.gz", "raw": ".json.gz"}
# Small objects are read at the same time, over as many connections as botocore has; larger ones are unzipped while they
# are read.
READERS, SMALL_BYTES, TOGETHER = 10, 2**20, 20
# What a connection breaks off is read again.
TRIES = 3
# Compaction deletes what it joins, so an hour may change while it is read. It joins ten objects or more.
ATTEMPTS, JOINED_TOGETHER = 5, 10
# List prices in USD of S3 in us-east-1 (https://aws.amazon.com/s3/pricing/): 1,000 LIST requests, 1,000 GET requests,
# those from Glacier Instant Retrieval, a GB retrieved from there, and a GB sent to the internet.
LIST_PRICE, GET_PRICE, COLD_GET_PRICE, RETRIEVAL_PRICE, TRANSFER_PRICE = 0.005, 0.0004, 0.01, 0.03, 0.09
INSTANT = "GLACIER_IR"


class ArchivedObject(NamedTuple):
    """An object of an archive."""

    key: str
    size: int
    storage_class: str
    modified: datetime


class ScanSize(NamedTuple):
    """What a read of the archive takes."""

    objects: int = 0
    bytes: int = 0
    cold_objects: int = 0
    """Those in Glacier Instant Retrieval, as the next."""
    cold_bytes: int = 0

    @classmethod
    def of(cls, objects: Iterable[ArchivedObject]) -> ScanSize:
        """Return what it takes to read objects."""
        found = [*objects]
        cold = [each.size for each in found if each.storage_class == INSTANT]
        return cls(len(found), sum(each.size for each in found), len(cold), sum(cold))

    @property
    def usd(self) -> float:
        """Its price outside AWS, without the 100 GB that are free each month; in the bucket's region it is lower."""
        return (
            self.objects / 1000 * (LIST_PRICE / 1000 + GET_PRICE)
            + self.cold_objects / 1000 * (COLD_GET_PRICE - GET_PRICE)
            + self.cold_bytes / 1e9 * RETRIEVAL_PRICE
            + self.bytes / 1e9 * TRANSFER_PRICE
        )


class ArchivedEvents:
    """The events that an archive has of a log group.

    Args:
        session: The credentials.
        archive: The archive.
        log_group: The log group's name.
        progress: Is called after each object.

    Raises:
        ValueError: If the archive is not of this library, so that its format is not known.
    """

    def __init__(
        self, session: Session, archive: DeployedArchive, log_group: str, *, progress: Callable[[], None] = lambda: None
    ) -> None:
        if archive.format not in SUFFIXES:
            raise ValueError(f"{archive.name} must be an archive of this library, got: {', '.join(archive.lacks)}")
        self._s3: Any = session.client("s3", region_name=archive.region)
        self._archive, self._log_group = archive, log_group
        self._folder = f"{archive.prefix}{quote(log_group, safe='', errors='surrogatepass')}/"
        self._margin = RAW_HOURS if archive.format == "raw" else ROUTED_HOURS
        self._progress = progress
        self.objects_read = 0
        self.hour: datetime | None = None
        """The hour that is read."""
        self.unreadable: list[str] = []
        """What could not be read, and why; everything else was."""

    def objects(self, begin: int, end: int) -> Iterator[ArchivedObject]:
        """Yield the objects that may have events from one time to another, which does not belong to the range."""
        if begin >= end:
            return
        begin = max(begin, 0)
        first, after = begin - begin % HOUR, end - 1 - (end - 1) % HOUR + HOUR
        stored_since = datetime.fromtimestamp(begin // 1000, UTC)
        for each in self._list(first - self._margin * HOUR, after + HOUR):
            hour = _hour_of(each)
            is_inside = first <= hour < after
            is_before = hour < first and each.modified >= stored_since
            if is_inside or (not OF_ONE_HOUR.fullmatch(each.key) and (is_before or hour == after)):
                yield each

    def has_any(self) -> bool:
        """Whether the archive has an object of the log group."""
        found = self._s3.list_objects_v2(**self._archive.bucket_arguments, Prefix=self._folder, MaxKeys=1)
        return bool(found.get("Contents"))

    def size(self, begin: int, end: int) -> ScanSize:
        """Return what it takes to read a range."""
        return ScanSize.of(self.objects(begin, end))

    def read(self, begin: int, end: int) -> Iterator[LogEvent]:
        """Yield the events from one time to another, which does not belong to the range, in the order of time."""
        return each_once(self._in_order(begin, end))

    def _in_order(self, begin: int, end: int) -> Iterator[LogEvent]:
        """Yield the events in the order of time, each as often as it is stored."""
        with ThreadPoolExecutor(READERS) as pool, SortedEvents() as found:
            for hour, objects in _by_hour(self.objects(begin, end)):
                self.hour = datetime.fromtimestamp(hour / 1000, UTC)
                for event in self._of_hour(pool, hour, objects):
                    if begin <= event.timestamp < end:
                        found.add(event)
                yield from found.take_until(hour + HOUR)
            yield from found.take_until(end)

    def _of_hour(self, pool: ThreadPoolExecutor, hour: int, objects: Sequence[ArchivedObject]) -> Iterator[LogEvent]:
        """Yield the events in objects; if compaction has joined some meanwhile, those in the joined object."""
        done: set[str] = set()
        gone: list[str] = []
        for _ in range(ATTEMPTS):
            new = [each for each in objects if each.key not in done]
            gone.clear()
            yield from self._of_objects(pool, new, gone)
            done.update(each.key for each in new)
            if not gone and len(new) < JOINED_TOGETHER:
                return
            objects = [*self._list(hour, hour + HOUR)]
            if all(each.key in done for each in objects):
                return
        if gone:  # otherwise new ones come, of an hour that is not over
            self.unreadable.append(f"the objects of the hour {self.hour:%F %H}:00 UTC change while they are read")

    def _of_objects(
        self, pool: ThreadPoolExecutor, objects: Sequence[ArchivedObject], gone: list[str]
    ) -> Iterator[LogEvent]:
        """Yield the events in objects, the small ones first; note what is gone."""
        small = [each for each in objects if each.size <= SMALL_BYTES]
        for start in range(0, len(small), TOGETHER):
            some = small[start : start + TOGETHER]
            for each, lines in zip(some, pool.map(self._all_lines, some), strict=True):
                yield from self._events(each, lines, gone)
        for each in objects:
            if each.size > SMALL_BYTES:
                yield from self._events(each, self._lines(each), gone)

    def _all_lines(self, each: ArchivedObject) -> Iterable[bytes]:
        """Return the lines of an object, or what raises when they are read, as reading does."""
        try:
            return [*self._lines(each)]
        except (UnreadableError, self._s3.exceptions.NoSuchKey) as error:
            return _raising(error)

    def _lines(self, each: ArchivedObject) -> Iterator[bytes]:
        """Yield the lines of an object; after a broken connection from the first on, because each event counts once."""
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - `--help` starts without it

        where = self._archive.bucket_arguments
        bucket = where.pop("Bucket")
        tries = 0
        while True:
            tries += 1
            try:
                with unzipped(self._s3, bucket, each.key, **where) as file:
                    yield from file
            except UnreadableError as error:
                if tries == TRIES or not isinstance(error.__cause__, BotoCoreError):
                    raise
            else:
                return

    def _events(self, each: ArchivedObject, lines: Iterable[bytes], gone: list[str]) -> Iterator[LogEvent]:
        """Yield the events in the lines of an object; note it if it is gone or cannot be read."""
        try:
            batches = map(json.loads, [b"".join(lines)] if self._archive.format == "raw" else lines)
            for batch in batches:
                events = batch["logEvents"] if self._archive.format == "raw" else [batch]
                yield from (self._event(batch["logStream"], event) for event in events)
        except self._s3.exceptions.NoSuchKey:
            gone.append(each.key)
        except UnreadableError as error:
            self.unreadable.append(str(error))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self.unreadable.append(f"{each.key} has other lines than the shipper's: {type(error).__name__} {error}")
        else:
            self.objects_read += 1
        self._progress()

    def _event(self, stream: str, event: Mapping[str, Any]) -> LogEvent:
        timestamp, message = event["timestamp"], event["message"]
        if not isinstance(timestamp, int) or not isinstance(message, str):
            raise TypeError(f"timestamp {timestamp!r}, message {type(message).__name__}")
        return LogEvent(timestamp, self._log_group, stream, message, str(event.get("id", "")))

    def _list(self, begin: int, end: int) -> Iterator[ArchivedObject]:
        """Yield the objects in the folders of the hours from one time to another, without the lists of compaction."""
        # S3 lists keys in order: so many requests as there are thousands of objects, not one for each hour.
        start, after = (f"{self._folder}{_partition(each)}" for each in (begin, end))
        place = {**self._archive.bucket_arguments, "Prefix": self._folder, "StartAfter": start}
        for entry in paged(self._s3, "list_objects_v2", "Contents", **place):
            if entry["Key"] >= after:
                return
            if entry["Key"].endswith(SUFFIXES[self._archive.format]) and HOUR_OF.search(entry["Key"]):
                storage_class = entry.get("StorageClass", "STANDARD")
                yield ArchivedObject(entry["Key"], entry["Size"], storage_class, entry["LastModified"])


def _by_hour(objects: Iterable[ArchivedObject]) -> Iterator[tuple[int, list[ArchivedObject]]]:
    """Yield the hours of objects in order, with what is read by the end of each."""
    last: tuple[int, list[ArchivedObject]] | None = None
    for hour, found in groupby(objects, key=_hour_of):
        of_hour = [*found]
        if last:
            last[1].extend(each for each in of_hour if not OF_ONE_HOUR.fullmatch(each.key))
            of_hour = [each for each in of_hour if OF_ONE_HOUR.fullmatch(each.key)]
            yield last
        last = hour, of_hour
    if last:
        yield last


def _raising(error: Exception) -> Iterator[bytes]:
    """Raise an error when the first line is read."""
    raise error
    yield b""


def _hour_of(each: ArchivedObject) -> int:
    """Return the beginning of the hour of an object's folder."""
    day, hour = HOUR_OF.findall(each.key)[-1]
    return int(datetime.fromisoformat(f"{day}T{hour}:00+00:00").timestamp()) * 1000


def _partition(time: int) -> str:
    """Return the folder of the hour of a time."""
    return f"{datetime.fromtimestamp(time // 1000, UTC):dt=%Y-%m-%d/hour=%H/}"
