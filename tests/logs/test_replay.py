"""What becomes of stored failures, with the real shipper."""

import base64
import gzip
import json
import os
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any
from unittest import mock

import pytest
from botocore.exceptions import ClientError
from types_boto3_s3 import S3Client

from fargate_constructs.logs.shipping import SHIPPER_TIMEOUT
from tests.logs.deployed import Context, JsonObject, Shipper, delivery, log_event, wrap
from tests.logs.memory_s3 import MemoryS3

ENOUGH = 15 * 60_000


class Killed(Exception):  # noqa: N818 -- no error of the function's
    """Raised by a function that Lambda kills: out of time, out of memory."""


@dataclass
class LambdaClient:
    """The call of boto3's client that the replay function makes: a synchronous invocation of the shipper."""

    function: Callable[[Any], object]
    invoked: list[Any] = field(default_factory=list)

    def invoke(self, *, FunctionName: str, Payload: str) -> JsonObject:  # noqa: N803 -- boto3's names
        """Run the function; answer an exception as Lambda does."""
        assert FunctionName == "shipper"
        self.invoked.append(json.loads(Payload))
        try:
            self.function(self.invoked[-1])
        except ClientError:  # of Lambda itself
            raise
        except Exception as error:  # noqa: BLE001 -- whatever it is, Lambda answers
            kind = {} if isinstance(error, Killed) else {"errorType": type(error).__name__}
            failure = {"errorMessage": str(error), "stackTrace": [], **kind}
            return {"FunctionError": "Unhandled", "Payload": BytesIO(json.dumps(failure).encode())}
        return {}


@dataclass
class Replay:
    """The replay function of a shipper, with a bucket in which Data Firehose leaves failures."""

    module: Any
    shipper: Shipper
    lambda_: LambdaClient
    stream_failures: str = field(default_factory=lambda: f"stream-{uuid.uuid4()}")

    def __post_init__(self) -> None:
        """Make the bucket."""
        self.shipper.s3.create_bucket(Bucket=self.stream_failures)

    def run(self, *remaining: int, **environment: str) -> dict[str, int]:
        """Run the handler as Lambda does."""
        variables = {
            "SHIPPER": "shipper",
            "FAILURE_BUCKET": self.shipper.failures,
            "FAILURE_BUCKET_OWNER": "222222222222",
            "STREAM_FAILURE_BUCKET": self.stream_failures,
        }
        with mock.patch.dict(os.environ, variables | environment):
            result: dict[str, int] = self.module.handler({}, Context(*(remaining or (ENOUGH,))))
        return result

    def store(self, *payloads: object) -> list[str]:
        """Store failures as Lambda does; return their keys."""
        keys = [f"aws/lambda/async/shipper/2026/03/01/2026-03-01T00.00.00-{uuid.uuid4()}" for _ in payloads]
        for key, payload in zip(keys, payloads, strict=True):
            context = {"requestContext": {"condition": "RetriesExhausted"}, "responseContext": {"statusCode": 200}}
            self.put(key, json.dumps({"version": "1.0", **context, "requestPayload": payload, "responsePayload": {}}))
        return keys

    def put(self, key: str, text: str) -> None:
        """Put an object into the failure bucket."""
        self.shipper.s3.put_object(Bucket=self.shipper.failures, Key=key, Body=text.encode())

    def waiting(self) -> list[str]:
        """The keys of what still waits in the failure bucket."""
        return [key for key in self.shipper.quarantined() if not key.startswith("quarantine/")]


@pytest.fixture
def replay(replay_modules: dict[str, Any], shipper: Shipper, monkeypatch: pytest.MonkeyPatch) -> Iterator[Replay]:
    """The replay function of a shipper with empty buckets."""
    # One environment for both: the replay function's threads must not see it change.
    lambda_ = LambdaClient(shipping(shipper))
    monkeypatch.setattr(replay_modules["handler"], "LAMBDA", lambda_)
    with shipper.environ():
        yield Replay(replay_modules["handler"], shipper, lambda_)


