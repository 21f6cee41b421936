"""How runs of a job are requested, permitted, and recognized."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from constructs import IDependable

from fargate_constructs._core.construct_paths import stack_of
from fargate_constructs._core.nag_suppressions import acknowledge_wildcards
from fargate_constructs.service.cluster import capacity_dependencies

if TYPE_CHECKING:
    from fargate_constructs.service.jobs.job import Job


class Runs:
    """The runs of a job."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self.strategies = job._strategies
        """The capacity provider strategy; empty in a cluster that may have none."""
        self.subnets = job._network.task_subnets
        self.security_groups = job._security_groups

    def request(self) -> dict[str, Any]:
        """Return the parameters of the API's RunTask, without the task definition."""
        strategy = self.strategy()
        return {
            "cluster": self._job.cluster.cluster_name,
            "networkConfiguration": self.network_configuration(),
            "enableECSManagedTags": True,
            "propagateTags": "TASK_DEFINITION",
            **({"capacityProviderStrategy": strategy} if strategy else {"launchType": "FARGATE"}),
            **({"count": self._job.task_count} if self._job.task_count > 1 else {}),
        }

    def strategy(self) -> list[dict[str, Any]]:
        """Return the capacity provider strategy as the API names it."""
        return [
            {"capacityProvider": each.capacity_provider, "base": each.base or 0, "weight": each.weight}
            for each in self.strategies
        ]

    def network_configuration(self) -> dict[str, Any]:
        """Return the network configuration as the API names it."""
        return {
            "awsvpcConfiguration": {
                "subnets": [subnet.subnet_id for subnet in self.subnets],
                "securityGroups": [group.security_group_id for group in self.security_groups],
                "assignPublicIp": "DISABLED",
            }
        }

    def event_pattern(self, detail: Mapping[str, Any]) -> events.EventPattern:
        """Return the pattern of events about tasks of this job.

        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html
        """
        return events.EventPattern(
            source=["aws.ecs"],
            detail_type=["ECS Task State Change"],
            detail={
                "clusterArn": [self._job.cluster.cluster_arn],
                "taskDefinitionArn": [{"prefix": f"{self._family_arn}:"}],
                **detail,
            },
        )

    def permissions(self) -> list[tuple[str, list[str], dict[str, Any]]]:
        """Return the actions, resources and conditions that are needed to run only this job, only in its cluster."""
        roles = [self._job.task_definition.task_role, self._job.task_definition.obtain_execution_role()]
        passed = {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
        return [
            ("ecs:RunTask", [self.revisions], self.in_cluster),
            ("ecs:TagResource", [self.task_arns], {"StringEquals": {"ecs:CreateAction": "RunTask"}}),
            ("iam:PassRole", [each.role_arn for each in roles], passed),
        ]

    def statements(self) -> list[iam.PolicyStatement]:
        """Return the same as statements."""
        return [
            iam.PolicyStatement(actions=[action], resources=resources, conditions=conditions)
            for action, resources, conditions in self.permissions()
        ]

    def grant(self, role: iam.Role) -> None:
        """Let a role of ours run the job."""
        for statement in self.statements():
            role.add_to_policy(statement)
        acknowledge_wildcards(
            role, [self.revisions], reason="Each deployment makes a new revision of the task definition."
        )
        self._acknowledge_task_arns(role)

    def grant_follow(self, role: iam.Role, *actions: str) -> None:
        """Let a role of ours describe and stop tasks of the job's cluster."""
        statement = iam.PolicyStatement(actions=[*actions], resources=[self.task_arns], conditions=self.in_cluster)
        role.add_to_policy(statement)
        self._acknowledge_task_arns(role)

    def _acknowledge_task_arns(self, role: iam.Role) -> None:
        acknowledge_wildcards(role, [self.task_arns], reason="ECS chooses a task's ID when it starts the task.")

    @property
    def revisions(self) -> str:
        """The ARN of any revision: a deployment makes a new one, and the permission may be updated seconds later."""
        return f"{self._family_arn}:*"

    @cached_property
    def _family_arn(self) -> str:
        """The ARN of the task definition without its revision."""
        return stack_of(self._job).format_arn(
            service="ecs", resource="task-definition", resource_name=self._job.task_definition.family
        )

    @cached_property
    def task_arns(self) -> str:
        """The ARN of any task of the cluster."""
        return stack_of(self._job).format_arn(
            service="ecs", resource="task", resource_name=f"{self._job.cluster.cluster_name}/*"
        )

    @property
    def in_cluster(self) -> dict[str, Any]:
        """The condition of a permission for this cluster only."""
        return {"ArnEquals": {"ecs:cluster": self._job.cluster.cluster_arn}}

    def dependencies(self) -> list[IDependable]:
        """Return what must exist before a task starts: permissions, security group rules, and egress for its image."""
        return [
            self._job.task_definition.task_role,
            self._job.task_definition.obtain_execution_role(),
            *self.security_groups,
            *self._job._network.connectivity,
            *(capacity_dependencies(self._job.cluster, self._job) if self.strategies else []),
        ]
