"""`fargate-constructs archive replay`, and the failed batches of an archive."""

import base64
import gzip
import json
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from fargate_constructs.cli.archive import archive_options, failed_batches
from fargate_constructs.cli.archive.failed_batches import WaitingEvents, events_of
from fargate_constructs.cli.deployed.archives import DeployedArchive
from fargate_constructs.cli.events.log_events import LogEvent
from fargate_constructs.logs.lambdas.shipper.envelope import UnreadableBatch
from tests.cli.recorded_aws import RecordedAws
from tests.cli.runner import runner
from tests.logs.deployed import delivery, log_event

ARCHIVE = DeployedArchive(
    "Shop/Logs", "us-east-1", bucket="archive", replay="replay", failure_bucket="failures", lacks=("more",)
)
LOG = '{"failure": "a", "reason": "NotLandedError: the shipper failed", "times": 2}\nSTART\n{"_aws": 1}\n[1]\n'
EVENT = LogEvent(1_772_323_199_999, "/ecs/web", "web/app/1", "hello", "1")
BATCH = delivery(log_event())

run = runner("archive", "replay")


@pytest.fixture(autouse=True)
def aws(clients: RecordedAws, monkeypatch: pytest.MonkeyPatch) -> RecordedAws:
    """An archive without failed batches."""
    monkeypatch.setattr(archive_options, "find_archive", lambda *_: ARCHIVE)
    clients.answers |= {
        "Invoke": answer({"replayed": 0, "waiting": 0}),
        "ListObjectsV2": {},
        "GetFunctionConfiguration": {"LoggingConfig": {"LogGroup": "/shop/replay"}},
    }
    return clients


def answer(payload: dict[str, Any], **more: Any) -> dict[str, Any]:  # noqa: ANN401 - an answer
    """Return the answer of the replay function."""
    log = base64.b64encode(LOG.encode()).decode()
    return {"Payload": BytesIO(json.dumps(payload).encode()), "LogResult": log, **more}


def runs(aws: RecordedAws, *results: tuple[int, int]) -> None:
    """Let runs of the function replay some batches, and let some wait."""
    left: Iterator[tuple[int, int]] = iter(results)

    def invoke(_request: object) -> dict[str, Any]:
        replayed, waiting = next(left)
        return answer({"replayed": replayed, "waiting": waiting})

    aws.answers["Invoke"] = invoke


def test_nothing_waits(aws: RecordedAws) -> None:
    """One run is enough; batches in quarantine are counted."""
    assert run() == (0, "0 replayed, 0 still waiting, after 1 run\n", "")
    assert [name for name, _ in aws.requests].count("Invoke") == 1
    aws.answers["ListObjectsV2"] = {"Contents": [{"Key": "quarantine/1"}, {"Key": "quarantine/2"}]}
    assert "2 batches in s3://failures/quarantine/ could not be read, and no run replays them." in run()[1]
    aws.answers["ListObjectsV2"] = ("AccessDenied", "no")
    assert json.loads(run("--json")[1])["quarantined"] == 0


def test_runs_until_none_waits(aws: RecordedAws) -> None:
    """A run has 15 minutes, and may leave batches."""
    runs(aws, (500, 200), (200, 0))
    assert run() == (0, "700 replayed, 0 still waiting, after 2 runs\n", "")


def test_a_run_that_replays_none_is_the_last(aws: RecordedAws) -> None:
    """The reasons of the function's log are shown, and where it is; the status is 1."""
    runs(aws, (1, 3), (0, 3))
    assert run() == (
        1,
        (
            "1 replayed, 3 still waiting, after 2 runs\n"
            "    NotLandedError: the shipper failed\n"
            "The log of the function says why: aws logs tail /shop/replay --since 1h --region us-east-1\n"
        ),
        "",
    )
    runs(aws, (2, 9), (2, 7))
    status, output, _ = run("--runs", "2", "--json")
    assert (status, json.loads(output)) == (
        1,
        {
            "archive": "Shop/Logs",
            "runs": 2,
            "replayed": 4,
            "waiting": 7,
            "reasons": ["NotLandedError: the shipper failed"],
            "quarantined": 0,
        },
    )


def test_a_connection_that_ends(aws: RecordedAws) -> None:
    """A NAT gateway forgets a connection without traffic after six minutes."""
    aws.answers["Invoke"] = ReadTimeoutError(endpoint_url="https://lambda.us-east-1.amazonaws.com/")
    assert "the connection to Lambda ended before the run of replay, which goes on for up to 15 minutes" in run()[2]


