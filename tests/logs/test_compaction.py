"""What the merger makes of an archive's small objects, killed at every point."""

import gzip
import hashlib
import os
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from hypothesis import given, settings
from hypothesis import strategies as st
from types_boto3_s3 import S3Client

from tests.logs import compacting as merging
from tests.logs.compacting import HOUR, Merger
from tests.logs.deployed import Context, Shipper, delivery, environment_of, log_event
from tests.logs.faults import (
    Answer,
    Fault,
    FaultyS3,
    Request,
    in_process,
    lose_answer,
    pass_on,
    refuse,
    reset,
)
from tests.logs.memory_s3 import MemoryS3

NOTHING = {"merged": 0, "members": 0, "deletedAgain": 0, "unreadable": [], "failed": {}, "finished": True}
IDS = [f"{number:02}" for number in range(12)]
FEW, NEXT = IDS[:3], [f"next-{each}" for each in IDS[:3]]


@pytest.fixture
def merger(new_shipper: Callable[[], Shipper], environment: dict[str, str]) -> Merger:
    """A merger, and a shipper with empty buckets."""
    return Merger(merging.load(environment), new_shipper())


@pytest.fixture
def unlucky_merger(new_shipper: Callable[[], Shipper], bad_days: dict[str, str]) -> Merger:
    """A merger that reaches S3 through `faulty_s3`, and a shipper that does not."""
    return Merger(merging.load(bad_days), new_shipper())


def store(merger: Merger, lines: bytes, first: int = 1_772_323_199_999) -> None:
    """Put an object as the shipper does."""
    merging.put(merger.s3, merger.bucket, HOUR, lines, first=first)


# --- Merged ---


def test_an_hours_small_objects_become_one(merger: Merger) -> None:
    """Their gzip members follow each other as they were, in the order of time; a hidden list names them."""
    for number, each in enumerate(IDS):
        merger.ship(each, timestamp=1_772_323_199_000 + number)
    before = {key: merger.s3.get_object(Bucket=merger.bucket, Key=key)["Body"].read() for key in merger.stored()}

    assert merger.run() == NOTHING | {"merged": 1, "members": 12}
    assert merger.run() == NOTHING

    members, merged = sorted(merger.stored(), reverse=True)
    assert merged.startswith(f"{HOUR}1772323199000-")
    assert merged.endswith(".merged.ndjson.gz")
    assert members == f"{HOUR}_{merged.removeprefix(HOUR).removesuffix('.ndjson.gz')}.txt"
    stored = merger.s3.get_object(Bucket=merger.bucket, Key=merged)
    assert stored["Body"].read() == b"".join(before[key] for key in sorted(before))
    assert stored["ContentType"] == "application/x-ndjson"
    listed = merger.s3.get_object(Bucket=merger.bucket, Key=members)["Body"].read().decode().split("\n")
    assert [HOUR + name for name in listed] == sorted(before)
    assert merger.ids() == IDS


def test_few_objects_are_left_alone(merger: Merger) -> None:
    """Nine objects cost readers less than a merge."""
    merger.ship(*IDS[:9])
    before = merger.stored()

    assert merger.run()["merged"] == 0
    assert merger.stored() == before


def test_every_hour_and_group_by_itself(merger: Merger) -> None:
    """Objects of different hours or log groups are not mixed."""
    merger.ship(*IDS)
    merger.ship(*IDS, timestamp=1_772_323_199_999 - 3_600_000)
    for each in IDS:
        merger.shipper.invoke(delivery(log_event(each), logGroup="/ecs/api"))

    assert merger.run()["merged"] == 3
    assert {key.rpartition("/")[0] + "/" for key in merger.stored()} == {
        HOUR,
        HOUR.replace("=23", "=22"),
        HOUR.replace("web", "api"),
    }
    assert merger.ids() == sorted(3 * IDS)


def test_other_files_are_left_alone(merger: Merger) -> None:
    """What the shipper did not name, in an hour's folder or beside it, is nobody's to merge."""
    merger.ship(*IDS)
    others = [HOUR + "notes.txt", HOUR + "part-0.json", HOUR.replace("hour=23/", "readme"), HOUR + "sub/1.ndjson.gz"]
    for key in others:
        merger.s3.put_object(Bucket=merger.bucket, Key=key, Body=b"mine")

    assert merger.run()["members"] == 12
    assert set(others) < set(merger.stored())