def shipping(shipper: Shipper) -> Callable[[Any], object]:
    """The shipper."""
    return lambda event: shipper.modules["handler"].handler(event, Context(60_000))


def refusing(shipper: Shipper, *ids: str) -> Callable[[Any], object]:
    """The shipper, but for batches with one of these events."""

    def function(event: JsonObject) -> object:
        text = gzip.decompress(base64.b64decode(event["awslogs"]["data"])).decode()
        if any(f'"id":"{id_}"' in text for id_ in ids):
            raise PermissionError("secret")
        return shipping(shipper)(event)

    return function


def batch_of(id_: str) -> JsonObject:
    """A delivery of one event."""
    return delivery(log_event(id_))


def last_line(capsys: pytest.CaptureFixture[str]) -> JsonObject:
    """The last line that was logged."""
    line: JsonObject = json.loads(capsys.readouterr().out.splitlines()[-1])
    return line


def test_one_fails_and_the_rest_go_on(replay: Replay, capsys: pytest.CaptureFixture[str]) -> None:
    """Of three failures the second fails again: the first and third land and are deleted, the second stays whole."""
    _, second, _ = replay.store(batch_of("1"), batch_of("2"), batch_of("3"))
    before = replay.shipper.quarantined()[second]
    replay.lambda_.function = refusing(replay.shipper, "2")

    assert replay.run() == {"replayed": 2, "waiting": 1}

    assert replay.shipper.ids() == ["1", "3"]
    assert replay.shipper.quarantined() == {second: before}
    said = capsys.readouterr().out
    assert f'"failure": "{second}", "reason": "NotLandedError: the shipper failed: PermissionError"' in said
    assert "secret" not in said

    replay.lambda_.function = shipping(replay.shipper)
    assert replay.run() == {"replayed": 1, "waiting": 0}
    assert (replay.shipper.ids(), replay.waiting()) == (["1", "2", "3"], [])


def test_what_had_landed_before_lands_once(replay: Replay) -> None:
    """A batch that the failed attempt had stored in part is whole after the replay, and nothing is there twice."""
    event = delivery(*(log_event(str(hour), hour * 3_600_000) for hour in range(3)))
    with pytest.raises(replay.shipper.not_stored, match="too little time left"):
        replay.shipper.invoke(event, Context(60_000, 25_000, 24_999))
    replay.store(event, event)

    assert replay.run() == {"replayed": 2, "waiting": 0}
    assert replay.shipper.ids() == ["0", "1", "2"]


