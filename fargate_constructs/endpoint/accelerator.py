"""A Global Accelerator in front of an endpoint: two fixed addresses for callers everywhere."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Fn, RemovalPolicy
from aws_cdk import aws_globalaccelerator as globalaccelerator
from aws_cdk import aws_globalaccelerator_endpoints as globalaccelerator_endpoints
from constructs import Construct

from fargate_constructs._core.arguments import checked
from fargate_constructs._core.environment_checks import validate_partition
from fargate_constructs._core.lazy_cdk import aws_route53_targets as targets
from fargate_constructs.endpoint.fronts import wait_for_internet_gateway
from fargate_constructs.endpoint.http_endpoint import HttpEndpoint
from fargate_constructs.endpoint.ingress import IPV4

# Every accelerator has two: https://docs.aws.amazon.com/global-accelerator/latest/dg/introduction-components.html
ADDRESSES = 2
# https://docs.aws.amazon.com/global-accelerator/latest/dg/preserve-client-ip-address.regions.html
UNSUPPORTED_REGIONS = ("us-gov-", "cn-")


class Accelerator(Construct):
    """An AWS Global Accelerator in front of an endpoint: two fixed IPv4 addresses, the same from everywhere.

    It accepts connections at the edge location nearest to the caller and forwards them unopened. The endpoint sees the
    caller's own address, so its *allow_cidrs* decide who may call. The records of the endpoint's names point at the
    accelerator, as A records: it has no IPv6 addresses.

    Make the endpoint internal, as in the example, so that callers can reach it through the accelerator only. An
    endpoint that faces the internet also answers at its own name. AWS advises against both: connections from one
    address and port of a caller collide and time out
    (https://docs.aws.amazon.com/global-accelerator/latest/dg/best-practices-aga.html).

    The accelerator is retained when its stack is deleted, because its addresses are lost with it. It costs 0.025 USD an
    hour (18.25 USD a month) until you delete it, and from 0.01 USD/GB
    (https://aws.amazon.com/global-accelerator/pricing/).

    ```python
    endpoint = HttpEndpoint(stack, "Endpoint", network=network, internal=True, allow_cidrs=["0.0.0.0/0"])
    accelerator = Accelerator(stack, "Accelerator", endpoint=endpoint)
    CfnOutput(stack, "IngressIps", value=",".join(accelerator.ingress_ips))
    ```
    """

    @checked
    def __init__(self, scope: Construct, id: str, *, endpoint: HttpEndpoint) -> None:
        """An AWS Global Accelerator in front of an endpoint: two fixed IPv4 addresses, the same from everywhere.

        Args:
            scope: The construct that owns the accelerator.
            id: The construct's ID.
            endpoint: The endpoint that gets the connections.

        Raises:
            TypeError: If *endpoint* is not an `HttpEndpoint`.
            ValueError: If the endpoint has a front already, such as static IPs; if it allows no caller, or IPv6 callers
                only; if it has records in another stack; or if it is in GovCloud or China.
        """
        validate_partition(
            endpoint, "Accelerator", UNSUPPORTED_REGIONS, "give the endpoint static_ips=True for fixed addresses"
        )
        endpoint._front.validate(scope, moves_records=True)
        if endpoint._ingress.is_empty:
            raise ValueError(
                f"{endpoint.node.path} allows no caller, and an accelerator keeps callers' addresses; pass allow_cidrs"
            )
        if IPV4 not in endpoint._families:
            raise ValueError(
                f"an accelerator has IPv4 addresses, got {endpoint.node.path}, which allows IPv6 callers only; "
                "make the endpoint with ip_address_type=elbv2.IpAddressType.IPV4"
            )
        super().__init__(scope, id)

        self.accelerator = globalaccelerator.Accelerator(
            self, "Resource", ip_address_type=globalaccelerator.IpAddressType.IPV4, enabled=True
        )
        """The accelerator, which is kept when the stack is deleted."""
        self.accelerator.apply_removal_policy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
        group = self.accelerator.add_listener(
            "Listener",
            port_ranges=[
                globalaccelerator.PortRange(from_port=listener.port, to_port=listener.port)
                for listener in endpoint.listeners
            ],
            protocol=globalaccelerator.ConnectionProtocol.TCP,
            # A caller's requests may reach different nodes of the load balancer.
            client_affinity=globalaccelerator.ClientAffinity.NONE,
        ).add_endpoint_group(
            "EndpointGroup",
            # Global Accelerator uses the load balancer's own health; it ignores health checks that are set here.
            endpoints=[
                globalaccelerator_endpoints.ApplicationLoadBalancerEndpoint(
                    endpoint.load_balancer, preserve_client_ip=True, weight=128
                ),
            ],
        )
        # https://docs.aws.amazon.com/global-accelerator/latest/dg/secure-vpc-connections.html
        wait_for_internet_gateway(group, endpoint.load_balancer)
        self._endpoint = endpoint
        target = targets.GlobalAcceleratorTarget(self.accelerator)
        address = (self.accelerator.dns_name, targets.GlobalAcceleratorTarget.GLOBAL_ACCELERATOR_ZONE_ID)
        endpoint._front.register(self, target, address=address)

    @property
    def ingress_ips(self) -> Sequence[str]:
        """The two IPv4 addresses (tokens until deployed)."""
        addresses = self.accelerator.ipv4_addresses
        return [Fn.select(number, addresses) for number in range(ADDRESSES)] if addresses else ()

    @property
    def url(self) -> str:
        """The URL with the endpoint's domain name, or with the accelerator's (a token until deployed)."""
        scheme = "https" if self._endpoint.has_tls else "http"
        return f"{scheme}://{self._endpoint.domain_name or self.accelerator.dns_name}"
