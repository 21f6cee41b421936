"""Whether something starts the first task of a service that may have none, and nothing undoes it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from aws_cdk import PolicyViolation
from constructs import IConstruct

from fargate_constructs._core.app_singleton import app_singleton
from fargate_constructs._core.construct_paths import path_of
from fargate_constructs.synthesized.intrinsics import items, lookup, number
from fargate_constructs.synthesized.template_checks import TemplateChecks, violation
from fargate_constructs.synthesized.templates import Place, Templates

TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"
POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy"
# Metrics that only tasks have
# (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/cloudwatch-metrics.html,
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html).
METRICS_OF_TASKS = ('"AWS/ECS"', '"ECS/ContainerInsights"', '"RequestCountPerTarget"')
# A function that gives a metric without data a value
# (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html).
FILL = "FILL("


class _Services(dict[str, str]):
    """The paths of all services of an app, by the paths of their scalable targets."""


def check_first_task(service: IConstruct) -> None:
    """Let synthesis warn if the service may have no task, and no schedule or policy in the app starts one."""
    services = app_singleton(service, _Services)
    if not services:
        TemplateChecks.add(service, partial(_violations, services))
    services[f"{path_of(service)}/Service/TaskCount/Target/Resource"] = path_of(service)


def _violations(services: Mapping[str, str], templates: Templates) -> Iterator[PolicyViolation]:
    for target in templates.of_type[TARGET]:
        service, properties = services.get(templates.path(target)), templates.properties(target)
        if service and _is_off(properties) and _is_raised(properties):
            yield violation(
                "countReset",
                service,
                f"{service} must have no scheduled action that starts tasks, got: one beside Scaling(max=0), with "
                "which each deployment sets the number of tasks back to 0",
                fix="write Scaling(max=...) with the highest number of tasks, and a scheduled action for each time",
            )
        if service is None or not _may_have_none(properties):
            continue
        policies = [
            templates.properties(place)
            for place in templates.of_type[POLICY]
            if templates.target(place, "ScalingTargetId") == target or _names_service(templates, place, target)
        ]
        if _is_raised(properties) or any(map(_starts_first, policies)):
            continue
        yield violation(
            "nothingStartsTasks",
            service,
            f"{service} must have something that starts its first task, got: a minimum of 0, and in this app no "
            "scheduled action with a higher one, and no metric that has data without tasks (CPU, memory and requests "
            "have none)",
            fix="write service.scale_on_backlog(...) for a queue, or scale_on_schedule(...) or scale_on_metric(...) "
            "of service.scalable_task_count; if something else starts tasks, acknowledge this finding",
            severity="warning",
        )


def _names_service(templates: Templates, policy: Place, target: Place) -> bool:
    """Whether a policy names the target's service itself, by its resource ID."""
    ids = [templates.properties(each).get("ResourceId") for each in (policy, target)]
    return ids[0] is not None and templates.identity(policy.stack, ids[0]) == templates.identity(target.stack, ids[1])


def _is_off(target: Mapping[str, Any]) -> bool:
    """Whether the service's desired count is in the template, because it is 0."""
    return number(target["MaxCapacity"]) == 0


def _may_have_none(target: Mapping[str, Any]) -> bool:
    """Whether a service is to have tasks, and may have none for a while."""
    most, least = ([number(target[name]), *_numbers(target, name)] for name in ("MaxCapacity", "MinCapacity"))
    return 0 in (*most, *least) and any(each != 0 for each in most)


def _is_raised(target: Mapping[str, Any]) -> bool:
    """Whether a scheduled action sets another minimum than none."""
    return any(each != 0 for each in _numbers(target, "MinCapacity"))


def _numbers(target: Mapping[str, Any], name: str) -> Iterable[float | None]:
    """Return a number that each scheduled action sets, `None` for one that only the deployment knows."""
    actions = [each.get("ScalableTargetAction", {}) for each in items(target, "ScheduledActions")]
    return [number(each[name]) for each in actions if lookup(each, name) is not None]


def _starts_first(policy: Mapping[str, Any]) -> bool:
    """Whether a policy may start the first task; one that is not understood may."""
    tracking, steps = (policy.get(f"{kind}ScalingPolicyConfiguration") for kind in ("TargetTracking", "Step"))
    if isinstance(tracking, dict):
        written = json.dumps(tracking)
        return "CustomizedMetricSpecification" in tracking and (
            FILL in written or not any(metric in written for metric in METRICS_OF_TASKS)
        )
    if isinstance(steps, dict):
        # A percentage of none is none
        # (https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-step-scaling-policies.html).
        is_share = steps.get("AdjustmentType") == "PercentChangeInCapacity" and not steps.get("MinAdjustmentMagnitude")
        changes = [number(each.get("ScalingAdjustment")) for each in items(steps, "StepAdjustments")]
        return not is_share and any(change is None or change > 0 for change in changes)
    return True
