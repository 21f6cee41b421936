"""A listener that many services share.

```
caller ──> load balancer ──> [listener: routes, or a maintenance page] ──> services
```
"""

from collections.abc import Mapping, Sequence

from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct

from fargate_constructs._core.arguments import checked
from fargate_constructs.endpoint.conditions import Conditions
from fargate_constructs.endpoint.limits import Limits
from fargate_constructs.endpoint.maintenance import PAGE, answer_503, validate_page
from fargate_constructs.endpoint.routes import RouteTable, RouteTarget
from fargate_constructs.endpoint.sign_in import SignIn


class Endpoint(Construct):
    """A listener, and the routes of the services behind it: what `HttpEndpoint` makes, and what it imports."""

    listener: elbv2.IApplicationListener
    """The listener that the routes' rules belong to."""

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id)
        self._routes = RouteTable(self)
        Limits.count(self)

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
        """Send requests to a service. Of the routes that claim a request, the most specific one gets it.

        An exact host comes before a host pattern before none; then an exact path before a path pattern before none;
        then more conditions of the other kinds before fewer; docs/routes.md states the order in full. A listener rule
        holds at most 5 values, of all conditions together, and 5 wildcards: `*` for any characters, `?` for one.

        Args:
            id: The route's ID; unique among the service's routes.
            service: Who answers. The rule and its target group become the service's children, so that a stack
                with a service depends on the endpoint's stack and never the other way round.
            hosts: Host names or patterns, such as `*.example.com`. By default every host.
            paths: Path patterns, such as `/api/*` (which `/api` itself does not match). By default every path.
            headers: Values or patterns by header, such as `{"x-version": ["next"]}`. By default any, or none.
            methods: Methods, such as `GET`. By default every method.
            query: Values or patterns by key of the query string, such as `{"version": ["2"]}`. By default any, or none.
            source_ips: CIDR blocks that callers (or the last proxy before the endpoint) have their address in. By
                default every address.
            sign_in: How callers prove who they are, which needs an endpoint that speaks HTTPS. By default not at all.
            priority: The listener rule's number, 2 to 50,000, lower first. By default it is computed from the
                conditions, so that no route changes another's.

        Raises:
            TypeError: If an argument has another type than its annotation.
            ValueError: If the service has a route of that *id* already; if a value is malformed, or known only when
                deployed and without *priority*; if one rule cannot hold them all; if a route of this endpoint has the
                same priority or the same conditions, or is as specific and claims a request that this one claims; or if
                *sign_in* meets plain HTTP.
        """
        return self._routes.add(
            id,
            listener=self.listener,
            service=service,
            conditions=Conditions(
                hosts=hosts,
                paths=paths,
                headers=headers or {},
                methods=methods,
                query=query or {},
                source_ips=source_ips,
            ),
            sign_in=sign_in,
            priority=priority,
        )

    @checked
    def maintenance(self, *, on: bool = True, html: str = PAGE) -> elbv2.ApplicationListenerRule | None:
        """Answer every request with 503 and a page, by one rule before all routes, which stay as they are.

        `endpoint.maintenance(on=stack.node.try_get_context("maintenance") == "true")` is switched on by
        `cdk deploy -c maintenance=true`, and off by deploying without. Health checks of tasks go on meanwhile.

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


class ImportedEndpoint(Endpoint):
    """A listener made elsewhere. Made by `HttpEndpoint.from_listener`."""

    def __init__(self, scope: Construct, id: str, listener: elbv2.IApplicationListener) -> None:
        super().__init__(scope, id)
        self.listener = listener
