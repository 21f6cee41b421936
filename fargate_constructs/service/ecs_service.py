"""The ECS service of a `FargateService`."""

from collections.abc import Iterator, Sequence
from typing import cast

from aws_cdk import PolicyViolation
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from constructs import Construct, IDependable

from fargate_constructs._core.construct_paths import keep_place, path_of, stack_of
from fargate_constructs.service.adopted_service import AdoptedService
from fargate_constructs.service.deployments.deployment import ALL, Deployment
from fargate_constructs.service.deployments.rollback import Rollback
from fargate_constructs.service.scaling import Scaling
from fargate_constructs.synthesized.intrinsics import number
from fargate_constructs.synthesized.template_checks import violation
from fargate_constructs.synthesized.templates import Templates


class EcsService(ecs.FargateService):
    """CDK's service, with settings that only CloudFormation has.

    Args:
        scope: The `FargateService`.
        id: The service's ID.
        cluster: Its cluster.
        task_definition: What it runs.
        subnets: Where its tasks run.
        security_groups: The tasks' security groups.
        strategies: Which tasks run on Spot. None for the launch type Fargate.
        deployment: How a new version replaces the old one.
        rollback: When a deployment fails.
        scaling: How many tasks run.
        adopted: What the deployed service keeps.
        depends_on: What must exist before a task starts.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        cluster: ecs.ICluster,
        task_definition: ecs.FargateTaskDefinition,
        subnets: Sequence[ec2.ISubnet],
        security_groups: Sequence[ec2.ISecurityGroup],
        strategies: Sequence[ecs.CapacityProviderStrategy],
        deployment: Deployment,
        rollback: Rollback,
        scaling: Scaling,
        adopted: AdoptedService,
        depends_on: Sequence[IDependable],
    ) -> None:
        super().__init__(
            scope,
            id,
            service_name=adopted.service_name,
            cluster=cluster,
            task_definition=task_definition,
            vpc_subnets=ec2.SubnetSelection(subnets=subnets),
            security_groups=security_groups,
            assign_public_ip=False,
            capacity_provider_strategies=strategies or None,
            desired_count=scaling._desired_count(),
            **deployment._service_options(),
            circuit_breaker=ecs.DeploymentCircuitBreaker(enable=True, rollback=True),
            # Without it a feature flag decides whether the property is in the template; a change replaces the service.
            deployment_controller=ecs.DeploymentController(type=ecs.DeploymentControllerType.ECS),
            enable_ecs_managed_tags=True,
            propagate_tags=ecs.PropagatedTagSource.SERVICE,
        )
        keep_place(self, scope, id)
        self.resource = cast(ecs.CfnService, resource_of(self))
        self.resource.node.add_dependency(*depends_on)
        if adopted.deployment_controller is None:  # CDK writes it for the circuit breaker
            self.resource.deployment_controller = None
        # The L2 has no arguments for these.
        early_success = deployment._early_success()
        self.resource.add_property_override(
            "DeploymentConfiguration",
            {
                "DeploymentCircuitBreaker": {"ThresholdConfiguration": rollback._threshold()},
                **({"EarlySuccessCriteria": early_success} if early_success else {}),
            },
        )

    def enable_deployment_alarms(
        self,
        alarm_names: Sequence[str],
        *,
        behavior: ecs.AlarmBehavior | None = None,  # noqa: ARG002 - CDK's signature
    ) -> None:
        """Refuse alarms by CDK's method: its list would replace the alarms that `rollback_on` knows.

        Raises:
            ValueError: Always.
        """
        raise ValueError(
            f"alarms must be passed to rollback_on, got in enable_deployment_alarms: {list(alarm_names)}; write "
            "rollback_on(cloudwatch.Alarm.from_alarm_name(...)) for an alarm of which you have the name only"
        )

    def check_zone_rebalancing(self, templates: Templates) -> Iterator[PolicyViolation]:
        """Yield a violation if an override sets percentages that ECS refuses with zone rebalancing.

        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-rebalancing.html
        """
        properties = templates.properties(templates.place(stack_of(self), f"{path_of(self)}/Service"))
        max_percent = number(properties["DeploymentConfiguration"].get("MaximumPercent"))
        is_rebalanced = properties.get("AvailabilityZoneRebalancing") == "ENABLED"
        if max_percent and max_percent <= ALL and is_rebalanced:
            path = path_of(self).rpartition("/")[0]
            yield violation(
                "zoneRebalancing",
                path,
                f"{path} must start tasks before it stops others to keep zones in balance, got: "
                f"MaximumPercent {max_percent:g} and AvailabilityZoneRebalancing ENABLED",
                fix="write deployment=Deployment.rolling(max_healthy_percent=...) or Deployment.recreate() instead of "
                'the override, or override AvailabilityZoneRebalancing with "DISABLED" as well',
            )


def resource_of(service: ecs.FargateService) -> Construct:
    """Return the service alone: a dependency on the L2 includes its security group and scaling."""
    return cast(Construct, service.node.find_child("Service"))
