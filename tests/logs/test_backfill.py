"""Old logs, from a log group to the archive by export tasks, as the command does it."""

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk.assertions import Template

from fargate_constructs.logs import backfill, exported_events
from fargate_constructs.logs.backfill import Backfill, BackfillError
from fargate_constructs.logs.export_bucket import LogExportBucket
from fargate_constructs.logs.exported_events import Event, batches, parse
from tests.audit import findings
from tests.logs.deployed import Shipper, delivery, environment_of, load, log_event
from tests.logs.faults import in_process
from tests.logs.memory_logs import Group, MemoryLogs
from tests.logs.memory_s3 import MemoryS3

NOON = datetime(2026, 2, 27, 12, tzinfo=UTC)
RANGE = (datetime(2026, 2, 27, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC))


def at(moment: datetime) -> int:
    """A moment in milliseconds since 1970."""
    return int(moment.timestamp() * 1000)


class OldGroup:
    """A log group with old events, an archive that lacks them, and a bucket for exports."""

    def __init__(self, logs: MemoryLogs, shipper: Shipper) -> None:
        """Make all but the events."""
        self.logs, self.s3, self.shipper = logs, shipper.s3, shipper
        self.name, self.exports = f"/old/{uuid.uuid4()}", f"exports-{uuid.uuid4()}"
        self.logs.groups[self.name] = Group(at(datetime.now(UTC)))
        self.s3.create_bucket(Bucket=self.exports)
        self.said: list[str] = []

    def write(self, stream: str, *events: tuple[datetime, str]) -> None:
        """Write events to a stream."""
        self.logs.groups[self.name].streams[stream] += [(at(moment), message) for moment, message in events]

    def ship(self, stream: str, *events: tuple[datetime, str]) -> None:
        """Let the shipper store events, as it did when the subscription was new."""
        made = [log_event(str(uuid.uuid4()), at(moment), message) for moment, message in events]
        self.shipper.invoke(delivery(*made, logGroup=self.name, logStream=stream))

    def fill(self, *between: datetime, export_bucket: str = "") -> backfill.Written:
        """Run the back-fill; by default of two days in February."""
        command = Backfill(
            log_group=self.name,
            archive_bucket=self.shipper.archive,
            export_bucket=export_bucket or self.exports,
            say=self.said.append,
            poll_seconds=0,
        )
        return command.run(*(between or RANGE))

    def archived(self) -> list[tuple[str, int, str]]:
        """Stream, timestamp and message of each line in the archive, sorted."""
        lines = [line for lines in self.shipper.archived().values() for line in lines]
        assert len({line["id"] for line in lines}) == len(lines), "an ID twice: the view would hide a line"
        assert {line["logGroup"] for line in lines} <= {self.name}
        return sorted((line["logStream"], line["timestamp"], line["message"]) for line in lines)


