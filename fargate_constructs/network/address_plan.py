"""How a network's address ranges are divided among zones, independent of how many are used."""

from collections.abc import Sequence
from functools import cache
from ipaddress import IPv4Network

from aws_cdk import Fn
from aws_cdk import aws_ec2 as ec2
from constructs import Construct, IConstruct

from fargate_constructs._core.construct_paths import keep_place, stack_of
from fargate_constructs._core.nag_suppressions import acknowledge
from fargate_constructs._core.subnets import private_subnets_of, public_subnets_of
from fargate_constructs._core.unresolved import is_dummy, is_unresolved
from fargate_constructs._core.validation import validate_list

# An ALB needs two zones, and a service needs two to keep running if one fails.
MIN_ZONES = 2
# No AWS region has more zones than us-east-1's six
# (https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-availability-zones.html).
# The address range is divided for all of them, so that using a further zone later moves no subnet.
RESERVED_ZONES = 6

# A /16 gives each zone a /20 for tasks (4,091 addresses) and a /24 for gateways and load balancers, and leaves
# 60 % of the range for other subnets. An ALB needs at least a /27: that makes /19 the smallest range
# (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html).
TASK_SUBNET_BITS = 4
PUBLIC_SUBNET_BITS = 8
MIN_PREFIX = 16
MAX_PREFIX = 19
DUMMY_RANGE = IPv4Network(f"10.0.0.0/{MIN_PREFIX}")
ALLOWED = f"an IPv4 network of /{MIN_PREFIX} to /{MAX_PREFIX}, such as 10.0.0.0/{MIN_PREFIX}"


def parse_cidr(cidr: str, avoid_cidrs: Sequence[str]) -> IPv4Network:
    """Return the range, or refuse one that cannot be divided or overlaps another; of a dummy, a range that fits."""
    if is_dummy(cidr):
        return DUMMY_RANGE
    network = _parse_network("cidr", cidr, ALLOWED)
    if not MIN_PREFIX <= network.prefixlen <= MAX_PREFIX:
        raise ValueError(f"cidr must be {ALLOWED}, got: {cidr!r}")
    others = [
        _parse_network("avoid_cidrs", other, "IPv4 networks, such as 10.0.0.0/8", strict=False)
        for other in avoid_cidrs
        if not is_dummy(other)
    ]
    for other in others:
        if network.overlaps(other):
            raise ValueError(
                f"cidr must not overlap {other}, got: {cidr!r}; free: {_free_range(network.prefixlen, others)}",
            )
    return network


def validate_zones(scope: IConstruct, max_azs: int, availability_zones: Sequence[str]) -> None:
    """Refuse a number of zones that no network or, if that is known, not this region can have."""
    if is_unresolved(max_azs):
        raise ValueError("max_azs must be known at synth, got a token: the number of subnets depends on it")
    if not MIN_ZONES <= max_azs <= RESERVED_ZONES:
        raise ValueError(f"max_azs must be {MIN_ZONES} to {RESERVED_ZONES}, got: {max_azs}")
    validate_list("availability_zones", availability_zones)
    is_counted = not any(map(is_dummy, availability_zones))
    if is_counted and availability_zones and len(set(availability_zones)) != max_azs:
        raise ValueError(f"availability_zones must be max_azs={max_azs} zones, got: {list(availability_zones)}")
    stack = stack_of(scope)
    region = stack.region
    if is_unresolved(region):
        return
    # An earlier look-up in cdk.context.json; this does not start one.
    known = scope.node.try_get_context(f"availability-zones:account={stack.account}:region={region}")
    if known and max_azs > len(known):
        raise ValueError(f"max_azs must be at most {len(known)} in {region}, got: {max_azs}")


def choose_zones(max_azs: int, availability_zones: Sequence[str]) -> list[str]:
    """Return the given zones, or the region's first if none are given or the CLI has yet to look them up."""
    is_chosen = availability_zones and not any(map(is_dummy, availability_zones))
    return list(availability_zones) if is_chosen else [*map(_zone, range(max_azs))]


