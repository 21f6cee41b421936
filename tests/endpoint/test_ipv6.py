"""IPv6 at endpoints: the types of their load balancers, their records, and their callers."""

import re
from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk.assertions import Template

from fargate_constructs import (
    Accelerator,
    CloudFrontDistribution,
    FixedEgressNetwork,
    HttpEndpoint,
    SignIn,
)
from fargate_constructs.testing import assert_no_replacement
from tests.endpoint.lab import Lab
from tests.templates import properties_of

DUAL_STACK, IPV4 = elbv2.IpAddressType.DUAL_STACK, elbv2.IpAddressType.IPV4
IPV6_ONLY = elbv2.IpAddressType.DUAL_STACK_WITHOUT_PUBLIC_IPV4
HTTP_ENDPOINTS: dict[str, dict[str, Any]] = {
    "Default": {},
    "Internal": {"internal": True},
    "Static": {"static_ips": True},
    "Ipv4": {"ip_address_type": IPV4},
    "Ipv6Only": {"ip_address_type": IPV6_ONLY},
    "Ipv6Office": {"ip_address_type": IPV6_ONLY, "allow_cidrs": ["2001:DB8:0::/32", "2001:db8::/32"]},
    "InternalDualStack": {"internal": True, "ip_address_type": DUAL_STACK},
}


class Families(Lab):
    """Endpoints in a network with IPv6."""

    def __init__(self) -> None:
        super().__init__()
        self.network = FixedEgressNetwork(self.stack, "OwnNetwork", ip_protocol=ec2.IpProtocol.DUAL_STACK)
        self.endpoints = {
            name: self.http(
                name,
                domain_name=f"{name.lower()}.example.com",
                hosted_zone=self.zone,
                certificate=self.certificate,
                **arguments,
            )
            for name, arguments in HTTP_ENDPOINTS.items()
        }
        self.of_tcp = self.tcp("Tcp", domain_name="tcp.example.com", hosted_zone=self.zone)
        CloudFrontDistribution(self.stack, "Cdn", endpoint=self.endpoints["Internal"], certificate=self.certificate)

    def type_of(self, load_balancer: elbv2.ApplicationLoadBalancer | elbv2.NetworkLoadBalancer) -> str:
        """Return the type of a load balancer's addresses."""
        return str(self.of(load_balancer)["IpAddressType"])


@pytest.fixture(scope="module")
def lab() -> Families:
    """One synthesis for all of them."""
    return Families()


def test_the_type_follows_the_network(lab: Families) -> None:
    """Callers from the internet get IPv6 too. Within the network they have IPv4, and static IPs are IPv4."""
    assert {name: lab.type_of(each.load_balancer) for name, each in lab.endpoints.items()} == {
        "Default": "dualstack",
        "Internal": "ipv4",
        "Static": "ipv4",
        "Ipv4": "ipv4",
        "Ipv6Only": "dualstack-without-public-ipv4",
        "Ipv6Office": "dualstack-without-public-ipv4",
        "InternalDualStack": "dualstack",
    }
    # Tasks would see an address of the load balancer instead of an IPv6 caller's, and UDP would be refused.
    assert lab.type_of(lab.of_tcp.load_balancer) == "ipv4"


def test_the_records_are_of_the_families(lab: Families) -> None:
    """A name without public IPv4 addresses has no A record. CloudFront has both."""
    records: dict[str, set[str]] = {}
    for record in lab.all("AWS::Route53::RecordSet"):
        records.setdefault(record["Name"].split(".")[0], set()).add(record["Type"])
    assert records == {
        "default": {"A", "AAAA"},
        "internal": {"A", "AAAA"},
        "static": {"A"},
        "ipv4": {"A"},
        "ipv6only": {"AAAA"},
        "ipv6office": {"AAAA"},
        "internaldualstack": {"A", "AAAA"},
        "tcp": {"A"},
    }


def test_callers_are_of_the_families(lab: Families) -> None:
    """By default every address of each family that can reach the load balancer. A range is allowed once at each port.

    However often it is named, and in whichever writing (https://github.com/aws/aws-cdk/issues/5043).
    """

    def callers(name: str) -> set[str]:
        (group,) = lab.endpoints[name].connections.security_groups
        rules = lab.of(group).get("SecurityGroupIngress", [])
        found = [(rule.get("CidrIp") or rule["CidrIpv6"], rule["FromPort"]) for rule in rules]
        assert len(set(found)) == len(found)
        return {cidr for cidr, _ in found}

    assert {name: callers(name) for name in ("Default", "Ipv4", "Ipv6Only", "Ipv6Office")} == {
        "Default": {"0.0.0.0/0", "::/0"},
        "Ipv4": {"0.0.0.0/0"},
        "Ipv6Only": {"::/0"},
        "Ipv6Office": {"2001:db8::/32"},
    }


