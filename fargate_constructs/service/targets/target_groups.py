"""The listener rules and target groups of a service."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, cast
from weakref import WeakKeyDictionary

from aws_cdk import Annotations, Duration, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct, IConstruct

from fargate_constructs._core.construct_paths import path_of
from fargate_constructs._core.environment_checks import may_be_same_vpc
from fargate_constructs._core.validation import MAX_VALUES_PER_RULE, validate_range, validate_seconds
from fargate_constructs.service.adopted_service import AdoptedService
from fargate_constructs.service.deployments.deployment import Deployment
from fargate_constructs.service.targets.attached_target_groups import attach
from fargate_constructs.service.targets.health import Health
from fargate_constructs.service.targets.load_balancing import LoadBalancing, validate_shared

# The ID by which the warning can be acknowledged.
SIGN_IN = "fargate-constructs:signInWhileShifting"

# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html
MIN_SHARES, MAX_SHARES = 2, 5
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-action-types.html
MAX_WEIGHT = 999
MAX_STICKINESS_SECONDS = 604_800

# The VPC of each listener's load balancer: Node.js is asked for it once, not for each service.
_VPCS: WeakKeyDictionary[elbv2.ApplicationListener, ec2.IVpc | None] = WeakKeyDictionary()


class ServiceRoutes(Construct):
    """A service's listener rules and target groups. The arguments are those of `FargateService`.

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
        container_name: str,
        port: int,
        protocol: elbv2.ApplicationProtocol,
        protocol_version: elbv2.ApplicationProtocolVersion,
        vpc: ec2.IVpc,
        health: Health,
        deployment: Deployment,
        load_balancing: LoadBalancing | None,
        adopted: AdoptedService,
    ) -> None:
        super().__init__(scope, id)

        self._service = service
        self._container_name = container_name
        self._port = port
        self._protocol = protocol
        self._version = protocol_version
        self._vpc = vpc
        self._health = health
        self._deployment = deployment
        self._load_balancing = load_balancing
        self._rules = Construct(self, "Rules")
        self._ids: set[str] = set()
        self.target_group = self._make_target_group("TargetGroup", adopted)
        self._alternate = self._make_target_group("Alternate") if deployment._has_two_target_groups else None
        self.is_attached = False
        """Whether there is a rule."""
        self._listener: elbv2.ApplicationListener | None = None

    @property
    def target_groups(self) -> list[elbv2.ApplicationTargetGroup]:
        """The target groups: two if there is a second one, to which deployments move requests."""
        return [self.target_group, *([self._alternate] if self._alternate else [])]

    def add_rule(
        self,
        id: str,
        *,
        listener: elbv2.IApplicationListener,
        priority: int,
        conditions: Sequence[elbv2.ListenerCondition],
        test_priority: int | None = None,
        authenticate: Callable[[elbv2.ListenerAction], elbv2.ListenerAction] | None = None,
        transforms: Sequence[elbv2.CfnListenerRule.TransformProperty] = (),
        weights: Mapping["ServiceRoutes", int] | None = None,
        stickiness_duration: Duration | None = None,
    ) -> elbv2.ApplicationListenerRule:
        """Add a listener rule, and that of test traffic. With two target groups a service has one rule."""
        sharing = [self, *(each for each in weights or {} if each is not self)]
        self._validate_rule(id)
        for routes in sharing:
            if weights:
                routes._validate_share(id, self, stickiness_duration)
            routes._validate_listener(id, listener)
        header = self._deployment.test_header
        test_priority = test_priority or (_before(priority) if header else 0)
        if header:
            _validate_values(id, conditions)
        if authenticate and self._deployment._shifts_traffic:
            self._warn_of_sign_in(id)
        authenticate = authenticate or (lambda action: action)
        make_rule = partial(elbv2.ApplicationListenerRule, self._rules, listener=listener)
        forward = self._forward_by_weight(id, weights, stickiness_duration) if weights else self._forward()
        rule = make_rule(id, priority=priority, conditions=list(conditions), action=authenticate(forward))
        test_rule = None
        if header:
            name, value = header
            test_rule = make_rule(
                f"{id}Test",
                priority=test_priority,
                conditions=[*conditions, elbv2.ListenerCondition.http_header(name, [value])],
                action=authenticate(self._forward()),
            )
        if transforms:
            for each in filter(None, (rule, test_rule)):
                cast("elbv2.CfnListenerRule", each.node.default_child).transforms = list(transforms)
        for routes in sharing:
            if not routes.is_attached:
                routes._attach(rule, test_rule)
        self._ids.add(id)
        return rule

    def _validate_rule(self, id: str) -> None:
        if id in self._ids:
            service = path_of(self).rpartition("/")[0]
            raise ValueError(f"id must differ from the service's other routes, got: {id!r} again of {service}")
        if self.is_attached and self._alternate:
            raise ValueError(
                f"a service deployed {self._deployment.strategy.value} with two target groups has one route, got "
                f"another: {id!r}; list all hosts and paths in one",
            )

    def _warn_of_sign_in(self, id: str) -> None:
        # AWS's German and Spanish pages have this limit, and the English page has not:
        # https://docs.aws.amazon.com/es_es/AmazonECS/latest/developerguide/alb-resources-for-blue-green.html
        Annotations.of(self._service).add_warning_v2(
            SIGN_IN,
            f"route {id!r} asks callers to sign in, and some of AWS's pages say that a "
            f"{self._deployment.strategy.value.lower()} deployment fails if its rule does more than forward: try "
            "one before you rely on it, or deploy with Deployment.rolling()",
        )

    def _validate_listener(self, id: str, listener: elbv2.IApplicationListener) -> None:
        if not isinstance(listener, elbv2.ApplicationListener):
            return  # an imported one has neither
        first = self._listener or listener
        # By their paths: Python gets a new object for the same L2 when another L2 made it.
        if first is not listener and (other := path_of(listener.load_balancer)) != path_of(first.load_balancer):
            raise ValueError(
                f"a target group serves one load balancer, got route {id!r} of {other} beside one of "
                f"{path_of(first.load_balancer)}; make a second service for it",
            )
        # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-target-groups.html
        http1 = elbv2.ApplicationProtocolVersion.HTTP1
        if self._version is not http1 and listener.protocol is not elbv2.ApplicationProtocol.HTTPS:
            raise ValueError(
                f"a listener of plain HTTP cannot forward {self._version.value}, got route {id!r} of "
                f"{listener.node.path}; give the endpoint a certificate, or the service no protocol_version",
            )
        if self._listener is None:
            self._validate_vpc(id, listener)
        self._listener = first

    def _validate_vpc(self, id: str, listener: elbv2.ApplicationListener) -> None:
        if listener not in _VPCS:
            _VPCS[listener] = listener.load_balancer.vpc
        vpc = _VPCS[listener]
        if vpc and not may_be_same_vpc(self._vpc, vpc):
            raise ValueError(
                f"a service and its endpoint must be in the same network, got route {id!r} to {path_of(self._service)} "
                f"and {path_of(listener.load_balancer)} in two; pass the same network to both",
            )

    def _validate_share(self, id: str, owner: "ServiceRoutes", stickiness_duration: Duration | None) -> None:
        """Refuse to get a share of the requests of another service's rule."""
        name = path_of(self._service).rpartition("/")[0]
        if self._alternate:
            raise ValueError(
                f"ECS moves the weights of a service with two target groups, so it cannot share route {id!r}, got: "
                f"{name}, deployed {self._deployment.strategy.value}; deploy it with Deployment.rolling()",
            )
        validate_shared(self._load_balancing, name, stickiness_duration)
        if not self.is_attached and Stack.of(self) is not Stack.of(owner):
            # Its tasks start after a rule with its target group, and the rule is made after its target group.
            raise ValueError(
                f"a service in another stack than the first one of route {id!r} needs a route of its own before, got: "
                f"{name}; add one for tests, such as with headers={{'x-version': ['next']}}",
            )

    def _forward_by_weight(
        self, id: str, weights: Mapping["ServiceRoutes", int], stickiness_duration: Duration | None
    ) -> elbv2.ListenerAction:
        groups = [
            elbv2.WeightedTargetGroup(target_group=self._target_group_of(routes, f"{id}{number}"), weight=weight)
            for number, (routes, weight) in enumerate(weights.items())
        ]
        return elbv2.ListenerAction.weighted_forward(groups, stickiness_duration=stickiness_duration)

    def _target_group_of(self, routes: "ServiceRoutes", id: str) -> elbv2.IApplicationTargetGroup:
        """Return the target group of a service. In another stack the service must not wait for the rule."""
        if Stack.of(routes) is Stack.of(self):
            return routes.target_group
        return elbv2.ApplicationTargetGroup.from_target_group_attributes(
            self, id, target_group_arn=routes.target_group.target_group_arn
        )

    def _forward(self) -> elbv2.ListenerAction:
        if self._alternate is None:
            return elbv2.ListenerAction.forward([self.target_group])
        return elbv2.ListenerAction.weighted_forward(
            [
                elbv2.WeightedTargetGroup(target_group=self.target_group, weight=100),
                elbv2.WeightedTargetGroup(target_group=self._alternate, weight=0),
            ],
        )

    def _attach(self, rule: elbv2.ApplicationListenerRule, test_rule: elbv2.ApplicationListenerRule | None) -> None:
        of_rule = ecs.ListenerRuleConfiguration.application_listener_rule
        attach(
            self._service,
            self.target_groups,
            container_name=self._container_name,
            port=self._port,
            production=of_rule(rule),
            test=of_rule(test_rule) if test_rule else None,
            path=path_of(rule),
            deployment=self._deployment,
        )
        self.is_attached = True

    def _make_target_group(self, id: str, adopted: AdoptedService | None = None) -> elbv2.ApplicationTargetGroup:
        return elbv2.ApplicationTargetGroup(
            self,
            id,
            vpc=self._vpc,
            target_group_name=adopted.target_group_name if adopted else None,
            # By default none: ECS registers each task with the container's port, and another port here would replace
            # the group.
            port=adopted.target_group_port if adopted else None,
            protocol=self._protocol,
            # Not the default value: a template that adds it later would replace the group.
            protocol_version=None if self._version is elbv2.ApplicationProtocolVersion.HTTP1 else self._version,
            target_type=elbv2.TargetType.IP,
            deregistration_delay=self._health.deregistration_delay,
            health_check=self._health.target_check(self._protocol, self._version),
            **(self._load_balancing._target_group_options() if self._load_balancing else {}),
        )


