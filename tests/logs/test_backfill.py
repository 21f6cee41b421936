"""Old logs, from a log group to the archive by export tasks, as the command does it."""

import gzip
import json
import time
import tracemalloc
import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from itertools import count
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from aws_cdk import App, Stack
from aws_cdk.assertions import Template
from botocore.exceptions import ClientError
from types_boto3_s3 import S3Client
from types_boto3_s3.literals import StorageClassType

from fargate_constructs.cli.deployed.archives import DeployedArchive
from fargate_constructs.cli.events.archived_events import ArchivedEvents
from fargate_constructs.logs.backfill import PREFIX, archived_day, log_group_backfill, zipped_objects
from fargate_constructs.logs.backfill import events as event_files
from fargate_constructs.logs.backfill.events import Line, batches, parse
from fargate_constructs.logs.backfill.log_group_backfill import Backfill, Written
from fargate_constructs.logs.backfill.zipped_objects import BackfillError, UnreadableError
from fargate_constructs.logs.export_bucket import LogExportBucket
from tests.audit import findings
from tests.logs.deployed import Shipper, delivery, log_event
from tests.logs.faults import FaultyS3, lose_answer, pass_on, refuse, reset
from tests.logs.memory_logs import Group, MemoryLogs

NOON = datetime(2026, 2, 27, 12, tzinfo=UTC)
RANGE = (datetime(2026, 2, 27, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC))


def at(moment: datetime) -> int:
    """A moment in milliseconds since 1970."""
    return int(moment.timestamp() * 1000)


class OldGroup:
    """A log group with old events, an archive that lacks them, and a bucket for exports."""

    def __init__(self, api: SimpleNamespace, faulty_s3: FaultyS3, shipper: Shipper) -> None:
        """Make all but the events."""
        self.s3, self.shipper, self.faulty_s3 = shipper.s3, shipper, faulty_s3
        self.logs = api.logs = MemoryLogs(shipper.memory, faulty_s3)
        self._client = api.client
        self.name, self.exports = f"/old/{uuid.uuid4()}", f"exports-{uuid.uuid4()}"
        self.logs.groups[self.name] = Group(at(NOON - timedelta(days=7)))
        self.s3.create_bucket(Bucket=self.exports)
        self.reported: list[str] = []

    def write(self, stream: str, *events: tuple[datetime, str]) -> None:
        """Write events to a stream."""
        self.logs.groups[self.name].streams[stream] += [(at(moment), message) for moment, message in events]

    def ship(self, stream: str, *events: tuple[datetime, str]) -> None:
        """Let the shipper store events, as it did when the subscription was new."""
        made = [log_event(str(uuid.uuid4()), at(moment), message) for moment, message in events]
        self.shipper.invoke(delivery(*made, logGroup=self.name, logStream=stream))

    def fill(self, *between: datetime) -> Written:
        """Run the back-fill; by default of two days in February."""
        backfill = Backfill(
            log_group=self.name,
            archive_bucket=self.shipper.archive,
            export_bucket=self.exports,
            client=self._client,
            report=self.reported.append,
            poll_seconds=0,
        )
        return backfill.run(*(between or RANGE))

    def archived(self) -> list[tuple[str, int, str]]:
        """Stream, timestamp and message of each line in the archive, sorted."""
        lines = [line for lines in self.shipper.archived().values() for line in lines]
        assert len({line["id"] for line in lines}) == len(lines), "an ID twice: the view would hide a line"
        assert {line["logGroup"] for line in lines} <= {self.name}
        return sorted((line["logStream"], line["timestamp"], line["message"]) for line in lines)


