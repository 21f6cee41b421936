"""Reads an app's templates; returns the faults in the routes of a subnet: addresses that are not known, or may go."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from fargate_constructs.synthesized.intrinsics import as_text, items, lookup, unresolved_in
from fargate_constructs.synthesized.private_ranges import NAT64, is_private
from fargate_constructs.synthesized.templates import Place, Templates

if TYPE_CHECKING:
    from aws_cdk import Stack

RETAINED = ("Retain", "RetainExceptOnCreate")
DESTINATIONS = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")


class Fault(NamedTuple):
    """A route that does not lead to an Elastic IP that is known and retained."""

    rule: str
    """`publicSubnet`, `publicIpv6`, `unknownEgress`, `ipv6Egress`; `unprovenEgress`: the route cannot be followed."""
    route: str
    """The route, from the subnet on."""
    cause: Place
    """The resource to change."""


# How `make_disposable` marks an Elastic IP.
DISPOSABLE = "fargate-constructs:disposable"


class EgressRoutes:
    """The routes of an app's subnets, and the gateways and addresses that they lead to."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates
        self._internet = templates.of_type["AWS::EC2::InternetGateway"]
        self._routers = [
            place
            for name in ("NatGateway", "Instance", "NetworkInterface")
            for place in templates.of_type[f"AWS::EC2::{name}"]
            if templates.properties(place).get("ConnectivityType") != "private"
        ]
        self._tables: dict[Place | None, Place | None] = {}
        # By route table, the resources that may add routes which no template shows; under `None`, those of all tables.
        self._hidden: defaultdict[Place | None, list[tuple[Place, str]]] = defaultdict(list)
        for place in templates.of_type["AWS::EC2::SubnetRouteTableAssociation"]:
            self._tables[templates.target(place, "SubnetId")] = templates.target(place, "RouteTableId")
            self._hide(place, "SubnetId")
        self._routes: defaultdict[Place | None, list[Place]] = defaultdict(list)
        for place in templates.of_type["AWS::EC2::Route"]:
            self._routes[templates.target(place, "RouteTableId")].append(place)
            self._hide(place, "RouteTableId")
        for place in templates.of_type["AWS::EC2::VPNGatewayRoutePropagation"]:
            gateway = f"routes of {as_text(templates.properties(place).get('VpnGatewayId'))}"
            tables = templates.properties(place).get("RouteTableIds")
            for table in tables if isinstance(tables, list) else [tables]:
                self._hidden[templates.locate(place.stack, table)].append((place, gateway))

    def faults(self, subnet: Place, *, is_known: Callable[[Stack, Any], bool]) -> Iterator[Fault]:
        """Yield the faults in the routes of a subnet; *is_known* is for Elastic IPs that the app does not retain."""
        # A subnet without a route table of its own has the VPC's, where no template can put a route.
        table = self._tables.get(subnet, subnet)
        path = self._templates.path
        if table is None:
            yield Fault("unprovenEgress", f"{path(subnet)}, whose route table is not in this app", subnet)
            return
        for place, what in self._hidden[table] + self._hidden[None]:
            yield Fault("unprovenEgress", f"{path(subnet)}, where {path(place)} may add {what}", place)
        for route in self._routes[table]:
            for fault in self._faults_of(route, is_known):
                yield fault._replace(route=f"{path(subnet)}, where {path(route)} leads {fault.route}")

    def routes_of(self, subnet: Place) -> list[Place]:
        """Return the routes in the route table of a subnet; none if it is not in the app."""
        table = self._tables.get(subnet)
        return self._routes[table] if table else []

    def _hide(self, place: Place, name: str) -> None:
        """Record a route or an association whose route table or subnet only the deployment knows."""
        if self._templates.target(place, name) is None:
            for unknown in unresolved_in(self._templates.properties(place).get(name)):
                self._hidden[None].append((place, f"routes for {name} {unknown}"))

    def _faults_of(self, route: Place, is_known: Callable[[Stack, Any], bool]) -> Iterator[Fault]:
        properties, locate = self._templates.properties(route), self._templates.locate
        destination = next((properties[key] for key in DESTINATIONS if key in properties), None)
        if is_private(destination):
            return
        match properties:
            case {"NatGatewayId": target} | {"InstanceId": target} | {"NetworkInterfaceId": target} if (
                router := locate(route.stack, target)
            ) in self._routers and _is_translated(properties):
                for address, cause in self._unknown_addresses(router, is_known):
                    yield Fault("unknownEgress", f"{destination} to {self._templates.path(router)} on {address}", cause)
            case {"EgressOnlyInternetGatewayId": _}:
                yield Fault("ipv6Egress", f"{destination} to an egress-only internet gateway", route)
            case {"GatewayId": target} if (
                str(target).startswith("igw-") or locate(route.stack, target) in self._internet
            ):
                rule = "publicIpv6" if "DestinationIpv6CidrBlock" in properties else "publicSubnet"
                yield Fault(rule, f"{destination} to an internet gateway", route)
            case _ if properties.get("GatewayId") != "local":
                targets = (
                    f"{key} {each}" for key, each in properties.items() if key not in ("RouteTableId", *DESTINATIONS)
                )
                yield Fault("unprovenEgress", f"{destination} to {', '.join(targets)}", route)

    def _unknown_addresses(self, router: Place, is_known: Callable[[Stack, Any], bool]) -> Iterator[tuple[str, Place]]:
        """Yield the addresses of a NAT gateway or instance that are not known, or not retained, with the cause."""
        addresses = list(self.addresses(router))
        if not addresses:
            yield "addresses that AWS picks", router
        for stack, address in addresses:
            place = self._templates.locate(stack, address)
            elastic_ip = place if place in self._templates.of_type["AWS::EC2::EIP"] else None
            resource = self._templates.resource(elastic_ip)
            kept, kept_if_replaced = (
                resource.get(key) in RETAINED for key in ("DeletionPolicy", "UpdateReplacePolicy")
            )
            if (kept and kept_if_replaced) or is_disposable(resource) or is_known(stack, address):
                continue
            if elastic_ip:
                when = " when it is replaced" if kept else ""
                yield f"{self._templates.path(elastic_ip)}, which is not retained{when}", elastic_ip
            else:
                yield f"{as_text(address)}, which is not known", router

    def addresses(self, router: Place) -> Iterator[tuple[Stack, Any]]:
        """Yield the Elastic IPs of a NAT gateway or instance, as a stack's template refers to each."""
        templates = self._templates
        properties = templates.properties(router)
        match properties:
            case {"AvailabilityMode": "regional"}:
                zones = properties.get("AvailabilityZoneAddresses")
                yield from ((router.stack, zones) for _ in unresolved_in(lookup(zones)))
                for zone in items(zones):
                    yield from ((router.stack, each) for each in _listed(zone.get("AllocationIds")))
            case {"AllocationId": first}:
                others = _listed(properties.get("SecondaryAllocationIds"))
                yield from ((router.stack, each) for each in (first, *others))
            case _:
                interfaces = [each.get("NetworkInterfaceId") for each in items(properties, "NetworkInterfaces")]
                holders = [router, *filter(None, (templates.locate(router.stack, each) for each in interfaces))]
                for place in templates.of_type["AWS::EC2::EIPAssociation"] + templates.of_type["AWS::EC2::EIP"]:
                    if any(templates.target(place, key) in holders for key in ("InstanceId", "NetworkInterfaceId")):
                        association, itself = templates.properties(place), {"Ref": place.logical_id}
                        yield place.stack, association.get("AllocationId", association.get("EIP", itself))


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 - a piece of a template
    """Return the items of a list; an unresolved list counts as one item."""
    found = lookup(value)
    return found if isinstance(found, list) else [value] if found else []


def _is_translated(route: Mapping[str, Any]) -> bool:
    """Whether a NAT gateway or instance gives a route's traffic an Elastic IP: not if it is for IPv6 hosts."""
    return bool(route.get("DestinationIpv6CidrBlock", NAT64) == NAT64)


def is_disposable(resource: Mapping[str, Any]) -> bool:
    """Whether `make_disposable` was called for a template's resource."""
    return bool(resource.get("Metadata", {}).get(DISPOSABLE))
