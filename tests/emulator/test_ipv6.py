"""A deployed network that gets IPv6 later: what stays, where traffic goes, and which ranges others read."""

from ipaddress import ip_network

from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2

from fargate_constructs import FixedEgressNetwork, HttpEndpoint
from tests.emulator.emulator import Emulator
from tests.emulator.updates import DeployedStack

RANGES = "/network/egress-ipv6-cidrs"
NEVER_REPLACED = (
    "AWS::EC2::EIP",
    "AWS::EC2::NatGateway",
    "AWS::EC2::RouteTable",
    "AWS::EC2::SecurityGroup",
    "AWS::EC2::Subnet",
    "AWS::EC2::VPC",
    "AWS::EC2::VPCEndpoint",
    "AWS::ElasticLoadBalancingV2::LoadBalancer",
)


def network_app(ip_protocol: ec2.IpProtocol, max_azs: int = 2) -> App:
    """Return an app of a network with an endpoint, which publishes its addresses and, if it has some, its ranges."""
    app = App()
    stack = Stack(app, "DualStack")
    network = FixedEgressNetwork(stack, "Network", ip_protocol=ip_protocol, max_azs=max_azs)
    HttpEndpoint(stack, "Endpoint", network=network, deletion_protection=False)
    network.publish(
        parameter_name="/network/egress-ips", ipv6_parameter_name=RANGES if network.egress_ipv6_cidrs else None
    )
    return app


def test_a_network_gets_ipv6(aws: Emulator) -> None:
    """Nothing is replaced. Tasks leave by an egress-only gateway, from ranges that a further zone does not move."""
    stack = DeployedStack(aws, network_app(ec2.IpProtocol.IPV4_ONLY))
    before = stack.physical_ids(*NEVER_REPLACED)

    assert stack.update(network_app(ec2.IpProtocol.DUAL_STACK)) == "UPDATE_COMPLETE", stack.why()
    assert stack.physical_ids(*NEVER_REPLACED) == before
    ssm, client = aws.client("ssm"), aws.client("ec2")
    ranges = ssm.get_parameter(Name=RANGES)["Parameter"]["Value"].split(",")
    (gateway,) = stack.physical_ids("AWS::EC2::EgressOnlyInternetGateway").values()
    ids = [*stack.physical_ids("AWS::EC2::RouteTable").values()]
    routes = [
        route for table in client.describe_route_tables(RouteTableIds=ids)["RouteTables"] for route in table["Routes"]
    ]
    to_ipv6 = [route for route in routes if route.get("DestinationIpv6CidrBlock") == "::/0"]

    assert [ip_network(each).prefixlen for each in ranges] == [64, 64]
    assert len({ip_network(each).supernet(new_prefix=56) for each in ranges}) == 1
    assert sorted(route.get("EgressOnlyInternetGatewayId", "public") for route in to_ipv6) == sorted(
        [gateway] * 2 + ["public"] * 2
    )
    assert sum(route.get("DestinationIpv6CidrBlock") == "64:ff9b::/96" for route in routes) == 2

    assert stack.update(network_app(ec2.IpProtocol.DUAL_STACK, max_azs=3)) == "UPDATE_COMPLETE", stack.why()
    assert ssm.get_parameter(Name=RANGES)["Parameter"]["Value"].split(",")[:2] == ranges
    assert stack.destroy() == "DELETE_COMPLETE"
