"""Whether a new version takes over fast, and gives up by itself.

```
new task ──> [health check] ──> serves ──> old task [drains] ──> done, or back
```
"""

from collections.abc import Iterator
from math import ceil
from typing import Any

from fargate_constructs.caveats.fargate_app import FargateApp
from fargate_constructs.caveats.rules import Finding, Rule
from fargate_constructs.launches import Launch
from fargate_constructs.templates import UNSEEN, Place, Templates, is_off, items, number, seen, spelled

# Seconds, and a count: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html
# and https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroupAttribute.html
DEFAULT_INTERVAL, DEFAULT_THRESHOLD, DEFAULT_DRAIN = 30, 5, 300
# Seconds. ECS gives a container 30 to end, and its checks need not take longer.
LONGEST_CHECKS, LONGEST_DRAIN = 30, 60
# However many autoscaling makes it.
SOME_TASKS = 100


def find_deployments(app: FargateApp) -> Iterator[Finding]:
    """Yield services whose deployments hang or do harm, and target groups that slow them down."""
    target_groups = {group: None for service in app.services for group in _target_groups(app.templates, service)}
    for group in target_groups:
        yield from _find_slow(group, app.templates.properties(group))
    scaled = set(_scaled_services(app))
    for service in app.services:
        yield from _find_risks(service, is_scaled=service.place in scaled)
        # A count that is there or not as the deployment will have it is nobody's fault.
        count = service.settings.get("DesiredCount")
        if service.place in scaled and count not in (None, {"Ref": "AWS::NoValue"}) and "Fn::If" not in str(count):
            yield Finding(Rule.CountReset, service.place, f"DesiredCount {count} beside a scalable target")


def _find_risks(service: Launch, *, is_scaled: bool) -> Iterator[Finding]:
    if seen(service.settings, "DeploymentController", "Type") not in (None, "ECS"):
        return  # CodeDeploy's deployments, or one's own
    deployment = seen(service.settings, "DeploymentConfiguration")
    strategy = seen(deployment, "Strategy")
    if strategy in (None, "ROLLING", "BLUE_GREEN"):
        # AWS's guide names these two for the circuit breaker, its API the first alone; of the others neither speaks
        # (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-failure-detection.html,
        # https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentCircuitBreaker.html).
        if is_off(seen(deployment, "DeploymentCircuitBreaker", "Enable")):
            yield Finding(Rule.NoCircuitBreaker, service.place, "no DeploymentCircuitBreaker that is enabled")
        elif is_off(seen(deployment, "DeploymentCircuitBreaker", "Rollback")):
            yield Finding(Rule.NoRollback, service.place, "a DeploymentCircuitBreaker without Rollback")
    if strategy in (None, "ROLLING"):
        healthy = number(seen(deployment, "MinimumHealthyPercent"))
        count = number(seen(service.settings, "DesiredCount"))
        # ECS rounds up, so that one of one stays
        # (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html).
        fewest_of = SOME_TASKS if count is None or is_scaled else count
        if healthy is not None and ceil(fewest_of * healthy / 100) < fewest_of and _serves(service):
            yield Finding(Rule.TooFewTasks, service.place, f"MinimumHealthyPercent {healthy:g}")
    elif strategy in ("BLUE_GREEN", "LINEAR", "CANARY") and seen(deployment, "BakeTimeInMinutes") is None:
        # https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-ecs-service-deploymentconfiguration.html
        yield Finding(Rule.LongBake, service.place, f"Strategy {strategy} without BakeTimeInMinutes")


def _find_slow(group: Place, properties: dict[str, Any]) -> Iterator[Finding]:
    interval = _number(seen(properties, "HealthCheckIntervalSeconds"), DEFAULT_INTERVAL)
    threshold = _number(seen(properties, "HealthyThresholdCount"), DEFAULT_THRESHOLD)
    drain = _drain(properties)
    if seen(properties, "Protocol") in (None, "HTTP", "HTTPS", UNSEEN):
        # A new target of an Application Load Balancer must pass one check, the count is for one that was unhealthy
        # (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html).
        # A Network Load Balancer's passes "the initial health checks"
        # (https://docs.aws.amazon.com/elasticloadbalancing/latest/network/target-group-health-checks.html).
        threshold = 1
    checks = None if interval is None or threshold is None else interval * threshold
    both = f"; with the drain {checks + drain:g} s" if checks is not None and drain is not None else ""
    if checks is not None and checks > LONGEST_CHECKS:
        count = "1 check" if threshold == 1 else f"{threshold:g} checks"
        yield Finding(Rule.SlowHealthCheck, group, f"{count} at intervals of {interval:g} s: {checks:g} s{both}")
    if drain is not None and drain > LONGEST_DRAIN:
        yield Finding(Rule.SlowDrain, group, f"deregistration_delay.timeout_seconds {drain:g}{both}")


def _drain(properties: dict[str, Any]) -> float | None:
    attributes = seen(properties, "TargetGroupAttributes") or []
    pairs = {seen(each, "Key"): seen(each, "Value") for each in attributes} if isinstance(attributes, list) else {}
    value = pairs.get("deregistration_delay.timeout_seconds")
    # What is not among attributes that can all be seen has its default.
    is_default = value is None and isinstance(attributes, list) and all(isinstance(key, str) for key in pairs)
    return DEFAULT_DRAIN if is_default else number(value)


def _number(value: Any, default: float) -> float | None:  # noqa: ANN401 - a piece of a template
    return default if value is None else number(value)


def _target_groups(templates: Templates, service: Launch) -> Iterator[Place]:
    for balancer in items(service.settings, "LoadBalancers"):
        alternate = balancer.get("AdvancedConfiguration", {}).get("AlternateTargetGroupArn")
        references = (balancer.get("TargetGroupArn"), alternate)
        yield from filter(None, (templates.locate(service.place.stack, each) for each in references))


def _scaled_services(app: FargateApp) -> Iterator[Place]:
    by_name = {(each.place.stack, name): each.place for each in app.services for name in _names(app.templates, each)}
    for target in app.templates.of_type["AWS::ApplicationAutoScaling::ScalableTarget"]:
        id_ = app.templates.properties(target).get("ResourceId")
        yield from app.templates.references(target.stack, id_)
        if named := by_name.get((target.stack, spelled(id_))):
            yield named


def _names(templates: Templates, service: Launch) -> Iterator[str]:
    """Yield what autoscaling may know a service by that has a name, in its stack's template."""
    if name := service.settings.get("ServiceName"):
        cluster = service.settings.get("Cluster")
        named = templates.properties(templates.locate(service.place.stack, cluster)).get("ClusterName", cluster)
        yield from (f"service/{spelled(each)}/{spelled(name)}" for each in (cluster, named))


def _serves(service: Launch) -> bool:
    return bool(
        items(service.settings, "LoadBalancers") or items(service.settings, "ServiceConnectConfiguration", "Services")
    )
