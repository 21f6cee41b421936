"""Two fixed addresses for callers everywhere."""

import re
from typing import Any

import pytest
from aws_cdk import Environment, Stack
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk.assertions import Match

from fargate_constructs import CloudFrontDistribution
from fargate_constructs.endpoint.accelerator import Accelerator
from tests.endpoint.lab import Lab
from tests.templates import properties

GROUP, RECORD = "AWS::GlobalAccelerator::EndpointGroup", "AWS::Route53::RecordSet"


class Accelerated(Lab):
    """Accelerators in front of a plain internal endpoint, and of a dual-stack endpoint with names."""

    def __init__(self) -> None:
        super().__init__()
        self.plain = self.http("Plain", internal=True, allow_cidrs=["0.0.0.0/0"])
        self.named = self.http(
            "Named",
            certificate=self.certificate,
            domain_name="shop.example.com",
            ip_address_type=elbv2.IpAddressType.DUAL_STACK,
        )
        self.named.add_domain("earlier.example.com", hosted_zone=self.zone)
        self.of_plain = Accelerator(self.stack, "OfPlain", endpoint=self.plain)
        self.of_named = Accelerator(self.stack, "OfNamed", endpoint=self.named)
        self.named.add_domain("later.example.com", hosted_zone=self.zone)


@pytest.fixture(scope="module")
def lab() -> Accelerated:
    """One synthesis for both."""
    return Accelerated()


def test_it_forwards_to_the_endpoint(lab: Accelerated) -> None:
    """All ports of the endpoint, with the caller's own address, to any node."""
    for endpoint, ports in ((lab.plain, [80]), (lab.named, [80, 443])):
        arn = lab.resolve(endpoint.load_balancer.load_balancer_arn)
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
    assert lab.of(lab.plain.load_balancer)["Scheme"] == "internal"


def test_its_addresses_are_retained(lab: Accelerated) -> None:
    """They belong to the accelerator, which remains when the stack is deleted."""
    found = lab.template.find_resources("AWS::GlobalAccelerator::Accelerator")
    logical_id = lab.resolve(lab.of_plain.accelerator.accelerator_arn)["Fn::GetAtt"][0]
    assert found[logical_id]["DeletionPolicy"] == "RetainExceptOnCreate"
    assert found[logical_id]["UpdateReplacePolicy"] == "Retain"
    assert lab.resolve(lab.of_plain.ingress_ips) == [
        {"Fn::Select": [number, {"Fn::GetAtt": [logical_id, "Ipv4Addresses"]}]} for number in (0, 1)
    ]
    name = {"Fn::GetAtt": [logical_id, "DnsName"]}
    assert lab.resolve(lab.of_plain.url) == {"Fn::Join": ["", ["http://", name]]}
    assert lab.of_named.url == "https://shop.example.com"


def test_names_point_at_it(lab: Accelerated) -> None:
    """Also those added later. It has IPv4 addresses only, so there are no AAAA records."""
    # https://docs.aws.amazon.com/general/latest/gr/global_accelerator.html
    target = {"DNSName": lab.resolve(lab.of_named.accelerator.dns_name), "HostedZoneId": "Z2BJ6XQ5FK7U4H"}
    records = lab.all(RECORD)
    assert [(each["Name"], each["Type"], each["AliasTarget"]) for each in records] == [
        ("earlier.example.com.", "A", target),
        ("later.example.com.", "A", target),
    ]
    lab.template.all_resources_properties("AWS::GlobalAccelerator::Accelerator", {"IpAddressType": "IPV4"})


def test_one_in_another_stack() -> None:
    """Its stack depends on the endpoint's, never the other way round."""
    base = Lab()
    edge = Stack(base.app, "Edge")
    Accelerator(edge, "Accelerator", endpoint=base.http())

    imported = Match.object_like({"EndpointId": {"Fn::ImportValue": Match.any_value()}})
    assert properties(edge, GROUP, {"EndpointConfigurations": [imported]})
    assert base.stack.dependencies == []


@pytest.mark.parametrize("region", ["cn-north-1", "us-gov-west-1"])
def test_regions_without_such_a_front_are_refused(region: str) -> None:
    """GovCloud and China, as far as the region is known."""
    lab = Lab(env=Environment(account="1" * 12, region=region))
    endpoint = lab.http(internal=True, allow_cidrs=["0.0.0.0/0"])

    for front in (Accelerator, CloudFrontDistribution):
        with pytest.raises(ValueError, match=f"{front.__name__} cannot be in {region}: "):
            front(lab.stack, "Front", endpoint=endpoint)
    assert lab.stack.node.try_find_child("Front") is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"static_ips": True}, "Test/Behind is behind Test/Behind/StaticIps already, got a second front; use one"),
        ({"internal": True}, "Test/Behind allows no caller, and an accelerator keeps callers' addresses; pass"),
    ],
    ids=["second front", "no caller"],
)
def test_endpoints_that_are_refused(idle: Lab, arguments: dict[str, Any], message: str) -> None:
    """Callers could not use the accelerator."""
    endpoint = idle.http("Behind", **arguments)
    with pytest.raises(ValueError, match=re.escape(message)):
        Accelerator(idle.stack, "Accelerator", endpoint=endpoint)
    idle.stack.node.try_remove_child("Behind")


def test_records_in_another_stack_are_refused(idle: Lab) -> None:
    """The stacks would depend on each other. Names without a record pass."""
    message = "records of Test/{} are in stack 'Test' and must point at the front, got it in stack 'Edge'; make it in"
    edge = Stack(idle.app, "Edge")
    recorded = idle.http("Recorded", domain_name="shop.example.com", hosted_zone=idle.zone)
    later = idle.http("RecordedLater", certificate=idle.certificate)

    with pytest.raises(ValueError, match=message.format("Recorded")):
        Accelerator(edge, "Accelerator", endpoint=recorded)

    Accelerator(edge, "Accelerator", endpoint=later)
    with pytest.raises(ValueError, match=message.format("RecordedLater")):
        later.add_domain("shop.example.com", hosted_zone=idle.zone)
    assert later.domain_names == ()
    later.add_domain("shop.example.com", certificate=idle.certificate)
