"""Asks AWS about the status of a job: its schedules, its last runs, its failed runs and alarms."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from fargate_constructs.cli.aws import noting
from fargate_constructs.cli.deployed.deployed_jobs import MACHINE_TYPE, SCHEDULE_TYPE, DeployedJob, family_of, launch_of
from fargate_constructs.cli.deployed.service_facts import tasks_in
from fargate_constructs.cli.status.queue_depth import QUEUE_TYPE, Queue, depth_of
from fargate_constructs.cli.status.service_alarms import ALARM_TYPES, Alarmed, alarms_in_alarm, alarms_of
from fargate_constructs.cli.status.status_answers import name_of
from fargate_constructs.cli.status.status_model import words

MAX_EXECUTIONS = 5


class Run(NamedTuple):
    """A run of a job: a task of about the last hour, or an execution of its state machine."""

    id: str
    state: str
    began: datetime
    ended: datetime | None
    reason: str

    @property
    def has_failed(self) -> bool:
        """Whether it ended with an error."""
        return bool(self.reason) or self.state in ("FAILED", "TIMED_OUT", "ABORTED")


class JobStatus(NamedTuple):
    """The status of a job."""

    name: str
    region: str
    task_definition: str
    schedules: Sequence[str]
    runs: Sequence[Run]
    """The newest first."""
    queues: Sequence[Queue]
    alarms: Sequence[str] | None
    """Its alarms in ALARM; `None` if they cannot be read."""
    gaps: Sequence[str]

    @property
    def problems(self) -> list[str]:
        """What is not healthy."""
        over = [each for each in self.runs if each.ended]
        failed = [f"the last run failed: {each.reason or words(each.state)}" for each in over[:1] if each.has_failed]
        letters = [f"{each.waiting} messages wait in the queue {each.name}" for each in self.queues if each.waiting]
        return [*failed, *letters, *(f"alarm {each} is in ALARM" for each in self.alarms or ())]


def job_status(job: DeployedJob) -> JobStatus:
    """Ask AWS about a job."""
    gaps: list[str] = []
    stack = job.stack
    queues = {each.physical_id: each for each in stack.of_type(QUEUE_TYPE) if job.has(each.logical_id)}
    alarms: list[str] | None = None
    with noting(gaps, "alarms"):
        names = {each.physical_id for each in stack.of_type(*ALARM_TYPES) if job.has(each.logical_id)}
        about = Alarmed("", "", [], [name_of(each) for each in queues], names)
        alarms = alarms_of(alarms_in_alarm(stack.client("cloudwatch")), about)
    depths = []
    with noting(gaps, "queues"):
        for url, each in queues.items():
            path = stack.paths[each.logical_id].removeprefix(f"{job.name}/").removesuffix("/Resource")
            depths.append(depth_of(stack.client("sqs"), url, path))
    runs = [*_read(gaps, "tasks", lambda: _tasks(job)), *_read(gaps, "executions", lambda: _executions(job))]
    return JobStatus(
        job.name,
        job.region,
        name_of(job.task_definition),
        _read(gaps, "schedules", lambda: _schedules(job)),
        sorted(runs, key=lambda each: each.began, reverse=True),
        depths,
        alarms,
        gaps,
    )


def _read(gaps: list[str], subject: str, ask: Callable[[], Iterator[Any]]) -> list[Any]:
    """Return what is asked for; nothing and a note if AWS refuses it, or the stack does not say where to ask."""
    with noting(gaps, subject):
        try:
            return [*ask()]
        except ValueError as error:
            gaps.append(f"{subject}: {error}")
    return []


def _schedules(job: DeployedJob) -> Iterator[str]:
    for each in job.stack.of_type(SCHEDULE_TYPE):
        if job.has(each.logical_id):
            group = job.stack.properties(each.logical_id).get("GroupName")
            in_group = {"GroupName": group} if isinstance(group, str) else {}
            answer = job.stack.client("scheduler").get_schedule(Name=each.physical_id, **in_group)
            zone = answer.get("ScheduleExpressionTimezone", "UTC")
            yield f"{answer['ScheduleExpression']} {zone}, {words(answer.get('State', 'ENABLED'))}"


def _tasks(job: DeployedJob) -> Iterator[Run]:
    """Yield the tasks that run, and those that stopped in about the last hour."""
    ecs, cluster = job.stack.client("ecs"), launch_of(job).cluster
    family = family_of(job.task_definition)
    for state in ("RUNNING", "STOPPED"):
        for task in tasks_in(ecs, cluster, family=family, desiredStatus=state):
            codes = [each["exitCode"] for each in task["containers"] if each.get("exitCode")]
            reason = f"exit code {codes[0]}" if codes else ""
            if not codes and task.get("stopCode") not in (None, "EssentialContainerExited"):
                reason = task.get("stoppedReason", task["stopCode"])
            began = task.get("startedAt") or task["createdAt"]
            yield Run(name_of(task["taskArn"]), task["lastStatus"], began, task.get("stoppedAt"), reason)


def _executions(job: DeployedJob) -> Iterator[Run]:
    """Yield the last executions of the state machines that start the job; AWS keeps them for 90 days."""
    for each in job.stack.of_type(MACHINE_TYPE):
        if job.has(each.logical_id):
            client = job.stack.client("stepfunctions")
            found = client.list_executions(stateMachineArn=each.physical_id, maxResults=MAX_EXECUTIONS)
            for one in found["executions"]:
                yield Run(one["name"], one["status"], one["startDate"], one.get("stopDate"), "")
