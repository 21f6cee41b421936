"""Which service answers which request."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Protocol, cast

import jsii
from aws_cdk import Annotations, IStableNumberProducer, Lazy
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct, IValidation, Node

from fargate_constructs._core.app_singleton import app_singleton
from fargate_constructs._core.arguments import checked
from fargate_constructs._core.construct_paths import path_of
from fargate_constructs._core.unresolved import is_known
from fargate_constructs.endpoint.conditions import Conditions
from fargate_constructs.endpoint.load_balancer_limits import check_limits
from fargate_constructs.endpoint.maintenance import PAGE, answer_503, validate_page
from fargate_constructs.endpoint.matching import RouteMatch
from fargate_constructs.endpoint.priorities import (
    MAINTENANCE_PRIORITY,
    MAX_PRIORITY,
    TEST_TRAFFIC,
    ListenerRules,
    Rule,
)
from fargate_constructs.endpoint.sign_in import SignIn, allow_identity_provider, validate_https


class RouteTarget(Protocol):
    """What a route needs of a service. `FargateService` has it."""

    @property
    def node(self) -> Node:
        """The service's node in the construct tree."""

    @property
    def test_header(self) -> tuple[str, str] | None:
        """Name and value of the header of test traffic, which reaches new tasks first. None: no test traffic."""

    @property
    def add_listener_rule(self) -> Callable[..., elbv2.ApplicationListenerRule]:
        """Makes the rule, and the one of test traffic if there is a test header: `FargateService.add_listener_rule`."""


class RoutedEndpoint(Construct):
    """A listener, and the routes of the services behind it."""

    listener: elbv2.IApplicationListener
    """The listener that the routes' rules belong to."""

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id)
        check_limits(self)

    @checked
    def add_route(
        self,
        id: str,
        *,
        service: RouteTarget,
        hosts: Sequence[str] = (),
        paths: Sequence[str] = (),
        headers: Mapping[str, Sequence[str]] | None = None,
        methods: Sequence[str] = (),
        query: Mapping[str, Sequence[str]] | None = None,
        source_ips: Sequence[str] = (),
        sign_in: SignIn | None = None,
        priority: int | None = None,
    ) -> elbv2.ApplicationListenerRule:
        """Send requests to a service. If a request matches several routes, the most specific route answers it.

        An exact host comes before a host pattern before none; then an exact path before a path pattern before none;
        then more conditions of the other kinds before fewer; docs/routes.md states the order in full. A listener rule
        holds at most 5 values, of all conditions together, and 5 wildcards: `*` for any characters, `?` for one.

        Args:
            id: The route's ID; unique among the service's routes.
            service: The service that answers. The rule and its target group become the service's children, so a stack
                with a service depends on the endpoint's stack and never the other way round.
            hosts: Host names or patterns, such as `*.example.com`. By default every host.
            paths: Path patterns, such as `/api/*` (which `/api` itself does not match). By default every path.
            headers: Values or patterns by header, such as `{"x-version": ["next"]}`. By default any, or none.
            methods: Methods, such as `GET`. By default every method.
            query: Values or patterns by key of the query string, such as `{"version": ["2"]}`. By default any, or none.
            source_ips: CIDR blocks that hold the address of the caller (or of the last proxy before the endpoint). By
                default every address.
            sign_in: How callers prove who they are. It needs an endpoint with HTTPS. By default they do not.
            priority: The priority of the listener rule, 2 to 50,000; the lowest is tried first. By default it is
                computed from the conditions, so that no route changes the priority of another.

        Raises:
            TypeError: If an argument has another type than its annotation.
            ValueError: If the service has a route of that *id* already; if a value is malformed, or known only when
                deployed and without *priority*; if one rule cannot hold them all; if a route of this listener has the
                same priority or the same conditions, or is as specific and matches a request that this route matches;
                or if *sign_in* is given to an endpoint with plain HTTP.
        """
        conditions = Conditions(
            hosts=hosts, paths=paths, headers=headers or {}, methods=methods, query=query or {}, source_ips=source_ips
        )
        conditions.validate()
        if sign_in:
            validate_https(self.listener)
        name = f"{id!r} of {path_of(service)}"
        rules = _rules_of(name, conditions, test_header=service.test_header, priority=priority)
        self._rules.validate(rules)
        priorities = [rule.priority or cast("int", Lazy.number(_Priority(self._rules, rule))) for rule in rules]
        made = service.add_listener_rule(
            id,
            listener=self.listener,
            priority=priorities[0],
            conditions=conditions.render(),
            test_priority=priorities[1] if service.test_header else None,
            authenticate=sign_in._authenticate if sign_in else None,
        )
        if sign_in:
            allow_identity_provider(self.listener)
        self._rules.add(rules)
        return made

    @checked
    def maintenance(self, *, on: bool = True, html: str = PAGE) -> elbv2.ApplicationListenerRule | None:
        """Answer every request with 503 and a page, by one rule before all routes. The routes stay as they are.

        `endpoint.maintenance(on=stack.node.try_get_context("maintenance") == "true")` is switched on by
        `cdk deploy -c maintenance=true`, and off by a deployment without it. Health checks of tasks continue meanwhile.

        Args:
            on: Whether callers get the page. `False` makes nothing.
            html: The page, at most 1,024 bytes. A load balancer's own answer has no headers but its length and type:
                `Retry-After` cannot be sent.

        Raises:
            TypeError: If *on* is not a bool: a context value given by `-c` is a string.
            ValueError: If the page is empty or too long, or there is one already.
        """
        validate_page(html)
        if self.node.try_find_child("Maintenance"):
            raise ValueError(f"{self.node.path} has a maintenance page already, got another; call maintenance once")
        return answer_503(self, self.listener, html) if on else None

    @cached_property
    def _rules(self) -> ListenerRules:
        """The rules that this app gives the listener. All endpoints of the listener share them."""
        listeners = app_singleton(self, _RulesByListener)
        arn = self.listener.listener_arn
        key = arn if is_known(arn) else self.listener.node.path
        if key not in listeners:
            listeners[key] = ListenerRules()
            self.node.add_validation(_CollisionWarnings(self, listeners[key]))
        return listeners[key]


