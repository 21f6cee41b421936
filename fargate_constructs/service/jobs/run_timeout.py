"""Stops the runs of a job that take too long.

ECS knows no timeout of a task (https://github.com/aws/containers-roadmap/issues/291). Step Functions has one for the
tasks that it starts itself. A second container that ends after a time would need an image, memory, and the task to have
started. So ECS's own events start the clock, for each run, however it was started:

task is created ──> EventBridge ──> state machine: wait ──> still running? ──> StopTask
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration
from aws_cdk import aws_events as events
from constructs import Construct

from fargate_constructs._core.lazy_cdk import aws_stepfunctions as sfn
from fargate_constructs.service.jobs.job_machine import JobMachine

if TYPE_CHECKING:
    from fargate_constructs.service.jobs.job import Job


class RunTimeout(JobMachine):
    """Stops each run of a job that is not done after a time."""

    def __init__(self, scope: Construct, id: str, *, job: Job, timeout: Duration) -> None:
        super().__init__(scope, id, job=job, failed_runs=job._failed_runs)
        seconds = f"{timeout.to_seconds():.0f}"
        cluster = job.cluster.cluster_arn
        job._runs.grant_follow(self.role, "ecs:DescribeTasks", "ecs:StopTask")

        task = sfn.JsonPath.string_at("$.detail.taskArn")
        wait = sfn.Wait.jsonata(
            self,
            "Wait",
            time=sfn.WaitTime.timestamp(
                f"{{% $fromMillis($toMillis($states.input.detail.createdAt) + {seconds}000) %}}"
            ),
        )
        look = self.call(
            "Look",
            "describeTasks",
            result_path="$.now",
            Cluster=cluster,
            Tasks=sfn.JsonPath.array(task),
        )
        stop = self.call(
            "Stop",
            "stopTask",
            result_path=sfn.JsonPath.DISCARD,
            Cluster=cluster,
            Task=task,
            Reason=f"not done after {seconds} seconds",
        )
        done = sfn.Succeed(self, "Done")
        # ECS forgets a task an hour after its end.
        is_running = sfn.Condition.and_(
            sfn.Condition.is_present("$.now.Tasks[0]"),
            sfn.Condition.string_equals("$.now.Tasks[0].DesiredStatus", "RUNNING"),
        )
        choice = sfn.Choice(self, "Running").when(is_running, stop.next(done)).otherwise(done)
        self.make(wait.next(look).next(choice))
        self.rule = events.Rule(
            self,
            "Rule",
            description=f"runs of {job.node.path} that begin",
            # Events may be sent twice, and PENDING may be skipped: a run may have several clocks.
            event_pattern=job._runs.event_pattern({"lastStatus": ["PENDING", "RUNNING"], "desiredStatus": ["RUNNING"]}),
            targets=[self.target()],
        )