def _before(priority: int) -> int:
    if priority < 2:  # noqa: PLR2004 - the test traffic's rule has a lower one
        raise ValueError(f"priority must be at least 2 to leave room for the test traffic's rule, got: {priority}")
    return priority - 1


def _validate_values(id: str, conditions: Sequence[elbv2.ListenerCondition]) -> None:
    values = sum(map(_count_values, conditions)) + 1
    if values > MAX_VALUES_PER_RULE:
        raise ValueError(
            f"a rule holds {MAX_VALUES_PER_RULE} values, and the test traffic's has one more than route {id!r}, "
            f"got: {values}; list fewer hosts or paths",
        )


def _count_values(condition: elbv2.ListenerCondition) -> int:
    """Return the number of values in a condition."""
    (configuration,) = (value for key, value in condition.render_raw_condition().items() if key != "field")
    return len(configuration.get("values") or configuration["regexValues"])


def validate_weights(
    service: IConstruct, weights: Mapping[Any, int] | None, stickiness_duration: Duration | None
) -> None:
    """Refuse weights that AWS would refuse, and those of other services than the rule's."""
    if weights is None:
        if stickiness_duration is not None:
            raise ValueError("stickiness_duration needs several services with weights; leave it out")
        return
    if not MIN_SHARES <= len(weights) <= MAX_SHARES:
        raise ValueError(f"weights must be of {MIN_SHARES} to {MAX_SHARES} services, got: {len(weights)}")
    if service not in weights:
        raise ValueError(f"weights must have one of the rule's service, {path_of(service)}, got those of others only")
    for each, weight in weights.items():
        validate_range(f"the weight of {path_of(each)}", weight, 0, MAX_WEIGHT)
    if not any(weights.values()):
        raise ValueError("weights must not be 0 for every service: callers would get 503; give one of them 100")
    validate_seconds("stickiness_duration", stickiness_duration, 1, MAX_STICKINESS_SECONDS)
