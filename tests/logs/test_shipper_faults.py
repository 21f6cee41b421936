"""The shipper on S3's bad days."""

import re
import traceback

import pytest

from tests.logs.deployed import (
    ARCHIVE_OWNER,
    FAILURE_OWNER,
    Context,
    JsonObject,
    Shipper,
    client,
    delivery,
    log_event,
    wrap,
)
from tests.logs.faults import Fault, FaultyS3, come_late, lose_answer, refuse, reset, stay_silent

HOUR = 3_600_000


@pytest.fixture(autouse=True)
def no_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """Botocore does not wait before it tries again."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _seconds: None)


# The header tells botocore where to go, and there it goes once.
ELSEWHERE = refuse(301, "PermanentRedirect", {"x-amz-bucket-region": "eu-west-1"})
TRANSIENT: dict[str, list[Fault]] = {
    "503 twice": [refuse(503, "SlowDown"), refuse(503, "SlowDown")],
    "500": [refuse(500, "InternalError")],
    "reset": [reset],
    "a bucket that turns out to be in another region": [ELSEWHERE],
    "stored, but the answer lost": [lose_answer],
    "stored, but the answer lost, then 503": [lose_answer, refuse(503, "ServiceUnavailable")],
}


@pytest.mark.parametrize("faults", TRANSIENT.values(), ids=TRANSIENT)
def test_transient_fault(shipper: Shipper, faulty_s3: FaultyS3, faults: list[Fault]) -> None:
    """What S3 gets wrong once or twice is tried again within the invocation, and the batch is stored once."""
    faulty_s3.script.extend(faults)

    shipper.invoke(delivery(log_event()))

    assert [len(records) for records in shipper.archived().values()] == [1]
    assert len(faulty_s3.requests) == len(faults) + 1


def give_up_early(shipper: Shipper, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the shipper's client one that waits a fifth of a second for an answer, and tries twice."""
    s3 = client("s3", shipper.aws, read_timeout=0.2, retries={"mode": "standard", "total_max_attempts": 2})
    monkeypatch.setattr(shipper.modules["put"], "S3", s3)


