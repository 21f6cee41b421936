"""Two fixed addresses for callers everywhere."""

import re
from typing import Any, NamedTuple

import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk.assertions import Match, Template

from fargate_constructs import CloudFrontDistribution, FixedEgressNetwork, HttpEndpoint
from fargate_constructs.endpoint.accelerator import Accelerator
from tests.endpoint.lab import Lab as Idle
from tests.modes.made_elsewhere import certificate_in, network_in, zone_in
from tests.templates import properties, properties_of

GROUP, RECORD = "AWS::GlobalAccelerator::EndpointGroup", "AWS::Route53::RecordSet"


class Lab(NamedTuple):
    """Accelerators in front of a plain internal endpoint, and of a dual-stack endpoint with names."""

    stack: Stack
    plain: HttpEndpoint
    named: HttpEndpoint
    of_plain: Accelerator
    of_named: Accelerator
    template: Template


@pytest.fixture(scope="module")
def lab() -> Lab:
    """One synthesis for both."""
    stack = Stack(App(), "Test")
    zone = zone_in(stack)
    vpc = ec2.Vpc(stack, "DualStackVpc", ip_protocol=ec2.IpProtocol.DUAL_STACK)
    network = FixedEgressNetwork.from_vpc(stack, "DualStackNetwork", vpc, egress_ips=["203.0.113.7"])
    plain = HttpEndpoint(stack, "Plain", network=network_in(stack), internal=True, allow_cidrs=["0.0.0.0/0"])
    named = HttpEndpoint(
        stack,
        "Named",
        network=network,
        certificate=certificate_in(stack),
        domain_name="shop.example.com",
        ip_address_type=elbv2.IpAddressType.DUAL_STACK,
    )
    named.add_domain("earlier.example.com", hosted_zone=zone)
    of_plain = Accelerator(stack, "OfPlain", endpoint=plain)
    of_named = Accelerator(stack, "OfNamed", endpoint=named)
    named.add_domain("later.example.com", hosted_zone=zone)
    return Lab(stack, plain, named, of_plain, of_named, Template.from_stack(stack))


def test_it_forwards_to_the_endpoint(lab: Lab) -> None:
    """All ports of the endpoint, with the caller's own address, to any node."""
    for endpoint, ports in ((lab.plain, [80]), (lab.named, [80, 443])):
        arn = lab.stack.resolve(endpoint.load_balancer.load_balancer_arn)
        configuration = {"EndpointId": arn, "ClientIPPreservationEnabled": True, "Weight": 128}
        lab.template.has_resource_properties(GROUP, {"EndpointConfigurations": [configuration]})
        lab.template.has_resource_properties(
            "AWS::GlobalAccelerator::Listener",
            {
                "PortRanges": [{"FromPort": port, "ToPort": port} for port in ports],
                "Protocol": "TCP",
                "ClientAffinity": "NONE",
            },
        )
    assert properties_of(lab.template, lab.plain.load_balancer)["Scheme"] == "internal"


def test_its_addresses_are_retained(lab: Lab) -> None:
    """They belong to the accelerator, which remains when the stack is deleted."""
    found = lab.template.find_resources("AWS::GlobalAccelerator::Accelerator")
    logical_id = lab.stack.resolve(lab.of_plain.accelerator.accelerator_arn)["Fn::GetAtt"][0]
    assert found[logical_id]["DeletionPolicy"] == "RetainExceptOnCreate"
    assert found[logical_id]["UpdateReplacePolicy"] == "Retain"
    assert lab.stack.resolve(lab.of_plain.ingress_ips) == [
        {"Fn::Select": [number, {"Fn::GetAtt": [logical_id, "Ipv4Addresses"]}]} for number in (0, 1)
    ]
    name = {"Fn::GetAtt": [logical_id, "DnsName"]}
    assert lab.stack.resolve(lab.of_plain.url) == {"Fn::Join": ["", ["http://", name]]}
    assert lab.of_named.url == "https://shop.example.com"


