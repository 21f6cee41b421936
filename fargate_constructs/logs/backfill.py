"""Fill an archive with what a log group held before it was shipped.

```
log group ──> export task, a day at a time ──> export bucket ──> [what the archive lacks] ──> shipper's code ──> archive
```

    python -m fargate_constructs.logs.backfill --log-group /ecs/web --export-bucket exports --archive-bucket archive

What is written is what the shipper would have written: its own code does it, so keys and lines have one layout.

**Nothing twice.** Before a day is written, the lines that the archive has of that day are read, and each is taken off
what was exported: by stream, timestamp and message, as often as it is there. So a day may overlap with what was
shipped, and the command may be stopped at any time and started again: it goes on with the first unfinished day.

**Nothing left out.** So it goes on until 12 hours ago by default: no subscription tells since when this archive has
every line, and a day that it has costs an export task and no more.

What an export task does not tell, and what becomes of it
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/S3Export.html):

- *No event ID.* It is made from stream, timestamp, message and which of equal ones it is, and begins with `backfill-`.
  `FilterLogEvents` has the IDs, at some 10 MB/s and 5 to 10 calls a second for the whole account, of which the console
  and others want some: for a log group of 100 GB that is hours; for less, a loop over it may serve you better.
- *Streams with `-` for `/`.* The name is looked up among the group's streams; of a deleted one, or where two would be
  written alike, it stays as exported.
- *Messages of several lines*, one of which begins like an event (`2026-02-28T23:59:59.999Z `), become several events,
  also where the archive has the one: if there are such messages, end when the archive began.
- *Events of the last 12 hours* may be missing: later ends are refused. Of a log group that has been shipped for less,
  what was written in between is left for a second run.

An account runs one export task at a time: the command waits for others, and asks again.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import json
import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import quote

from fargate_constructs.logs.exported_events import Event, batches, milliseconds, parse

PREFIX = "fargate-constructs-backfill"  # of all that it keeps in the export bucket
POLL_SECONDS = 10
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/S3Export.html
EXPORTABLE_AFTER = timedelta(hours=12)

Say = Callable[[str], None]


class BackfillError(RuntimeError):
    """It cannot go on; the message says what to do."""


class Day(NamedTuple):
    """A day, or the part of one at either end of the range."""

    begin: datetime
    end: datetime

    def __str__(self) -> str:
        """The day, as a person names it."""
        return f"{self.begin:%Y-%m-%d}"


class Written(NamedTuple):
    """What became of a day's events."""

    events: int
    there_already: int
    objects: int


