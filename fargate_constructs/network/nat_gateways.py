"""The NAT gateways or instances of each egress mode, and the default routes to them."""

from collections.abc import Sequence
from typing import cast

from aws_cdk import Tags
from aws_cdk import aws_ec2 as ec2
from constructs import Construct, IDependable

from fargate_constructs._core.construct_paths import path_of
from fargate_constructs._core.subnets import internet_access_of, private_subnets_of, public_subnets_of
from fargate_constructs.network.egress import Egress, EgressMode
from fargate_constructs.network.nat_instance import NatInstance


def add_nat_gateways(
    network: Construct,
    egress: Egress,
    vpc: ec2.Vpc,
    allocation_ids: Sequence[Sequence[str]],
    ip_protocol: ec2.IpProtocol,
) -> None:
    """Make the gateways of an egress, each on the allocation IDs of its zone, and route each task subnet to one.

    In all modes a subnet's default route has the same logical ID, and so has the gateway of a zone: a change of mode
    updates what both modes have, and does not replace it.
    """
    if egress.is_paused:
        return
    match egress.mode:
        case EgressMode.PER_AZ:
            gateways = [
                _zonal_gateway(network, zone, subnet, allocation_ids[zone])
                for zone, subnet in enumerate(public_subnets_of(vpc))
            ]
            _add_default_routes(vpc, ec2.RouterType.NAT_GATEWAY, gateways)
            _add_nat64_routes(vpc, gateways, ip_protocol)
        case EgressMode.SINGLE:
            gateway = _zonal_gateway(network, 0, public_subnets_of(vpc)[0], allocation_ids[0])
            gateways = [gateway] * len(private_subnets_of(vpc))
            _add_default_routes(vpc, ec2.RouterType.NAT_GATEWAY, gateways)
            _add_nat64_routes(vpc, gateways, ip_protocol)
        case EgressMode.REGIONAL:
            gateway = _regional_gateway(network, vpc, allocation_ids)
            _add_default_routes(vpc, ec2.RouterType.NAT_GATEWAY, [gateway] * len(private_subnets_of(vpc)))
        case EgressMode.NAT_INSTANCE:
            instances = [
                NatInstance(
                    network,
                    f"NatInstance{zone + 1}",
                    vpc=vpc,
                    subnet=subnet,
                    allocation_id=allocation_ids[zone][0],
                    instance_type=egress.instance_type,
                )
                for zone, subnet in enumerate(public_subnets_of(vpc))
            ]
            interfaces = [instance.network_interface_id for instance in instances]
            _add_default_routes(vpc, ec2.RouterType.NETWORK_INTERFACE, interfaces)
            for subnet, instance in zip(private_subnets_of(vpc), instances, strict=True):
                # Tasks wait for the route, and the interface exists before the instance.
                subnet.node.find_child("DefaultRoute").node.add_dependency(instance)


def internet_gateway_attachment(vpc: ec2.IVpc) -> Sequence[IDependable]:
    """Return what an Elastic IP needs first: the attachment of the internet gateway, and routes to it.

    The VPC's own `internet_connectivity_established` is the gateway without its attachment
    (https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-dependson.html).
    """
    return [*map(internet_access_of, public_subnets_of(vpc))]


def _zonal_gateway(network: Construct, zone: int, subnet: ec2.ISubnet, allocation_ids: Sequence[str]) -> str:
    id_ = f"NatGateway{zone + 1}"
    gateway = ec2.CfnNatGateway(
        network,
        id_,
        subnet_id=subnet.subnet_id,
        allocation_id=allocation_ids[0],
        secondary_allocation_ids=list(allocation_ids[1:]) or None,
    )
    return _named(gateway, f"{path_of(network)}/{id_}", [internet_access_of(subnet)])


def _regional_gateway(network: Construct, vpc: ec2.Vpc, allocation_ids: Sequence[Sequence[str]]) -> str:
    gateway = ec2.CfnNatGateway(
        network,
        "RegionalNatGateway",
        vpc_id=vpc.vpc_id,
        availability_mode="regional",
        availability_zone_addresses=[
            ec2.CfnNatGateway.AvailabilityZoneAddressProperty(
                availability_zone=subnet.availability_zone,
                allocation_ids=list(allocation_ids[zone]),
            )
            for zone, subnet in enumerate(private_subnets_of(vpc))
        ],
    )
    return _named(gateway, f"{path_of(network)}/RegionalNatGateway", internet_gateway_attachment(vpc))


def _named(gateway: ec2.CfnNatGateway, name: str, needed: Sequence[IDependable]) -> str:
    """Make a gateway after what it needs, with its path as its name, and return its ID."""
    gateway.node.add_dependency(*needed)
    Tags.of(gateway).add("Name", name)
    return gateway.ref


def _add_default_routes(vpc: ec2.Vpc, router_type: ec2.RouterType, router_ids: Sequence[str]) -> None:
    for subnet, router_id in zip(private_subnets_of(vpc), router_ids, strict=True):
        cast(ec2.Subnet, subnet).add_route(
            "DefaultRoute",
            router_type=router_type,
            router_id=router_id,
            enables_internet_connectivity=True,
        )


def _add_nat64_routes(vpc: ec2.Vpc, gateways: Sequence[str], ip_protocol: ec2.IpProtocol) -> None:
    """Route 64:ff9b::/96, by which IPv6 reaches IPv4 hosts, to the NAT gateways, if the VPC has IPv6.

    AWS's page on regional gateways says nothing of NAT64, and a NAT instance has none
    (https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-nat64-dns64.html).
    """
    if ip_protocol is ec2.IpProtocol.DUAL_STACK:
        for subnet, gateway in zip(private_subnets_of(vpc), gateways, strict=True):
            cast(ec2.Subnet, subnet).add_ipv6_nat64_route(gateway)
