"""Starts runs of a job: for events, for schedules that skip a run, and again after a failed run.

EventBridge could start tasks itself, but it puts the values of an event into the overrides as they are
(https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html#eb-transform-input-issues). A
quotation mark in the key of an upload would break them, or add overrides of the uploader's choice. It also delivers
some events twice. Step Functions writes values as JSON, and gives ECS a token: one event starts one run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aws_cdk import Duration
from constructs import Construct

from fargate_constructs._core.lazy_cdk import aws_stepfunctions as sfn
from fargate_constructs._core.lazy_cdk import aws_stepfunctions_tasks as sfn_tasks
from fargate_constructs._core.nag_suppressions import acknowledge_wildcards
from fargate_constructs.service.jobs.job_machine import JobMachine

if TYPE_CHECKING:
    from fargate_constructs.service.jobs.job import Job

# How long a start waits for capacity: as long as a schedule of ours by default.
MAX_WAIT = Duration.hours(1)
PAUSE = Duration.minutes(1)
# A token is valid for at most a day, and until an hour after the end of its task. An attempt without capacity may be a
# success for ECS, so the next attempt needs another token
# (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/ECS_Idempotency.html).
IDEMPOTENCY = "States.Hash(States.Format('{}{}{}', $$.StateMachine.Id, $.id, $.attempt.number), 'SHA-256')"


class RunLauncher(JobMachine):
    """Starts a run of a job for each execution; if it is to skip runs, not while another run is not done."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        job: Job,
        overrides: Mapping[str, Any],
        skip_if_running: bool = False,
    ) -> None:
        super().__init__(scope, id, job=job, failed_runs=job._failed_runs)
        job._runs.grant(self.role)
        run = self.call(
            "Run",
            "runTask",
            result_path="$.launch",
            **run_request(job),
            StartedBy="event",
            **{"ClientToken.$": IDEMPOTENCY},
            **overrides,
        )
        first: sfn.IChainable = run_to_start(self, run)
        if skip_if_running:
            first = self._unless_running(first)
        self.make(first)
        # An event may come with the deployment.
        self.state_machine.node.add_dependency(*job._runs.dependencies())

    def _unless_running(self, start: sfn.IChainable) -> sfn.Chain:
        """Return states that start a run only if ECS lists none."""
        # ListTasks accepts no ARN of a task.
        self.allow(["ecs:ListTasks"], on="*", conditions=self._job._runs.in_cluster)
        acknowledge_wildcards(self.role, ["*"], reason="ListTasks accepts no task; the condition names the cluster.")
        look = self.call(
            "List",
            "listTasks",
            result_path="$.running",
            Cluster=self._job.cluster.cluster_arn,
            Family=self._job.task_definition.family,
        )
        is_running = sfn.Condition.is_present("$.running.TaskArns[0]")
        return look.next(sfn.Choice(self, "Running").when(is_running, sfn.Succeed(self, "Skipped")).otherwise(start))


def run_request(job: Job) -> dict[str, Any]:
    """Return the parameters of RunTask as Step Functions names them."""
    # Of managed tags, AWS documents no name for Step Functions.
    request = {key: value for key, value in job._runs.request().items() if key != "enableECSManagedTags"}
    named: dict[str, Any] = _pascal(request)
    return {**named, "TaskDefinition": job.task_definition.task_definition_arn}


def _pascal(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        return {f"{key[0].upper()}{key[1:]}": _pascal(each) for key, each in value.items()}
    return [_pascal(each) for each in value] if isinstance(value, list) else value


def run_to_start(machine: JobMachine, run: sfn_tasks.CallAwsService) -> sfn.Chain:
    """Return states that repeat a start while AWS has no capacity, and report it if that lasts too long.

    RunTask answers without an error then (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html).
    """
    no_capacity = sfn.Pass.jsonata(
        machine,
        "NoCapacity",
        outputs={"Error": "RunTask", "Cause": "{% $string($states.input.launch.Failures) %}"},
    ).next(machine.report_error)
    first = sfn.Pass(machine, "First", result=sfn.Result.from_object({"number": 1}), result_path="$.attempt")
    wait = sfn.Wait(machine, "WaitForCapacity", time=sfn.WaitTime.duration(PAUSE))
    number = sfn.JsonPath.math_add(sfn.JsonPath.number_at("$.attempt.number"), 1)
    again = sfn.Pass(machine, "Again", parameters={"number": number}, result_path="$.attempt")
    has_time = (
        "{% $count($states.input.launch.Tasks) = 0 and "
        "$toMillis($states.context.State.EnteredTime) - $toMillis($states.context.Execution.StartTime) "
        f"< {MAX_WAIT.to_milliseconds():.0f} %}}"
    )
    started = (
        sfn.Choice.jsonata(machine, "Started")
        .when(sfn.Condition.jsonata("{% $count($states.input.launch.Failures) = 0 %}"), sfn.Succeed(machine, "Done"))
        .when(sfn.Condition.jsonata(has_time), wait.next(again).next(run))
        .otherwise(no_capacity)
    )
    run.next(started)
    return first.next(run)