@pytest.fixture
def group(
    logs_api: SimpleNamespace, faulty_s3: FaultyS3, shipper: Shipper, monkeypatch: pytest.MonkeyPatch
) -> OldGroup:
    """An old log group without events."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _seconds: None)
    return OldGroup(logs_api, faulty_s3, shipper)


EVENTS = [
    (NOON, "first"),
    (NOON, "first"),  # said twice in the same millisecond
    (NOON + timedelta(hours=3), "Traceback:\n  File x\n\nValueError: ✗"),
    (NOON + timedelta(days=1, hours=11, minutes=59), '{"level": "error"}'),
]


def expected(stream: str = "web/app/0a1b") -> list[tuple[str, int, str]]:
    """The events as the archive has them."""
    return sorted((stream, at(moment), message) for moment, message in EVENTS)


def test_everything_is_filled_in(group: OldGroup) -> None:
    """Each event once, under the shipper's keys and in its lines, with an ID and the stream's own name.

    Where the export leaves open which stream it was, the exported name stays. Many streams take patience to list.
    """
    group.write("web/app/0a1b", *EVENTS)
    group.write("a/b", (NOON, "one of two alike"), (RANGE[1], "just too late"))
    group.write("a-b", (NOON, "the other"))
    group.logs.throttled = 8

    written = group.fill()

    assert written == (6, 0, 4)
    alike = [("a-b", at(NOON), text) for text in ("one of two alike", "the other")]
    assert group.archived() == sorted([*expected(), *alike])
    keys = sorted(group.shipper.archived())
    assert {key.split("/", 1)[1].rpartition("/")[0] for key in keys} == {
        "dt=2026-02-27/hour=12", "dt=2026-02-27/hour=15", "dt=2026-02-28/hour=23",
    }  # fmt: skip
    [line, *_] = group.shipper.archived()[keys[0]]
    assert line["owner"] == "123456789012"
    assert line["id"].startswith("backfill-")
    assert group.reported == [
        "from 2026-02-27 00:00:00 to 2026-03-01 00:00:00 UTC: 2 days, an export task each",
        "2026-02-27  exporting",
        "2026-02-27  5 events in 3 objects, 0 were there",
        "2026-02-28  exporting",
        "2026-02-28  1 events in 1 objects, 0 were there",
        "done   6 events in 4 objects, 0 were there",
    ]


def test_what_was_shipped_is_not_written_again(group: OldGroup) -> None:
    """Where range and subscription overlap, only what the archive lacks is added; one of two equal lines, too."""
    group.write("web/app/0a1b", *EVENTS)
    group.ship("web/app/0a1b", EVENTS[0], EVENTS[3])
    [key, *_] = group.shipper.archived()
    group.s3.put_object(Bucket=group.shipper.archive, Key=key.rpartition("/")[0] + "/_members.txt", Body=b"")

    assert group.fill()[:2] == (2, 2)
    group.s3.delete_object(Bucket=group.shipper.archive, Key=key.rpartition("/")[0] + "/_members.txt")
    assert group.archived() == expected()


def test_a_second_run_does_nothing(group: OldGroup) -> None:
    """Finished days are known, and even without that knowledge nothing would be written twice."""
    group.write("web/app/0a1b", *EVENTS)
    group.fill()

    assert group.fill() == (0, 0, 0)
    assert group.reported[-3:-1] == ["2026-02-27  done by an earlier run", "2026-02-28  done by an earlier run"]
    for entry in group.s3.list_objects_v2(Bucket=group.exports, Prefix=f"{PREFIX}/done/")["Contents"]:
        group.s3.delete_object(Bucket=group.exports, Key=entry["Key"])
    assert group.fill() == (0, 4, 0)
    assert group.archived() == expected()


def test_stopped_and_started_again(group: OldGroup, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped between two objects of a day, it goes on with that day and writes what is missing."""
    monkeypatch.setattr(event_files, "BATCH_EVENTS", 1)
    group.write("web/app/0a1b", *EVENTS)
    fail_at(monkeypatch, 2, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        group.fill()
    assert len(group.archived()) == 1

    assert group.fill()[:2] == (3, 1)
    assert group.archived() == expected()


def fail_at(monkeypatch: pytest.MonkeyPatch, call: int, error: BaseException) -> None:
    """Let one of the back-fill's puts fail."""
    put, numbers = vars(Backfill)["_put"], count(1)

    def fail(self: Backfill, lines: list[Line]) -> int:
        if next(numbers) == call:
            raise error
        stored: int = put(self, lines)
        return stored

    monkeypatch.setattr(Backfill, "_put", fail)


def test_it_waits_for_other_exports(group: OldGroup, monkeypatch: pytest.MonkeyPatch) -> None:
    """An account runs one export task at a time: the command says so once, and goes on when that has ended."""
    group.write("web/app/0a1b", *EVENTS)
    other = {"taskId": "other", "status": {"code": "RUNNING"}}
    group.logs.tasks["other"] = other
    naps: list[float] = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) > 1:
            other["status"] = {"code": "COMPLETED"}

    monkeypatch.setattr("fargate_constructs.logs.backfill.export_tasks.time.sleep", nap)

    assert group.fill()[0] == 4
    assert group.reported[2] == "2026-02-27  waiting: another export task of this account is running"
    assert len([line for line in group.reported if "waiting" in line]) == 1


