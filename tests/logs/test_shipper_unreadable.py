"""What the shipper puts aside because no retry can read it, and that nothing is lost on the way."""

import base64
import gzip
import json
import zlib
from typing import Any

import pytest
from types_boto3_s3 import S3Client

from tests.logs.deployed import JsonObject, Shipper, batch, compact_json, delivery, log_event, pack, wrap

VALID = delivery(log_event())["awslogs"]["data"]
GZIPPED = base64.b64decode(VALID)


def with_json(text: str) -> JsonObject:
    """A delivery in which this JSON text is the value of an event's key of its own."""
    return pack(json.dumps(batch(log_event(own="here"))).replace('"here"', text))


def bad_crc() -> bytes:
    """The valid gzip with one bit of its checksum turned."""
    return GZIPPED[:-8] + bytes([GZIPPED[-8] ^ 1]) + GZIPPED[-7:]


LINE = {"logGroup": "a", "logStream": "b", "owner": "c", **log_event()}
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
    "nested too deeply": with_json("[" * 100_000 + "]" * 100_000),
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
    "lines without an end": pack(compact_json(LINE)),
    "lines of two log groups": pack(compact_json(LINE) + b"\n" + compact_json(LINE | {"logGroup": "b"}) + b"\n"),
    "lines with one that is none": pack(compact_json(LINE) + b"\n\n"),
    "lines with one of other bytes": pack(compact_json(LINE) + b"\n\xff\n"),
    "lines without a log stream": pack(compact_json(LINE | {"logStream": None}) + b"\n"),
    "lines without an ID": pack(compact_json(LINE | {"id": 1}) + b"\n"),
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


@pytest.mark.parametrize("event", [pack("{"), pack("[]"), wrap(GZIPPED[:-9])], ids=["JSON", "batch", "gzip"])
def test_unreadable_raw(shipper: Shipper, event: JsonObject) -> None:
    """The raw format archives only what could be read, too."""
    shipper.settings["ARCHIVE_FORMAT"] = "raw"

    assert list(shipper.invoke(event)) == ["quarantined"]
    assert shipper.archived_bytes() == {}


def test_deep_envelope(shipper: Shipper) -> None:
    """What could be parsed but is nested too deeply to be written is unreadable, not an error."""
    nested: list[Any] = []
    for _ in range(100_000):
        nested = [nested]

    with pytest.raises(shipper.modules["envelope"].UnreadableBatch, match="nested too deeply"):
        shipper.modules["batch"].Header("group", {"nested": nested}).opening(())


def test_every_depth_is_stored(shipper: Shipper) -> None:
    """However deep an event is nested, it is archived or unreadable: parser and writer never disagree with an error."""
    for depth in range(900, 1100):
        event = with_json("[" * depth + "]" * depth)
        try:
            [body] = shipper.modules["objects"].objects_of(event).bodies.values()
        except shipper.modules["envelope"].UnreadableBatch:
            continue
        assert gzip.decompress(body).count(b"[") == depth