def test_no_answer(distant_shipper: Shipper, faulty_s3: FaultyS3, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that S3 leaves without an answer is given up and tried again, sooner than the handler counts on."""
    put = distant_shipper.modules["put"]
    config = put.S3.meta.config
    attempts = config.retries["total_max_attempts"]
    backing_off = 1_000 * sum(2**n for n in range(attempts - 1))  # at the most, in botocore's standard mode
    assert attempts * 1_000 * (config.connect_timeout + config.read_timeout) + backing_off <= put.MAX_PUT_MS
    give_up_early(distant_shipper, monkeypatch)
    faulty_s3.script.append(stay_silent)

    distant_shipper.invoke(delivery(log_event()))

    assert len(distant_shipper.archived()) == 1


def test_late_answer(distant_shipper: Shipper, faulty_s3: FaultyS3, monkeypatch: pytest.MonkeyPatch) -> None:
    """A put that reaches S3 after the handler gave it up and put the object again changes nothing."""
    give_up_early(distant_shipper, monkeypatch)
    faulty_s3.script.append(come_late(0.5))

    distant_shipper.invoke(delivery(log_event()))
    before = distant_shipper.archived()
    assert faulty_s3.late.acquire(timeout=30)

    assert len(before) == 1
    assert distant_shipper.archived() == before


def test_slow_past_the_deadline(distant_shipper: Shipper, faulty_s3: FaultyS3, monkeypatch: pytest.MonkeyPatch) -> None:
    """A put that is never answered in time is an error, and the next invocation finds what it stored after all."""
    give_up_early(distant_shipper, monkeypatch)
    faulty_s3.script.extend([come_late(0.5)] * 2)

    with pytest.raises(distant_shipper.not_stored, match="Read timeout"):
        distant_shipper.invoke(delivery(log_event()))
    for _ in range(2):
        assert faulty_s3.late.acquire(timeout=30)
    before = distant_shipper.archived()
    distant_shipper.invoke(delivery(log_event()))

    assert len(before) == 1
    assert distant_shipper.archived() == before


REFUSALS: dict[str, list[Fault]] = {
    "SlowDown": [refuse(503, "SlowDown")] * 3,
    "AccessDenied": [refuse(403, "AccessDenied")],
    "KMS.DisabledException": [refuse(400, "KMS.DisabledException")],
    "PermanentRedirect": [ELSEWHERE] * 2,
    "ConditionalRequestConflict": [refuse(409, "ConditionalRequestConflict")],
    "NoSuchBucket": [refuse(404, "NoSuchBucket")],
    "Connection was closed": [reset] * 3,
}


@pytest.mark.parametrize("code", REFUSALS)
@pytest.mark.parametrize("event", [delivery(log_event(message="secret")), wrap(b"secret")], ids=["data", "unreadable"])
def test_refusal(
    shipper: Shipper,
    faulty_s3: FaultyS3,
    code: str,
    event: JsonObject,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What S3 refuses is an error, so that Lambda keeps the batch: nothing is stored, counted or called unreadable."""
    faulty_s3.script.extend(REFUSALS[code])

    with pytest.raises(shipper.not_stored, match=code) as refused:
        shipper.invoke(event)

    # The runtime makes a line of JSON of the message: it says what went where, and nothing of what was delivered.
    assert re.match(r"s3://(archive|failures)-[0-9a-f-]+/(log_group=%2Fecs%2Fweb/dt=|quarantine/)", str(refused.value))
    assert "secret" not in "".join(traceback.format_exception(refused.value))
    assert capsys.readouterr() == ("", "")
    assert (shipper.archived(), shipper.quarantined()) == ({}, {})
    assert not faulty_s3.script
    shipper.invoke(event)
    assert len(shipper.archived() | shipper.quarantined()) == 1


@pytest.mark.parametrize("event", [delivery(log_event()), wrap(b"")], ids=["data", "unreadable"])
def test_time_is_up(shipper: Shipper, faulty_s3: FaultyS3, event: JsonObject) -> None:
    """No put is begun that might outlast the invocation."""
    with pytest.raises(shipper.not_stored, match="too little time left"):
        shipper.invoke(event, Context(24_999))

    assert faulty_s3.requests == []


def test_time_is_up_between_objects(shipper: Shipper) -> None:
    """An invocation that runs out of time after two of three objects leaves the third to the next."""
    event = delivery(*(log_event(str(hour), hour * HOUR) for hour in range(3)))

    with pytest.raises(shipper.not_stored, match=r"hour=02.*too little time left"):
        shipper.invoke(event, Context(60_000, 25_000, 24_999))
    assert len(shipper.archived()) == 2

    shipper.invoke(event)
    assert shipper.ids() == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("event", "owner"), [(delivery(log_event()), ARCHIVE_OWNER), (wrap(b""), FAILURE_OWNER)], ids=["data", "unreadable"]
)
def test_bucket_owner(
    shipper: Shipper, faulty_s3: FaultyS3, event: JsonObject, owner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S3 is told whose bucket it must be and to write only where nothing is; without a known owner only the latter."""
    shipper.invoke(event)
    with shipper.environ():
        monkeypatch.delenv("ARCHIVE_BUCKET_OWNER")
        monkeypatch.setenv("FAILURE_BUCKET_OWNER", "")
        shipper.modules["handler"].handler(event, Context(60_000))

    told, untold = (request.headers for request in faulty_s3.requests)
    assert (told["x-amz-expected-bucket-owner"], untold["x-amz-expected-bucket-owner"]) == (owner, None)
    assert told["If-None-Match"] == untold["If-None-Match"] == "*"


def test_a_bug_is_not_quarantined(shipper: Shipper, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the handler's own raises: a fixed version can still archive the batch."""
    monkeypatch.setattr(shipper.modules["splice"], "hour_of", lambda _: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        shipper.invoke(delivery(log_event()))

    assert shipper.quarantined() == {}