def test_large_ones_are_cut_at_the_target(merger: Merger, monkeypatch: pytest.MonkeyPatch) -> None:
    """A merged object does not grow past the target. Few objects, of a rest or that fill the target, stay."""
    for number in range(25):
        store(merger, b'{"id":"%02d"}\n' % number, first=number + 1_000)
    size = len(gzip.compress(b'{"id":"00"}\n', mtime=0))
    monkeypatch.setattr(merger.module.hours, "TARGET_BYTES", 100)
    assert merger.run()["merged"] == 0
    monkeypatch.setattr(merger.module.hours, "TARGET_BYTES", 11 * size)

    result = merger.run()

    assert (result["merged"], result["members"]) == (2, 22)
    assert len(merger.names()) == 2 + 3
    assert merger.ids() == [f"{number:02}" for number in range(25)]


def test_many_parts(merger: Merger, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than S3 wants in a part makes several, and the same bytes."""
    monkeypatch.setattr(merger.module.archived_hours, "PART_BYTES", 5 * 1024 * 1024)
    for number in range(12):
        noise = os.urandom(500_000).hex().encode()
        store(merger, b'{"id":"%02d","message":"%s"}\n' % (number, noise), first=number + 1_000)

    assert merger.run()["members"] == 12
    [name] = merger.names()
    # The entity tag of a multipart object ends with how many parts it had.
    assert merger.s3.head_object(Bucket=merger.bucket, Key=HOUR + name)["ETag"].strip('"').endswith("-2")
    assert merger.ids() == IDS


def test_no_part_is_empty(merger: Merger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the last object completes a part, nothing follows it."""
    monkeypatch.setattr(merger.module.archived_hours, "PART_BYTES", 3)

    assert list(merger.module.archived_hours.parts_of({"a": b"12", "b": b"34", "c": b"567"})) == [b"1234", b"567"]


def test_more_than_one_call_to_delete(merger: Merger, monkeypatch: pytest.MonkeyPatch) -> None:
    """S3 deletes so many objects at a time, and no more."""
    monkeypatch.setattr(merger.module.archived_hours, "DELETED_AT_ONCE", 5)
    merger.ship(*IDS)

    assert merger.run()["members"] == 12
    assert len(merger.names()) == 1


@pytest.mark.parametrize(
    "body", [b"", b"no gzip", gzip.compress(b'{"id":"x"}\n')[:-5], gzip.compress(b'{"id":"other"}\n')], ids=range(4)
)
def test_a_broken_object_breaks_no_other(merger: Merger, body: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    """What is not what its name says is left where it is, named in the log, and fails the run when the rest is done."""
    merger.ship(*IDS)
    broken = f"{HOUR}1772323199000-{hashlib.sha256(b'lines').hexdigest()[:32]}.ndjson.gz"
    merger.s3.put_object(Bucket=merger.bucket, Key=broken, Body=body)

    with pytest.raises(merger.module.UnreadableObjects, match="1 objects, such as log_group="):
        merger.run()

    assert broken in capsys.readouterr().out
    assert broken in merger.stored()
    merger.s3.delete_object(Bucket=merger.bucket, Key=broken)
    assert merger.ids() == IDS
    assert len(merger.names()) == 1


def test_broken_objects_may_leave_too_few(merger: Merger) -> None:
    """Nine whole ones beside a broken one are left alone."""
    merger.ship(*IDS[:9])
    merger.s3.put_object(Bucket=merger.bucket, Key=f"{HOUR}1772323199000-{'0' * 32}.ndjson.gz", Body=b"")

    with pytest.raises(merger.module.UnreadableObjects):
        merger.run()
    assert len(merger.names()) == 10


def test_what_must_be_restored_first_is_left_alone(merger: Merger) -> None:
    """An object in the archive tiers of Glacier cannot be read."""
    merger.ship(*IDS[:9])
    lines = b'{"id":"cold"}\n'
    name = f"1772323199999-{hashlib.sha256(lines).hexdigest()[:32]}.ndjson.gz"
    merger.s3.put_object(Bucket=merger.bucket, Key=HOUR + name, Body=gzip.compress(lines), StorageClass="DEEP_ARCHIVE")

    assert merger.run()["merged"] == 0


# --- One that cannot be had stops no other ---


@pytest.fixture
def two_hours(unlucky_merger: Merger) -> Merger:
    """A merged hour of which each member came again, and an hour to merge."""
    unlucky_merger.module.hours.MIN_OBJECTS = len(FEW)
    unlucky_merger.ship(*FEW)
    unlucky_merger.run()
    unlucky_merger.ship(*FEW)
    unlucky_merger.ship(*NEXT, timestamp=1_772_323_199_999 - 3_600_000)
    return unlucky_merger


@pytest.mark.parametrize("code", ["InvalidObjectState", "NoSuchKey"])
def test_a_list_that_is_not_there(two_hours: Merger, faulty_s3: FaultyS3, code: str) -> None:
    """An hour whose list went to Glacier, or goes at this moment, is left as it is, in silence; the rest is merged."""
    faulty_s3.always("GET", "/hour%3D23/_", refuse(403, code))

    assert two_hours.run()["members"] == len(NEXT)
    assert two_hours.ids() == sorted([*FEW, *FEW, *NEXT])
    faulty_s3.well()
    assert two_hours.run()["deletedAgain"] == len(FEW)


REFUSALS = {
    "AccessDenied": refuse(403, "AccessDenied"),
    "SlowDown": refuse(503, "SlowDown"),
    "stored, but the answer lost": lose_answer,
}


CALLS = {
    "read its list": ("GET", "/hour%3D23/_"),
    "list a day": ("GET", "web%2Fdt%3D"),
    "abort an upload": ("DELETE", "/hour%3D23/"),
    "delete": ("POST", "delete"),
    "put a list": ("PUT", "/hour%3D22/_"),
}


@pytest.mark.parametrize("fault", REFUSALS.values(), ids=REFUSALS)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_what_s3_refuses_in_an_hour(
    two_hours: Merger, faulty_s3: FaultyS3, fault: Fault, call: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """It is named when everything else is done, the lease is kept, and the next run finishes it: each line once."""
    two_hours.s3.create_multipart_upload(Bucket=two_hours.bucket, Key=f"{HOUR}1-{'0' * 32}.merged.ndjson.gz")
    two_hours.shipper.invoke(delivery(log_event("lone"), logGroup="/ecs/api"))
    before = set(two_hours.ids())
    faulty_s3.always(*call, fault)

    with pytest.raises(two_hours.module.Unfinished, match=r"[12] times, such as log_group=%2Fecs%2Fweb/dt=2026-02-28/"):
        two_hours.run()
    assert '"failed": {"log_group=' in capsys.readouterr().out
    assert set(two_hours.ids()) == before
    faulty_s3.well()
    assert "busy" in two_hours.run()

    two_hours.run_later()
    assert two_hours.ids() == sorted(before)
    assert "Uploads" not in two_hours.s3.list_multipart_uploads(Bucket=two_hours.bucket)


@pytest.mark.parametrize("code", ["InvalidObjectState", "NoSuchKey", "AccessDenied", "SlowDown"])
def test_a_member_that_cannot_be_had(unlucky_merger: Merger, faulty_s3: FaultyS3, code: str) -> None:
    """All others of its hour are merged; what S3 refuses is named, what has gone since the list is not."""
    unlucky_merger.ship(*IDS)
    [key, *_] = unlucky_merger.stored()
    faulty_s3.always("GET", key.rpartition("/")[2], refuse(403, code))

    if code in unlucky_merger.module.archived_hours.NOT_THERE:
        assert unlucky_merger.run()["members"] == 11
    else:
        with pytest.raises(unlucky_merger.module.Unfinished, match=f"{key}: .*{code}"):
            unlucky_merger.run()
    assert len(unlucky_merger.names()) == 2
    assert unlucky_merger.ids() == IDS


def test_an_upload_that_has_ended(unlucky_merger: Merger, faulty_s3: FaultyS3) -> None:
    """An upload that is gone when it is to be aborted is no failure."""
    unlucky_merger.s3.create_multipart_upload(Bucket=unlucky_merger.bucket, Key=f"{HOUR}1-{'0' * 32}.merged.ndjson.gz")
    faulty_s3.always("DELETE", "uploadId", refuse(404, "NoSuchUpload"))

    assert unlucky_merger.run()["failed"] == {}


# --- When ---


@pytest.mark.parametrize(
    ("age", "merged"),
    [
        (timedelta(hours=48, minutes=59), 0),
        (timedelta(hours=49), 1),
        (timedelta(days=8), 1),
        (timedelta(days=11), 0),
    ],
    ids=["two days but a minute after its end", "two days after its end", "eight days old", "eleven days old"],
)
def test_only_settled_hours(merger: Merger, age: timedelta, merged: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour is merged two days after its end, since events may come late, and is looked at for a week."""
    begun = datetime(2026, 2, 28, 12, tzinfo=UTC)
    merger.ship(*IDS, timestamp=int(begun.timestamp() * 1000))
    monkeypatch.setattr(merger.module.hours.time, "time", (begun + age).timestamp)

    assert merger.run({"source": "aws.events"})["merged"] == merged
    assert merger.ids() == IDS


def test_it_stops_in_time(merger: Merger, capsys: pytest.CaptureFixture[str]) -> None:
    """With two minutes left no merge is begun, the log says so, and the next run goes on."""
    merger.ship(*IDS)
    merger.ship(*IDS, timestamp=1_772_323_199_999 - 3_600_000)

    result = merger.run(context=Context(900_000, 900_000, 900_000, 119_000))

    assert (result["merged"], result["finished"]) == (1, False)
    assert '"finished": false' in capsys.readouterr().out
    assert merger.run()["merged"] == 1
    assert merger.ids() == sorted(2 * IDS)


def test_versioned_buckets_are_refused(merger: Merger) -> None:
    """A delete would delete nothing there: each line would be kept twice."""
    merger.ship(*IDS)
    merger.s3.put_bucket_versioning(Bucket=merger.bucket, VersioningConfiguration={"Status": "Enabled"})

    with pytest.raises(merger.module.VersionedBucket, match="compaction=False"):
        merger.run()
    assert len(merger.names()) == 12


def test_the_owner_is_checked(unlucky_merger: Merger, faulty_s3: FaultyS3, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every request says whose bucket it means."""
    unlucky_merger.ship(*IDS)
    monkeypatch.setenv("ARCHIVE_BUCKET_OWNER", "123456789012")

    assert unlucky_merger.run()["merged"] == 1
    assert {each.headers["x-amz-expected-bucket-owner"] for each in faulty_s3.requests} == {"123456789012"}


# --- Late, again ---


def test_a_member_delivered_again(merger: Merger) -> None:
    """A batch that comes again after it was merged is there twice until the next run, which deletes it."""
    merger.ship(*IDS)
    merger.run()
    merger.ship("03")
    assert merger.ids() == sorted([*IDS, "03"])

    result = merger.run()

    assert (result["merged"], result["deletedAgain"]) == (0, 1)
    assert merger.ids() == IDS


def test_late_ones_are_merged_too(merger: Merger) -> None:
    """Enough of new objects in a merged hour make another merged object."""
    merger.ship(*IDS)
    merger.run()
    late = [f"late-{each}" for each in IDS]
    merger.ship(*late, "03")

    result = merger.run()

    assert (result["merged"], result["members"], result["deletedAgain"]) == (1, 12, 1)
    assert len(merger.names()) == 2
    assert merger.ids() == sorted(IDS + late)


# --- Killed ---


def dying(fault: Fault) -> Fault:
    """The last request of a killed process: nothing comes after it."""

    def last(faulty: FaultyS3, request: Request) -> Answer:
        faulty.script = deque([reset] * 10_000)
        return fault(faulty, request)

    return last


def kill(merger: Merger, faulty_s3: FaultyS3, after: int, fault: Fault) -> bool:
    """Run the merger and kill it at a request; return whether it got that far."""
    faulty_s3.script = deque([*[pass_on] * after, dying(fault)])
    try:
        merger.run()
    except (BotoCoreError, ClientError, merger.module.Unfinished):
        return True
    else:
        return False
    finally:
        faulty_s3.script.clear()


@pytest.mark.parametrize("fault", [reset, lose_answer], ids=["before it takes effect", "after it took effect"])
def test_killed_at_every_call(
    unlucky_merger: Merger, new_shipper: Callable[[], Shipper], faulty_s3: FaultyS3, fault: Fault
) -> None:
    """Killed at any call to S3, no line is lost, and the next run leaves each line once, in few objects."""
    unlucky_merger.module.hours.MIN_OBJECTS = 3
    ids = IDS[:4]
    for after in count():
        merger = Merger(unlucky_merger.module, new_shipper())
        merger.ship(*ids)
        killed = kill(merger, faulty_s3, after, fault)
        assert set(merger.ids()) == set(ids)
        merger.ship("01", "03")  # delivered again meanwhile: refused by S3 if still there, stored if not
        merger.ship("late")  # so that the next run would not join just the same ones

        merger.run_later()

        assert merger.ids() == [*ids, "late"]
        assert len(merger.names()) <= 2
        assert "Uploads" not in merger.s3.list_multipart_uploads(Bucket=merger.bucket)
        if not killed:
            break
    assert after >= len(ids) + 12, "fewer calls than a merge needs"


ODD_ANSWERS = {
    "denied": refuse(403, "AccessDenied"),
    "slow": refuse(503, "SlowDown"),
    "gone": refuse(404, "NoSuchKey"),
}


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("ship"), st.integers(0, 15)),
            st.tuples(st.sampled_from(["killed before", "killed after"]), st.integers(0, 20)),
            st.tuples(st.just("run"), st.just(0)),
            st.tuples(st.sampled_from(["freeze", "thaw"]), st.integers(0, 5)),
            st.tuples(st.sampled_from(["denied", "slow", "gone"]), st.integers(0, 20)),
        ),
        max_size=10,
    )
)
def test_any_history(memory_s3: MemoryS3, new_shipper: Callable[[], Shipper], history: list[tuple[str, int]]) -> None:
    """Whatever is delivered, again or late, between runs that are killed: no line is lost, and at last each is once."""
    faulty_s3 = FaultyS3(memory_s3)
    with in_process(faulty_s3) as url:
        module = merging.load(environment_of(url))
        module.hours.MIN_OBJECTS = 2
        merger = Merger(module, new_shipper())
        shipped, objects = set(IDS[:3]), memory_s3.buckets
        merger.ship(*shipped)
        for step, number in history:
            if step == "ship":
                merger.ship(f"{number:02}")
                shipped.add(f"{number:02}")
            elif step == "run":
                merger.run_later()
            elif step in {"freeze", "thaw"}:
                for key in merger.stored()[number : number + 1]:
                    storage_class = "GLACIER" if step == "freeze" else "STANDARD"
                    objects[merger.bucket].objects[key].headers["x-amz-storage-class"] = storage_class
            elif step in ODD_ANSWERS:
                faulty_s3.script = deque([*[pass_on] * number, ODD_ANSWERS[step]])
                with suppress(ClientError, module.Unfinished):
                    merger.run_later()
                faulty_s3.script.clear()
            else:
                kill(merger, faulty_s3, number, reset if step == "killed before" else lose_answer)
            assert set(merger.ids()) == shipped
        for stored in objects[merger.bucket].objects.values():
            stored.headers["x-amz-storage-class"] = "STANDARD"
        merger.run_later()
        assert merger.ids() == sorted(shipped)


