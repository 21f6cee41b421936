"""Two addresses for the whole world: AWS's network from the edge nearest to the caller.

```
caller ──> [accelerator: two anycast addresses] ──> HttpEndpoint ──> routes
```
"""

from collections.abc import Sequence

from aws_cdk import Fn, RemovalPolicy
from aws_cdk import aws_globalaccelerator as globalaccelerator
from aws_cdk import aws_globalaccelerator_endpoints as globalaccelerator_endpoints
from aws_cdk import aws_route53_targets as targets
from constructs import Construct

from fargate_constructs._core.arguments import checked
from fargate_constructs._core.environment_checks import validate_partition
from fargate_constructs.endpoint.http_endpoint import HttpEndpoint

# Every accelerator has two: https://docs.aws.amazon.com/global-accelerator/latest/dg/introduction-components.html
ADDRESSES = 2
# https://docs.aws.amazon.com/global-accelerator/latest/dg/preserve-client-ip-address.regions.html
ELSEWHERE = ("us-gov-", "cn-")


class Accelerator(Construct):
    """An AWS Global Accelerator before an endpoint: two fixed IPv4 addresses, the same from everywhere.

    It takes connections in at the edge nearest to the caller and carries them to the endpoint unopened; the endpoint
    sees the caller's own address, so who may call is the endpoint's matter, as without. The records of the endpoint's
    names lead here, as A records: the accelerator has no IPv6 addresses.

    Make the endpoint internal, as in the example, for it to be reached from here alone. One that faces the internet
    goes on to answer those who know its own address, and AWS advises against that: connections that come both ways
    from one address and port of a caller collide, and time out
    (https://docs.aws.amazon.com/global-accelerator/latest/dg/best-practices-aga.html).

    The accelerator is kept when its stack is deleted, for its addresses go with it; it costs 0.025 USD an hour, 18.25
    USD a month, until you delete it, and from 0.01 USD/GB (https://aws.amazon.com/global-accelerator/pricing/).

    ```python
    endpoint = HttpEndpoint(stack, "Endpoint", network=network, internal=True, allow_cidrs=["0.0.0.0/0"])
    accelerator = Accelerator(stack, "Accelerator", endpoint=endpoint)
    CfnOutput(stack, "IngressIps", value=",".join(accelerator.ingress_ips))
    ```

    Args:
        scope: The construct that owns the accelerator.
        id: The construct's ID.
        endpoint: What it leads to.

    Raises:
        TypeError: If *endpoint* is not an `HttpEndpoint`.
        ValueError: If the endpoint has a front already, such as static IPs; nobody may call it; it has records that
            lie in another stack; or it is in GovCloud or China.
    """

    @checked
    def __init__(self, scope: Construct, id: str, *, endpoint: HttpEndpoint) -> None:
        validate_partition(endpoint, "Accelerator", ELSEWHERE, "give the endpoint static_ips=True for fixed addresses")
        _validate_endpoint(scope, endpoint)
        super().__init__(scope, id)

        self.accelerator = globalaccelerator.Accelerator(
            self, "Resource", ip_address_type=globalaccelerator.IpAddressType.IPV4, enabled=True
        )
        self.accelerator.apply_removal_policy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
        group = self.accelerator.add_listener(
            "Listener",
            port_ranges=[
                globalaccelerator.PortRange(from_port=listener.port, to_port=listener.port)
                for listener in endpoint.listeners
            ],
            protocol=globalaccelerator.ConnectionProtocol.TCP,
            # A caller's requests need not meet the same load balancer node.
            client_affinity=globalaccelerator.ClientAffinity.NONE,
        ).add_endpoint_group(
            "EndpointGroup",
            # Whether a load balancer is well it is asked itself; no health check is set here.
            endpoints=[
                globalaccelerator_endpoints.ApplicationLoadBalancerEndpoint(
                    endpoint.load_balancer, preserve_client_ip=True, weight=128
                ),
            ],
        )
        # https://docs.aws.amazon.com/global-accelerator/latest/dg/secure-vpc-connections.html
        endpoint.wait_for_internet_gateway(group)
        self._endpoint = endpoint
        endpoint.stand_behind(self, targets.GlobalAcceleratorTarget(self.accelerator))

    @property
    def ingress_ips(self) -> Sequence[str]:
        """The two IPv4 addresses (tokens until deployed)."""
        addresses = self.accelerator.ipv4_addresses
        return [Fn.select(number, addresses) for number in range(ADDRESSES)] if addresses else ()

    @property
    def url(self) -> str:
        """Where callers find the endpoint: its own name, or the accelerator's (a token until deployed)."""
        scheme = "https" if self._endpoint.has_tls else "http"
        return f"{scheme}://{self._endpoint.domain_name or self.accelerator.dns_name}"


def _validate_endpoint(scope: Construct, endpoint: HttpEndpoint) -> None:
    endpoint.validate_front(scope, moves_records=True)
    if endpoint.callers.is_nobody:
        raise ValueError(
            f"nobody may call {endpoint.node.path}, which sees callers' own addresses: name them by allow_cidrs",
        )
