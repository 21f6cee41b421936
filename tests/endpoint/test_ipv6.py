"""IPv6 at endpoints: the types of their load balancers, their records, and their callers."""

import re
from typing import Any, NamedTuple

import pytest
from aws_cdk import App, CfnParameter, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk.assertions import Template

from fargate_constructs import (
    Accelerator,
    CloudFrontDistribution,
    FargateService,
    FixedEgressNetwork,
    HttpEndpoint,
    SignIn,
    TcpEndpoint,
)
from fargate_constructs.testing import assert_no_replacement
from tests.modes.made_elsewhere import IMAGE, certificate_in, network_in, zone_in
from tests.templates import properties, properties_of

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


class Lab(NamedTuple):
    """Endpoints in a network with IPv6."""

    stack: Stack
    network: FixedEgressNetwork
    http: dict[str, HttpEndpoint]
    tcp: TcpEndpoint
    template: Template

    def type_of(self, load_balancer: elbv2.ApplicationLoadBalancer | elbv2.NetworkLoadBalancer) -> str:
        """Return the type of a load balancer's addresses."""
        return str(properties_of(self.template, load_balancer)["IpAddressType"])


@pytest.fixture(scope="module")
def lab() -> Lab:
    """One synthesis for all of them."""
    stack = Stack(App(), "Test")
    network = FixedEgressNetwork(stack, "Network", ip_protocol=ec2.IpProtocol.DUAL_STACK)
    zone, certificate = zone_in(stack), certificate_in(stack)
    http = {
        name: HttpEndpoint(
            stack,
            name,
            network=network,
            domain_name=f"{name.lower()}.example.com",
            hosted_zone=zone,
            certificate=certificate,
            **arguments,
        )
        for name, arguments in HTTP_ENDPOINTS.items()
    }
    tcp = TcpEndpoint(stack, "Tcp", network=network, domain_name="tcp.example.com", hosted_zone=zone)
    CloudFrontDistribution(stack, "Cdn", endpoint=http["Internal"], certificate=certificate)
    return Lab(stack, network, http, tcp, Template.from_stack(stack))


def test_the_type_follows_the_network(lab: Lab) -> None:
    """Callers from the internet get IPv6 too. Within the network they have IPv4, and static IPs are IPv4."""
    assert {name: lab.type_of(each.load_balancer) for name, each in lab.http.items()} == {
        "Default": "dualstack",
        "Internal": "ipv4",
        "Static": "ipv4",
        "Ipv4": "ipv4",
        "Ipv6Only": "dualstack-without-public-ipv4",
        "Ipv6Office": "dualstack-without-public-ipv4",
        "InternalDualStack": "dualstack",
    }
    # Tasks would see an address of the load balancer instead of an IPv6 caller's, and UDP would be refused.
    assert lab.type_of(lab.tcp.load_balancer) == "ipv4"


def test_the_records_are_of_the_families(lab: Lab) -> None:
    """A name without public IPv4 addresses has no A record. CloudFront has both."""
    records: dict[str, set[str]] = {}
    for record in properties(lab.template, "AWS::Route53::RecordSet"):
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


def test_callers_are_of_the_families(lab: Lab) -> None:
    """By default every address of each family that can reach the load balancer. A range is allowed once at each port.

    However often it is named, and in whichever writing (https://github.com/aws/aws-cdk/issues/5043).
    """

    def callers(name: str) -> set[str]:
        (group,) = lab.http[name].connections.security_groups
        rules = properties_of(lab.template, group).get("SecurityGroupIngress", [])
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


def test_the_internet_gateway_reaches_public_ones_only(lab: Lab) -> None:
    """An internal load balancer denies the traffic that its IPv6 addresses could get."""
    attributes = {
        name: {
            each["Key"]: each["Value"]
            for each in properties_of(lab.template, endpoint.load_balancer)["LoadBalancerAttributes"]
        }
        for name, endpoint in lab.http.items()
    }
    denied = {name: each.get("ipv6.deny_all_igw_traffic") for name, each in attributes.items()}
    assert denied == dict.fromkeys(("Internal", "Static", "Ipv4")) | {
        "Default": "false",
        "Ipv6Only": "false",
        "Ipv6Office": "false",
        "InternalDualStack": "true",
    }


def test_an_imported_network_without_named_ranges_keeps_ipv4(stack: Stack) -> None:
    """Its template is what it was. With named ranges its endpoints have IPv6."""
    vpc = ec2.Vpc(stack, "Vpc", ip_protocol=ec2.IpProtocol.DUAL_STACK)
    for name, ranges in (("Unnamed", ()), ("Named", ("2001:db8::/64",))):
        network = FixedEgressNetwork.from_vpc(
            stack, f"{name}Network", vpc, egress_ips=["203.0.113.7"], egress_ipv6_cidrs=ranges
        )
        HttpEndpoint(stack, name, network=network)
    found = properties(stack, "AWS::ElasticLoadBalancingV2::LoadBalancer")
    assert [each["IpAddressType"] for each in found] == ["ipv4", "dualstack"]


def test_another_type_replaces_nothing() -> None:
    """CloudFormation changes the type of a load balancer in place: with callers of both, then of IPv6 only."""

    def deployed(ip_address_type: elbv2.IpAddressType) -> Stack:
        stack = Stack(App(), "Test")
        HttpEndpoint(stack, "Endpoint", network=network_in(stack), ip_address_type=ip_address_type)
        return stack

    ipv4, dual_stack, ipv6_only = map(deployed, (IPV4, DUAL_STACK, IPV6_ONLY))
    assert_no_replacement(ipv4, dual_stack)
    assert_no_replacement(dual_stack, ipv6_only)


def test_what_needs_ipv4_is_refused_without_it(stack: Stack) -> None:
    """An accelerator has IPv4 addresses, and AWS connects to identity providers by IPv4."""
    network = FixedEgressNetwork(stack, "Network", ip_protocol=ec2.IpProtocol.DUAL_STACK)
    endpoint = HttpEndpoint(
        stack, "Endpoint", network=network, certificate=certificate_in(stack), ip_address_type=IPV6_ONLY
    )
    with pytest.raises(ValueError, match=re.escape("got Test/Endpoint, which allows IPv6 callers only; make the")):
        Accelerator(stack, "Accelerator", endpoint=endpoint)
    sign_in = SignIn.jwt(issuer="https://a.example.com", jwks_endpoint="https://a.example.com/jwks.json")
    service = FargateService(stack, "Web", network=network, image=IMAGE)
    with pytest.raises(ValueError, match="sign_in needs a load balancer with public IPv4 addresses, by which AWS"):
        endpoint.add_route("Web", service=service, sign_in=sign_in)
    assert stack.node.try_find_child("Accelerator") is None
