"""Draws who calls the load balancers: the internet, a VPC, other services, and what AWS puts in between."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fargate_constructs.drawing.diagram import Kind, Link, Node, Row, unique
from fargate_constructs.drawing.drawn_routes import BALANCER, LISTENER, DrawnRoutes, names_leading_to
from fargate_constructs.drawing.drawn_tasks import Tasks
from fargate_constructs.drawing.names import Names, listed, plain
from fargate_constructs.synthesized.intrinsics import items, lookup
from fargate_constructs.synthesized.templates import Place, Templates

EVERYWHERE = ("0.0.0.0/0", "::/0")
INTERNET = Node("callers:internet", Kind.CALLERS, "Callers", "The internet")
INSIDE = Node("callers:vpc", Kind.CALLERS, "Callers", "Inside of the VPC")
# A front: how it is called, and the properties that lead to what is behind it.
FRONTS = {
    "AWS::CloudFront::Distribution": "CloudFront distribution",
    "AWS::GlobalAccelerator::Accelerator": "AWS Global Accelerator",
    "AWS::ApiGatewayV2::Api": "API Gateway",
    "AWS::ApiGateway::RestApi": "API Gateway",
}
# What belongs to a front, by the property that names it; it leads to what is behind the front.
PARTS = {
    "AWS::GlobalAccelerator::Listener": "AcceleratorArn",
    "AWS::GlobalAccelerator::EndpointGroup": "ListenerArn",
    "AWS::ApiGatewayV2::Integration": "ApiId",
    "AWS::ApiGateway::Method": "RestApiId",
    "AWS::ApiGatewayV2::Route": "ApiId",
}


class DrawnCallers:
    """The cards of callers and of what is in front of load balancers, and their links."""

    def __init__(
        self, templates: Templates, names: Names, routes: DrawnRoutes, tasks_in: dict[Place, list[Tasks]]
    ) -> None:
        self._templates, self._names, self._tasks_in = templates, names, tasks_in
        self.nodes: list[Node] = []
        self.links: list[Link] = []
        fronted = set()
        for type_, label in FRONTS.items():
            for place in templates.of_type[type_]:
                fronted |= self._front(place, label)
        behind = {each for targets in routes.fronted.values() for each in targets}
        for place in templates.of_type[BALANCER]:
            self._call(place, is_fronted=place in fronted or names.id(place) in behind)
        self.links += [Link(row, each) for row, targets in routes.fronted.items() for each in targets]

    def _front(self, place: Place, label: str) -> set[Place]:
        """Draw a front; return the load balancers behind it."""
        parts, behind = [place], set()
        for type_, name in PARTS.items():
            parts += [each for each in self._templates.of_type[type_] if self._templates.target(each, name) in parts]
        for part in parts:
            for found in self._reachable(part):
                behind.add(found)
                self.links.append(Link(self._names.id(place), self._names.id(found)))
        properties = self._templates.properties(place)
        aliases = lookup(properties, "DistributionConfig", "Aliases")
        facts = [*names_leading_to(self._templates, place), *map(plain, listed(aliases))]
        rows = tuple(
            Row(self._names.id(part), plain(self._templates.properties(part).get("RouteKey")))
            for part in parts
            if "RouteKey" in self._templates.properties(part)
        )
        self.nodes += [
            INTERNET,
            Node(self._names.id(place), Kind.FRONT, label, self._names.of(place), tuple(unique(facts)), rows),
        ]
        self.links.append(Link(INTERNET.id, self._names.id(place)))
        return behind

    def _reachable(self, part: Place) -> Iterator[Place]:
        """Yield the load balancers that a front's resource refers to, by their listeners or a VPC origin, too."""
        for each in self._templates.references(part.stack, self._templates.properties(part)):
            type_ = self._templates.resource(each)["Type"]
            if type_ == BALANCER:
                yield each
            elif type_ == LISTENER and (found := self._templates.target(each, "LoadBalancerArn")):
                yield found
            elif type_ == "AWS::CloudFront::VpcOrigin":
                yield from self._reachable(each)

    def _call(self, place: Place, *, is_fronted: bool) -> None:
        """Link the callers of a load balancer to it: those that its security groups allow."""
        properties = self._templates.properties(place)
        is_public = plain(properties.get("Scheme"), "internet-facing") == "internet-facing"
        allowed, services = self._allowed(place, is_fronted=is_fronted)
        me = self._names.id(place)
        if services:
            self.nodes += [Node(f"callers:{each}", Kind.CALLERS, "Caller", title) for each, title in services.items()]
            self.links += [Link(f"callers:{each}", me) for each in services]
        if set(allowed) & set(EVERYWHERE) or (allowed is NOT_LIMITED):
            node = INTERNET if is_public else INSIDE
        elif allowed:
            node = Node(f"callers:{','.join(allowed)}", Kind.CALLERS, "Callers", "Allowed sources", tuple(allowed))
        elif not is_fronted and not services:
            node = Node("callers:unknown", Kind.CALLERS, "Callers", "Known at deployment")
        else:
            return
        self.nodes.append(node)
        self.links.append(Link(node.id, me))

    def _allowed(self, place: Place, *, is_fronted: bool) -> tuple[list[str], dict[str, str]]:
        """Return the sources that the security groups of a load balancer allow, and the services among them."""
        references = lookup(self._templates.properties(place), "SecurityGroups")
        groups = [self._templates.locate(place.stack, each) for each in listed(references)]
        if not groups:
            return NOT_LIMITED, {}
        sources: list[str] = []
        services: dict[str, str] = {}
        for stack, rule in ingress_rules(self._templates, [each for each in groups if each]):
            source = self._templates.locate(stack, rule.get("SourceSecurityGroupId"))
            callers = self._tasks_in.get(source, []) if source else []
            services |= {each.node.id: each.node.title for each in callers}
            named = next((rule[key] for key in SOURCES if key in rule), None)
            # A group that may call what is behind a front is that of the front.
            if not callers and named is not None and not (source and is_fronted):
                sources.append(self._names.value(stack, named))
        return unique(sources), services


# What a rule of a security group allows.
SOURCES = ("CidrIp", "CidrIpv6", "SourcePrefixListId", "SourceSecurityGroupId")
NOT_LIMITED: list[str] = []


def ingress_rules(templates: Templates, groups: list[Place]) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Yield the rules of security groups by which others may call, each with its stack."""
    for group in groups:
        yield from ((group.stack, rule) for rule in items(templates.properties(group), "SecurityGroupIngress"))
    for place in templates.of_type["AWS::EC2::SecurityGroupIngress"]:
        if templates.target(place, "GroupId") in groups:
            yield place.stack, templates.properties(place)
