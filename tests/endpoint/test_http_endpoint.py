"""The one fixed address at which callers reach many services."""

import re

import pytest
from aws_cdk import App, CfnParameter, Duration, Fn, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_route53 as route53
from aws_cdk.assertions import Annotations, Match, Template

from fargate_constructs import FargateService, FixedEgressNetwork, HttpEndpoint
from fargate_constructs.network.network import Network


@pytest.fixture
def service(stack: Stack, network: Network, image: ecs.ContainerImage) -> FargateService:
    """A service to route to."""
    return FargateService(stack, "Web", network=network, image=image)


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


def test_one_listener_serves_many_services(
    stack: Stack, network: Network, service: FargateService, image: ecs.ContainerImage
) -> None:
    """Each route has a rule; the more specific one is tried first; the load balancer reaches just those ports."""
    api = FargateService(stack, "Api", network=network, image=image, port=8080)
    endpoint = HttpEndpoint(stack, "Endpoint", network=network)

    endpoint.add_route("Web", service=service)
    endpoint.add_route("Api", service=api, paths=["/api/*"], hosts=["shop.example.com"])

    template = Template.from_stack(stack)
    rules = [
        rule["Properties"] for rule in template.find_resources("AWS::ElasticLoadBalancingV2::ListenerRule").values()
    ]
    api_rule, web_rule = sorted(rules, key=lambda rule: rule["Priority"])
    assert api_rule["Conditions"] == [
        {"Field": "host-header", "HostHeaderConfig": {"Values": ["shop.example.com"]}},
        {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/api/*"]}},
    ]
    assert web_rule["Conditions"] == [{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/*"]}}]
    assert web_rule["ListenerArn"] == api_rule["ListenerArn"]
    ports = template.find_resources("AWS::EC2::SecurityGroupEgress")
    assert {port["Properties"]["ToPort"] for port in ports.values()} == {80, 8080}


def test_two_routes_of_one_service_share_its_target_group(
    stack: Stack, network: Network, service: FargateService
) -> None:
    """A second route adds a rule, and scaling on requests stays one policy."""
    endpoint = HttpEndpoint(stack, "Endpoint", network=network)

    endpoint.add_route("Images", service=service, paths=["/images/*"])
    endpoint.add_route("Shop", service=service, hosts=["shop.example.com"])

    template = Template.from_stack(stack)
    template.has_resource_properties(
        "AWS::ElasticLoadBalancingV2::ListenerRule",
        {"Conditions": [{"Field": "host-header", "HostHeaderConfig": {"Values": ["shop.example.com"]}}]},
    )
    template.resource_count_is("AWS::ElasticLoadBalancingV2::ListenerRule", 2)
    template.resource_count_is("AWS::ElasticLoadBalancingV2::TargetGroup", 1)
    template.resource_count_is("AWS::ApplicationAutoScaling::ScalingPolicy", 2)


def test_a_service_stays_with_one_load_balancer(stack: Stack, network: Network, service: FargateService) -> None:
    """AWS takes a target group for one only."""
    HttpEndpoint(stack, "One", network=network).add_route("Web", service=service)

    with pytest.raises(ValueError, match="a target group serves one load balancer, got route 'Web2' of Test/Other"):
        HttpEndpoint(stack, "Other", network=network).add_route("Web2", service=service)


def test_a_vpc_is_no_network(stack: Stack) -> None:
    """The likeliest mistake is answered with what to write."""
    with pytest.raises(TypeError, match=r"network must be Network, got: the Vpc .*; make one of a VPC by"):
        HttpEndpoint(stack, "Endpoint", network=ec2.Vpc(stack, "Vpc"))  # type: ignore[arg-type]  # the mistake

    assert stack.node.try_find_child("Endpoint") is None


def test_a_priority_of_ones_own(stack: Stack, network: Network, service: FargateService) -> None:
    """A number given is the number used."""
    HttpEndpoint(stack, "Endpoint", network=network).add_route("Web", service=service, priority=7)

    Template.from_stack(stack).has_resource_properties("AWS::ElasticLoadBalancingV2::ListenerRule", {"Priority": 7})


def test_a_host_known_only_when_deployed_needs_a_priority(
    stack: Stack, network: Network, service: FargateService
) -> None:
    """Its rank among the routes cannot be told."""
    endpoint = HttpEndpoint(stack, "Endpoint", network=network)
    host = CfnParameter(stack, "Host").value_as_string

    with pytest.raises(ValueError, match="known only when deployed, so it has no rank among the routes: set priority"):
        endpoint.add_route("Web", service=service, hosts=[host])

    endpoint.add_route("Web", service=service, hosts=[host], priority=10)


def test_two_routes_with_one_claim_are_refused(stack: Stack, network: Network, service: FargateService) -> None:
    """The message names the route that was there first."""
    endpoint = HttpEndpoint(stack, "Endpoint", network=network)
    endpoint.add_route("Web", service=service, paths=["/a"])

    with pytest.raises(ValueError, match="route 'Other' of Test/Web has the same conditions as route 'Web' of"):
        endpoint.add_route("Other", service=service, paths=["/a"])


def test_a_worker_has_no_route(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """A service without a port cannot answer, and the refused route takes no priority."""
    worker = FargateService(stack, "Worker", network=network, image=image, port=None)

    with pytest.raises(ValueError, match="a route needs a service with a port, got the worker Test/Worker"):
        HttpEndpoint(stack, "Endpoint", network=network).add_route("Web", service=worker)


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
