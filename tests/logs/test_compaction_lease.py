"""Two runs of the compaction at once: one of them works, whatever S3 answers first."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import count
from typing import Any
from unittest import mock

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.logs import compacting
from tests.logs.compacting import Compaction
from tests.logs.deployed import JsonObject, Shipper, client
from tests.logs.faults import Answer, Fault, FaultyS3, Request, lose_answer, pass_on, refuse, reset

IDS = [f"{number:02}" for number in range(4)]
TAKING, NOTHING_ELSE = 2, {"last_day": "2020-01-01", "first_day": "2020-01-02"}


@pytest.fixture(autouse=True, scope="module")
def _three_are_enough(modules: tuple[Any, Any]) -> Iterator[None]:
    """Three objects are worth a merge, and are read one after the other."""
    with ExitStack() as stack:
        for module in modules:
            stack.enter_context(mock.patch.object(module.hours, "MIN_OBJECTS", 3))
            stack.enter_context(mock.patch.object(module.archived_hours, "READERS", 1))
        yield


@pytest.fixture(autouse=True)
def _no_hook_stays(modules: tuple[Any, Any]) -> Iterator[None]:
    """The hook of a test ends with it."""
    yield
    for module in modules:
        module.archived_hours.S3.meta.events.unregister("before-send.s3", unique_id="hook")


@pytest.fixture(scope="module")
def modules(environment: dict[str, str], new_compaction: Callable[[], Compaction]) -> tuple[Any, Any]:
    """Two compactions' modules."""
    return new_compaction().module, compacting.load(environment)


def before_each_call(compaction: Compaction, hook: Callable[[], object]) -> None:
    """Call something before each request to S3, and nothing else that was called until now."""

    def before_send(**_: object) -> None:  # what it returned would be taken for S3's answer
        hook()

    events = compaction.module.archived_hours.S3.meta.events
    events.unregister("before-send.s3", unique_id="hook")
    events.register("before-send.s3", before_send, unique_id="hook")


# --- Interleaved ---


def test_a_run_within_another_at_every_call(new_shipper: Callable[[], Shipper], modules: tuple[Any, Any]) -> None:
    """A whole run between any two calls of another, on objects that it would join differently: each line is there once.

    The one within works only before the other has the lease, or after it gave it back.
    """
    results: list[tuple[JsonObject, JsonObject]] = []
    for moment in count():
        outer, inner = (Compaction(module, new_shipper()) for module in modules)
        inner.bucket = outer.bucket
        outer.ship(*IDS)
        before_each_call(inner, lambda: None)
        within = at_call(outer, moment, inner)
        result = outer.run()

        before_each_call(outer, lambda: None)
        inner.run()
        assert outer.ids() == [*IDS, "late"][: 5 if within else 4], f"before call {moment}"
        if not within:
            break
        results.append((result, within[0]))
    assert moment > len(IDS) + 9, "fewer calls than a merge needs"
    busy = ["".join("b" if "busy" in each else "w" for each in pair) for pair in results]
    assert set(busy[:3]) <= {"ww", "bw"}, "the one within was there before the lease was taken"
    assert set(busy[3:]) == {"wb"}, "the one within found it taken"


def at_call(outer: Compaction, moment: int, inner: Compaction) -> list[JsonObject]:
    """Let a run within another begin just before a call of the other; return where its result will be."""
    calls, within = count(), list[JsonObject]()

    def run_within() -> None:
        if next(calls) == moment:
            outer.ship("late")
            within.append(inner.run())

    before_each_call(outer, run_within)
    return within


@settings(max_examples=25)
@given(schedule=st.lists(st.booleans(), min_size=4, max_size=60))
def test_any_interleaving(new_shipper: Callable[[], Shipper], modules: tuple[Any, Any], schedule: list[bool]) -> None:
    """Two runs that take turns in any order leave each line once, and one of them works."""
    one, other = (Compaction(module, new_shipper()) for module in modules)
    other.bucket = one.bucket
    one.ship(*IDS)
    turns = Turns()
    before_each_call(one, lambda: turns.wait(one))
    before_each_call(other, lambda: turns.wait(other))

    with one.environ(), ThreadPoolExecutor(2) as pool:
        runs = {each: pool.submit(turns.end, each, each.module.handler) for each in (one, other)}
        for choice in schedule:
            turns.give(one if choice else other)
        turns.give_all()
        results = [run.result() for run in runs.values()]

    assert sum(result.get("merged", 0) for result in results) == 1
    assert one.ids() == IDS


class Turns:
    """Lets each of several runs make one request at a time."""

    def __init__(self) -> None:
        """Nobody's turn."""
        self._changed = threading.Condition()
        self._waiting: set[Compaction] = set()
        self._ended: set[Compaction] = set()
        self._free = False

    def wait(self, run: Compaction) -> None:
        """Wait for a run's turn."""
        with self._changed:
            if self._free:
                return
            self._waiting.add(run)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._free or run not in self._waiting)

    def give(self, run: Compaction) -> None:
        """Let a run make its next request, and wait until it wants to make another, or has ended."""
        with self._changed:
            self._changed.wait_for(lambda: run in self._waiting | self._ended)
            self._waiting.discard(run)
            self._changed.notify_all()
            self._changed.wait_for(lambda: run in self._waiting | self._ended)

    def give_all(self) -> None:
        """Let all of them run to their ends."""
        with self._changed:
            self._free = True
            self._changed.notify_all()

    def end(self, run: Compaction, handler: Callable[[object, object], JsonObject]) -> JsonObject:
        """Run a run; tell when it ended."""
        try:
            return handler(compacting.DAY, compacting.ENOUGH)
        finally:
            with self._changed:
                self._ended.add(run)
                self._changed.notify_all()


