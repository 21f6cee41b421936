"""The domain names of an endpoint: their certificates and their alias records."""

import re
from typing import Any, NamedTuple

import pytest
from aws_cdk import App, CfnParameter, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Template

from fargate_constructs import FixedEgressNetwork, HttpEndpoint
from tests.endpoint.lab import Lab as Idle
from tests.modes.made_elsewhere import certificate_in, network_in, zone_in
from tests.templates import properties, properties_of

CERTIFICATE, RECORD = "AWS::CertificateManager::Certificate", "AWS::Route53::RecordSet"
LISTENER_CERTIFICATE = "AWS::ElasticLoadBalancingV2::ListenerCertificate"
DUAL_STACK = elbv2.IpAddressType.DUAL_STACK


class Lab(NamedTuple):
    """Endpoints with further names, with and without IPv6."""

    stack: Stack
    certificate: acm.ICertificate
    given: acm.ICertificate
    private: route53.IHostedZone
    trust_store: elbv2.TrustStore
    endpoint: HttpEndpoint
    template: Template


@pytest.fixture(scope="module")
def lab() -> Lab:
    """One synthesis for all of them."""
    stack = Stack(App(), "Test")
    network, zone, certificate = network_in(stack), zone_in(stack), certificate_in(stack)
    vpc = ec2.Vpc(stack, "DualStackVpc", ip_protocol=ec2.IpProtocol.DUAL_STACK)
    dual_stack = FixedEgressNetwork.from_vpc(stack, "DualStackNetwork", vpc, egress_ips=["203.0.113.7"])
    bucket = s3.Bucket.from_bucket_name(stack, "Bucket", "authorities")
    trust_store = elbv2.TrustStore(stack, "TrustStore", bucket=bucket, key="ca.pem")
    private = route53.PrivateHostedZone(stack, "Corp", zone_name="corp.example.net", vpc=network.vpc)
    endpoint = HttpEndpoint(
        stack,
        "Endpoint",
        network=network,
        domain_name="shop.example.com",
        hosted_zone=zone,
        mutual_authentication=elbv2.MutualAuthentication(
            mutual_authentication_mode=elbv2.MutualAuthenticationMode.VERIFY, trust_store=trust_store
        ),
    )
    other = HttpEndpoint(
        stack, "Other", network=dual_stack, domain_name="v6.example.com", hosted_zone=zone, ip_address_type=DUAL_STACK
    )

    endpoint.add_domain("www.example.com", hosted_zone=zone)
    endpoint.add_domain("*.example.com", hosted_zone=zone)
    given = endpoint.add_domain("shop.example.org", certificate=certificate)
    endpoint.add_domain("shop.corp.example.net", hosted_zone=private, certificate=certificate)
    endpoint.add_domain("example.net", hosted_zone=route53.HostedZone(stack, "Public", zone_name="example.net"))
    other.add_domain("www6.example.com", hosted_zone=zone)
    return Lab(stack, certificate, given, private, trust_store, endpoint, Template.from_stack(stack))


def test_the_records(lab: Lab) -> None:
    """Each name with a zone has one, beside a given certificate too. Only dual-stack names have an AAAA record."""
    assert sorted((record["Name"], record["Type"]) for record in properties(lab.template, RECORD)) == [
        ("*.example.com.", "A"),
        ("example.net.", "A"),
        ("shop.corp.example.net.", "A"),
        ("shop.example.com.", "A"),
        ("v6.example.com.", "A"),
        ("v6.example.com.", "AAAA"),
        ("www.example.com.", "A"),
        ("www6.example.com.", "A"),
        ("www6.example.com.", "AAAA"),
    ]
    (record,) = properties(lab.template, RECORD, {"Name": "shop.corp.example.net."})
    assert record["HostedZoneId"] == lab.stack.resolve(lab.private.hosted_zone_id)


def test_the_certificates(lab: Lab) -> None:
    """Each name has its own, made here or given. A tag of a certificate, which has its path, has no asterisk."""
    made = properties(lab.template, CERTIFICATE)
    assert {each["DomainName"] for each in made} == {
        *("shop.example.com", "www.example.com", "*.example.com", "example.net"),
        *("v6.example.com", "www6.example.com"),
    }
    assert not [tag for each in made for tag in each["Tags"] if "*" in tag["Value"]]
    assert lab.given is lab.certificate
    further = [each["Certificates"][0]["CertificateArn"] for each in properties(lab.template, LISTENER_CERTIFICATE)]
    assert len(further) == 6
    assert further.count(lab.certificate.certificate_arn) == 2


