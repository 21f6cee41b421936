"""Rules about deployments: whether they are fast, keep enough tasks, and roll back by themselves."""

from collections.abc import Iterator
from math import ceil
from typing import Any

from fargate_constructs.caveats.fargate_app import FargateApp
from fargate_constructs.caveats.missing_endpoints import TARGET_GROUP, endpoints_of
from fargate_constructs.caveats.rules import Finding, Rule, judge, undecided
from fargate_constructs.synthesized.intrinsics import (
    Unresolved,
    as_text,
    functions_in,
    is_off,
    is_true,
    items,
    lookup,
    number,
    unresolved_in,
)
from fargate_constructs.synthesized.task_launchers import TaskLauncher
from fargate_constructs.synthesized.templates import Place, Templates

# Seconds, and a count: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html
# and https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroupAttribute.html
DEFAULT_INTERVAL, DEFAULT_THRESHOLD, DEFAULT_DRAIN = 30, 5, 300
# ECS gives a container 30 s to stop, and its checks do not need longer.
MAX_CHECK_SECONDS, MAX_DRAIN_SECONDS, MAX_NETWORK_DRAIN_SECONDS = 30, 60, 120
# Any number that autoscaling may set.
SCALED_TASKS = 100
ALL_PERCENT = 100
SERVICE = "AWS::ECS::Service"


def find_deployments(app: FargateApp) -> Iterator[Finding]:
    """Yield services whose deployments may fail or stop too many tasks, and target groups that slow them down."""
    templates = app.templates
    by_name = {
        (templates.environment(place.stack), templates.text(place.stack, name)): place
        for place in templates.of_type[TARGET_GROUP]
        if (name := templates.properties(place).get("Name"))
    }
    groups: dict[Place, None] = {}
    for place, reference in _target_groups(app):
        key = templates.environment(place.stack), templates.text(place.stack, reference)
        if found := templates.locate(place.stack, reference, TARGET_GROUP) or by_name.get(key):
            groups[found] = None
        else:
            unknown = Unresolved(reference)
            yield from undecided(place, Rule.SlowHealthCheck, Rule.SlowDrain, TargetGroup=unknown)
    for group in groups:
        yield from _find_slow(group, app.templates.properties(group))
    scaling = _Scaling(app)
    for service in app.services:
        is_scaled = service.place in scaling.services
        yield from _find_risks(service, is_scaled=is_scaled)
        count = service.settings.get("DesiredCount")
        if lookup(count) is None:
            continue
        # Only the deployment knows whether a condition sets the count, so it breaks no rule. A service that may have no
        # task loses nothing.
        broken = is_scaled and "Fn::If" not in str(count) and scaling.services[service.place] != 0
        got = f"DesiredCount {as_text(count)} beside a scalable target"
        depends_on = {"DesiredCount": count} if is_scaled else {"ResourceId": scaling.may_scale(service)}
        yield from judge(Rule.CountReset, service.place, got, broken=broken, **depends_on)


def _find_risks(service: TaskLauncher, *, is_scaled: bool) -> Iterator[Finding]:
    place, controller = service.place, lookup(service.settings, "DeploymentController", "Type")
    if controller not in (None, "ECS"):
        rules = (Rule.NoCircuitBreaker, Rule.NoRollback, Rule.TooFewTasks, Rule.LongBake)
        yield from undecided(place, *rules, DeploymentController=controller)
        return  # CodeDeploy, or a deployer of your own
    deployment = lookup(service.settings, "DeploymentConfiguration")
    strategy = lookup(deployment, "Strategy")
    if strategy in (None, "ROLLING", "BLUE_GREEN") or isinstance(strategy, Unresolved):
        # AWS's guide names these two for the circuit breaker, its API only the first; neither names the others
        # (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-failure-detection.html,
        # https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentCircuitBreaker.html).
        breaker, rollback = (lookup(deployment, "DeploymentCircuitBreaker", name) for name in ("Enable", "Rollback"))
        is_known = not isinstance(strategy, Unresolved)
        got = "no DeploymentCircuitBreaker that is enabled"
        values = {"Strategy": strategy, "Enable": breaker}
        yield from judge(Rule.NoCircuitBreaker, place, got, broken=is_off(breaker) and is_known, **values)
        if not is_off(breaker):
            got = "a DeploymentCircuitBreaker without Rollback"
            broken = is_off(rollback) and is_known and is_true(breaker)
            depends_on = {} if is_true(rollback) else values | {"Rollback": rollback}
            yield from judge(Rule.NoRollback, place, got, broken=broken, **depends_on)
    if strategy in (None, "ROLLING") or isinstance(strategy, Unresolved):
        yield from _find_too_few(service, deployment, strategy, is_scaled=is_scaled)
    if strategy in ("BLUE_GREEN", "LINEAR", "CANARY") or isinstance(strategy, Unresolved):
        # https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-ecs-service-deploymentconfiguration.html
        bake = lookup(deployment, "BakeTimeInMinutes")
        broken = bake is None and isinstance(strategy, str)
        got = f"Strategy {strategy} without BakeTimeInMinutes"
        depends_on = {"Strategy": strategy} if bake is None else {}
        yield from judge(Rule.LongBake, place, got, broken=broken, **depends_on, BakeTimeInMinutes=bake)