@pytest.mark.parametrize("code", ["FAILED", "CANCELLED", "PENDING_CANCEL"])
def test_an_export_that_fails(group: OldGroup, code: str) -> None:
    """What CloudWatch Logs says of it is said when the other days are done; another run does this one."""
    group.write("web/app/0a1b", *EVENTS)
    group.logs.ends = [{"code": code, "message": "access denied"}]
    with pytest.raises(BackfillError, match=f"\n2026-02-27  the export task ended as {code}: access denied$"):
        group.fill()
    assert group.archived() == expected()[-1:]

    assert group.fill() == (3, 0, 2)
    assert group.archived() == expected()


def test_events_from_before_their_log_group(group: OldGroup) -> None:
    """CloudWatch Logs takes events of two weeks before; an export must end later, and adds none of a later day."""
    group.logs.groups[group.name].created = at(RANGE[1] - timedelta(hours=1))
    group.write("web/app/0a1b", *EVENTS)

    assert group.fill(RANGE[0], NOON + timedelta(hours=2)) == (2, 0, 1)
    assert group.fill() == (2, 2, 2)
    assert group.archived() == expected()


@pytest.fixture(params=["Asia/Tokyo", "America/St_Johns"])
def _local_zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The time zone of the machine."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("_local_zone")
def test_any_time_zone_means_utc(group: OldGroup) -> None:
    """Days are UTC's, whatever the offset of the range or the clock of the machine; what is done is known by it."""
    group.write("s", *((NOON + timedelta(hours=hours), str(hours)) for hours in range(-14, 14)))
    east, west = timezone(timedelta(hours=2)), timezone(timedelta(hours=-3, minutes=-30))

    group.fill(datetime(2026, 2, 27), datetime(2026, 2, 27, 10, tzinfo=east))  # noqa: DTZ001 -- means UTC
    assert [message for _, _, message in group.archived()] == [str(hours) for hours in range(-12, -4)]
    assert group.fill(datetime(2026, 2, 27), datetime(2026, 2, 27, 10)) == (2, 8, 2)  # noqa: DTZ001
    assert group.fill(RANGE[0].astimezone(west), datetime(2026, 2, 27, 10, tzinfo=UTC)) == (0, 0, 0)
    assert group.reported[-2] == "2026-02-27  done by an earlier run"
    group.fill(datetime(2026, 2, 27, tzinfo=east), RANGE[1].astimezone(west))
    assert group.reported[-6] == "2026-02-26  2 events in 2 objects, 0 were there"
    assert len(group.archived()) == 28


