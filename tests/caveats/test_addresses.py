"""What the pack says of the ways that tasks take."""

from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import App, CfnDeletionPolicy, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs

from fargate_constructs import FargateService, FixedEgressNetwork
from fargate_constructs.caveats import Rule
from tests.caveats.lab import IMAGE, findings_in


def service_in(stack: Stack, vpc: ec2.IVpc, **service: Any) -> ecs.FargateService:  # noqa: ANN401 - passed through
    """Run a service in a VPC, which is otherwise full of caveats."""
    definition = ecs.FargateTaskDefinition(stack, "Definition")
    definition.add_container("web", image=ecs.ContainerImage.from_registry(IMAGE))
    cluster = ecs.Cluster(stack, "Cluster", vpc=vpc)
    return ecs.FargateService(stack, "Service", cluster=cluster, task_definition=definition, **service)


def plain(stack: Stack) -> None:
    """A VPC as CDK makes it."""
    service_in(stack, ec2.Vpc(stack, "Vpc", max_azs=1))


def retained(stack: Stack) -> None:
    """A NAT gateway on an address that stays."""
    address = ec2.CfnEIP(stack, "Address")
    address.apply_removal_policy(RemovalPolicy.RETAIN)
    provider = ec2.NatProvider.gateway(eip_allocation_ids=[address.attr_allocation_id])
    service_in(stack, ec2.Vpc(stack, "Vpc", max_azs=1, nat_gateway_provider=provider))


def retained_but_if_replaced(stack: Stack) -> None:
    """A NAT gateway on an address that stays until CloudFormation makes another."""
    retained(stack)
    address = stack.node.find_child("Address")
    assert isinstance(address, ec2.CfnEIP)
    address.cfn_options.update_replace_policy = CfnDeletionPolicy.DELETE


def from_elsewhere(stack: Stack) -> None:
    """A NAT gateway on an address that this app cannot lose."""
    provider = ec2.NatProvider.gateway(eip_allocation_ids=["eipalloc-1"])
    service_in(stack, ec2.Vpc(stack, "Vpc", max_azs=1, nat_gateway_provider=provider))


def regional(stack: Stack) -> None:
    """A NAT gateway whose addresses AWS picks."""
    service_in(stack, ec2.Vpc(stack, "Vpc", max_azs=1, nat_gateway_provider=ec2.NatProvider.regional_gateway()))


def public(stack: Stack) -> None:
    """Tasks in public subnets, without a public address."""
    vpc = ec2.Vpc(stack, "Vpc", max_azs=1, nat_gateways=0)
    service_in(stack, vpc, vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC))


def public_with_address(stack: Stack) -> None:
    """Tasks in public subnets, as the docs of 2018 had them."""
    service_in(stack, ec2.Vpc(stack, "Vpc", max_azs=1, nat_gateways=0), assign_public_ip=True)


def dual_stack(stack: Stack) -> None:
    """Tasks with IPv6."""
    address = ec2.CfnEIP(stack, "Address")
    address.apply_removal_policy(RemovalPolicy.RETAIN)
    provider = ec2.NatProvider.gateway(eip_allocation_ids=[address.attr_allocation_id])
    vpc = ec2.Vpc(stack, "Vpc", max_azs=1, nat_gateway_provider=provider, ip_protocol=ec2.IpProtocol.DUAL_STACK)
    service_in(stack, vpc)


def known_dual_stack(stack: Stack) -> None:
    """Tasks of ours with IPv6, whose ranges are known."""
    network = FixedEgressNetwork(stack, "Network", ip_protocol=ec2.IpProtocol.DUAL_STACK)
    FargateService(stack, "Service", network=network, image=ecs.ContainerImage.from_registry(IMAGE))


def public_dual_stack(stack: Stack) -> None:
    """Tasks with IPv6 to which the internet may connect, though they have no public IPv4 address."""
    vpc = ec2.Vpc(stack, "Vpc", max_azs=1, nat_gateways=0, ip_protocol=ec2.IpProtocol.DUAL_STACK)
    service_in(stack, vpc, vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC))


