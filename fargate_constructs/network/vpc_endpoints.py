"""VPC endpoints: AWS services that tasks reach inside the VPC, without the NAT gateways.

Prices are the list prices of us-east-1; other regions cost as much or more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, cast

from aws_cdk import Fn
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from fargate_constructs._core.arguments import checked
from fargate_constructs._core.nag_suppressions import acknowledge
from fargate_constructs._core.rule_ports import tcp_port
from fargate_constructs._core.subnets import private_subnets_of
from fargate_constructs.network.vpc_endpoint_policies import restrict_to_accounts


@checked
@dataclass(frozen=True)
class VpcEndpoints:
    """The VPC endpoints for one purpose of a task, such as `VpcEndpoints.ecr`; or a set of your own.

    ```python
    FixedEgressNetwork(stack, "Network", endpoints=[VpcEndpoints.ecr, VpcEndpoints(interfaces=("sqs",))])
    ```

    An interface endpoint costs 14.60 USD a month in two zones (2 x 730 h x 0.01 USD). A GB through it costs 0.01 USD,
    instead of 0.045 USD through a NAT gateway: it pays from 417 GB a month. Most services never reach that: these
    endpoints are for tasks without another egress, or whose traffic must not leave AWS's network
    (https://aws.amazon.com/privatelink/pricing/, https://aws.amazon.com/vpc/pricing/). Gateway endpoints cost nothing.

    No set has KMS: Secrets Manager and Parameter Store decrypt what tasks read from them. Tasks call KMS if they
    encrypt something themselves, or if ECS Exec sessions are encrypted with a key.

    Args:
        interfaces: The services behind interface endpoints, as AWS names them after `com.amazonaws.<region>.`:
            `"ecr.api"`, `"sqs"`. In China some begin with `cn.com.amazonaws.`, which a stack with a region is given.
        gateways: The services behind gateway endpoints: `"s3"`, `"dynamodb"`.
    """

    interfaces: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()

    ecr: ClassVar["VpcEndpoints"]
    """Images in private ECR repositories: `ecr.api` for the login, `ecr.dkr` for manifests. 29.20 USD a month.

    An image's layers come from S3, through the gateway endpoint. Images in other registries, `public.ecr.aws` included,
    still come through the NAT gateways.
    """

    logs: ClassVar["VpcEndpoints"]
    """What tasks log, and what is typed in their shells: CloudWatch Logs. 14.60 USD a month."""

    secrets: ClassVar["VpcEndpoints"]
    """Secrets that tasks start with or read: Secrets Manager, and `ssm` for Parameter Store. 29.20 USD a month."""

    exec: ClassVar["VpcEndpoints"]
    """Shells in running tasks: `ssmmessages`, the channel of ECS Exec. 14.60 USD a month."""

    links: ClassVar["VpcEndpoints"]
    """Names of linked services: `ecs-agent`, which the proxies of Service Connect ask. 14.60 USD a month.

    The services' own traffic does not pass through it.
    """

    s3: ClassVar["VpcEndpoints"]
    """Buckets of the same region, and with them the layers of ECR images. A gateway: 0.00 USD a month.

    `FixedEgressNetwork` always has it.
    """

    dynamodb: ClassVar["VpcEndpoints"]
    """DynamoDB tables of the same region. A gateway: 0.00 USD a month."""

    for_isolated_tasks: ClassVar[tuple["VpcEndpoints", ...]]
    """All that a `FargateService` uses, for a network without egress: every set but DynamoDB. 102.20 USD a month.

    Such a network does not pay 65.70 USD for two NAT gateways (2 x 730 h x 0.045 USD). Without secrets, shells and
    links, ECR, logs and S3 are enough: 43.80 USD. Images must be in private ECR repositories, mirrored or pulled
    through a cache before. On Fargate platform version 1.4 AWS asks for no more
    (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/vpc-endpoints.html).
    """


# Of AWS's services whose private endpoints support IPv6, those with one name, which AWS's table gives
# (https://docs.aws.amazon.com/vpc/latest/userguide/aws-ipv6-support.html). ECR's do not.
WITH_IPV6 = {"events", "kms", "logs", "monitoring", "secretsmanager", "sns", "sqs", "ssm", "states", "sts", "xray"}

VpcEndpoints.ecr = VpcEndpoints(interfaces=("ecr.api", "ecr.dkr"))
VpcEndpoints.logs = VpcEndpoints(interfaces=("logs",))
VpcEndpoints.secrets = VpcEndpoints(interfaces=("secretsmanager", "ssm"))
VpcEndpoints.exec = VpcEndpoints(interfaces=("ssmmessages",))
VpcEndpoints.links = VpcEndpoints(interfaces=("ecs-agent",))
VpcEndpoints.s3 = VpcEndpoints(gateways=("s3",))
VpcEndpoints.dynamodb = VpcEndpoints(gateways=("dynamodb",))
VpcEndpoints.for_isolated_tasks = (
    VpcEndpoints.ecr,
    VpcEndpoints.logs,
    VpcEndpoints.secrets,
    VpcEndpoints.exec,
    VpcEndpoints.links,
    VpcEndpoints.s3,
)


def add_vpc_endpoints(
    network: Construct,
    vpc: ec2.Vpc,
    sets: Sequence[VpcEndpoints],
    *,
    cidr: str,
    ip_protocol: ec2.IpProtocol,
    resource_accounts: Sequence[str] | None = None,
) -> list[ec2.VpcEndpoint]:
    """Make the endpoints of some sets in a network's VPC, each service's once: interfaces first, then gateways.

    The interface endpoints share one security group, which allows HTTPS from *cidr*. In a VPC with IPv6 they have
    IPv6 addresses too, as far as AWS's services support it. With *resource_accounts* they lead to resources of this
    account and those accounts alone.
    """
    interfaces = list(dict.fromkeys(service for each in sets for service in each.interfaces))
    gateways = list(dict.fromkeys(service for each in sets for service in each.gateways))
    # The IDs do not depend on which other endpoints there are.
    scope = Construct(network, "VpcEndpoints") if interfaces or gateways else network
    endpoints: dict[str, ec2.VpcEndpoint] = {}
    if interfaces:
        security_group = ec2.SecurityGroup(
            scope, "SecurityGroup", vpc=vpc, description="AWS services inside the VPC", allow_all_outbound=False
        )
        security_group.add_ingress_rule(ec2.Peer.ipv4(cidr), tcp_port(443), "HTTPS from within the VPC")
        dual_stack = WITH_IPV6.intersection(interfaces) if ip_protocol is ec2.IpProtocol.DUAL_STACK else ()
        if dual_stack:
            _allow_ipv6(security_group, vpc)
        for service in interfaces:
            endpoints[service] = ec2.InterfaceVpcEndpoint(
                scope,
                _id_of(service),
                vpc=vpc,
                service=ec2.InterfaceVpcEndpointAwsService(service),
                security_groups=[security_group],
                open=False,  # the security group has the rule
                private_dns_enabled=True,
                ip_address_type=ec2.VpcEndpointIpAddressType.DUALSTACK if service in dual_stack else None,
                # The names that programs use today keep A records only: programs whose security group lets no IPv6
                # out would wait for a connection (https://github.com/aws/aws-cdk/issues/9946).
                dns_record_ip_type=ec2.VpcEndpointDnsRecordIpType.SERVICE_DEFINED if service in dual_stack else None,
            )
    for service in gateways:
        made_with_vpc = cast("ec2.VpcEndpoint | None", vpc.node.try_find_child(_id_of(service)))  # that of S3
        endpoints[service] = made_with_vpc or ec2.GatewayVpcEndpoint(
            scope,
            _id_of(service),
            vpc=vpc,
            service=ec2.GatewayVpcEndpointAwsService(service),
            subnets=[ec2.SubnetSelection(subnets=private_subnets_of(vpc))],
        )
    if resource_accounts is not None:
        for service, endpoint in endpoints.items():
            restrict_to_accounts(endpoint, service, resource_accounts)
    return list(endpoints.values())


def _allow_ipv6(security_group: ec2.SecurityGroup, vpc: ec2.Vpc) -> None:
    """Allow HTTPS from the VPC's IPv6 range, which the VPC has only once the range is associated with it.

    https://github.com/aws/aws-cdk/issues/36714
    """
    peer = ec2.Peer.ipv6(Fn.select(0, vpc.vpc_ipv6_cidr_blocks))
    security_group.add_ingress_rule(peer, tcp_port(443), "HTTPS from within the VPC over IPv6")
    security_group.node.add_dependency(vpc.node.find_child("ipv6cidr"))
    reason = "HTTPS from the VPC's own IPv6 range, a reference that cdk-nag cannot read."
    acknowledge(security_group, dict.fromkeys(("AwsSolutions-EC23", "EC2RestrictedSSH"), reason))


def _id_of(service: str) -> str:
    """Return a service's name as a construct ID: `ecr.api` becomes `EcrApi`."""
    return service.replace(".", "-").title().replace("-", "")
