"""Target groups that a service has beside those of its routes, such as by `listener.add_targets(...)`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from weakref import WeakKeyDictionary

from aws_cdk import Annotations, Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import IConstruct

from fargate_constructs._core.construct_paths import stack_of
from fargate_constructs._core.lazy_cdk import aws_cloudwatch as cloudwatch
from fargate_constructs._core.synthesis_checks import check_at_synthesis

DRAIN = "deregistration_delay.timeout_seconds"
# The warning's ID, for `Annotations.acknowledge_warning`.
UNWATCHED = "fargate-constructs:unwatchedTargetGroup"


class UnwatchedTargetGroups:
    """Warns of each target group without the drain time, the checks and the rollback alarms that those of routes have.

    The construct gets the warnings. Routes may be added later, and alarms that end the service's deployments, too.
    """

    def __init__(
        self,
        construct: IConstruct,
        service: ecs.CfnService,
        *,
        own: Callable[[], Sequence[elbv2.ITargetGroup]],
        alarms: Sequence[cloudwatch.IAlarm],
    ) -> None:
        self._construct = construct
        self._service = service
        self._own = own
        self._alarms = alarms
        stack = stack_of(construct)
        if stack not in _SERVICES:
            _SERVICES[stack] = []
            check_at_synthesis(stack, partial(_warn_of, stack))
        _SERVICES[stack].append(self)

    def references(self) -> dict[str, object]:
        """Return the service's load balancers and the target groups of its routes, not resolved."""
        return {"load_balancers": self._service.load_balancers, "own": [each.target_group_arn for each in self._own()]}

    def warn(self, own: Sequence[object], load_balancers: Sequence[Mapping[str, object]] = ()) -> None:
        """Warn of target groups that are not those of routes."""
        stack = stack_of(self._construct)
        arns = [each["targetGroupArn"] for each in load_balancers]
        others = [arn for arn in arns if arn not in own]
        if not others:
            return
        made = [each for each in stack.node.root.node.find_all() if isinstance(each, elbv2.CfnTargetGroup)]
        by_arn = {json.dumps(arn): each for arn, each in zip(stack.resolve([x.ref for x in made]), made, strict=True)}
        for arn in others:
            target_group = by_arn.get(json.dumps(arn))
            lacks = list(self._lacks(target_group)) if target_group else ["settings that can be read here"]
            if lacks:
                name = target_group.node.path if target_group else json.dumps(arn)
                Annotations.of(self._construct).add_warning_v2(
                    UNWATCHED,
                    f"a target group of {self._construct.node.path} has no {', no '.join(lacks)}, got: {name}; give it "
                    "deregistration_delay=service.health.deregistration_delay and "
                    "health_check=service.health.target_check(), and pass an alarm on it to service.rollback_on()",
                )

    def _lacks(self, target_group: elbv2.CfnTargetGroup) -> Iterator[str]:
        stack = Stack.of(target_group)
        attributes = stack.resolve(target_group.target_group_attributes) or []
        if DRAIN not in [each["key"] for each in attributes]:
            yield "drain time"
        if stack.resolve(target_group.health_check_interval_seconds) is None:
            yield "health check"
        if not any(_is_on(alarm, target_group) for alarm in self._alarms):
            yield "alarm that rolls back"


_SERVICES: WeakKeyDictionary[Stack, list[UnwatchedTargetGroups]] = WeakKeyDictionary()


def _warn_of(stack: Stack) -> Sequence[str]:
    """Warn for all services of a stack: one call from Node.js to Python for each takes longer. Return no error."""
    services = _SERVICES[stack]
    references = stack.resolve([each.references() for each in services])
    for service, resolved in zip(services, references, strict=True):
        service.warn(**resolved)
    return ()


def _is_on(alarm: cloudwatch.IAlarm, target_group: elbv2.CfnTargetGroup) -> bool:
    """Whether an alarm is on the metrics of a target group; False for an imported alarm."""
    resource = alarm.node.default_child
    if not isinstance(resource, cloudwatch.CfnAlarm):
        return False
    stack = Stack.of(resource)
    written = json.dumps(stack.resolve([resource.dimensions, resource.metrics]))
    return json.dumps(stack.resolve(target_group.attr_target_group_full_name)) in written
