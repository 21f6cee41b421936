"""What the shipper makes of every kind of delivery, seen in the buckets of a real S3 API."""

import base64
import gzip
import hashlib
import json
import subprocess
import sys
import time
import zlib
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError
from hypothesis import given, settings
from hypothesis import strategies as st
from types_boto3_s3 import S3Client

from tests.logs.deployed import (
    ARCHIVE_OWNER,
    ASSET,
    FAILURE_OWNER,
    OWN_LOG_GROUP,
    Context,
    JsonObject,
    Shipper,
    batch,
    delivery,
    log_event,
    pack,
    wrap,
)
from tests.logs.faults import Fault, FaultyS3, lose_answer, pass_on, refuse, reset, stay_silent

VALID = delivery(log_event())["awslogs"]["data"]
GZIPPED = base64.b64decode(VALID)
HOUR = 3_600_000


def with_json(text: str) -> JsonObject:
    """A delivery in which this JSON text is the value of an event's key of its own."""
    return pack(json.dumps(batch(log_event(own="here"))).replace('"here"', text))


# --- Archived ---


def test_one_object_per_batch_and_hour(shipper: Shipper) -> None:
    """A batch is one gzipped NDJSON object under its group and hour, and each line says where its event came from."""
    result = shipper.invoke(delivery(log_event("a"), log_event("b", message="world")))

    where = '{"logGroup":"/ecs/web","logStream":"web/app/1","owner":"123456789012",'
    [(key, lines)] = shipper.archived_bytes().items()
    assert lines.decode() == (
        where
        + '"id":"a","timestamp":1772323199999,"message":"hello"}\n'
        + where
        + '"id":"b","timestamp":1772323199999,"message":"world"}\n'
    )
    digest = hashlib.sha256(lines).hexdigest()[:32]
    assert key == f"log_group=%2Fecs%2Fweb/dt=2026-02-28/hour=23/1772323199999-{digest}.ndjson.gz"
    assert result == {"archived": [key]}
    assert shipper.quarantined() == {}


def test_object_says_nothing_of_its_arrival(shipper: Shipper, s3: S3Client) -> None:
    """The gzip header holds no time, and the object no Content-Encoding that would make clients unzip it twice."""
    [key] = shipper.invoke(delivery(log_event()))["archived"]

    stored = s3.get_object(Bucket=shipper.archive, Key=key)
    assert stored["Body"].read()[4:8] == bytes(4)
    assert stored["ContentType"] == "application/x-ndjson"
    assert "ContentEncoding" not in stored


@pytest.mark.parametrize("events", [[], None])
def test_nothing_to_archive(
    shipper: Shipper, events: list[JsonObject] | None, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither a batch without events nor a control message, whose group is empty, makes an object or a line."""
    event = delivery() if events == [] else delivery(log_event(), messageType="CONTROL_MESSAGE", logGroup="")

    assert shipper.invoke(event) == {"archived": []}
    assert (shipper.archived(), shipper.quarantined()) == ({}, {})
    assert capsys.readouterr().out == ""


def test_own_log_group_is_dropped_in_silence(shipper: Shipper, capsys: pytest.CaptureFixture[str]) -> None:
    """The function's own lines are not archived, and it writes no line about them that would come back to it."""
    assert shipper.invoke(delivery(log_event(), logGroup=OWN_LOG_GROUP)) == {"archived": []}
    assert (shipper.archived(), shipper.quarantined()) == ({}, {})
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    "message",
    [
        "a\nb\r\nc\vd\fe\x1cf",
        "a\u2028b\u2029c\x85d",
        "🚀 naïve 日本語",
        '},{"id":"',
        '{"level":"info","nested":{"a":[1,null]}}',
        "\ud800",
        "\udfff🚀\u2028",
        '\\u2028 \\ " \0 \x7f',
        "",
    ],
)
def test_awkward_messages(shipper: Shipper, message: str) -> None:
    """A message with line ends, quotes, JSON or a lone surrogate in it is one line, and the same message again."""
    shipper.invoke(delivery(log_event("a", message=message), log_event("b")))

    [records] = shipper.archived().values()
    assert [record["message"] for record in records] == [message, "hello"]


