"""The rules of a listener that an app adds to it."""

from collections.abc import Iterable
from functools import partial
from typing import cast

import jsii
from aws_cdk import Annotations, IStableNumberProducer, Lazy
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct

from fargate_constructs._core.app_singleton import app_singleton
from fargate_constructs._core.construct_paths import path_of
from fargate_constructs._core.synthesis_checks import check_at_synthesis
from fargate_constructs._core.unresolved import is_known
from fargate_constructs.endpoint.conditions import Conditions
from fargate_constructs.endpoint.matching import RouteMatch
from fargate_constructs.endpoint.priorities import TEST_TRAFFIC, ListenerRules, Numbers, Rule


def rules_of_listener(
    endpoint: Construct,
    listener: elbv2.IApplicationListener,
    *,
    key: str = "",
    numbers: Numbers = Numbers(),  # noqa: B008 - it is frozen
) -> ListenerRules:
    """Return the rules that this app gives a listener. All endpoints of the listener, or of the key, share them."""
    listeners = app_singleton(endpoint, _RulesByListener)
    arn = listener.listener_arn
    key = key or (arn if is_known(arn) else path_of(listener))
    if key not in listeners:
        listeners[key] = ListenerRules(numbers)
        check_at_synthesis(endpoint, partial(_findings, endpoint, listeners[key]))
    return listeners[key]


def priority_in(rules: ListenerRules, rule: Rule) -> int:
    """Return the given priority, or a token for the computed one."""
    return rule.priority or cast("int", Lazy.number(_Priority(rules, rule)))


class _RulesByListener(dict[str, ListenerRules]):
    """The rules of each listener of an app, by its ARN if that is known, or else by its path."""


def plan_rules(
    name: str,
    conditions: Conditions,
    priority: int | None,
    *,
    test_header: tuple[str, str] | None = None,
    next_request: RouteMatch | None = None,
    is_maintenance: bool = False,
    allowed: range = Numbers.allowed,
) -> list[Rule]:
    """Return the route's rule and, with a test header, the rule of its test traffic, which comes before it."""
    if priority is None and not conditions.is_known:
        raise ValueError(
            f"route {name} has a condition that is known only when deployed, so no priority can be computed: "
            "set priority",
        )
    # The first one is for a maintenance page. Test traffic has the priority before a given one.
    usable = allowed[2 if test_header else 1 :]
    if priority is not None and (not isinstance(priority, int) or priority not in usable):
        raise ValueError(f"priority must be {usable[0]} to {usable[-1]} and known at synthesis, got: {priority!r}")
    rules = [Rule(name, _match_of(conditions), priority, next_request, is_maintenance)]
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


def _findings(endpoint: Construct, rules: ListenerRules) -> Iterable[str]:
    """Warn at an endpoint of collisions of priorities, and refuse redirects that send callers in a circle."""
    for collision in rules.collisions():
        Annotations.of(endpoint).add_warning_v2("fargate-constructs:routeMoved", collision)
    return rules.circles()
