"""The one fixed address at which callers reach many services."""

import re

import pytest
from aws_cdk import App, CfnParameter, Duration, Fn, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_route53 as route53
from aws_cdk.assertions import Annotations, Match, Template

from fargate_constructs import FixedEgressNetwork, HttpEndpoint
from fargate_constructs.network.network import Network


def test_plain_http_is_warned_of(stack: Stack, network: Network) -> None:
    """Without a certificate there is one listener on port 80, and synthesis says what to pass."""
    HttpEndpoint(stack, "Endpoint", network=network)

    Annotations.from_stack(stack).has_warning(
        "/Test/Endpoint", Match.string_like_regexp("over plain HTTP: pass domain_name and hosted_zone")
    )
    template = Template.from_stack(stack)
    template.resource_count_is("AWS::ElasticLoadBalancingV2::Listener", 1)
    template.has_resource_properties(
        "AWS::ElasticLoadBalancingV2::Listener",
        {
            "Port": 80,
            "Protocol": "HTTP",
            "DefaultActions": [
                {"Type": "fixed-response", "FixedResponseConfig": Match.object_like({"StatusCode": "404"})}
            ],
        },
    )


def test_only_the_load_balancers_of_the_account_write_access_logs(stack: Stack, network: Network) -> None:
    """The bucket is private, takes TLS only, and expires its files."""
    HttpEndpoint(stack, "Endpoint", network=network, access_log_expiration=Duration.days(7))

    template = Template.from_stack(stack)
    template.has_resource_properties(
        "AWS::S3::BucketPolicy",
        {
            "PolicyDocument": {
                "Statement": Match.array_with(
                    [
                        Match.object_like({"Effect": "Deny", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}),
                        Match.object_like(
                            {
                                "Effect": "Allow",
                                "Action": "s3:PutObject",
                                "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
                                "Resource": {
                                    "Fn::Join": ["", [Match.any_value(), "/AWSLogs/", {"Ref": "AWS::AccountId"}, "/*"]]
                                },
                            }
                        ),
                    ]
                )
            }
        },
    )
    template.has_resource_properties(
        "AWS::S3::Bucket",
        {
            "LifecycleConfiguration": {"Rules": [Match.object_like({"ExpirationInDays": 7})]},
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": True,
                "BlockPublicPolicy": True,
                "IgnorePublicAcls": True,
                "RestrictPublicBuckets": True,
            },
        },
    )


def test_a_domain_makes_certificate_record_and_redirect(
    stack: Stack, network: Network, zone: route53.IHostedZone
) -> None:
    """A domain name and its zone are all that HTTPS needs."""
    endpoint = HttpEndpoint(stack, "Endpoint", network=network, domain_name="shop.example.com", hosted_zone=zone)

    template = Template.from_stack(stack)
    template.has_resource_properties(
        "AWS::CertificateManager::Certificate", {"DomainName": "shop.example.com", "ValidationMethod": "DNS"}
    )
    template.has_resource_properties(
        "AWS::Route53::RecordSet", {"Name": "shop.example.com.", "Type": "A", "HostedZoneId": "Z123"}
    )
    template.has_resource_properties(
        "AWS::ElasticLoadBalancingV2::Listener",
        {"Port": 443, "Protocol": "HTTPS", "SslPolicy": "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"},
    )
    template.has_resource_properties(
        "AWS::ElasticLoadBalancingV2::Listener",
        {
            "Port": 80,
            "DefaultActions": [
                {
                    "Type": "redirect",
                    "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"},
                }
            ],
        },
    )
    Annotations.from_stack(stack).has_no_warning("/Test/Endpoint", Match.any_value())
    assert endpoint.url == "https://shop.example.com"


def test_a_zone_imported_by_its_id_serves(stack: Stack, network: Network) -> None:
    """The record's full name needs no zone name."""
    zone = route53.HostedZone.from_hosted_zone_id(stack, "Zone", "Z123")

    HttpEndpoint(stack, "Endpoint", network=network, domain_name="shop.example.com", hosted_zone=zone)

    Template.from_stack(stack).has_resource_properties("AWS::Route53::RecordSet", {"Name": "shop.example.com."})