def test_text_beyond_ascii_stays_readable(shipper: Shipper) -> None:
    """A message in UTF-8 is stored in UTF-8, not in escapes."""
    shipper.invoke(delivery(log_event(message="naïve 日本語")))

    [lines] = shipper.archived_bytes().values()
    assert "naïve 日本語".encode() in lines


def test_unknown_keys_are_kept(shipper: Shipper) -> None:
    """Keys that CloudWatch Logs may add stay, each event's in their order; those about the delivery go."""
    event = log_event(extractedFields={"@aws.region": "us-east-1", "n": 1.5}, new=[None, True, 10**30])

    shipper.invoke(delivery(event, site="x", policyLevel="ACCOUNT"))

    [[record]] = shipper.archived().values()
    assert list(record) == [
        "logGroup", "logStream", "owner", "site", "id", "timestamp", "message", "extractedFields", "new",
    ]  # fmt: skip
    assert record.items() >= (event | {"site": "x"}).items()


def test_reordered_json_makes_the_same_object(shipper: Shipper) -> None:
    """The order of the envelope's known keys and the white space do not count: the same events are stored once."""
    pretty = json.dumps(dict(reversed(batch(log_event()).items())), indent=2)

    assert shipper.invoke(pack(pretty)) == shipper.invoke(delivery(log_event()))
    assert len(shipper.archived()) == 1


def test_own_key_of_an_event_wins(shipper: Shipper) -> None:
    """Where an event has a key of the envelope's, the event's value is stored."""
    event = log_event(owner="the event's", logStream=None, site={"a": 1})

    [key] = shipper.invoke(delivery(event, site="the envelope's"))["archived"]

    assert shipper.archived()[key] == [{"logGroup": "/ecs/web", **event}]
    assert key.startswith("log_group=%2Fecs%2Fweb/")


def test_hours_days_and_years(shipper: Shipper) -> None:
    """Unsorted events around the turn of a year are each in their hour's object, in the batch's order."""
    new_year = 1_767_225_600_000  # 2026-01-01T00:00Z
    timestamps = [new_year, new_year - 1, new_year + HOUR, new_year + 1, new_year - HOUR, new_year + HOUR - 1]

    shipper.invoke(delivery(*(log_event(str(number), at) for number, at in enumerate(timestamps))))

    ids = {
        key.split("/", 1)[1].rsplit("-", 1)[0]: [r["id"] for r in lines] for key, lines in shipper.archived().items()
    }
    assert ids == {
        f"dt=2026-01-01/hour=00/{new_year}": ["0", "3", "5"],
        f"dt=2025-12-31/hour=23/{new_year - 1}": ["1", "4"],
        f"dt=2026-01-01/hour=01/{new_year + HOUR}": ["2"],
    }


@pytest.mark.parametrize("timestamp", [-1, -(10**18), 253_402_300_800_000, 10**30])
def test_timestamp_of_no_calendar(shipper: Shipper, timestamp: int) -> None:
    """A timestamp before 1970 or after 9999 has a constant partition."""
    [key] = shipper.invoke(delivery(log_event(timestamp=timestamp)))["archived"]

    assert key.startswith(f"log_group=%2Fecs%2Fweb/dt=1970-01-01/hour=00/{timestamp}-")
    assert shipper.archived()[key][0]["timestamp"] == timestamp


def test_last_hour_of_the_calendar(shipper: Shipper) -> None:
    """The last millisecond of the year 9999 still has its own hour."""
    [key] = shipper.invoke(delivery(log_event(timestamp=253_402_300_799_999)))["archived"]

    assert "/dt=9999-12-31/hour=23/" in key


@pytest.mark.parametrize(
    ("group", "escaped"),
    [("/a.b_c-d/#1", "%2Fa.b_c-d%2F%231"), ("a=b c%é", "a%3Db%20c%25%C3%A9"), ("\ud800", "%ED%A0%80")],
)
def test_log_group_in_the_key(shipper: Shipper, group: str, escaped: str) -> None:
    """A log group is one percent-encoded segment of the key, whatever its characters."""
    [key] = shipper.invoke(delivery(log_event(), logGroup=group))["archived"]

    assert key.startswith(f"log_group={escaped}/dt=")
    assert shipper.archived()[key][0]["logGroup"] == group


