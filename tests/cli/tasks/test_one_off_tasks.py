"""Tasks that a command starts, follows and stops."""

import errno
import os
import signal
from typing import Any

import click
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from fargate_constructs.cli.tasks.one_off_tasks import NotStartedError, StartedTask, start_task
from fargate_constructs.cli.tasks.task_launch import Launch, Override
from tests.cli.recorded_aws import FAMILY_ARN, RecordedAws, service
from tests.cli.recorded_tasks import (
    CLUSTER_ARN,
    ID,
    Time,
    a_task,
    ended,
    interrupt,
    requests_of,
    start_tasks,
    tasks_look,
)

pytestmark = pytest.mark.usefixtures("time")
MAY_HAVE_STARTED = (
    "ECS may have started a task; look for it with: aws ecs list-tasks --cluster shop --started-by tests/run\n"
)
UNREACHABLE = EndpointConnectionError(endpoint_url="https://ecs.us-east-1.amazonaws.com")


@pytest.fixture
def aws(clients: RecordedAws) -> RecordedAws:
    """An AWS that starts a task, which ends when it is stopped."""
    start_tasks(clients)
    return clients


def started(aws: RecordedAws, **override: Any) -> StartedTask:  # noqa: ANN401 - an override
    """Start a task of the recorded service."""
    launch = Launch.of_service(service(launchType="FARGATE", platformVersion="LATEST", enableECSManagedTags=True))
    return start_task(aws.client("ecs"), launch, Override("web", **override), started_by="tests/run")


def test_a_task_starts_where_the_service_runs_its_own(aws: RecordedAws) -> None:
    """The request has the service's network, capacity and platform version, and what the task has of its own."""
    task = started(aws, command=["./check.py", "-v"], environment={"DAY": "1"}, cpu=512, memory=1024)
    (request,) = requests_of(aws, "RunTask")

    assert len(request.pop("clientToken")) > 30
    assert request == {
        "cluster": CLUSTER_ARN,
        "taskDefinition": FAMILY_ARN,
        "launchType": "FARGATE",
        "platformVersion": "LATEST",
        "enableECSManagedTags": True,
        "networkConfiguration": service()["networkConfiguration"],
        "count": 1,
        "startedBy": "tests/run",
        "overrides": {
            "containerOverrides": [
                {"name": "web", "command": ["./check.py", "-v"], "environment": [{"name": "DAY", "value": "1"}]}
            ],
            "cpu": "512",
            "memory": "1024",
        },
    }
    assert (task.id, task.cluster) == (ID, "shop")


def test_a_launch_has_what_the_service_has() -> None:
    """A strategy comes before a launch type, and with CodeDeploy the primary task set decides."""
    spot = [{"capacityProvider": "FARGATE_SPOT", "weight": 1, "base": 0}]
    launch = Launch.of_service(
        service(capacityProviderStrategy=spot, enableExecuteCommand=True, propagateTags="TASK_DEFINITION")
    )
    other = {"subnets": ["subnet-2"]}
    sets = [
        {"status": "ACTIVE", "taskDefinition": "old"},
        {"status": "PRIMARY", "taskDefinition": "new", "networkConfiguration": {"awsvpcConfiguration": other}},
    ]

    assert launch.parameters["capacityProviderStrategy"] == spot
    assert launch.parameters["propagateTags"] == "TASK_DEFINITION"
    assert launch.parameters["enableExecuteCommand"]
    assert "launchType" not in launch.parameters
    own = launch.with_task_definition("probe:1")
    assert (own.task_definition, "enableExecuteCommand" in own.parameters) == ("probe:1", False)
    of_set = Launch.of_service(service(taskSets=sets))
    assert of_set.task_definition == "new"
    assert of_set.parameters == {"launchType": "FARGATE", "networkConfiguration": {"awsvpcConfiguration": other}}


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (
            {"reason": "Capacity is unavailable at this time. Please try again later or in a different zone"},
            "AWS has no capacity for the task in these zones at the moment. Wait; ",
        ),
        (
            {"reason": "You've reached the limit on the number of vCPUs you can run concurrently"},
            "The account may run no more vCPUs on Fargate. Raise the quota",
        ),
        ({"reason": "RESOURCE:ENI", "detail": "of the instance"}, "ECS started no task: RESOURCE:ENI: of the instance"),
        ({}, "ECS started no task: it gives no reason"),
    ],
)
def test_a_refused_start_says_why(answer: dict[str, str], text: str, aws: RecordedAws) -> None:
    """RunTask answers without an error then. A reason that is not known is shown as it is."""
    aws.answers["RunTask"] = {"tasks": [], "failures": [answer] if answer else []}

    with pytest.raises(NotStartedError) as error:
        started(aws)
    assert text in str(error.value)
    assert answer.get("reason", "") in str(error.value)


def test_an_error_of_run_task_has_its_cause(aws: RecordedAws) -> None:
    """An error without a known cause stays what it is, so that the command says what it means."""
    aws.answers["RunTask"] = ("ClientException", "ECS was unable to assume the role 'arn:aws:iam::1:role/shop'.")
    with pytest.raises(NotStartedError, match=r"ECS cannot take a role of the task\. .*arn:aws:iam::1:role/shop"):
        started(aws)
    aws.answers["RunTask"] = ("ClusterNotFoundException", "Cluster not found.")
    with pytest.raises(aws.client("ecs").exceptions.ClusterNotFoundException):
        started(aws)