class ImportedEndpoint(RoutedEndpoint):
    """A listener made elsewhere. Made by `HttpEndpoint.from_listener`."""

    def __init__(self, scope: Construct, id: str, listener: elbv2.IApplicationListener) -> None:
        super().__init__(scope, id)
        self.listener = listener


class _RulesByListener(dict[str, ListenerRules]):
    """The rules of each listener of an app, by its ARN if that is known, or else by its path."""


def _rules_of(
    name: str, conditions: Conditions, *, test_header: tuple[str, str] | None, priority: int | None
) -> list[Rule]:
    """Return the route's rule and, with a test header, the rule of its test traffic, which comes before it."""
    if priority is None and not conditions.is_known:
        raise ValueError(
            f"route {name} has a condition that is known only when deployed, so no priority can be computed: "
            "set priority",
        )
    # Test traffic has the priority before a given one.
    lowest = MAINTENANCE_PRIORITY + (2 if test_header else 1)
    if priority is not None and (not isinstance(priority, int) or not lowest <= priority <= MAX_PRIORITY):
        raise ValueError(f"priority must be {lowest} to {MAX_PRIORITY} and known at synthesis, got: {priority!r}")
    rules = [Rule(name, _match_of(conditions), priority)]
    if test_header:
        with_header = conditions.with_test_header(*test_header)
        try:
            with_header.validate()
        except ValueError as error:
            reason = str(error).partition(";")[0]  # the rest advises a second route, and this service has only one
            raise ValueError(
                f"route {name} leaves no room for the deployment's test header: {reason}; list fewer hosts or paths"
            ) from error
        before = None if priority is None else priority - 1
        rules.append(Rule(f"{TEST_TRAFFIC}{name}", _match_of(with_header), before))
    return rules


def _match_of(conditions: Conditions) -> RouteMatch | None:
    return RouteMatch.of(conditions) if conditions.is_known else None


@jsii.implements(IStableNumberProducer)
class _Priority:
    """The priority of a rule, computed at synthesis, when all rules are known."""

    def __init__(self, rules: ListenerRules, rule: Rule) -> None:
        self._rules = rules
        self._rule = rule

    def produce(self) -> int:
        """Return it."""
        return self._rules.priorities()[self._rule]


@jsii.implements(IValidation)
class _CollisionWarnings:
    """Warns at an endpoint of collisions of priorities."""

    def __init__(self, endpoint: Construct, rules: ListenerRules) -> None:
        self._endpoint = endpoint
        self._rules = rules

    def validate(self) -> list[str]:
        """Add the warnings. A collision is no error."""
        for collision in self._rules.collisions():
            Annotations.of(self._endpoint).add_warning_v2("fargate-constructs:routeMoved", collision)
        return []
