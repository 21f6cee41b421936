"""Fill an archive with what a log group held before it was shipped.

```
log group ──> export task, a day at a time ──> export bucket ──> [what the archive lacks] ──> shipper's code ──> archive
```

    python -m fargate_constructs.logs.backfill --log-group /ecs/web --export-bucket exports --archive-bucket archive

What is written is what the shipper would have written: its own code makes keys and lines, so they have one layout.

**Nothing twice.** Before a day is written, the lines that the archive has of that day are read, and each is taken off
what was exported: by stream, timestamp and message, as often as it is there with an ID of its own. So a day may overlap
with what was shipped, and the command may be stopped at any time and started again: it goes on with the first
unfinished day. Days are UTC's, in any time zone.

**One object never stops the rest.** A day of which an object cannot be read, or whose export task fails or is
cancelled, is left out, and events that S3 does not take are named; all else is done before the command fails.

**Nothing left out.** So it goes on until 12 hours ago by default: no subscription tells since when this archive has
every line, and a day that it has costs an export task and no more.

What an export task does not tell, and what becomes of it
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/S3Export.html):

- *No event ID.* It is made from stream, timestamp, message and which of equal ones it is, and begins with `backfill-`.
  `FilterLogEvents` has the IDs, at some 10 MB/s and 5 to 10 calls a second for the whole account, of which the console
  and others want some: for a log group of 100 GB that is hours; for less, a loop over it may serve you better.
- *Streams with `-` for `/`.* The name is looked up among the group's streams; of a deleted one, or where two would be
  written alike, it stays as exported.
- *Messages of several lines*, one of which begins like an event of the exported day (`2026-02-28T23:59:59.999Z `),
  become several events, also where the archive has the one: if there are such messages, end when the archive began.
- *Events of the last 12 hours* may be missing: later ends are refused. Of a log group that has been shipped for less,
  what was written in between is left for a second run.

An account runs one export task at a time: the command waits for others, and asks again.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import sys
import time
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import count
from typing import Any, NamedTuple
from urllib.parse import quote

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from fargate_constructs.logs.exported_events import PREFIX, Event, Line, batches, milliseconds, parse
from fargate_constructs.logs.lambdas.shipper.batch import Batch, Header, Piece, escape_line_ends, hour_of
from fargate_constructs.logs.lambdas.shipper.envelope import UnreadableBatch
from fargate_constructs.logs.lambdas.shipper.objects import lines_by_hour

POLL_SECONDS = 10
LOOKS = 5  # at a day of the archive, where the merger is at work
EVENT_KEYS = ("id", "timestamp", "message")
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/S3Export.html
EXPORTABLE_AFTER = timedelta(hours=12)
# DescribeLogStreams lists 50 streams at a time, 25 times a second for all of the account
# (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html). The waits between attempts
# double, so the last of these is minutes after the first.
PATIENTLY = Config(retries={"max_attempts": 9})

Say = Callable[[str], None]


class BackfillError(RuntimeError):
    """It cannot go on; the message says what to do."""


class UnreadableError(BackfillError):
    """Something of a day cannot be had: it is left for another run."""


class Day(NamedTuple):
    """A day, or the part of one at either end of the range."""

    begin: datetime
    end: datetime

    def __str__(self) -> str:
        """The day, as a person names it."""
        return f"{self.begin:%Y-%m-%d}"


class Archived(NamedTuple):
    """What the archive has of a day."""

    times: Counter[bytes]
    """How often it has each event, by its fingerprint."""
    names: set[bytes]
    """Of the IDs that they have there."""

    def free_id(self, fingerprint: bytes, numbers: Iterator[int]) -> str:
        """Return an ID that no equal event has: one may be there though an earlier one was refused."""
        ids = (f"backfill-{fingerprint.hex()}-{number}" for number in numbers)
        return next(id_ for id_ in ids if _name_of(fingerprint, id_) not in self.names)


class Written(NamedTuple):
    """What became of a day's events."""

    events: int
    there_already: int
    objects: int


