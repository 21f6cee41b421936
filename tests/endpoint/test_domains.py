"""The domain names of an endpoint: their certificates and their alias records."""

import re
from typing import Any, NamedTuple

import pytest
from aws_cdk import CfnParameter
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_s3 as s3

from fargate_constructs import FixedEgressNetwork, HttpEndpoint
from tests.endpoint.lab import Lab

CERTIFICATE, RECORD = "AWS::CertificateManager::Certificate", "AWS::Route53::RecordSet"
LISTENER_CERTIFICATE = "AWS::ElasticLoadBalancingV2::ListenerCertificate"


class Names(Lab):
    """Endpoints with further names, with and without IPv6."""

    def __init__(self) -> None:
        super().__init__()
        vpc = ec2.Vpc(self.stack, "DualStackVpc", ip_protocol=ec2.IpProtocol.DUAL_STACK)
        dual_stack = FixedEgressNetwork.from_vpc(self.stack, "DualStackNetwork", vpc, egress_ips=["203.0.113.7"])
        bucket = s3.Bucket.from_bucket_name(self.stack, "Bucket", "authorities")
        self.trust_store = elbv2.TrustStore(self.stack, "TrustStore", bucket=bucket, key="ca.pem")
        self.private = route53.PrivateHostedZone(self.stack, "Corp", zone_name="corp.example.net", vpc=self.network.vpc)
        verify = elbv2.MutualAuthentication(
            mutual_authentication_mode=elbv2.MutualAuthenticationMode.VERIFY, trust_store=self.trust_store
        )
        self.endpoint = self.http(domain_name="shop.example.com", hosted_zone=self.zone, mutual_authentication=verify)
        self.endpoint.add_domain("www.example.com", hosted_zone=self.zone)
        self.endpoint.add_domain("*.example.com", hosted_zone=self.zone)
        self.given = self.endpoint.add_domain("shop.example.org", certificate=self.certificate)
        self.endpoint.add_domain("shop.corp.example.net", hosted_zone=self.private, certificate=self.certificate)
        public = route53.HostedZone(self.stack, "Public", zone_name="example.net")
        self.endpoint.add_domain("example.net", hosted_zone=public)
        self.http(
            "Other",
            network=dual_stack,
            domain_name="v6.example.com",
            hosted_zone=self.zone,
            ip_address_type=elbv2.IpAddressType.DUAL_STACK,
        ).add_domain("www6.example.com", hosted_zone=self.zone)


@pytest.fixture(scope="module")
def lab() -> Names:
    """One synthesis for all of them."""
    return Names()


def test_the_records(lab: Names) -> None:
    """Each name with a zone has one, beside a given certificate too. Only dual-stack names have an AAAA record."""
    assert sorted((record["Name"], record["Type"]) for record in lab.all(RECORD)) == [
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
    (record,) = lab.all(RECORD, Name="shop.corp.example.net.")
    assert record["HostedZoneId"] == lab.resolve(lab.private.hosted_zone_id)


def test_the_certificates(lab: Names) -> None:
    """Each name has its own, made here or given. A tag of a certificate, which has its path, has no asterisk."""
    made = lab.all(CERTIFICATE)
    assert {each["DomainName"] for each in made} == {
        *("shop.example.com", "www.example.com", "*.example.com", "example.net"),
        *("v6.example.com", "www6.example.com"),
    }
    assert not [tag for each in made for tag in each["Tags"] if "*" in tag["Value"]]
    assert lab.given is lab.certificate
    further = [each["Certificates"][0]["CertificateArn"] for each in lab.all(LISTENER_CERTIFICATE)]
    assert len(further) == 6
    assert further.count(lab.certificate.certificate_arn) == 2


def test_callers_with_certificates(lab: Names) -> None:
    """With a trust store, a caller without a certificate that it knows gets no connection."""
    assert lab.of(lab.endpoint.listener)["MutualAuthentication"] == {
        "Mode": "verify",
        "TrustStoreArn": lab.resolve(lab.trust_store.trust_store_arn),
    }


def test_a_name_does_not_depend_on_others() -> None:
    """Its resources are named by it, whatever was added before."""

    def certificates(*names: str) -> set[str]:
        lab = Lab()
        endpoint = lab.http(certificate=lab.certificate)
        for name in names:
            endpoint.add_domain(name, certificate=lab.certificate)
        return set(lab.template.find_resources(LISTENER_CERTIFICATE))

    assert certificates("b.example.com") < certificates("a.example.com", "b.example.com")


class Serving(NamedTuple):
    """An endpoint with two names, which refuses others, and one without TLS."""

    endpoint: HttpEndpoint
    plain: HttpEndpoint


@pytest.fixture(scope="module")
def serving(idle: Lab) -> Serving:
    """It is never synthesized."""
    endpoint = idle.http("Serving", domain_name="shop.example.com", hosted_zone=idle.zone)
    endpoint.add_domain("www.example.com", hosted_zone=idle.zone)
    return Serving(endpoint, idle.http("Plain"))


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
def test_names_that_cannot_be_served_are_refused(idle: Lab, serving: Serving, name: str, message: str) -> None:
    """The message says why."""
    with pytest.raises(ValueError, match=re.escape(message)):
        serving.endpoint.add_domain(name, hosted_zone=idle.zone)


def test_a_further_name_needs_a_zone_tls_and_a_known_name(idle: Lab, serving: Serving) -> None:
    """A certificate is validated in the zone, chosen by SNI, and named in the stack by its name."""
    private = route53.PrivateHostedZone(idle.stack, "Corp", zone_name="corp.example.net", vpc=idle.network.vpc)
    cases: list[tuple[HttpEndpoint, dict[str, Any], str]] = [
        (serving.endpoint, {"domain_name": "a.example.com"}, "domain_name 'a.example.com' needs hosted_zone"),
        (
            serving.endpoint,
            {"domain_name": "shop.corp.example.net", "hosted_zone": private},
            "hosted_zone must be public, because ACM validates the certificate in public DNS, ",
        ),
        (
            serving.endpoint,
            {"domain_name": CfnParameter(idle.stack, "Token").value_as_string, "hosted_zone": idle.zone},
            "domain_name must be known at synthesis, got a token",
        ),
        (
            serving.plain,
            {"domain_name": "a.example.com", "certificate": idle.certificate},
            "Test/Plain has no TLS, got dom",
        ),
    ]
    for endpoint, arguments, message in cases:
        with pytest.raises(ValueError, match=re.escape(message)):
            endpoint.add_domain(**arguments)