def test_uploads_of_others_go_on(merger: Merger, s3: S3Client) -> None:
    """Only what a merger began is aborted."""
    s3.create_multipart_upload(Bucket=merger.bucket, Key=f"{HOUR}somebody-elses")

    merger.run()

    assert len(s3.list_multipart_uploads(Bucket=merger.bucket)["Uploads"]) == 1


def test_a_refused_delete_fails_the_run(unlucky_merger: Merger, faulty_s3: FaultyS3) -> None:
    """S3 answers 200 and an error for a single key: the run fails, and the next one deletes what was kept."""
    unlucky_merger.ship(*IDS)

    def refuse_one(faulty: FaultyS3, request: Request) -> Answer:
        if "delete" in request.path.partition("?")[2]:
            error = b"<Error><Key>k</Key><Code>AccessDenied</Code><Message>no</Message></Error>"
            return 200, {}, b"<DeleteResult>" + error + b"</DeleteResult>"
        return pass_on(faulty, request)

    faulty_s3.script.extend([refuse_one] * 100)
    with pytest.raises(unlucky_merger.module.Unfinished, match="S3 keeps 1 objects"):
        unlucky_merger.run()
    assert set(unlucky_merger.ids()) == set(IDS)
    faulty_s3.script.clear()

    assert unlucky_merger.run_later()["deletedAgain"] == 12
    assert unlucky_merger.ids() == IDS


def test_a_refusal_fails_the_run(unlucky_merger: Merger, faulty_s3: FaultyS3) -> None:
    """Without a permission nothing happens but an error."""
    unlucky_merger.ship(*IDS)
    faulty_s3.script.append(refuse(403, "AccessDenied"))

    with pytest.raises(ClientError, match="AccessDenied"):
        unlucky_merger.run()
    assert len(unlucky_merger.names()) == 12
