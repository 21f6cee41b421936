"""How the addresses are found that the internet sees of a deployed service."""

from typing import Any

import pytest

from fargate_constructs.cli.deployed.egress_addresses import PROBLEMS, VpcFacts
from tests.cli.recorded_aws import ACCOUNT

VPC, SUBNET, FIREWALL = "vpc-0a1b", "subnet-0a1b", "subnet-0f0f"
IPV6 = "2600:1f14:0:100::/64"
ANYWHERE = "0.0.0.0/0"
NAT_ROUTE = {"DestinationCidrBlock": ANYWHERE, "NatGatewayId": "nat-1", "State": "active"}
LOCAL = {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "State": "active"}


def subnet(name: str = SUBNET, zone: str = "us-east-1a", ipv6: str = "") -> dict[str, Any]:
    """Return a subnet."""
    ranges = [{"Ipv6CidrBlock": ipv6, "Ipv6CidrBlockState": {"State": "associated"}}] if ipv6 else []
    gone = {"Ipv6CidrBlock": "2600::/64", "Ipv6CidrBlockState": {"State": "disassociated"}}
    return {
        "SubnetId": name,
        "VpcId": VPC,
        "AvailabilityZone": zone,
        "Ipv6CidrBlockAssociationSet": [gone, *ranges],
    }


def table(*routes: dict[str, Any], of: str = SUBNET) -> dict[str, Any]:
    """Return a route table of a subnet; of the VPC if that is empty."""
    link = {"SubnetId": of} if of else {"Main": True}
    return {"RouteTableId": "rtb-1", "VpcId": VPC, "Associations": [link], "Routes": [LOCAL, *routes]}


