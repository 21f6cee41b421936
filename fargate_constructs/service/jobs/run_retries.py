"""Repeats failed runs of a job, however they were started.

task has failed ──> EventBridge ──> state machine: retries left? ──> wait ──> run with the same overrides
                                          └── no ──> dead-letter queue
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs import Construct

from fargate_constructs._core.lazy_cdk import aws_stepfunctions as sfn
from fargate_constructs._core.lazy_cdk import aws_stepfunctions_tasks as sfn_tasks
from fargate_constructs.service.jobs.job_machine import JobMachine
from fargate_constructs.service.jobs.run_launcher import run_request, run_to_start

if TYPE_CHECKING:
    from fargate_constructs.service.jobs.failed_runs import FailedRuns
    from fargate_constructs.service.jobs.job import Job

# What RunTask's `startedBy` says of a run.
RETRY = "retry-"
# These runs have a caller who waits, and decides.
BY_DEPLOYMENT, BY_STATE = "deployment", "AWS Step Functions"
# As a Job of Kubernetes: 10 s, 20 s, 40 s, … up to 6 minutes
# (https://kubernetes.io/docs/concepts/workloads/controllers/job/#pod-backoff-failure-policy).
FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 10, 360

NUMBER = f"""(
    $by := $states.input.detail.startedBy;
    $contains($by, /^{RETRY}[0-9]+$/) ? $number($substringAfter($by, '{RETRY}')) : 0
)"""

ID, ATTEMPT = "$split($states.input.detail.taskArn, '/')[-1]", "$string($states.input.attempt.number)"
IDEMPOTENCY = f"{{% {ID} & '-' & {ATTEMPT} %}}"


class RunRetries(JobMachine):
    """Starts a failed run again, with the same overrides, and reports it after the last retry."""

    def __init__(self, scope: Construct, id: str, *, job: Job, failed_runs: FailedRuns, retries: int) -> None:
        super().__init__(scope, id, job=job, failed_runs=failed_runs)
        job._runs.grant(self.role)
        job._runs.grant_follow(self.role, "ecs:DescribeTasks")

        wait = sfn.Wait.jsonata(
            self,
            "Wait",
            time=sfn.WaitTime.seconds(
                f"{{% $min([{MAX_PAUSE_SECONDS}, {FIRST_PAUSE_SECONDS} * $power(2, {NUMBER})]) %}}"
            ),
        )
        look = self.call(
            "Look",
            "describeTasks",
            result_path="$.failed",
            Cluster=job.cluster.cluster_arn,
            Tasks=sfn.JsonPath.array(sfn.JsonPath.string_at("$.detail.taskArn")),
        )
        run = self.guard(
            sfn_tasks.CallAwsService.jsonata(
                self,
                "Run",
                service="ecs",
                action="runTask",
                parameters={
                    **run_request(job),
                    "Count": 1,
                    "Overrides": "{% $states.input.failed.Tasks[0].Overrides %}",
                    "StartedBy": f"{{% '{RETRY}' & $string({NUMBER} + 1) %}}",
                    # The task's ID: a failure that is reported twice is repeated once.
                    "ClientToken": IDEMPOTENCY,
                },
                outputs="{% $merge([$states.input, {'launch': $states.result}]) %}",
                iam_resources=["*"],
            )
        )
        # A run may have a higher number than *retries*, which a deployment has lowered since it started.
        is_last = (
            "{% $states.input.detail.stopCode = 'UserInitiated'"
            f" or $states.input.detail.startedBy in ['{BY_DEPLOYMENT}', '{BY_STATE}']"
            f" or {NUMBER} >= {retries} %}}"
        )
        choice = (
            sfn.Choice.jsonata(self, "IsLast")
            .when(sfn.Condition.jsonata(is_last), self.report("ReportRun", with_error=False))
            .otherwise(wait.next(look).next(run_to_start(self, run)))
        )
        self.make(choice)
