"""What modes use and do not make."""

from aws_cdk import Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from aws_cdk import aws_route53 as route53
from constructs import Construct, IConstruct

from fargate_constructs import FixedEgressNetwork
from fargate_constructs._core.nag_suppressions import acknowledge
from fargate_constructs.network.network import Network

DOMAIN = "shop.example.com"
# Why a mode accepts a finding in a resource that is the caller's.
CALLERS = "The caller's own."
IMAGE = ecs.ContainerImage.from_registry("public.ecr.aws/nginx/nginx:stable")


def network_in(scope: Construct) -> Network:
    """Return a network that is in the account already."""
    vpc = ec2.Vpc.from_vpc_attributes(
        scope,
        "Vpc",
        vpc_id="vpc-0123456789abcdef0",
        vpc_cidr_block="10.0.0.0/16",
        availability_zones=["eu-west-1a", "eu-west-1b"],
        public_subnet_ids=["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
        public_subnet_route_table_ids=["rtb-0123456789abcdef0", "rtb-0123456789abcdef1"],
        private_subnet_ids=["subnet-0123456789abcdef2", "subnet-0123456789abcdef3"],
        private_subnet_route_table_ids=["rtb-0123456789abcdef2", "rtb-0123456789abcdef3"],
    )
    return FixedEgressNetwork.from_vpc(scope, "Network", vpc, egress_ips=["203.0.113.7"])


def answer_for(construct: IConstruct, *rules: str) -> None:
    """Accept findings as a caller would, on what the caller made or chose."""
    acknowledge(construct, dict.fromkeys(rules, CALLERS))


def log_group_in(stack: Stack) -> logs.LogGroup:
    """Return a log group of the caller's."""
    log_group = logs.LogGroup(stack, "Lines")
    answer_for(log_group, "CloudWatchLogGroupEncrypted")
    return log_group


def zone_in(stack: Stack) -> route53.IHostedZone:
    """Return the zone of `DOMAIN`."""
    return route53.HostedZone.from_hosted_zone_attributes(
        stack, "Zone", hosted_zone_id="Z0123456789ABCDEFGHIJ", zone_name="example.com"
    )


def certificate_in(stack: Stack) -> acm.ICertificate:
    """Return a certificate of `DOMAIN`, in the region that CloudFront takes them of."""
    return acm.Certificate.from_certificate_arn(
        stack, "Certificate", "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"
    )
