"""A network load balancer, its attributes and its Elastic IPs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct

from fargate_constructs._core.construct_paths import keep_place
from fargate_constructs._core.subnets import internet_access_of
from fargate_constructs.endpoint.ingress import IPV4
from fargate_constructs.endpoint.load_balancer import LoadBalancerPlace
from fargate_constructs.network.elastic_ip_pool import ElasticIpPool


@dataclass(frozen=True, kw_only=True)
class NetworkLoadBalancerOptions(LoadBalancerPlace):
    """The arguments of an endpoint that its network load balancer gets."""

    cross_zone_enabled: bool = True
    zonal_shift: bool = True
    # Empty: AWS's own addresses. `True`: Elastic IPs are made. Else their allocation IDs.
    elastic_ips: bool | Sequence[str] = False

    def validate(self, *, min_zones: int = 1) -> None:
        """Refuse the same, and the type that AWS has for application load balancers only."""
        super().validate(min_zones=min_zones)
        if IPV4 not in self.families:
            raise ValueError(
                f"ip_address_type must be IPV4 or DUAL_STACK for a TcpEndpoint, got: {self.ip_address_type.name}; AWS "
                "has it for the load balancer of an HttpEndpoint only"
            )

    def make(self, scope: Construct, *, description: str) -> tuple[elbv2.NetworkLoadBalancer, ElasticIpPool | None]:
        """Make the load balancer with a security group, and the Elastic IPs."""
        vpc, subnets = self.network.vpc, list(self.subnets)
        given = () if isinstance(self.elastic_ips, bool) else self.elastic_ips
        pool = ElasticIpPool(scope, "Addresses", zones=len(subnets)) if self.elastic_ips is True else None
        addresses = pool.allocation_ids if pool else given
        # AWS adds no security group to a load balancer that was made without one
        # (https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-security-groups.html).
        security_group = ec2.SecurityGroup(
            scope,
            "SecurityGroup",
            vpc=vpc,
            description=self.security_group_description or description,
            allow_all_outbound=False,
        )
        load_balancer = elbv2.NetworkLoadBalancer(
            scope,
            "LoadBalancer",
            load_balancer_name=self.load_balancer_name,
            vpc=vpc,
            internet_facing=not self.internal,
            security_groups=[security_group],
            vpc_subnets=None if addresses else ec2.SubnetSelection(subnets=subnets),
            # The lengths differ only while a look-up has a dummy.
            subnet_mappings=[
                elbv2.SubnetMapping(subnet=subnet, allocation_id=each)
                for subnet, each in zip(subnets, addresses, strict=False)
            ]
            or None,
            ip_address_type=self.ip_address_type,
            deletion_protection=self.deletion_protection,
            deny_all_igw_traffic=self.internal if self.is_dual_stack else None,
            cross_zone_enabled=self.cross_zone_enabled,
            client_routing_policy=elbv2.ClientRoutingPolicy.ANY_AVAILABILITY_ZONE,
            zonal_shift=self.zonal_shift,
            enforce_security_group_inbound_rules_on_private_link_traffic=True,
        )
        keep_place(load_balancer, scope, "LoadBalancer")
        load_balancer.set_attribute("access_logs.s3.enabled", "false")
        if addresses:
            # An Elastic IP needs the VPC's internet gateway. The L2 depends on it for subnets, not for subnet mappings.
            for each in filter(None, (load_balancer, pool)):
                each.node.add_dependency(*map(internet_access_of, subnets))
        return load_balancer, pool