# --- Old, and whose ---


def at(age: timedelta) -> Fault:
    """S3's answer, so much later by S3's own clock."""

    def later(faulty: FaultyS3, request: Request) -> Answer:
        status, headers, body = pass_on(faulty, request)
        return status, {**headers, "Date": format_datetime(datetime.now(UTC) + age, usegmt=True)}, body

    return later


@pytest.mark.parametrize(("minutes", "taken"), [(0, False), (19, False), (21, True)], ids=["new", "held", "old"])
def test_a_killed_holder(
    compaction: Compaction, faulty_s3: FaultyS3, monkeypatch: pytest.MonkeyPatch, minutes: int, *, taken: bool
) -> None:
    """A lease that was not given back is taken over when it is older, by S3's clock, than any run; no other counts."""
    faulty_s3.script.extend([*[pass_on] * (1 + TAKING), reset])
    with pytest.raises(BotoCoreError):
        compaction.run()
    compaction.ship(*IDS)
    monkeypatch.setattr("time.time", lambda: 0.0)  # of the function
    monkeypatch.setattr(compaction.module.hours, "now", lambda: datetime.now(UTC))

    faulty_s3.script.extend([pass_on, at(timedelta(minutes=minutes))])
    result = compaction.run()

    assert ("busy" not in result) == taken
    assert len(compaction.names()) == (1 if taken else len(IDS))


def test_an_old_lease_has_one_heir(compaction: Compaction, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two that see the same old lease: the second finds that it is no longer the one it saw."""
    lease = compaction.module.lease
    with compaction.environ():
        lease.take()
        monkeypatch.setattr(lease, "LASTS", timedelta(seconds=-5))
        heirs, calls = iter([lease.take]), count()
        before_each_call(compaction, lambda: [take() for take in heirs] if next(calls) == 1 else None)

        with pytest.raises(lease.Busy, match="at this moment"):
            lease.take()


def test_it_is_given_back(compaction: Compaction) -> None:
    """After a run that went well the next may begin at once, also when objects were unreadable."""
    compaction.run()
    compacting.put(compaction.s3, compaction.bucket, compacting.HOUR, b"{}\n")
    [name] = compaction.names()
    for number in range(3):
        compaction.s3.put_object(
            Bucket=compaction.bucket, Key=f"{compacting.HOUR}{number}-{name.partition('-')[2]}", Body=b"?"
        )
    for _ in range(2):
        with pytest.raises(compaction.module.UnreadableObjects):
            compaction.run()


def test_what_is_ones_own_no_longer_is_not_given_back(compaction: Compaction) -> None:
    """Somebody else's lease stays theirs."""
    lease = compaction.module.lease
    with compaction.environ():
        first = lease.take()
        compaction.s3.put_object(Bucket=compaction.bucket, Key=lease.KEY, Body=b"another's")
        lease.give_back(first)

        with pytest.raises(lease.Busy, match="may last until"):
            lease.take()


@pytest.mark.parametrize(("call", "busy"), [(1 + TAKING, True), (1, False)], ids=["taking it", "giving it back"])
def test_an_answer_is_lost(
    compaction: Compaction,
    faulty_s3: FaultyS3,
    environment: dict[str, str],
    call: int,
    *,
    busy: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The client tries again what S3 did already: who took it does nothing this time, who gave it back is done."""
    archive = compaction.module.archived_hours
    monkeypatch.setattr(archive, "S3", client("s3", environment, retries={"mode": "standard", "total_max_attempts": 3}))
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    before = len(faulty_s3.requests)
    compaction.run(NOTHING_ELSE)
    calls = len(faulty_s3.requests) - before

    faulty_s3.script.extend([*[pass_on] * ((call if busy else calls) - 1), lose_answer])
    result = compaction.run(NOTHING_ELSE)

    assert ("busy" in result) == busy
    assert ("busy" in compaction.run(NOTHING_ELSE)) == busy


@pytest.mark.parametrize("call", [1, 1 + TAKING, -1], ids=["looking for versions", "taking it", "giving it back"])
def test_a_refusal_is_an_error(compaction: Compaction, faulty_s3: FaultyS3, call: int) -> None:
    """A missing permission is not taken for another run."""
    before = len(faulty_s3.requests)
    compaction.run(NOTHING_ELSE)
    calls = len(faulty_s3.requests) - before

    faulty_s3.script.extend([*[pass_on] * ((call if call > 0 else calls) - 1), refuse(403, "AccessDenied")])
    with pytest.raises(ClientError, match="AccessDenied"):
        compaction.run(NOTHING_ELSE)
