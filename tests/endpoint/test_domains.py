"""The names that callers use: their certificates and their records."""

import re

import pytest
from aws_cdk import App, CfnParameter, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Match, Template

from fargate_constructs import FixedEgressNetwork, HttpEndpoint
from fargate_constructs.network.network import Network
from tests.modes.made_elsewhere import network_in, zone_in


@pytest.fixture
def endpoint(stack: Stack, network: Network, zone: route53.IHostedZone) -> HttpEndpoint:
    """An endpoint with a first name."""
    return HttpEndpoint(stack, "Endpoint", network=network, domain_name="shop.example.com", hosted_zone=zone)


def test_a_dual_stack_name_has_two_records(stack: Stack, zone: route53.IHostedZone) -> None:
    """Callers with IPv6 find an AAAA record; without IPv6 there is none."""
    vpc = ec2.Vpc(stack, "Vpc", ip_protocol=ec2.IpProtocol.DUAL_STACK)
    network = FixedEgressNetwork.from_vpc(stack, "Network", vpc, egress_ips=["203.0.113.7"])
    dual_stack = elbv2.IpAddressType.DUAL_STACK

    endpoint = HttpEndpoint(
        stack,
        "Endpoint",
        network=network,
        domain_name="shop.example.com",
        hosted_zone=zone,
        ip_address_type=dual_stack,
    )
    HttpEndpoint(stack, "Old", network=network, domain_name="old.example.com", hosted_zone=zone)
    endpoint.add_domain("www.example.com", hosted_zone=zone)

    records = Template.from_stack(stack).find_resources("AWS::Route53::RecordSet").values()
    assert sorted((record["Properties"]["Name"], record["Properties"]["Type"]) for record in records) == [
        ("old.example.com.", "A"),
        ("shop.example.com.", "A"),
        ("shop.example.com.", "AAAA"),
        ("www.example.com.", "A"),
        ("www.example.com.", "AAAA"),
    ]


def test_further_names_have_certificates_of_their_own(
    stack: Stack, endpoint: HttpEndpoint, zone: route53.IHostedZone, certificate: acm.ICertificate
) -> None:
    """Each is shown to who asks for that name; a record is made where the zone is known."""
    endpoint.add_domain("www.example.com", hosted_zone=zone)
    endpoint.add_domain("*.example.com", hosted_zone=zone)
    given = endpoint.add_domain("shop.example.org", certificate=certificate)

    assert given is certificate
    template = Template.from_stack(stack)
    template.resource_count_is("AWS::ElasticLoadBalancingV2::ListenerCertificate", 3)
    template.has_resource_properties(
        "AWS::ElasticLoadBalancingV2::ListenerCertificate",
        {"Certificates": [{"CertificateArn": certificate.certificate_arn}]},
    )
    names = [each["Properties"]["Name"] for each in template.find_resources("AWS::Route53::RecordSet").values()]
    assert sorted(names) == ["*.example.com.", "shop.example.com.", "www.example.com."]
    template.resource_count_is("AWS::CertificateManager::Certificate", 3)


def test_a_wildcards_tag_is_one_that_aws_takes(stack: Stack, endpoint: HttpEndpoint, zone: route53.IHostedZone) -> None:
    """A certificate is tagged with its path, and a tag may hold no asterisk."""
    endpoint.add_domain("*.example.com", hosted_zone=zone)

    Template.from_stack(stack).has_resource_properties(
        "AWS::CertificateManager::Certificate",
        {
            "DomainName": "*.example.com",
            "Tags": [{"Key": "Name", "Value": Match.not_(Match.string_like_regexp(r"\*"))}],
        },
    )


def test_a_name_does_not_depend_on_others(stack: Stack, endpoint: HttpEndpoint, zone: route53.IHostedZone) -> None:
    """Its resources are named by it, whatever was added before."""
    endpoint.add_domain("a.example.com", hosted_zone=zone)
    endpoint.add_domain("b.example.com", hosted_zone=zone)
    both = set(Template.from_stack(stack).find_resources("AWS::ElasticLoadBalancingV2::ListenerCertificate"))

    other = Stack(None, "Test")
    network = network_in(other)
    zone = route53.HostedZone.from_hosted_zone_attributes(other, "Zone", hosted_zone_id="Z1", zone_name="example.com")
    alone = HttpEndpoint(other, "Endpoint", network=network, domain_name="shop.example.com", hosted_zone=zone)
    alone.add_domain("b.example.com", hosted_zone=zone)

    assert set(Template.from_stack(other).find_resources("AWS::ElasticLoadBalancingV2::ListenerCertificate")) < both


@pytest.fixture(scope="module")
def serving() -> tuple[HttpEndpoint, route53.IHostedZone]:
    """An endpoint with two names, and their zone."""
    stack = Stack(App(), "Test")
    zone = zone_in(stack)
    endpoint = HttpEndpoint(
        stack, "Endpoint", network=network_in(stack), domain_name="shop.example.com", hosted_zone=zone
    )
    endpoint.add_domain("www.example.com", hosted_zone=zone)
    return endpoint, zone


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("shop.example.com", "must be a further name, got 'shop.example.com' again"),
        ("www.example.com", "must be a further name, got 'www.example.com' again"),
        ("www.example.org", "must lie in the hosted zone 'example.com', got: 'www.example.org'"),
        ("https://example.com", "must be a name such as 'shop.example.com', got: 'https://example.com'"),
        ("Shop.example.com", "got: 'Shop.example.com'; write 'shop.example.com'"),
        (f"{'a' * 60}.example.com", "at most 64 characters for a certificate to be made, got 72: 'aaa"),
        ("shop.example.com.", "got: 'shop.example.com.'"),
        ("shop", "got: 'shop'"),
    ],
)
def test_names_that_cannot_be_served_are_refused(
    serving: tuple[HttpEndpoint, route53.IHostedZone], name: str, message: str
) -> None:
    """The message says why."""
    endpoint, zone = serving

    with pytest.raises(ValueError, match=re.escape(message)):
        endpoint.add_domain(name, hosted_zone=zone)


