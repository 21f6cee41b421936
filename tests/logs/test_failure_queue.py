"""Failures in China: by a queue into the failure bucket, and none is lost on the way."""

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import count
from typing import Any
from unittest import mock

import pytest
from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Template
from botocore.exceptions import ClientError
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fargate_constructs.logs.failure_queue import FailureQueue
from fargate_constructs.logs.replay import TIMEOUT
from tests.logs.archives import environment, resources, template_of
from tests.logs.deployed import Context, JsonObject, Shipper, delivery, log_event
from tests.logs.memory_queue import VISIBILITY_TIMEOUT, MemoryQueue

ENOUGH = 15 * 60_000
REFUSED = ClientError({"Error": {"Code": "SlowDown"}}, "any")


class Killed(BaseException):
    """Lambda ends the process."""


class China:
    """Shipper, failure queue, failure bucket and replay function; each call that the latter makes may fail."""

    def __init__(self, shipper: Shipper, replay: dict[str, Any], queue: MemoryQueue) -> None:
        """Take the shipper, the modules of the replay function, and the queue."""
        self.shipper, self.replay, self.queue = shipper, replay, queue
        self._faults: list[str] = []
        self._is_dead = False
        self._ids = count()

    def fail(self) -> str:
        """Let Lambda record a batch that it gave up; return the ID of its event."""
        id_ = str(next(self._ids))
        record = {"requestPayload": delivery(log_event(id_)), "responsePayload": {}}
        self.queue.send_message(QueueUrl="queue", MessageBody=json.dumps(record))
        return id_

    def ship(self, event: JsonObject, context: Context | None = None) -> JsonObject:
        """Invoke the shipper."""
        answer: JsonObject = self.shipper.modules["queue_fallback"].handler(event, context or Context(60_000))
        return answer

    def run(self, *faults: str) -> dict[str, int]:
        """Run the replay function; the faults happen to its calls in their order."""
        self._faults, self._is_dead = list(faults), False
        replay, drain = self.replay["handler"], self.replay["drain"]
        with (
            mock.patch.object(replay, "THREADS", 1),
            mock.patch.object(replay.S3, "put_object", partial(self._call, replay.S3.put_object)),
            mock.patch.object(replay.S3, "delete_object", partial(self._call, replay.S3.delete_object)),
            mock.patch.object(replay.LAMBDA, "invoke", partial(self._call, self._invoke)),
            mock.patch.object(self.queue, "receive_message", partial(self._call, self.queue.receive_message)),
            mock.patch.object(self.queue, "delete_message", partial(self._call, self.queue.delete_message)),
        ):
            result: dict[str, int] = drain.handler({}, Context(ENOUGH))
        return result

    def _invoke(self, *, FunctionName: str, Payload: str) -> JsonObject:  # noqa: N803 - boto3's names
        assert FunctionName == "shipper"
        self.ship(json.loads(Payload))
        return {}

    def _call(self, function: Callable[..., Any], **arguments: Any) -> Any:  # noqa: ANN401 - of any client
        """Make a call, unless it fails before it arrives; let it fail afterwards, too."""
        fault = "killed" if self._is_dead else self._faults.pop(0) if self._faults else "ok"
        self._is_dead = fault.startswith("killed")
        if fault == "ok":
            return function(**arguments)
        if fault.endswith("after"):
            function(**arguments)
        raise Killed if self._is_dead else REFUSED

    def waiting(self) -> set[str]:
        """The IDs of the events in the queue and in the failure bucket."""
        records = [*(each.body.encode() for each in self.queue.messages), *self.shipper.quarantined().values()]
        objects = self.shipper.modules["objects"]
        batches = [objects.read_lines(objects.unpack(self.replay["handler"].delivery(each)).text) for each in records]
        return {json.loads(piece.lines)["id"] for batch in batches for piece in batch.pieces}


@pytest.fixture(scope="module")
def new_china(new_shipper: Callable[[], Shipper], replay_modules: dict[str, Any]) -> Iterator[Callable[[], China]]:
    """Make an archive in China, as often as a test likes."""
    with mock.patch.dict(os.environ):

        def new() -> China:
            shipper, queue = new_shipper(), MemoryQueue()
            replay_modules["drain"].SQS = shipper.modules["queue_fallback"].SQS = queue
            os.environ.update(shipper.environment | {"SHIPPER": "shipper", "FAILURE_QUEUE": "queue"})
            return China(shipper, replay_modules, queue)

        yield new


