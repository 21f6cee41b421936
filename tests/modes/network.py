"""How tasks leave."""

from collections.abc import Callable

from aws_cdk import Stack, Stage
from aws_cdk import aws_ec2 as ec2

from fargate_constructs import Egress, FixedEgressNetwork, VpcEndpoints
from tests.modes.made_elsewhere import zone_in


def by(egress: Callable[[], Egress]) -> Callable[[Stage], None]:
    """Return the mode of a network with a way out, and with the addresses published."""

    def build(stage: Stage) -> None:
        network = FixedEgressNetwork(Stack(stage, "Test"), "Network", egress=egress())
        if network.egress_ips:
            network.publish(parameter_name="/network/egress-ips")

    return build


def three_zones(stage: Stage) -> None:
    """Two addresses for each gateway, from the caller's pool, beside all endpoints, to two accounts."""
    FixedEgressNetwork(
        Stack(stage, "Test"),
        "Network",
        egress=Egress.per_az(addresses_per_az=2, public_ipv4_pool="ipv4pool-ec2-0123456789abcdef0"),
        max_azs=3,
        endpoints=[*VpcEndpoints.for_isolated_tasks, VpcEndpoints.dynamodb],
        resource_accounts=["222222222222"],
    )


def given_addresses(stage: Stage) -> None:
    """Addresses that were there before."""
    FixedEgressNetwork(
        Stack(stage, "Test"),
        "Network",
        egress=Egress.single(eip_allocation_ids=["eipalloc-0123456789abcdef0"], egress_ips=["203.0.113.7"]),
    )


def reverse_dns(stage: Stage) -> None:
    """A name for the addresses, which mail servers find both ways."""
    stack = Stack(stage, "Test")
    network = FixedEgressNetwork(stack, "Network", egress=Egress.single())
    network.add_reverse_dns(hosted_zone=zone_in(stack), name="mail.example.com")


def dual_stack(stage: Stage) -> None:
    """IPv6 beside IPv4, published, with all endpoints; and without egress."""
    stack = Stack(stage, "Test")
    network = FixedEgressNetwork(
        stack,
        "Network",
        ip_protocol=ec2.IpProtocol.DUAL_STACK,
        endpoints=[VpcEndpoints.dynamodb, VpcEndpoints(interfaces=("sqs", "kms"))],
        resource_accounts=[],
    )
    network.publish(parameter_name="/network/egress-ips", ipv6_parameter_name="/network/egress-ipv6-cidrs")
    isolated = Stack(stage, "Isolated")
    FixedEgressNetwork(isolated, "Network", egress=Egress.isolated(), ip_protocol=ec2.IpProtocol.DUAL_STACK)


MODES = {
    "regional": by(Egress.regional),
    "nat-instance": by(Egress.nat_instance),
    "isolated-kept": by(lambda: Egress.isolated(keep_addresses=True)),
    "paused": by(lambda: Egress.per_az().paused()),
    "three-zones": three_zones,
    "given-addresses": given_addresses,
    "reverse-dns": reverse_dns,
    "dual-stack": dual_stack,
}
