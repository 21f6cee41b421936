"""How the tasks of a deployed service leave."""

from fargate_constructs.cli.deployed.egress_addresses import Departure
from fargate_constructs.cli.deployed.service_egress import ServiceEgress, read_service_egress, service_egress
from tests.cli.deployed.test_egress_addresses import (
    ANYWHERE,
    ELASTIC,
    NAT_ROUTE,
    SUBNET,
    VPC,
    ZONES,
    facts,
    interface,
    nat,
    subnet,
    table,
)
from tests.cli.recorded_aws import RecordedAws, service


def test_a_service_leaves_from_all_its_subnets() -> None:
    """Also from those of the deployment before, which may be other ones."""
    second = subnet("subnet-2", "us-east-1b")
    known = facts(
        table(NAT_ROUTE),
        table({**NAT_ROUTE, "NatGatewayId": "nat-2"}, of="subnet-2"),
        subnets={SUBNET: subnet(), "subnet-2": second},
        nat_gateways={"nat-1": nat(*ZONES[:1]), "nat-2": nat(*ZONES[1:])},
    )
    before = {"networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-2", "subnet-gone"]}}}
    found = service_egress(known, service(deployments=[before]))

    assert found.addresses == ["203.0.113.8", "203.0.113.7"]
    assert found.problems == []
    assert found.gone_subnets == ["subnet-gone"]


def test_without_subnets_of_its_own_nothing_is_known(clients: RecordedAws) -> None:
    """Tasks that run in the network of instances have none; subnets that are gone have no VPC."""
    clients.answers["DescribeSubnets"] = {"Subnets": []}
    ec2 = clients.client("ec2")

    assert read_service_egress(ec2, service(networkConfiguration={})) == ServiceEgress((), [])
    assert clients.requests == []
    assert read_service_egress(ec2, service()) == ServiceEgress((), [SUBNET])


def test_a_healthy_service_leaves_from_its_nat_gateway(clients: RecordedAws) -> None:
    """Five requests are enough if no VPC route leads to anything else."""
    found = read_service_egress(clients.client("ec2"), service())

    assert (found.addresses, found.problems) == (["203.0.113.7"], [])
    asked = [name for name, _ in clients.requests]
    assert asked == [
        "DescribeSubnets",
        "DescribeRouteTables",
        "DescribeSubnets",
        "DescribeNatGateways",
        "DescribeVpcEndpoints",
    ]


def test_ec2_is_asked_for_what_routes_lead_to(clients: RecordedAws) -> None:
    """By filters, so that what another account has is no error."""
    routes = [
        NAT_ROUTE,
        {"DestinationCidrBlock": "198.51.100.0/24", "NetworkInterfaceId": "eni-1"},
        {"DestinationPrefixListId": "pl-s3", "GatewayId": "vpce-s3"},
        {"DestinationPrefixListId": "pl-1", "TransitGatewayId": "tgw-1"},
        {"DestinationPrefixListId": "pl-2", "TransitGatewayId": "tgw-1"},
        {"DestinationPrefixListId": "pl-3", "TransitGatewayId": "tgw-1"},
    ]
    cidrs = {"pl-1": ["10.0.0.0/8", "192.168.0.0/16"], "pl-2": ["10.0.0.0/8", "198.51.100.0/24"], "pl-3": []}
    deleted = {**nat(), "NatGatewayId": "nat-0", "State": "deleted"}
    clients.answers |= {
        "DescribeRouteTables": {"RouteTables": [table(*routes)]},
        "DescribeNatGateways": {"NatGateways": [nat(*ZONES[:1]), deleted]},
        "DescribeNetworkInterfaces": {"NetworkInterfaces": [interface(ELASTIC)]},
        "DescribeVpcEndpoints": {
            "VpcEndpoints": [{"VpcEndpointId": "vpce-s3", "VpcId": VPC, "ServiceName": "com.amazonaws.us-east-1.s3"}]
        },
        "GetManagedPrefixListEntries": lambda request: {
            "Entries": [{"Cidr": each} for each in cidrs[request["PrefixListId"]]]
        },
    }
    found = read_service_egress(clients.client("ec2"), service())

    targets = [(each.destination, each.addresses, each.problem) for each in found.departures]
    assert targets == [
        (ANYWHERE, ("203.0.113.7",), ""),
        ("198.51.100.0/24", ("203.0.113.7",), ""),
        ("pl-2", (), "notKnown"),
        ("pl-3", (), "notKnown"),
    ]
    assert found.departures[0] == Departure(SUBNET, "us-east-1a", ANYWHERE, "NAT gateway", "nat-1", ("203.0.113.7",))
    filters = {name: params["Filters"] for name, params in clients.requests if "Interface" in name}
    assert filters == {"DescribeNetworkInterfaces": [{"Name": "network-interface-id", "Values": ["eni-1"]}]}
