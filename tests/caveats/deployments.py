"""Services and target groups that deployments are slow, or do harm, with."""

from collections.abc import Callable
from functools import partial
from typing import Any

from tests.caveats.changes import DEPLOYMENT, PARAMETER, overriding
from tests.caveats.lab import TemplateLab


def scaled_by(lab: TemplateLab, id_: Any, count: int = 3, **service: Any) -> None:  # noqa: ANN401 - a piece of a template
    """Scale a service that has a count of tasks as well, and is named like this."""
    lab.override("ScalableTarget", "ResourceId", id_)
    for path, value in {"DesiredCount": count, **service}.items():
        lab.override("Service", path, value)


def named_in_a_cluster(lab: TemplateLab) -> None:
    """Scale a service by its name and that of its cluster, to which it refers."""
    lab.add("Cluster", "AWS::ECS::Cluster", ClusterName="shop")
    scaled_by(lab, "service/shop/web", ServiceName="web", Cluster={"Ref": "Cluster"})


def alternate_target_group(lab: TemplateLab) -> None:
    """Give the service a second target group, with the defaults."""
    lab.add("Alternate", "AWS::ElasticLoadBalancingV2::TargetGroup", Protocol="TCP")
    advanced = {"AlternateTargetGroupArn": {"Ref": "Alternate"}}
    lab.override("Service", "LoadBalancers.0.AdvancedConfiguration", advanced)


def checked(lab: TemplateLab, protocol: Any, interval: Any = 10, count: int | None = 3) -> None:  # noqa: ANN401 - likewise
    """Let a load balancer check new tasks like this."""
    for path, value in {
        "Protocol": protocol,
        "HealthCheckIntervalSeconds": interval,
        "HealthyThresholdCount": count,
    }.items():
        lab.override("TargetGroup", path, value)


def unscaled(lab: TemplateLab, count: Any, percent: int) -> None:  # noqa: ANN401 - likewise
    """Run so many tasks, of which so many per cent must be healthy."""
    lab.remove("ScalableTarget")
    lab.override("Service", "DesiredCount", count)
    lab.override("Service", f"{DEPLOYMENT}.MinimumHealthyPercent", percent)


def found_by(lab: TemplateLab, name: str) -> None:
    """Run two tasks, of which one must be healthy, and let callers find them in one way."""
    unscaled(lab, count=2, percent=50)
    lab.override("Service", "LoadBalancers", None)
    value = [{"PortName": "web", "RegistryArn": "arn"}]
    lab.override("Service", name, {"Services": value} if name.startswith("ServiceConnect") else value)


def worker(lab: TemplateLab) -> None:
    """Run two tasks, of which one must be healthy, and let nobody in."""
    found_by(lab, name="ServiceRegistries")
    lab.override("Service", "ServiceRegistries", None)
    lab.remove("Ingress")


def task_set(lab: TemplateLab) -> None:
    """Register the tasks of a deployer of one's own in a second target group, with the defaults."""
    lab.add("Slow", "AWS::ElasticLoadBalancingV2::TargetGroup", Protocol="HTTP")
    balancers = [{"ContainerName": "web", "ContainerPort": 80, "TargetGroupArn": {"Ref": "Slow"}}]
    properties = {"Cluster": "c", "Service": "s", "TaskDefinition": {"Ref": "Definition"}, "LaunchType": "FARGATE"}
    lab.add("TaskSet", "AWS::ECS::TaskSet", LoadBalancers=balancers, **properties)


def unwatched(lab: TemplateLab, strategy: str) -> None:
    """Deploy in another way, without a circuit breaker."""
    for name, value in {"Strategy": strategy, "BakeTimeInMinutes": 5, "DeploymentCircuitBreaker": None}.items():
        lab.override("Service", f"{DEPLOYMENT}.{name}", value)


def codedeploy_on_instances(lab: TemplateLab) -> None:
    """Let CodeDeploy deploy another service, which runs on instances."""
    lab.add("Slow", "AWS::ElasticLoadBalancingV2::TargetGroup", Name="slow")
    lab.add("Instances", "AWS::ECS::Service", LaunchType="EC2", TaskDefinition="elsewhere")
    services = [{"ServiceName": {"Fn::GetAtt": ["Instances", "Name"]}}]
    info = {"TargetGroupInfoList": [{"Name": "slow"}]}
    lab.add("Deploys", "AWS::CodeDeploy::DeploymentGroup", ECSServices=services, LoadBalancerInfo=info)


DEPLOYMENTS: dict[str, tuple[Callable[[TemplateLab], None], list[str]]] = {
    "codedeploy": (
        overriding(("Service", "DeploymentController.Type", "CODE_DEPLOY"), ("Service", DEPLOYMENT, None)),
        [],
    ),
    "codedeploy of another service": (codedeploy_on_instances, []),
    "a canary, of which AWS says no such thing": (partial(unwatched, strategy="CANARY"), []),
    "blue/green, which a circuit breaker watches": (partial(unwatched, strategy="BLUE_GREEN"), ["NoCircuitBreaker"]),
    "a target group of a task set": (task_set, ["SlowDrain"]),
    "a second target group": (alternate_target_group, ["SlowDrain", "SlowHealthCheck"]),
    "few checks of a network load balancer": (partial(checked, protocol="TCP"), []),
    "many checks of a network load balancer": (partial(checked, protocol="TLS", count=None), ["SlowHealthCheck"]),
    "checks of what only the deployment knows": (partial(checked, protocol=PARAMETER, count=10), []),
    "checks at intervals that only it knows": (partial(checked, protocol="TCP", interval=PARAMETER), []),
    "one of one task": (partial(unscaled, count=1, percent=50), []),
    "none of one task": (partial(unscaled, count=1, percent=0), ["TooFewTasks"]),
    "some of the one that ECS makes": (partial(unscaled, count=None, percent=50), []),
    "some of some tasks": (overriding(("Service", f"{DEPLOYMENT}.MinimumHealthyPercent", 50)), ["TooFewTasks"]),
    "some of a parameter's": (partial(unscaled, count=PARAMETER, percent=50), []),
    **{
        f"some of two that callers find by {name}": (partial(found_by, name=name), ["TooFewTasks"])
        for name in (
            "ServiceRegistries",
            "VpcLatticeConfigurations",
            "GatewayConnectors",
            "ServiceConnectConfiguration",
        )
    },
    "a count without scaling": (partial(unscaled, count=3, percent=100), []),
    "a worker with fewer tasks": (worker, []),
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
