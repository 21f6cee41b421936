"""The properties of a deployed service that CloudFormation cannot change without replacing something."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import cast

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs

from fargate_constructs._core.arguments import checked
from fargate_constructs._core.descriptions import validate_description
from fargate_constructs._core.unresolved import may_match
from fargate_constructs._core.validation import validate_range

MAX_PORT = 65_535
# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html
SERVICE_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
# https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html
TARGET_GROUP_NAME = re.compile(r"(?!-)[A-Za-z0-9-]{1,32}(?<!-)")


@checked
@dataclass(frozen=True, kw_only=True)
class AdoptedService:
    """The properties of a deployed service that CloudFormation cannot change in place: keep them as they are.

    A service that is made here needs none of them. docs/migrating.md has the steps.

    ```python
    FargateService(stack, "Web", network=network, image=image, capacity=Capacity.launch_type(),
                   adopted=AdoptedService(deployment_controller=None,
                                          security_group_description="Shop/Web/Service/SecurityGroup"))
    ```

    Args:
        deployment_controller: `None` if the deployed template has no `DeploymentController`. By default
            `ecs.DeploymentControllerType.ECS`, as this library writes it. Others have no counterpart here.
        security_group_description: The `GroupDescription` of the tasks' security group. By default that of this
            library. A security group of yours in *security_groups* has its own.
        service_name: The `ServiceName`, if the service has one. By default AWS chooses one, so that CloudFormation can
            replace the service if it must.
        target_group_name: The `Name` of the target group of routes, if it has one. By default AWS chooses one.
        target_group_port: The `Port` of the target group of routes. It has no effect, because ECS registers each task
            with its own port. By default 80 for HTTP, and 443 for HTTPS.

    Raises:
        ValueError: If a value is none that AWS accepts, or the deployment controller is another than ECS.
    """

    deployment_controller: ecs.DeploymentControllerType | None = ecs.DeploymentControllerType.ECS
    security_group_description: str | None = None
    service_name: str | None = None
    target_group_name: str | None = None
    target_group_port: int | None = None

    def __post_init__(self) -> None:
        """Refuse what AWS would refuse."""
        controller = self.deployment_controller
        if controller not in {None, ecs.DeploymentControllerType.ECS}:
            raise ValueError(
                f"deployment_controller must be ECS or None, got: {cast(ecs.DeploymentControllerType, controller).name}"
                "; ECS cannot change it, so make a second service, and move requests by weights (docs/migrating.md)"
            )
        validate_description("security_group_description", self.security_group_description)
        _validate_name("service_name", self.service_name, SERVICE_NAME)
        _validate_name("target_group_name", self.target_group_name, TARGET_GROUP_NAME)
        validate_range("target_group_port", self.target_group_port, 1, MAX_PORT)

    def _keep_description(self, group: ec2.ISecurityGroup) -> None:
        """Give the description to a security group that was made here."""
        if self.security_group_description:
            resource = cast(ec2.CfnSecurityGroup, group.node.default_child)
            resource.group_description = self.security_group_description


def _validate_name(argument: str, name: str | None, pattern: re.Pattern[str]) -> None:
    if name is not None and not may_match(pattern, name):
        raise ValueError(f"{argument} must match {pattern.pattern}, got: {name!r}; copy it from the deployed template")