def test_the_exit_code_is_that_of_the_container(aws: RecordedAws) -> None:
    """ECS may not know the task at first, and reports the exit codes before the task is STOPPED."""
    seen: list[str] = []
    containers = [{"name": "agent", "exitCode": 0}, {"name": "web", "exitCode": 3}]
    tasks_look(
        aws,
        None,
        a_task("PENDING"),
        a_task(),
        a_task("DEPROVISIONING", containers=[{"name": "agent", "exitCode": 0}, {"name": "web"}]),
        ended(lastStatus="DEPROVISIONING", containers=containers),
    )
    end = started(aws).wait(at_each_look=lambda task: seen.append(task["lastStatus"]))

    assert end.exit_code == 3
    assert not end.is_over_time
    assert end.reason.startswith("Essential container in task exited; agent exited with code 0; web exited with code 3")
    assert end.explanation.startswith("The app ended with an error. Read the last lines")
    assert seen == ["PENDING", "RUNNING", "DEPROVISIONING", "DEPROVISIONING"]
    assert requests_of(aws, "StopTask") == []


def test_the_end_of_the_time_stops_the_task(aws: RecordedAws, time: Time, capsys: pytest.CaptureFixture[str]) -> None:
    """The wait goes on until the task has stopped, so that its last lines are seen."""
    end = started(aws).wait(timeout=10)

    assert end.is_over_time
    assert (end.exit_code, time.now) == (143, 10)
    (request,) = requests_of(aws, "StopTask")
    assert request["reason"] == "not done after 10 seconds"
    assert capsys.readouterr().err == f"10 seconds are over; stops task {ID}\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_stops_the_task(
    number: int, aws: RecordedAws, time: Time, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C, the end of a job in CI and a terminal that closes stop the task, and the program waits for its end."""
    time.events[4.0] = lambda: os.kill(os.getpid(), number)
    before = signal.getsignal(signal.SIGTERM)
    task = started(aws)

    with pytest.raises(KeyboardInterrupt):
        task.wait()
    (request,) = requests_of(aws, "StopTask")
    assert request == {"cluster": "shop", "task": task.arn, "reason": "interrupted"}
    assert task.task["lastStatus"] == "STOPPED"
    assert capsys.readouterr().err == f"stops task {ID}; Ctrl-C again leaves it\n"
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_terminal_that_closes_stops_the_task(aws: RecordedAws, time: Time, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing can be printed any more."""

    def close() -> None:
        monkeypatch.setattr(click, "echo", fail)
        os.kill(os.getpid(), signal.SIGHUP)

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    time.events[4.0] = close
    with pytest.raises(KeyboardInterrupt):
        started(aws).wait()
    assert len(requests_of(aws, "StopTask")) == 1


def test_another_interrupt_leaves_the_task(aws: RecordedAws, time: Time, capsys: pytest.CaptureFixture[str]) -> None:
    """The message has the task's ID, and how to stop it."""
    tasks_look(aws, a_task())
    time.events = {4.0: interrupt, 8.0: interrupt}

    with pytest.raises(KeyboardInterrupt):
        started(aws).wait()
    assert time.now == 8
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == f"task {ID} may go on, and cost; stop it with: aws ecs stop-task --cluster shop --task {ID}"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_while_ecs_starts_the_task_stops_it(number: int, aws: RecordedAws) -> None:
    """No task is left of which the program does not know."""

    def run(_request: object) -> dict[str, Any]:
        os.kill(os.getpid(), number)
        return {"tasks": [a_task("PROVISIONING")], "failures": []}

    aws.answers["RunTask"] = run
    with pytest.raises(KeyboardInterrupt):
        started(aws)
    assert len(requests_of(aws, "StopTask")) == 1


def test_a_second_interrupt_ends_the_wait_for_an_answer(aws: RecordedAws, capsys: pytest.CaptureFixture[str]) -> None:
    """The network may give none for minutes."""

    def run(_request: object) -> dict[str, Any]:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
        raise AssertionError

    aws.answers["RunTask"] = run
    with pytest.raises(KeyboardInterrupt):
        started(aws)
    assert capsys.readouterr().err == MAY_HAVE_STARTED
    assert requests_of(aws, "StopTask") == []


def test_a_start_without_an_answer_may_have_been_one(aws: RecordedAws, capsys: pytest.CaptureFixture[str]) -> None:
    """The request has been sent; the message says how to look for the task."""
    url = "https://ecs.us-east-1.amazonaws.com"
    aws.answers["RunTask"] = ReadTimeoutError(endpoint_url=url)
    with pytest.raises(ReadTimeoutError):
        started(aws)
    assert capsys.readouterr().err == MAY_HAVE_STARTED

    aws.answers["RunTask"] = UNREACHABLE
    with pytest.raises(EndpointConnectionError):
        started(aws)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("error", [UNREACHABLE, ("ThrottlingException", "Rate exceeded"), ("ServerException", "?")])
def test_a_network_that_comes_back_does_not_end_the_wait(
    error: object, aws: RecordedAws, capsys: pytest.CaptureFixture[str]
) -> None:
    """The task runs in AWS meanwhile; the program says once that it has no answer."""
    tasks_look(aws, a_task(), error, error, ended(0))

    assert started(aws).wait().exit_code == 0
    assert capsys.readouterr().err == "AWS gives no answer; asks again\n"


@pytest.mark.parametrize(
    ("look", "text"),
    [
        (UNREACHABLE, "AWS gives no answer about task"),
        (None, "it forgets stopped tasks after an hour"),
        (("ExpiredTokenException", "The security token included in the request is expired"), "token .* is expired"),
    ],
)
def test_without_an_answer_the_task_may_go_on(
    look: object, text: str, aws: RecordedAws, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message has the command that stops it."""
    tasks_look(aws, a_task(), look)

    with pytest.raises((TimeoutError, ClientError), match=text):
        started(aws).wait()
    assert f"aws ecs stop-task --cluster shop --task {ID}\n" in capsys.readouterr().err
