"""The target groups that an ECS service puts its tasks into."""

from collections.abc import Sequence

from aws_cdk import Annotations
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from fargate_constructs._core.nag_suppressions import acknowledge
from fargate_constructs.service.deployments.deployment import Deployment

# The ID by which the warning can be acknowledged.
MOVED_WEIGHTS = "fargate-constructs:movedWeights"
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/register-multiple-targetgroups.html
MAX_TARGET_GROUPS = 5
# What changes the weights in the template, for each kind of resource that has them.
RULE = "the rule changes: before its hosts, paths, priority or listener change"
LISTENER = "the listener changes: before its port, protocol, certificate or idle timeout change"


def attach(
    service: ecs.FargateService,
    target_groups: Sequence[elbv2.ApplicationTargetGroup] | Sequence[elbv2.NetworkTargetGroup],
    *,
    container_name: str,
    port: int,
    production: ecs.ListenerRuleConfiguration,
    path: str,
    deployment: Deployment,
    test: ecs.ListenerRuleConfiguration | None = None,
    changes: str = RULE,
) -> None:
    """Attach the target groups to the service; ECS takes them only if a rule or a listener has them.

    If the deployment shifts traffic, the first one gets the tasks, and ECS moves the weights of the rule or the
    listener at *path* to the other. A rolling service may have several target groups, and lose all but one
    (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html).
    """
    alternate_target = None
    if deployment._shifts_traffic:
        alternate_target = ecs.AlternateTarget(
            "AlternateTarget",
            alternate_target_group=target_groups[1],
            production_listener=production,
            test_listener=test,
        )
    for target_group in target_groups if alternate_target is None else target_groups[:1]:
        target_group.add_target(
            service.load_balancer_target(
                container_name=container_name, container_port=port, alternate_target=alternate_target
            )
        )
    if alternate_target:
        Annotations.of(service).add_warning_v2(
            MOVED_WEIGHTS,
            f"ECS moves the weights of {path} at each deployment, and CloudFormation writes those of the template when "
            f"{changes}, and before Deployment.rolling(), deploy Deployment.rolling(both_target_groups=True), or "
            "requests may reach a target group without tasks (docs/upgrading.md)",
        )
        policy = "arn:<AWS::Partition>:iam::aws:policy/AmazonECSInfrastructureRolePolicyForLoadBalancers"
        reason = "AWS maintains this policy: what ECS needs to move requests between target groups."
        acknowledge(service.node.find_child("AlternateTargetRole"), {f"AwsSolutions-IAM4[Policy::{policy}]": reason})


def validate_number_of_target_groups(service: str, count: int) -> None:
    """Refuse more target groups than a service may have."""
    if count > MAX_TARGET_GROUPS:
        raise ValueError(
            f"a service has at most {MAX_TARGET_GROUPS} target groups, got {count} for {service}; each listener of a "
            "network load balancer needs one, and all routes together one: make a second service for some of them",
        )