def test_callers_of_another_network() -> None:
    """Its ranges are tokens, of which the family is known, also in another stack. Those of a parameter count as IPv4.

    https://github.com/aws/aws-cdk/issues/28213
    """
    app = App()
    stack, partners = Stack(app, "Test"), Stack(app, "Partners")
    callers = FixedEgressNetwork(partners, "Network", ip_protocol=ec2.IpProtocol.DUAL_STACK)
    network = FixedEgressNetwork(stack, "Network", ip_protocol=ec2.IpProtocol.DUAL_STACK)
    parameter = CfnParameter(stack, "Office").value_as_string
    ranges = [*callers.egress_cidrs, *callers.egress_ipv6_cidrs, parameter]
    endpoint = HttpEndpoint(stack, "Endpoint", network=network, allow_cidrs=ranges)
    (group,) = endpoint.connections.security_groups
    rules = properties_of(Template.from_stack(stack), group)["SecurityGroupIngress"]
    assert ["CidrIpv6" in rule for rule in rules] == [False, False, True, True, False]


def test_the_internet_gateway_reaches_public_ones_only(lab: Families) -> None:
    """An internal load balancer denies the traffic that its IPv6 addresses could get."""
    denied = {
        name: lab.attributes(endpoint.load_balancer).get("ipv6.deny_all_igw_traffic")
        for name, endpoint in lab.endpoints.items()
    }
    assert denied == dict.fromkeys(("Internal", "Static", "Ipv4")) | {
        "Default": "false",
        "Ipv6Only": "false",
        "Ipv6Office": "false",
        "InternalDualStack": "true",
    }


def test_an_imported_network_without_named_ranges_keeps_ipv4() -> None:
    """Its template is what it was. With named ranges its endpoints have IPv6."""
    lab = Lab()
    vpc = ec2.Vpc(lab.stack, "DualStackVpc", ip_protocol=ec2.IpProtocol.DUAL_STACK)
    for name, ranges in (("Unnamed", ()), ("Named", ("2001:db8::/64",))):
        network = FixedEgressNetwork.from_vpc(
            lab.stack, f"{name}Network", vpc, egress_ips=["203.0.113.7"], egress_ipv6_cidrs=ranges
        )
        lab.http(name, network=network)
    found = lab.all("AWS::ElasticLoadBalancingV2::LoadBalancer")
    assert [each["IpAddressType"] for each in found] == ["ipv4", "dualstack"]


def test_another_type_replaces_nothing() -> None:
    """CloudFormation changes the type of a load balancer in place: with callers of both, then of IPv6 only."""
    ipv4, dual_stack, ipv6_only = labs = Lab(), Lab(), Lab()
    for lab, ip_address_type in zip(labs, (IPV4, DUAL_STACK, IPV6_ONLY), strict=True):
        lab.http(ip_address_type=ip_address_type)

    assert_no_replacement(ipv4.stack, dual_stack.stack)
    assert_no_replacement(dual_stack.stack, ipv6_only.stack)


def test_what_needs_ipv4_is_refused_without_it(idle: Lab) -> None:
    """An accelerator has IPv4 addresses, and AWS connects to identity providers by IPv4."""
    endpoint = idle.http("Ipv6Only", certificate=idle.certificate, ip_address_type=IPV6_ONLY)
    with pytest.raises(ValueError, match=re.escape("got Test/Ipv6Only, which allows IPv6 callers only; make the")):
        Accelerator(idle.stack, "OfIpv6Only", endpoint=endpoint)
    sign_in = SignIn.jwt(issuer="https://a.example.com", jwks_endpoint="https://a.example.com/jwks.json")
    with pytest.raises(ValueError, match="sign_in needs a load balancer with public IPv4 addresses, by which AWS"):
        endpoint.add_route("Web", service=idle.service("Ipv6Web"), sign_in=sign_in)
    assert idle.stack.node.try_find_child("OfIpv6Only") is None
