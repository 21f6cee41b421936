"""Fixed addresses to call: a network load balancer with Elastic IPs before the application load balancer.

```
caller ──> [Elastic IP in each zone ──> network load balancer] ──> application load balancer ──> routes
```
"""

from collections.abc import Sequence

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_elasticloadbalancingv2_targets as elbv2_targets
from constructs import Construct

from fargate_constructs._core.nag_suppressions import acknowledge
from fargate_constructs._core.unresolved import is_dummy, is_list_token
from fargate_constructs._core.validation import validate_allocation_ids
from fargate_constructs.network.elastic_ip_pool import ElasticIpPool


class StaticIps(Construct):
    """A network load balancer that hands each connection on, unopened, to an application load balancer.

    The application load balancer sees the caller's own address, and takes connections from this one alone: its own
    DNS name answers nobody. It stays internet-facing, though internal would do: AWS replaces a load balancer whose
    scheme changes, its target groups belong to the old one until then, and the deployment would fail. So fixed
    addresses can be had, and given up, at any time.

    Args:
        scope: The endpoint.
        id: The construct's ID; part of every address's logical ID.
        vpc: The VPC of both load balancers.
        subnets: Their subnets, public and one in each zone.
        allocation_ids: Elastic IPs that exist, one for each subnet. By default it makes its own.
        listeners: The application load balancer's listeners.
        deletion_protection: Whether AWS refuses to delete this load balancer.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        vpc: ec2.IVpc,
        subnets: Sequence[ec2.ISubnet],
        allocation_ids: Sequence[str] = (),
        listeners: Sequence[elbv2.ApplicationListener],
        deletion_protection: bool,
    ) -> None:
        super().__init__(scope, id)

        self.elastic_ip_pool = None if allocation_ids else ElasticIpPool(self, "Addresses", zones=len(subnets))
        """The addresses made here; `None` if it was given some."""
        security_group = ec2.SecurityGroup(
            self,
            "SecurityGroup",
            vpc=vpc,
            description="Callers of the fixed addresses",
            allow_all_outbound=False,
        )
        self.network_load_balancer = elbv2.NetworkLoadBalancer(
            self,
            "LoadBalancer",
            vpc=vpc,
            internet_facing=True,
            security_groups=[security_group],
            subnet_mappings=[
                elbv2.SubnetMapping(subnet=subnet, allocation_id=allocation_id)
                for subnet, allocation_id in zip(
                    subnets,
                    self.elastic_ip_pool.allocation_ids if self.elastic_ip_pool else allocation_ids,
                    strict=False,  # validate_static_ips counted, unless the CLI has yet to look something up
                )
            ],
            ip_address_type=elbv2.IpAddressType.IPV4,
            deletion_protection=deletion_protection,
            # A caller who knows one address only is served while that zone's application load balancer is not.
            cross_zone_enabled=True,
            client_routing_policy=elbv2.ClientRoutingPolicy.ANY_AVAILABILITY_ZONE,
            # AWS rules it out beside that with targets of type alb
            # (https://docs.aws.amazon.com/elasticloadbalancing/latest/network/enable-zonal-shift.html).
            zonal_shift=False,
            enforce_security_group_inbound_rules_on_private_link_traffic=True,
        )
        # It would log what it decrypts, which is nothing.
        self.network_load_balancer.set_attribute("access_logs.s3.enabled", "false")
        # An Elastic IP needs the VPC's internet gateway; the L2 sees to that for subnets, not for their mappings.
        internet_access = vpc.select_subnets(subnets=list(subnets)).internet_connectivity_established
        self.network_load_balancer.node.add_dependency(internet_access)
        if self.elastic_ip_pool:
            self.elastic_ip_pool.node.add_dependency(internet_access)
        for listener in listeners:
            self._hand_on(listener)
        behind = "It would log what it decrypts, which is nothing; the load balancer behind it logs every request."
        reasons = {
            "AwsSolutions-ELB2": behind,
            "ELBLoggingEnabled": behind,
            "ELBv2ACMCertificateRequired": "It hands connections on unopened; the one behind it has the certificate.",
        }
        acknowledge(self.network_load_balancer, reasons)

    @property
    def connections(self) -> ec2.Connections:
        """The callers' side."""
        return self.network_load_balancer.connections

    def _hand_on(self, listener: elbv2.ApplicationListener) -> None:
        port = listener.port
        self.network_load_balancer.add_listener(f"Tcp{port}", port=port, protocol=elbv2.Protocol.TCP).add_targets(
            f"Tcp{port}",
            port=port,
            protocol=elbv2.Protocol.TCP,
            targets=[elbv2_targets.AlbListenerTarget(listener)],
            # Any answer shows that the load balancer is there; whether tasks are well is for it to know. Asked over
            # plain HTTP, which needs no client certificate and, with TLS on, is answered without a task.
            health_check=elbv2.HealthCheck(
                protocol=elbv2.Protocol.HTTP, port="80", path="/", healthy_http_codes="200-599"
            ),
        )
        listener.connections.allow_from(
            self.network_load_balancer, ec2.Port.tcp(port), f"Allow from the fixed addresses on port {port}"
        )


def validate_static_ips(
    static_ips: bool | Sequence[str],  # noqa: FBT001 - as HttpEndpoint takes it
    *,
    subnets: Sequence[ec2.ISubnet],
    internal: bool,
    is_dual_stack: bool,
) -> None:
    """Refuse what Elastic IPs are not, and other than one of them for each zone.

    Raises:
        ValueError: If the endpoint is internal or for IPv6, or *static_ips* are not the IDs of as many Elastic IPs as
            there are zones, or nobody knows how many zones there are.
    """
    if static_ips is False:
        return
    if internal or is_dual_stack:
        got = "internal=True" if internal else "ip_address_type=DUAL_STACK"
        raise ValueError(f"static_ips are public IPv4 addresses, got them beside {got}; give one of them up")
    subnet_ids = [subnet.subnet_id for subnet in subnets]
    if any(map(is_list_token, subnet_ids)):
        raise ValueError(
            "static_ips need public subnets whose number is known at synth, got a token; import the VPC with "
            "public_subnet_ids=[Fn.select(0, ...), ...]",
        )
    if static_ips is True:
        return
    validate_allocation_ids("static_ips", static_ips)
    if len(static_ips) != len(subnets) and not any(map(is_dummy, [*static_ips, *subnet_ids])):
        raise ValueError(f"static_ips must be True or {len(subnets)} IDs, one for each zone, got: {list(static_ips)}")
