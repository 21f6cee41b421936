"""Nothing lost, nothing twice: any ranges, offsets and interruptions of the back-fill, beside live data and merges.

```
events ──> some live, some of them twice ──> archive <── compaction
      └──> export tasks ──> back-fill, on bad days ──┘
```
"""

import gzip
import json
import uuid
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from fargate_constructs.logs.backfill import events as event_files
from fargate_constructs.logs.backfill.log_group_backfill import Backfill
from fargate_constructs.logs.backfill.zipped_objects import BackfillError
from tests.logs.compacting import Compaction
from tests.logs.deployed import delivery, log_event
from tests.logs.faults import Fault, FaultyS3, lose_answer, pass_on, refuse, reset
from tests.logs.memory_logs import Group, MemoryLogs
from tests.logs.memory_s3 import Stored

GROUP = "/ecs/web"
FIRST = datetime(2026, 2, 26, tzinfo=UTC)
HOURS = 72
DAYS = {"first_day": "2026-02-26", "last_day": "2026-02-28"}
MESSAGES = [
    "x",
    "",
    "ログ\0\x1b[0m",
    "\udcff",
    "0000-00-00T00:00:00.000Z bad\nrow\n",
    "Traceback\n\n2026-12-31T23:59:60.000Z leap",
    "\u2028",
    "a batch of\n2026-02-01T00:00:00.000Z last month",
]


@dataclass(frozen=True)
class Written:
    """An event of the log group, and how often CloudWatch Logs delivers it before the back-fill."""

    stream: str
    hour: int
    message: str
    live: int

    @property
    def timestamp(self) -> int:
        """In milliseconds."""
        return event_files.milliseconds(FIRST) + self.hour * 3_600_000

    @property
    def as_exported(self) -> tuple[str, int, str]:
        """What an export tells of it."""
        return self.stream.replace("/", "-"), self.timestamp, self.message


written = st.builds(
    Written,
    stream=st.sampled_from(["a", "b/c", "b-c"]),
    hour=st.sampled_from([0, 1, 23, 24, 25, 47, 48, 71]),
    message=st.sampled_from(MESSAGES),
    live=st.sampled_from([0, 0, 1, 1, 2]),
)
faults: st.SearchStrategy[list[Fault]] = st.lists(
    st.sampled_from(
        [
            *[pass_on] * 12,
            reset,
            lose_answer,
            refuse(503, "SlowDown"),
            refuse(403, "AccessDenied"),
            refuse(404, "NoSuchKey"),
        ]
    ),
    max_size=40,
)


ranges = st.tuples(st.integers(0, HOURS), st.integers(0, HOURS)).map(sorted)
offsets = st.sampled_from([0, 120, -210, 840])  # minutes
stops = st.sampled_from([99, 99, 0, 1, 3])
cancelled = st.sampled_from([0, 0, 0, 1])
numbers = st.integers(0, 9)
# Methods of `Account`, and their arguments.
steps: st.SearchStrategy[tuple[Any, ...]] = st.one_of(
    st.tuples(st.just("fill"), ranges, offsets, st.just([]) | faults, stops, cancelled),
    st.tuples(st.just("fill"), ranges, offsets, st.just([]) | faults, stops, cancelled),
    st.tuples(st.just("merge"), st.just([]) | faults),
    st.tuples(st.just("deliver_again"), numbers),
    st.tuples(st.just("freeze"), numbers),
)