def test_longest_log_group(shipper: Shipper) -> None:
    """A name of 512 characters, a third of them to be escaped, fits into a key."""
    [key] = shipper.invoke(delivery(log_event(), logGroup="/ab" * 170 + "#a"))["archived"]

    assert key in shipper.archived()


# --- Delivered again ---


def test_same_batch_again(shipper: Shipper, s3: S3Client) -> None:
    """A batch that comes again, by another filter or policy too, finds its object and changes nothing."""
    first = shipper.invoke(delivery(log_event()))
    before = s3.list_objects_v2(Bucket=shipper.archive)["Contents"]

    again = shipper.invoke(delivery(log_event(), subscriptionFilters=["other"], policyLevel="ACCOUNT"))

    assert again == first
    assert s3.list_objects_v2(Bucket=shipper.archive)["Contents"] == before


def test_same_batch_at_the_same_moment(shipper: Shipper) -> None:
    """Eight deliveries of one batch at once all succeed, and leave one object per hour."""
    event = delivery(log_event("a"), log_event("b", 0))

    with shipper.environ(), ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: shipper.module.handler(event, Context(60_000)), range(8)))

    assert results == [{"archived": results[0]["archived"]}] * 8
    assert sorted(record["id"] for record in chain(*shipper.archived().values())) == ["a", "b"]


def test_killed_between_objects(unlucky_shipper: Shipper, faulty_s3: FaultyS3) -> None:
    """After an invocation that was killed when one of three objects was stored, the next stores the other two."""
    event = delivery(*(log_event(str(hour), hour * HOUR) for hour in range(3)))
    faulty_s3.script.extend([pass_on, stay_silent])
    script = (
        "import json, sys; import handler\n"
        "class Context: get_remaining_time_in_millis = lambda _: 60_000\n"
        "handler.handler(json.load(sys.stdin), Context())"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ASSET,
        env=unlucky_shipper.environment,
        stdin=subprocess.PIPE,
        text=True,
    ) as invocation:
        assert invocation.stdin
        invocation.stdin.write(json.dumps(event))
        invocation.stdin.close()
        assert faulty_s3.silent.wait(30)
        invocation.kill()
    assert [len(records) for records in unlucky_shipper.archived().values()] == [1]

    unlucky_shipper.invoke(event)

    ids = [record["id"] for record in chain(*unlucky_shipper.archived().values())]
    assert (sorted(ids), len(unlucky_shipper.archived())) == (["0", "1", "2"], 3)


# --- Quarantined ---


def bad_crc() -> bytes:
    """The valid gzip with one bit of its checksum turned."""
    return GZIPPED[:-8] + bytes([GZIPPED[-8] ^ 1]) + GZIPPED[-7:]


