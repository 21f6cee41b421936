"""What the compaction makes of an archive's small objects, killed at every point."""

import hashlib
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from unittest import mock

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.logs import compacting
from tests.logs.compacting import HOUR, Compaction
from tests.logs.deployed import Context, delivery, log_event
from tests.logs.faults import Answer, Fault, FaultyS3, Request, lose_answer, pass_on, refuse, reset
from tests.logs.memory_s3 import MemoryS3

NOTHING = {"merged": 0, "members": 0, "deletedAgain": 0, "unreadable": [], "failed": {}, "finished": True}
IDS = [f"{number:02}" for number in range(12)]
UNFINISHED = f"{HOUR}1-{'0' * 32}.merged.ndjson.gz"
FEW, NEXT = IDS[:3], [f"next-{each}" for each in IDS[:3]]


def store(compaction: Compaction, lines: bytes, first: int = 1_772_323_199_999, **options: Any) -> str:  # noqa: ANN401 -- boto3's
    """Put an object as the shipper does; return its name."""
    return compacting.put(compaction.s3, compaction.bucket, HOUR, lines, first=first, **options)


# --- Merged ---


def test_an_hours_small_objects_become_one(compaction: Compaction) -> None:
    """Their gzip members follow each other as they were, in the order of time; a hidden list names them."""
    for number, each in enumerate(IDS):
        compaction.ship(each, timestamp=1_772_323_199_000 + number)
    before = compaction.shipper.memory.bodies(compaction.bucket)

    assert compaction.run() == NOTHING | {"merged": 1, "members": 12}
    assert compaction.run() == NOTHING

    members, merged = sorted(compaction.stored(), reverse=True)
    assert merged.startswith(f"{HOUR}1772323199000-")
    assert merged.endswith(".merged.ndjson.gz")
    assert members == f"{HOUR}_{merged.removeprefix(HOUR).removesuffix('.ndjson.gz')}.txt"
    stored = compaction.shipper.memory.buckets[compaction.bucket].objects
    assert stored[merged].body == b"".join(before.values())
    assert stored[merged].headers["Content-Type"] == "application/x-ndjson"
    assert [HOUR + name for name in stored[members].body.decode().split("\n")] == list(before)
    assert compaction.ids() == IDS


def test_every_hour_and_group_by_itself(compaction: Compaction) -> None:
    """Objects of different hours or log groups are not mixed."""
    compaction.ship(*IDS)
    compaction.ship(*IDS, timestamp=1_772_323_199_999 - 3_600_000)
    for each in IDS:
        compaction.shipper.invoke(delivery(log_event(each), logGroup="/ecs/api"))

    assert compaction.run()["merged"] == 3
    assert {key.rpartition("/")[0] + "/" for key in compaction.stored()} == {
        HOUR,
        HOUR.replace("=23", "=22"),
        HOUR.replace("web", "api"),
    }
    assert compaction.ids() == sorted(3 * IDS)


def test_other_files_are_left_alone(compaction: Compaction) -> None:
    """Compaction leaves objects and uploads alone that the shipper did not name, in an hour's folder or beside it."""
    compaction.ship(*IDS)
    compaction.s3.create_multipart_upload(Bucket=compaction.bucket, Key=f"{HOUR}somebody-elses")
    others = [HOUR + "notes.txt", HOUR + "part-0.json", HOUR.replace("hour=23/", "readme"), HOUR + "sub/1.ndjson.gz"]
    for key in others:
        compaction.s3.put_object(Bucket=compaction.bucket, Key=key, Body=b"mine")

    assert compaction.run()["members"] == 12
    assert set(others) < set(compaction.stored())
    assert len(compaction.s3.list_multipart_uploads(Bucket=compaction.bucket)["Uploads"]) == 1


def test_large_ones_are_cut_at_the_target(compaction: Compaction, monkeypatch: pytest.MonkeyPatch) -> None:
    """A merged object does not grow past the target. Few objects, of a rest or that fill the target, stay."""
    for number in range(25):
        store(compaction, b'{"id":"%02d"}\n' % number, first=number + 1_000)
    monkeypatch.setattr(compaction.module.hours, "TARGET_BYTES", 100)
    assert compaction.run()["merged"] == 0
    monkeypatch.setattr(compaction.module.hours, "TARGET_BYTES", 11 * len(compacting.zipped(b'{"id":"00"}\n')))

    result = compaction.run()

    assert (result["merged"], result["members"]) == (2, 22)
    assert len(compaction.names()) == 2 + 3
    assert compaction.ids() == [f"{number:02}" for number in range(25)]