class Context:
    """Lambda's context for the shipper's code: there is always time."""

    function_name = "backfill"

    def get_remaining_time_in_millis(self) -> int:
        """A minute."""
        return 60_000


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
        import boto3  # noqa: PLC0415 - a library that makes templates does not need it

        make: Any = boto3.client  # typed for literal names alone
        self._logs, self._s3 = make("logs"), make("s3")
        self._owner = make("sts").get_caller_identity()["Account"]
        self._log_group, self._archive, self._exports = log_group, archive_bucket, export_bucket
        self._say, self._poll_seconds = say, poll_seconds

    def run(self, begin: datetime | None = None, end: datetime | None = None) -> Written:
        """Fill the archive, day by day.

        Args:
            begin: From when on. By default since there is the log group.
            end: Until when, exclusive. By default until 12 hours ago, the newest that is sure to be exportable.

        Returns:
            What was written in all; days that an earlier run finished are not counted.

        Raises:
            BackfillError: The range is empty or too new, the log group is not there, an export task failed, or the
                archive's lines of a day cannot be read.
        """
        newest = datetime.now(UTC) - EXPORTABLE_AFTER
        goes_to_newest = end is None
        begin, end = begin or self._created(), end or newest
        _validate_range(begin, end, newest)
        days, total = list(_days(begin, end)), Written(0, 0, 0)
        self._say(f"from {begin:%F %T} to {end:%F %T} UTC: {len(days):,} days, an export task each")
        for day in days:
            if self._is_done(day):
                self._say(f"{day}  done by an earlier run")
                continue
            self._say(f"{day}  exporting")
            written = self._write(day, self._export(day))
            self._s3.put_object(Bucket=self._exports, Key=self._marker(day), Body=b"")
            self._say(
                f"{day}  {written.events:,} events in {written.objects:,} objects, {written.there_already:,} were there"
            )
            total = Written(*(map(sum, zip(total, written, strict=True))))
        self._say(f"done   {total.events:,} events in {total.objects:,} objects, {total.there_already:,} were there")
        if goes_to_newest:
            self._say(f"has it been shipped only since {end:%F %T} UTC or later? then run this again in 12 hours")
        return total

    def _created(self) -> datetime:
        groups = self._logs.describe_log_groups(logGroupNamePrefix=self._log_group)["logGroups"]
        for created in (group["creationTime"] for group in groups if group["logGroupName"] == self._log_group):
            return _time(created)
        raise BackfillError(f"there is no log group {self._log_group!r} in this account and region")

    def _marker(self, day: Day) -> str:
        group = quote(self._log_group, safe="")
        return f"{PREFIX}/done/{self._archive}/{group}/{day.begin:%Y%m%dT%H%M%S}-{day.end:%Y%m%dT%H%M%S}"

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
                raise BackfillError(f"the export of {day} ended as {status['code']}: {status.get('message')}")
            time.sleep(self._poll_seconds)

    def _begin_task(self, day: Day) -> str:
        """Begin an export task as soon as no other is under way."""
        waiting = False
        while True:
            try:
                task_id: str = self._logs.create_export_task(
                    taskName=f"backfill-{day}",
                    logGroupName=self._log_group,
                    fromTime=milliseconds(day.begin),
                    to=milliseconds(day.end) - 1,
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

    def _write(self, day: Day, folder: str) -> Written:
        """Give the shipper's code what the archive lacks of a day."""
        archived, seen = self._archived(day), Counter[bytes]()
        events = there_already = objects = 0
        for batch in batches(self._exported(folder)):
            lacking = []
            for event in batch:
                fingerprint = event.fingerprint
                seen[fingerprint] += 1
                if seen[fingerprint] > archived[fingerprint]:
                    lacking.append((event, f"backfill-{fingerprint.hex()}-{seen[fingerprint]}"))
            if lacking:
                objects += self._ship(lacking)
            events += len(lacking)
            there_already += len(batch) - len(lacking)
        return Written(events, there_already, objects)

    def _ship(self, events: list[tuple[Event, str]]) -> int:
        """Let the shipper's code store events of one stream; return how many objects that made."""
        os.environ["ARCHIVE_BUCKET"] = self._archive
        from fargate_constructs.logs.shipper import handler  # noqa: PLC0415 - it makes an S3 client at once

        batch = {
            "messageType": "DATA_MESSAGE",
            "owner": self._owner,
            "logGroup": self._log_group,
            "logStream": events[0][0].stream,
            "subscriptionFilters": [],
            "logEvents": [
                {"id": name, "timestamp": event.timestamp, "message": event.message} for event, name in events
            ],
        }
        data = base64.b64encode(gzip.compress(json.dumps(batch).encode(), 1)).decode()
        stored: Any = handler.handler({"awslogs": {"data": data}}, Context())["archived"]
        return len(stored)

    def _exported(self, folder: str) -> Iterator[Event]:
        """Return the events in a folder of exported files, stream by stream."""
        names = self._stream_names()
        for key in self._keys(self._exports, folder):
            exported = key.removeprefix(folder).rpartition("/")[0]
            candidates = names.get(exported, [])
            stream = candidates[0] if len(candidates) == 1 else exported
            text = gzip.decompress(self._read(self._exports, key)).decode()
            yield from (Event(stream, timestamp, message) for timestamp, message in parse(text))

    def _stream_names(self) -> dict[str, list[str]]:
        """Return the names that each exported name may stand for."""
        names = defaultdict[str, list[str]](list)
        pages = self._logs.get_paginator("describe_log_streams").paginate(logGroupName=self._log_group)
        for page in pages:
            for stream in page["logStreams"]:
                names[stream["logStreamName"].replace("/", "-")].append(stream["logStreamName"])
        return names

    def _archived(self, day: Day) -> Counter[bytes]:
        """Return what the archive has of a day: how often each event is there."""
        found = Counter[bytes]()
        for key in self._keys(self._archive, f"log_group={quote(self._log_group, safe='')}/dt={day}/"):
            if key.endswith(".ndjson.gz"):
                for line in gzip.decompress(self._read_archived(key)).splitlines():
                    record = json.loads(line)
                    event = Event(record["logStream"], record["timestamp"], record["message"])
                    found[event.fingerprint] += 1
        return found

    def _read_archived(self, key: str) -> bytes:
        try:
            return self._read(self._archive, key)
        except (self._s3.exceptions.NoSuchKey, self._s3.exceptions.InvalidObjectState) as error:
            raise BackfillError(
                f"the archive's {key} cannot be read: {error}. If it was merged just now, start again; if it must be "
                "restored first, do so, or leave its day out with --from and --to"
            ) from error

    def _keys(self, bucket: str, prefix: str) -> Iterator[str]:
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for entry in page.get("Contents", []):
                yield entry["Key"]

    def _read(self, bucket: str, key: str) -> bytes:
        body: bytes = self._s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return body


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


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _moment(text: str) -> datetime:
    """Return the moment that a person means: ISO 8601, UTC unless it says otherwise."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


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
        type=_moment,
        metavar="TIME",
        help="such as 2026-01-01; by default when the log group was made",
    )
    parser.add_argument(
        "--to",
        dest="end",
        type=_moment,
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
    except BackfillError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - the same
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
