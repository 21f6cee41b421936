"""A job as a state of a state machine that waits for its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aws_cdk import Annotations, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as sfn_tasks

from fargate_constructs.service.jobs.run_overrides import is_jsonata, validate_jsonata

if TYPE_CHECKING:
    from fargate_constructs.service.jobs.job import Job


class TaskState(sfn_tasks.EcsRunTask):
    """Runs a job and waits for its end. The state machine may run and stop only this job's tasks.

    CDK's own state lets it stop each task of the account, and pass the job's roles to each service.
    """

    def __init__(self, job: Job, id: str, overrides: Mapping[str, Any]) -> None:
        self._job = job
        options = sfn_tasks.CapacityProviderOptions.custom(strategies) if (strategies := job._runs.strategies) else None
        self._overrides = overrides
        if has_jsonata := is_jsonata(overrides):
            validate_jsonata(overrides)
        super().__init__(
            job,
            id,
            # By default a state has the language of the state machine, but CDK forgets that in a Map or Parallel.
            query_language=sfn.QueryLanguage.JSONATA if has_jsonata else None,
            integration_pattern=sfn.IntegrationPattern.RUN_JOB,
            cluster=job.cluster,
            task_definition=job.task_definition,
            launch_target=sfn_tasks.EcsFargateLaunchTarget(
                platform_version=ecs.FargatePlatformVersion.LATEST, capacity_provider_options=options
            ),
            subnets=ec2.SubnetSelection(subnets=job._runs.subnets),
            security_groups=job._runs.security_groups,
            propagated_tag_source=ecs.PropagatedTagSource.TASK_DEFINITION,
        )

    @property
    def _task_policies(self) -> list[iam.PolicyStatement]:
        """What the state machine's role gets.

        https://docs.aws.amazon.com/step-functions/latest/dg/connect-ecs.html#ecs-iam
        """
        rule = Stack.of(self._job).format_arn(
            service="events", resource="rule", resource_name="StepFunctionsGetEventsForECSTaskRule"
        )
        return [
            *self._job._runs.statements(),
            iam.PolicyStatement(
                actions=["ecs:DescribeTasks", "ecs:StopTask"],
                resources=[self._job._runs.task_arns],
                conditions=self._job._runs.in_cluster,
            ),
            iam.PolicyStatement(
                actions=["events:DescribeRule", "events:PutRule", "events:PutTargets"], resources=[rule]
            ),
        ]

    def to_state_json(self, top_level_query_language: sfn.QueryLanguage | None = None) -> Mapping[Any, Any]:
        """Return the state with the revision that the stack deploys, and without a public address."""
        state: dict[str, Any] = dict(super().to_state_json(top_level_query_language))
        parameters = state["Arguments" if "Arguments" in state else "Parameters"]  # of JSONata and JSONPath
        if "Arguments" in state:
            validate_jsonata(self._overrides)
        parameters["TaskDefinition"] = self._job.task_definition.task_definition_arn
        parameters["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"] = "DISABLED"
        parameters |= sfn.FieldUtils.render_object(self._overrides)
        self._warn_of_sidecars()
        return state

    def _warn_of_sidecars(self) -> None:
        names = [each.container_name for each in self._job.task_definition._containers]
        if len(names) > 1:
            sidecars = ", ".join(name for name in names if name != self._job.name)
            Annotations.of(self._job).add_warning_v2(
                "fargate-constructs:sidecarsDecide",
                f"a state of Step Functions runs this job: its sidecars ({sidecars}) must end with exit code 0, too; "
                "otherwise the state fails. If they do not, catch States.TaskFailed, whose Cause has each exit code",
            )
