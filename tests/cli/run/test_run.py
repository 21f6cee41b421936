"""`fargate-constructs run`."""

import json
from typing import Any

import click
import pytest
from botocore.exceptions import EndpointConnectionError
from click.testing import CliRunner

from fargate_constructs.cli.command_line import commands
from tests.cli.deployed.test_deployed_jobs import FAMILY, deploy, start_by
from tests.cli.recorded_aws import FAMILY_ARN, RecordedAws, service, task_definition
from tests.cli.recorded_tasks import ID, Time, a_task, ended, interrupt, requests_of, start_tasks, tasks_look
from tests.cli.runner import runner

run = runner("run")
pytestmark = pytest.mark.usefixtures("time")
CAPACITY = "Capacity is unavailable at this time. Please try again later or in a different availability zone"
WEB = ("Shop/Web", "--", "./check.py", "-v")


@pytest.fixture(autouse=True)
def aws(clients: RecordedAws) -> RecordedAws:
    """An AWS with a healthy service, whose one-off tasks end with exit code 0 and two lines."""
    start_tasks(clients)
    tasks_look(clients, a_task("PENDING"), a_task(), ended())
    logged(clients, ["one\n"], ["two\n"])
    return clients


def logged(aws: RecordedAws, *parts: list[str] | None) -> None:
    """Let the log have more lines at each look; `None` is a log that is not there yet."""
    left = [*parts]

    def read(request: Any) -> Any:  # noqa: ANN401 - an answer
        token = request.get("nextToken", "f/0")
        part = left[0] if left else []
        if part is None:
            left.pop(0)
            return ("ResourceNotFoundException", "The specified log stream does not exist.")
        if "nextToken" in request and not part:
            left[:1] = []
            return {"events": [], "nextForwardToken": token}
        left[:1] = [[]]
        number = int(token.removeprefix("f/")) + 1
        return {"events": [{"message": each} for each in part], "nextForwardToken": f"f/{number}"}

    aws.answers["GetLogEvents"] = read


def test_the_log_and_the_status_are_those_of_the_command(aws: RecordedAws) -> None:
    """Each line comes once and in order, also those that are in the log after the task has ended."""
    logged(aws, None, ["one\n", "two"], [], ["three\n"])
    tasks_look(aws, a_task("PENDING"), a_task(), a_task(), ended(3))
    status, output, errors = run(*WEB)

    assert (status, output) == (3, "one\ntwo\nthree\n")
    assert errors.splitlines() == [
        f"Shop/Web: task {ID} of shop:7, cluster shop, us-east-1",
        f"task {ID} is PENDING",
        f"task {ID} is RUNNING",
        f"task {ID} is STOPPED",
        f"task {ID}: exit code 3",
    ]
    (request,) = requests_of(aws, "RunTask")
    assert request["overrides"] == {"containerOverrides": [{"name": "web", "command": ["./check.py", "-v"]}]}
    assert request["startedBy"] == "fargate-constructs/run"
    assert requests_of(aws, "GetLogEvents")[0] == {
        "logGroupName": "/shop/web",
        "logStreamName": f"web/web/{ID}",
        "startFromHead": True,
    }


def test_lines_that_come_late_are_shown(aws: RecordedAws, time: Time) -> None:
    """CloudWatch Logs has them seconds after the end; the command waits until it is quiet for six seconds."""
    tasks_look(aws, ended())
    logged(aws, ["one"], [], [], ["two"], [])
    assert run(*WEB)[:2] == (0, "one\ntwo\n")
    assert 6 <= time.now <= 20

    logged(aws)
    status, output, errors = run(*WEB)
    assert (status, output) == (0, "")
    assert errors.endswith(f"there is no line yet; look later with: fargate-constructs logs /shop/web --task {ID}\n")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (EndpointConnectionError(endpoint_url="https://logs.us-east-1.amazonaws.com"), "there is no answer"),
        (("ThrottlingException", "Rate exceeded"), "the rate of requests is limited"),
        (("AccessDeniedException", "not authorized to perform: logs:GetLogEvents"), "logs:GetLogEvents"),
    ],
)
def test_a_log_that_cannot_be_read_does_not_end_the_run(error: object, text: str, aws: RecordedAws) -> None:
    """The task goes on, and its exit status is known; the log is asked again, and the message says what is missing."""
    logged(aws, ["one"], ["two"])
    read: Any = aws.answers["GetLogEvents"]
    failing = [False, True, True, False]

    def answer(request: Any) -> Any:  # noqa: ANN401 - an answer
        fails = failing.pop(0) if len(failing) > 1 else failing[0]
        if fails and isinstance(error, Exception):
            raise error
        return error if fails else read(request)

    aws.answers["GetLogEvents"] = answer
    tasks_look(aws, a_task(), a_task(), ended(3))
    status, output, errors = run(*WEB)
    assert (status, output) == (3, "one\ntwo\n")
    assert errors.count("the log cannot be read, asks again: ") == 1
    assert text in errors
    assert "missing" not in errors

    failing[:] = [True]
    tasks_look(aws, a_task(), ended(3))
    status, output, errors = run(*WEB)
    assert (status, output) == (3, "")
    assert f"lines are missing; look later with: fargate-constructs logs /shop/web --task {ID}\n" in errors


