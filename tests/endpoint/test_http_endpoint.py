"""The one endpoint at which callers reach many services."""

import re
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from aws_cdk import CfnParameter, Duration, Fn
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Match

from fargate_constructs import FixedEgressNetwork
from fargate_constructs.network.network import Network
from tests.endpoint.lab import Lab

CERTIFICATE, RECORD = "AWS::CertificateManager::Certificate", "AWS::Route53::RecordSet"


class Endpoints(Lab):
    """Endpoints of one stack, by the way in which they speak TLS, and one in an imported VPC."""

    def __init__(self) -> None:
        super().__init__()
        by_id = route53.HostedZone.from_hosted_zone_id(self.stack, "ById", "Z123")
        made = route53.HostedZone(self.stack, "Made", zone_name=Fn.ref("ZoneName"))
        name = CfnParameter(self.stack, "Name").value_as_string
        self.plain = self.http("Plain")
        self.domain = self.http("Domain", domain_name="shop.example.com", hosted_zone=self.zone)
        self.http("ZoneById", domain_name="by-id.example.com", hosted_zone=by_id)
        self.http("Token", domain_name=name, hosted_zone=made)
        self.own = self.http("Own", certificate=self.certificate, domain_name="own.example.com")


@pytest.fixture(scope="module")
def lab() -> Endpoints:
    """One synthesis for all of them."""
    return Endpoints()


def test_plain_http_is_warned_of(lab: Endpoints) -> None:
    """Without a certificate there is one listener on port 80, and synthesis says what to pass."""
    warnings = lab.annotations.find_warning("*", Match.string_like_regexp("over plain HTTP: pass d"))
    assert [each.id for each in warnings] == ["/Test/Plain"]
    (listener,) = lab.plain.listeners
    found = lab.of(listener)
    assert (found["Port"], found["Protocol"]) == (80, "HTTP")
    assert found["DefaultActions"][0]["FixedResponseConfig"]["StatusCode"] == "404"
    assert lab.resolve(lab.plain.url)["Fn::Join"][1][0] == "http://"
    assert lab.plain.ingress_ips == ()