def test_more_than_fits_into_a_request(compaction: Compaction, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two objects fill a part, also the last one, which nothing follows; S3 deletes so many at a time and no more."""
    for number in range(12):
        store(compaction, b'{"id":"%02d"}\n' % number, first=number + 1_000)
    monkeypatch.setattr(compaction.module.archived_hours, "PART_BYTES", len(compacting.zipped(b'{"id":"00"}\n')) + 1)
    monkeypatch.setattr(compaction.module.archived_hours, "DELETED_AT_ONCE", 5)

    assert compaction.run()["members"] == 12
    [name] = compaction.names()
    # The entity tag of a multipart object ends with how many parts it had.
    assert compaction.s3.head_object(Bucket=compaction.bucket, Key=HOUR + name)["ETag"].strip('"').endswith("-6")
    assert compaction.ids() == IDS


@pytest.mark.parametrize(
    "body",
    [b"", b"no gzip", compacting.zipped(b'{"id":"x"}\n')[:-5], compacting.zipped(b'{"id":"other"}\n')],
    ids=["empty", "no gzip", "cut", "other lines"],
)
def test_a_broken_object_breaks_no_other(
    compaction: Compaction, body: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is not what its name says is left where it is, named in the log, and fails the run when the rest is done."""
    compaction.ship(*IDS[:9])
    broken = f"{HOUR}1772323199000-{hashlib.sha256(b'lines').hexdigest()[:32]}.ndjson.gz"
    compaction.s3.put_object(Bucket=compaction.bucket, Key=broken, Body=body)
    with pytest.raises(compaction.module.UnreadableObjects):
        compaction.run()
    assert len(compaction.names()) == 10, "nine whole ones are too few"
    compaction.ship(IDS[9])

    with pytest.raises(compaction.module.UnreadableObjects, match="1 objects, such as log_group="):
        compaction.run()

    assert broken in capsys.readouterr().out.splitlines()[-1]
    assert broken in compaction.stored()
    assert len(compaction.names()) == 2
    compaction.s3.delete_object(Bucket=compaction.bucket, Key=broken)
    assert compaction.ids() == IDS[:10]


def test_what_must_be_restored_first_is_left_alone(compaction: Compaction) -> None:
    """Nine objects cost readers less than a merge, and a tenth in an archive tier of Glacier cannot be read."""
    compaction.ship(*IDS[:9])
    store(compaction, b'{"id":"cold"}\n', StorageClass="DEEP_ARCHIVE")
    before = compaction.stored()

    assert compaction.run()["merged"] == 0
    assert compaction.stored() == before


# --- One that cannot be had stops no other ---


@pytest.fixture
def two_hours(compaction: Compaction, monkeypatch: pytest.MonkeyPatch) -> Compaction:
    """A merged hour of which each member came again, and an hour to merge."""
    monkeypatch.setattr(compaction.module.hours, "MIN_OBJECTS", len(FEW))
    compaction.ship(*FEW)
    compaction.run()
    compaction.ship(*FEW)
    compaction.ship(*NEXT, timestamp=1_772_323_199_999 - 3_600_000)
    return compaction


@pytest.mark.parametrize("code", ["InvalidObjectState", "NoSuchKey"])
def test_a_list_that_is_not_there(two_hours: Compaction, faulty_s3: FaultyS3, code: str) -> None:
    """An hour whose list went to Glacier, or goes at this moment, is left as it is, in silence; the rest is merged."""
    faulty_s3.always("GET", "/hour%3D23/_", refuse(403, code))
    faulty_s3.always("DELETE", "uploadId", refuse(404, "NoSuchUpload"))  # it has ended meanwhile
    two_hours.s3.create_multipart_upload(Bucket=two_hours.bucket, Key=UNFINISHED)

    assert two_hours.run() == NOTHING | {"merged": 1, "members": len(NEXT)}
    assert two_hours.ids() == sorted([*FEW, *FEW, *NEXT])
    faulty_s3.well()
    assert two_hours.run()["deletedAgain"] == len(FEW)


REFUSALS = {"AccessDenied": refuse(403, "AccessDenied"), "stored, but the answer lost": lose_answer}
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
    two_hours: Compaction, faulty_s3: FaultyS3, fault: Fault, call: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """It is named when everything else is done, the lease is kept, and the next run finishes it: each line once."""
    two_hours.s3.create_multipart_upload(Bucket=two_hours.bucket, Key=UNFINISHED)
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
def test_a_member_that_cannot_be_had(compaction: Compaction, faulty_s3: FaultyS3, code: str) -> None:
    """All others of its hour are merged; what S3 refuses is named, what has gone since the list is not."""
    compaction.ship(*IDS)
    [key, *_] = compaction.stored()
    faulty_s3.always("GET", key.rpartition("/")[2], refuse(403, code))

    if code in compaction.module.archived_hours.NOT_THERE:
        assert compaction.run()["members"] == 11
    else:
        with pytest.raises(compaction.module.Unfinished, match=f"{key}: .*{code}"):
            compaction.run()
    assert len(compaction.names()) == 2
    assert compaction.ids() == IDS


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
def test_only_settled_hours(
    compaction: Compaction, age: timedelta, merged: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An hour is merged two days after its end, since events may come late, and is looked at for a week."""
    begun = datetime(2026, 2, 28, 12, tzinfo=UTC)
    compaction.ship(*IDS, timestamp=int(begun.timestamp() * 1000))
    monkeypatch.setattr(compaction.module.hours.time, "time", (begun + age).timestamp)

    assert compaction.run({"source": "aws.events"})["merged"] == merged
    assert compaction.ids() == IDS


def test_it_stops_in_time(compaction: Compaction, capsys: pytest.CaptureFixture[str]) -> None:
    """With two minutes left no merge is begun, the log says so, and the next run goes on."""
    compaction.ship(*IDS)
    compaction.ship(*IDS, timestamp=1_772_323_199_999 - 3_600_000)

    result = compaction.run(context=Context(900_000, 900_000, 900_000, 119_000))

    assert (result["merged"], result["finished"]) == (1, False)
    assert '"finished": false' in capsys.readouterr().out
    assert compaction.run()["merged"] == 1
    assert compaction.ids() == sorted(2 * IDS)


def test_versioned_buckets_are_refused(compaction: Compaction) -> None:
    """A delete would delete nothing there: each line would be kept twice."""
    compaction.ship(*IDS)
    compaction.s3.put_bucket_versioning(Bucket=compaction.bucket, VersioningConfiguration={"Status": "Enabled"})

    with pytest.raises(compaction.module.VersionedBucket, match="compaction=False"):
        compaction.run()
    assert len(compaction.names()) == 12


def test_the_owner_is_checked(compaction: Compaction, faulty_s3: FaultyS3, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every request says whose bucket it means."""
    compaction.ship(*IDS)
    faulty_s3.requests.clear()
    monkeypatch.setenv("ARCHIVE_BUCKET_OWNER", "123456789012")

    assert compaction.run()["merged"] == 1
    assert {each.headers["x-amz-expected-bucket-owner"] for each in faulty_s3.requests} == {"123456789012"}


# --- Late, again ---


def test_a_member_delivered_again(compaction: Compaction) -> None:
    """It is there twice until the next run, which deletes it; enough new objects make another merged object."""
    compaction.ship(*IDS)
    compaction.run()
    compaction.ship("03")
    assert compaction.ids() == sorted([*IDS, "03"])
    assert compaction.run() == NOTHING | {"deletedAgain": 1}
    assert compaction.ids() == IDS
    late = [f"late-{each}" for each in IDS]
    compaction.ship(*late, "03")

    assert compaction.run() == NOTHING | {"merged": 1, "members": 12, "deletedAgain": 1}
    assert len(compaction.names()) == 2
    assert compaction.ids() == sorted(IDS + late)


# --- Killed ---


def dying(fault: Fault) -> Fault:
    """The last request of a killed process: nothing comes after it."""

    def last(faulty: FaultyS3, request: Request) -> Answer:
        faulty.script = deque([reset] * 10_000)
        return fault(faulty, request)

    return last


def kill(compaction: Compaction, faulty_s3: FaultyS3, after: int, fault: Fault) -> bool:
    """Run the compaction and kill it at a request; return whether it got that far."""
    faulty_s3.script = deque([*[pass_on] * after, dying(fault)])
    try:
        compaction.run()
    except (BotoCoreError, ClientError, compaction.module.Unfinished):
        return True
    else:
        return False
    finally:
        faulty_s3.script.clear()


def test_killed_at_every_call(
    new_compaction: Callable[[], Compaction], faulty_s3: FaultyS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after any call to S3, no line is lost, and the next run leaves each line once, in few objects."""
    ids = IDS[:4]
    for after in count():
        compaction = new_compaction()
        monkeypatch.setattr(compaction.module.hours, "MIN_OBJECTS", 3)
        compaction.ship(*ids)
        killed = kill(compaction, faulty_s3, after, lose_answer)
        assert set(compaction.ids()) == set(ids)
        compaction.ship("01", "03")  # delivered again meanwhile: refused by S3 if still there, stored if not
        compaction.ship("late")  # so that the next run would not join just the same ones

        compaction.run_later()

        assert compaction.ids() == [*ids, "late"]
        assert len(compaction.names()) <= 2
        assert "Uploads" not in compaction.s3.list_multipart_uploads(Bucket=compaction.bucket)
        if not killed:
            break
    assert after >= len(ids) + 12, "fewer calls than a merge needs"


ODD_ANSWERS = {
    "denied": refuse(403, "AccessDenied"),
    "slow": refuse(503, "SlowDown"),
    "gone": refuse(404, "NoSuchKey"),
}


@settings(max_examples=15)
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
def test_any_history(
    memory_s3: MemoryS3, faulty_s3: FaultyS3, new_compaction: Callable[[], Compaction], history: list[tuple[str, int]]
) -> None:
    """Whatever is delivered, again or late, between runs that are killed: no line is lost, and at last each is once."""
    compaction, shipped = new_compaction(), set(IDS[:3])
    objects = memory_s3.buckets[compaction.bucket].objects
    with mock.patch.object(compaction.module.hours, "MIN_OBJECTS", 2):
        compaction.ship(*shipped)
        for step, number in history:
            if step == "ship":
                compaction.ship(f"{number:02}")
                shipped.add(f"{number:02}")
            elif step == "run":
                compaction.run_later()
            elif step in {"freeze", "thaw"}:
                for key in compaction.stored()[number : number + 1]:
                    objects[key].headers["x-amz-storage-class"] = "GLACIER" if step == "freeze" else "STANDARD"
            elif step in ODD_ANSWERS:
                faulty_s3.script = deque([*[pass_on] * number, ODD_ANSWERS[step]])
                with suppress(ClientError, compaction.module.Unfinished):
                    compaction.run_later()
                faulty_s3.script.clear()
            else:
                kill(compaction, faulty_s3, number, reset if step == "killed before" else lose_answer)
            assert set(compaction.ids()) == shipped
        for stored in objects.values():
            stored.headers["x-amz-storage-class"] = "STANDARD"
        compaction.run_later()
    assert compaction.ids() == sorted(shipped)


def test_a_refused_delete_fails_the_run(compaction: Compaction, faulty_s3: FaultyS3) -> None:
    """S3 answers 200 and an error for a single key: the run fails, and the next one deletes what was kept."""
    compaction.ship(*IDS)
    error = b"<Error><Key>k</Key><Code>AccessDenied</Code><Message>no</Message></Error>"
    faulty_s3.always("POST", "?delete", lambda *_: (200, {}, b"<DeleteResult>" + error + b"</DeleteResult>"))

    with pytest.raises(compaction.module.Unfinished, match="S3 keeps 1 objects"):
        compaction.run()
    assert set(compaction.ids()) == set(IDS)
    faulty_s3.well()

    assert compaction.run_later()["deletedAgain"] == 12
    assert compaction.ids() == IDS