@pytest.fixture
def group(memory_s3: MemoryS3, shipper: Shipper, monkeypatch: pytest.MonkeyPatch) -> Iterator[OldGroup]:
    """An old log group without events."""
    logs = MemoryLogs(memory_s3)
    with in_process(logs) as url:
        for name, value in environment_of(url).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("ARCHIVE_BUCKET", "")  # what the command sets goes with the test
        load(environment_of(url))  # the shipper's code, for the command to import
        yield OldGroup(logs, shipper)


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
    """Each event once, under the shipper's keys and in its lines, with an ID and the stream's own name."""
    group.write("web/app/0a1b", *EVENTS)
    group.write("web/app/2c3d", (NOON, "other stream"), (RANGE[1], "just too late"))

    written = group.fill()

    assert written == (5, 0, 4)
    assert group.archived() == sorted([*expected(), ("web/app/2c3d", at(NOON), "other stream")])
    keys = sorted(group.shipper.archived())
    assert {key.split("/", 1)[1].rpartition("/")[0] for key in keys} == {
        "dt=2026-02-27/hour=12", "dt=2026-02-27/hour=15", "dt=2026-02-28/hour=23",
    }  # fmt: skip
    [line, *_] = group.shipper.archived()[keys[0]]
    assert line["owner"] == "123456789012"
    assert line["id"].startswith("backfill-")
    assert group.said == [
        "from 2026-02-27 00:00:00 to 2026-03-01 00:00:00 UTC: 2 days, an export task each",
        "2026-02-27  exporting",
        "2026-02-27  4 events in 3 objects, 0 were there",
        "2026-02-28  exporting",
        "2026-02-28  1 events in 1 objects, 0 were there",
        "done   5 events in 4 objects, 0 were there",
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
    assert group.said[-3:-1] == ["2026-02-27  done by an earlier run", "2026-02-28  done by an earlier run"]
    for entry in group.s3.list_objects_v2(Bucket=group.exports, Prefix=f"{backfill.PREFIX}/done/")["Contents"]:
        group.s3.delete_object(Bucket=group.exports, Key=entry["Key"])
    assert group.fill() == (0, 4, 0)
    assert group.archived() == expected()


def test_stopped_and_started_again(group: OldGroup, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped between two objects of a day, it goes on with that day and writes what is missing."""
    monkeypatch.setattr(exported_events, "BATCH_EVENTS", 1)
    group.write("web/app/0a1b", *EVENTS)
    ship, calls = vars(Backfill)["_ship"], []

    def stop_at_second(self: Backfill, events: Any) -> int:  # noqa: ANN401  # a method's own
        calls.append(events)
        if len(calls) == 2:
            raise KeyboardInterrupt
        stored: int = ship(self, events)
        return stored

    monkeypatch.setattr(Backfill, "_ship", stop_at_second)
    with pytest.raises(KeyboardInterrupt):
        group.fill()
    assert len(group.archived()) == 1

    assert group.fill()[:2] == (3, 1)
    assert group.archived() == expected()


def test_streams_that_are_written_alike(group: OldGroup) -> None:
    """Where the export leaves open which stream it was, the exported name stays."""
    group.write("a/b", (NOON, "one"))
    group.write("a-b", (NOON, "two"))
    group.fill()

    assert group.archived() == [("a-b", at(NOON), "one"), ("a-b", at(NOON), "two")]


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

    monkeypatch.setattr("fargate_constructs.logs.backfill.time.sleep", nap)

    assert group.fill()[0] == 4
    assert group.said[2] == "2026-02-27  waiting: another export task of this account is under way"
    assert len([line for line in group.said if "waiting" in line]) == 1


def test_an_export_that_fails(group: OldGroup) -> None:
    """It ends with what CloudWatch Logs says."""
    closed = f"fails-{uuid.uuid4()}"
    group.s3.create_bucket(Bucket=closed)
    with pytest.raises(BackfillError, match="2026-02-27 ended as FAILED: access denied"):
        group.fill(export_bucket=closed)


@pytest.mark.parametrize(
    ("begin", "end", "message"),
    [
        (RANGE[1], RANGE[0], r"--from .* must be before --to .* got: 2026-03-01 00:00:00 and 2026-02-27 00:00:00"),
        (RANGE[0], datetime.now(UTC), "--to must be 12 hours ago or earlier"),
    ],
    ids=["empty", "too new"],
)
def test_ranges_that_make_no_sense(group: OldGroup, begin: datetime, end: datetime, message: str) -> None:
    """Refused before anything is exported."""
    with pytest.raises(BackfillError, match=message):
        group.fill(begin, end)
    assert group.said == []


def test_the_range_by_default(group: OldGroup, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the log group's first moment to what is exportable."""
    group.write("web/app/0a1b", (datetime.now(UTC) + timedelta(minutes=1), "after that"))
    with pytest.raises(BackfillError, match=r"--to \(by default 12 hours ago\), got: "):
        group.fill(None, None)  # type: ignore[arg-type]  # as the command does
    monkeypatch.setattr(backfill, "EXPORTABLE_AFTER", timedelta(hours=-1))

    assert group.fill(None, None) == (1, 0, 1)  # type: ignore[arg-type]  # as the command does
    assert group.said[-1].endswith("then run this again in 12 hours")
    group.name += "-not"
    with pytest.raises(BackfillError, match="there is no log group"):
        group.fill(None, RANGE[1])  # type: ignore[arg-type]  # as the command does


def test_what_cannot_be_read_of_the_archive(group: OldGroup, monkeypatch: pytest.MonkeyPatch) -> None:
    """A day is not written on a guess: what was merged away meanwhile, or must be restored, is told."""
    group.write("web/app/0a1b", *EVENTS)
    keys = vars(Backfill)["_keys"]

    def gone(self: Backfill, bucket: str, prefix: str) -> Iterator[str]:
        return iter([f"{prefix}1.ndjson.gz"]) if bucket == group.shipper.archive else keys(self, bucket, prefix)

    monkeypatch.setattr(Backfill, "_keys", gone)
    with pytest.raises(BackfillError, match=r"/dt=2026-02-27/1.ndjson.gz cannot be read: .*NoSuchKey.* start again"):
        group.fill()
    assert group.archived() == []


def test_the_command(group: OldGroup, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Its arguments, its progress, and an exit code with one line for what a person can mend."""
    monkeypatch.setattr("fargate_constructs.logs.backfill.time.sleep", lambda _seconds: None)
    group.write("web/app/0a1b", *EVENTS)
    buckets = ["--archive-bucket", group.shipper.archive, "--export-bucket", group.exports]
    days = ["--from", "2026-02-27", "--to", "2026-03-01T00:00:00+00:00"]

    assert backfill.main(["--log-group", group.name, *buckets, *days]) == 0
    assert capsys.readouterr().out.endswith("done   4 events in 3 objects, 0 were there\n")
    assert group.archived() == expected()

    assert backfill.main(["--log-group", "/not/there", *buckets]) == 1
    assert capsys.readouterr().err == "error: there is no log group '/not/there' in this account and region\n"

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Backfill, "run", stop)
    assert backfill.main(["--log-group", group.name, *buckets]) == 130
    assert capsys.readouterr().err.startswith("stopped; started again")


def test_batches_are_no_larger_than_deliveries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one stream, by number and by size."""
    monkeypatch.setattr(exported_events, "BATCH_EVENTS", 3)
    monkeypatch.setattr(exported_events, "BATCH_BYTES", 10)
    events = [Event("a", 0, "x")] * 4 + [Event("b", 0, "x" * 10)] * 2

    sizes = [[event.stream for event in batch] for batch in batches(events)]

    assert sizes == [["a", "a", "a"], ["a"], ["b"], ["b"]]
    assert list(batches([])) == []


def test_an_exports_text() -> None:
    """What comes before the first timestamp belongs to nothing; a blank line belongs to the message before it."""
    text = "lost\n1970-01-01T00:00:00.001Z a\n\n1970-01-01T00:00:00.002Z \n"

    assert list(parse(text)) == [(1, "a\n"), (2, "")]
    assert list(parse("")) == []


def test_the_export_bucket() -> None:
    """CloudWatch Logs of this account and region may write, over TLS, and nobody else; exports expire."""
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
    assert f"/{backfill.PREFIX}/*" in json.dumps(allowed[1]["Resource"])
    for each in allowed:
        assert json.dumps(each["Principal"]).count("logs.") == 1
        assert each["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
        assert ":log-group:*" in json.dumps(each["Condition"]["ArnLike"]["aws:SourceArn"])
    assert findings(app) == []
