"""What the shipper archives of every kind of delivery, seen in the buckets of an S3 API."""

import base64
import gzip
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from types_boto3_s3 import S3Client

from tests.logs.deployed import (
    OWN_LOG_GROUP,
    Context,
    JsonObject,
    Shipper,
    batch,
    compact_json,
    delivery,
    log_event,
    pack,
    wrap,
)


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


@pytest.mark.parametrize("archive_format", ["ndjson", "raw"])
@pytest.mark.parametrize(
    "event",
    [
        delivery(),
        delivery(log_event(), messageType="CONTROL_MESSAGE", logGroup=""),
        delivery(log_event(), logGroup=OWN_LOG_GROUP),
    ],
    ids=["empty", "control", "own"],
)
def test_nothing_to_archive(
    shipper: Shipper, archive_format: str, event: JsonObject, capsys: pytest.CaptureFixture[str]
) -> None:
    """No events, a control message and the function's own lines make no object, and no line that would come back."""
    shipper.settings["ARCHIVE_FORMAT"] = archive_format

    assert shipper.invoke(event) == {"archived": []}
    assert (shipper.archived_bytes(), shipper.quarantined()) == ({}, {})
    assert capsys.readouterr() == ("", "")


def test_lines_hold_what_was_delivered(shipper: Shipper) -> None:
    """Numbers and escapes are archived as they came, to the last digit; only the white space between tokens goes."""
    event = '{ "id": "1", "timestamp":1772323199999, "message":"\\u001B[0m \\/ \\u00e9",\n"n":[1.10, 1E3, -0] }'
    shipper.invoke(pack(json.dumps(batch()).replace("[]", f"[{event}]")))

    [line] = shipper.archived_bytes().values()
    assert line.endswith(b',"id":"1","timestamp":1772323199999,"message":"\\u001B[0m \\/ \\u00e9","n":[1.10,1E3,-0]}\n')


def test_reordered_json_makes_the_same_object(shipper: Shipper) -> None:
    """The order of the envelope's known keys and the white space do not count: the same events are stored once."""
    pretty = json.dumps(dict(reversed(batch(log_event()).items())), indent=2)

    assert shipper.invoke(pack(pretty)) == shipper.invoke(delivery(log_event()))
    assert len(shipper.archived()) == 1


def test_event_with_all_keys_of_the_envelope(shipper: Shipper) -> None:
    """An event that has every key of the envelope's is archived as it is."""
    event = log_event(owner="x", logStream="y", logGroup="z")

    [key] = shipper.invoke(delivery(event))["archived"]

    assert shipper.archived_bytes()[key] == compact_json(event) + b"\n"


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
        results = list(pool.map(lambda _: shipper.modules["handler"].handler(event, Context(60_000)), range(8)))

    assert results == [{"archived": results[0]["archived"]}] * 8
    assert shipper.ids() == ["a", "b"]


@pytest.mark.parametrize("group", ["/replay", "/merger", "/aws/lambda/resize"])
def test_ignored_log_groups(shipper: Shipper, group: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Log groups on the archive's own way are dropped without a line, and no others."""
    shipper.settings["IGNORED_LOG_GROUPS"] = "/replay,/merger,/aws/*/res*ze"

    assert shipper.invoke(delivery(log_event(), logGroup=group)) == {"archived": []}
    assert (shipper.archived(), shipper.quarantined()) == ({}, {})
    assert capsys.readouterr() == ("", "")
    assert shipper.invoke(delivery(log_event(), logGroup=f"{group}/more"))["archived"]
    assert shipper.invoke(delivery(log_event(), logGroup=""))["archived"]


def test_raw(shipper: Shipper, s3: S3Client) -> None:
    """In the raw format a batch is one object, the delivered gzip, under the hour of its first event.

    A batch whose JSON comes once more in another gzip is stored once.
    """
    shipper.settings["ARCHIVE_FORMAT"] = "raw"
    text = compact_json(batch(log_event("a"), log_event("b", 0)))
    event = pack(text)

    [key] = shipper.invoke(event)["archived"]

    digest = hashlib.sha256(text).hexdigest()[:32]
    assert key == f"raw/log_group=%2Fecs%2Fweb/dt=2026-02-28/hour=23/1772323199999-{digest}.json.gz"
    stored = s3.get_object(Bucket=shipper.archive, Key=key)
    assert stored["Body"].read() == base64.b64decode(event["awslogs"]["data"])
    assert stored["ContentType"] == "application/json"
    assert shipper.invoke(wrap(gzip.compress(text, 9))) == {"archived": [key]}
    assert len(shipper.archived_bytes()) == 1


def test_unknown_format(shipper: Shipper) -> None:
    """A format that does not exist is an error, so that Lambda keeps the batch."""
    shipper.settings["ARCHIVE_FORMAT"] = "parquet"

    with pytest.raises(ValueError, match="ARCHIVE_FORMAT must be ndjson or raw, got: parquet"):
        shipper.invoke(delivery(log_event()))
    assert shipper.quarantined() == {}
