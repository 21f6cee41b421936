"""When a deployment fails, so that ECS goes back to the last good version."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from aws_cdk import CfnResource, Duration, PolicyViolation, Stack, TreeInspector
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct

from fargate_constructs._core.arguments import checked
from fargate_constructs._core.construct_paths import path_of
from fargate_constructs._core.lazy_cdk import aws_cloudwatch as cloudwatch
from fargate_constructs._core.nag_suppressions import acknowledge
from fargate_constructs._core.threshold_alarm import threshold_alarm
from fargate_constructs._core.unresolved import is_unresolved
from fargate_constructs._core.validation import seconds_of, validate_range
from fargate_constructs.service.targets.health import MAX_GRACE_PERIOD
from fargate_constructs.service.targets.target_group_metrics import error_percent, total
from fargate_constructs.synthesized.template_checks import TemplateChecks, violation
from fargate_constructs.synthesized.templates import Place, Templates

# Half of the desired count, but at least 3 and at most 200: ECS's own default
# (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ThresholdConfiguration.html).
HALF_OF_THE_TASKS = {"Type": "BOUNDED_PERCENT", "Value": 50}
# With fewer errors a minute the alarm stays silent, since a service with few requests may have them.
MIN_ERRORS = 5
# A reference to a resource in a piece of a template.
REFERENCE = re.compile(r'"(?:Ref|Fn::GetAtt)": \[?"(\w+)"')


@checked
@dataclass(frozen=True, kw_only=True)
class Rollback:
    """When a deployment fails: on failed tasks, on responses that are errors, and on alarms of your own.

    ECS watches alarms until a deployment's `bake_time` is over, and not at all if one is raised when the deployment
    begins (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html). Without a bake
    time, a rolling deployment of a few tasks completes before CloudWatch has a metric. With
    `Deployment.rolling(bake_time=Duration.minutes(3))` alarms can end it.

    ```python
    Rollback(failed_tasks=10, error_percent=1)
    ```

    Args:
        failed_tasks: How many tasks may fail to start or to pass their checks, in rolling and blue/green deployments
            (see `Deployment`). By default half of the desired count, at least 3 and at most 200.
        error_percent: How many of 100 responses may be 5xx, 1 to 100. The alarm is raised after two such minutes in a
            row with at least five 5xx responses each. A gRPC error is HTTP 200 with the code in the trailer
            `grpc-status`, which does not count: use *alarms*
            (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#responses). By default 5; `None` for no
            such alarm.
        alarms: Your alarms; `FargateService.rollback_on` adds alarms on the service's own metrics. By default
            none.

    Raises:
        ValueError: If a number is out of its range.
    """

    failed_tasks: int | None = None
    error_percent: int | None = 5
    alarms: Sequence[cloudwatch.IAlarm] = ()

    def __post_init__(self) -> None:
        """Refuse numbers that are out of range."""
        validate_range("failed_tasks", self.failed_tasks, 1)
        percent = self.error_percent
        if percent is not None and not is_unresolved(percent) and percent not in range(1, 101):
            raise ValueError(f"error_percent must be 1 to 100, or None for no alarm, got: {percent}")

    def _threshold(self) -> Mapping[str, Any]:
        """Return the circuit breaker's threshold for CloudFormation."""
        return HALF_OF_THE_TASKS if self.failed_tasks is None else {"Type": "COUNT", "Value": self.failed_tasks}


class RollbackAlarms(Construct):
    """The alarms by which ECS watches a service's deployments."""

    def __init__(self, scope: Construct, id: str, *, service: ecs.CfnService, rollback: Rollback) -> None:
        super().__init__(scope, id)

        self._service = service
        self._rollback = rollback
        self._path = path_of(scope)
        self._names: list[str] = []
        self.all: list[cloudwatch.IAlarm] = []
        self._has_own = False
        self._is_checked = False
        for alarm in rollback.alarms:
            self.add(alarm)

    def add(self, alarm: cloudwatch.IAlarm) -> None:
        """Let an alarm end the service's deployments; refuse one that depends on a service, unless it has a name."""
        self._adopt(alarm, name=self._name_of(alarm))
        self._write()
        if not self._is_checked:  # the template shows what the alarm gets later, such as an action
            self._is_checked = True
            TemplateChecks.add(self, self._check)

    def watch(
        self, target_groups: Sequence[elbv2.ApplicationTargetGroup], *, grace_period: Duration, place: str = ""
    ) -> None:
        """Let 5xx responses, and tasks that stay unhealthy, end the service's deployments.

        The place says which port or endpoint the target groups are for, if they are not the service's first.
        """
        suffix = f" at {place}" if place else ""
        groups = [target_group.metrics for target_group in target_groups]
        if (percent := self._rollback.error_percent) is not None:
            rate = error_percent(groups, min_errors=MIN_ERRORS, period=_minute())
            meaning = f"{percent} % of answers{suffix} are 5xx"
            self._watch(f"Errors{suffix}", rate, threshold=percent, minutes=2, meaning=meaning)
        unhealthy = [each.unhealthy_host_count(statistic="Maximum", period=_minute()) for each in groups]
        meaning = f"a task stays unhealthy{suffix}"
        self._watch_unhealthy(f"Unhealthy{suffix}", unhealthy, grace_period, meaning=meaning)
        self._write()

    def watch_listener(
        self, id: str, target_groups: Sequence[elbv2.NetworkTargetGroup], *, grace_period: Duration
    ) -> None:
        """Let tasks that stay unhealthy end the service's deployments.

        There is no alarm on resets: AWS counts them by load balancer, not by target group, and clients and servers also
        end good connections so
        (https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-cloudwatch-metrics.html).
        """
        metrics = [each.metrics.un_healthy_host_count(statistic="Maximum", period=_minute()) for each in target_groups]
        self._watch_unhealthy(f"Unhealthy{id}", metrics, grace_period, meaning=f"a task stays unhealthy at {id}")
        self._write()

    def _watch_unhealthy(
        self, id: str, counts: Sequence[cloudwatch.Metric], grace_period: Duration, *, meaning: str
    ) -> None:
        tasks = total("unhealthy", counts, label="unhealthy tasks", period=_minute())
        # A new task may fail its checks for the grace period, and its replacement takes up to a minute.
        seconds = seconds_of(grace_period)
        minutes = math.ceil((MAX_GRACE_PERIOD if seconds is None else seconds) / 60) + 1
        self._watch(id, tasks, threshold=1, minutes=minutes, meaning=meaning)

    def _watch(self, id: str, metric: cloudwatch.IMetric, *, threshold: int, minutes: int, meaning: str) -> None:
        if not self._has_own:
            self._has_own = True
            acknowledge(self, {"CloudWatchAlarmAction": "ECS acts on it: it rolls a deployment back."})
        alarm = threshold_alarm(self, id, metric, f"{self._path}: {meaning}", threshold=threshold, periods=minutes)
        # Metrics of a target group depend on no service, so there is no need to search the stack.
        self._adopt(alarm, name=alarm.alarm_name)

    def _adopt(self, alarm: cloudwatch.IAlarm, *, name: str) -> None:
        self._names.append(name)
        self.all.append(alarm)

    def _name_of(self, alarm: cloudwatch.IAlarm) -> str:
        """Return the alarm's name for the service's template."""
        resource = alarm.node.default_child
        if not isinstance(resource, (cloudwatch.CfnAlarm, cloudwatch.CfnCompositeAlarm)):
            return alarm.alarm_name
        stack = Stack.of(alarm)
        if stack is Stack.of(self) and not _depends_on_service(resource, stack):
            return alarm.alarm_name
        if stack.resolve(resource.alarm_name) is not None:
            return str(resource.alarm_name)
        raise ValueError(
            "an alarm of another stack, or with a service in its metrics, actions or texts, needs an alarm_name, got: "
            f"{alarm.node.path} without; in the template the service would need the alarm, and the alarm the service",
        )

    def _check(self, templates: Templates) -> Iterator[PolicyViolation]:
        """Yield a violation if the service depends on an alarm that depends on the service.

        https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html#troubleshooting-errors-dependency
        """
        cycle = [templates.path(place) for place in _cycle(templates, self._service)]
        if cycle:
            yield violation(
                "circularDependency",
                self._path,
                f"{self._path} and its dependencies must not depend on each other, got: {' -> '.join(cycle)}",
                fix="give the alarm an alarm_name that does not hold the service's, and call rollback_on when it has "
                "its actions and its description",
            )

    def _write(self) -> None:
        # The whole list each time: the L2 keeps the first list only (aws-cdk#36308).
        alarms = {"AlarmNames": list(self._names), "Enable": True, "Rollback": True}
        self._service.add_property_override("DeploymentConfiguration.Alarms", alarms)


@cache
def _minute() -> Duration:
    """Return the period of the load balancer's metrics.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
    """
    return Duration.minutes(1)


def _depends_on_service(alarm: CfnResource, stack: Stack) -> bool:
    """Whether an alarm refers to an ECS service of the stack, by its metrics, actions or texts."""
    resources = [cast(CfnResource, each) for each in stack.node.find_all() if CfnResource in type(each).__mro__]
    by_name = _by_logical_id(stack, [each for each in resources if isinstance(each, ecs.CfnService)])
    reached = [alarm]
    for each in reached:
        if isinstance(each, ecs.CfnService):
            return True
        inspector = TreeInspector()
        if isinstance(each, CfnResource) and hasattr(each, "inspect"):
            each.inspect(inspector)
        written = json.dumps(stack.resolve(inspector.attributes))
        names = REFERENCE.findall(written)
        if not by_name.keys() >= {*names}:  # Node.js is asked for all others only now
            by_name = _by_logical_id(stack, resources)
        found = (by_name.get(name) for name in names)
        reached.extend(other for other in dict.fromkeys(found) if other and other not in reached)
    return False


def _by_logical_id(stack: Stack, resources: Sequence[CfnResource]) -> dict[str, CfnResource]:
    return dict(zip(stack.resolve([each.logical_id for each in resources]), resources, strict=True))


def _cycle(templates: Templates, service: ecs.CfnService) -> list[Place]:
    """Return the resources of a finished template by which a service depends on itself, from the service on."""
    stack = Stack.of(service)
    start = Place(stack, stack.resolve(service.logical_id))
    paths = {start: [start]}
    for here in (queue := [start]):
        resource = templates.resource(here)
        depends_on = resource.get("DependsOn", [])
        names = [Place(stack, name) for name in ([depends_on] if isinstance(depends_on, str) else depends_on)]
        for other in (*names, *templates.references(stack, resource.get("Properties"))):
            if other == start:
                return [*paths[here], start]
            if other.stack is stack and other not in paths:
                paths[other] = [*paths[here], other]
                queue.append(other)
    return []
