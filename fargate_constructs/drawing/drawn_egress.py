"""Draws how tasks leave: subnets, NAT, Elastic IPs and VPC endpoints."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from fargate_constructs.drawing.diagram import Kind, Link, Node, Row, unique
from fargate_constructs.drawing.drawn_routes import address_row
from fargate_constructs.drawing.drawn_tasks import Tasks
from fargate_constructs.drawing.names import Names, counted, plain
from fargate_constructs.synthesized.egress_routes import DESTINATIONS, EgressRoutes
from fargate_constructs.synthesized.intrinsics import as_text
from fargate_constructs.synthesized.task_launchers import TaskLauncher
from fargate_constructs.synthesized.templates import Place, Templates

SUBNET, VPC = "AWS::EC2::Subnet", "AWS::EC2::VPC"
SERVICE_NAME = re.compile(r"(?:com|cn\.com)\.amazonaws\.[^.]*\.(.+)")
ROUTERS = {
    "AWS::EC2::NatGateway": "NAT gateway",
    "AWS::EC2::NetworkInterface": "NAT instance",
    "AWS::EC2::Instance": "NAT instance",
}
GATEWAYS = {
    "EgressOnlyInternetGatewayId": "egress-only internet gateway (IPv6)",
    "TransitGatewayId": "transit gateway",
    "VpcPeeringConnectionId": "VPC peering",
    "GatewayId": "gateway",
    "VpcEndpointId": "firewall or other endpoint",
}
PUBLIC = Row("addresses:public", "Public address of each task", "AWS picks it at each start")


class DrawnEgress:
    """The cards of an app's networks and addresses, and their links."""

    def __init__(self, templates: Templates, names: Names, tasks: list[Tasks]) -> None:
        self._templates, self._names = templates, names
        self._routes = EgressRoutes(templates)
        self._subnets: defaultdict[Place, list[Place]] = defaultdict(list)
        """The subnets that tasks run in, by VPC."""
        self._rows: defaultdict[Place, list[Row]] = defaultdict(list)
        self._outside: dict[str, list[str]] = {}
        self.addresses: list[Row] = []
        self.links: list[Link] = []
        for each in tasks:
            for launcher in each.launchers:
                self._leave(each.node.id, launcher)
        self.nodes = [self._network(place) for place in templates.of_type[VPC]]
        self.nodes += [
            Node(id_, Kind.NETWORK, "Network", "Outside of this app", tuple(subnets), (Row(f"{id_}#", ELSEWHERE),))
            for id_, subnets in self._outside.items()
        ]

    def _leave(self, tasks: str, launcher: TaskLauncher) -> None:
        """Link tasks to the networks that they run in."""
        outside = []
        for reference in launcher.subnets:
            subnet = self._templates.locate(launcher.place.stack, reference, SUBNET)
            vpc = self._templates.target(subnet, "VpcId") if subnet else None
            if subnet and vpc:
                self._subnets[vpc].append(subnet)
                self.links.append(Link(tasks, self._names.id(vpc)))
            else:
                outside.append(self._names.value(launcher.place.stack, reference))
            if vpc and launcher.public_address == "ENABLED":
                self._is_public(vpc)
        if outside or (launcher.network is not None and not launcher.subnets):
            id_ = f"network:{','.join(outside)}"
            self._outside[id_] = unique(outside)
            self.links.append(Link(tasks, id_))

    def _is_public(self, vpc: Place) -> None:
        row = Row(f"{self._names.id(vpc)}#public", "internet gateway")
        if row not in self._rows[vpc]:
            self._rows[vpc].append(row)
            self.links.append(Link(row.id, PUBLIC.id))
            self.addresses += [PUBLIC] if PUBLIC not in self.addresses else []

    def _network(self, vpc: Place) -> Node:
        cidr = plain(self._templates.properties(vpc).get("CidrBlock"))
        subnets = list(dict.fromkeys(self._subnets[vpc]))
        facts = [f"tasks in {counted(len(subnets), 'subnet')}"] if subnets else []
        rows = [*self._rows[vpc], *self._ways_of(vpc, subnets), *self._endpoints(vpc)]
        label = f"VPC {cidr}" if cidr and cidr[0].isdigit() else "VPC"
        unique_rows = {row.id: row for row in rows}
        return Node(
            self._names.id(vpc), Kind.NETWORK, label, self._names.of(vpc), tuple(facts), tuple(unique_rows.values())
        )

    def _ways_of(self, vpc: Place, subnets: list[Place]) -> Iterator[Row]:
        """Yield how tasks leave a VPC, and what else it has for that."""
        for route in dict.fromkeys(route for subnet in subnets for route in self._routes.routes_of(subnet)):
            yield from self._way(vpc, route)
        for type_ in ROUTERS:
            for place in self._templates.of_type[type_]:
                home = self._templates.target(place, "SubnetId")
                at = self._templates.target(home, "VpcId") if home else self._templates.target(place, "VpcId")
                if at == vpc and any(self._routes.addresses(place)):
                    yield self._router(place)

    def _way(self, vpc: Place, route: Place) -> Iterator[Row]:
        properties = self._templates.properties(route)
        for key, value in properties.items():
            router = self._templates.locate(route.stack, value)
            if router and self._templates.resource(router)["Type"] in ROUTERS:
                yield self._router(router)
            elif key in GATEWAYS and value != "local":
                destination = next((plain(properties[each]) for each in DESTINATIONS if each in properties), "")
                is_internet = router in self._templates.of_type["AWS::EC2::InternetGateway"]
                if not (is_internet and f"{self._names.id(vpc)}#public" in {row.id for row in self._rows[vpc]}):
                    text = "internet gateway" if is_internet else GATEWAYS[key]
                    yield Row(f"{self._names.id(vpc)}#{key}", text, f"for {destination}")

    def _router(self, place: Place) -> Row:
        """Return the row of a NAT gateway or instance, and link it to its addresses."""
        id_ = self._names.id(place)
        rows = [
            address_row(self._templates, self._names, place, reference)
            for _, reference in self._routes.addresses(place)
        ]
        for row in rows:
            self.links.append(Link(id_, row.id))
            if row not in self.addresses:
                self.addresses.append(row)
        kind = ROUTERS[self._templates.resource(place)["Type"]]
        properties = self._templates.properties(place)
        if properties.get("AvailabilityMode") == "regional":
            kind = f"Regional {kind}"
        if properties.get("ConnectivityType") == "private":
            kind = f"Private {kind}"
        elif not rows:
            kind += ", AWS picks its address"
        return Row(id_, kind, self._names.of(place))

    def _endpoints(self, vpc: Place) -> Iterator[Row]:
        """Yield the VPC endpoints, those of a kind in one row."""
        kinds: defaultdict[str, list[str]] = defaultdict(list)
        for place in self._templates.of_type["AWS::EC2::VPCEndpoint"]:
            if self._templates.target(place, "VpcId") == vpc:
                kind = plain(self._templates.properties(place).get("VpcEndpointType"), "Gateway")
                kinds[kind].append(service_name(self._templates.properties(place).get("ServiceName")))
        for kind, services in sorted(kinds.items()):
            noun = "endpoint" if len(services) == 1 else "endpoints"
            yield Row(f"{self._names.id(vpc)}#{kind}", f"{kind} {noun}", ", ".join(sorted(services)))


ELSEWHERE = "how tasks leave is not in these templates"


def service_name(name: Any) -> str:  # noqa: ANN401 - a piece of a template
    """Return the short name of the AWS service that a VPC endpoint is for."""
    text = as_text(name)
    found = SERVICE_NAME.fullmatch(re.sub(r"\$\{[^}]*\}", "region", text))
    return found[1] if found else text
