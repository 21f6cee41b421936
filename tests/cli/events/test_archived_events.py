"""How the command line reads events from the archive: objects of the real shipper, on an S3 in memory."""

import gzip
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from tempfile import TemporaryFile
from types import SimpleNamespace
from typing import Any, cast

import pytest
from boto3 import Session
from botocore.exceptions import ReadTimeoutError

from fargate_constructs.cli.deployed.archives import DeployedArchive
from fargate_constructs.cli.events import archived_events
from fargate_constructs.cli.events.archived_events import HOUR, ArchivedEvents, ArchivedObject, ScanSize
from fargate_constructs.cli.events.log_events import LogEvent, each_once, merged
from fargate_constructs.cli.events.sorted_events import SortedEvents
from tests.logs.deployed import client, delivery, environment_of, load, log_event
from tests.logs.faults import in_process
from tests.logs.memory_s3 import MemoryS3, Stored

BEGIN = 1_772_323_200_000  # 2026-03-01 00:00 UTC
GROUP = "/ecs/web"
FOLDER = "log_group=%2Fecs%2Fweb/"
MIDNIGHT = f"{FOLDER}dt=2026-03-01/hour=00/"


class Bucket:
    """An archive's bucket, and the shipper's code that makes its objects."""

    def __init__(self, memory: MemoryS3, environment: dict[str, str]) -> None:
        self.memory, self.modules, self.s3 = memory, load(environment), client("s3", environment)
        self.session = cast("Session", SimpleNamespace(client=lambda *_, **__: self.s3))

    @property
    def objects(self) -> dict[str, Stored]:
        """Its objects by key."""
        return self.memory.buckets["archive"].objects

    def put(self, key: str, body: bytes, modified: int = BEGIN, storage_class: str = "STANDARD") -> None:
        """Store an object."""
        time = datetime.fromtimestamp(modified / 1000, UTC)
        self.objects[key] = Stored(body, {"x-amz-storage-class": storage_class}, '"1"', time)

    def ship(self, *events: Any, stream: str = "web/app/1") -> list[str]:  # noqa: ANN401 - log events
        """Store what the shipper makes of a batch; return the keys."""
        bodies = self.modules["objects"].objects_of(delivery(*events, logStream=stream)).bodies
        for key, body in bodies.items():
            self.put(key, body)
        return [*bodies]

    def reader(self, form: str = "ndjson", progress: Callable[[], None] = lambda: None) -> ArchivedEvents:
        """Return what reads it."""
        prefix = "raw/log_group=" if form == "raw" else "log_group="
        archive = DeployedArchive("Shop/Logs", "us-east-1", "archive", "1" * 12, form, prefix)
        return ArchivedEvents(self.session, archive, GROUP, progress=progress)


@pytest.fixture(scope="module")
def shared() -> Iterator[Bucket]:
    """The bucket of all tests, because clients take long to make."""
    memory = MemoryS3("archive")
    with in_process(memory) as url:
        yield Bucket(memory, environment_of(url))


@pytest.fixture
def bucket(shared: Bucket) -> Bucket:
    """The bucket, empty."""
    shared.memory.add("archive")
    shared.memory.page = 1000
    return shared


def texts(events: Iterator[LogEvent]) -> list[str]:
    """Return the messages."""
    return [each.message for each in events]


def lines(*events: Any) -> bytes:  # noqa: ANN401 - log events
    """Return an object of a writer that has no hash in its name."""
    return gzip.compress(b"".join(json.dumps({"logStream": "web/app/2", **each}).encode() + b"\n" for each in events))


