"""The listener rules and target groups of a service."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

from aws_cdk import Annotations, Duration, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct

from fargate_constructs._core.construct_paths import keep_place, path_of, stack_of
from fargate_constructs._core.rule_ports import tcp_port
from fargate_constructs.service.adopted_service import AdoptedService
from fargate_constructs.service.deployments.deployment import Deployment
from fargate_constructs.service.targets.attached_target_groups import (
    attach,
    tasks_of,
    validate_number_of_target_groups,
    validate_same_network,
)
from fargate_constructs.service.targets.balancers import balancer_of
from fargate_constructs.service.targets.load_balancing import validate_shared
from fargate_constructs.service.targets.port_options import OptionsByPort, PortOptions
from fargate_constructs.service.targets.ports import Port, TaskPorts
from fargate_constructs.service.targets.repeated_rules import remove_repeated_rules
from fargate_constructs.service.targets.rule_checks import priority_before, validate_values

# The ID by which the warning can be acknowledged.
SIGN_IN = "fargate-constructs:signInWhileShifting"
HTTP1 = elbv2.ApplicationProtocolVersion.HTTP1


@dataclass(eq=False)
class TargetGroups:
    """The target groups of one port at one load balancer: two if deployments shift requests."""

    port: Port
    check_port: Port
    options: PortOptions
    place: tuple[str, ...]
    """The IDs of the scopes above them; none for a service's first port at its first load balancer."""
    all: list[elbv2.ApplicationTargetGroup] = field(default_factory=list)
    is_attached: bool = False
    """Whether there is a rule."""