def test_a_zone_made_in_the_same_stack_serves(stack: Stack, network: Network) -> None:
    """The zone's name may be anything known at synth or later."""
    zone = route53.HostedZone(stack, "Zone", zone_name=Fn.ref("ZoneName"))

    endpoint = HttpEndpoint(stack, "Endpoint", network=network, domain_name="example.com", hosted_zone=zone)

    assert endpoint.url == "https://example.com"


def test_a_name_known_only_when_deployed(stack: Stack, network: Network, zone: route53.IHostedZone) -> None:
    """A token passes."""
    name = CfnParameter(stack, "Name").value_as_string

    HttpEndpoint(stack, "Endpoint", network=network, domain_name=name, hosted_zone=zone)

    Template.from_stack(stack).has_resource_properties(
        "AWS::CertificateManager::Certificate", {"DomainName": {"Ref": "Name"}}
    )


def test_a_certificate_of_ones_own(stack: Stack, network: Network) -> None:
    """With a certificate and no zone no record is made, and the URL names the domain if it is given."""
    certificate = acm.Certificate.from_certificate_arn(
        stack, "Certificate", "arn:aws:acm:eu-west-1:123456789012:certificate/1"
    )

    endpoint = HttpEndpoint(stack, "Endpoint", network=network, certificate=certificate, domain_name="a.example.com")

    template = Template.from_stack(stack)
    template.resource_count_is("AWS::CertificateManager::Certificate", 0)
    template.resource_count_is("AWS::Route53::RecordSet", 0)
    assert endpoint.url == "https://a.example.com"


def test_a_vpc_is_no_network(stack: Stack) -> None:
    """The likeliest mistake is answered with what to write."""
    with pytest.raises(TypeError, match=r"network must be Network, got: the Vpc .*; make one of a VPC by"):
        HttpEndpoint(stack, "Endpoint", network=ec2.Vpc(stack, "Vpc"))  # type: ignore[arg-type]  # the mistake

    assert stack.node.try_find_child("Endpoint") is None


@pytest.mark.parametrize(
    ("domain_name", "with_zone", "message"),
    [
        (None, True, "hosted_zone is given without domain_name"),
        ("shop.example.com", False, "domain_name 'shop.example.com' needs hosted_zone"),
        ("shop.example.org", True, "domain_name must lie in the hosted zone 'example.com', got: 'shop.example.org'"),
        ("notexample.com", True, "got: 'notexample.com'"),
    ],
)
def test_a_domain_that_cannot_be_served_is_refused(
    stack: Stack,
    network: Network,
    zone: route53.IHostedZone,
    *,
    domain_name: str | None,
    with_zone: bool,
    message: str,
) -> None:
    """Before anything is made."""
    with pytest.raises(ValueError, match=re.escape(message)):
        HttpEndpoint(
            stack, "Endpoint", network=network, domain_name=domain_name, hosted_zone=zone if with_zone else None
        )

    assert stack.node.try_find_child("Endpoint") is None


def test_an_endpoint_in_a_vpc_made_elsewhere() -> None:
    """The load balancer stands in an imported VPC's public subnets."""
    stack = Stack(App(), "Test")
    vpc = ec2.Vpc.from_vpc_attributes(
        stack,
        "Vpc",
        vpc_id="vpc-1",
        availability_zones=["a", "b"],
        public_subnet_ids=["subnet-1", "subnet-2"],
        private_subnet_ids=["subnet-3", "subnet-4"],
    )
    network = FixedEgressNetwork.from_vpc(stack, "Network", vpc, egress_ips=["203.0.113.7"])

    endpoint = HttpEndpoint(stack, "Endpoint", network=network, deletion_protection=False)

    Template.from_stack(stack).has_resource_properties(
        "AWS::ElasticLoadBalancingV2::LoadBalancer", {"Subnets": ["subnet-1", "subnet-2"]}
    )
    assert endpoint.connections.security_groups