def _find_too_few(
    service: TaskLauncher,
    deployment: Any,  # noqa: ANN401 - a piece of a template
    strategy: Any,  # noqa: ANN401 - a piece of a template
    *,
    is_scaled: bool,
) -> Iterator[Finding]:
    percent, count = lookup(deployment, "MinimumHealthyPercent"), lookup(service.settings, "DesiredCount")
    healthy, endpoints = number(percent), endpoints_of(service.settings)
    if (
        percent is None
        or (healthy is not None and healthy >= ALL_PERCENT)
        or not (endpoints.known or endpoints.unknown)
    ):
        return
    # By default ECS runs one task, and it rounds up, so one of one task is kept
    # (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html,
    # https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html).
    tasks = SCALED_TASKS if is_scaled else 1 if count is None else number(count)
    depends_on = [percent, strategy, *([] if is_scaled else [count]), *([] if endpoints.known else endpoints.unknown)]
    unknown = [each for value in depends_on for each in unresolved_in(value)]
    broken = not unknown and healthy is not None and tasks is not None and ceil(tasks * healthy / ALL_PERCENT) < tasks
    yield from judge(Rule.TooFewTasks, service.place, f"MinimumHealthyPercent {percent}", broken=broken, tasks=unknown)


def _find_slow(group: Place, properties: dict[str, Any]) -> Iterator[Finding]:
    intervals, thresholds, protocol, drains = (
        lookup(properties, name)
        for name in ("HealthCheckIntervalSeconds", "HealthyThresholdCount", "Protocol", "TargetGroupAttributes")
    )
    interval, threshold = _number(intervals, DEFAULT_INTERVAL), _number(thresholds, DEFAULT_THRESHOLD)
    drain = _drain(properties)
    max_drain = MAX_DRAIN_SECONDS
    if protocol in (None, "HTTP", "HTTPS") or isinstance(protocol, Unresolved):
        # A new target of an Application Load Balancer must pass one check; the count is for unhealthy targets
        # (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html).
        # A Network Load Balancer's passes "the initial health checks"
        # (https://docs.aws.amazon.com/elasticloadbalancing/latest/network/target-group-health-checks.html).
        threshold = 1
    else:
        # Its targets may get new connections for some time, so AWS recommends 120 s at least
        # (https://docs.aws.amazon.com/elasticloadbalancing/latest/network/edit-target-group-attributes.html).
        max_drain = MAX_NETWORK_DRAIN_SECONDS
    checks = None if interval is None or threshold is None else interval * threshold
    both = f"; with the drain {checks + drain:g} s" if checks is not None and drain is not None else ""
    count = "" if threshold is None else "1 check" if threshold == 1 else f"{threshold:g} checks"
    got = f"{count} at intervals of {interval or 0:g} s: {checks or 0:g} s{both}"
    broken = checks is not None and checks > MAX_CHECK_SECONDS
    depends_on = {"HealthCheckIntervalSeconds": intervals, "Protocol": protocol}
    depends_on |= {} if threshold == 1 else {"HealthyThresholdCount": thresholds}
    yield from judge(Rule.SlowHealthCheck, group, got, broken=broken, **depends_on)
    broken = drain is not None and drain > max_drain
    got = f"deregistration_delay.timeout_seconds {drain or 0:g}{both}"
    values = [value for each in items(drains) for value in (lookup(each, "Key"), lookup(each, "Value"))]
    depends_on = {"TargetGroupAttributes": [*unresolved_in(drains), *values]} if drain is None else {}
    yield from judge(Rule.SlowDrain, group, got, broken=broken, **depends_on)


