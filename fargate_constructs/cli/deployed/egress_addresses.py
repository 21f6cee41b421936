"""Follows the VPC routes of deployed subnets to the addresses that the internet sees."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from fargate_constructs.cli.aws import Answer, paged
from fargate_constructs.synthesized.private_ranges import NAT64, is_private

ANYWHERE, ANYWHERE_IPV6 = "0.0.0.0/0", "::/0"
DESTINATIONS = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")
PROBLEMS = {
    "noRoute": "there is no VPC route to the internet",
    "blackhole": "the target of the VPC route is gone",
    "taskAddress": "each task has a public address of its own, and a new task has another one",
    "noTaskAddress": "the subnet is public, but its tasks have no public address, so they reach nothing",
    "notFixed": "AWS chooses the address, and may choose another one",
    "notKnown": "what is behind the target decides the address; --prove asks from inside",
    "otherAccount": "the NAT gateway belongs to another account; --prove asks from inside",
    "notAvailable": "the NAT gateway is not available",
    "gatewayWithoutInternet": "the NAT gateway's own subnet has no VPC route to an internet gateway",
    "sourceCheck": "the network interface drops traffic of others: its source/destination check is on",
}
"""Why traffic does not leave from a fixed address. After `noRoute` there is none, which may be meant so."""

# The key of a VPC route, in the order in which one is taken, and what its target is.
TARGETS = {
    "NatGatewayId": "NAT gateway",
    "EgressOnlyInternetGatewayId": "egress-only internet gateway",
    "NetworkInterfaceId": "network interface",
    "InstanceId": "instance",
    "TransitGatewayId": "transit gateway",
    "VpcPeeringConnectionId": "VPC peering connection",
    "CoreNetworkArn": "core network",
    "LocalGatewayId": "local gateway",
    "CarrierGatewayId": "carrier gateway",
    "OdbNetworkArn": "ODB network",
    "GatewayId": "gateway",
}
GATEWAYS = {"igw-": "internet gateway", "vgw-": "virtual private gateway", "vpce-": "firewall endpoint"}


class Departure(NamedTuple):
    """How the traffic of a subnet to one destination leaves."""

    subnet: str
    zone: str
    destination: str
    """`0.0.0.0/0`, `::/0`, another range, or a prefix list."""
    kind: str
    """What the VPC route leads to, such as `NAT gateway`; empty without a route."""
    target: str = ""
    """Its ID."""
    addresses: tuple[str, ...] = ()
    """The IPv4 addresses, or the IPv6 ranges, that the internet may see; empty if they are not known."""
    problem: str = ""
    """Of `PROBLEMS`; empty if the addresses are fixed."""


class VpcFacts(NamedTuple):
    """What EC2 answers about VPCs, by ID."""

    subnets: Mapping[str, Answer]
    tables: Sequence[Answer]
    nat_gateways: Mapping[str, Answer]
    interfaces: Mapping[str, Answer]
    """The network interfaces that VPC routes lead to."""
    endpoints: Mapping[str, Answer]
    """Those of the VPCs, which include firewalls."""
    private_lists: Collection[str] = ()
    """The prefix lists with private ranges only."""

    def departures(self, subnet: str, *, assign_public_ip: bool | None = None) -> list[Departure]:
        """Return how the traffic of a subnet leaves, by destination.

        `assign_public_ip` is whether the tasks in it have public addresses; `None` if it is not known.
        """
        found = list(self._departures(self.subnets[subnet], (), assign_public_ip=assign_public_ip))
        zone = self.subnets[subnet]["AvailabilityZone"]
        return found or [Departure(subnet, zone, ANYWHERE, "", problem="noRoute")]

    def endpoints_of(self, subnet: str) -> list[str]:
        """Return the services of AWS that a subnet reaches by VPC endpoints, such as `com.amazonaws.us-east-1.s3`."""
        found = self.subnets[subnet]
        routes = routes_of(self.tables, found)
        gateways = [each["GatewayId"] for each in routes if _is_gateway_endpoint(each, self.endpoints)]
        return [
            each["ServiceName"]
            for key, each in self.endpoints.items()
            if key in gateways
            # The usual name of the service leads there.
            or (each["VpcId"] == found["VpcId"] and each.get("PrivateDnsEnabled"))
        ]

    def _departures(
        self, subnet: Answer, behind: tuple[str, ...], *, assign_public_ip: bool | None
    ) -> Iterator[Departure]:
        for route in routes_of(self.tables, subnet):
            destination = destination_of(route)
            is_inside = route.get("GatewayId") == "local" or _is_gateway_endpoint(route, self.endpoints)
            if not is_inside and not is_private(destination) and destination not in self.private_lists:
                yield from self._follow(route, subnet, behind, assign_public_ip=assign_public_ip)

    def _follow(
        self, route: Answer, subnet: Answer, behind: tuple[str, ...], *, assign_public_ip: bool | None
    ) -> Iterator[Departure]:
        """Yield how traffic leaves by a route; *behind* has the subnets of firewalls that it comes from."""
        key = next((each for each in TARGETS if route.get(each)), "")
        target, kind = route.get(key, ""), TARGETS.get(key, "a target that is new to this command")
        if key == "GatewayId":
            kind = next((name for prefix, name in GATEWAYS.items() if target.startswith(prefix)), kind)
        destination = destination_of(route)
        found = Departure(subnet["SubnetId"], subnet["AvailabilityZone"], destination, kind, target)
        is_ipv6 = ":" in destination and destination != NAT64
        if route.get("State") == "blackhole":
            yield found._replace(problem="blackhole")
        elif kind == "internet gateway" and not is_ipv6:
            problem = "noTaskAddress" if assign_public_ip is False else "taskAddress"
            yield found._replace(problem=problem)
        elif kind in ("internet gateway", "egress-only internet gateway"):
            yield found._replace(addresses=tuple(ipv6_ranges(subnet)))
        elif kind == "NAT gateway":
            yield from self._of_nat_gateway(found, behind)
        elif kind == "network interface" and not is_ipv6:
            yield self._of_interface(found)
        elif kind == "firewall endpoint":
            subnets = self.endpoints.get(target, {}).get("SubnetIds", [])
            yield from self._through(found, subnets, behind, assign_public_ip=assign_public_ip)
        else:
            yield found._replace(problem="notKnown")

    def _of_nat_gateway(self, found: Departure, behind: tuple[str, ...]) -> Iterator[Departure]:
        gateway = self.nat_gateways.get(found.target)
        if gateway is None:
            yield found._replace(problem="otherAccount")
            return
        if gateway["State"] != "available":
            yield found._replace(problem="notAvailable")
            return
        if gateway.get("ConnectivityType") == "private":
            private = found._replace(kind="private NAT gateway")
            yield from self._through(private, [gateway["SubnetId"]], behind, assign_public_ip=False)
            return
        if problem := self._problem_of_own_subnet(gateway, found.destination):
            yield found._replace(problem=problem)
            return
        answers = [each for each in gateway["NatGatewayAddresses"] if each.get("Status") != "failed"]
        kind, problem = found.kind, ""
        if gateway.get("AvailabilityMode") == "regional":
            kind = "regional NAT gateway"
            answers = [each for each in answers if each.get("AvailabilityZone") == found.zone] or answers
            # https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateways-regional.html
            if "enabled" in (gateway.get("AutoScalingIps"), gateway.get("AutoProvisionZones")):
                problem = "notFixed"
        addresses = tuple(each["PublicIp"] for each in answers if "PublicIp" in each)
        yield found._replace(kind=kind, addresses=addresses, problem=problem)

    def _problem_of_own_subnet(self, gateway: Answer, destination: str) -> str:
        """Return why traffic does not leave from the addresses of a public NAT gateway; empty if it does.

        Only an internet gateway gives it these addresses. A transit gateway, for example, gets private ones
        (https://docs.aws.amazon.com/vpc/latest/userguide/vpc-nat-gateway.html).
        """
        subnet = self.subnets.get(gateway.get("SubnetId", ""))
        if subnet is None or destination != ANYWHERE:
            return ""
        defaults = [
            each
            for each in routes_of(self.tables, subnet)
            if destination_of(each) == ANYWHERE and each.get("State") != "blackhole"
        ]
        if all(each.get("NatGatewayId") for each in defaults):
            return "gatewayWithoutInternet"
        targets = [each.get("GatewayId", "") for each in defaults]
        # What a firewall lets through comes to the internet gateway as it is.
        return "" if any(each.startswith(("igw-", "vpce-")) for each in targets) else "notKnown"

    def _of_interface(self, found: Departure) -> Departure:
        interface = self.interfaces.get(found.target)
        if interface is None:
            return found._replace(problem="notKnown")
        if interface.get("SourceDestCheck"):
            return found._replace(problem="sourceCheck")
        public = [each["Association"] for each in interface["PrivateIpAddresses"] if "Association" in each]
        addresses = tuple(each["PublicIp"] for each in public)
        if not public:
            return found._replace(problem="notKnown")
        is_fixed = all(each.get("AllocationId") for each in public)
        return found._replace(addresses=addresses, problem="" if is_fixed else "notFixed")

    def _through(
        self, found: Departure, subnets: Iterable[str], behind: tuple[str, ...], *, assign_public_ip: bool | None
    ) -> Iterator[Departure]:
        """Yield how traffic leaves by the subnets of a firewall or of a private NAT gateway, which forwards it."""
        onward = [
            departure
            for each in subnets
            if each in self.subnets and each not in behind
            for departure in self._departures(self.subnets[each], (*behind, each), assign_public_ip=assign_public_ip)
            if departure.destination == found.destination
        ]
        for each in onward:
            is_ipv6 = bool(each.addresses) and ":" in each.addresses[0]
            yield found._replace(
                kind=f"{found.kind}, {each.kind}",
                target=f"{found.target}, {each.target}",
                # Nothing translates IPv6 addresses.
                addresses=tuple(ipv6_ranges(self.subnets[found.subnet])) if is_ipv6 else each.addresses,
                problem=each.problem,
            )
        if not onward:
            yield found._replace(problem="notKnown")


def read_vpcs(ec2: Any, vpcs: Collection[str]) -> VpcFacts:  # noqa: ANN401 - of boto3
    """Ask EC2 about the routes of VPCs, and about what these lead to."""
    of_vpcs = [{"Name": "vpc-id", "Values": sorted(vpcs)}]
    tables = [*paged(ec2, "describe_route_tables", "RouteTables", Filters=of_vpcs)]
    subnets = {each["SubnetId"]: each for each in paged(ec2, "describe_subnets", "Subnets", Filters=of_vpcs)}
    gateways = paged(ec2, "describe_nat_gateways", "NatGateways", Filter=of_vpcs)
    nat_gateways = {each["NatGatewayId"]: each for each in gateways if each["State"] != "deleted"}
    found = paged(ec2, "describe_vpc_endpoints", "VpcEndpoints", Filters=of_vpcs)
    endpoints = {each["VpcEndpointId"]: each for each in found}
    routes = [route for table in tables for route in table["Routes"]]
    lists = {
        route["DestinationPrefixListId"]
        for route in routes
        if "DestinationPrefixListId" in route and not _is_gateway_endpoint(route, endpoints)
    }
    return VpcFacts(
        subnets,
        tables,
        nat_gateways,
        _interfaces(ec2, {each["NetworkInterfaceId"] for each in routes if each.get("NetworkInterfaceId")}),
        endpoints,
        {each for each in lists if _is_private_list(ec2, each)},
    )


def vpcs_of(ec2: Any, subnets: Collection[str]) -> set[str]:  # noqa: ANN401 - of boto3
    """Return the VPCs of subnets."""
    if not subnets:
        return set()
    # A filter, unlike IDs, is no error if a subnet is gone.
    filters = [{"Name": "subnet-id", "Values": sorted(subnets)}]
    return {each["VpcId"] for each in paged(ec2, "describe_subnets", "Subnets", Filters=filters)}


def routes_of(tables: Iterable[Answer], subnet: Answer) -> list[Answer]:
    """Return the routes of the table of a subnet, which is the main one of its VPC if it has none of its own."""
    of_vpc = [each for each in tables if each["VpcId"] == subnet["VpcId"]]
    links = [(link, table) for table in of_vpc for link in table["Associations"]]
    own = [table for link, table in links if link.get("SubnetId") == subnet["SubnetId"]]
    main = [table for link, table in links if link.get("Main")]
    return [route for table in (own or main)[:1] for route in table["Routes"]]


def ipv6_ranges(subnet: Answer) -> list[str]:
    """Return the IPv6 ranges of a subnet."""
    associations = subnet.get("Ipv6CidrBlockAssociationSet", [])
    return [each["Ipv6CidrBlock"] for each in associations if each["Ipv6CidrBlockState"]["State"] == "associated"]


def destination_of(route: Answer) -> str:
    """Return the range or the prefix list that a VPC route is for."""
    return str(next(route[each] for each in DESTINATIONS if route.get(each)))


def _is_gateway_endpoint(route: Answer, endpoints: Mapping[str, Answer]) -> bool:
    """Whether a route leads to S3 or DynamoDB by a gateway endpoint, and so not to the internet.

    A route to the endpoint of a firewall may be for a prefix list, too.
    """
    endpoint = route.get("GatewayId", "")
    kind = endpoints.get(endpoint, {}).get("VpcEndpointType", "Gateway")
    return endpoint.startswith("vpce-") and "DestinationPrefixListId" in route and kind == "Gateway"


def _is_private_list(ec2: Any, prefix_list: str) -> bool:  # noqa: ANN401 - of boto3
    entries = [*paged(ec2, "get_managed_prefix_list_entries", "Entries", PrefixListId=prefix_list)]
    return bool(entries) and all(is_private(each["Cidr"]) for each in entries)


def _interfaces(ec2: Any, ids: Collection[str]) -> dict[str, Answer]:  # noqa: ANN401 - of boto3
    """Return the network interfaces that EC2 shows; it does not show those of another account."""
    if not ids:
        return {}
    filters = [{"Name": "network-interface-id", "Values": sorted(ids)}]
    found = paged(ec2, "describe_network_interfaces", "NetworkInterfaces", Filters=filters)
    return {each["NetworkInterfaceId"]: each for each in found}
