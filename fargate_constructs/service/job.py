"""A task that runs to its end: the base of `ScheduledTask` and `OneOffTask`."""

from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct, IDependable

from fargate_constructs._core.nag_suppressions import acknowledge_wildcards
from fargate_constructs.service.capacity import Capacity
from fargate_constructs.service.fargate_task import FargateTask
from fargate_constructs.service.restart_policy import RestartPolicy


class Job(FargateTask):
    """A task that runs to its end. Subclasses add what starts it."""

    def __init__(self, scope: Construct, id: str, *, capacity: Capacity | None, **task: Any) -> None:  # noqa: ANN401
        _validate_capacity(capacity)
        _validate_restart_policy(task.get("restart_policy"))
        super().__init__(scope, id, capacity=capacity, **task)
        self._network.prove_egress(self)

    @property
    def run_command(self) -> str:
        """The command that runs the job now, with the revision that this stack deployed last.

        More options may follow, such as `--overrides` with another command
        (https://docs.aws.amazon.com/cli/latest/reference/ecs/run-task.html).
        """
        strategy = " ".join(
            f"capacityProvider={each['capacityProvider']},base={each['base']},weight={each['weight']}"
            for each in self._strategy()
        )
        network = Stack.of(self).to_json_string(self._network_configuration())
        return (
            f"aws ecs run-task --cluster {self.cluster.cluster_name} "
            f"--task-definition {self.task_definition.task_definition_arn} "
            f"{f'--capacity-provider-strategy {strategy}' if strategy else '--launch-type FARGATE'} "
            f"--network-configuration '{network}' --enable-ecs-managed-tags --propagate-tags TASK_DEFINITION"
        )

    def _run_request(self) -> dict[str, Any]:
        """Return the parameters of the API's RunTask, without the task definition."""
        strategy = self._strategy()
        return {
            "cluster": self.cluster.cluster_name,
            "networkConfiguration": self._network_configuration(),
            "enableECSManagedTags": True,
            "propagateTags": "TASK_DEFINITION",
            **({"capacityProviderStrategy": strategy} if strategy else {"launchType": "FARGATE"}),
        }

    def _strategy(self) -> list[dict[str, Any]]:
        return [
            {"capacityProvider": each.capacity_provider, "base": each.base or 0, "weight": each.weight}
            for each in (self._capacity._strategies() if self._capacity else [])
        ]

    def _network_configuration(self) -> dict[str, Any]:
        return {
            "awsvpcConfiguration": {
                "subnets": [subnet.subnet_id for subnet in self._network.task_subnets],
                "securityGroups": [group.security_group_id for group in self._security_groups],
                "assignPublicIp": "DISABLED",
            }
        }

    def _grant_run(self, role: iam.Role) -> None:
        """Let a role run only this job, and only in its cluster.

        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/CWE_IAM_role.html
        """
        roles = [self.task_definition.task_role, self.task_definition.obtain_execution_role()]
        # Any revision: a deployment makes a new one, and the permission may be updated seconds later.
        revisions = f"{self._family_arn}:*"
        for statement in (
            iam.PolicyStatement(actions=["ecs:RunTask"], resources=[revisions], conditions=self._in_cluster),
            iam.PolicyStatement(
                actions=["ecs:TagResource"],
                resources=[self._task_arns],
                conditions={"StringEquals": {"ecs:CreateAction": "RunTask"}},
            ),
            iam.PolicyStatement(
                actions=["iam:PassRole"],
                resources=[each.role_arn for each in roles],
                conditions={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
            ),
        ):
            role.add_to_policy(statement)
        acknowledge_wildcards(role, [revisions], reason="Each deployment makes a new revision of the task definition.")
        acknowledge_wildcards(role, [self._task_arns], reason="ECS chooses a task's ID when it starts the task.")

    @property
    def _family_arn(self) -> str:
        """The ARN of the task definition without its revision."""
        return Stack.of(self).format_arn(
            service="ecs", resource="task-definition", resource_name=self.task_definition.family
        )

    @property
    def _task_arns(self) -> str:
        return Stack.of(self).format_arn(service="ecs", resource="task", resource_name=f"{self.cluster.cluster_name}/*")

    @property
    def _in_cluster(self) -> dict[str, Any]:
        return {"ArnEquals": {"ecs:cluster": self.cluster.cluster_arn}}

    def _start_dependencies(self) -> list[IDependable]:
        """Return what must exist before a task starts: permissions, security group rules, and egress for its image."""
        return [
            self.task_definition.task_role,
            self.task_definition.obtain_execution_role(),
            *self._security_groups,
            *self._network.connectivity,
        ]


def _validate_capacity(capacity: Capacity | None) -> None:
    if capacity and capacity.on_demand_base and capacity.on_demand_percent < 100:  # noqa: PLR2004 - percent
        raise ValueError(
            "capacity of a job must have no base, because its one task would always run on demand, "
            f"got: on_demand_base={capacity.on_demand_base}; write Capacity.spot(on_demand_base=0)"
        )


def _validate_restart_policy(policy: RestartPolicy | None) -> None:
    if policy and policy._restarts_success:
        raise ValueError(
            f"restart_policy of a job must ignore exit code 0, because the job would start again, got: {policy}; "
            "write RestartPolicy(ignored_exit_codes=[0])"
        )
