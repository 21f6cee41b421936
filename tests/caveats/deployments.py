"""Services and target groups that deployments are slow, or do harm, with."""

from collections.abc import Callable
from functools import partial
from typing import Any

from aws_cdk import CfnResource

from tests.caveats.changes import DEPLOYMENT, PARAMETER, overriding
from tests.caveats.lab import Lab


def scaled_by(lab: Lab, id_: Any, count: int = 3, **service: Any) -> None:  # noqa: ANN401 - a piece of a template
    """Scale a service that has a count of tasks as well, and is named like this."""
    lab.override("ScalableTarget", "ResourceId", id_)
    for path, value in {"DesiredCount": count, **service}.items():
        lab.override("Service", path, value)


def named_in_a_cluster(lab: Lab) -> None:
    """Scale a service by its name and that of its cluster, to which it refers."""
    CfnResource(lab.stack, "Cluster", type="AWS::ECS::Cluster", properties={"ClusterName": "shop"})
    scaled_by(lab, "service/shop/web", ServiceName="web", Cluster={"Ref": "Cluster"})


def alternate_target_group(lab: Lab) -> None:
    """Give the service a second target group, with the defaults."""
    resource = CfnResource(
        lab.stack, "Alternate", type="AWS::ElasticLoadBalancingV2::TargetGroup", properties={"Protocol": "TCP"}
    )
    advanced = {"AlternateTargetGroupArn": {"Ref": lab.stack.resolve(resource.logical_id)}}
    lab.override("Service", "LoadBalancers.0.AdvancedConfiguration", advanced)


def checked(lab: Lab, protocol: Any, interval: Any = 10, count: int | None = 3) -> None:  # noqa: ANN401 - likewise
    """Let a load balancer check new tasks like this."""
    for path, value in {
        "Protocol": protocol,
        "HealthCheckIntervalSeconds": interval,
        "HealthyThresholdCount": count,
    }.items():
        lab.override("TargetGroup", path, value)


def unscaled(lab: Lab, count: int | None, percent: int) -> None:
    """Run so many tasks, of which so many per cent must be healthy."""
    lab.stack.node.try_remove_child("ScalableTarget")
    lab.override("Service", "DesiredCount", count)
    lab.override("Service", f"{DEPLOYMENT}.MinimumHealthyPercent", percent)


def unwatched(lab: Lab, strategy: str) -> None:
    """Deploy in another way, without a circuit breaker."""
    for name, value in {"Strategy": strategy, "BakeTimeInMinutes": 5, "DeploymentCircuitBreaker": None}.items():
        lab.override("Service", f"{DEPLOYMENT}.{name}", value)


DEPLOYMENTS: dict[str, tuple[Callable[[Lab], None], list[str]]] = {
    "codedeploy": (
        overriding(("Service", "DeploymentController.Type", "CODE_DEPLOY"), ("Service", DEPLOYMENT, None)),
        [],
    ),
    "a canary, of which AWS says no such thing": (partial(unwatched, strategy="CANARY"), []),
    "blue/green, which a circuit breaker watches": (partial(unwatched, strategy="BLUE_GREEN"), ["NoCircuitBreaker"]),
    "a second target group": (alternate_target_group, ["SlowDrain", "SlowHealthCheck"]),
    "few checks of a network load balancer": (partial(checked, protocol="TCP"), []),
    "many checks of a network load balancer": (partial(checked, protocol="TLS", count=None), ["SlowHealthCheck"]),
    "checks of what only the deployment knows": (partial(checked, protocol=PARAMETER, count=10), []),
    "checks at intervals that only it knows": (partial(checked, protocol="TCP", interval=PARAMETER), []),
    "one of one task": (partial(unscaled, count=1, percent=50), []),
    "none of one task": (partial(unscaled, count=1, percent=0), ["TooFewTasks"]),
    "some of some tasks": (partial(unscaled, count=None, percent=50), ["TooFewTasks"]),
    "a count without scaling": (partial(unscaled, count=3, percent=100), []),
    "a worker with fewer tasks": (
        overriding(("Service", "LoadBalancers", None), ("Service", f"{DEPLOYMENT}.MinimumHealthyPercent", 50)),
        [],
    ),
    "a count, and a target known by a text": (
        partial(scaled_by, id_={"Fn::Sub": "service/cluster/${Service.Name}"}),
        ["CountReset"],
    ),
    "a count, and a target known by a dotted name": (
        partial(scaled_by, id_={"Fn::Join": ["/", ["service/cluster", {"Fn::GetAtt": "Service.Name"}]]}),
        ["CountReset"],
    ),
    "a count, and a target known by a name": (
        partial(scaled_by, id_="service/cluster/web", ServiceName="web"),
        ["CountReset"],
    ),
    "a count, and a target known by a name in a cluster": (
        partial(scaled_by, id_={"Fn::Sub": "service/${Cluster}/web"}, ServiceName="web", Cluster={"Ref": "Cluster"}),
        ["CountReset"],
    ),
    "a count, and a target known by a text in a text": (
        partial(
            scaled_by,
            id_={"Fn::Sub": ["${Path}/web", {"Path": {"Fn::Join": ["/", ["service", "cluster"]]}}]},
            ServiceName="web",
        ),
        ["CountReset"],
    ),
    "a count, and a target known by two names": (named_in_a_cluster, ["CountReset"]),
    "a count, and a target of another": (
        partial(scaled_by, id_="service/another/web", ServiceName="web"),
        [],
    ),
}
