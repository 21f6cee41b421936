"""`fargate-constructs status --watch` and `--wait`."""

import json
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError
from rich.console import Console

from fargate_constructs.cli import status
from fargate_constructs.cli.deployed.deployed_services import find_service
from fargate_constructs.cli.status.status_model import Overview
from fargate_constructs.cli.status.status_of_service import StatusReader
from fargate_constructs.cli.status.status_text import one_service
from fargate_constructs.cli.status.status_watch import Clock, Screen, looks
from tests.cli.recorded_aws import NOW, RecordedAws, deployment, event, running_task, service
from tests.cli.runner import Run
from tests.cli.status.test_status import deploy, in_progress, worker

ROOT = Path(__file__).parents[3]
GONE = EndpointConnectionError(endpoint_url="https://ecs.us-east-1.amazonaws.com/")


class Time:
    """A time that moves only when it is waited, and that calls what happens then."""

    def __init__(self, *steps: Callable[[], object]) -> None:
        self.now = NOW
        self.slept: list[float] = []
        self._steps = iter(steps)

    def sleep(self, seconds: float) -> None:
        """Wait, and let the next step happen; a person ends the watch after the last."""
        self.now += timedelta(seconds=seconds)
        self.slept.append(seconds)
        step = next(self._steps, None)
        if step is None:
            raise KeyboardInterrupt
        step()


@pytest.fixture
def watch(run: Run, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, list[str], str]]:
    """Watches a service while steps happen; returns the status, the lines and the errors."""

    def function(*steps: Callable[[], object], arguments: tuple[str, ...] = ("Shop/Web", "--watch")) -> Any:  # noqa: ANN401
        moving = Time(*steps)
        monkeypatch.setattr(status, "CLOCK", Clock(lambda: moving.now, moving.sleep))
        code, output, errors = run(*arguments)
        return code, output.splitlines(), errors

    return function


def answers(aws: RecordedAws, **changes: Any) -> Callable[[], None]:  # noqa: ANN401 - answers
    """Return a step after which AWS gives other answers."""
    return lambda: aws.answers.update(changes)