def _drain(properties: dict[str, Any]) -> float | None:
    attributes = lookup(properties, "TargetGroupAttributes") or []
    pairs = {lookup(each, "Key"): lookup(each, "Value") for each in attributes} if isinstance(attributes, list) else {}
    value = pairs.get("deregistration_delay.timeout_seconds")
    # An attribute that is not in a known list has its default.
    is_default = value is None and isinstance(attributes, list) and all(isinstance(key, str) for key in pairs)
    return DEFAULT_DRAIN if is_default else number(value)


def _number(value: Any, default: float) -> float | None:  # noqa: ANN401 - a piece of a template
    return default if value is None else number(value)


def _target_groups(app: FargateApp) -> Iterator[tuple[Place, Any]]:
    """Yield what registers tasks on Fargate, and its reference to each target group."""
    templates = app.templates
    for launcher in app.launchers:
        balancers = lookup(launcher.settings, "LoadBalancers")
        yield from ((launcher.place, each) for each in unresolved_in(balancers))
        for balancer in items(balancers):
            advanced = lookup(balancer, "AdvancedConfiguration")
            alternate = advanced.get("AlternateTargetGroupArn") if isinstance(advanced, dict) else advanced
            references = (balancer.get("TargetGroupArn"), alternate)
            yield from ((launcher.place, each) for each in references if lookup(each) is not None)
    fargate = {each.place for each in app.services}
    for place in templates.of_type["AWS::CodeDeploy::DeploymentGroup"]:
        properties = templates.properties(place)
        deployed = {*templates.references(place.stack, properties.get("ECSServices"))}
        if "ECSServices" not in properties or not fargate & (deployed & set(templates.of_type[SERVICE]) or fargate):
            continue
        info = lookup(properties, "LoadBalancerInfo")
        lists = [info, lookup(info, "TargetGroupInfoList"), lookup(info, "TargetGroupPairInfoList")]
        lists += [lookup(pair, "TargetGroups") for pair in items(lists[2])]
        yield from ((place, each) for value in lists for each in unresolved_in(value))
        named = [*items(lists[1]), *(each for groups in lists[3:] for each in items(groups))]
        yield from ((place, each.get("Name")) for each in named)
    for stack, hook in templates.hooks:
        for application in items(hook, "Properties", "Applications"):
            groups = lookup(application, "ECSAttributes", "TrafficRouting", "TargetGroups")
            # The hook takes logical IDs.
            for name in filter(lambda each: isinstance(each, str), groups if isinstance(groups, list) else []):
                yield Place(stack, name), {"Ref": name}


class _Scaling:
    """The services that autoscaling scales."""

    def __init__(self, app: FargateApp) -> None:
        templates = app.templates
        by_name = {
            (templates.environment(each.place.stack), name): each.place
            for each in app.services
            for name in _names(templates, each)
        }
        self.services: dict[Place, float | None] = {}
        """Each service with the maximum of its tasks, as far as it is known."""
        self._others: list[Any] = []
        for target in templates.of_type["AWS::ApplicationAutoScaling::ScalableTarget"]:
            id_, most = (templates.properties(target).get(name) for name in ("ResourceId", "MaxCapacity"))
            key = templates.environment(target.stack), templates.text(target.stack, id_)
            found = {*templates.references(target.stack, id_), *filter(None, [by_name.get(key)])}
            self.services |= dict.fromkeys(found, number(most))
            self._others += [] if found else [id_]

    def may_scale(self, service: TaskLauncher) -> list[Unresolved]:
        """Return the unresolved IDs of scalable targets that may be a service."""
        names = (service.settings.get("ServiceName"), service.settings.get("Cluster"))
        is_named = names[0] is not None and not any(functions_in(list(names)))
        return [Unresolved(each) for each in self._others if not is_named or any(functions_in(each))]


def _names(templates: Templates, service: TaskLauncher) -> Iterator[str]:
    """Yield the resource IDs that a scalable target may have for a service with a name."""
    if name := service.settings.get("ServiceName"):
        stack, cluster = service.place.stack, service.settings.get("Cluster")
        found = templates.locate(stack, cluster)
        owner, named = (found.stack, templates.properties(found).get("ClusterName")) if found else (stack, cluster)
        for where, each in ((stack, cluster), (owner, named)):
            yield f"service/{templates.text(where, each)}/{templates.text(stack, name)}"