class Backfill:
    """The back-fill of one log group.

    Args:
        log_group: Its name.
        archive_bucket: The archive's bucket.
        export_bucket: Where export tasks put what they find, such as a `LogExportBucket`; of the log group's region.
        say: Hears how far it is.
        poll_seconds: How long to wait before looking at a task again.
    """

    def __init__(
        self,
        *,
        log_group: str,
        archive_bucket: str,
        export_bucket: str,
        say: Say = lambda _line: None,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        make: Any = boto3.client  # typed for literal names alone
        self._logs, self._s3 = make("logs", config=PATIENTLY), make("s3")
        self._owner = make("sts").get_caller_identity()["Account"]
        self._log_group, self._archive, self._exports = log_group, archive_bucket, export_bucket
        self._say, self._poll_seconds = say, poll_seconds

    def run(self, begin: datetime | None = None, end: datetime | None = None) -> Written:
        """Fill the archive, day by day.

        Args:
            begin: From when on, in any time zone, UTC where there is none. By default since the first event.
            end: Until when, exclusive, in the same way. By default until 12 hours ago, the newest that is sure to be
                exportable.

        Returns:
            What was written in all; days that an earlier run finished are not counted.

        Raises:
            BackfillError: The range is empty or too new, or the log group is not there. Or, when all days were looked
                at, some could not be finished: an export task that failed, an object of the archive that cannot be
                read, events that S3 did not take.
            botocore.exceptions.ClientError: AWS refuses what no day can do without.
        """
        newest = _in_utc(datetime.now(UTC) - EXPORTABLE_AFTER)
        goes_to_newest = end is None
        begin, end = _in_utc(begin or self._first_moment()), _in_utc(end or newest)
        _validate_range(begin, end, newest)
        days, total, unfinished = list(_days(begin, end)), Written(0, 0, 0), list[str]()
        self._say(f"from {begin:%F %T} to {end:%F %T} UTC: {len(days):,} days, an export task each")
        for day in days:
            if self._is_done(day):
                self._say(f"{day}  done by an earlier run")
                continue
            self._say(f"{day}  exporting")
            try:
                written, refused = self._write(day, self._export(day))
            except UnreadableError as error:
                written, refused = Written(0, 0, 0), [str(error)]
            total = Written(*(map(sum, zip(total, written, strict=True))))
            self._say(
                f"{day}  {written.events:,} events in {written.objects:,} objects, {written.there_already:,} were there"
            )
            if refused:
                unfinished += [f"{day}  {reason}" for reason in refused]
                self._say(f"{day}  not finished: {refused[0]}")
            else:
                self._s3.put_object(Bucket=self._exports, Key=self._marker(day), Body=b"")
        self._say(f"done   {total.events:,} events in {total.objects:,} objects, {total.there_already:,} were there")
        if goes_to_newest:
            self._say(f"has it been shipped only since {end:%F %T} UTC or later? then run this again in 12 hours")
        if unfinished:
            raise BackfillError("\n".join(["what follows is left for another run; all else is done", *unfinished]))
        return total

    def _first_moment(self) -> datetime:
        """Return when the log group was made, or its first event happened, which may be earlier."""
        created = self._created
        first = (stream.get("firstEventTimestamp", created) for stream in self._streams)
        return datetime.fromtimestamp(min([created, *first]) / 1000, UTC)

    @cached_property
    def _created(self) -> int:
        """When the log group was made, in milliseconds."""
        groups = self._logs.describe_log_groups(logGroupNamePrefix=self._log_group)["logGroups"]
        created: list[int] = [each["creationTime"] for each in groups if each["logGroupName"] == self._log_group]
        if not created:
            raise BackfillError(f"there is no log group {self._log_group!r} in this account and region")
        return created[0]

    def _exported_range(self, day: Day) -> range:
        """Return what to export for a day, in milliseconds: until the log group was made, or more.

        CloudWatch Logs takes no earlier end
        (https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateExportTask.html), but events of
        the two weeks before that.
        """
        return range(milliseconds(day.begin), max(milliseconds(day.end), self._created + 1))

    @cached_property
    def _streams(self) -> list[dict[str, Any]]:
        """What CloudWatch Logs tells of each stream."""
        pages = self._logs.get_paginator("describe_log_streams").paginate(logGroupName=self._log_group)
        return [stream for page in pages for stream in page["logStreams"]]

    def _marker(self, day: Day) -> str:
        group = quote(self._log_group, safe="")
        return f"{PREFIX}/done/{self._archive}/{group}/{milliseconds(day.begin)}-{milliseconds(day.end)}"

    def _is_done(self, day: Day) -> bool:
        key = self._marker(day)
        found = self._s3.list_objects_v2(Bucket=self._exports, Prefix=key, MaxKeys=1).get("Contents", [])
        return any(entry["Key"] == key for entry in found)

    def _export(self, day: Day) -> str:
        """Run an export task to its end; return the folder with its files."""
        task_id = self._begin_task(day)
        while True:
            [task] = self._logs.describe_export_tasks(taskId=task_id)["exportTasks"]
            status = task["status"]
            if status["code"] == "COMPLETED":
                return f"{PREFIX}/{task_id}/"
            if status["code"] in {"CANCELLED", "FAILED", "PENDING_CANCEL"}:
                raise UnreadableError(f"the export task ended as {status['code']}: {status.get('message')}")
            time.sleep(self._poll_seconds)

    def _begin_task(self, day: Day) -> str:
        """Begin an export task as soon as no other is under way."""
        waiting, when = False, self._exported_range(day)
        while True:
            try:
                task_id: str = self._logs.create_export_task(
                    taskName=f"backfill-{day}",
                    logGroupName=self._log_group,
                    fromTime=when.start,
                    to=when.stop - 1,
                    destination=self._exports,
                    destinationPrefix=PREFIX,
                )["taskId"]
            except self._logs.exceptions.LimitExceededException:
                if not waiting:
                    self._say(f"{day}  waiting: another export task of this account is under way")
                waiting = True
                time.sleep(self._poll_seconds)
            else:
                return task_id

    def _write(self, day: Day, folder: str) -> tuple[Written, list[str]]:
        """Write what the archive lacks of a day; return what that was, and what S3 did not take and why."""
        archived, seen = self._archived(day), Counter[bytes]()
        numbers = defaultdict[bytes, Iterator[int]](lambda: count(1))
        there_already = 0

        def lacking() -> Iterator[Line]:
            nonlocal there_already
            for event in self._exported(day, folder):
                fingerprint = event.fingerprint
                seen[fingerprint] += 1
                if seen[fingerprint] > archived.times[fingerprint]:
                    yield event.with_id(archived.free_id(fingerprint, numbers[fingerprint]))
                else:
                    there_already += 1

        events = objects = 0
        refused = []
        for batch in batches(lacking()):
            try:
                objects += self._put(batch)
                events += len(batch)
            except (BotoCoreError, ClientError) as error:
                first = datetime.fromtimestamp(batch[0].timestamp / 1000, UTC)
                which = f"{len(batch):,} events of {batch[0].stream!r}, the first of {first:%F %T.%f} UTC"
                refused.append(f"{which}, are not written: {error}")
        return Written(events, there_already, objects), refused

    def _put(self, lines: list[Line]) -> int:
        """Put lines of one stream as the shipper does; return how many objects that made."""
        shared = {"logGroup": self._log_group, "logStream": lines[0].stream, "owner": self._owner}
        opening = Header(self._log_group, shared).opening(EVENT_KEYS)
        pieces = [
            Piece(hour_of(at), at, at, opening + escape_line_ends(members) + b"}\n") for _stream, at, members in lines
        ]
        try:
            objects = lines_by_hour(Batch(self._log_group, pieces))
        except UnreadableBatch as error:
            raise BackfillError(f"the archive cannot hold log group {self._log_group!r}: {error}") from None
        for key, body in objects.items():
            self._put_once(key, body)
        return len(objects)

    def _put_once(self, key: str, body: bytes) -> None:
        """Put an object, unless an earlier run did."""
        try:
            self._s3.put_object(
                Bucket=self._archive, Key=key, Body=body, ContentType="application/x-ndjson", IfNoneMatch="*"
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "PreconditionFailed":
                raise

    def _exported(self, day: Day, folder: str) -> Iterator[Event]:
        """Return the day's events in a folder of exported files, stream by stream."""
        names = defaultdict[str, list[str]](list)
        for name in (stream["logStreamName"] for stream in self._streams):
            names[name.replace("/", "-")].append(name)
        when, end = self._exported_range(day), milliseconds(day.end)
        for key in self._keys(self._exports, folder):
            exported = key.removeprefix(folder).rpartition("/")[0]
            candidates = names[exported]
            stream = candidates[0] if len(candidates) == 1 else exported
            # Bytes that are no UTF-8 become lone surrogates, each its own, so that no two messages become one.
            text = self._read(self._exports, key).decode(errors="surrogateescape")
            yield from (Event(stream, at, message) for at, message in parse(text, when) if at < end)

    def _archived(self, day: Day) -> Archived:
        """Return what the archive has of a day."""
        prefix = f"log_group={quote(self._log_group, safe='')}/dt={day}/"
        keys = list(self._keys(self._archive, prefix))
        for _ in range(LOOKS):
            try:
                found = self._count(keys)
            except self._s3.exceptions.NoSuchKey:  # merged at this moment
                found = None
            before, keys = keys, list(self._keys(self._archive, prefix))
            if found is not None and keys == before:
                return found
        raise UnreadableError(f"the archive's objects below {prefix} change while they are read: start again")

    def _count(self, keys: list[str]) -> Archived:
        """Return what is in these objects; an event that was stored twice, as its ID tells, counts once."""
        found = Archived(Counter(), set())
        for key in keys:
            if not key.endswith(".ndjson.gz"):
                continue
            with self._open(self._archive, key) as lines:
                try:
                    for record in map(json.loads, lines):
                        fingerprint = Event(record["logStream"], record["timestamp"], record["message"]).fingerprint
                        name = _name_of(fingerprint, record["id"])
                        found.times[fingerprint] += name not in found.names
                        found.names.add(name)
                except (ValueError, KeyError, TypeError, AttributeError) as error:
                    raise UnreadableError(f"the archive's {key} has other lines than the shipper's: {error}") from error
        return found

    def _keys(self, bucket: str, prefix: str) -> Iterator[str]:
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for entry in page.get("Contents", []):
                yield entry["Key"]

    def _read(self, bucket: str, key: str) -> bytes:
        """Return what is zipped in an object, when all of it is known to be whole."""
        with self._open(bucket, key) as unzipped:
            return unzipped.read()

    @contextmanager
    def _open(self, bucket: str, key: str) -> Iterator[gzip.GzipFile]:
        """Unzip an object while it is read; a merged one may be 128 MB, and ten times that unzipped."""
        try:
            yield gzip.GzipFile(fileobj=self._s3.get_object(Bucket=bucket, Key=key)["Body"])
        except (BotoCoreError, ClientError) as error:
            if isinstance(error, self._s3.exceptions.NoSuchKey):
                raise
            raise UnreadableError(
                f"s3://{bucket}/{key} cannot be read: {error}. If it must be restored first, do so, or leave its day "
                "out with --from and --to"
            ) from error
        except (OSError, EOFError, zlib.error) as error:
            raise UnreadableError(f"s3://{bucket}/{key} is not gzip: {error}") from error


def _name_of(fingerprint: bytes, id_: object) -> bytes:
    """Return what stands for an event's ID in little memory."""
    return hashlib.sha256(fingerprint + json.dumps(id_).encode()).digest()[:16]


def _validate_range(begin: datetime, end: datetime, newest: datetime) -> None:
    if begin >= end:
        raise BackfillError(
            "nothing to do: --from (by default the log group's first day) must be before --to (by default 12 hours"
            f" ago), got: {begin:%F %T} and {end:%F %T} UTC"
        )
    if end > newest:
        raise BackfillError(
            f"--to must be 12 hours ago or earlier, got: {end:%F %T} UTC; younger events may not be exportable yet:"
            f" come back at {end + EXPORTABLE_AFTER:%F %T} UTC",
        )


def _days(begin: datetime, end: datetime) -> Iterator[Day]:
    """Cut a range at midnight, UTC."""
    while begin < end:
        midnight = begin.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        yield Day(begin, min(midnight, end))
        begin = midnight


def _in_utc(at: datetime) -> datetime:
    """Return a moment in UTC, which it is where it has no time zone, and to the millisecond, as events have it."""
    at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m fargate_constructs.logs.backfill",
        description="Fill a log archive with what a log group held before it was shipped. May be stopped and started "
        "again. Region and credentials are the AWS CLI's; it needs boto3.",
    )
    parser.add_argument("--log-group", required=True, help="the log group's name, such as /ecs/web")
    parser.add_argument("--archive-bucket", required=True, help="the archive's bucket")
    parser.add_argument(
        "--export-bucket", required=True, help="a bucket that CloudWatch Logs may write to (LogExportBucket)"
    )
    parser.add_argument(
        "--from",
        dest="begin",
        type=datetime.fromisoformat,
        metavar="TIME",
        help="such as 2026-01-01, or 2026-01-01T00:00+02:00; UTC without an offset. By default the first event's",
    )
    parser.add_argument(
        "--to",
        dest="end",
        type=datetime.fromisoformat,
        metavar="TIME",
        help="exclusive; by default 12 hours ago, the newest that is sure to be exportable. A day that the archive has "
        "already costs an export task, and adds nothing",
    )
    options = parser.parse_args(arguments)
    try:
        Backfill(
            log_group=options.log_group,
            archive_bucket=options.archive_bucket,
            export_bucket=options.export_bucket,
            say=lambda line: print(line, flush=True),  # noqa: T201 - for a terminal
        ).run(options.begin, options.end)
    except KeyboardInterrupt:
        print("stopped; started again, it goes on with this day", file=sys.stderr)  # noqa: T201 - the same
        return 130
    except (BackfillError, BotoCoreError, ClientError) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - the same
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