def transit(stack: Stack) -> None:
    """Tasks that leave through a network that is not seen."""
    vpc = ec2.Vpc(
        stack,
        "Vpc",
        max_azs=1,
        subnet_configuration=[ec2.SubnetConfiguration(name="Tasks", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)],
    )
    (subnet,) = vpc.isolated_subnets
    table = subnet.route_table.route_table_id
    ec2.CfnRoute(stack, "Way", route_table_id=table, destination_cidr_block="0.0.0.0/0", transit_gateway_id="tgw-1")
    service_in(stack, vpc, vpc_subnets=ec2.SubnetSelection(subnets=[subnet]))


def imported(stack: Stack) -> None:
    """Subnets of another app."""
    vpc = ec2.Vpc.from_vpc_attributes(
        stack, "Vpc", vpc_id="vpc-1", availability_zones=["eu-west-1a"], private_subnet_ids=["subnet-1"]
    )
    service_in(stack, vpc)


CASES: list[tuple[Callable[[Stack], None], set[tuple[str, str]]]] = [
    (plain, {("UnknownEgress", "Vpc/PublicSubnet1/EIP")}),
    (retained, set()),
    (retained_but_if_replaced, {("UnknownEgress", "Address")}),
    (from_elsewhere, set()),
    (regional, {("UnknownEgress", "Vpc/RegionalNatGateway")}),
    (public, {("PublicSubnet", "Service/Service")}),
    (public_with_address, {("PublicAddress", "Service/Service")}),
    (dual_stack, {("Ipv6Egress", "Vpc/PrivateSubnet1/DefaultRoute6")}),
    (known_dual_stack, set()),
    (
        public_dual_stack,
        {("PublicSubnet", "Service/Service"), ("PublicAddress", "Vpc/PublicSubnet1/DefaultRoute6")},
    ),
    (transit, set()),
    (imported, set()),
]
RULES = {"PublicAddress", "PublicSubnet", "UnknownEgress", "Ipv6Egress"}


def name_of(build: Callable[[Stack], None]) -> str:
    """Return the ID of a case's stack."""
    return build.__name__.title().replace("_", "")


@pytest.fixture(scope="module")
def findings() -> list[tuple[str, str, str]]:
    """What is found in an app with a stack for each case."""
    app = App()
    for build, _ in CASES:
        build(Stack(app, name_of(build)))
    return findings_in(app)


@pytest.mark.parametrize(("build", "expected"), CASES, ids=[build.__name__ for build, _ in CASES])
def test_ways_out(
    findings: list[tuple[str, str, str]], build: Callable[[Stack], None], expected: set[tuple[str, str]]
) -> None:
    """Each cause is found once, at the resource to change."""
    prefix = f"{name_of(build)}/"
    found = {
        (rule, path.removeprefix(prefix)) for rule, path, _ in findings if path.startswith(prefix) and rule in RULES
    }

    assert found == expected


def test_it_says_when_an_address_does_not_stay(findings: list[tuple[str, str, str]]) -> None:
    """One of the two policies is set."""
    (description,) = (text for _, path, text in findings if path == "RetainedButIfReplaced/Address")

    assert description.endswith(" on RetainedButIfReplaced/Address, which is not retained when it is replaced")


def test_it_says_which_way(findings: list[tuple[str, str, str]]) -> None:
    """From the subnet to the address."""
    (description,) = (text for _, path, text in findings if path == "Plain/Vpc/PublicSubnet1/EIP")

    assert description == (
        f"{Rule.UnknownEgress.why} Got: tasks in Plain/Vpc/PrivateSubnet1/Subnet, where "
        "Plain/Vpc/PrivateSubnet1/DefaultRoute leads 0.0.0.0/0 to Plain/Vpc/PublicSubnet1/NATGateway on "
        "Plain/Vpc/PublicSubnet1/EIP, which is not retained"
    )