def test_a_function_that_fails(aws: RecordedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no answer, and so no finding."""
    error = {"errorType": "ClientError", "errorMessage": "AccessDenied"}
    aws.answers["Invoke"] = answer(error, FunctionError="Unhandled")
    status, output, errors = run()
    assert (status, output) == (2, "")
    assert "the replay function replay failed with ClientError: AccessDenied; its log says more: aws logs" in errors
    monkeypatch.setattr(archive_options, "find_archive", lambda *_: ARCHIVE._replace(replay=""))
    assert "Shop/Logs has no replay function that could be found: more" in run()[2]
    assert run("--runs", "0")[0] == 2


# --- What waits ---


def prepared() -> bytes:
    """A failed record of Data Firehose with lines of the transform function."""
    line = {"logGroup": "/ecs/web", "logStream": "web/app/1", "owner": "1", "id": "1", "timestamp": EVENT.timestamp}
    text = json.dumps({**line, "message": "hello"}).encode() + b"\n"
    return json.dumps({"rawData": base64.b64encode(gzip.compress(text * 2)).decode()}).encode()


@pytest.mark.parametrize(
    ("record", "count"),
    [
        (json.dumps({"requestPayload": BATCH}).encode(), 1),
        (json.dumps({"rawData": BATCH["awslogs"]["data"]}).encode(), 1),
        (prepared(), 2),
    ],
    ids=["Lambda", "Data Firehose", "prepared"],
)
def test_the_events_of_a_failed_batch(record: bytes, count: int) -> None:
    """As Lambda and Data Firehose keep it."""
    assert [*events_of(record)] == [EVENT] * count


@pytest.mark.parametrize(
    ("record", "error"),
    [
        (b"{", ValueError),
        (b"{}", KeyError),
        (b"[]", TypeError),
        (b'{"rawData": "x"}', UnreadableBatch),
        (json.dumps({"requestPayload": delivery({"id": "1"})}).encode(), KeyError),
    ],
)
def test_what_is_no_failed_batch(record: bytes, error: type[Exception]) -> None:
    """The caller names it."""
    with pytest.raises(error):
        [*events_of(record)]


def waiting(aws: RecordedAws, archive: DeployedArchive = ARCHIVE) -> tuple[list[LogEvent], WaitingEvents]:
    """Return the events that wait, and their reader."""
    session: Any = aws
    reader = WaitingEvents(session, archive)
    return [*reader.read()], reader


def test_what_waits_is_read(aws: RecordedAws) -> None:
    """From both places; what cannot be read is named, and the rest goes on."""
    aws.answers |= {
        "ListObjectsV2": lambda request: {
            "Contents": [{"Key": f"{request['Prefix']}{name}", "Size": 1} for name in ("good", "bad")]
        },
        "GetObject": lambda request: {"Body": BytesIO(prepared() if request["Key"].endswith("good") else b"{}\n{")},
    }
    events, reader = waiting(aws)
    assert events == [EVENT] * 2
    assert reader.unread == ["s3://failures/aws/lambda/async/bad: JSONDecodeError"]
    events, reader = waiting(aws, ARCHIVE._replace(stream="stream"))
    assert (len(events), reader.batches) == (4, 4)
    assert reader.unread[1:] == [
        "s3://archive/firehose-failures/bad: KeyError",
        "s3://archive/firehose-failures/bad: JSONDecodeError",
    ]
    aws.answers["GetObject"] = ("NoSuchKey", "replayed meanwhile")
    events, reader = waiting(aws)
    assert (events, reader.batches, reader.unread) == ([], 0, [])
    aws.answers["ListObjectsV2"] = ("AccessDenied", "no")
    assert waiting(aws)[1].unread[0].startswith("s3://failures/aws/lambda/async/: An error occurred (AccessDenied)")


def test_too_much_waits(aws: RecordedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Large failures and those above a number are named, not read."""
    monkeypatch.setattr(failed_batches, "MAX_FAILURES", 2)
    sizes = (failed_batches.MAX_BYTES + 1, 1, 1)
    entries = [{"Key": f"aws/lambda/async/{number}", "Size": size} for number, size in enumerate(sizes)]
    aws.answers |= {"ListObjectsV2": {"Contents": entries}, "GetObject": lambda _request: {"Body": BytesIO(prepared())}}
    events, reader = waiting(aws)
    assert len(events) == 2
    assert [each.partition(": ")[0] for each in reader.unread] == [
        "s3://failures/aws/lambda/async/0",
        "s3://failures/aws/lambda/async/2",
    ]