@pytest.fixture
def china(new_china: Callable[[], China]) -> China:
    """An archive in China."""
    return new_china()


def test_a_failure_comes_back(china: China) -> None:
    """A record goes from the queue under a key like those of Lambda's S3 destination, and from there to the archive."""
    with mock.patch.object(china.replay["handler"], "handler"):
        china.fail()
        china.run()
    [(key, body)] = china.shipper.quarantined().items()
    assert re.fullmatch(r"aws/lambda/async/shipper/2026/03/01/2026-03-01T00\.00\.00-[0-9a-f-]{36}", key)
    assert json.loads(body)["requestPayload"] == delivery(log_event("0"))
    assert china.queue.messages == []

    assert china.run() == {"replayed": 1, "waiting": 0}
    assert (china.shipper.ids(), china.shipper.quarantined()) == (["0"], {})


def test_a_message_comes_again(china: China) -> None:
    """It has the same key, and leaves the object as it is: as old as it is, for the alarm."""
    china.fail()
    with mock.patch.object(china.replay["handler"], "handler"):
        with suppress(Killed):
            china.run("ok", "ok", "killed")  # the message is moved, and not deleted
        [key] = china.shipper.quarantined()
        china.shipper.s3.put_object(Bucket=china.shipper.failures, Key=key, Body=b"first")
        china.queue.pass_time()
        china.run()

    assert (china.shipper.quarantined(), china.queue.messages) == ({key: b"first"}, [])


def test_s3_refuses_a_message(china: China, capsys: pytest.CaptureFixture[str]) -> None:
    """The message stays in the queue, the log says why, and the next run moves it."""
    china.fail()
    with mock.patch.object(china.replay["handler"], "handler"):
        china.run("ok", "refused")
    [line] = map(json.loads, capsys.readouterr().out.splitlines())

    assert (line["failure"], len(china.queue.messages)) == (china.queue.messages[0].id, 1)
    assert "SlowDown" in line["reason"]
    china.queue.pass_time()
    assert china.run() == {"replayed": 1, "waiting": 0}
    assert china.shipper.ids() == ["0"]


def test_more_than_one_request_receives(china: China) -> None:
    """The queue is drained to its end."""
    ids = {china.fail() for _ in range(23)}

    assert china.run() == {"replayed": 23, "waiting": 0}
    assert set(china.shipper.ids()) == ids


def test_no_time_to_drain(china: China) -> None:
    """A run that is nearly over begins nothing."""
    china.fail()
    china.replay["drain"].drain(Context(89_999))

    assert len(china.queue.messages) == 1


def test_a_queue_that_fails(china: China) -> None:
    """It fails the run, for its alarm, after the failures in the bucket are replayed."""
    china.fail()
    with suppress(Killed):
        china.run("ok", "ok", "killed")  # moved, not deleted
    with pytest.raises(ClientError):
        china.run("refused")

    assert (china.shipper.ids(), len(china.queue.messages)) == (["0"], 1)


def test_a_bucket_that_takes_nothing(china: China, capsys: pytest.CaptureFixture[str]) -> None:
    """A message that S3 does not take stays in the queue, the log says why, and the others are replayed."""
    china.fail()
    china.fail()

    assert china.run("ok", "refused") == {"replayed": 1, "waiting": 0}
    [message] = china.queue.messages
    assert {"failure": message.id, "reason": f"ClientError: {REFUSED}"}.items() <= json.loads(
        capsys.readouterr().out.splitlines()[0]
    ).items()


FAULTS = st.sampled_from(["ok", "ok", "refused", "refused after", "killed", "killed after"])
STEPS = st.sampled_from(["fail", "fail", "later", "again"]) | st.lists(FAULTS, max_size=9).map(tuple)


@settings(max_examples=40)
@given(steps=st.lists(STEPS, max_size=10))
@example(steps=["fail", ("ok", "killed after"), "later", ()])  # moved and replayed, and the message comes again
def test_any_course(new_china: Callable[[], China], steps: list[Any]) -> None:
    """Whatever fails, is killed or comes twice: each batch is always somewhere, and at last in the archive once."""
    china, failed = new_china(), set[str]()
    for step in steps:
        match step:
            case "fail":
                failed.add(china.fail())
            case "again":
                china.queue.deliver_again()
            case "later":
                china.queue.pass_time()
            case faults:
                with suppress(Killed, ClientError):
                    china.run(*faults)
        assert china.waiting() | set(china.shipper.ids()) == failed

    for _ in range(2):
        china.queue.pass_time()
        result = china.run()
    assert result["waiting"] == 0
    assert (china.shipper.ids(), china.waiting()) == (sorted(failed), set())