def test_more_than_a_page(replay: Replay, memory_s3: MemoryS3, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of more failures than S3 lists at a time are replayed."""
    monkeypatch.setattr(memory_s3, "page", 10)
    replay.store(*[batch_of("1")] * 23)

    assert replay.run() == {"replayed": 23, "waiting": 0}
    assert (len(replay.lambda_.invoked), replay.waiting()) == (23, [])


def test_unreadable_ends_in_quarantine(replay: Replay) -> None:
    """A failed batch that turns out to be unreadable is put into quarantine once, and is never looked at again."""
    replay.store(wrap(b"not gzip"))

    assert replay.run() == {"replayed": 1, "waiting": 0}
    assert [key.split("/")[0] for key in replay.shipper.quarantined()] == ["quarantine"]

    assert replay.run() == {"replayed": 0, "waiting": 0}
    assert len(replay.lambda_.invoked) == 1


@pytest.mark.parametrize(
    "text",
    ["{", "", "[]", '{"requestContext": {}}', '{"rawData": 1}', "\x00"],
    ids=["cut", "empty", "list", "no-payload", "number", "zero"],
)
def test_no_record_at_all_stays(replay: Replay, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What is no record of a failure stays where somebody put it, and is told."""
    replay.put("aws/lambda/async/odd", text)

    assert replay.run() == {"replayed": 0, "waiting": 1}
    assert replay.waiting() == ["aws/lambda/async/odd"]
    assert "neither a failed invocation" in capsys.readouterr().out


def test_the_client_tries_once(replay_modules: dict[str, Any]) -> None:
    """What Lambda refuses waits for the next hour; an invocation may last as long as the shipper."""
    config = replay_modules["handler"].LAMBDA.meta.config

    assert config.retries["total_max_attempts"] == 1
    assert config.read_timeout > SHIPPER_TIMEOUT.to_seconds()


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ClientError({"Error": {"Code": "TooManyRequestsException"}}, "Invoke"), "ClientError"),
        (Killed("Task timed out"), "the shipper failed: without saying why"),
    ],
    ids=["throttled", "killed"],
)
def test_a_shipper_that_does_not_run(
    replay: Replay, error: Exception, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that Lambda does not let run, or kills, is asked once; its failures wait for the next hour."""
    replay.store(batch_of("1"))
    replay.lambda_.function = mock.Mock(side_effect=error)

    assert replay.run() == {"replayed": 0, "waiting": 1}
    assert len(replay.lambda_.invoked) == 1
    assert reason in capsys.readouterr().out


def test_stops_before_its_own_end(replay: Replay) -> None:
    """No replay is begun that might outlast the invocation; what is left waits."""
    replay.store(batch_of("1"), batch_of("2"))

    assert replay.run(89_999) == {"replayed": 0, "waiting": 2}
    assert replay.lambda_.invoked == []
    assert replay.run(90_000) == {"replayed": 2, "waiting": 0}


def test_age_of_the_oldest(replay: Replay, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The metric line counts what was replayed and what waits, and tells for how long the oldest has."""
    replay.store(batch_of("1"), batch_of("2"))
    replay.lambda_.function = refusing(replay.shipper, "2")
    later = datetime.now(UTC) + timedelta(hours=4)
    monkeypatch.setattr(replay.module.time, "time", later.timestamp)

    replay.run()
    line = last_line(capsys)
    assert (line["ReplayedFailures"], line["WaitingFailures"], line["FunctionName"]) == (1, 1, "shipper")
    assert 4 * 3600 - 60 < line["OldestFailureAge"] <= 4 * 3600 + 60
    metrics = line["_aws"]["CloudWatchMetrics"][0]
    assert {metric["Name"] for metric in metrics["Metrics"]} <= line.keys()

    replay.lambda_.function = shipping(replay.shipper)
    replay.run()
    line = last_line(capsys)
    assert (line["WaitingFailures"], line["OldestFailureAge"]) == (0, 0)


# --- What Data Firehose leaves ---


def leave(replay: Replay, *deliveries: JsonObject) -> str:
    """Store failed records of a stream as Data Firehose does, a line for each; return the key."""
    lines = [
        json.dumps({"attemptsMade": 4, "errorCode": "Lambda.FunctionError", "rawData": each["awslogs"]["data"]})
        for each in deliveries
    ]
    key = f"firehose-failures/processing-failed/2026/03/01/00/{uuid.uuid4()}"
    replay.shipper.s3.put_object(Bucket=replay.stream_failures, Key=key, Body="\n".join(lines).encode() + b"\n")
    return key


def left(replay: Replay, s3: S3Client) -> list[str]:
    """The keys of what Data Firehose left and is still there."""
    return [entry["Key"] for entry in s3.list_objects_v2(Bucket=replay.stream_failures).get("Contents", [])]


def test_failed_records_of_a_stream(replay: Replay, s3: S3Client) -> None:
    """Each batch in what Data Firehose leaves is shipped, and only when all have landed is it deleted."""
    leave(replay, batch_of("1"), batch_of("2"))
    second = leave(replay, batch_of("3"), batch_of("4"), batch_of("5"))
    replay.lambda_.function = refusing(replay.shipper, "4")

    assert replay.run() == {"replayed": 1, "waiting": 1}
    assert replay.shipper.ids() == ["1", "2", "3", "5"]
    [rest] = left(replay, s3)
    assert rest.startswith(f"{second}/rest-")
    assert (replay.run(), left(replay, s3)) == ({"replayed": 0, "waiting": 1}, [rest])  # nothing landed: it grows old

    replay.lambda_.function = shipping(replay.shipper)
    assert replay.run() == {"replayed": 1, "waiting": 0}
    assert (replay.shipper.ids(), left(replay, s3)) == (["1", "2", "3", "4", "5"], [])


def test_prepared_records_of_a_stream(replay: Replay, s3: S3Client) -> None:
    """A batch over the limit of active partitions is kept as it was prepared: it is shipped as any other, and once."""
    [[_, prepared]] = replay.shipper.modules["objects"].objects_of(batch_of("1")).bodies.items()
    leave(replay, wrap(prepared), batch_of("1"), batch_of("2"))

    assert replay.run() == {"replayed": 1, "waiting": 0}
    assert (replay.shipper.ids(), replay.shipper.quarantined(), left(replay, s3)) == (["1", "2"], {}, [])


def test_too_many_for_the_time(replay: Replay, s3: S3Client, capsys: pytest.CaptureFixture[str]) -> None:
    """Failed records of a stream that there is no time for are put back; none is shipped twice, none for ever."""
    batches = [batch_of(str(n)) for n in range(20)]
    key = leave(replay, *batches)
    replay.lambda_.function = lambda _event: None

    for waiting in (17, 14):
        assert replay.run(*[ENOUGH] * 4, 89_999) == {"replayed": 0, "waiting": 1}
        assert f'"reason": "NotLandedError: too little time left", "times": {waiting}' in capsys.readouterr().out
        [rest] = left(replay, s3)
        assert re.fullmatch(f"{key}/rest-[0-9a-f-]{{36}}", rest)
    assert replay.run() == {"replayed": 1, "waiting": 0}

    assert left(replay, s3) == []
    assert sorted(map(json.dumps, replay.lambda_.invoked)) == sorted(map(json.dumps, batches))


@pytest.mark.parametrize("call", ["put_object", "delete_object"])
def test_killed_while_it_puts_back(replay: Replay, s3: S3Client, call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the rest is there the object stays; after that both do, and nothing is lost or stored twice."""
    key = leave(replay, *(batch_of(str(n)) for n in range(5)))

    def die(**_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(replay.module.S3, call, die)
        with pytest.raises(KeyboardInterrupt):
            replay.run(ENOUGH, ENOUGH, 89_999)
    kept = left(replay, s3)
    assert (kept[0], len(kept)) == (key, 1 if call == "put_object" else 2)

    assert replay.run()["waiting"] == 0
    assert (replay.shipper.ids(), left(replay, s3)) == ([str(n) for n in range(5)], [])


def test_s3_refuses(replay: Replay, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be deleted waits, however often it lands, and the log says why."""
    replay.store(batch_of("1"))
    refused = ClientError({"Error": {"Code": "AccessDenied"}}, "DeleteObject")

    with monkeypatch.context() as patch:
        patch.setattr(replay.module.S3, "delete_object", mock.Mock(side_effect=refused))
        assert replay.run() == {"replayed": 0, "waiting": 1}
    assert '"reason": "ClientError: An error occurred (AccessDenied)' in capsys.readouterr().out
    assert (replay.run(), replay.shipper.ids()) == ({"replayed": 1, "waiting": 0}, ["1"])


def test_no_stream(replay: Replay) -> None:
    """Without a bucket for a stream's failures, only Lambda's are looked for."""
    leave(replay, batch_of("1"))
    replay.store(batch_of("2"))

    assert replay.run(STREAM_FAILURE_BUCKET="") == {"replayed": 1, "waiting": 0}
    assert replay.shipper.ids() == ["2"]


def test_a_bucket_that_cannot_be_listed(replay: Replay) -> None:
    """What keeps the failures themselves from being seen is an error of the function, for its alarm."""
    with pytest.raises(ClientError, match="NoSuchBucket"):
        replay.run(FAILURE_BUCKET=f"gone-{uuid.uuid4()}")