@pytest.mark.parametrize(
    ("end", "status", "text"),
    [
        (ended(), 0, ""),
        (ended(1), 1, "exit code 1"),
        (ended(2), 2, "exit code 2"),
        (ended(137), 137, "137"),
        (
            ended(137, stoppedReason="OutOfMemoryError: Container killed due to memory usage"),
            137,
            "A container used more memory than it has.",
        ),
        (ended(0, stopCode="UserInitiated", stoppedReason="Task stopped by user"), 125, "stopped on purpose"),
        (ended(143, stopCode="SpotInterruption", stoppedReason="Your Spot Task was interrupted."), 143, "Spot task"),
        (
            a_task("STOPPED", stopCode="TaskFailedToStart", stoppedReason="CannotPullContainerError: manifest unknown"),
            125,
            "CannotPullContainerError: manifest unknown",
        ),
    ],
)
def test_the_status_says_how_the_task_ended(end: dict[str, Any], status: int, text: str, aws: RecordedAws) -> None:
    """Only a program that ended by itself can have succeeded. Without an exit code it is 125, as of `docker run`."""
    tasks_look(aws, end)
    logged(aws)
    found, _, errors = run(*WEB)

    assert found == status, errors
    assert text in errors.splitlines()[-1]


def test_the_end_of_the_time_has_a_status_of_its_own(aws: RecordedAws) -> None:
    """It is that of `timeout`, and not that of the program, which gets SIGTERM."""
    start_tasks(aws)
    status, _, errors = run("Shop/Web", "--timeout", "1m", "--", "sleep", "3600")

    assert status == 124
    assert f"60 seconds are over; stops task {ID}\n" in errors
    assert errors.endswith(f"task {ID}: its time was over\n")
    assert requests_of(aws, "StopTask")[0]["reason"] == "not done after 60 seconds"


def test_an_interrupt_stops_the_task_and_shows_its_last_lines(aws: RecordedAws, time: Time) -> None:
    """The status is 130, and there is no traceback."""
    start_tasks(aws)
    logged(aws, ["one"], [], ["got SIGTERM"])
    time.events[2.0] = interrupt
    status, output, errors = run(*WEB)

    assert (status, output) == (130, "one\ngot SIGTERM\n")
    assert "Traceback" not in errors
    assert len(requests_of(aws, "StopTask")) == 1


def test_a_task_can_go_on_by_itself(aws: RecordedAws) -> None:
    """Scripts get its ID, or a document."""
    assert run("Shop/Web", "--detach", "--", "true")[:2] == (0, f"{ID}\n")
    status, output, _ = run("Shop/Web", "--detach", "--json", "--", "true")

    assert status == 0
    assert json.loads(output) == {
        "name": "Shop/Web",
        "task": ID,
        "task_definition": "shop:7",
        "cluster": "shop",
        "region": "us-east-1",
        "container": "web",
    }
    assert requests_of(aws, "DescribeTasks") == []


def test_json_has_the_end_and_the_log_is_beside_it(aws: RecordedAws) -> None:
    """The lines are on the standard error, so that the standard output is one document."""
    tasks_look(aws, ended(4))
    status, output, errors = run("Shop/Web", "--json", "--", "true")
    document = json.loads(output)

    assert (status, document["status"], document["exit_code"]) == (4, 4, 4)
    assert document["reason"].startswith("Essential container in task exited")
    assert "one\ntwo\n" in errors


def test_a_job_runs_its_own_command(aws: RecordedAws) -> None:
    """Variables and sizes are those of this task only."""
    start_by(aws, "AWS::Scheduler::Schedule")
    status, *_ = run("Report", "--env", "DAY=1", "--env", "URL=a=b", "--cpu", "512", "--memory", "1024")
    (request,) = requests_of(aws, "RunTask")

    assert status == 0
    assert request["taskDefinition"] == f"{FAMILY}:3"
    assert request["networkConfiguration"]["awsvpcConfiguration"]["securityGroups"] == ["sg-9"]
    variables = [{"name": "DAY", "value": "1"}, {"name": "URL", "value": "a=b"}]
    assert request["overrides"] == {
        "containerOverrides": [{"name": "web", "environment": variables}],
        "cpu": "512",
        "memory": "1024",
    }


@pytest.mark.parametrize(("name", "definition"), [("Report", f"{FAMILY}:3"), ("Web", FAMILY_ARN)])
def test_a_task_may_run_like_a_service(name: str, definition: str, aws: RecordedAws) -> None:
    """The cluster and the network are the service's, the task definition is not."""
    deploy(aws)
    aws.answers["DescribeServices"] = {"services": [service(enableExecuteCommand=True)]}
    status, *_ = run(name, "--like", "Shop/Web", "--", "true")
    (request,) = requests_of(aws, "RunTask")

    assert status == 0
    assert request["taskDefinition"] == definition
    assert request["networkConfiguration"] == service()["networkConfiguration"]
    assert "enableExecuteCommand" not in request


