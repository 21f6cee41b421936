"""What the shipper archives of every kind of delivery, seen in the buckets of an S3 API."""

import base64
import gzip
import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

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

HOUR = 3_600_000


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
        "ends in \\",
        'ends in \\"',
        "\x1b[31mred\x1b[0m\ttab",
        "",
    ],
)
def test_awkward_messages(new_shipper: Callable[[], Shipper], message: str) -> None:
    """A message with line ends, quotes, JSON or a lone surrogate in it is one line, and the same message again."""
    payload = batch(log_event("a", message=message), log_event("b"))

    for text in (compact_json(payload), json.dumps(payload)):
        shipper = new_shipper()
        shipper.invoke(pack(text))
        [records] = shipper.archived().values()
        assert [record["message"] for record in records] == [message, "hello"]


def test_lines_hold_what_was_delivered(shipper: Shipper) -> None:
    """Numbers and escapes are archived as they came, to the last digit; only the white space between tokens goes."""
    event = '{ "id": "1", "timestamp":1772323199999, "message":"\\u001B[0m \\/ \\u00e9",\n"n":[1.10, 1E3, -0] }'
    shipper.invoke(pack(json.dumps(batch()).replace("[]", f"[{event}]")))

    [line] = shipper.archived_bytes().values()
    assert line.endswith(b',"id":"1","timestamp":1772323199999,"message":"\\u001B[0m \\/ \\u00e9","n":[1.10,1E3,-0]}\n')


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


def test_event_with_all_keys_of_the_envelope(shipper: Shipper) -> None:
    """An event that has every key of the envelope's is archived as it is."""
    event = log_event(owner="x", logStream="y", logGroup="z")

    [key] = shipper.invoke(delivery(event))["archived"]

    assert shipper.archived_bytes()[key] == compact_json(event) + b"\n"


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


@pytest.mark.parametrize(
    ("timestamp", "partition"),
    [
        *((each, "dt=1970-01-01/hour=00") for each in (-1, -(10**18), 253_402_300_800_000, 10**30)),
        (253_402_300_799_999, "dt=9999-12-31/hour=23"),
    ],
)
def test_timestamp_of_no_calendar(shipper: Shipper, timestamp: int, partition: str) -> None:
    """A timestamp before 1970 or after 9999 has a constant partition; the last millisecond of 9999 has its own."""
    [key] = shipper.invoke(delivery(log_event(timestamp=timestamp)))["archived"]

    assert key.startswith(f"log_group=%2Fecs%2Fweb/{partition}/{timestamp}-")
    assert shipper.archived()[key][0]["timestamp"] == timestamp


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
    assert sorted(record["id"] for record in chain(*shipper.archived().values())) == ["a", "b"]


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
    """In the raw format a batch is one object, the delivered gzip, under the hour of its first event."""
    shipper.settings["ARCHIVE_FORMAT"] = "raw"
    text = compact_json(batch(log_event("a"), log_event("b", 0)))
    event = pack(text)

    [key] = shipper.invoke(event)["archived"]

    digest = hashlib.sha256(text).hexdigest()[:32]
    assert key == f"raw/log_group=%2Fecs%2Fweb/dt=2026-02-28/hour=23/1772323199999-{digest}.json.gz"
    stored = s3.get_object(Bucket=shipper.archive, Key=key)
    assert stored["Body"].read() == base64.b64decode(event["awslogs"]["data"])
    assert stored["ContentType"] == "application/json"
    assert shipper.invoke(event) == {"archived": [key]}
    assert len(shipper.archived_bytes()) == 1


def test_raw_compressed_again(shipper: Shipper) -> None:
    """A batch whose JSON comes once more in another gzip is stored once."""
    shipper.settings["ARCHIVE_FORMAT"] = "raw"
    text = compact_json(batch(log_event()))

    assert shipper.invoke(wrap(gzip.compress(text, 1))) == shipper.invoke(wrap(gzip.compress(text, 9)))
    assert len(shipper.archived_bytes()) == 1


def test_unknown_format(shipper: Shipper) -> None:
    """A format that does not exist is an error, so that Lambda keeps the batch."""
    shipper.settings["ARCHIVE_FORMAT"] = "parquet"

    with pytest.raises(ValueError, match="ARCHIVE_FORMAT must be ndjson or raw, got: parquet"):
        shipper.invoke(delivery(log_event()))
    assert shipper.quarantined() == {}