UNREADABLE: dict[str, object] = {
    "data that is not base64": {"awslogs": {"data": "!!!!"}},
    "data with bad padding": {"awslogs": {"data": VALID.rstrip("=")[:-1]}},
    "data with white space": {"awslogs": {"data": VALID + "\n"}},
    "data beyond ASCII": {"awslogs": {"data": VALID[:-4] + "é==="}},
    "data with a lone surrogate": {"awslogs": {"data": "\ud800"}},
    "empty data": {"awslogs": {"data": ""}},
    "data that is not text": {"awslogs": {"data": 1}},
    "no data": {"awslogs": {}},
    "no awslogs": {},
    "no object": [VALID],
    "nothing": None,
    "no gzip": wrap(b"plain"),
    "zlib, not gzip": wrap(zlib.compress(gzip.decompress(GZIPPED))),
    "gzip cut by a byte": wrap(GZIPPED[:-1]),
    "gzip cut by nine bytes": wrap(GZIPPED[:-9]),
    "gzip cut in half": wrap(GZIPPED[: len(GZIPPED) // 2]),
    "gzip with a wrong checksum": wrap(bad_crc()),
    "gzip with trailing junk": wrap(GZIPPED + b"\0"),
    "gzip twice": wrap(GZIPPED + GZIPPED),
    "no JSON": pack("{"),
    "JSON and more": pack(json.dumps(batch(log_event())) + "{}"),
    "JSON cut": pack(json.dumps(batch(log_event()))[:-3]),
    "JSON in UTF-16": pack(json.dumps(batch(log_event())).encode("utf-16")),
    "JSON with a byte order mark": pack("\ufeff" + json.dumps(batch(log_event()))),
    "a surrogate in UTF-8": pack(json.dumps(batch(log_event())).encode().replace(b"hello", b"\xed\xa0\x80")),
    "invalid UTF-8": pack(json.dumps(batch(log_event())).encode().replace(b"hello", b"\xff")),
    "NaN": with_json("NaN"),
    "Infinity": with_json("-Infinity"),
    "a number that becomes Infinity": with_json("1e999"),
    "an integer of 5000 digits": with_json("9" * 5000),
    "a key twice": with_json('{"a": 1, "a": 2}'),
    "logEvents twice": pack(json.dumps(batch(log_event()))[:-1] + ', "logEvents": []}'),
    "nested too deeply": with_json("[" * 1_000_000 + "]" * 1_000_000),
    "a batch that is no object": pack("[]"),
    "no message type": pack("{}"),
    "an unknown message type": delivery(log_event(), messageType="OTHER_MESSAGE"),
    "a message type that is no text": delivery(log_event(), messageType=["DATA_MESSAGE"]),
    "no owner": delivery(log_event(), owner=None),
    "a log group that is no text": delivery(log_event(), logGroup=1),
    "a log stream that is no text": delivery(log_event(), logStream=[]),
    "no list of events": delivery(logEvents={}),
    "no events at all": pack(json.dumps({k: v for k, v in batch().items() if k != "logEvents"})),
    "an event that is no object": delivery(log_event(), logEvents=[log_event(), "a"]),
    "an ID that is no text": delivery(log_event(id=1)),  # type: ignore[arg-type]
    "a message that is no text": delivery(log_event(message={"a": 1})),  # type: ignore[arg-type]
    "a timestamp with a fraction": delivery(log_event(timestamp=1.0)),  # type: ignore[arg-type]
    "a timestamp that is true": delivery(log_event(timestamp=True)),
    "an event without a timestamp": delivery({"id": "1", "message": "hello"}),
    "one bad event among good ones": delivery(log_event("a"), {}, log_event("b")),
    "a log group too long for a key": delivery(log_event("a", 0), log_event("b"), logGroup="/" * 512),
    "a timestamp too long for a key": delivery(log_event("a"), log_event("b", 10**1000)),
}


@pytest.mark.parametrize("event", UNREADABLE.values(), ids=UNREADABLE)
def test_unreadable_batch(shipper: Shipper, s3: S3Client, event: object, capsys: pytest.CaptureFixture[str]) -> None:
    """A batch that can never be read is one object in the failure bucket, as it came, and one line that counts it."""
    result = shipper.invoke(event)

    [(key, body)] = shipper.quarantined().items()
    assert result == {"quarantined": key}
    assert shipper.archived() == {}
    match event:
        case {"awslogs": {"data": str(data)}}:
            assert body == data.encode(errors="surrogatepass")
        case _:
            assert json.loads(body) == event
    reason = s3.head_object(Bucket=shipper.failures, Key=key)["Metadata"]["reason"]
    [counted] = map(json.loads, capsys.readouterr().out.splitlines())
    assert (counted["key"], counted["reason"]) == (key, reason)


def test_quarantine_metric(shipper: Shipper, capsys: pytest.CaptureFixture[str]) -> None:
    """The line is an embedded metric format record of one batch of this function; what was delivered is not in it."""
    shipper.invoke(pack('"a secret"'))

    [record] = map(json.loads, capsys.readouterr().out.splitlines())
    [directive] = record.pop("_aws")["CloudWatchMetrics"]
    assert directive == {
        "Namespace": "FargateConstructs/LogArchive",
        "Dimensions": [["FunctionName"]],
        "Metrics": [{"Name": "QuarantinedBatches", "Unit": "Count"}],
    }
    assert record == {
        "FunctionName": "shipper",
        "QuarantinedBatches": 1,
        "reason": "neither a control message nor a batch of log events",
        "key": next(iter(shipper.quarantined())),
    }


def test_unreadable_batch_again(shipper: Shipper, capsys: pytest.CaptureFixture[str]) -> None:
    """The same unreadable batch delivered twice is stored once and counted twice."""
    assert shipper.invoke(wrap(b"")) == shipper.invoke(wrap(b""))
    assert len(shipper.quarantined()) == 1
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_deep_record(shipper: Shipper) -> None:
    """What could be parsed but is nested too deeply to be written is unreadable, not an error."""
    nested: list[Any] = []
    for _ in range(1_000_000):
        nested = [nested]

    with pytest.raises(shipper.module.UnreadableBatch, match="nested too deeply"):
        shipper.module.line({"nested": nested})


def test_every_depth_is_stored(shipper: Shipper) -> None:
    """However deep an event is nested, it is archived or unreadable: parser and writer never disagree with an error."""
    read, archive = shipper.module.read_batch, shipper.module.archive_objects
    for depth in range(900, 1100):
        try:
            [body] = archive(read(with_json("[" * depth + "]" * depth))).values()
        except shipper.module.UnreadableBatch:
            continue
        assert gzip.decompress(body).count(b"[") == depth


# --- S3 on its bad days ---

TRANSIENT: dict[str, list[Fault]] = {
    "503 twice": [refuse(503, "SlowDown"), refuse(503, "SlowDown")],
    "500": [refuse(500, "InternalError")],
    "reset": [reset],
    "stored, but the answer lost": [lose_answer],
    "stored, but the answer lost, then 503": [lose_answer, refuse(503, "ServiceUnavailable")],
}


@pytest.mark.parametrize("faults", TRANSIENT.values(), ids=TRANSIENT)
def test_transient_fault(unlucky_shipper: Shipper, faulty_s3: FaultyS3, faults: list[Fault]) -> None:
    """What S3 gets wrong once or twice is tried again within the invocation, and the batch is stored once."""
    faulty_s3.script.extend(faults)

    unlucky_shipper.invoke(delivery(log_event()))

    assert [len(records) for records in unlucky_shipper.archived().values()] == [1]
    assert len(faulty_s3.requests) == len(faults) + 1


def test_no_answer(unlucky_shipper: Shipper, faulty_s3: FaultyS3) -> None:
    """A request that S3 leaves without an answer is given up after five seconds and tried again."""
    faulty_s3.script.append(stay_silent)
    begin = time.monotonic()

    unlucky_shipper.invoke(delivery(log_event()))

    assert time.monotonic() - begin < 25, "the handler counts on no put taking longer"
    assert len(unlucky_shipper.archived()) == 1


# The header tells botocore where to go, and there it goes once.
ELSEWHERE = refuse(301, "PermanentRedirect", {"x-amz-bucket-region": "eu-west-1"})

REFUSALS: dict[str, list[Fault]] = {
    "SlowDown": [refuse(503, "SlowDown")] * 3,
    "AccessDenied": [refuse(403, "AccessDenied")],
    "KMS.DisabledException": [refuse(400, "KMS.DisabledException")],
    "PermanentRedirect": [ELSEWHERE] * 2,
    "ConditionalRequestConflict": [refuse(409, "ConditionalRequestConflict")],
    "NoSuchBucket": [refuse(404, "NoSuchBucket")],
}


@pytest.mark.parametrize("code", REFUSALS)
@pytest.mark.parametrize("event", [delivery(log_event(message="secret")), wrap(b"secret")], ids=["data", "unreadable"])
def test_refusal(
    unlucky_shipper: Shipper,
    faulty_s3: FaultyS3,
    code: str,
    event: JsonObject,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What S3 refuses is an error, so that Lambda keeps the batch: nothing is stored, counted or called unreadable."""
    faulty_s3.script.extend(REFUSALS[code])

    with pytest.raises(ClientError, match=code) as refused:
        unlucky_shipper.invoke(event)

    assert "secret" not in str(refused.value)
    assert capsys.readouterr() == ("", "")
    assert (unlucky_shipper.archived(), unlucky_shipper.quarantined()) == ({}, {})
    assert not faulty_s3.script
    unlucky_shipper.invoke(event)
    assert len(unlucky_shipper.archived() | unlucky_shipper.quarantined()) == 1


def test_bucket_in_another_region(shipper: Shipper, s3: S3Client) -> None:
    """A bucket that turns out to be in another region gets the batch all the same."""
    s3.delete_bucket(Bucket=shipper.archive)
    s3.create_bucket(Bucket=shipper.archive, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})

    shipper.invoke(delivery(log_event()))

    assert len(shipper.archived()) == 1


def test_persistent_reset(unlucky_shipper: Shipper, faulty_s3: FaultyS3) -> None:
    """A connection that is reset three times is an error."""
    faulty_s3.script.extend([reset] * 3)

    with pytest.raises(ConnectionClosedError):
        unlucky_shipper.invoke(delivery(log_event()))


@pytest.mark.parametrize("event", [delivery(log_event()), wrap(b"")], ids=["data", "unreadable"])
def test_time_is_up(unlucky_shipper: Shipper, faulty_s3: FaultyS3, event: JsonObject) -> None:
    """No put is begun that might outlast the invocation."""
    with pytest.raises(TimeoutError, match="too little time left"):
        unlucky_shipper.invoke(event, Context(24_999))

    assert faulty_s3.requests == []


def test_time_is_up_between_objects(shipper: Shipper) -> None:
    """An invocation that runs out of time after two of three objects leaves the third to the next."""
    event = delivery(*(log_event(str(hour), hour * HOUR) for hour in range(3)))

    with pytest.raises(TimeoutError, match="hour=02"):
        shipper.invoke(event, Context(60_000, 25_000, 24_999))
    assert len(shipper.archived()) == 2

    shipper.invoke(event)
    assert sorted(record["id"] for record in chain(*shipper.archived().values())) == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("event", "owner"), [(delivery(log_event()), ARCHIVE_OWNER), (wrap(b""), FAILURE_OWNER)], ids=["data", "unreadable"]
)
def test_bucket_owner(
    unlucky_shipper: Shipper, faulty_s3: FaultyS3, event: JsonObject, owner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S3 is told whose bucket it must be and to write only where nothing is; without a known owner only the latter."""
    unlucky_shipper.invoke(event)
    with unlucky_shipper.environ():
        monkeypatch.delenv("ARCHIVE_BUCKET_OWNER")
        monkeypatch.setenv("FAILURE_BUCKET_OWNER", "")
        unlucky_shipper.module.handler(event, Context(60_000))

    told, untold = (request.headers for request in faulty_s3.requests)
    assert (told["x-amz-expected-bucket-owner"], untold["x-amz-expected-bucket-owner"]) == (owner, None)
    assert told["If-None-Match"] == untold["If-None-Match"] == "*"


def test_a_bug_is_not_quarantined(shipper: Shipper, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the handler's own raises: a fixed version can still archive the batch."""
    monkeypatch.setattr(shipper.module, "hour_of", lambda _: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        shipper.invoke(delivery(log_event()))

    assert shipper.quarantined() == {}


# --- Size and weight ---


def measured(shipper: Shipper, event: JsonObject, folder: Path) -> tuple[float, int]:
    """The CPU seconds that one invocation takes in a new process, and the most MiB that the process ever had."""
    (folder / "event.json").write_text(json.dumps(event))
    script = (
        "import json, sys, time; import handler\n"
        "class Context: function_name = 'f'; get_remaining_time_in_millis = lambda _: 60_000\n"
        "event = json.load(open(sys.argv[1]))\n"
        "start = time.process_time(); handler.handler(event, Context()); used = time.process_time() - start\n"
        "print('\\n', used)"
    )
    # A process inherits its parent's peak, so it is a small parent that starts the one to be measured.
    parent = (
        "import resource, subprocess, sys\n"
        "subprocess.run([sys.executable, '-c', *sys.argv[1:]], check=True)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    output = subprocess.run(
        [sys.executable, "-u", "-c", parent, script, str(folder / "event.json")],
        cwd=ASSET,
        env=shipper.environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    seconds, kib = output.splitlines()[-2:]
    return float(seconds), int(kib) // 1024


def test_bomb(shipper: Shipper, tmp_path: Path) -> None:
    """Of 700 MB in less than 1 MB of gzip, no more than the limit is ever unpacked."""
    deflate = zlib.compressobj(9, wbits=31)
    bomb = b"".join(deflate.compress(bytes(1_000_000)) for _ in range(700)) + deflate.flush()
    event = wrap(bomb)
    assert len(event["awslogs"]["data"]) < 1_000_000

    _, mib = measured(shipper, event, tmp_path)

    assert mib < 256
    assert (len(shipper.archived()), len(shipper.quarantined())) == (0, 1)


def test_largest_batch(shipper: Shipper, tmp_path: Path) -> None:
    """Ten thousand events in 4 MB, the most that one PutLogEvents takes, go through within a second and 256 MB."""
    message = (
        '{"level":"INFO","path":"/api/orders/%d","user":"%x","duration_ms":%d,"text":"' + "lorem ipsum " * 18 + '"}'
    )
    events = [
        log_event(f"{10**55 + n}", 1_772_323_000_000 + n, message % (n, n * 7919, n % 997)) for n in range(10_000)
    ]

    seconds, mib = measured(shipper, delivery(*events), tmp_path)

    # About 0.15 s on a core of its own; the rest is for machines that share theirs.
    assert (seconds < 1, mib < 256) == (True, True), (seconds, mib)
    assert [record["id"] for record in chain(*shipper.archived().values())] == [event["id"] for event in events]


def test_largest_event(shipper: Shipper) -> None:
    """An event of 1 MB, the most that CloudWatch Logs takes, is one line."""
    message = "0123456789abcdef" * 65_536

    shipper.invoke(delivery(log_event(message=message)))

    [[record]] = shipper.archived().values()
    assert record["message"] == message


def imported(statement: str, folder: Path, environment: dict[str, str]) -> set[str]:
    """The top-level modules that a statement imports in a new process that starts in this folder."""
    script = f"import sys; sys.path.insert(0, '.'); {statement}; print(*sys.modules)"
    command = [sys.executable, "-I", "-c", script]
    output = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True).stdout
    return {name.partition(".")[0] for name in output.split()}


def test_needs_only_the_runtime(shipper: Shipper, tmp_path: Path) -> None:
    """Alone in a folder, the module imports nothing but the standard library and what an S3 client needs anyway."""
    (tmp_path / "handler.py").write_bytes((ASSET / "handler.py").read_bytes())

    with_handler = imported("import handler", tmp_path, shipper.environment)
    with_client = imported("import boto3; boto3.client('s3')", tmp_path, shipper.environment)
    assert with_handler - with_client - sys.stdlib_module_names == {"handler"}


# --- Anything at all ---

# Lone surrogates are text to JSON, so the alphabet has them, too.
texts = st.text(st.characters(exclude_categories=()), max_size=40)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(texts, children, max_size=3),
    max_leaves=6,
)
NOW = 1_772_323_200_000
timestamps = st.integers(NOW - 3 * HOUR, NOW + 3 * HOUR) | st.integers(0, 253_402_300_799_999) | st.integers()
own_keys = st.dictionaries(texts | st.sampled_from(["logGroup", "owner", "site"]), json_values, max_size=2)
log_events = st.builds(lambda own, *known: own | log_event(*known), own_keys, texts, timestamps, texts)


def as_parsed(payload: JsonObject) -> JsonObject:
    """The batch as JSON can say it: two surrogates side by side, for one, are a character."""
    parsed: JsonObject = json.loads(json.dumps(payload))
    return parsed


batches = st.builds(
    lambda events, envelope, extra: as_parsed(batch(*events, **{**extra, **envelope})),
    st.lists(log_events, max_size=8),
    st.fixed_dictionaries({"logGroup": texts, "logStream": texts, "owner": texts}),
    st.dictionaries(texts | st.just("site"), json_values, max_size=2),
)


def expected(payload: JsonObject) -> dict[str, list[JsonObject]]:
    """What the archive should hold of a batch, by key up to the hour; written with nothing of the handler's."""
    about_delivery = {"messageType", "subscriptionFilters", "policyLevel", "logEvents"}
    envelope = {key: value for key, value in payload.items() if key not in about_delivery}
    hours = defaultdict(list)
    for event in payload["logEvents"]:
        try:
            hour = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=max(event["timestamp"], 0))
        except OverflowError:
            hour = datetime(1970, 1, 1, tzinfo=UTC)
        group = quote(payload["logGroup"].encode(errors="surrogatepass"), safe="")
        hours[f"log_group={group}/dt={hour.date()}/hour={hour.hour:02}"].append({**envelope, **event})
    return dict(hours)


def archived(shipper: Shipper) -> dict[str, list[JsonObject]]:
    """What the archive holds, by key up to the hour."""
    return {key.rpartition("/")[0]: records for key, records in shipper.archived().items()}


@settings(max_examples=60, deadline=None)
@given(payload=batches)
def test_any_batch(new_shipper: Callable[[], Shipper], payload: JsonObject) -> None:
    """Every event of any batch is archived as it was, in its hour, in order, and once, although delivered twice."""
    shipper = new_shipper()

    first = shipper.invoke(pack(json.dumps(payload)))
    again = shipper.invoke(pack(json.dumps(payload, indent=1, ensure_ascii=True)))

    assert archived(shipper) == expected(payload)
    assert sorted(first["archived"]) == sorted(shipper.archived())
    assert again == first
    assert shipper.quarantined() == {}


def assert_archived_or_quarantined(shipper: Shipper, event: JsonObject) -> None:
    """Deliver an event, and check that it is whole in one of the two buckets, and not at all in the other."""
    data = event["awslogs"]["data"]
    if "archived" in shipper.invoke(event):
        payload = json.loads(gzip.decompress(base64.b64decode(data)))
        assert archived(shipper) == ({} if payload["messageType"] == "CONTROL_MESSAGE" else expected(payload))
        assert shipper.quarantined() == {}
    else:
        assert shipper.archived() == {}
        assert list(shipper.quarantined().values()) == [data.encode(errors="surrogatepass")]


@st.composite
def mutated(draw: st.DrawFn, whole: bytes) -> bytes:
    """Bytes with a slice of them replaced, cut out or repeated."""
    start = draw(st.integers(0, len(whole)))
    end = draw(st.integers(start, min(start + 8, len(whole))))
    new = draw(
        st.binary(max_size=8) | st.sampled_from([b'"', b"{}", b"[", b",", b"1", b"null", b"\\", whole[start:end] * 2])
    )
    return whole[:start] + new + whole[end:]


JSON_TEXT = json.dumps(
    batch(log_event("a", message="naïve"), log_event("b", 0, own=[1.5, {"c": None}])), ensure_ascii=False
).encode()
damaged = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=30).map(lambda data: {"awslogs": {"data": data}}),
    st.binary(max_size=60).map(wrap),
    st.binary(max_size=60).map(pack),
    mutated(VALID.encode()).map(lambda data: {"awslogs": {"data": data.decode("latin-1")}}),
    mutated(GZIPPED).map(wrap),
    mutated(JSON_TEXT).map(pack),
    st.recursive(json_values, st.lists).map(lambda value: pack(json.dumps(value))),
)


@settings(max_examples=200, deadline=None)
@given(event=damaged)
def test_anything_delivered(new_shipper: Callable[[], Shipper], event: JsonObject) -> None:
    """Whatever is delivered is archived exactly or quarantined as it came: never an error, never a part."""
    assert_archived_or_quarantined(new_shipper(), event)
