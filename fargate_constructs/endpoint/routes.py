"""Which service answers which request, and what the load balancer answers itself."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, cast

from aws_cdk import Duration
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct, Node

from fargate_constructs._core.arguments import checked
from fargate_constructs._core.construct_paths import path_of
from fargate_constructs.endpoint.conditions import Conditions
from fargate_constructs.endpoint.fixed_responses import PAGE, UNAVAILABLE, FixedResponse, maintenance_page
from fargate_constructs.endpoint.listener_rules import plan_rules, priority_in, rules_of_listener
from fargate_constructs.endpoint.load_balancer_limits import check_limits
from fargate_constructs.endpoint.matching import RouteMatch
from fargate_constructs.endpoint.priorities import ListenerRules
from fargate_constructs.endpoint.redirects import Redirect
from fargate_constructs.endpoint.rewrites import Rewrite
from fargate_constructs.endpoint.sign_in import SignIn, allow_identity_provider, validate_listener


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


if TYPE_CHECKING:
    Weights = Mapping[Any, float]  # a dict of services is no Mapping of protocols; tokens are floats
else:
    Weights = Mapping[RouteTarget, int]


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
        service: RouteTarget | Weights,
        port: str = "",
        rewrite_host: str | tuple[str, str] | None = None,
        rewrite_path: str | tuple[str, str] | None = None,
        stickiness_duration: Duration | None = None,
        # From RoutedEndpoint.add_fixed_response without status_code, content_type, message_body, by make signatures:
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
                with a service depends on the endpoint's stack and never the other way round. Or several services with
                their weights, 0 to 999, such as `{web: 90, next_web: 10}`: the rule becomes a child of the first.
            port: The name of the port that gets the requests, of a service that has several, or of a sidecar's port
                mapping. By default its first.
            rewrite_host: The host that the service gets, such as `shop.internal`; a `*` is what the `*` of the route's
                host pattern matched. Or a regular expression and its replacement: `(r"^(.+)[.]example[.]com",
                "$1.example.org")`. By default the host of the request.
            rewrite_path: The path that the service gets, such as `/*` for a route of `/api/*`: a `*` is what the `*` of
                the route's path pattern matched. Or a regular expression for the path and query string, and its
                replacement: `(r"^/item/([0-9]+)", "/items.php?id=$1")`. By default the path of the request.
            stickiness_duration: Of several services: for how long a caller stays with the one that answered first, up
                to 7 days, also if its weight becomes 0. By default each request is shared out again.
            hosts: Host names or patterns, such as `*.example.com`, or regular expressions that begin with `^`, such as
                `^pr-[0-9]+[.]example[.]com$`. By default every host.
            paths: Path patterns, such as `/api/*` (which `/api` itself does not match), or regular expressions, such as
                `^/users/[0-9]+$`. By default every path.
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
                if *sign_in* is given to an endpoint with plain HTTP; or if a service that has a weight moves requests
                in its deployments.
        """
        weights = service if isinstance(service, Mapping) else None
        if weights is not None and not weights:
            raise ValueError("service must be a service, or several with their weights, got: {}")
        owner = next(iter(service)) if isinstance(service, Mapping) else service
        conditions = Conditions.of(locals())
        transforms = []
        if rewrite_host is not None:
            transforms.append(Rewrite.of_host("rewrite_host", rewrite_host, hosts).render("host_header"))
        if rewrite_path is not None:
            transforms.append(Rewrite.of_path("rewrite_path", rewrite_path, paths).render("url"))
        name = f"{id!r} of {path_of(owner)}"
        self._validate(name, [*service] if isinstance(service, Mapping) else [service], conditions, sign_in)
        allowed = self._rules.numbers.allowed
        rules = plan_rules(name, conditions, priority, test_header=owner.test_header, allowed=allowed)
        self._rules.validate(rules)
        priorities = [priority_in(self._rules, rule) for rule in rules]
        made = owner.add_listener_rule(
            id,
            listener=self.listener,
            priority=priorities[0],
            conditions=conditions.render(),
            port=port,
            test_priority=priorities[1] if owner.test_header else None,
            authenticate=sign_in._authenticate if sign_in else None,
            transforms=transforms,
            weights=weights,
            stickiness_duration=stickiness_duration,
        )
        if sign_in:
            self._allow_identity_provider()
        self._rules.add(rules)
        return made

    @checked
    def add_redirect(
        self,
        id: str,
        *,
        to_host: str | None = None,
        to_path: str | tuple[str, str] | None = None,
        to_query: str | None = None,
        status_code: int = 302,
        # From RoutedEndpoint.add_fixed_response without status_code, content_type, message_body, by make signatures:
        hosts: Sequence[str] = (),
        paths: Sequence[str] = (),
        headers: Mapping[str, Sequence[str]] | None = None,
        methods: Sequence[str] = (),
        query: Mapping[str, Sequence[str]] | None = None,
        source_ips: Sequence[str] = (),
        sign_in: SignIn | None = None,
        priority: int | None = None,
    ) -> elbv2.ApplicationListenerRule:
        """Send callers to another host or path. It is a route, in the same order as those of services.

        `endpoint.add_redirect("Www", hosts=["www.example.com"], to_host="example.com")` keeps path and query string.
        `endpoint.add_redirect("Moved", paths=["/old/*"], to_path="/new/*")` keeps the rest of the path.

        Args:
            id: The redirect's ID; unique among the endpoint's redirects and fixed responses.
            to_host: The host to which callers go, such as `example.com`. By default that of the request.
            to_path: The path, such as `/new` or `/new/*`: a `*` is what the `*` of the path pattern matched. Or a
                regular expression for the path and query string, and its replacement: `(r"^/post/([0-9]+)",
                "/posts/$1")`. By default the path of the request.
            to_query: The query string; `#{query}` is that of the request, and an empty text means none. By default that
                of the request.
            status_code: 302 (default): browsers ask again each time. 301: browsers keep the redirect, some of them
                forever. A load balancer has no 307 or 308, so browsers repeat a POST as a GET.
            hosts: Host names or patterns, such as `*.example.com`, or regular expressions that begin with `^`, such as
                `^pr-[0-9]+[.]example[.]com$`. By default every host.
            paths: Path patterns, such as `/api/*` (which `/api` itself does not match), or regular expressions, such as
                `^/users/[0-9]+$`. By default every path.
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
            ValueError: As `add_route` does; or if the redirect changes neither host nor path, or AWS would refuse it.
                Synthesis fails if redirects would send callers in a circle.
        """
        conditions = Conditions.of(locals())
        redirect = Redirect(to_host=to_host, to_path=to_path, to_query=to_query, status_code=status_code)
        redirect.validate()
        path, rewrite = redirect.path_of(conditions)
        rule = self._add_answer(
            id,
            conditions,
            action=redirect.action(path, self._origin()),
            sign_in=sign_in,
            priority=priority,
            next_request=redirect.next_request(conditions, frozenset(self.domain_names)),
        )
        if rewrite:
            _transform(rule, rewrite)
        return rule

    @checked
    def add_fixed_response(
        self,
        id: str,
        *,
        status_code: int = 200,
        content_type: str = "text/plain",
        message_body: str = "",
        hosts: Sequence[str] = (),
        paths: Sequence[str] = (),
        headers: Mapping[str, Sequence[str]] | None = None,
        methods: Sequence[str] = (),
        query: Mapping[str, Sequence[str]] | None = None,
        source_ips: Sequence[str] = (),
        sign_in: SignIn | None = None,
        priority: int | None = None,
    ) -> elbv2.ApplicationListenerRule:
        """Answer requests by the load balancer itself. It is a route, in the same order as those of services.

        `endpoint.add_fixed_response("Gone", paths=["/v1/*"], status_code=410)` needs no service. The response has no
        headers but its length and type.

        Args:
            id: The response's ID; unique among the endpoint's redirects and fixed responses.
            status_code: 200 to 299, or 400 to 599. By default 200.
            content_type: `text/plain` (default), `text/css`, `text/html`, `application/javascript` or
                `application/json`.
            message_body: The response's body, at most 1,024 bytes. By default empty.
            hosts: Host names or patterns, such as `*.example.com`, or regular expressions that begin with `^`, such as
                `^pr-[0-9]+[.]example[.]com$`. By default every host.
            paths: Path patterns, such as `/api/*` (which `/api` itself does not match), or regular expressions, such as
                `^/users/[0-9]+$`. By default every path.
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
            ValueError: As `add_route` does, but a route may have the same conditions if this has status 503 and the
                lower *priority*; or if AWS would refuse the status code, the type or the body.
        """
        conditions = Conditions.of(locals())
        response = FixedResponse(status_code=status_code, content_type=content_type, message_body=message_body)
        response.validate()
        return self._add_answer(
            id,
            conditions,
            action=response.action(),
            sign_in=sign_in,
            priority=priority,
            is_maintenance=status_code == UNAVAILABLE,
        )

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
        page = maintenance_page(html)
        if self.node.try_find_child("Maintenance"):
            raise ValueError(f"{self.node.path} has a maintenance page already, got another; call maintenance once")
        conditions, priority = self._all_requests().render(), self._rules.numbers.allowed[0]
        if not on:
            return None
        return elbv2.ApplicationListenerRule(
            self,
            "Maintenance",
            listener=self.listener,
            priority=priority,
            conditions=conditions,
            action=page.action(),
        )

    @property
    def domain_names(self) -> Sequence[str]:
        """The domain names of the endpoint that are known here."""
        return ()

    def _origin(self) -> Mapping[str, str]:
        """Return the protocol and port that callers use, if they are not those of the listener."""
        return {}

    def _add_answer(
        self,
        id: str,
        conditions: Conditions,
        *,
        action: elbv2.ListenerAction,
        sign_in: SignIn | None,
        priority: int | None,
        next_request: RouteMatch | None = None,
        is_maintenance: bool = False,
    ) -> elbv2.ApplicationListenerRule:
        """Make the rule of an answer that no service gives."""
        name = f"{id!r} of {path_of(self)}"
        self._validate(name, [self], conditions, sign_in)
        if self._answers.node.try_find_child(id):
            raise ValueError(
                f"id must differ from the endpoint's other redirects and fixed responses, got: {id!r} again"
            )
        allowed = self._rules.numbers.allowed
        (rule,) = rules = plan_rules(
            name, conditions, priority, next_request=next_request, is_maintenance=is_maintenance, allowed=allowed
        )
        self._rules.validate(rules)
        made = elbv2.ApplicationListenerRule(
            self._answers,
            id,
            listener=self.listener,
            priority=priority_in(self._rules, rule),
            conditions=conditions.render(),
            action=sign_in._authenticate(action) if sign_in else action,
        )
        if sign_in:
            self._allow_identity_provider()
        self._rules.add(rules)
        return made

    def _validate(self, _name: str, _owners: Sequence[Any], _conditions: Conditions, sign_in: SignIn | None) -> None:
        """Refuse a route that the listener cannot have, of services or of this construct."""
        if sign_in:
            validate_listener(self.listener)

    def _allow_identity_provider(self) -> None:
        """Let the load balancer reach the identity provider of a route."""
        allow_identity_provider(self.listener)

    def _all_requests(self) -> Conditions:
        """Return the conditions of the maintenance page."""
        return Conditions()

    @cached_property
    def _answers(self) -> Construct:
        """The scope of the rules of answers that no service gives."""
        return Construct(self, "Answers")

    @cached_property
    def _rules(self) -> ListenerRules:
        """The rules that this app gives the listener."""
        return rules_of_listener(self, self.listener)


class ImportedEndpoint(RoutedEndpoint):
    """A listener made elsewhere. Made by `HttpEndpoint.from_listener`."""

    def __init__(self, scope: Construct, id: str, listener: elbv2.IApplicationListener) -> None:
        super().__init__(scope, id)
        self.listener = listener


def _transform(rule: elbv2.ApplicationListenerRule, rewrite: Rewrite) -> None:
    """Let a rule rewrite the URL. CDK's L2 has no transforms (https://github.com/aws/aws-cdk/pull/35906)."""
    cast("elbv2.CfnListenerRule", rule.node.default_child).transforms = [rewrite.render("url")]