def test_a_private_zone_has_no_certificate_made(
    stack: Stack, network: Network, endpoint: HttpEndpoint, certificate: acm.ICertificate
) -> None:
    """ACM would look for its proof in public DNS; beside one that is given, the records are made."""
    refusal = "hosted_zone must be public, for a certificate made here is proven in public DNS, .*, got: Test/{}; pass"
    zone = route53.PrivateHostedZone(stack, "Corp", zone_name="corp.example.net", vpc=network.vpc)
    plain = route53.HostedZone(stack, "Plain", zone_name="example.net", vpcs=[network.vpc])

    with pytest.raises(ValueError, match=refusal.format("Plain")):
        HttpEndpoint(
            stack, "Inner", network=network, internal=True, domain_name="shop.corp.example.net", hosted_zone=plain
        )
    with pytest.raises(ValueError, match=refusal.format("Corp")):
        endpoint.add_domain("shop.corp.example.net", hosted_zone=zone)

    endpoint.add_domain("shop.corp.example.net", hosted_zone=zone, certificate=certificate)
    endpoint.add_domain("shop.example.org", hosted_zone=route53.HostedZone(stack, "Org", zone_name="example.org"))
    template = Template.from_stack(stack)
    template.has_resource_properties(
        "AWS::Route53::RecordSet",
        {"Name": "shop.corp.example.net.", "HostedZoneId": stack.resolve(zone.hosted_zone_id)},
    )
    template.resource_count_is("AWS::CertificateManager::Certificate", 2)


def test_a_further_name_needs_a_zone_or_a_certificate(endpoint: HttpEndpoint) -> None:
    """A certificate cannot be made without a zone to prove the name in."""
    with pytest.raises(ValueError, match=r"domain_name 'www\.example\.com' needs hosted_zone"):
        endpoint.add_domain("www.example.com")


def test_a_further_name_is_known_at_synth(stack: Stack, endpoint: HttpEndpoint, zone: route53.IHostedZone) -> None:
    """Its certificate is named by it."""
    with pytest.raises(ValueError, match="domain_name must be known at synth"):
        endpoint.add_domain(CfnParameter(stack, "Name").value_as_string, hosted_zone=zone)


def test_a_further_name_needs_tls(stack: Stack, network: Network, zone: route53.IHostedZone) -> None:
    """A listener without a first certificate takes no second."""
    endpoint = HttpEndpoint(stack, "Endpoint", network=network)

    with pytest.raises(ValueError, match=r"Test/Endpoint has no TLS to serve 'www\.example\.com' with"):
        endpoint.add_domain("www.example.com", hosted_zone=zone)


def test_the_first_name_is_one(stack: Stack, network: Network, zone: route53.IHostedZone) -> None:
    """Callers could not type a wildcard."""
    with pytest.raises(ValueError, match=re.escape("got: '*.example.com'; add the wildcard by add_domain")):
        HttpEndpoint(stack, "Endpoint", network=network, domain_name="*.example.com", hosted_zone=zone)


def test_arns_and_ids_are_no_constructs(idle_stack: Stack, idle_network: Network) -> None:
    """The message says how to import them."""
    with pytest.raises(TypeError, match=r"certificate must be .* or None, got: 'arn:1'; import it by acm\.Certificate"):
        HttpEndpoint(idle_stack, "Endpoint", network=idle_network, certificate="arn:1")  # type: ignore[arg-type]  # the mistake
    with pytest.raises(TypeError, match=r"hosted_zone must be .* or None, got: 'Z1'; import it by route53\.Hosted"):
        HttpEndpoint(idle_stack, "Endpoint", network=idle_network, domain_name="a.example.com", hosted_zone="Z1")  # type: ignore[arg-type]  # the mistake


def test_callers_with_certificates(stack: Stack, network: Network, certificate: acm.ICertificate) -> None:
    """With a trust store, who shows no certificate that it knows gets no connection."""
    bucket = s3.Bucket.from_bucket_name(stack, "Bucket", "authorities")
    trust_store = elbv2.TrustStore(stack, "TrustStore", bucket=bucket, key="ca.pem")

    HttpEndpoint(
        stack,
        "Endpoint",
        network=network,
        certificate=certificate,
        mutual_authentication=elbv2.MutualAuthentication(
            mutual_authentication_mode=elbv2.MutualAuthenticationMode.VERIFY, trust_store=trust_store
        ),
    )

    Template.from_stack(stack).has_resource_properties(
        "AWS::ElasticLoadBalancingV2::Listener",
        {
            "Port": 443,
            "MutualAuthentication": {
                "Mode": "verify",
                "TrustStoreArn": stack.resolve(trust_store.trust_store_arn),
            },
        },
    )


def test_callers_certificates_need_tls(idle_stack: Stack, idle_network: Network) -> None:
    """Plain HTTP shows none."""
    pass_through = elbv2.MutualAuthentication(mutual_authentication_mode=elbv2.MutualAuthenticationMode.PASS_THROUGH)

    with pytest.raises(ValueError, match="mutual_authentication needs TLS: pass domain_name and hosted_zone"):
        HttpEndpoint(idle_stack, "Endpoint", network=idle_network, mutual_authentication=pass_through)