def test_callers_with_certificates(lab: Lab) -> None:
    """With a trust store, a caller without a certificate that it knows gets no connection."""
    assert properties_of(lab.template, lab.endpoint.listener)["MutualAuthentication"] == {
        "Mode": "verify",
        "TrustStoreArn": lab.stack.resolve(lab.trust_store.trust_store_arn),
    }


def test_a_name_does_not_depend_on_others() -> None:
    """Its resources are named by it, whatever was added before."""

    def certificates(*names: str) -> set[str]:
        stack = Stack(App(), "Test")
        endpoint = HttpEndpoint(stack, "Endpoint", network=network_in(stack), certificate=certificate_in(stack))
        for name in names:
            endpoint.add_domain(name, certificate=endpoint_certificate(stack, name))
        return set(Template.from_stack(stack).find_resources(LISTENER_CERTIFICATE))

    assert certificates("b.example.com") < certificates("a.example.com", "b.example.com")


def endpoint_certificate(stack: Stack, name: str) -> acm.ICertificate:
    """Return a certificate for a name."""
    return acm.Certificate.from_certificate_arn(stack, name, f"arn:aws:acm:us-east-1:123456789012:certificate/{name}")


class Serving(NamedTuple):
    """An endpoint with two names, which refuses others."""

    idle: Idle
    endpoint: HttpEndpoint
    plain: HttpEndpoint


@pytest.fixture(scope="module")
def serving(idle: Idle) -> Serving:
    """It is never synthesized."""
    endpoint = HttpEndpoint(
        idle.stack, "Serving", network=idle.network, domain_name="shop.example.com", hosted_zone=idle.zone
    )
    endpoint.add_domain("www.example.com", hosted_zone=idle.zone)
    return Serving(idle, endpoint, HttpEndpoint(idle.stack, "Plain", network=idle.network))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("shop.example.com", "must be a further name, got 'shop.example.com' again"),
        ("www.example.com", "must be a further name, got 'www.example.com' again"),
        ("www.example.org", "must be in the hosted zone 'example.com', got: 'www.example.org'"),
        ("https://example.com", "must be a name such as 'shop.example.com', got: 'https://example.com'"),
        ("Shop.example.com", "got: 'Shop.example.com'; write 'shop.example.com'"),
        (f"{'a' * 60}.example.com", "at most 64 characters to make a certificate, got 72: 'aaa"),
        ("shop.example.com.", "got: 'shop.example.com.'"),
        ("shop", "got: 'shop'"),
    ],
)
def test_names_that_cannot_be_served_are_refused(serving: Serving, name: str, message: str) -> None:
    """The message says why."""
    with pytest.raises(ValueError, match=re.escape(message)):
        serving.endpoint.add_domain(name, hosted_zone=serving.idle.zone)


def test_a_further_name_needs_a_zone_tls_and_a_known_name(serving: Serving) -> None:
    """A certificate is validated in the zone, chosen by SNI, and named in the stack by its name."""
    stack, network, zone, certificate = serving.idle
    private = route53.PrivateHostedZone(stack, "Corp", zone_name="corp.example.net", vpc=network.vpc)
    cases: list[tuple[HttpEndpoint, dict[str, Any], str]] = [
        (serving.endpoint, {"domain_name": "a.example.com"}, "domain_name 'a.example.com' needs hosted_zone"),
        (
            serving.endpoint,
            {"domain_name": "shop.corp.example.net", "hosted_zone": private},
            "hosted_zone must be public, because ACM validates the certificate in public DNS, ",
        ),
        (
            serving.endpoint,
            {"domain_name": CfnParameter(stack, "Name").value_as_string, "hosted_zone": zone},
            "domain_name must be known at synthesis, got a token",
        ),
        (serving.plain, {"domain_name": "a.example.com", "certificate": certificate}, "Test/Plain has no TLS, got dom"),
    ]
    for endpoint, arguments, message in cases:
        with pytest.raises(ValueError, match=re.escape(message)):
            endpoint.add_domain(**arguments)
