"""The load balancer of an endpoint: where it is, and the attributes of an application load balancer."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import cast

from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct

from fargate_constructs._core.asked_once import asked_once
from fargate_constructs._core.construct_paths import keep_place
from fargate_constructs._core.descriptions import validate_description
from fargate_constructs._core.environment_checks import may_have_ipv6
from fargate_constructs._core.subnets import public_subnets_of, subnet_id_of
from fargate_constructs._core.unresolved import is_dummy, is_list_token, may_match
from fargate_constructs._core.validation import validate_seconds
from fargate_constructs.endpoint.ingress import IPV4, IPV6
from fargate_constructs.network.network import Network

# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html
MAX_IDLE_SECONDS = 4000
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html#availability-zones
MIN_ZONES = 2
# https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html
NAME = re.compile(r"(?!-|internal-)[A-Za-z0-9-]{1,32}(?<!-)")

# Every attribute that depends on no argument. Attributes with AWS's defaults are set too, so that a template shows them
# (https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_LoadBalancerAttribute.html).
ATTRIBUTES = {
    # An application load balancer has no other value.
    "load_balancing.cross_zone.enabled": "true",
    # One command, or AWS with zonal autoshift, moves traffic away from an impaired zone, at no cost.
    "zonal_shift.config.enabled": "true",
    # Open connections do not follow a zonal shift or a change of the load balancer's addresses, and AWS's default is an
    # hour. The page on zonal shifts recommends 300 s:
    # https://docs.aws.amazon.com/r53recovery/latest/dg/arc-zonal-shift.resource-types.app-load-balancers.html
    "client_keep_alive.seconds": "300",
    # Refuses ambiguous requests, by which a request could be smuggled past the routes.
    "routing.http.desync_mitigation_mode": "strictest",
    # Servers read headers with a space or an underscore in the name differently.
    "routing.http.drop_invalid_header_fields.enabled": "true",
    # A service gets the host of the caller's request.
    "routing.http.preserve_host_header.enabled": "true",
    # The load balancer adds the caller's address at the end. Only this last entry can be trusted: the caller wrote the
    # others. With `preserve` the caller writes all of them.
    "routing.http.xff_header_processing.mode": "append",
    # Addresses without ports: many parsers refuse 203.0.113.7:51234.
    "routing.http.xff_client_port.enabled": "false",
    # The access logs have the TLS version and the cipher; services need no headers for them.
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "false",
    # Many requests on one connection, and gRPC.
    "routing.http2.enabled": "true",
    # While the load balancer cannot reach the web ACL, it refuses requests.
    "waf.fail_open.enabled": "false",
}


@dataclass(frozen=True, kw_only=True)
class LoadBalancerPlace:
    """Where the load balancer of an endpoint is, and its kind of addresses."""

    network: Network
    internal: bool
    ip_address_type: elbv2.IpAddressType
    deletion_protection: bool
    load_balancer_name: str | None = None
    security_group_description: str | None = None

    @property
    def families(self) -> Sequence[int]:
        """The families of addresses at which callers reach it: 4, 6, or both."""
        return {
            elbv2.IpAddressType.IPV4: (IPV4,),
            elbv2.IpAddressType.DUAL_STACK: (IPV4, IPV6),
            elbv2.IpAddressType.DUAL_STACK_WITHOUT_PUBLIC_IPV4: (IPV6,),
        }[self.ip_address_type]

    @property
    def is_dual_stack(self) -> bool:
        """Whether it has IPv6 addresses."""
        return IPV6 in self.families

    @cached_property
    def subnets(self) -> Sequence[ec2.ISubnet]:
        """The first public subnet of each zone, or the first task subnet. AWS takes one subnet in a zone.

        CDK's `one_per_az` depends on the order of an import (https://github.com/aws/aws-cdk/issues/3126).
        """
        chosen: dict[str, ec2.ISubnet] = {}
        for subnet in self.network.task_subnets if self.internal else public_subnets_of(self.network.vpc):
            chosen.setdefault(_zone(subnet), subnet)
        return list(chosen.values())

    def validate(self, *, min_zones: int = MIN_ZONES) -> None:
        """Refuse what AWS would refuse, and what callers could not reach."""
        if self.load_balancer_name is not None and not may_match(NAME, self.load_balancer_name):
            raise ValueError(
                "load_balancer_name must be 1 to 32 letters, digits and hyphens, without a hyphen at its ends and "
                f"'internal-' at its beginning, got: {self.load_balancer_name!r}"
            )
        validate_description("security_group_description", self.security_group_description)
        vpc = self.network.vpc
        if not self.internal and not self.subnets:
            raise ValueError(
                f"an internet-facing endpoint needs public subnets, got none in {vpc.node.path}; "
                "pass internal=True, or import the VPC with public_subnet_ids",
            )
        ids = [*map(subnet_id_of, self.subnets)] if len(self.subnets) < min_zones else []
        if len(self.subnets) < min_zones and not any(is_list_token(each) or is_dummy(each) for each in ids):
            raise ValueError(
                f"a load balancer needs subnets in {min_zones} zones, got those of {len(self.subnets)} in "
                f"{vpc.node.path}; add a zone, such as by max_azs={min_zones}",
            )
        if self.internal and IPV4 not in self.families:
            raise ValueError(
                "ip_address_type must be IPV4 or DUAL_STACK for an internal endpoint, "
                f"got: {self.ip_address_type.name}; it has no public addresses that could be left out"
            )
        if self.is_dual_stack and not may_have_ipv6(vpc):
            raise ValueError(
                f"ip_address_type must be IPV4, got: {self.ip_address_type.name} in {vpc.node.path}, which has no IPv6 "
                "addresses; make the network with ip_protocol=ec2.IpProtocol.DUAL_STACK, or its ec2.CfnVPCCidrBlock "
                "before this"
            )


@dataclass(frozen=True, kw_only=True)
class LoadBalancerOptions(LoadBalancerPlace):
    """The arguments of an endpoint that its application load balancer gets."""

    idle_timeout: Duration

    def validate(self, *, min_zones: int = MIN_ZONES) -> None:
        """Refuse the same, and an idle timeout that AWS does not have."""
        super().validate(min_zones=min_zones)
        validate_seconds("idle_timeout", self.idle_timeout, 1, MAX_IDLE_SECONDS)

    def make(self, scope: Construct) -> elbv2.ApplicationLoadBalancer:
        """Make the load balancer. `AccessLogs` sets its log attributes."""
        load_balancer = elbv2.ApplicationLoadBalancer(
            scope,
            "LoadBalancer",
            load_balancer_name=self.load_balancer_name,
            vpc=self.network.vpc,
            vpc_subnets=ec2.SubnetSelection(subnets=self.subnets),
            internet_facing=not self.internal,
            ip_address_type=self.ip_address_type,
            idle_timeout=self.idle_timeout,
            deletion_protection=self.deletion_protection,
            # Keeps the internet gateway's IPv6 traffic from an internal one. Only dual-stack ones have this attribute.
            deny_all_igw_traffic=self.internal if self.ip_address_type is elbv2.IpAddressType.DUAL_STACK else None,
        )
        keep_place(load_balancer, scope, "LoadBalancer")
        if IPV4 not in self.families:
            # CDK's argument is for the other type only.
            load_balancer.set_attribute("ipv6.deny_all_igw_traffic", "false")
        for key, value in ATTRIBUTES.items():
            load_balancer.set_attribute(key, value)
        if self.security_group_description:
            group = load_balancer.connections.security_groups[0].node.default_child
            cast(ec2.CfnSecurityGroup, group).group_description = self.security_group_description
        return load_balancer


def default_ip_address_type(network: Network, *, is_public: bool) -> elbv2.IpAddressType:
    """Return the type for callers of the network's families. Callers within the network have IPv4 in any case."""
    has_ipv6 = network.ip_protocol is ec2.IpProtocol.DUAL_STACK and is_public
    return elbv2.IpAddressType.DUAL_STACK if has_ipv6 else elbv2.IpAddressType.IPV4


@asked_once
def _zone(subnet: ec2.ISubnet) -> str:
    """Return a subnet's zone, or its ID if it was imported without the zone."""
    try:
        zone = subnet.availability_zone
    except RuntimeError:
        return subnet_id_of(subnet)
    return subnet_id_of(subnet) if is_list_token(zone) else zone
