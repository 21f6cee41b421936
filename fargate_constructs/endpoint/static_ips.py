"""Static IPs for callers: a network load balancer with Elastic IPs in front of the application load balancer."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct

from fargate_constructs._core.lazy_cdk import aws_elasticloadbalancingv2_targets as elbv2_targets
from fargate_constructs._core.lazy_cdk import aws_ssm as ssm
from fargate_constructs._core.nag_suppressions import acknowledge
from fargate_constructs._core.rule_ports import tcp_port
from fargate_constructs._core.subnets import subnet_id_of
from fargate_constructs._core.unresolved import is_dummy, is_list_token
from fargate_constructs._core.validation import validate_allocation_ids
from fargate_constructs.endpoint.load_balancer import LoadBalancerOptions
from fargate_constructs.endpoint.network_load_balancer import NetworkLoadBalancerOptions
from fargate_constructs.network.elastic_ip_pool import ElasticIpPool


class StaticIps(Construct):
    """A network load balancer that forwards each connection, unopened, to an application load balancer.

    The application load balancer sees the caller's own address. Its security group allows only this network load
    balancer, so its own DNS name does not answer. It stays internet-facing: AWS replaces a load balancer whose scheme
    changes, and the deployment fails because the target groups still belong to the old one. So static IPs can be added
    and removed at any time.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        options: LoadBalancerOptions,
        allocation_ids: Sequence[str],
        listeners: Sequence[elbv2.ApplicationListener],
    ) -> None:
        super().__init__(scope, id)

        own = NetworkLoadBalancerOptions(
            network=options.network,
            internal=False,
            ip_address_type=elbv2.IpAddressType.IPV4,
            deletion_protection=options.deletion_protection,
            # A caller that uses one address is served even if that zone of the application load balancer is down.
            cross_zone_enabled=True,
            # AWS does not allow it with cross-zone load balancing and targets of type alb
            # (https://docs.aws.amazon.com/elasticloadbalancing/latest/network/enable-zonal-shift.html).
            zonal_shift=False,
            elastic_ips=allocation_ids or True,
        )
        load_balancer, pool = own.make(self, description="Callers of the fixed addresses")
        self.network_load_balancer: elbv2.NetworkLoadBalancer = load_balancer
        """The network load balancer, which forwards to the application load balancer."""
        self.elastic_ip_pool: ElasticIpPool | None = pool
        """The Elastic IPs, if they were made here."""
        for listener in listeners:
            self._forward_to(listener)
        behind = "It logs TLS connections only and has none; the load balancer behind it logs every request."
        reasons = {
            "AwsSolutions-ELB2": behind,
            "ELBLoggingEnabled": behind,
            "ELBv2ACMCertificateRequired": "It does not open connections; the application load balancer does.",
        }
        acknowledge(self.network_load_balancer, reasons)

    def _forward_to(self, listener: elbv2.ApplicationListener) -> None:
        port = listener.port
        self.network_load_balancer.add_listener(f"Tcp{port}", port=port, protocol=elbv2.Protocol.TCP).add_targets(
            f"Tcp{port}",
            port=port,
            protocol=elbv2.Protocol.TCP,
            targets=[elbv2_targets.AlbListenerTarget(listener)],
            # Any response shows that the load balancer works; it checks the tasks itself. Plain HTTP needs no client
            # certificate and, with TLS, no task: the response is the redirect.
            health_check=elbv2.HealthCheck(
                protocol=elbv2.Protocol.HTTP, port="80", path="/", healthy_http_codes="200-599"
            ),
        )
        listener.connections.allow_from(
            self.network_load_balancer, tcp_port(port), f"Allow from the fixed addresses on port {port}"
        )


def validate_static_ips(
    static_ips: bool | Sequence[str],  # noqa: FBT001 - as HttpEndpoint takes it
    *,
    subnets: Sequence[ec2.ISubnet],
    internal: bool,
    ip_address_type: elbv2.IpAddressType = elbv2.IpAddressType.IPV4,
) -> None:
    """Refuse static IPs of internal or dual-stack endpoints, and other than one Elastic IP for each zone."""
    if static_ips is False:
        return
    if internal or ip_address_type is not elbv2.IpAddressType.IPV4:
        got = "internal=True" if internal else f"ip_address_type={ip_address_type.name}"
        raise ValueError(f"static_ips are public IPv4 addresses, got them beside {got}; leave one of them out")
    subnet_ids = [*map(subnet_id_of, subnets)]
    if any(map(is_list_token, subnet_ids)):
        raise ValueError(
            "static_ips need public subnets whose number is known at synthesis, got a token; import the VPC with "
            "public_subnet_ids=[Fn.select(0, ...), ...]",
        )
    if static_ips is True:
        return
    validate_allocation_ids("static_ips", static_ips)
    if len(static_ips) != len(subnets) and not any(map(is_dummy, [*static_ips, *subnet_ids])):
        raise ValueError(f"static_ips must be True or {len(subnets)} IDs, one for each zone, got: {list(static_ips)}")


def publish_ips(scope: Construct, addresses: Sequence[str], parameter_name: str) -> ssm.StringListParameter:
    """Write the addresses of an endpoint to an SSM parameter, once."""
    if not addresses:
        raise ValueError("publish needs Elastic IPs made here, got none; pass static_ips=True")
    if published := scope.node.try_find_child("IngressIpsParameter"):
        raise ValueError(
            f"publish writes one parameter, got {parameter_name!r} beside {published.node.path}; make another by "
            "ssm.StringListParameter(..., string_list_value=endpoint.ingress_ips)",
        )
    return ssm.StringListParameter(
        scope,
        "IngressIpsParameter",
        parameter_name=parameter_name,
        description=f"The addresses at which callers reach {scope.node.path}",
        string_list_value=list(addresses),
    )