def test_a_domain_makes_certificate_record_and_redirect(lab: Endpoints) -> None:
    """A domain name and its zone are all that HTTPS needs."""
    lab.template.has_resource_properties(CERTIFICATE, {"DomainName": "shop.example.com", "ValidationMethod": "DNS"})
    lab.template.has_resource_properties(
        RECORD, {"Name": "shop.example.com.", "Type": "A", "HostedZoneId": "Z0123456789ABCDEFGHIJ"}
    )
    redirect, serving = (lab.of(each) for each in lab.domain.listeners)
    assert (serving["Port"], serving["Protocol"]) == (443, "HTTPS")
    assert serving["SslPolicy"] == "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"
    assert redirect["Port"] == 80
    assert redirect["DefaultActions"] == [
        {"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}}
    ]
    assert lab.domain.url == "https://shop.example.com"


def test_zones_and_names_of_every_kind(lab: Endpoints) -> None:
    """The name of a zone imported by its ID is not known. A name, and that of a zone made here, may be tokens."""
    assert {str(each["Name"]) for each in lab.all(RECORD)} == {
        "shop.example.com.",
        "by-id.example.com.",
        str({"Fn::Join": ["", [{"Ref": "Name"}, "."]]}),
    }
    lab.template.has_resource_properties(CERTIFICATE, {"DomainName": {"Ref": "Name"}})
    lab.template.resource_count_is(CERTIFICATE, 3)
    assert lab.own.url == "https://own.example.com"


# --- Refusals ---

NUMBERS = count()


def bucket_in(idle: Lab, **settings: Any) -> s3.Bucket:  # noqa: ANN401  # what a bucket takes
    """Return a bucket of the idle stack."""
    return s3.Bucket(idle.stack, f"Bucket{next(NUMBERS)}", **settings)


def network_of(idle: Lab, vpc: ec2.IVpc) -> Network:
    """Return a network in a VPC."""
    return FixedEgressNetwork.from_vpc(idle.stack, f"Network{next(NUMBERS)}", vpc, egress_ips=["203.0.113.7"])


def vpc_in(idle: Lab, **settings: Any) -> ec2.Vpc:  # noqa: ANN401  # what a VPC takes
    """Return a VPC of the idle stack."""
    return ec2.Vpc(idle.stack, f"Vpc{next(NUMBERS)}", **settings)


def private_vpc(idle: Lab) -> ec2.IVpc:
    """Return an imported VPC without public subnets."""
    return ec2.Vpc.from_vpc_attributes(
        idle.stack,
        f"Vpc{next(NUMBERS)}",
        vpc_id="vpc-1",
        availability_zones=["a", "b"],
        private_subnet_ids=["subnet-3", "subnet-4"],
    )


def private_zone(idle: Lab) -> route53.IHostedZone:
    """Return a zone that only a VPC sees."""
    return route53.HostedZone(idle.stack, f"Zone{next(NUMBERS)}", zone_name="example.net", vpcs=[idle.network.vpc])


DUAL_STACK = elbv2.IpAddressType.DUAL_STACK
IPV6_ONLY = elbv2.IpAddressType.DUAL_STACK_WITHOUT_PUBLIC_IPV4
PASS_THROUGH = elbv2.MutualAuthentication(mutual_authentication_mode=elbv2.MutualAuthenticationMode.PASS_THROUGH)
Arguments = dict[str, Any] | Callable[[Lab], dict[str, Any]]

REFUSED: dict[str, tuple[Arguments, str]] = {
    # domains.py
    "zone alone": (lambda idle: {"hosted_zone": idle.zone}, "hosted_zone is given without domain_name"),
    "name alone": ({"domain_name": "shop.example.com"}, "domain_name 'shop.example.com' needs hosted_zone"),
    "name outside the zone": (
        lambda idle: {"domain_name": "shop.example.org", "hosted_zone": idle.zone},
        "domain_name must be in the hosted zone 'example.com', got: 'shop.example.org'",
    ),
    "name that ends as the zone": (
        lambda idle: {"domain_name": "notexample.com", "hosted_zone": idle.zone},
        "got: 'notexample.com'",
    ),
    "wildcard": (
        lambda idle: {"domain_name": "*.example.com", "hosted_zone": idle.zone},
        "one name that callers use, got: '*.example.com'; HttpEndpoint.add_domain accepts it as a further name",
    ),
    "private zone": (
        lambda idle: {"domain_name": "shop.example.net", "hosted_zone": private_zone(idle)},
        "hosted_zone must be public, because ACM validates the certificate in public DNS",
    ),
    # listeners.py
    "an SSL policy without TLS": ({"ssl_policy": elbv2.SslPolicy.RECOMMENDED_TLS}, "ssl_policy needs TLS: pass domain"),
    "a name with an underscore": ({"load_balancer_name": "my_lb"}, "load_balancer_name must be 1 to 32 letters"),
    "the name of an internal one": ({"load_balancer_name": "internal-lb"}, "got: 'internal-lb'"),
    "a description with accents": ({"security_group_description": "Büro"}, "security_group_description must be 1 to 2"),
    "connection logs without TLS": ({"connection_logs": True}, "connection_logs needs TLS"),
    "client certificates without TLS": ({"mutual_authentication": PASS_THROUGH}, "mutual_authentication needs TLS: pa"),
    # access_logs.py
    "bucket with a key": (
        lambda idle: {"access_log_bucket": bucket_in(idle, encryption_key=kms.Key(idle.stack, f"K{next(NUMBERS)}"))},
        "with a KMS key: Endpoint's load balancer cannot write there; give another bucket, or none",
    ),
    "bucket with AWS's key": (
        lambda idle: {"access_log_bucket": bucket_in(idle, encryption=s3.BucketEncryption.KMS_MANAGED)},
        "access_log_bucket must be encrypted with SSE-S3, got Test/Bucket",
    ),
    "bucket with a lock": (
        lambda idle: {
            "access_log_bucket": bucket_in(
                idle, object_lock_default_retention=s3.ObjectLockRetention.governance(Duration.days(1))
            )
        },
        "with a default lock: ",
    ),
    "expiration of a given bucket": (
        lambda idle: {"access_log_bucket": bucket_in(idle), "access_log_expiration": Duration.days(7)},
        "access_log_expiration must be set on the bucket you give, got: 7 days beside access_log_bucket",
    ),
    "an hour": ({"access_log_expiration": Duration.hours(1)}, "must be whole days, 1 at least, got: 1 hour"),
    "no day": ({"access_log_expiration": Duration.days(0)}, "must be whole days, 1 at least, got: "),
    "half a day": ({"access_log_expiration": Duration.hours(36)}, "must be whole days, 1 at least, got: "),
    **{
        f"prefix {prefix!r}": ({"access_log_prefix": prefix}, f"got: {prefix!r}")
        for prefix in ("", "/", "logs/", "/logs", "my-AWSLogs")
    },
    # ingress.py
    "bare address": ({"allow_cidrs": ["203.0.113.0"]}, "or '2001:db8::/32', got: '203.0.113.0' (it has no mask"),
    "bare IPv6 address": ({"allow_cidrs": ["2001:db8::1"]}, "(it has no mask; one address ends in /128)"),
    "IPv4 in IPv6": ({"allow_cidrs": ["::ffff:10.0.0.0/104"]}, "(no address on the internet is like this)"),
    "IPv6 of a link": ({"allow_cidrs": ["fe80::%eth0/64"]}, "(no address on the internet is like this)"),
    "host bits": ({"allow_cidrs": ["203.0.113.7/24"]}, "got: '203.0.113.7/24' ("),
    "no range": ({"allow_cidrs": ["office"]}, "got: 'office'"),
    "IPv6 range": ({"allow_cidrs": ["2001:db8::/32"]}, "load balancer without IPv6 addresses, got: '2001:db8::/32'"),
    "any IPv4 peer": ({"allow_from": [ec2.Peer.any_ipv4()]}, "write allow_cidrs=['0.0.0.0/0']"),
    "any IPv6 peer": ({"allow_from": [ec2.Peer.any_ipv6()]}, "write allow_cidrs=['::/0']"),
    "six groups": (
        {"allow_from": [ec2.Peer.prefix_list(f"pl-{number}") for number in range(6)]},
        "fit into 5 security groups of 60 rules, got: 6 for 0 ranges and 6 others on ports 80",
    ),
    # static_ips.py
    "no allocation ID": ({"static_ips": ["203.0.113.7", "eipalloc-2"]}, "such as 'eipalloc-0123…', got: '203"),
    "one address": ({"static_ips": ["eipalloc-1"]}, "True or 2 IDs, one for each zone, got: ['eipalloc-1']"),
    "no address": ({"static_ips": []}, "True or 2 IDs, one for each zone, got: []"),
    "the same address": ({"static_ips": ["eipalloc-1"] * 2}, "static_ips must differ from each other"),
    "internal static IPs": ({"static_ips": True, "internal": True}, "public IPv4 addresses, got them beside int"),
    "dual-stack static IPs": (
        lambda idle: {
            "static_ips": True,
            "ip_address_type": DUAL_STACK,
            "network": network_of(idle, vpc_in(idle, ip_protocol=ec2.IpProtocol.DUAL_STACK)),
        },
        "got them beside ip_address_type=DUAL_STACK; leave one of them out",
    ),
    # load_balancer.py
    "no idle timeout": ({"idle_timeout": Duration.seconds(0)}, "idle_timeout must be 1 to 4000 seconds, got: 0"),
    "long idle timeout": ({"idle_timeout": Duration.seconds(4001)}, "must be 1 to 4000 seconds, got: 4001"),
    "no public subnet": (
        lambda idle: {"network": network_of(idle, private_vpc(idle))},
        "an internet-facing endpoint needs public subnets, got none in Test/Vpc",
    ),
    "one zone": (
        lambda idle: {"network": network_of(idle, vpc_in(idle, max_azs=1))},
        "a load balancer needs subnets in 2 zones, got those of 1 in Test/Vpc",
    ),
    "one zone, internal": (
        lambda idle: {"network": network_of(idle, vpc_in(idle, max_azs=1)), "internal": True},
        "a load balancer needs subnets in 2 zones, got those of 1 in Test/Vpc",
    ),
    "internal, without public IPv4": (
        {"ip_address_type": IPV6_ONLY, "internal": True},
        "must be IPV4 or DUAL_STACK for an internal endpoint, got: DUAL_STACK_WITHOUT_PUBLIC_IPV4; it has no public",
    ),
    "IPv4 callers without public IPv4": (
        {"ip_address_type": IPV6_ONLY, "allow_cidrs": ["203.0.113.0/24"]},
        "must hold IPv6 ranges for a load balancer without public IPv4 addresses, got: '203.0.113.0/24'; pass ip_add",
    ),
    "static IPs without public IPv4": (
        {"ip_address_type": IPV6_ONLY, "static_ips": True},
        "static_ips are public IPv4 addresses, got them beside ip_address_type=DUAL_STACK_WITHOUT_PUBLIC_IPV4; leave",
    ),
    "IPv6 without a VPC for it": (
        lambda idle: {"network": network_of(idle, vpc_in(idle)), "ip_address_type": DUAL_STACK},
        "ip_address_type must be IPV4, got: DUAL_STACK in Test/Vpc",
    ),
}

WRONG_TYPES: dict[str, tuple[Arguments, str]] = {
    "VPC": (lambda idle: {"network": vpc_in(idle)}, "network must be Network, got: the Vpc"),
    "certificate": ({"certificate": "arn:1"}, "ICertificate or None, got: 'arn:1'; import it by acm.C"),
    "zone": ({"hosted_zone": "Z1"}, "or None, got: 'Z1'; import it by route53.HostedZone"),
    "one range": ({"allow_cidrs": "10.0.0.0/8"}, "write allow_cidrs=['10.0.0.0/8']"),
    "one peer": ({"allow_from": ec2.Peer.prefix_list("pl-1")}, "allow_from must be a list of aws_ec2.IConnectable"),
    "one group": ({"allow_from": "sg-123"}, "allow_from must be a list of aws_ec2.IConnectable or None, got: "),
    "IDs of groups": ({"allow_from": ["sg-123"]}, "got: ['sg-123']; address ranges go to allow_cidrs"),
    "seconds": ({"idle_timeout": 600}, "got: 600; write Duration.seconds(...)"),
    "address type": ({"ip_address_type": "dualstack"}, "2.IpAddressType or None, got: 'dualstack'"),
    "web ACL": ({"web_acl": "arn:aws:wafv2:"}, "web_acl must be WebAcl or None, got: 'arn:aws:wafv2:'"),
}


@pytest.mark.parametrize(
    ("error", "arguments", "message"),
    [
        pytest.param(error, *case, id=name)
        for error, cases in ((ValueError, REFUSED), (TypeError, WRONG_TYPES))
        for name, case in cases.items()
    ],
)
def test_arguments_that_are_refused(idle: Lab, error: type[Exception], arguments: Arguments, message: str) -> None:
    """The message says what was given and what to change. Nothing is made."""
    given = arguments(idle) if callable(arguments) else arguments

    with pytest.raises(error, match=re.escape(message)):
        idle.http(**given)

    assert idle.stack.node.try_find_child("Endpoint") is None


def test_an_internal_endpoint_needs_no_public_subnet(idle: Lab) -> None:
    """It is in the task subnets."""
    idle.http("Internal", network=network_of(idle, private_vpc(idle)), internal=True)