@cache
def _zone(index: int) -> str:
    return Fn.select(index, Fn.get_azs())


def make_vpc(
    network: Construct, address_range: IPv4Network, zones: list[str], ip_protocol: ec2.IpProtocol, *, has_egress: bool
) -> ec2.Vpc:
    """Return the VPC, with a public and a task subnet in each zone and a gateway endpoint of S3, but no NAT gateways.

    They are made apart from the VPC, so that a change of egress changes no subnet. With IPv6 each subnet has a /64 of
    the range that Amazon gives the VPC, also divided for all zones, and that of tasks leads to an egress-only internet
    gateway.
    """
    has_ipv6 = ip_protocol is ec2.IpProtocol.DUAL_STACK
    vpc = ec2.Vpc(
        network,
        "Vpc",
        ip_protocol=ip_protocol,
        ip_addresses=ec2.IpAddresses.cidr(str(address_range)),
        availability_zones=zones,
        reserved_azs=RESERVED_ZONES - len(zones),
        subnet_configuration=[
            ec2.SubnetConfiguration(
                name="Public",
                subnet_type=ec2.SubnetType.PUBLIC,
                cidr_mask=address_range.prefixlen + PUBLIC_SUBNET_BITS,
                map_public_ip_on_launch=False,
                # NAT gateways and instances need none, and load balancers take theirs without it.
                ipv6_assign_address_on_creation=False if has_ipv6 else None,
            ),
            ec2.SubnetConfiguration(
                name="Tasks",
                subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS,
                cidr_mask=address_range.prefixlen + TASK_SUBNET_BITS,
            ),
        ],
        nat_gateways=0,
        restrict_default_security_group=True,
        gateway_endpoints={
            "S3": ec2.GatewayVpcEndpointOptions(
                service=ec2.GatewayVpcEndpointAwsService.S3,
                # Without it, requests to S3's dual-stack names would go around the endpoint and its policy
                # (https://aws.amazon.com/about-aws/whats-new/2025/11/ipv6-amazon-s3-gateway-interface-vpc-endpoints/).
                ip_address_type=ec2.VpcEndpointIpAddressType.DUALSTACK if has_ipv6 else None,
            )
        },
    )
    keep_place(vpc, network, "Vpc")
    if has_ipv6:
        _keep_ipv6_private(vpc, has_egress=has_egress)
    reason = "NAT gateways and load balancers are in public subnets; tasks never are."
    for subnet in public_subnets_of(vpc):
        acknowledge(subnet, {"VPCNoUnrestrictedRouteToIGW": reason})
    return vpc


def _keep_ipv6_private(vpc: ec2.Vpc, *, has_egress: bool) -> None:
    """Remove the IPv6 egress that CDK made, if there is to be none."""
    # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-networking.html
    reason = "Fargate gives tasks IPv6 addresses in such subnets only, and no connection from outside comes in."
    for subnet in private_subnets_of(vpc):
        acknowledge(subnet, {"VPCSubnetAutoAssignPublicIpDisabled": reason})
        if not has_egress:
            subnet.node.try_remove_child("DefaultRoute6")
    if not has_egress:
        vpc.node.try_remove_child("EIGW6")


def _parse_network(name: str, cidr: str, allowed: str, *, strict: bool = True) -> IPv4Network:
    if is_unresolved(cidr):
        raise ValueError(f"{name} must be known at synth, since the subnets depend on it: give {allowed}")
    try:
        return IPv4Network(cidr, strict=strict)
    except ValueError as error:
        raise ValueError(f"{name} must be {allowed}, got: {cidr!r} ({error})") from error


def _free_range(prefix: int, taken: Sequence[IPv4Network]) -> str:
    """Return the first private range of the size that overlaps none of the taken ones."""
    private = (IPv4Network(each) for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
    candidates = (each for block in private for each in block.subnets(new_prefix=max(prefix, block.prefixlen)))
    free = (str(each) for each in candidates if not any(map(each.overlaps, taken)))
    return next(free, "none of this size")