class ServiceRoutes(Construct):
    """A service's listener rules and target groups. The arguments are those of `FargateService`.

    A target group serves one load balancer and gets one port, so there is one for each pair of them. The first load
    balancer of a port leaves no trace in the IDs, because most services have one only.

    A rolling deployment has one target group. The other strategies have two. At each deployment ECS moves the requests
    between them: it changes the weights of the rule. So the group with weight 0 in the template may be the one with the
    tasks, and CloudFormation must not write the rule then (https://github.com/aws/aws-cdk/issues/36649). A rolling
    deployment with both groups puts each task into both, so that CloudFormation may write the rule.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        service: ecs.FargateService,
        ports: TaskPorts,
        options: OptionsByPort,
        vpc: ec2.IVpc,
        deployment: Deployment,
        adopted: AdoptedService,
        other_target_groups: Callable[[], int],
        on_attached: Callable[[TargetGroups], None],
    ) -> None:
        super().__init__(scope, id)
        keep_place(self, scope, id)

        self._service = service
        self._ports = ports
        self._options = options
        self._vpc = vpc
        self._deployment = deployment
        self._other_target_groups = other_target_groups
        self._on_attached = on_attached
        self._rules = Construct(self, "Rules")
        self._ids: set[str] = set()
        self._adopted = adopted
        self._targets: dict[tuple[str, str], TargetGroups] = {}
        self._made_elsewhere: list[elbv2.IApplicationListener] = []

    @property
    def target_groups(self) -> list[elbv2.ApplicationTargetGroup]:
        """The target groups of all ports and load balancers."""
        return [each for target in self._targets.values() for each in target.all]

    @property
    def targets(self) -> Mapping[str, Sequence[TargetGroups]]:
        """The target groups of each load balancer, by its key."""
        keys = dict.fromkeys(key for key, _ in self._targets)
        return {each: [target for (key, _), target in self._targets.items() if key == each] for each in keys}

    def add_rule(
        self,
        id: str,
        *,
        listener: elbv2.IApplicationListener,
        priority: int,
        conditions: Sequence[elbv2.ListenerCondition],
        port: str = "",
        test_priority: int | None = None,
        authenticate: Callable[[elbv2.ListenerAction], elbv2.ListenerAction] | None = None,
        transforms: Sequence[elbv2.CfnListenerRule.TransformProperty] = (),
        weights: Mapping[ServiceRoutes, int] | None = None,
        stickiness_duration: Duration | None = None,
    ) -> elbv2.ApplicationListenerRule:
        """Add a listener rule, and that of test traffic. With two target groups a port has one at a load balancer."""
        if id in self._ids:
            raise ValueError(f"id must differ from the service's other routes, got: {id!r} again of {self._path}")
        targets = {routes: routes._target_at(id, listener, port) for routes in (self, *(weights or {}))}
        for routes, target in targets.items():
            if weights:
                routes._validate_share(id, self, target, stickiness_duration)
            routes._validate_target(id, listener, target, signs_in=authenticate is not None)
        header = self._deployment.test_header
        if header:
            test_priority = test_priority or priority_before(priority)
            validate_values(id, conditions)
        if authenticate and self._deployment._shifts_traffic:
            self._warn_of_sign_in(id)
        for routes, target in targets.items():
            routes._make_target_groups(listener, target)
        make_rule = partial(self._make_rule, listener=listener, transforms=transforms)
        answer = forward = _forward(targets[self], authenticate)
        if weights:
            action = self._forward_by_weight(id, weights, targets, stickiness_duration)
            answer = {"action": authenticate(action) if authenticate else action}
        rule = make_rule(id, priority=priority, conditions=list(conditions), **answer)
        test_rule = None
        if header:
            of_test = [*conditions, elbv2.ListenerCondition.http_header(header[0], [header[1]])]
            test_rule = make_rule(f"{id}Test", priority=test_priority, conditions=of_test, **forward)
        for routes, target in targets.items():
            routes._attach(target, rule, test_rule)
            routes._remove_repeated_rules(listener)
        self._ids.add(id)
        return rule

    def _make_rule(
        self,
        id: str,
        *,
        transforms: Sequence[elbv2.CfnListenerRule.TransformProperty],
        **arguments: Any,  # noqa: ANN401
    ) -> elbv2.ApplicationListenerRule:
        rule = elbv2.ApplicationListenerRule(self._rules, id, **arguments)
        if transforms:
            cast("elbv2.CfnListenerRule", rule.node.default_child).transforms = list(transforms)
        return rule

    @property
    def _path(self) -> str:
        return path_of(self).rpartition("/")[0]

    def _target_at(self, id: str, listener: elbv2.IApplicationListener, name: str) -> TargetGroups:
        """Return the target groups of a port at the load balancer of a listener; new ones are not made yet."""
        port = self._ports.find(name, "a route")
        options = self._options.of(port.name)
        checked = options.health.port
        check_port = port if checked is None else self._ports.find(checked, "a check", argument="port of health")
        if port.is_udp:
            raise ValueError(
                f"a route needs a TCP port, got route {id!r} to {port.name!r} of {self._path}, mapped as UDP"
            )
        if check_port.is_udp:
            raise ValueError(
                f"a load balancer checks no health over UDP, got {check_port.name!r} for route {id!r}; name another "
                f"port in the health of {port.name!r}"
            )
        balancer = balancer_of(listener)
        if found := self._targets.get((balancer.key, port.name)):
            return found
        is_first_port = port.is_main and port == self._ports.find("", "a route")
        is_first_balancer = port.name not in [name for _, name in self._targets]
        place = (
            *(() if is_first_balancer else (f"At {balancer.id_for(self)}",)),
            *(() if is_first_port else (port.name,)),
        )
        return TargetGroups(port, check_port, options, place)

    def _validate_target(
        self, id: str, listener: elbv2.IApplicationListener, target: TargetGroups, *, signs_in: bool
    ) -> None:
        strategy, version = self._deployment.strategy.value, target.options.protocol_version
        if target.is_attached and len(target.all) > 1:
            raise ValueError(
                f"a service deployed {strategy} with two target groups has one route to a port at a load balancer, got "
                f"another: {id!r} of {self._path}; list all hosts and paths in one",
            )
        # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-target-groups.html
        if version is not HTTP1 and _is_plain(listener):
            raise ValueError(
                f"a listener of plain HTTP cannot forward {version.value}, got route {id!r} of "
                f"{listener.node.path}; give the endpoint a certificate, or the service no protocol_version",
            )
        # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-action-types.html
        if version is not HTTP1 and signs_in:
            raise ValueError(
                f"a rule only forwards requests to {version.value}, got route {id!r} of {self._path} with sign_in; let "
                "the service check who calls, or give it no protocol_version",
            )
        if not target.all:
            balancer = balancer_of(listener)
            validate_same_network(f"route {id!r}", self._path, self._vpc, balancer.key, balancer.vpc)
            count = len(self.target_groups) + 1 + self._deployment._has_two_target_groups
            validate_number_of_target_groups(self._path, count + self._other_target_groups())

    def _warn_of_sign_in(self, id: str) -> None:
        # AWS's German and Spanish pages have this limit, and the English page has not:
        # https://docs.aws.amazon.com/es_es/AmazonECS/latest/developerguide/alb-resources-for-blue-green.html
        Annotations.of(self._service).add_warning_v2(
            SIGN_IN,
            f"route {id!r} asks callers to sign in, and some of AWS's pages say that a "
            f"{self._deployment.strategy.value.lower()} deployment fails if its rule does more than forward: try "
            "one before you rely on it, or deploy with Deployment.rolling()",
        )

    def _validate_share(
        self, id: str, owner: ServiceRoutes, target: TargetGroups, stickiness_duration: Duration | None
    ) -> None:
        """Refuse to get a share of the requests of another service's rule."""
        if self._deployment._has_two_target_groups:
            raise ValueError(
                f"ECS moves the weights of a service with two target groups, so it cannot share route {id!r}, got: "
                f"{self._path}, deployed {self._deployment.strategy.value}; deploy it with Deployment.rolling()",
            )
        validate_shared(target.options.load_balancing, self._path, stickiness_duration)
        if not target.is_attached and Stack.of(self) is not Stack.of(owner):
            # Its tasks start after a rule with its target group, and the rule is made after its target group.
            raise ValueError(
                f"a service in another stack than the first one of route {id!r} needs a route of its own before, got: "
                f"{self._path}; add one for tests, such as with headers={{'x-version': ['next']}}",
            )

    def _forward_by_weight(
        self,
        id: str,
        weights: Mapping[ServiceRoutes, int],
        targets: Mapping[ServiceRoutes, TargetGroups],
        stickiness_duration: Duration | None,
    ) -> elbv2.ListenerAction:
        groups = [
            elbv2.WeightedTargetGroup(
                target_group=self._target_group_of(targets[routes], f"{id}{number}"), weight=weight
            )
            for number, (routes, weight) in enumerate(weights.items())
        ]
        return elbv2.ListenerAction.weighted_forward(groups, stickiness_duration=stickiness_duration)

    def _target_group_of(self, target: TargetGroups, id: str) -> elbv2.IApplicationTargetGroup:
        """Return the target group of a service. In another stack the service must not wait for the rule."""
        (group,) = target.all
        if stack_of(group) is stack_of(self):
            return group
        return elbv2.ApplicationTargetGroup.from_target_group_attributes(
            self, id, target_group_arn=group.target_group_arn
        )

    def _make_target_groups(self, listener: elbv2.IApplicationListener, target: TargetGroups) -> None:
        if target.all:
            return
        scope: Construct = self
        for each in target.place:
            scope = cast("Construct | None", scope.node.try_find_child(each)) or Construct(scope, each)
        names = ("TargetGroup", "Alternate")[: 1 + self._deployment._has_two_target_groups]
        target.all = [self._make_target_group(scope, name, target) for name in names]
        self._targets[balancer_of(listener).key, target.port.name] = target

    def _make_target_group(self, scope: Construct, id: str, target: TargetGroups) -> elbv2.ApplicationTargetGroup:
        options, version = target.options, target.options.protocol_version
        check_port = None if target.check_port == target.port else target.check_port.number
        adopted = self._adopted if id == "TargetGroup" and not target.place else None
        return elbv2.ApplicationTargetGroup(
            scope,
            id,
            vpc=self._vpc,
            target_group_name=adopted.target_group_name if adopted else None,
            # By default none: ECS registers each task with the container's port, and another port here would replace
            # the group.
            port=adopted.target_group_port if adopted else None,
            protocol=options.protocol,
            # Not the default value: a template that adds it later would replace the group.
            protocol_version=None if version is HTTP1 else version,
            target_type=elbv2.TargetType.IP,
            # If deployments shift traffic, the tasks come later: ECS must know the rule.
            targets=None if self._deployment._shifts_traffic else [tasks_of(self._service, target.port)],
            deregistration_delay=options.health.deregistration_delay,
            health_check=options.health._target_check(options.protocol, version, check_port),
            **(options.load_balancing._target_group_options() if options.load_balancing else {}),
        )

    def _attach(
        self, target: TargetGroups, rule: elbv2.ApplicationListenerRule, test_rule: elbv2.ApplicationListenerRule | None
    ) -> None:
        if target.is_attached:
            return
        if self._deployment._shifts_traffic:
            attach(
                self._service,
                target.all,
                port=target.port,
                production=rule,
                test=test_rule,
                deployment=self._deployment,
            )
        if target.check_port != target.port:
            target.all[0].register_connectable(self._service, tcp_port(target.check_port.number))
        target.is_attached = True
        self._on_attached(target)

    def _remove_repeated_rules(self, listener: elbv2.IApplicationListener) -> None:
        """Remove the rules of a listener made elsewhere that another import of its security group has already."""
        if isinstance(listener, elbv2.ApplicationListener):
            return
        if listener not in self._made_elsewhere:
            self._made_elsewhere.append(listener)
        if len(self._made_elsewhere) > 1:
            remove_repeated_rules([*self._made_elsewhere, self._service])


def _is_plain(listener: elbv2.IApplicationListener) -> bool:
    return isinstance(listener, elbv2.ApplicationListener) and listener.protocol is elbv2.ApplicationProtocol.HTTP


def _forward(
    target: TargetGroups, authenticate: Callable[[elbv2.ListenerAction], elbv2.ListenerAction] | None
) -> dict[str, Any]:
    """Return the arguments by which a rule forwards requests, after a sign-in if there is one."""
    if len(target.all) == 1:
        if authenticate is None:  # the L2 makes the action
            return {"target_groups": target.all}
        return {"action": authenticate(elbv2.ListenerAction.forward(target.all))}
    weighted = elbv2.WeightedTargetGroup
    weights = [weighted(target_group=each, weight=weight) for each, weight in zip(target.all, (100, 0), strict=True)]
    action = elbv2.ListenerAction.weighted_forward(weights)
    return {"action": authenticate(action) if authenticate else action}
