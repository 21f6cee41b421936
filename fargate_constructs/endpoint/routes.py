"""Which service answers which request.

```
caller ──> HttpEndpoint ──> [route] ──> service
```
"""

from collections.abc import Callable, Sequence
from typing import Protocol, cast

import jsii
from aws_cdk import Annotations, IStableNumberProducer, Lazy
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct, IValidation, Node

from fargate_constructs._core.app_singleton import app_singleton
from fargate_constructs._core.construct_paths import path_of
from fargate_constructs._core.unresolved import is_known
from fargate_constructs.endpoint.conditions import Conditions
from fargate_constructs.endpoint.listener_rules import Rule, Rules, rules_of
from fargate_constructs.endpoint.sign_in import SignIn


class _Listeners(dict[str, Rules]):
    """The rules of each listener of an app, by its place or ARN: whoever wraps a listener shares them."""


class RouteTarget(Protocol):
    """What an endpoint needs of a service. `FargateService` is one."""

    @property
    def node(self) -> Node:
        """The service's place in the construct tree."""

    @property
    def test_header(self) -> tuple[str, str] | None:
        """A header's name and value; in deployments, requests that carry it reach new tasks first. None: none do."""

    def add_listener_rule(
        self,
        id: str,
        *,
        listener: elbv2.IApplicationListener,
        priority: int,
        conditions: Sequence[elbv2.ListenerCondition],
        test_priority: int | None = None,
        authenticate: Callable[[elbv2.ListenerAction], elbv2.ListenerAction] | None = None,
    ) -> elbv2.ApplicationListenerRule:
        """Answer the listener's requests that meet all *conditions*.

        Args:
            id: The rule's ID.
            listener: The listener.
            priority: The rule's number; a token, because it is known only when all routes are.
            conditions: What a request must meet.
            test_priority: The number of the rule that asks for *test_header* as well; given if there is one.
            authenticate: Puts a sign-in before an action of a rule. By default none.
        """


class RouteTable:
    """The routes of one endpoint, in whatever stacks their services are.

    Args:
        endpoint: The construct that callers reach. Each synthesis warns here, or at the first other endpoint of the
            same listener, of rules that met at a number.
    """

    def __init__(self, endpoint: Construct) -> None:
        self._endpoint = endpoint
        self._known: dict[elbv2.IApplicationListener, Rules] = {}

    def add(
        self,
        id: str,
        *,
        listener: elbv2.IApplicationListener,
        service: RouteTarget,
        conditions: Conditions,
        sign_in: SignIn | None,
        priority: int | None,
    ) -> elbv2.ApplicationListenerRule:
        """Let a service answer what meets the conditions, and number its rules among the others.

        Raises:
            TypeError: If a list of values is a string, values that belong to a name have none, or *sign_in* is none.
            ValueError: If a condition cannot be, the route cannot be told from another one, *id* is that of another
                route of the service, *priority* is out of range, or *sign_in* meets plain HTTP.
        """
        conditions.validate()
        if sign_in is not None:
            sign_in.validate_listener(listener)
        rules = rules_of(
            f"{id!r} of {path_of(service)}", conditions, test_header=service.test_header, priority=priority
        )
        others = self._rules_of(listener)
        others.validate(rules)
        numbers = [rule.priority or cast("int", Lazy.number(_Number(others, rule))) for rule in rules]
        made = service.add_listener_rule(
            id,
            listener=listener,
            priority=numbers[0],
            conditions=conditions.render(),
            test_priority=numbers[1] if service.test_header else None,
            authenticate=sign_in.before if sign_in else None,
        )
        if sign_in:
            sign_in.open_to_provider(listener)
        others.add(rules)
        return made

    def _rules_of(self, listener: elbv2.IApplicationListener) -> Rules:
        """Return the rules that this app gave the listener so far."""
        if listener not in self._known:
            listeners = app_singleton(listener, _Listeners)
            key = _key_of(listener)
            if key not in listeners:
                listeners[key] = Rules()
                self._endpoint.node.add_validation(_Meetings(self._endpoint, listeners[key]))
            self._known[listener] = listeners[key]
        return self._known[listener]


def _key_of(listener: elbv2.IApplicationListener) -> str:
    """Return a listener's ARN, if it was made elsewhere and it is known, or else its place in the app."""
    arn = listener.listener_arn
    return arn if is_known(arn) else listener.node.path


@jsii.implements(IStableNumberProducer)
class _Number:
    """A rule's number, asked for once all rules are known."""

    def __init__(self, rules: Rules, rule: Rule) -> None:
        self._rules = rules
        self._rule = rule

    def produce(self) -> int:
        """Return it."""
        return self._rules.numbers()[self._rule]


@jsii.implements(IValidation)
class _Meetings:
    """Warns of rules that met at a number; refuses nothing."""

    def __init__(self, endpoint: Construct, rules: Rules) -> None:
        self._endpoint = endpoint
        self._rules = rules

    def validate(self) -> list[str]:
        """Warn."""
        for meeting in self._rules.meetings():
            Annotations.of(self._endpoint).add_warning_v2("fargate-constructs:routeMoved", meeting)
        return []
