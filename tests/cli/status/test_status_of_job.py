"""`fargate-constructs status` of a job."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.cli.deployed.test_deployed_jobs import MACHINE, PARTS, deploy, start_by
from tests.cli.recorded_aws import ACCOUNT, NOW, REGION, RecordedAws, stack_resource
from tests.cli.runner import Run
from tests.cli.status.test_status import ROOT

QUEUE = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/Shop-Report-Dead"
BEGAN = NOW - timedelta(minutes=30)


def task(number: int, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - an answer
    """Return a task of the job."""
    return {
        "taskArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/shop/{number:02}dc5c17a422b4dc4b493970c6b8c4d6",
        "lastStatus": "STOPPED",
        "createdAt": BEGAN,
        "startedAt": BEGAN + timedelta(minutes=number),
        "stoppedAt": BEGAN + timedelta(minutes=number, seconds=40),
        "stopCode": "EssentialContainerExited",
        "containers": [{"name": "report", "exitCode": 0}],
        **changes,
    }


RUNNING: dict[str, Any] = {
    "taskArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/shop/99dc5c17a422b4dc4b493970c6b8c4d6",
    "lastStatus": "PENDING",
    "createdAt": NOW,
    "containers": [],
}


@pytest.fixture
def job(aws: RecordedAws) -> RecordedAws:
    """A job with a schedule, a queue and an alarm, of which one run was well, and one is about to start."""
    start_by(aws, "AWS::Scheduler::Schedule")
    answers: Any = aws.answers
    answers["GetTemplate"]["TemplateBody"]["Resources"]["Schedule"]["Properties"] = {"GroupName": "nightly"}
    for id_, type_, physical, path in (
        ("Queue", "AWS::SQS::Queue", QUEUE, "Shop/Report/DeadLetterQueue/Resource"),
        ("Alarm", "AWS::CloudWatch::Alarm", "report-failed", "Shop/Report/Alarm/Resource"),
        ("Other", "AWS::SQS::Queue", f"{QUEUE}-other", "Shop/Other/Resource"),
        ("OtherMachine", "AWS::StepFunctions::StateMachine", "arn:other", "Shop/Other/Machine/Resource"),
        ("OtherSchedule", "AWS::Scheduler::Schedule", "other", "Shop/Other/Schedule"),
    ):
        answers["ListStackResources"]["StackResourceSummaries"].append(stack_resource(id_, type_, physical))
        answers["GetTemplate"]["TemplateBody"]["Resources"][id_] = {"Metadata": {"aws:cdk:path": path}}
    settled(aws, task(1))
    answers["GetSchedule"] |= {
        "ScheduleExpression": "cron(15 3 * * ? *)",
        "ScheduleExpressionTimezone": "Europe/Berlin",
    }
    aws.answers["GetQueueAttributes"] = depth(0)
    return aws


def depth(waiting: int) -> dict[str, Any]:
    """Return the answer about a queue."""
    return {"Attributes": {"ApproximateNumberOfMessages": str(waiting), "ApproximateNumberOfMessagesNotVisible": "0"}}


def settled(aws: RecordedAws, *tasks: dict[str, Any]) -> None:
    """Let these tasks have stopped, while another one starts."""
    aws.answers["ListTasks"] = lambda request: {"taskArns": [request["desiredStatus"]]}
    aws.answers["DescribeTasks"] = lambda request: {"tasks": [RUNNING] if request["tasks"] == ["RUNNING"] else [*tasks]}


def document(run: Run) -> dict[str, Any]:
    """Return the status of the job as a document."""
    code, output, errors = run("Report", "--json")
    assert output, errors
    found: dict[str, Any] = json.loads(output)
    assert code == (1 if found["problems"] else 0)
    return found


def test_a_scheduled_task(job: RecordedAws, printed: Callable[..., str]) -> None:
    """It has its schedule, the runs that ECS knows, its queue and its alarms; the guide shows it."""
    del job
    text = printed("Report")

    assert "14:31:00  01dc5c17  stopped after 40 s\n" in text
    assert f"```\n{text}```" in (ROOT / "docs/status.md").read_text()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"containers": [{"name": "agent", "exitCode": 0}, {"name": "report", "exitCode": 3}]}, "exit code 3"),
        (
            {"containers": [], "stopCode": "TaskFailedToStart", "stoppedReason": "CannotPullContainerError: no"},
            "CannotPullContainerError: no",
        ),
        ({"containers": [], "stopCode": "UserInitiated"}, "UserInitiated"),
    ],
)
def test_failed_runs(
    changes: dict[str, Any],
    reason: str,
    job: RecordedAws,
    run: Run,
    printed: Callable[..., str],
) -> None:
    """The last run counts; messages about failed runs and alarms are problems, too."""
    settled(job, task(1), task(2, **changes))
    assert document(run)["problems"] == [f"the last run failed: {reason}"]
    assert f"02dc5c17  stopped after 40 s, {reason}\n" in printed("Report")

    settled(job, task(3), task(2, **changes))
    job.answers["GetQueueAttributes"] = depth(2)
    job.answers["DescribeAlarms"] = {"MetricAlarms": [{"AlarmName": "report-failed"}, {"AlarmName": "other"}]}
    assert document(run)["problems"] == [
        "2 messages wait in the queue DeadLetterQueue",
        "alarm report-failed is in ALARM",
    ]


def test_executions(job: RecordedAws, run: Run) -> None:
    """The last executions of its state machine are runs, also if ECS has forgotten their tasks."""
    deploy(job, "AWS::StepFunctions::StateMachine")
    start_by(job, "AWS::StepFunctions::StateMachine")
    execution = {"stateMachineArn": MACHINE, "executionArn": "arn", "startDate": BEGAN}
    job.answers["ListExecutions"] = {
        "executions": [
            {**execution, "name": "second", "status": "FAILED", "stopDate": NOW},
            {**execution, "name": "first", "status": "RUNNING", "startDate": BEGAN - timedelta(days=9)},
        ]
    }
    settled(job)
    found = document(run)

    assert [(each["id"][:8], each["state"]) for each in found["runs"]] == [
        ("99dc5c17", "PENDING"),
        ("second", "FAILED"),
        ("first", "RUNNING"),
    ]
    assert found["problems"] == ["the last run failed: failed"]
    assert found["schedules"] == []


def test_what_may_not_be_read(job: RecordedAws, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not shown, and no problem; the same is true if the stack does not say where the job runs."""
    denied = ("AccessDeniedException", "not authorized")
    job.answers.update(DescribeAlarms=denied, GetQueueAttributes=denied, GetSchedule=denied)
    found = document(run)
    assert [each.partition(":")[0] for each in found["not_shown"]] == ["alarms", "queues", "tasks", "schedules"]

    deploy(job)
    job.answers.update(DescribeSecurityGroups={"SecurityGroups": [{"GroupName": "x", "VpcId": "vpc-1"}]})
    monkeypatch.setattr("tests.cli.deployed.test_deployed_jobs.PARTS", PARTS[:1])
    deploy(job)
    assert [each.partition(":")[0] for each in document(run)["not_shown"]] == ["alarms", "tasks"]
    assert "Runs        none known\nAlarms      not known\n" in run("Report")[1]


@pytest.mark.parametrize("option", ["--watch", "--wait"])
@pytest.mark.usefixtures("job")
def test_a_job_is_not_watched(option: str, run: Run) -> None:
    """There is no deployment of it to wait for."""
    code, _, errors = run("Report", option)

    assert code == 2
    assert "--watch and --wait need a service, got: the job Shop/Report; leave them out" in errors