def nat(*addresses: tuple[str, str], **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - an answer
    """Return a NAT gateway with addresses and their zones."""
    found = [{"PublicIp": ip, "AllocationId": f"eipalloc-{ip}", "AvailabilityZone": zone} for ip, zone in addresses]
    failed = {"PublicIp": "203.0.113.99", "Status": "failed"}
    return {
        "NatGatewayId": "nat-1",
        "VpcId": VPC,
        "SubnetId": "subnet-public",
        "State": "available",
        "NatGatewayAddresses": [*found, failed],
        **changes,
    }


def interface(*associations: dict[str, str], **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - an answer
    """Return the network interface of an instance that forwards."""
    private = [{"PrivateIpAddress": "10.0.0.9"}, *({"Association": each} for each in associations)]
    return {"NetworkInterfaceId": "eni-1", "SourceDestCheck": False, "PrivateIpAddresses": private, **changes}


def facts(*tables: dict[str, Any], ipv6: str = "", **changes: Any) -> VpcFacts:  # noqa: ANN401 - answers
    """Return a VPC with a NAT gateway, and with a firewall whose subnet leads to it."""
    known = {
        "subnets": {SUBNET: subnet(ipv6=ipv6), FIREWALL: subnet(FIREWALL, ipv6="2600:1f14:0:1ff::/64")},
        "nat_gateways": {"nat-1": nat(("203.0.113.7", "us-east-1a"))},
        "interfaces": {},
        "endpoints": {"vpce-1": {"SubnetIds": [FIREWALL], "VpcId": VPC, "ServiceName": "fw"}},
        **changes,
    }
    return VpcFacts(tables=tables, **known)


def by(**target: str) -> dict[str, Any]:
    """Return a default route to a target."""
    return {"DestinationCidrBlock": ANYWHERE, "State": "active", **target}


REGIONAL = {"AvailabilityMode": "regional", "AutoScalingIps": "disabled", "AutoProvisionZones": "disabled"}
ZONES = (("203.0.113.7", "us-east-1a"), ("203.0.113.8", "us-east-1b"))
PRIVATE_NAT = nat(ConnectivityType="private", SubnetId=FIREWALL)
INSIDE = {"nat-1": nat(("203.0.113.7", "us-east-1a"), SubnetId=FIREWALL)}
PUBLIC_NAT = {**nat(("203.0.113.7", "us-east-1a")), "NatGatewayId": "nat-2"}
GONE = {"State": "blackhole"}
TO_FIREWALL = table(by(GatewayId="vpce-1"))
ELASTIC = {"PublicIp": "203.0.113.7", "AllocationId": "eipalloc-7", "IpOwnerId": ACCOUNT}


@pytest.mark.parametrize(
    ("known", "kind", "addresses", "problem"),
    [
        (facts(table(NAT_ROUTE)), "NAT gateway", ["203.0.113.7"], ""),
        (facts(table(of="subnet-other"), table(NAT_ROUTE, of="")), "NAT gateway", ["203.0.113.7"], ""),
        (facts(table(), {**table(NAT_ROUTE, of=""), "VpcId": "vpc-other"}), "", [], "noRoute"),
        (facts(table(NAT_ROUTE | GONE)), "NAT gateway", [], "blackhole"),
        (facts(table(NAT_ROUTE), nat_gateways={}), "NAT gateway", [], "otherAccount"),
        (facts(table(NAT_ROUTE), nat_gateways=INSIDE), "NAT gateway", [], "gatewayWithoutInternet"),
        (
            facts(table(NAT_ROUTE), table(NAT_ROUTE, of=FIREWALL), nat_gateways=INSIDE),
            "NAT gateway",
            [],
            "gatewayWithoutInternet",
        ),
        (
            facts(table(NAT_ROUTE), table(by(GatewayId="igw-1"), of=FIREWALL), nat_gateways=INSIDE),
            "NAT gateway",
            ["203.0.113.7"],
            "",
        ),
        (
            facts(table(NAT_ROUTE), table(by(GatewayId="vpce-1"), of=FIREWALL), nat_gateways=INSIDE),
            "NAT gateway",
            ["203.0.113.7"],
            "",
        ),
        (
            facts(table(NAT_ROUTE), table(by(GatewayId="igw-1") | GONE, of=FIREWALL), nat_gateways=INSIDE),
            "NAT gateway",
            [],
            "gatewayWithoutInternet",
        ),
        (
            facts(table(NAT_ROUTE), table(by(TransitGatewayId="tgw-1"), of=FIREWALL), nat_gateways=INSIDE),
            "NAT gateway",
            [],
            "notKnown",
        ),
        (facts(table(NAT_ROUTE), nat_gateways={"nat-1": nat(State="pending")}), "NAT gateway", [], "notAvailable"),
        (
            facts(table(NAT_ROUTE), nat_gateways={"nat-1": nat(*ZONES)}),
            "NAT gateway",
            ["203.0.113.7", "203.0.113.8"],
            "",
        ),
        (
            facts(table(NAT_ROUTE), nat_gateways={"nat-1": nat(*ZONES, **REGIONAL)}),
            "regional NAT gateway",
            ["203.0.113.7"],
            "",
        ),
        (
            facts(table(NAT_ROUTE), nat_gateways={"nat-1": nat(*ZONES[1:], **REGIONAL)}),
            "regional NAT gateway",
            ["203.0.113.8"],
            "",
        ),
        (
            facts(table(NAT_ROUTE), nat_gateways={"nat-1": nat(*ZONES, **REGIONAL | {"AutoScalingIps": "enabled"})}),
            "regional NAT gateway",
            ["203.0.113.7"],
            "notFixed",
        ),
        (
            facts(table(by(NetworkInterfaceId="eni-1", InstanceId="i-1")), interfaces={"eni-1": interface(ELASTIC)}),
            "network interface",
            ["203.0.113.7"],
            "",
        ),
        (
            facts(
                table(by(NetworkInterfaceId="eni-1")),
                interfaces={"eni-1": interface({"PublicIp": "203.0.113.9", "IpOwnerId": "amazon"})},
            ),
            "network interface",
            ["203.0.113.9"],
            "notFixed",
        ),
        (facts(table(by(NetworkInterfaceId="eni-1"))), "network interface", [], "notKnown"),
        (
            facts(table(by(NetworkInterfaceId="eni-1")), interfaces={"eni-1": interface()}),
            "network interface",
            [],
            "notKnown",
        ),
        (
            facts(table(by(NetworkInterfaceId="eni-1")), interfaces={"eni-1": interface(SourceDestCheck=True)}),
            "network interface",
            [],
            "sourceCheck",
        ),
        (facts(table(by(GatewayId="igw-1"))), "internet gateway", [], "noTaskAddress"),
        (facts(table(by(TransitGatewayId="tgw-1"))), "transit gateway", [], "notKnown"),
        (facts(table(by(VpcPeeringConnectionId="pcx-1"))), "VPC peering connection", [], "notKnown"),
        (facts(table(by(CoreNetworkArn="arn:core"))), "core network", [], "notKnown"),
        (facts(table(by(GatewayId="vgw-1"))), "virtual private gateway", [], "notKnown"),
        (facts(table(by(GatewayId="other-1"))), "gateway", [], "notKnown"),
        (facts(table(by(NewTargetId="new-1"))), "a target that is new to this command", [], "notKnown"),
        (facts(TO_FIREWALL, table(NAT_ROUTE, of=FIREWALL)), "firewall endpoint, NAT gateway", ["203.0.113.7"], ""),
        (facts(TO_FIREWALL, table(of=FIREWALL)), "firewall endpoint", [], "notKnown"),
        (facts(TO_FIREWALL, endpoints={}), "firewall endpoint", [], "notKnown"),
        (
            facts(TO_FIREWALL, table(by(GatewayId="vpce-1"), of=FIREWALL)),
            "firewall endpoint, firewall endpoint",
            [],
            "notKnown",
        ),
        (
            facts(TO_FIREWALL, table(by(GatewayId="igw-1"), of=FIREWALL)),
            "firewall endpoint, internet gateway",
            [],
            "noTaskAddress",
        ),
        (
            facts(
                table(NAT_ROUTE),
                table(by(NatGatewayId="nat-2"), of=FIREWALL),
                nat_gateways={"nat-1": PRIVATE_NAT, "nat-2": PUBLIC_NAT},
            ),
            "private NAT gateway, NAT gateway",
            ["203.0.113.7"],
            "",
        ),
        (
            facts(
                table(NAT_ROUTE),
                table(by(TransitGatewayId="tgw-1"), of=FIREWALL),
                nat_gateways={"nat-1": PRIVATE_NAT},
            ),
            "private NAT gateway, transit gateway",
            [],
            "notKnown",
        ),
    ],
)
def test_a_default_route_is_followed(known: VpcFacts, kind: str, addresses: list[str], problem: str) -> None:
    """Each kind of target leads to addresses, or to why there are none that stay."""
    [found] = [each for each in known.departures(SUBNET, assign_public_ip=False) if each.destination == ANYWHERE]

    assert (found.kind, list(found.addresses), found.problem) == (kind, addresses, problem)
    assert found.problem in ("", *PROBLEMS)
    assert (found.subnet, found.zone) == (SUBNET, "us-east-1a")


def test_tasks_with_public_addresses_have_new_ones_each_time() -> None:
    """Of a subnet alone it is not known whether its tasks have addresses, so the same is said."""
    known = facts(table(by(GatewayId="igw-1")))

    assert [each.problem for each in known.departures(SUBNET, assign_public_ip=True)] == ["taskAddress"]
    assert [each.problem for each in known.departures(SUBNET)] == ["taskAddress"]


@pytest.mark.parametrize("target", [{"EgressOnlyInternetGatewayId": "eigw-1"}, {"GatewayId": "igw-1"}])
def test_ipv6_leaves_from_the_range_of_the_subnet(target: dict[str, str]) -> None:
    """Also through a firewall, because nothing translates IPv6."""
    ipv6 = {"DestinationIpv6CidrBlock": "::/0", "State": "active", **target}
    through = {"DestinationIpv6CidrBlock": "::/0", "State": "active", "GatewayId": "vpce-1"}
    direct = facts(table(NAT_ROUTE, ipv6), ipv6=IPV6).departures(SUBNET)
    by_firewall = facts(table(NAT_ROUTE, through), table(ipv6, of=FIREWALL), ipv6=IPV6).departures(SUBNET)

    for departures in (direct, by_firewall):
        assert [each.destination for each in departures] == [ANYWHERE, "::/0"]
        assert departures[1].addresses == (IPV6,)
        assert departures[1].problem == ""


def test_nat64_leaves_from_the_nat_gateway_but_ipv6_to_an_instance_is_not_known() -> None:
    """A NAT instance has no NAT64."""
    nat64 = {"DestinationIpv6CidrBlock": "64:ff9b::/96", "NatGatewayId": "nat-1"}
    ipv6 = {"DestinationIpv6CidrBlock": "::/0", "NetworkInterfaceId": "eni-1"}
    known = facts(table(nat64, ipv6), interfaces={"eni-1": interface(ELASTIC)}, ipv6=IPV6)

    assert [(each.addresses, each.problem) for each in known.departures(SUBNET)] == [
        (("203.0.113.7",), ""),
        ((), "notKnown"),
    ]


def test_routes_without_the_internet_are_left_out() -> None:
    """Private ranges, prefix lists of private ranges, and the gateway endpoints of S3 and DynamoDB."""
    private = {"DestinationCidrBlock": "172.16.0.0/12", "TransitGatewayId": "tgw-1"}
    listed = {"DestinationPrefixListId": "pl-1", "TransitGatewayId": "tgw-1"}
    other = {"DestinationPrefixListId": "pl-2", "TransitGatewayId": "tgw-1"}
    s3 = {"DestinationPrefixListId": "pl-63a5400a", "GatewayId": "vpce-s3"}
    hidden = {"DestinationPrefixListId": "pl-02cd2c6b", "GatewayId": "vpce-hidden"}
    endpoints = {
        "vpce-s3": {"VpcId": VPC, "ServiceName": "com.amazonaws.us-east-1.s3"},
        "vpce-1": {"VpcId": VPC, "ServiceName": "com.amazonaws.us-east-1.logs", "PrivateDnsEnabled": True},
        "vpce-2": {"VpcId": "vpc-other", "ServiceName": "com.amazonaws.us-east-1.sqs", "PrivateDnsEnabled": True},
    }
    known = facts(table(NAT_ROUTE, private, listed, other, s3, hidden), endpoints=endpoints, private_lists={"pl-1"})

    assert [each.destination for each in known.departures(SUBNET)] == [ANYWHERE, "pl-2"]
    assert known.endpoints_of(SUBNET) == ["com.amazonaws.us-east-1.s3", "com.amazonaws.us-east-1.logs"]


def test_a_firewall_may_have_a_route_for_a_prefix_list() -> None:
    """It is no gateway endpoint of S3, although its route looks like one."""
    partners = {"DestinationPrefixListId": "pl-1", "GatewayId": "vpce-1"}
    inside = {"DestinationPrefixListId": "pl-1", "NatGatewayId": "nat-1"}
    firewall = {"SubnetIds": [FIREWALL], "VpcId": VPC, "ServiceName": "fw", "VpcEndpointType": "GatewayLoadBalancer"}
    known = facts(table(NAT_ROUTE, partners), table(inside, of=FIREWALL), endpoints={"vpce-1": firewall})

    assert [(each.destination, each.addresses) for each in known.departures(SUBNET)] == [
        (ANYWHERE, ("203.0.113.7",)),
        ("pl-1", ("203.0.113.7",)),
    ]
    assert known.endpoints_of(SUBNET) == []