@pytest.mark.parametrize(
    ("begin", "end", "message"),
    [
        (RANGE[1], RANGE[0], r"--since .* must be before --until .* got: 2026-03-01 00:00:00 and 2026-02-27 00:00:00"),
        (RANGE[0], datetime.now(UTC), "--until must be 12 hours ago or earlier"),
    ],
    ids=["empty", "too new"],
)
def test_ranges_that_make_no_sense(group: OldGroup, begin: datetime, end: datetime, message: str) -> None:
    """Refused before anything is exported."""
    with pytest.raises(BackfillError, match=message):
        group.fill(begin, end)
    assert group.reported == []


def test_the_range_by_default(group: OldGroup, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the log group's first moment to what is exportable."""
    group.logs.groups[group.name].created = at(datetime.now(UTC))
    group.write("web/app/0a1b", (datetime.now(UTC) + timedelta(minutes=1), "after that"))
    with pytest.raises(BackfillError, match=r"--until \(by default 12 hours ago\), got: "):
        group.fill(None, None)  # type: ignore[arg-type]  # as the command does
    monkeypatch.setattr(log_group_backfill, "EXPORTABLE_AFTER", timedelta(hours=-1))
    group.write("older", (datetime.now(UTC) - timedelta(days=1), "older than its log group"))

    assert group.fill(None, None) == (2, 0, 2)  # type: ignore[arg-type]  # as the command does
    assert group.reported[-1].endswith("then run this again in 12 hours")
    group.name += "-not"
    with pytest.raises(BackfillError, match="there is no log group"):
        group.fill(None, RANGE[1])  # type: ignore[arg-type]  # as the command does


BROKEN = {
    "in Glacier": (gzip.compress(b"{}"), "GLACIER", "InvalidObjectState.* restored first"),
    "no gzip": (b"{}", "STANDARD", "is not gzip"),
    "gzip cut short": (gzip.compress(b"{}")[:-9], "STANDARD", "is not gzip"),
    "no JSON": (gzip.compress(b"{"), "STANDARD", "has other lines than the shipper's"),
    "other JSON": (gzip.compress(b"[]"), "STANDARD", "has other lines than the shipper's"),
    "another record": (gzip.compress(b"{}"), "STANDARD", "has other lines than the shipper's"),
    "an odd message": (
        gzip.compress(b'{"logStream":"a","timestamp":1,"id":"1","message":1}'), "STANDARD", "has other lines than"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("body", "storage_class", "reason"), BROKEN.values(), ids=BROKEN)
def test_an_object_of_the_archive_that_cannot_be_read(
    shipper: Shipper, body: bytes, storage_class: StorageClassType, reason: str
) -> None:
    """It is named; the day is not written on a guess."""
    key = f"log_group=a/dt=2026-02-27/hour=00/1-{'0' * 32}.ndjson.gz"
    shipper.s3.put_object(Bucket=shipper.archive, Key=key, Body=body, StorageClass=storage_class)

    with pytest.raises(UnreadableError, match=f"{key}.*{reason}"):
        archived_day.read_archived_day(shipper.s3, shipper.archive, "log_group=a/dt=2026-02-27/")


def test_a_connection_that_is_lost(group: OldGroup) -> None:
    """An object of the archive that does not arrive leaves its day for another run, and no other day."""
    group.write("web/app/0a1b", *EVENTS)
    group.ship("web/app/0a1b", *EVENTS[:1])
    group.faulty_s3.always("GET", "/hour%3D12/", reset)
    with pytest.raises(BackfillError, match=r"\n2026-02-27  .*hour=12/.* cannot be read: Connection was closed"):
        group.fill()
    assert group.reported[-1] == "done   1 events in 1 objects, 0 were there"
    group.faulty_s3.well()

    assert group.fill() == (2, 1, 2)
    assert group.archived() == expected()


def test_a_merged_object_is_not_held_in_memory(group: OldGroup) -> None:
    """Of what is in the archive, only fingerprints are held, however large an object is."""
    line = json.dumps({"logStream": "a", "timestamp": at(NOON), "message": "x" * 100_000, "id": "1"}) + "\n"
    key = f"log_group={quote(group.name, safe='')}/dt=2026-02-27/hour=12/1-{'0' * 32}.merged.ndjson.gz"
    group.s3.put_object(Bucket=group.shipper.archive, Key=key, Body=gzip.compress(line.encode() * 200, 1))
    group.fill(NOON + timedelta(days=1), RANGE[1])  # loads what is loaded once

    tracemalloc.start()
    assert group.fill(RANGE[0], NOON + timedelta(days=1)) == (0, 0, 0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


def test_an_export_that_cannot_be_read(group: OldGroup, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its day is left for another run; all others are done."""
    group.write("web/app/0a1b", *EVENTS)
    monkeypatch.setattr("tests.logs.memory_logs.gzip.compress", lambda text, _level: text[:3] + b"?")
    with pytest.raises(BackfillError, match=r"\n2026-02-27  .*is not gzip.*\n2026-02-28  .*is not gzip"):
        group.fill()
    monkeypatch.undo()


def test_compacted_while_it_is_read(group: OldGroup, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where an object goes and another comes between list and read, the day is looked at again."""
    group.write("web/app/0a1b", *EVENTS)
    group.ship("web/app/0a1b", *EVENTS)
    objects = group.shipper.memory.buckets[group.shipper.archive].objects
    [first, *_] = objects
    opened, compacting = zipped_objects.unzipped, [first.replace(".ndjson", ".merged.ndjson")]

    def compact(s3: S3Client, bucket: str, key: str) -> object:
        if compacting:
            objects[compacting.pop()] = objects.pop(first)
        return opened(s3, bucket, key)

    monkeypatch.setattr(archived_day, "unzipped", compact)
    assert group.fill()[:2] == (0, 4)
    assert compacting == []

    names, body = count(), objects.popitem()[1]
    monkeypatch.setattr(archived_day, "count_events", lambda *_: objects.update({f"{first}{next(names)}": body}))
    with pytest.raises(BackfillError, match=r"\n2026-02-2\d  .*change while they are read"):
        group.fill(RANGE[0], RANGE[1] - timedelta(hours=1))


def test_what_s3_does_not_take(group: OldGroup) -> None:
    """Events whose object S3 refuses are named, all others are written, and another run writes them."""
    group.write("a", (NOON, "one"), (NOON + timedelta(hours=1), "two"))
    group.write("b", *EVENTS)
    group.faulty_s3.always("PUT", "/1772197200000-", refuse(403, "AccessDenied"))
    named = r"2026-02-27  2 events of 'a', the first of 2026-02-27 12:00:00.000000 UTC, are not written: .*AccessDenied"
    with pytest.raises(BackfillError, match=named):
        group.fill()
    assert group.reported[-1] == "done   4 events in 3 objects, 0 were there"
    group.faulty_s3.well()

    assert group.fill() == (1, 4, 1)
    assert group.archived() == sorted([("a", at(NOON), "one"), ("a", at(NOON) + 3_600_000, "two"), *expected("b")])


def test_a_twin_whose_object_s3_did_not_take(group: OldGroup, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two equal events in two batches, the first refused and the second written: another run writes the first."""
    monkeypatch.setattr(event_files, "BATCH_EVENTS", 2)
    group.write("a", (NOON - timedelta(hours=1), "other"), (NOON, "same"), (NOON, "same"))
    fail_at(monkeypatch, 1, ClientError({"Error": {"Code": "SlowDown"}}, "PutObject"))
    with pytest.raises(BackfillError, match="2 events of 'a'"):
        group.fill()
    assert [message for _, _, message in group.archived()] == ["same"]

    assert group.fill()[:2] == (2, 1)
    assert [message for _, _, message in group.archived()] == ["other", "same", "same"]


def test_an_answer_that_is_lost(group: OldGroup) -> None:
    """What S3 has taken already when it is put again is written once, and is no error."""
    group.write("a", *EVENTS)
    group.faulty_s3.always("PUT", "/hour%3D12/", lose_answer)
    with pytest.raises(BackfillError, match=r"2026-02-27  3 events .*Connection was closed"):
        group.fill()
    group.faulty_s3.well()
    group.s3.delete_object(Bucket=group.shipper.archive, Key=next(iter(group.shipper.archived())))
    group.faulty_s3.script.extend([*[pass_on] * 6, lose_answer])

    assert group.fill() == (3, 0, 2)
    assert group.archived() == expected("a")


def test_a_log_group_too_long_for_a_key(group: OldGroup) -> None:
    """A name of 512 slashes has no room in S3's keys: the shipper cannot keep it either."""
    group.logs.groups["/" * 512] = group.logs.groups.pop(group.name)
    group.name = "/" * 512
    group.write("a", *EVENTS)
    with pytest.raises(BackfillError, match=r"cannot hold log group '//.*too long for an S3 key"):
        group.fill()


def test_batches_are_no_larger_than_deliveries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one stream, by number and by bytes."""
    monkeypatch.setattr(event_files, "BATCH_EVENTS", 3)
    monkeypatch.setattr(event_files, "BATCH_BYTES", 10)
    lines = [Line("a", 0, b"x")] * 4 + [Line("b", 0, b"x" * 10)] * 2 + [Line("b", 0, b"x" * 20)]

    sizes = [[line.stream for line in batch] for batch in batches(lines)]

    assert sizes == [["a", "a", "a"], ["a"], ["b"], ["b"], ["b"]]
    assert list(batches([])) == []


def test_an_exports_text() -> None:
    """What comes before the first timestamp belongs to nothing; a blank line belongs to the message before it."""
    text = "lost\n1970-01-01T00:00:00.001Z a\n\n1970-01-01T00:00:00.002Z \n"

    assert list(parse(text, range(3))) == [(1, "a\n"), (2, "")]
    assert list(parse("", range(3))) == []


LOOK_ALIKES = [
    "0000-00-00T00:00:00.000Z bad row",
    "2026-12-31T23:59:60.000Z a leap second",
    "2026-02-30T00:00:00.000Z no such day",
    "2026-02-26T23:59:59.999Z the day before",
    "2026-02-28T00:00:00.000Z the day after",
    "2026-02-27T12:00:00.000Z",
    "2026-02-27T12:00:00Z no milliseconds",
    " 2026-02-27T12:00:00.000Z later in the line",
    "2026-02-27T12:00:00.000+00:00 another zone",
]


def test_lines_that_look_like_an_event(group: OldGroup) -> None:
    """A line of a message that begins like an event, but with no moment of the exported day, stays in the message."""
    for number, line in enumerate(LOOK_ALIKES):
        for deliver in (group.write, group.ship):
            deliver(f"web/{number}", (NOON, f"INSERT failed\n{line}\nthe end"))

    assert group.fill() == (0, len(LOOK_ALIKES), 0)


ODD = {
    "Japanese": "ログ" * 150,
    "ANSI": "\x1b[31mred\x1b[0m" * 50,
    "NUL": "\0" * 500,
    "line ends": "a\u2028b\u2029c\x85d\r\n\v\f\x1c",
    "no UTF-8": "\udcff\udced\udca0\udc80",
    "quotes": '"},{"id":"' * 20,
    "empty": "",
}


def test_any_text(group: OldGroup, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """Text of any kind is written as it was exported; nothing is printed but the progress."""
    monkeypatch.setattr(event_files, "BATCH_BYTES", 10_000)
    for kind, text in ODD.items():
        group.write(kind, *((NOON + timedelta(milliseconds=number), text) for number in range(100)))

    assert group.fill()[:2] == (100 * len(ODD), 0)
    assert group.archived() == sorted((kind, at(NOON) + n, text) for kind, text in ODD.items() for n in range(100))
    assert capfd.readouterr() == ("", "")


def test_what_differs_in_bytes_that_are_no_text(group: OldGroup) -> None:
    """Two such messages are two: the one that the archive lacks is written."""
    group.write("web/1", (NOON, "\udcff"), (NOON, "\udcfe"))
    group.ship("web/1", (NOON, "\udcff"))

    assert group.fill() == (1, 1, 1)
    assert [message for _, _, message in group.archived()] == ["\udcfe", "\udcff"]


def test_lines_are_as_the_shippers(group: OldGroup) -> None:
    """Of the same events with the same IDs, the shipper makes the same lines under the same keys."""
    group.write("web/1", *EVENTS)
    group.fill()
    bodies = group.shipper.archived_bytes()
    for lines in group.shipper.archived().values():
        events = [log_event(line["id"], line["timestamp"], line["message"]) for line in lines]
        group.shipper.invoke(delivery(*events, logGroup=group.name, logStream="web/1"))

    assert group.shipper.archived_bytes() == bodies


def test_equal_twins(group: OldGroup) -> None:
    """Of two equal events, one stored twice by a second delivery and the other missing: that one is written."""
    group.write("web/1", (NOON, "twice"), (NOON, "twice"), (NOON, "once"))
    twin = log_event("1", at(NOON), "twice")
    for others in ([], [log_event("2", at(NOON), "once")]):
        group.shipper.invoke(delivery(twin, *others, logGroup=group.name, logStream="web/1"))

    assert group.fill() == (1, 2, 1)
    assert Counter(line["message"] for lines in group.shipper.archived().values() for line in lines)["twice"] == 3
    assert group.fill(RANGE[0] + timedelta(hours=1), RANGE[1]) == (0, 3, 0)


@pytest.mark.parametrize("late", [0, 1, 2])
def test_equal_lines_that_come_later(late: int, group: OldGroup) -> None:
    """Of three equal events, one shipped: those that backfill wrote and that are delivered later are read once."""
    group.write("web/1", *[(NOON, "same")] * 3)
    events = [log_event(str(number), at(NOON), "same") for number in range(3)]
    group.shipper.invoke(delivery(events[0], logGroup=group.name, logStream="web/1"))
    assert group.fill()[:2] == (2, 1)
    for each in events[1 : 1 + late]:
        group.shipper.invoke(delivery(each, logGroup=group.name, logStream="web/1"))
    session: Any = SimpleNamespace(client=lambda *_, **__: group.s3)
    archive = DeployedArchive("Logs", "us-east-1", group.shipper.archive, "", "ndjson", "log_group=")

    found = [*ArchivedEvents(session, archive, group.name).read(at(NOON), at(NOON) + 1)]

    assert [each.message for each in found] == ["same"] * 3
    assert len({each.id for each in found}) == 3


def test_the_export_bucket() -> None:
    """CloudWatch Logs of this account and region may write, over TLS, and no other principal; exports expire."""
    app = App()
    stack = Stack(app, "Test")
    LogExportBucket(stack, "Exports")

    template = Template.from_stack(stack)
    template.has_resource_properties(
        "AWS::S3::Bucket", {"LifecycleConfiguration": {"Rules": [{"ExpirationInDays": 30, "Status": "Enabled"}]}}
    )
    [policy] = template.find_resources("AWS::S3::BucketPolicy").values()
    allowed = [each for each in policy["Properties"]["PolicyDocument"]["Statement"] if each["Effect"] == "Allow"]
    assert [each["Action"] for each in allowed] == ["s3:GetBucketAcl", "s3:PutObject"]
    assert f"/{PREFIX}/*" in json.dumps(allowed[1]["Resource"])
    for each in allowed:
        assert json.dumps(each["Principal"]).count("logs.") == 1
        assert each["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
        assert ":log-group:*" in json.dumps(each["Condition"]["ArnLike"]["aws:SourceArn"])
    assert findings(app) == []
