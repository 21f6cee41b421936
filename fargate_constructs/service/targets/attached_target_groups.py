"""The target groups that an ECS service puts its tasks into."""

from collections.abc import Sequence
from typing import cast

from aws_cdk import Annotations
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam

from fargate_constructs._core.construct_paths import path_of
from fargate_constructs._core.environment_checks import may_be_same_vpc
from fargate_constructs._core.nag_suppressions import acknowledge
from fargate_constructs.service.deployments.deployment import Deployment
from fargate_constructs.service.targets.ports import Port

# The ID by which the warning can be acknowledged.
MOVED_WEIGHTS = "fargate-constructs:movedWeights"
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/register-multiple-targetgroups.html
MAX_TARGET_GROUPS = 5
# The ID that CDK gives the role by which ECS moves the weights.
ROLE = "AlternateTargetRole"
# What has the weights of target groups, and what changes them in the template.
Weighted = elbv2.ApplicationListenerRule | elbv2.NetworkListener
CHANGES: dict[type[Weighted], str] = {
    elbv2.ApplicationListenerRule: "the rule changes: before its hosts, paths, priority or listener change",
    elbv2.NetworkListener: "the listener changes: before its port, protocol, certificate, ALPN or idle timeout change",
}


def attach(
    service: ecs.FargateService,
    target_groups: Sequence[elbv2.ApplicationTargetGroup] | Sequence[elbv2.NetworkTargetGroup],
    *,
    port: Port,
    production: Weighted,
    test: Weighted | None,
    deployment: Deployment,
) -> None:
    """Attach the target groups to the service; ECS takes them only if a rule or a listener has them.

    A service may have several pairs of target groups, also if its deployments shift traffic
    (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/register-multiple-targetgroups.html).

    If the deployment shifts traffic, the first one gets the tasks, and ECS moves the weights of *production* to the
    other. A rolling service may have several target groups, and lose all but one
    (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html).
    """
    alternate_target = None
    if deployment._shifts_traffic:
        alternate_target = ecs.AlternateTarget(
            "AlternateTarget",
            alternate_target_group=target_groups[1],
            role=cast("iam.IRole | None", service.node.try_find_child(ROLE)),  # one for all load balancers
            production_listener=_configuration(production),
            test_listener=_configuration(test) if test else None,
        )
    for target_group in target_groups if alternate_target is None else target_groups[:1]:
        target_group.add_target(tasks_of(service, port, alternate_target))
    if alternate_target:
        Annotations.of(service).add_warning_v2(
            MOVED_WEIGHTS,
            f"ECS moves the weights of {path_of(production)} at each deployment, and CloudFormation writes those of "
            f"the template when {CHANGES[type(production)]}, and before Deployment.rolling(), deploy "
            "Deployment.rolling(both_target_groups=True), or requests may reach a target group without tasks "
            "(docs/upgrading.md)",
        )
        policy = "arn:<AWS::Partition>:iam::aws:policy/AmazonECSInfrastructureRolePolicyForLoadBalancers"
        reason = "AWS maintains this policy: what ECS needs to move requests between target groups."
        acknowledge(service.node.find_child(ROLE), {f"AwsSolutions-IAM4[Policy::{policy}]": reason})


def tasks_of(
    service: ecs.FargateService, port: Port, alternate_target: ecs.AlternateTarget | None = None
) -> ecs.IEcsLoadBalancerTarget:
    """Return the service's tasks at a port, as what a target group gets."""
    return service.load_balancer_target(
        container_name=port.container,
        container_port=port.number,
        protocol=ecs.Protocol.UDP if port.is_udp else None,
        alternate_target=alternate_target,
    )


def _configuration(of: Weighted) -> ecs.ListenerRuleConfiguration:
    if isinstance(of, elbv2.NetworkListener):
        return ecs.ListenerRuleConfiguration.network_listener(of)
    return ecs.ListenerRuleConfiguration.application_listener_rule(of)


def validate_same_network(what: str, service: str, vpc: ec2.IVpc, load_balancer: str, other: ec2.IVpc | None) -> None:
    """Refuse a route or a listener of a load balancer in another VPC."""
    if other and not may_be_same_vpc(vpc, other):
        raise ValueError(
            f"a service and its endpoint must be in the same network, got {what} to {service} and {load_balancer} in "
            "two; pass the same network to both",
        )


def validate_number_of_target_groups(service: str, count: int) -> None:
    """Refuse more target groups than a service may have.

    AWS does not say whether those count to which deployments shift traffic. They do at the latest on the way back: a
    rolling deployment with both target groups puts each task into all of them.
    """
    if count > MAX_TARGET_GROUPS:
        raise ValueError(
            f"a service has at most {MAX_TARGET_GROUPS} target groups, got {count} for {service}; each listener of a "
            "network load balancer needs one, and the routes to each port at each endpoint, twice as many if "
            "deployments shift requests: make a second service for some of them",
        )
