"""Draws how requests arrive: load balancers, their listeners, and the routes in the order of their priorities."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from fargate_constructs.drawing.diagram import Kind, Link, Node, Row, unique
from fargate_constructs.drawing.names import KNOWN_LATER, Names, listed, plain
from fargate_constructs.synthesized.intrinsics import as_text, items, lookup, number
from fargate_constructs.synthesized.templates import Place, Templates

ELB = "AWS::ElasticLoadBalancingV2::"
BALANCER, LISTENER, RULE, GROUP = (
    f"{ELB}{each}" for each in ("LoadBalancer", "Listener", "ListenerRule", "TargetGroup")
)
LABELS = {"network": "Network Load Balancer", "gateway": "Gateway Load Balancer"}
SIGN_IN = {
    "authenticate-oidc": "sign-in by OpenID Connect",
    "authenticate-cognito": "sign-in by Amazon Cognito",
    "jwt-validation": "valid JWT only",
}
# The field of a condition: the key of its values, and how a person reads them.
FIELDS = {
    "host-header": ("HostHeaderConfig", "{}"),
    "path-pattern": ("PathPatternConfig", "{}"),
    "http-request-method": ("HttpRequestMethodConfig", "{}"),
    "source-ip": ("SourceIpConfig", "from {}"),
}
ORDER = (*FIELDS, "http-header", "query-string")
STANDARD_PORTS = {"HTTP": "80", "HTTPS": "443"}
MAX_SHOWN = 4


class DrawnRoutes:
    """The cards of an app's load balancers, and the links from their routes."""

    def __init__(self, templates: Templates, names: Names, tasks_of: dict[Place, list[str]]) -> None:
        self._templates, self._names, self._tasks_of = templates, names, tasks_of
        self._listeners: defaultdict[object, list[Place]] = defaultdict(list)
        for place in templates.of_type[LISTENER]:
            self._listeners[self._key(place, "LoadBalancerArn")].append(place)
        self._rules: defaultdict[object, list[Place]] = defaultdict(list)
        for place in templates.of_type[RULE]:
            self._rules[self._key(place, "ListenerArn")].append(place)
        self.links: list[Link] = []
        self.fronted: defaultdict[str, list[str]] = defaultdict(list)
        """The load balancers that another one is in front of, by the row of its listener."""
        balancers = [self._balancer(place) for place in templates.of_type[BALANCER]]
        is_front = {row.id: False for node in balancers for row in node.rows} | dict.fromkeys(self.fronted, True)
        self.nodes = [
            node._replace(kind=Kind.FRONT) if any(is_front[row.id] for row in node.rows) else node for node in balancers
        ]
        self.nodes += self._elsewhere()

    def _key(self, place: Place, name: str) -> object:
        return self._templates.identity(place.stack, self._templates.properties(place).get(name))

    def _balancer(self, place: Place) -> Node:
        properties = self._templates.properties(place)
        type_ = plain(properties.get("Type"), "application")
        label = LABELS.get(type_, "Application Load Balancer")
        rows = [row for listener in self._ordered(place) for row in self._listener_rows(listener)]
        rows += self._fixed_addresses(place)
        facts = tuple(self._facts(place))
        return Node(self._names.id(place), Kind.ENDPOINT, label, self._names.of(place), facts, tuple(rows))

    def _ordered(self, balancer: object) -> list[Place]:
        return sorted(
            self._listeners.pop(balancer, []),
            key=lambda each: (number(self._templates.properties(each).get("Port")) or 0, self._names.id(each)),
        )

    def _facts(self, place: Place) -> Iterator[str]:
        """Yield where a load balancer is, the names that lead to it, and its web ACL."""
        yield plain(self._templates.properties(place).get("Scheme"), "internet-facing")
        yield from names_leading_to(self._templates, place)
        for each in self._templates.of_type["AWS::WAFv2::WebACLAssociation"]:
            if self._templates.target(each, "ResourceArn") == place:
                yield "AWS WAF web ACL"

    def _fixed_addresses(self, place: Place) -> Iterator[Row]:
        for mapping in items(self._templates.properties(place), "SubnetMappings"):
            if (reference := mapping.get("AllocationId")) is not None:
                yield address_row(self._templates, self._names, place, reference)

    def _elsewhere(self) -> Iterator[Node]:
        """Yield the load balancers outside of the app whose listeners or rules are in it."""
        for key in list(self._listeners):
            listeners = self._ordered(key)
            reference = self._templates.properties(listeners[0]).get("LoadBalancerArn")
            rows = [row for listener in listeners for row in self._listener_rows(listener)]
            yield self._outside("Load balancer", listeners[0], reference, rows)
        for rules in list(self._rules.values()):
            reference = self._templates.properties(rules[0]).get("ListenerArn")
            rows = list(map(self._rule_row, self._by_priority(rules)))
            yield self._outside("Listener", rules[0], reference, rows)

    def _outside(self, what: str, place: Place, reference: Any, rows: Sequence[Row]) -> Node:  # noqa: ANN401 - a piece
        title = title_outside(self._names.value(place.stack, reference))
        id_ = f"outside:{self._names.id(place)}"
        return Node(id_, Kind.ENDPOINT, f"{what} outside of this app", title, rows=tuple(rows))

    def _listener_rows(self, listener: Place) -> Iterator[Row]:
        properties = self._templates.properties(listener)
        id_ = self._names.id(listener)
        protocol, port = plain(properties.get("Protocol"), "HTTP"), plain(properties.get("Port"))
        default = list(self._actions(listener, properties.get("DefaultActions"), id_))
        rules = self._by_priority(self._rules.pop(listener, []))
        if not rules:
            yield Row(id_, f"{protocol} {port}", "; ".join(default), is_heading=True)
            return
        yield Row(f"{id_}#", f"{protocol} {port}", is_heading=True)
        yield from map(self._rule_row, rules)
        yield Row(id_, "everything else", "; ".join(default))

    def _by_priority(self, rules: Sequence[Place]) -> list[Place]:
        def priority(rule: Place) -> tuple[float, str]:
            found = number(lookup(self._templates.properties(rule).get("Priority")))
            return (float("inf") if found is None else found), self._names.id(rule)

        return sorted(rules, key=priority)

    def _rule_row(self, rule: Place) -> Row:
        properties = self._templates.properties(rule)
        id_ = self._names.id(rule)
        actions = self._actions(rule, properties.get("Actions"), id_)
        conditions = sorted(items(properties, "Conditions"), key=lambda each: _order(plain(each.get("Field"))))
        text = " ".join(filter(None, (self._condition(rule, each) for each in conditions))) or KNOWN_LATER
        return Row(id_, text, "; ".join(actions))

    def _condition(self, rule: Place, condition: dict[str, Any]) -> str:
        field = plain(condition.get("Field"))
        if field == "http-header":
            header = lookup(condition, "HttpHeaderConfig")
            return f"{plain(lookup(header, 'HttpHeaderName'))}: {self._values(rule, header)}"
        if field == "query-string":
            pairs = [
                "=".join(filter(None, (plain(each.get("Key")), plain(each.get("Value")))))
                for each in items(condition, "QueryStringConfig", "Values")
            ]
            return f"?{' or '.join(pairs)}"
        key, form = FIELDS.get(field, ("", f"{field} {{}}"))
        return form.format(self._values(rule, lookup(condition, key)) or self._values(rule, condition))

    def _values(self, rule: Place, holder: Any) -> str:  # noqa: ANN401 - a piece of a template
        found = [*listed(lookup(holder, "Values")), *listed(lookup(holder, "RegexValues"))]
        texts = [self._names.value(rule.stack, each) for each in found]
        more = f" and {len(texts) - MAX_SHOWN} more" if len(texts) > MAX_SHOWN else ""
        return ", ".join(texts[:MAX_SHOWN]) + more

    def _actions(self, place: Place, actions: Any, row: str) -> Iterator[str]:  # noqa: ANN401 - a piece of a template
        """Yield what a route does beside passing requests on, and link it to what gets them."""
        for action in items(actions):
            type_ = plain(action.get("Type"))
            if type_ == "redirect":
                yield f"redirect to {_location(lookup(action, 'RedirectConfig'))}"
            elif type_ == "fixed-response":
                yield f"answer {plain(lookup(action, 'FixedResponseConfig', 'StatusCode'))}"
            elif type_ == "forward":
                yield from unique(text for group in _groups(action) for text in self._forward(place, group, row))
            else:
                yield SIGN_IN.get(type_, type_)

    def _forward(self, place: Place, reference: Any, row: str) -> Iterator[str]:  # noqa: ANN401 - a piece of a template
        """Link a route to what is in a target group; yield its name if that is not drawn."""
        group = self._templates.locate(place.stack, reference, GROUP)
        if group is None:
            yield f"to {title_outside(self._names.value(place.stack, reference))}"
            return
        tasks = self._tasks_of.get(group, [])
        self.links += [Link(row, each) for each in tasks]
        properties = self._templates.properties(group)
        for target in items(properties, "Targets"):
            balancer = self._templates.locate(group.stack, target.get("Id"), BALANCER)
            if balancer is None and (found := self._templates.locate(group.stack, target.get("Id"), LISTENER)):
                balancer = self._templates.target(found, "LoadBalancerArn")
            if balancer:
                tasks = [self._names.id(balancer)]
                self.fronted[row] += tasks
            else:
                yield f"to {self._names.value(group.stack, target.get('Id'))}"
                tasks = [row]
        if not tasks:
            yield f"to target group {self._names.of(group)}, which no service of this app is in"