class Account:
    """A log group, its archive, and what runs on them."""

    def __init__(
        self, api: SimpleNamespace, faulty_s3: FaultyS3, compaction: Compaction, events: list[Written]
    ) -> None:
        """Write the events, and deliver some of them."""
        self._api, self._s3, self._compaction, self._events = api, faulty_s3, compaction, events
        self._shipper = compaction.shipper
        self._memory, self._exports = self._shipper.memory, f"exports-{uuid.uuid4()}"
        self._memory.add(self._exports)
        api.logs = MemoryLogs(self._memory, faulty_s3)
        api.logs.groups[GROUP] = group = Group(event_files.milliseconds(FIRST))
        for event in events:
            group.streams[event.stream].append((event.timestamp, event.message))
        for turn in (1, 2):
            self._deliver([number for number, event in enumerate(events) if event.live >= turn])

    def _deliver(self, numbers: list[int]) -> None:
        """Let CloudWatch Logs deliver events, a batch for each stream."""
        batches = defaultdict[str, list[Any]](list)
        for number in numbers:
            event = self._events[number]
            batches[event.stream].append(log_event(f"{number:056}", event.timestamp, event.message))
        for stream, batch in batches.items():
            self._shipper.invoke(delivery(*batch, logGroup=GROUP, logStream=stream))

    def deliver_again(self, number: int) -> None:
        """Let CloudWatch Logs deliver live events a second time."""
        live = [number for number, event in enumerate(self._events) if event.live]
        self._deliver(live[number : number + 2])

    def merge(self, faults: list[Fault]) -> None:
        """Run the compaction; that it fails is no news."""
        module = self._compaction.module
        self._s3.script = deque(faults)
        with suppress(BotoCoreError, ClientError, module.Unfinished, module.UnreadableObjects):
            self._compaction.run(DAYS)
        self._s3.script.clear()

    def fill(
        self,
        hours: Sequence[int],
        offset: int = 0,
        faults: Sequence[Fault] = (),
        stopped: int = 9999,
        cancelled: int = 0,
    ) -> None:
        """Run the back-fill, as a person does who writes the range in a time zone.

        The person presses Ctrl-C after some objects. Some export tasks are cancelled, from the first.
        """
        zone = timezone(timedelta(minutes=offset))
        begin, end = ((FIRST + timedelta(hours=each)).astimezone(zone) for each in hours)
        put, left = vars(Backfill)["_put_once"], iter(range(stopped))

        def put_or_stop(command: Backfill, key: str, body: bytes) -> None:
            if next(left, None) is None:
                raise KeyboardInterrupt
            put(command, key, body)

        self._s3.script = deque(faults)
        self._api.logs.ends = [{"code": "CANCELLED"}] * cancelled
        command = Backfill(
            log_group=GROUP,
            archive_bucket=self._shipper.archive,
            export_bucket=self._exports,
            client=self._api.client,
            report=lambda _: None,
            poll_seconds=0,
        )
        with (
            mock.patch.object(Backfill, "_put_once", put_or_stop),
            suppress(BackfillError, BotoCoreError, ClientError, KeyboardInterrupt),
        ):
            command.run(begin, end)
        self._s3.script.clear()

    def freeze(self, number: int) -> None:
        """Let an object move to Glacier, until the end."""
        for each in self._objects()[number : number + 1]:
            each.headers["x-amz-storage-class"] = "GLACIER"

    def _objects(self) -> list[Stored]:
        return list(self._memory.buckets[self._shipper.archive].objects.values())

    def thaw(self) -> None:
        """Restore all objects."""
        for each in self._objects():
            each.headers.pop("x-amz-storage-class", None)

    def archived(self) -> Counter[tuple[str, int, str]]:
        """How often each event is in the archive, as the view counts: by ID."""
        found = dict[str, tuple[str, int, str]]()
        for key, body in self._memory.bodies(self._shipper.archive).items():
            if not key.rpartition("/")[2].startswith("_"):
                for record in map(json.loads, gzip.decompress(body).splitlines()):
                    exported = record["logStream"].replace("/", "-"), record["timestamp"], record["message"]
                    assert found.setdefault(record["id"], exported) == exported
        return Counter(found.values())


@pytest.fixture(scope="module", autouse=True)
def _small_and_quick(new_compaction: Callable[[], Compaction]) -> Iterator[None]:
    """Two events are a batch, two objects are merged, and no step waits."""
    module = new_compaction().module
    with (
        mock.patch.object(event_files, "BATCH_EVENTS", 2),
        mock.patch.object(module.hours, "MIN_OBJECTS", 2),
        mock.patch.object(module.lease, "LASTS", timedelta(seconds=-5)),  # of one that failed
        mock.patch("time.sleep"),
    ):
        yield


@settings(max_examples=25)
@given(events=st.lists(written, min_size=1, max_size=12), course=st.lists(steps, max_size=6))
def test_any_course(
    logs_api: SimpleNamespace,
    faulty_s3: FaultyS3,
    new_compaction: Callable[[], Compaction],
    events: list[Written],
    course: list[Any],
) -> None:
    """After any course, each event of a range that is filled once more is there, and none was ever there too often."""
    account = Account(logs_api, faulty_s3, new_compaction(), events)
    truth = Counter(event.as_exported for event in events)
    live = Counter(event.as_exported for event in events if event.live)
    for method, *arguments in course:
        getattr(account, method)(*arguments)
        archived = account.archived()
        assert live <= archived, "lost"
        assert archived <= truth, "twice"
    account.thaw()
    account.fill((0, HOURS))
    assert account.archived() == truth
