"""The application load balancer, with each of its attributes said.

```
caller ──> [load balancer] ──> routes ──> services
```
"""

from aws_cdk import Duration, Token
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct

from fargate_constructs.network import Network

# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html
MAX_IDLE_SECONDS = 4000


def make_load_balancer(
    scope: Construct,
    *,
    network: Network,
    internal: bool,
    ip_address_type: elbv2.IpAddressType,
    idle_timeout: Duration,
    deletion_protection: bool,
) -> elbv2.ApplicationLoadBalancer:
    """Make the load balancer; what it logs, and where to, is for `access_logs` to say.

    Nothing is left to AWS's defaults, which may change and which nobody sees in a template. The list of attributes is
    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_LoadBalancerAttribute.html.
    """
    load_balancer = elbv2.ApplicationLoadBalancer(
        scope,
        "LoadBalancer",
        vpc=network.vpc,
        vpc_subnets=ec2.SubnetSelection(subnets=list(network.task_subnets))
        if internal
        else ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC),
        internet_facing=not internal,
        ip_address_type=ip_address_type,
        # Its DNS name cannot be had back.
        deletion_protection=deletion_protection,
        # The only value there is.
        cross_zone_enabled=True,
        # A connection outlives a zonal shift and each change of the load balancer's addresses, so it should not live
        # for AWS's default of an hour: 300 s is what
        # https://docs.aws.amazon.com/r53recovery/latest/dg/arc-zonal-shift.resource-types.app-load-balancers.html
        # suggests. A browser then shakes hands once in five minutes.
        client_keep_alive=Duration.seconds(300),
        idle_timeout=idle_timeout,
        # Requests that could be read in two ways are refused: what smuggles a request past the routes.
        desync_mitigation_mode=elbv2.DesyncMitigationMode.STRICTEST,
        # A header with an underscore or a space in its name means different things to different servers.
        drop_invalid_header_fields=True,
        # A service sees the host that its caller asked for.
        preserve_host_header=True,
        # The load balancer adds the caller's address at the end: the last entry is true, those before it are the
        # caller's own word. `preserve` would let a caller choose the last one too.
        xff_header_processing_mode=elbv2.XffHeaderProcessingMode.APPEND,
        # Addresses alone: many a parser takes 203.0.113.7:51234 for no address.
        preserve_xff_client_port=False,
        # A caller who sends these two headers over plain HTTP would be believed.
        x_amzn_tls_version_and_cipher_suite_headers=False,
        # One connection for many requests, and gRPC.
        http2_enabled=True,
        # While the web ACL cannot be asked, requests that should have been looked at are refused.
        waf_fail_open=False,
        # IPv6 comes in through the internet gateway where anybody outside may call at all; AWS takes this attribute
        # of dual-stack load balancers only.
        deny_all_igw_traffic=internal if ip_address_type is elbv2.IpAddressType.DUAL_STACK else None,
    )
    # A zone in trouble can be left by one command (or by AWS, with zonal autoshift), at no cost.
    load_balancer.set_attribute("zonal_shift.config.enabled", "true")
    return load_balancer


def validate_load_balancer(
    network: Network, *, internal: bool, ip_address_type: elbv2.IpAddressType, idle_timeout: Duration
) -> None:
    """Refuse what AWS would refuse, or what could reach nobody.

    Raises:
        TypeError: If *ip_address_type* is not one.
        ValueError: If there are no public subnets, the VPC has no IPv6 addresses, or the timeout is out of range.
    """
    if not internal and not network.vpc.public_subnets:
        raise ValueError(
            f"an internet-facing endpoint needs public subnets, got none in {network.vpc.node.path}; "
            "pass internal=True, or import the VPC with public_subnet_ids",
        )
    if not isinstance(ip_address_type, elbv2.IpAddressType):
        raise TypeError(f"ip_address_type must be an elbv2.IpAddressType, got: {ip_address_type!r}")
    if ip_address_type is elbv2.IpAddressType.DUAL_STACK_WITHOUT_PUBLIC_IPV4:
        raise ValueError(
            "ip_address_type must be IPV4 or DUAL_STACK, got: DUAL_STACK_WITHOUT_PUBLIC_IPV4, "
            "at which callers with IPv4 alone find nobody",
        )
    if ip_address_type is elbv2.IpAddressType.DUAL_STACK and not _may_have_ipv6(network.vpc):
        raise ValueError(
            f"ip_address_type must be IPV4, got: DUAL_STACK in {network.vpc.node.path}, which has no IPv6 addresses"
        )
    seconds = idle_timeout.to_seconds() if not idle_timeout.is_unresolved() else 1
    if not Token.is_unresolved(seconds) and not 1 <= seconds <= MAX_IDLE_SECONDS:
        raise ValueError(f"idle_timeout must be 1 to {MAX_IDLE_SECONDS} seconds, got: {seconds:.0f}")


def _may_have_ipv6(vpc: ec2.IVpc) -> bool:
    """Return whether a VPC made here has IPv6; of one made elsewhere nothing is known."""
    return not isinstance(vpc, ec2.Vpc) or any(isinstance(child, ec2.CfnVPCCidrBlock) for child in vpc.node.children)