def address_row(templates: Templates, names: Names, place: Place, reference: Any) -> Row:  # noqa: ANN401 - a piece
    """Return the row of an Elastic IP that something has."""
    address = templates.locate(place.stack, reference, "AWS::EC2::EIP")
    if address:
        return Row(names.id(address), "Elastic IP, assigned by AWS", names.of(address))
    name = names.value(place.stack, reference)
    return Row(f"{names.id(place)}@{name}", "Elastic IP outside of this app", name)


def names_leading_to(templates: Templates, place: Place) -> list[str]:
    """Return the DNS names whose alias leads to a resource."""
    return unique(
        plain(templates.properties(record).get("Name")).rstrip(".")
        for record in templates.of_type["AWS::Route53::RecordSet"]
        if place in templates.references(record.stack, lookup(templates.properties(record), "AliasTarget", "DNSName"))
        or place in templates.references(record.stack, templates.properties(record).get("AliasTarget"))
    )


def title_outside(name: str) -> str:
    """Return a short name of what is outside of the app: of an ARN, its resource."""
    return (
        name.split(":", 5)[-1].removeprefix("listener/").removeprefix("loadbalancer/") if name[:4] == "arn:" else name
    )


def _order(field: str) -> int:
    return ORDER.index(field) if field in ORDER else len(ORDER)


def _groups(action: dict[str, Any]) -> list[Any]:
    """Return the target groups of an action; those that get no requests, only if all get none."""
    groups = [each.get("TargetGroupArn") for each in items(action, "ForwardConfig", "TargetGroups")]
    return groups or [action.get("TargetGroupArn")]


def _location(redirect: Any) -> str:  # noqa: ANN401 - a piece of a template
    """Return where a redirect leads, without the parts that stay."""
    keys = ("Protocol", "Host", "Port", "Path", "Query")
    protocol, host, port, path, query = (as_text(lookup(redirect, key) or "") for key in keys)
    host, path = ("" if each.strip("/") in ("#{host}", "#{path}") else each for each in (host, path))
    port = "" if port in ("", "#{port}", STANDARD_PORTS.get(protocol)) else f":{port}"
    query = "" if query in ("", "#{query}") else f"?{query}"
    address = f"{host}{port}{path}{query}"
    if protocol in ("", "#{protocol}"):
        return address or "the same address"
    return f"{address} over {protocol}" if address else protocol