# --- Events that are too large for Lambda's record ---

LARGE = delivery(*(log_event(str(number), message=os.urandom(500).hex()) for number in range(400)))
NO_TIME = Context(1)


def test_a_large_event(china: China) -> None:
    """S3 did not take it: its data alone goes to the queue, which is shorter than the event, and lands by a replay."""
    assert len(LARGE["awslogs"]["data"]) > 240_000

    assert list(china.ship(LARGE, NO_TIME)) == ["queued"]
    [message] = china.queue.messages
    assert len(message.body) < len(json.dumps(LARGE, separators=(",", ":")))

    assert china.run() == {"replayed": 1, "waiting": 0}
    assert len(china.shipper.ids()) == 400


@pytest.mark.parametrize(
    "event",
    [delivery(log_event()), {"awslogs": {}}, ["no event"], LARGE | {"replayed": True}],
    ids=["small", "unreadable", "none", "replayed"],
)
def test_lambda_or_the_replay_keep_all_others(china: China, event: Any) -> None:  # noqa: ANN401 - whatever comes
    """An event whose record fits is left to Lambda; one that the replay function holds is not sent a second time."""
    with pytest.raises(china.shipper.not_stored):
        china.ship(event, NO_TIME)

    assert china.queue.messages == []


def test_the_replay_keeps_a_large_event(china: China) -> None:
    """One that fails again stays in the failure bucket, as old as it is, and not in the queue as well."""
    china.ship(LARGE, NO_TIME)
    with mock.patch.object(china.shipper.modules["put"], "MAX_PUT_MS", 60_001), suppress(Exception):
        china.run()

    assert (len(china.queue.messages), len(china.shipper.quarantined())) == (0, 1)


# --- The resources ---


def test_the_queue() -> None:
    """It is encrypted, reached over TLS alone, keeps a message for 14 days, and hides it as long as a run lasts."""
    [queue] = resources(template_of("china"), "AWS::SQS::Queue").values()

    assert (queue["MessageRetentionPeriod"], queue["VisibilityTimeout"]) == (1_209_600, VISIBILITY_TIMEOUT)
    assert TIMEOUT.to_seconds() == VISIBILITY_TIMEOUT
    assert "KmsMasterKeyId" in queue
    template_of("china").has_resource("AWS::SQS::Queue", {"DeletionPolicy": "Retain"})
    [policy] = resources(template_of("china"), "AWS::SQS::QueuePolicy").values()
    [denied] = policy["PolicyDocument"]["Statement"]
    assert (denied["Effect"], denied["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    stack = Stack()
    role = iam.Role(stack, "Role", assumed_by=iam.AccountRootPrincipal())
    FailureQueue(stack, "Queue", encryption_key=None).grant_drain(role)
    Template.from_stack(stack).has_resource_properties("AWS::SQS::Queue", {"SqsManagedSseEnabled": True})


def test_the_functions() -> None:
    """Both have the entries that know the queue, and Lambda puts there what it gives up."""
    template = template_of("china")
    queue = {"Fn::GetAtt": [next(iter(resources(template, "AWS::SQS::Queue"))), "Arn"]}

    for handler in ("shipper.queue_fallback.handler", "replay.drain.handler"):
        assert "Ref" in environment(template, handler)["FAILURE_QUEUE"]
    template.has_resource_properties(
        "AWS::Lambda::EventInvokeConfig", {"DestinationConfig": {"OnFailure": {"Destination": queue}}}
    )


def test_alarms() -> None:
    """Those on metrics that Lambda does not have in China are on the queue's."""
    alarms = resources(template_of("china"), "AWS::CloudWatch::Alarm").values()
    metrics = {each.get("MetricName"): each for each in alarms}

    assert not {"AsyncEventAge", "AsyncEventsDropped"} & metrics.keys()
    assert metrics["ApproximateAgeOfOldestMessage"]["Threshold"] == 3 * 3600
    assert metrics["ApproximateAgeOfOldestMessage"]["TreatMissingData"] == "ignore"
    assert metrics["NumberOfMessagesSent"]["Threshold"] == 1