def test_events_are_in_the_order_of_time(bucket: Bucket) -> None:
    """Those of several streams, hours and pages of the list; the end does not belong to the range."""
    bucket.memory.page = 2
    bucket.ship(log_event("1", BEGIN - 1, "before"), log_event("2", BEGIN, "a"), log_event("3", BEGIN + HOUR, "d"))
    bucket.ship(log_event("4", BEGIN + 2, "c"), log_event("5", BEGIN + 1, "b"), stream="web/app/2")
    bucket.ship(log_event("6", BEGIN + 2 * HOUR, "after"))
    reader = bucket.reader()

    found = [*reader.read(BEGIN, BEGIN + 2 * HOUR)]

    assert [each.message for each in found] == ["a", "b", "c", "d"]
    assert found[0] == LogEvent(BEGIN, GROUP, "web/app/1", "a", "2")
    assert (reader.objects_read, reader.unreadable) == (3, [])
    assert reader.hour == datetime(2026, 3, 1, 1, tzinfo=UTC)
    assert texts(bucket.reader().read(BEGIN + 1, BEGIN + 2)) == ["b"]
    assert texts(bucket.reader().read(BEGIN, BEGIN)) == []


def test_each_event_is_there_once(bucket: Bucket) -> None:
    """Also if it was delivered in two batches, or is in an object that compaction has joined, and in its members."""
    first = bucket.ship(log_event("1", BEGIN, "a"), log_event("2", BEGIN, "b"))
    second = bucket.ship(log_event("2", BEGIN, "b"), log_event("3", BEGIN, "c"))
    joined = b"".join(bucket.objects[key].body for key in (*first, *second))
    bucket.put(f"{MIDNIGHT}{BEGIN}-{'0' * 32}.merged.ndjson.gz", joined)
    bucket.put(f"{MIDNIGHT}_{BEGIN}-{'0' * 32}.merged.txt", b"names")

    assert texts(bucket.reader().read(BEGIN, BEGIN + HOUR)) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (["1", "1"], ["1"]),
        (["1", "2"], ["1", "2"]),
        (["", ""], [""]),
        (["1", "backfill-0a-2"], ["1", "backfill-0a-2"]),
        (["backfill-0a-1", "backfill-0a-2"], ["backfill-0a-1", "backfill-0a-2"]),
        (["1", "backfill-0a-1"], ["1"]),
        (["1", "2", "backfill-0a-2", "backfill-0a-3"], ["1", "2", "backfill-0a-3"]),
    ],
)
def test_equal_lines(ids: list[str], expected: list[str]) -> None:
    """The n-th of equal lines that backfill wrote is the n-th that came later under its own ID."""
    events = [LogEvent(5, GROUP, "web/app/1", "ping", each) for each in ids]

    assert [each.id for each in each_once(events)] == expected
    other = LogEvent(5, GROUP, "web/app/2", "ping", "9")
    assert [each.id for each in merged(events, [other])] == [*expected, "9"]


def test_objects_of_a_log_router(bucket: Bucket) -> None:
    """They go on after the hour of their folder, and their first line may not be the earliest."""
    day = f"{FOLDER}dt=2026-02-28/hour=23/"
    bucket.put(f"{day}aB3dE6gH.ndjson.gz", lines(log_event("r1", BEGIN - 1, "x"), log_event("r2", BEGIN + 3, "c")))
    bucket.put(f"{day}old45678.ndjson.gz", lines(log_event("r3", BEGIN - HOUR, "old")), BEGIN - 1000)
    bucket.put(f"{MIDNIGHT}bB3dE6gH.ndjson.gz", lines(log_event("r4", BEGIN + 9, "d")))
    hour_1 = f"{FOLDER}dt=2026-03-01/hour=01/"
    bucket.put(
        f"{hour_1}cB3dE6gH.ndjson.gz", lines(log_event("r5", BEGIN + HOUR, "f"), log_event("r6", BEGIN + 10, "e"))
    )
    bucket.put(f"{hour_1}2026030101-stream-1.ndjson.gz", lines(log_event("r7", BEGIN + HOUR, "g")))
    bucket.ship(log_event("1", BEGIN - 5, "y"))
    bucket.ship(log_event("2", BEGIN + 1, "b"))
    reader = bucket.reader()

    assert texts(reader.read(BEGIN, BEGIN + HOUR)) == ["b", "c", "d", "e"]
    assert reader.objects_read == 4
    assert texts(bucket.reader().read(BEGIN, BEGIN + 2 * HOUR)) == ["b", "c", "d", "e", "f", "g"]


