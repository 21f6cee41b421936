"""The application load balancer, with each of its attributes said.

```
caller ──> [load balancer] ──> routes ──> services
```
"""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct

from fargate_constructs._core.unresolved import is_dummy, is_list_token
from fargate_constructs._core.validation import validate_seconds
from fargate_constructs.network.network import Network

# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html
MAX_IDLE_SECONDS = 4000
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html#availability-zones
MIN_ZONES = 2

# Every attribute that depends on no argument. Nothing is left to AWS's defaults, which nobody sees in a template
# (https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_LoadBalancerAttribute.html).
ATTRIBUTES = {
    # The only value that an application load balancer can have.
    "load_balancing.cross_zone.enabled": "true",
    # A zone in trouble can be left by one command, or by AWS with zonal autoshift, at no cost.
    "zonal_shift.config.enabled": "true",
    # A connection outlives a zonal shift and each change of the load balancer's addresses, so it should not live for
    # AWS's default of an hour: 300 s is what
    # https://docs.aws.amazon.com/r53recovery/latest/dg/arc-zonal-shift.resource-types.app-load-balancers.html suggests.
    "client_keep_alive.seconds": "300",
    # Requests that could be read in two ways are refused: so is one smuggled past the routes.
    "routing.http.desync_mitigation_mode": "strictest",
    # A header with a space or an underscore in its name means different things to different servers.
    "routing.http.drop_invalid_header_fields.enabled": "true",
    # A service sees the host that its caller asked for.
    "routing.http.preserve_host_header.enabled": "true",
    # The load balancer adds the caller's address at the end: the last entry is true, those before it are the caller's
    # own word. `preserve` would take the caller's word for all of them.
    "routing.http.xff_header_processing.mode": "append",
    # Addresses alone: many a parser takes 203.0.113.7:51234 for none.
    "routing.http.xff_client_port.enabled": "false",
    # Two headers that services would have to know about; the access logs hold the TLS version and cipher.
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "false",
    # Many requests on one connection, and gRPC.
    "routing.http2.enabled": "true",
    # While the web ACL cannot be asked, requests that it should have looked at are refused.
    "waf.fail_open.enabled": "false",
}


def make_load_balancer(
    scope: Construct,
    *,
    vpc: ec2.IVpc,
    subnets: Sequence[ec2.ISubnet],
    internal: bool,
    ip_address_type: elbv2.IpAddressType,
    idle_timeout: Duration,
    deletion_protection: bool,
) -> elbv2.ApplicationLoadBalancer:
    """Make the load balancer; what it logs, and where to, is for `access_logs` to say."""
    load_balancer = elbv2.ApplicationLoadBalancer(
        scope,
        "LoadBalancer",
        vpc=vpc,
        vpc_subnets=ec2.SubnetSelection(subnets=subnets),
        internet_facing=not internal,
        ip_address_type=ip_address_type,
        idle_timeout=idle_timeout,
        deletion_protection=deletion_protection,
        # The internet gateway's IPv6 side reaches it if the internet should. AWS knows this of dual-stack ones only.
        deny_all_igw_traffic=internal if ip_address_type is elbv2.IpAddressType.DUAL_STACK else None,
    )
    for key, value in ATTRIBUTES.items():
        load_balancer.set_attribute(key, value)
    return load_balancer


def validate_load_balancer(
    vpc: ec2.IVpc,
    subnets: Sequence[ec2.ISubnet],
    *,
    internal: bool,
    ip_address_type: elbv2.IpAddressType,
    idle_timeout: Duration,
) -> None:
    """Refuse what AWS would refuse, or what could reach nobody.

    Raises:
        ValueError: If there are no public subnets, the subnets lie in one zone, the VPC has no IPv6 addresses, or the
            timeout is out of range.
    """
    if not internal and not subnets:
        raise ValueError(
            f"an internet-facing endpoint needs public subnets, got none in {vpc.node.path}; "
            "pass internal=True, or import the VPC with public_subnet_ids",
        )
    is_counted = not any(is_list_token(subnet.subnet_id) or is_dummy(subnet.subnet_id) for subnet in subnets)
    if is_counted and len(subnets) < MIN_ZONES:
        raise ValueError(
            f"a load balancer needs subnets in {MIN_ZONES} zones, got those of {len(subnets)} in "
            f"{vpc.node.path}; add a zone, such as by max_azs={MIN_ZONES}",
        )
    if ip_address_type is elbv2.IpAddressType.DUAL_STACK_WITHOUT_PUBLIC_IPV4:
        raise ValueError(
            "ip_address_type must be IPV4 or DUAL_STACK, got: DUAL_STACK_WITHOUT_PUBLIC_IPV4, "
            "at which callers with IPv4 alone find nobody",
        )
    if ip_address_type is elbv2.IpAddressType.DUAL_STACK and not _may_have_ipv6(vpc):
        raise ValueError(
            f"ip_address_type must be IPV4, got: DUAL_STACK in {vpc.node.path}, which has no IPv6 addresses"
        )
    validate_seconds("idle_timeout", idle_timeout, 1, MAX_IDLE_SECONDS)


def subnets_of(network: Network, *, internal: bool) -> Sequence[ec2.ISubnet]:
    """Return the first subnet of each zone, of the public ones or of the tasks': AWS takes one in each.

    CDK's own `one_per_az` counts on an import's order (https://github.com/aws/aws-cdk/issues/3126).
    """
    chosen: dict[str, ec2.ISubnet] = {}
    for subnet in network.task_subnets if internal else network.vpc.public_subnets:
        chosen.setdefault(_zone(subnet), subnet)
    return list(chosen.values())


def _zone(subnet: ec2.ISubnet) -> str:
    """Return a subnet's zone, or what stands for it; of one imported without its zone, its ID."""
    try:
        zone = subnet.availability_zone
    except RuntimeError:
        return subnet.subnet_id
    return subnet.subnet_id if is_list_token(zone) else zone


def _may_have_ipv6(vpc: ec2.IVpc) -> bool:
    """Return whether a VPC made here has IPv6; of one made elsewhere nothing is known."""
    return not isinstance(vpc, ec2.Vpc) or any(isinstance(child, ec2.CfnVPCCidrBlock) for child in vpc.node.children)