def containers(*names: str, driver: str = "awslogs") -> dict[str, Any]:
    """Return a task definition with containers, of which the first is not essential."""
    (web,) = task_definition()["containerDefinitions"]
    made = [{**web, "name": name, "essential": place > 0} for place, name in enumerate(names)]
    for each in made:
        each["logConfiguration"] = {**web["logConfiguration"], "logDriver": driver}
    return {"taskDefinition": {**task_definition(), "containerDefinitions": made}}


@pytest.mark.parametrize(
    ("names", "arguments", "chosen"),
    [
        (("init", "app", "web"), (), "web"),
        (("init", "app", "agent"), (), "app"),
        (("init", "app", "web"), ("--container", "app"), "app"),
    ],
)
def test_the_command_is_for_one_container(
    names: tuple[str, ...], arguments: tuple[str, ...], chosen: str, aws: RecordedAws
) -> None:
    """It is the one behind the load balancer, or the first essential one, if none is named."""
    aws.answers["DescribeTaskDefinition"] = containers(*names)
    tasks_look(aws, ended(containers=[{"name": each, "exitCode": 7 * (each == chosen)} for each in names]))
    status, *_ = run("Shop/Web", *arguments, "--", "true")

    assert status == 7
    (request,) = requests_of(aws, "RunTask")
    assert request["overrides"]["containerOverrides"] == [{"name": chosen, "command": ["true"]}]


def test_a_log_that_is_elsewhere_is_said(aws: RecordedAws) -> None:
    """The status is still that of the container."""
    aws.answers["DescribeTaskDefinition"] = containers("agent", "web", driver="awsfirelens")
    tasks_look(aws, ended(5))
    status, output, errors = run(*WEB)

    assert (status, output) == (5, "")
    assert (
        "web logs through FireLens, output in its own configuration to /shop/web, so its lines are not shown" in errors
    )
    assert requests_of(aws, "GetLogEvents") == []


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("Shop/Web",), "the command of a service does not end; write another one: -- COMMAND"),
        (("Shop/Wep", "--", "true"), "the service or job must be one of those in region us-east-1"),
        (("Shop/Web", "--container", "wep", "--", "true"), "--container must be one of web, got: wep"),
        (("Shop/Web", "--env", "DAY", "--", "true"), "it must be NAME=value, got: DAY"),
        (("Shop/Web", "--env", "=1", "--", "true"), "it must be NAME=value, got: ="),
        (("Shop/Web", "--cpu", "0", "--", "true"), "0 is not in the range x>=1"),
        (("Shop/Web", "--timeout", "1y", "--", "true"), "a number with a unit (90s, 30m, 2h, 7d, 4w), got: 1y"),
        (("Shop/Web", "--detach", "--timeout", "5", "--", "true"), "--timeout needs this program to wait"),
        (("Shop/Web", "--like", "Shop/Wep", "--", "true"), "the service must be one of those"),
        (("Shop/Web", "--no-such-option"), "No such option"),
        ((), "Missing argument"),
    ],
)
def test_wrong_arguments_have_the_status_of_no_result(arguments: tuple[str, ...], text: str, aws: RecordedAws) -> None:
    """1 and 2 are statuses of commands that ran. Nothing is started."""
    result = CliRunner().invoke(commands, ["run", *arguments])

    assert result.exit_code == 125
    assert text in result.stderr
    assert requests_of(aws, "RunTask") == []


@pytest.mark.parametrize(
    ("operation", "answer", "text"),
    [
        ("RunTask", {"tasks": [], "failures": [{"reason": CAPACITY}]}, CAPACITY),
        ("RunTask", ("AccessDeniedException", "not authorized to perform: iam:PassRole on resource: role"), "PassRole"),
        ("DescribeServices", {"services": []}, "Shop/Web must be an active service of the cluster shop, got none"),
        ("DescribeServices", {"services": [service(status="INACTIVE")]}, "must be an active service of the cluster"),
    ],
)
def test_a_start_that_aws_refuses_is_one_line(operation: str, answer: Any, text: str, aws: RecordedAws) -> None:  # noqa: ANN401
    """Its status is 125, too; so is that of missing permissions, and of a service that is gone."""
    aws.answers[operation] = answer
    status, _, errors = run(*WEB)

    assert (status, errors.count("\n")) == (125, 1)
    assert text in errors


def test_a_reader_that_ends_stops_the_task(aws: RecordedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a local program in `… | head`."""
    start_tasks(aws)
    echo = click.echo

    def fail(message: object, *, err: bool = False) -> None:
        if not err:
            raise BrokenPipeError
        echo(message, err=err)

    monkeypatch.setattr(click, "echo", fail)
    assert run(*WEB)[0] == 141
    assert len(requests_of(aws, "StopTask")) == 1