def test_raw_batches(bucket: Bucket) -> None:
    """A batch is in the folder of its first event, and may go on for a day."""
    for events in ([log_event("1", BEGIN - 20 * HOUR), log_event("2", BEGIN + 1, "b")], [log_event("3", BEGIN, "a")]):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("ARCHIVE_FORMAT", "raw")
            bucket.ship(*events)

    assert texts(bucket.reader("raw").read(BEGIN, BEGIN + HOUR)) == ["a", "b"]
    assert texts(bucket.reader().read(BEGIN, BEGIN + HOUR)) == []


def test_compaction_meanwhile(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is deleted after it was listed is read in the joined object."""
    monkeypatch.setattr(archived_events, "SMALL_BYTES", 0)
    keys = [key for number in range(4) for key in bucket.ship(log_event(str(number), BEGIN + number, str(number)))]

    def compact() -> None:
        body = b"".join(bucket.objects.pop(key).body for key in keys if key in bucket.objects)
        if body:
            bucket.put(f"{MIDNIGHT}{BEGIN}-{'0' * 32}.merged.ndjson.gz", body)

    assert texts(bucket.reader(progress=compact).read(BEGIN, BEGIN + HOUR)) == ["0", "1", "2", "3"]


def test_an_hour_with_many_objects_is_listed_again(bucket: Bucket) -> None:
    """A page of the list may have been answered before compaction, and the next one after it."""
    for number in range(10):
        bucket.ship(log_event(str(number), BEGIN + number, str(number)))
    assert texts(bucket.reader().read(BEGIN, BEGIN + HOUR)) == [*map(str, range(10))]
    late = iter(["late"])

    def store() -> None:
        for text in late:
            bucket.ship(log_event("99", BEGIN + 99, text))

    assert texts(bucket.reader(progress=store).read(BEGIN, BEGIN + HOUR)) == [*map(str, range(10)), "late"]


@pytest.mark.parametrize("gone", [True, False])
def test_an_hour_that_changes_without_end(gone: bool, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001 - a parameter
    """It is named after some attempts if objects are gone each time, and not if there are only new ones."""
    numbers = iter(range(100))
    real = ArchivedEvents._list  # noqa: SLF001 - S3 changes between two lists

    def changing(self: ArchivedEvents, begin: int, end: int) -> Iterator[ArchivedObject]:
        for number in (next(numbers) for _ in range(10)):
            bucket.ship(log_event(str(number), BEGIN + number, str(number)))
        yield from real(self, begin, end)
        if gone:
            yield ArchivedObject(f"{MIDNIGHT}{next(numbers)}-0.ndjson.gz", 1, "STANDARD", datetime.now(UTC))

    monkeypatch.setattr(ArchivedEvents, "_list", changing)
    reader = bucket.reader()

    found = texts(reader.read(BEGIN, BEGIN + HOUR))
    assert len(found) == len({*found}) == 10 * archived_events.ATTEMPTS
    assert reader.unreadable == ["the objects of the hour 2026-03-01 00:00 UTC change while they are read"] * gone


def test_one_object_never_stops_the_rest(bucket: Bucket) -> None:
    """What cannot be read is named; everything else is there."""
    bucket.ship(log_event("1", BEGIN, "a"))
    bucket.put(f"{MIDNIGHT}1-{'1' * 32}.ndjson.gz", b"no gzip")
    bucket.put(f"{MIDNIGHT}2-{'2' * 32}.ndjson.gz", lines(log_event("2", BEGIN)), storage_class="GLACIER")
    bucket.put(f"{MIDNIGHT}3-{'3' * 32}.ndjson.gz", gzip.compress(b"no JSON\n"))
    bucket.put(f"{MIDNIGHT}4-{'4' * 32}.ndjson.gz", lines({"timestamp": "now", "message": "m"}))
    bucket.put(f"{MIDNIGHT}5-{'5' * 32}.ndjson.gz", lines({"timestamp": BEGIN, "message": None}))
    bucket.put(f"{MIDNIGHT}6-{'6' * 32}.ndjson.gz", lines({"timestamp": BEGIN + 1, "message": "without an ID"}))
    reader = bucket.reader()

    assert texts(reader.read(BEGIN, BEGIN + HOUR)) == ["a", "without an ID"]
    assert [
        number for number in range(1, 7) if any(f"{number}{number}{number}" in each for each in reader.unreadable)
    ] == [1, 2, 3, 4, 5]
    assert any("must be restored first" in each for each in reader.unreadable)


def test_a_broken_connection(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """The object is read again, three times in all."""
    bucket.ship(log_event("1", BEGIN, "a"))
    real, broken = gzip.GzipFile, iter([True, True, False])

    def open_(fileobj: Any) -> Any:  # noqa: ANN401 - a stream
        if next(broken, True):
            raise ReadTimeoutError(endpoint_url="s3")
        return real(fileobj=fileobj)

    monkeypatch.setattr("gzip.GzipFile", open_)
    assert texts(bucket.reader().read(BEGIN, BEGIN + HOUR)) == ["a"]
    reader = bucket.reader()
    assert texts(reader.read(BEGIN, BEGIN + HOUR)) == []
    assert "Read timeout" in reader.unreadable[0]


def test_the_price_of_a_range(bucket: Bucket) -> None:
    """Requests, transfer to the internet, and what Glacier Instant Retrieval costs."""
    bucket.put(f"{MIDNIGHT}1-{'1' * 32}.ndjson.gz", b"12345")
    bucket.put(f"{MIDNIGHT}2-{'2' * 32}.ndjson.gz", b"1234567", storage_class="GLACIER_IR")

    assert bucket.reader().size(BEGIN, BEGIN + 1) == ScanSize(2, 12, 1, 7)
    assert ScanSize(objects=1000).usd == pytest.approx(0.0004 + 0.000005)
    assert ScanSize(1000, 10**9, 1000, 10**9).usd == pytest.approx(0.01 + 0.03 + 0.09 + 0.000005)


def test_an_archive_of_another_tool(bucket: Bucket) -> None:
    """Its format is not known, so nothing is read."""
    archive = DeployedArchive("logs", "us-east-1", lacks=("a known format",))

    with pytest.raises(ValueError, match="logs must be an archive of this library, got: a known format"):
        ArchivedEvents(bucket.session, archive, GROUP)


@pytest.mark.parametrize("memory_bytes", [0, 3000, 10**9])
def test_sorting_on_disk(memory_bytes: int) -> None:
    """Events are the same however many of them the memory holds; those of one millisecond stay in their order."""
    events = [LogEvent(7 * number % 10, GROUP, "\ud800", str(number)) for number in range(40)]
    with SortedEvents(memory_bytes) as found:
        for each in events[:30]:
            found.add(each)
        early = [*found.take_until(5)]
        for each in events[30:]:
            found.add(each)
        late = [*found.take_until(10)]

    def in_order(some: list[LogEvent], times: range) -> list[LogEvent]:
        return sorted((each for each in some if each.timestamp in times), key=lambda each: each.timestamp)

    assert early == in_order(events[:30], range(5))
    assert sorted(late) == sorted(set(events) - set(early))
    assert [each.timestamp for each in late] == sorted(each.timestamp for each in late)


def test_files_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of an hour are closed after their last event, so that a year does not need one for each hour."""
    opened = []

    def open_(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - a file
        opened.append(TemporaryFile(*arguments, **options))  # noqa: SIM115 - as the code does
        return opened[-1]

    monkeypatch.setattr("fargate_constructs.cli.events.sorted_events.TemporaryFile", open_)
    with SortedEvents(0) as found:
        found.add(LogEvent(1, GROUP, "s", "a"))
        found.add(LogEvent(2, GROUP, "s", "b"))
        assert texts(found.take_until(2)) == ["a"]
        assert [each.closed for each in opened] == [True, False]
    assert [each.closed for each in opened] == [True, True]
