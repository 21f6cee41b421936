"""The backfill of one log group, day by day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import quote

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from fargate_constructs.logs.backfill import PREFIX
from fargate_constructs.logs.backfill.archived_day import read_archived_day
from fargate_constructs.logs.backfill.events import Line, batches, milliseconds
from fargate_constructs.logs.backfill.export_tasks import Day, ExportTasks
from fargate_constructs.logs.backfill.zipped_objects import BackfillError, UnreadableError, keys
from fargate_constructs.logs.lambdas.shipper.batch import Batch, Header, Piece, escape_line_ends, hour_of
from fargate_constructs.logs.lambdas.shipper.envelope import UnreadableBatch
from fargate_constructs.logs.lambdas.shipper.objects import lines_by_hour

POLL_SECONDS = 10
EVENT_KEYS = ("id", "timestamp", "message")
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/S3Export.html
EXPORTABLE_AFTER = timedelta(hours=12)
# DescribeLogStreams lists 50 streams at a time, 25 times a second for all of the account
# (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html). The waits between attempts
# double, so the last of these is minutes after the first.
PATIENTLY = Config(retries={"max_attempts": 9})


class Written(NamedTuple):
    """The result for a day's events."""

    events: int
    there_already: int
    objects: int


class UnfinishedError(BackfillError):
    """Some days are left for another run, and why; the rest is done."""

    def __init__(self, written: Written, left: list[str]) -> None:
        super().__init__("\n".join(["what follows is left for another run; the rest is done", *left]))
        self.written, self.left = written, left


class Backfill:
    """The backfill of one log group.

    *export_bucket* must be in the log group's region. *client* makes clients of boto3, and *report* gets a line about
    each step.
    """

    def __init__(
        self,
        *,
        log_group: str,
        archive_bucket: str,
        export_bucket: str,
        client: Callable[..., Any],
        report: Callable[[str], None],
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._s3 = client("s3")
        self._owner = client("sts").get_caller_identity()["Account"]
        self._log_group, self._archive, self._exports = log_group, archive_bucket, export_bucket
        self._report = report
        self._tasks = ExportTasks(
            logs=client("logs", config=PATIENTLY),
            s3=self._s3,
            log_group=log_group,
            bucket=export_bucket,
            report=report,
            poll_seconds=poll_seconds,
        )

    def run(self, begin: datetime | None = None, end: datetime | None = None) -> Written:
        """Fill the archive, day by day.

        Args:
            begin: The first time, in any time zone; UTC without one. By default the first event's.
            end: The end, exclusive, in the same form. By default 12 hours ago, the newest time that can be exported for
                sure.

        Returns:
            The total of what was written, without days that an earlier run finished.

        Raises:
            BackfillError: The range is empty or too new, or the log group is not there.
            UnfinishedError: After all days, some could not be finished: an export task failed, an object of the archive
                cannot be read, or S3 did not take some events.
            botocore.exceptions.ClientError: AWS refuses a request that every day needs.
        """
        goes_to_newest = end is None
        days, total, unfinished = self.days(begin, end), Written(0, 0, 0), list[str]()
        end = days[-1].end
        self._report(f"from {days[0].begin:%F %T} to {end:%F %T} UTC: {len(days):,} days, an export task each")
        for day in days:
            if self._is_done(day):
                self._report(f"{day}  done by an earlier run")
                continue
            written, refused = self._fill(day)
            total = Written(*(map(sum, zip(total, written, strict=True))))
            unfinished += [f"{day}  {reason}" for reason in refused]
        self._report(f"done   {total.events:,} events in {total.objects:,} objects, {total.there_already:,} were there")
        if goes_to_newest:
            self._report(f"has it been shipped only since {end:%F %T} UTC or later? then run this again in 12 hours")
        if unfinished:
            raise UnfinishedError(total, unfinished)
        return total

    def days(self, begin: datetime | None = None, end: datetime | None = None) -> list[Day]:
        """Return the days of a range, which is that of `run`.

        Raises:
            BackfillError: The range is empty or too new, or the log group is not there.
        """
        self._tasks.validate()
        newest = _in_utc(datetime.now(UTC) - EXPORTABLE_AFTER)
        begin, end = _in_utc(begin or self._tasks.first_moment()), _in_utc(end or newest)
        _validate_range(begin, end, newest)
        return list(_days(begin, end))

    def _fill(self, day: Day) -> tuple[Written, list[str]]:
        """Fill one day; return what was written, and the errors."""
        self._report(f"{day}  exporting")
        try:
            written, refused = self._write(day, self._tasks.run(day))
        except UnreadableError as error:
            written, refused = Written(0, 0, 0), [str(error)]
        self._report(
            f"{day}  {written.events:,} events in {written.objects:,} objects, {written.there_already:,} were there"
        )
        if refused:
            self._report(f"{day}  not finished: {refused[0]}")
        else:
            self._s3.put_object(Bucket=self._exports, Key=self._marker(day), Body=b"")
        return written, refused

    def _marker(self, day: Day) -> str:
        group = quote(self._log_group, safe="")
        return f"{PREFIX}/done/{self._archive}/{group}/{milliseconds(day.begin)}-{milliseconds(day.end)}"

    def _is_done(self, day: Day) -> bool:
        return self._marker(day) in keys(self._s3, self._exports, self._marker(day))

    def _write(self, day: Day, folder: str) -> tuple[Written, list[str]]:
        """Write the missing events of a day; return what was written, and what S3 refused and why."""
        archived = read_archived_day(self._s3, self._archive, f"log_group={quote(self._log_group, safe='')}/dt={day}/")
        seen = Counter[bytes]()
        numbers: dict[bytes, Iterator[int]] = {}
        there_already = 0

        def lacking() -> Iterator[Line]:
            nonlocal there_already
            for event in self._tasks.events(day, folder):
                fingerprint = event.fingerprint
                seen[fingerprint] += 1
                if seen[fingerprint] > archived.times[fingerprint]:
                    of_equal = numbers.setdefault(fingerprint, archived.numbers(fingerprint))
                    yield event.with_id(archived.free_id(fingerprint, of_equal))
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
        """Put lines of one stream as the shipper does; return the number of new objects."""
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


def _validate_range(begin: datetime, end: datetime, newest: datetime) -> None:
    if begin >= end:
        raise BackfillError(
            "nothing to do: --since (by default the log group's first day) must be before --until (by default 12 hours"
            f" ago), got: {begin:%F %T} and {end:%F %T} UTC"
        )
    if end > newest:
        raise BackfillError(
            f"--until must be 12 hours ago or earlier, got: {end:%F %T} UTC; younger events may not be exportable yet:"
            f" come back at {end + EXPORTABLE_AFTER:%F %T} UTC",
        )


def _days(begin: datetime, end: datetime) -> Iterator[Day]:
    """Divide a range at each midnight, UTC."""
    while begin < end:
        midnight = begin.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        yield Day(begin, min(midnight, end))
        begin = midnight


def _in_utc(at: datetime) -> datetime:
    """Return a time in UTC, also for a time without a zone, in whole milliseconds, as in events."""
    at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)