def test_names_point_at_it(lab: Lab) -> None:
    """Also those added later. It has IPv4 addresses only, so there are no AAAA records."""
    # https://docs.aws.amazon.com/general/latest/gr/global_accelerator.html
    target = {"DNSName": lab.stack.resolve(lab.of_named.accelerator.dns_name), "HostedZoneId": "Z2BJ6XQ5FK7U4H"}
    records = properties(lab.template, RECORD)
    assert [(each["Name"], each["Type"], each["AliasTarget"]) for each in records] == [
        ("earlier.example.com.", "A", target),
        ("later.example.com.", "A", target),
    ]
    lab.template.all_resources_properties("AWS::GlobalAccelerator::Accelerator", {"IpAddressType": "IPV4"})


def test_one_in_another_stack() -> None:
    """Its stack depends on the endpoint's, never the other way round."""
    app = App()
    stack, edge = Stack(app, "Test"), Stack(app, "Edge")
    endpoint = HttpEndpoint(stack, "Endpoint", network=network_in(stack))

    Accelerator(edge, "Accelerator", endpoint=endpoint)

    imported = Match.object_like({"EndpointId": {"Fn::ImportValue": Match.any_value()}})
    Template.from_stack(edge).has_resource_properties(GROUP, {"EndpointConfigurations": [imported]})
    assert stack.dependencies == []


@pytest.mark.parametrize("region", ["cn-north-1", "us-gov-west-1"])
@pytest.mark.parametrize("front", [Accelerator, CloudFrontDistribution])
def test_regions_without_such_a_front_are_refused(region: str, front: type[Accelerator]) -> None:
    """GovCloud and China, as far as the region is known."""
    stack = Stack(App(), "Test", env=Environment(account="1" * 12, region=region))
    endpoint = HttpEndpoint(stack, "Endpoint", network=network_in(stack), internal=True, allow_cidrs=["0.0.0.0/0"])

    with pytest.raises(ValueError, match=f"{front.__name__} cannot be in {region}: "):
        front(stack, "Front", endpoint=endpoint)
    assert stack.node.try_find_child("Front") is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"static_ips": True}, "Test/Behind is behind Test/Behind/StaticIps already, got a second front; use one"),
        ({"internal": True}, "Test/Behind allows no caller, and an accelerator keeps callers' addresses; pass"),
    ],
    ids=["second front", "no caller"],
)
def test_endpoints_that_are_refused(idle: Idle, arguments: dict[str, Any], message: str) -> None:
    """Callers could not use the accelerator."""
    endpoint = HttpEndpoint(idle.stack, "Behind", network=idle.network, **arguments)
    with pytest.raises(ValueError, match=re.escape(message)):
        Accelerator(idle.stack, "Accelerator", endpoint=endpoint)
    idle.stack.node.try_remove_child("Behind")


def test_records_in_another_stack_are_refused(idle: Idle) -> None:
    """The stacks would depend on each other. Names without a record pass."""
    message = "records of Test/{} are in stack 'Test' and must point at the front, got it in stack 'Edge'; make it in"
    edge = Stack(App.of(idle.stack), "Edge")
    recorded = HttpEndpoint(
        idle.stack, "Recorded", network=idle.network, domain_name="shop.example.com", hosted_zone=idle.zone
    )
    later = HttpEndpoint(idle.stack, "RecordedLater", network=idle.network, certificate=idle.certificate)

    with pytest.raises(ValueError, match=message.format("Recorded")):
        Accelerator(edge, "Accelerator", endpoint=recorded)

    Accelerator(edge, "Accelerator", endpoint=later)
    with pytest.raises(ValueError, match=message.format("RecordedLater")):
        later.add_domain("shop.example.com", hosted_zone=idle.zone)
    assert later.domain_names == ()
    later.add_domain("shop.example.com", certificate=idle.certificate)
