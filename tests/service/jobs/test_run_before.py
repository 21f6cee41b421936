"""The Lambda that runs a task before a deployment, with an ECS that takes its time."""

import importlib
import io
import json
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ConnectionClosedError

TASK_DEFINITION = "arn:aws:ecs:eu-west-1:123456789012:task-definition/migrate:7"
FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:run"
STACK = "arn:aws:cloudformation:eu-west-1:123456789012:stack/Shop/1"
REQUEST = {
    "cluster": "shop",
    "networkConfiguration": {
        "awsvpcConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["sg-1"], "assignPublicIp": "DISABLED"}
    },
    "capacityProviderStrategy": [{"capacityProvider": "FARGATE", "base": 0, "weight": 100}],
}
NOW = 1_800_000_000.0
TIMEOUT = 600  # seconds


@dataclass
class Clock:
    """The time, which passes by sleeping alone; both `time` to the function and what Lambda tells it."""

    now: float = NOW
    invocation_ends: float = NOW + 900
    invoked_function_arn: str = FUNCTION

    def time(self) -> float:
        """Return the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    def get_remaining_time_in_millis(self) -> int:
        """Return what is left of the invocation."""
        return int((self.invocation_ends - self.now) * 1000)


@dataclass
class Cloud:
    """ECS with one task at a time, Lambda, CloudFormation and the place where it waits for an answer."""

    clock: Clock
    minutes: float = 3
    """How long the task runs if it is not stopped."""
    exit_code: int | None = 0
    """What its main container ends with; none if it never started."""
    stop_code: str = "EssentialContainerExited"
    refusals: list[str] = field(default_factory=list)
    """With what the next starts are refused: an error code, or the reason of a failure in the answer."""
    stack_status: str = "UPDATE_IN_PROGRESS"
    obeys: bool = True
    """Whether the task stops when it is told to."""
    lost: dict[str, int] = field(default_factory=dict)
    """How many of the next answers to an operation of ECS do not arrive; the operation is done all the same."""
    denied: str = ""
    """The operation of ECS that is refused for good."""
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    stops: list[dict[str, str]] = field(default_factory=list)
    invocations: list[dict[str, Any]] = field(default_factory=list)
    answers: list[tuple[dict[str, str], dict[str, str]]] = field(default_factory=list)

    def run_task(self, request: dict[str, Any]) -> dict[str, Any]:
        """Start a task, or return the one started with the same token."""
        if self.refusals:
            refusal = self.refusals.pop(0)
            if refusal.endswith("Exception"):
                raise KeyError(refusal)
            return {"tasks": [], "failures": [{"reason": refusal}]}
        token = request["clientToken"]
        task = self.tasks.setdefault(
            token,
            {
                "request": request,
                "taskArn": f"arn:aws:ecs:eu-west-1:123456789012:task/shop/{len(self.tasks) + 1}",
                "createdAt": self.clock.now,
                "ends": self.clock.now + 60 * self.minutes,
                "stopCode": self.stop_code,
                "stoppedReason": "Essential container in task exited",
            },
        )
        if task["request"] != request:
            raise KeyError("ConflictException")
        return {"tasks": [task], "failures": []}

    def describe_tasks(self, request: dict[str, Any]) -> dict[str, Any]:
        """Show a task; ECS does not know it in its first seconds."""
        assert request["cluster"] == "shop"
        (arn,) = request["tasks"]
        (task,) = (each for each in self.tasks.values() if each["taskArn"] == arn)
        if self.clock.now < task["createdAt"] + 3:
            return {"tasks": [], "failures": [{"arn": arn, "reason": "MISSING"}]}
        if self.clock.now < task["ends"]:
            return {"tasks": [{"lastStatus": "RUNNING", "taskArn": arn}], "failures": []}
        main = {"name": "migrate"} | ({} if self.exit_code is None else {"exitCode": self.exit_code})
        containers = [{"name": "proxy", "exitCode": 143}, main]
        return {"tasks": [task | {"lastStatus": "STOPPED", "containers": containers}], "failures": []}

    def stop_task(self, request: dict[str, str]) -> dict[str, Any]:
        """Tell a task to stop, which takes it a minute."""
        self.stops.append(request)
        (task,) = self.tasks.values()
        if self.obeys and task["stopCode"] != "UserInitiated":
            task |= {"ends": self.clock.now + 60, "stopCode": "UserInitiated", "stoppedReason": request["reason"]}
        return {"task": task}

    def deny(self) -> dict[str, Any]:
        """Refuse whatever it is."""
        raise KeyError("AccessDeniedException")


@pytest.fixture
def clock() -> Clock:
    """The time."""
    return Clock()


class Answer(io.BytesIO):
    """The body of an answer, as botocore reads it."""

    def stream(self) -> Iterator[bytes]:
        """Yield all of it."""
        yield self.read()


class Front:
    """Where all of AWS answers in these tests: in place of the network, below botocore's own protocols and retries."""

    cloud: Cloud

    def send(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        """Take a call of ECS (JSON), Lambda (REST) or CloudFormation (query)."""
        call: Any = request
        cloud, body, target = self.cloud, call.body, call.headers.get("X-Amz-Target")
        status, answer = 200, ""
        if request.url.endswith("/invocations"):
            assert call.headers["X-Amz-Invocation-Type"] == b"Event"
            cloud.invocations.append(json.loads(body))
            status = 202
        elif target:
            calls = {"RunTask": cloud.run_task, "DescribeTasks": cloud.describe_tasks, "StopTask": cloud.stop_task}
            operation = target.decode().rpartition(".")[2]
            try:
                answer = json.dumps(cloud.deny() if operation == cloud.denied else calls[operation](json.loads(body)))
            except KeyError as error:
                status, answer = 400, json.dumps({"__type": error.args[0], "message": "not now"})
            if cloud.lost.get(operation):
                cloud.lost[operation] -= 1
                raise ConnectionClosedError(endpoint_url=request.url)
        else:
            assert urllib.parse.parse_qs(body)["StackName"] == [STACK]
            answer = (
                "<DescribeStacksResponse><DescribeStacksResult><Stacks><member>"
                f"<StackName>Shop</StackName><StackStatus>{cloud.stack_status}</StackStatus>"
                "</member></Stacks></DescribeStacksResult></DescribeStacksResponse>"
            )
        return AWSResponse(request.url, status, HTTPHeaders(), Answer(answer.encode()))

    def put(self, request: urllib.request.Request, *, timeout: int) -> io.BytesIO:
        """Take an answer, as CloudFormation does."""
        assert (request.method, timeout) == ("PUT", 10)
        assert isinstance(request.data, bytes)
        self.cloud.answers.append((dict(request.header_items()), json.loads(request.data)))
        return io.BytesIO()


@pytest.fixture(scope="module")
def front() -> Front:
    """What answers."""
    return Front()


@pytest.fixture(scope="module")
def loaded(front: Front) -> ModuleType:
    """The Lambda's module, whose clients talk to it."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }.items():
            patch.setenv(name, value)
        module = importlib.reload(importlib.import_module("fargate_constructs.service.jobs.lambdas.run_before.handler"))
    for client in (module.ECS, module.LAMBDA, module.CLOUDFORMATION):
        client.meta.events.register("before-send", front.send)
    return module


@pytest.fixture
def cloud(clock: Clock, front: Front) -> Cloud:
    """A cloud in which nothing has happened yet."""
    front.cloud = Cloud(clock)
    return front.cloud


@pytest.fixture
def function(loaded: ModuleType, front: Front, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The function with its environment and that clock."""
    for name, value in {
        "REQUEST": json.dumps(REQUEST),
        "CONTAINER": "migrate",
        "LOG_GROUP": "/shop/migrate",
        "TIMEOUT_SECONDS": f"{TIMEOUT}",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(loaded, "time", clock)
    monkeypatch.setattr("botocore.endpoint.time", clock)
    monkeypatch.setattr("urllib.request.urlopen", front.put)
    return loaded


def event(**more: str) -> dict[str, Any]:
    """Return what CloudFormation asks for."""
    return {
        "RequestType": "Create",
        "ResponseURL": "https://cloudformation-custom-resource-response-euwest1.s3-eu-west-1.amazonaws.com/answer",
        "StackId": STACK,
        "RequestId": "8c1b6f9e-0000-4000-8000-000000000001",
        "LogicalResourceId": "MigrateRun",
        "ResourceProperties": {"TaskDefinition": TASK_DEFINITION, "ServiceToken": FUNCTION},
        **more,
    }


def run_to_the_end(function: ModuleType, cloud: Cloud, first: dict[str, Any]) -> int:
    """Invoke the function as Lambda does, again for each hand-over; return how often."""
    function.handler(first, cloud.clock)
    count = 1
    while cloud.invocations:
        cloud.clock.invocation_ends = cloud.clock.now + 900
        function.handler(cloud.invocations.pop(), cloud.clock)
        count += 1
    return count


def answer_in(cloud: Cloud) -> dict[str, str]:
    """Return what CloudFormation was told."""
    ((_, answer),) = cloud.answers
    return answer


def failure_in(cloud: Cloud) -> str:
    """Return why the deployment failed."""
    answer = answer_in(cloud)
    assert answer["Status"] == "FAILED"
    return answer["Reason"]


@pytest.mark.parametrize("request_type", ["Create", "Update"])
def test_the_deployment_goes_on_when_the_task_has_done_its_work(
    function: ModuleType, cloud: Cloud, request_type: str
) -> None:
    """One task is started as it was asked for, and waited for; sidecars may end as they like."""
    run_to_the_end(function, cloud, event(RequestType=request_type))

    ((token, task),) = cloud.tasks.items()
    ((headers, answer),) = cloud.answers
    assert task["request"] == REQUEST | {"taskDefinition": TASK_DEFINITION, "clientToken": token}
    assert cloud.clock.now >= task["ends"]
    assert cloud.stops == []
    assert headers["Content-type"] == ""
    assert answer == {
        "Status": "SUCCESS",
        "PhysicalResourceId": "MigrateRun",
        "StackId": STACK,
        "RequestId": token,
        "LogicalResourceId": "MigrateRun",
    }


def test_a_failed_task_fails_the_deployment(function: ModuleType, cloud: Cloud) -> None:
    """CloudFormation hears the exit code, ECS's reason, and where the log is."""
    cloud.exit_code = 3

    run_to_the_end(function, cloud, event())

    assert failure_in(cloud) == (
        "RunError: task 1 stopped with exit code 3 (EssentialContainerExited: Essential container in task exited); "
        "its log: aws logs tail /shop/migrate --log-stream-names migrate/migrate/1 --since 1d"
    )


@pytest.mark.parametrize(
    ("exit_code", "stop_code"), [(None, "TaskFailedToStart"), (0, "SpotInterruption"), (0, "UserInitiated")]
)
def test_work_undone_is_no_success(function: ModuleType, cloud: Cloud, exit_code: int | None, stop_code: str) -> None:
    """An image that cannot be pulled has no exit code; a task that is taken away may end with 0."""
    cloud.exit_code, cloud.stop_code = exit_code, stop_code

    run_to_the_end(function, cloud, event())

    assert f"exit code {'none' if exit_code is None else 0} ({stop_code}: " in failure_in(cloud)


def test_a_long_task_outlives_invocations(function: ModuleType, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before its 15 minutes are over the function hands over to itself, and no second task is started."""
    monkeypatch.setenv("TIMEOUT_SECONDS", "1800")
    cloud.minutes = 25

    assert run_to_the_end(function, cloud, event()) == 3
    assert (answer_in(cloud)["Status"], len(cloud.tasks)) == ("SUCCESS", 1)


def test_a_task_is_stopped_when_its_time_is_over(function: ModuleType, cloud: Cloud) -> None:
    """The deployment fails once the task has stopped, so that the way back does not meet it."""
    cloud.minutes = 1000

    run_to_the_end(function, cloud, event())

    (task,) = cloud.tasks.values()
    assert cloud.stops[0] == {"cluster": "shop", "task": task["taskArn"], "reason": "not done after 600 seconds"}
    assert task["ends"] <= cloud.clock.now < NOW + TIMEOUT + 120
    assert "(UserInitiated: not done after 600 seconds)" in failure_in(cloud)


def test_a_task_that_does_not_stop_is_given_up(function: ModuleType, cloud: Cloud) -> None:
    """Within CloudFormation's hour, at the longest time there is."""
    cloud.minutes, cloud.obeys = 1000, False

    run_to_the_end(function, cloud, event())

    assert failure_in(cloud).endswith("task/shop/1 has not stopped minutes after StopTask: RUNNING")
    assert cloud.clock.now < NOW + TIMEOUT + 300


def test_a_task_is_followed_through_an_outage(function: ModuleType, cloud: Cloud) -> None:
    """A call that fails for minutes is no news of the task: its good end is heard of later."""
    cloud.lost["DescribeTasks"] = 60

    run_to_the_end(function, cloud, event())

    assert cloud.lost["DescribeTasks"] == 0
    assert (answer_in(cloud)["Status"], len(cloud.tasks), cloud.stops) == ("SUCCESS", 1, [])


@pytest.mark.parametrize("denied", ["DescribeTasks", "StopTask"])
def test_a_task_out_of_reach_had_its_time(function: ModuleType, cloud: Cloud, denied: str) -> None:
    """CloudFormation hears what AWS said once the task's time is over, and that of its stop."""
    cloud.minutes, cloud.denied = 1000, denied

    run_to_the_end(function, cloud, event())

    assert "has not stopped minutes after StopTask: An error occurred (AccessDenied" in failure_in(cloud)
    assert failure_in(cloud).endswith(f" when calling the {denied} operation: not now")
    assert bool(cloud.stops) is (denied != "StopTask")
    assert NOW + TIMEOUT + 240 < cloud.clock.now < NOW + TIMEOUT + 300


def test_a_start_whose_answer_is_lost_is_no_failure(function: ModuleType, cloud: Cloud) -> None:
    """There may be a task: CloudFormation hears nothing, and the invocation that Lambda repeats finds it."""
    cloud.lost["RunTask"] = 3
    with pytest.raises(ConnectionClosedError):
        function.handler(event(), cloud.clock)
    assert cloud.answers == []

    run_to_the_end(function, cloud, event())

    assert (answer_in(cloud)["Status"], len(cloud.tasks)) == ("SUCCESS", 1)


@pytest.mark.parametrize("refusal", ["AccessDeniedException", "Capacity is unavailable at this time."])
def test_a_refused_start_is_tried_again(function: ModuleType, cloud: Cloud, refusal: str) -> None:
    """A permission may be seconds old; capacity may be short for a moment."""
    cloud.refusals = [refusal] * 4

    run_to_the_end(function, cloud, event())

    assert (answer_in(cloud)["Status"], len(cloud.tasks)) == ("SUCCESS", 1)


@pytest.mark.parametrize(
    ("refusal", "message"),
    [("InvalidParameterException", "not now"), ("Capacity is unavailable at this time.", "Capacity is unavailable")],
)
def test_a_start_that_stays_refused_fails_the_deployment(
    function: ModuleType, cloud: Cloud, refusal: str, message: str
) -> None:
    """After two minutes, with what ECS said last."""
    cloud.refusals = [refusal] * 100

    run_to_the_end(function, cloud, event())

    assert failure_in(cloud).startswith("RunError: the task did not start: ")
    assert message in failure_in(cloud)
    assert cloud.clock.now == NOW + 120


def test_an_invocation_repeated_finds_its_task(
    function: ModuleType, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lambda calls a function again that was cut off; no second task is started, and its time goes on."""
    cloud.minutes = 1000
    with monkeypatch.context() as patch:
        patch.setattr(cloud.clock, "sleep", lambda _: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            function.handler(event(), cloud.clock)
    cloud.clock.now += 400

    run_to_the_end(function, cloud, event())

    (task,) = cloud.tasks.values()
    assert task["createdAt"] == NOW
    assert task["ends"] < NOW + TIMEOUT + 120
    assert "not done after 600 seconds" in failure_in(cloud)


@pytest.mark.parametrize(
    ("request_type", "status"),
    [
        ("Update", "UPDATE_ROLLBACK_IN_PROGRESS"),
        ("Update", "ROLLBACK_IN_PROGRESS"),
        ("Delete", "UPDATE_IN_PROGRESS"),
    ],
)
def test_the_way_back_and_a_deletion_run_nothing(
    function: ModuleType, cloud: Cloud, request_type: str, status: str
) -> None:
    """The version before would meet what the new one has changed; and of a deletion there is nothing to undo."""
    cloud.stack_status = status

    run_to_the_end(function, cloud, event(RequestType=request_type, PhysicalResourceId="before"))

    assert cloud.tasks == {}
    assert (answer_in(cloud)["Status"], answer_in(cloud)["PhysicalResourceId"]) == ("SUCCESS", "before")


def test_cloudformation_hears_of_any_error(function: ModuleType, cloud: Cloud) -> None:
    """Whatever goes wrong, it need not wait."""
    run_to_the_end(function, cloud, event() | {"ResourceProperties": {}})

    assert failure_in(cloud) == "KeyError: 'TaskDefinition'"


def test_a_long_reason_is_cut(function: ModuleType, cloud: Cloud) -> None:
    """CloudFormation refuses an answer of more than 4,096 bytes, which JSON makes of few that are not ASCII."""
    cloud.refusals = ["keine Kapazität " * 1000] * 8

    run_to_the_end(function, cloud, event())

    assert len(failure_in(cloud)) == 1500
    assert failure_in(cloud).isascii()