def services(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - an answer
    """Return the answer about the service, with changes."""
    return {"services": [service(**changes)]}


Watch = Callable[..., tuple[int, list[str], str]]


def test_changes_in_a_pipe(aws: RecordedAws, watch: Watch) -> None:
    """There is a line for the beginning and for each change, and Ctrl-C ends with status 130."""
    deploy(aws, in_progress())
    worker(aws)
    later = in_progress()
    later.update(lifecycleStage="BAKE_TIME")
    later["targetServiceRevision"] = {**later["targetServiceRevision"], "requestedProductionTrafficWeight": 100.0}
    later["deploymentCircuitBreaker"] = {**later["deploymentCircuitBreaker"], "failureCount": 2}
    target = {"Target": {"Id": "10.0.1.5", "Port": 80}, "TargetHealth": {"State": "unhealthy"}}
    tasks = [running_task(0, healthStatus="HEALTHY"), running_task(2, lastStatus="PENDING")]
    before = event("(service web) was unable to place a task.")
    aws.answers["DescribeServices"] = services(events=[before])
    events = [event("(service web) has started 1 tasks.", NOW), before]
    code, lines, errors = watch(
        list,
        answers(
            aws,
            DescribeServices=services(status="DRAINING", runningCount=1, events=events),
            DescribeServiceDeployments={"serviceDeployments": [later]},
            DescribeTasks={"tasks": tasks},
            DescribeTargetHealth={"TargetHealthDescriptions": [target]},
            DescribeAlarms={"MetricAlarms": [{"AlarmName": "web-errors"}]},
            GetQueueAttributes={
                "Attributes": {"ApproximateNumberOfMessages": "9", "ApproximateNumberOfMessagesNotVisible": "0"}
            },
        ),
        answers(aws, DescribeAlarms={"MetricAlarms": [{"AlarmName": "web-errors"}, {"AlarmName": "below"}]}),
        answers(aws, DescribeAlarms={"MetricAlarms": [{"AlarmName": "web-errors"}]}),
    )

    assert (code, errors) == (130, "")
    assert lines == [
        "15:00:00 UTC Shop/Web: 2 of 2 tasks run, 0 start, deployment in progress",
        "15:00:10 UTC the service is draining, was active",
        "15:00:10 UTC deployment in progress, bake time",
        "15:00:10 UTC shop:8 gets 100 % of the requests",
        "15:00:10 UTC failed tasks: 2 of 3",
        "15:00:10 UTC 1 of 2 tasks run, were 2 of 2",
        "15:00:10 UTC task 00dc5c17 health healthy, was unknown",
        "15:00:10 UTC task 00dc5c17 target unhealthy, was healthy",
        "15:00:10 UTC task 02dc5c17 is new, pending",
        "15:00:10 UTC task 01dc5c17 is gone",
        "15:00:10 UTC alarm web-errors is in ALARM",
        "15:00:10 UTC event: has started 1 tasks.",
        "15:00:10 UTC queue Queue: 9 wait, 0 in work, were 12 and 3",
        "15:00:10 UTC queue DeadLetters: 9 wait, 0 in work, were 12 and 3",
        "15:00:15 UTC alarm below is in ALARM",
        "15:00:20 UTC alarm below is not in ALARM any more",
    ]


def test_alarms_that_may_not_be_read_any_more(aws: RecordedAws, watch: Watch) -> None:
    """Whether they are in ALARM is not known, so it is no change."""
    deploy(aws, in_progress())
    aws.answers["DescribeAlarms"] = {"MetricAlarms": [{"AlarmName": "web-errors"}]}
    code, lines, _ = watch(answers(aws, DescribeAlarms=("AccessDeniedException", "not authorized")))

    assert (code, len(lines)) == (130, 1)


def test_json_lines(aws: RecordedAws, watch: Watch) -> None:
    """With --json each change is a document in one line."""
    code, lines, _ = watch(
        list, answers(aws, DescribeServices=services(runningCount=1)), arguments=("Shop/Web", "--watch", "--json")
    )

    assert code == 130
    assert [json.loads(each)["running"] for each in lines] == [2, 1]


@pytest.mark.parametrize("error", [GONE, ("ThrottlingException", "Rate exceeded"), ("ExpiredTokenException", "old")])
def test_without_an_answer_it_goes_on(error: Any, aws: RecordedAws, watch: Watch) -> None:  # noqa: ANN401 - an answer
    """It says so once, and when AWS answers again; what was half read is no change."""
    healthy = dict(aws.answers)
    code, lines, errors = watch(
        answers(aws, DescribeTasks=error),
        answers(aws, DescribeServices=error),
        lambda: aws.answers.update(healthy),
        answers(aws, DescribeServices=services(runningCount=1)),
    )

    assert (code, errors) == (130, "")
    assert lines[1].startswith("15:00:05 UTC no answer since 15:00:00 UTC: ")
    assert lines[2:] == [
        "15:00:15 UTC AWS answers again",
        "15:00:20 UTC 1 of 2 tasks run, were 2 of 2",
    ]


def test_the_first_look_needs_an_answer(aws: RecordedAws, watch: Watch) -> None:
    """Otherwise it is an error, as without --watch."""
    aws.answers["DescribeServices"] = NoCredentialsError()
    code, lines, errors = watch()

    assert (code, lines, errors.count("\n")) == (2, [], 1)


def waits(*more: str) -> dict[str, tuple[str, ...]]:
    """Return the arguments that wait for the service."""
    return {"arguments": ("Shop/Web", "--wait", *more)}


@pytest.mark.parametrize(
    ("end", "code"),
    [("SUCCESSFUL", 0), ("ROLLBACK_SUCCESSFUL", 1), ("ROLLBACK_FAILED", 1), ("STOPPED", 1)],
)
def test_waiting(end: str, code: int, aws: RecordedAws, watch: Watch) -> None:
    """It ends when the deployment is over, with its result."""
    deploy(aws, in_progress())
    over = {"serviceDeployments": [deployment(status=end, statusReason="so")]}
    found, lines, errors = watch(list, answers(aws, DescribeServiceDeployments=over), **waits())

    assert (found, errors) == (code, "")
    assert lines[-1].startswith(f"15:00:10 UTC deployment {end.lower().replace('_', ' ')}: so")


def test_waiting_for_a_deployment_that_is_over(aws: RecordedAws, watch: Watch) -> None:
    """It ends after a second look; while tasks are missing, it waits for them."""
    assert watch(**waits())[0] == 130
    assert watch(list, **waits())[0] == 0
    assert [json.loads(line)["running"] for line in watch(list, **waits("--json"))[1]] == [2]
    aws.answers["DescribeServices"] = services(runningCount=1)
    code, lines, _ = watch(list, answers(aws, DescribeServices=services()), **waits("--interval", "60"))
    assert (code, lines[-1]) == (0, "15:02:00 UTC 2 of 2 tasks run, were 1 of 2")


def test_a_deployment_that_has_failed_before(aws: RecordedAws, watch: Watch) -> None:
    """The only line has the reason, for the log of a pipeline."""
    deploy(aws, deployment(status="ROLLBACK_SUCCESSFUL", statusReason="tasks failed"))
    code, lines, _ = watch(list, **waits())

    assert code == 1
    assert lines == ["15:00:00 UTC Shop/Web: 2 of 2 tasks run, 0 start, deployment rollback successful: tasks failed"]


def test_a_deployment_that_shows_late(aws: RecordedAws, watch: Watch) -> None:
    """The first look may have the deployment before."""
    late = {"serviceDeployments": [in_progress()]}
    over = {"serviceDeployments": [deployment(status="ROLLBACK_SUCCESSFUL")]}
    steps = answers(aws, DescribeServiceDeployments=late), answers(aws, DescribeServiceDeployments=over)

    assert watch(*steps, **waits())[0] == 1


def test_waiting_has_a_limit(aws: RecordedAws, watch: Watch) -> None:
    """Then there is no answer, and status 2."""
    deploy(aws, in_progress())
    code, _, errors = watch(*[list] * 9, **waits("--timeout", "30s"))

    assert code == 2
    assert errors == (
        "Error: the deployment must be over within 30 seconds, got: Shop/Web 2 of 2 tasks run, 0 start, deployment in "
        "progress\n"
    )


def test_waiting_without_an_answer(aws: RecordedAws, watch: Watch) -> None:
    """What was known before is no result; the message says that there is no answer."""
    code, _, errors = watch(answers(aws, DescribeServices=GONE), *[list] * 9, **waits("--timeout", "30s"))

    assert code == 2
    assert errors.startswith("Error: the deployment must be over within 30 seconds, got: there is no answer; check the")


@pytest.mark.parametrize(("state", "refused"), [("DRAINING", False), ("INACTIVE", True)])
def test_waiting_for_a_service_that_is_deleted(state: str, refused: bool, aws: RecordedAws, watch: Watch) -> None:  # noqa: FBT001
    """It has failed; ECS does not list the deployments of a service that is gone."""
    aws.answers["DescribeServices"] = services(status=state, desiredCount=0, runningCount=0)
    if refused:
        aws.answers["ListServiceDeployments"] = ("ServiceNotActiveException", "Service was not ACTIVE.")
    code, lines, errors = watch(list, **waits())

    assert (code, errors) == (1, "")
    assert lines[0].startswith(f"15:00:00 UTC Shop/Web: the service is {state.lower()}, 0 of 0 tasks run")


def test_waiting_needs_the_deployments(aws: RecordedAws, watch: Watch) -> None:
    """Without them a rollback would look like a success."""
    aws.answers["ListServiceDeployments"] = ("AccessDeniedException", "not authorized")
    code, _, errors = watch(**waits())

    assert code == 2
    assert "--wait needs to read the deployments, because a rollback looks like a success; deployments: " in errors

    role = "assumed-role/deployments-reader is not authorized"
    aws.reset()
    aws.answers["DescribeAlarms"] = ("AccessDeniedException", role)
    assert watch(list, **waits())[0] == 0


def test_waiting_for_all(aws: RecordedAws, watch: Watch) -> None:
    """Without a service it waits for the deployments of all, and lines have their names."""
    (web,) = services(currentServiceDeployment=deployment()["serviceDeploymentArn"])["services"]
    api = {**web, "serviceName": "api"}
    aws.answers["ListServices"] = {"serviceArns": [web["serviceArn"].replace("web", "api")]}
    aws.answers["DescribeServices"] = {"services": [web, {**api, "runningCount": 1}]}
    code, lines, _ = watch(
        answers(aws, DescribeServices={"services": [{**web, "runningCount": 1}]}),
        answers(aws, DescribeServices={"services": [{**web, "runningCount": 1}, api]}),
        answers(aws, DescribeServices={"services": [web, api]}),
        arguments=("--wait",),
    )

    assert code == 0
    assert lines == [
        "15:00:00 UTC Shop/Web: 2 of 2 tasks run, 0 start, deployment successful",
        "15:00:00 UTC shop/api: 1 of 2 tasks run, 0 start, deployment successful",
        "15:00:05 UTC Shop/Web: 1 of 2 tasks run, were 2 of 2",
        "15:00:05 UTC shop/api: is gone",
        "15:00:10 UTC shop/api: is new",
        "15:00:15 UTC Shop/Web: 2 of 2 tasks run, were 1 of 2",
    ]


@pytest.mark.parametrize("end", ["SUCCESSFUL", "ROLLBACK_SUCCESSFUL"])
def test_one_of_several_in_progress(end: str, aws: RecordedAws, watch: Watch) -> None:
    """The wait for all ends when the last deployment is over."""
    (web,) = services(currentServiceDeployment="d1")["services"]
    api = {**web, "serviceName": "api", "currentServiceDeployment": "d2"}
    aws.answers["ListServices"] = {"serviceArns": [web["serviceArn"].replace("web", "api")]}
    aws.answers["DescribeServices"] = {"services": [web, api]}

    def both(first: str, second: str) -> dict[str, Any]:
        states = {"d1": first, "d2": second}
        return {"serviceDeployments": [deployment(serviceDeploymentArn=arn, status=states[arn]) for arn in states]}

    aws.answers["DescribeServiceDeployments"] = both(end, "IN_PROGRESS")
    code, lines, _ = watch(answers(aws, DescribeServiceDeployments=both(end, "SUCCESSFUL")), arguments=("--wait",))

    assert (code, lines[-1]) == (0 if end == "SUCCESSFUL" else 1, "15:00:05 UTC shop/api: deployment successful")


def test_in_a_terminal_it_draws(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that cannot move its cursor gets lines."""
    output = StringIO()

    def made() -> Console:
        return Console(file=output, width=80, height=30, force_terminal=True, color_system=None)

    monkeypatch.setattr(status, "console", made)
    monkeypatch.setenv("TERM", "xterm")
    assert watch()[:2] == (130, [])
    assert "Shop/Web: healthy" in output.getvalue()
    assert watch(list, **waits())[:2] == (0, [])
    assert output.getvalue().rpartition("\x1b[?1049l")[2].lstrip().startswith("Shop/Web: healthy")
    monkeypatch.setenv("TERM", "dumb")
    assert watch()[:2] == (130, ["15:00:00 UTC Shop/Web: 2 of 2 tasks run, 0 start, deployment successful"])


def test_a_terminal(aws: RecordedAws) -> None:
    """A look is drawn over the one before, with changes and errors; the last one stays."""
    moving = Time(answers(aws, DescribeServices=services(runningCount=1)), answers(aws, DescribeServices=GONE), list)
    clock = Clock(lambda: moving.now, moving.sleep)
    reader = StatusReader(aws, find_service(aws, "Web"), clock.now)  # type: ignore[arg-type] # recorded
    output = StringIO()
    console = Console(file=output, width=80, height=40, force_terminal=True, color_system=None)
    screen = Screen(console, lambda overview: one_service(overview.services[0], moving.now, width=80), clock)
    with pytest.raises(KeyboardInterrupt):
        screen.show(looks(lambda: Overview([reader.status()], is_one=True), 5, clock))
    before, _, after = output.getvalue().rpartition("\x1b[?1049l")

    assert before.startswith("\x1b[?1049h")
    assert "\x1b[2J" not in before
    assert [each.rstrip() for each in after.splitlines()][:3] == [
        "no answer since 15:00:05 UTC: there is no answer; check the network, and whether",
        "the region us-east-1 exists (Could not connect to the endpoint URL:",
        '"https://ecs.us-east-1.amazonaws.com/")',
    ]
    assert (
        "Changes (UTC)\n  15:00:05 1 of 2 tasks run, were 2 of 2\n"
        in "\n".join(each.rstrip() for each in after.splitlines()) + "\n"
    )
