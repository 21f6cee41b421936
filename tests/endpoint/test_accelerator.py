"""Two addresses for the whole world."""

import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_route53 as route53
from aws_cdk.assertions import Match, Template

from fargate_constructs import CloudFrontDistribution, FixedEgressNetwork, HttpEndpoint
from fargate_constructs.endpoint.accelerator import Accelerator
from fargate_constructs.network.network import Network
from tests.modes.made_elsewhere import network_in


def test_it_leads_to_the_endpoint(stack: Stack, network: Network, certificate: acm.ICertificate) -> None:
    """Both ports, with the caller's own address, whichever node answers."""
    endpoint = HttpEndpoint(stack, "Endpoint", network=network, certificate=certificate)

    Accelerator(stack, "Accelerator", endpoint=endpoint)

    template = Template.from_stack(stack)
    template.has_resource_properties(
        "AWS::GlobalAccelerator::Listener",
        {
            "PortRanges": [{"FromPort": 80, "ToPort": 80}, {"FromPort": 443, "ToPort": 443}],
            "Protocol": "TCP",
            "ClientAffinity": "NONE",
        },
    )
    template.has_resource_properties(
        "AWS::GlobalAccelerator::EndpointGroup",
        {
            "EndpointConfigurations": [
                {
                    "EndpointId": stack.resolve(endpoint.load_balancer.load_balancer_arn),
                    "ClientIPPreservationEnabled": True,
                    "Weight": 128,
                }
            ]
        },
    )


def test_its_addresses_are_kept_and_told(stack: Stack, network: Network) -> None:
    """They are the accelerator's, which stays with the stack gone."""
    accelerator = Accelerator(stack, "Accelerator", endpoint=HttpEndpoint(stack, "Endpoint", network=network))

    ((logical_id, resource),) = Template.from_stack(stack).find_resources("AWS::GlobalAccelerator::Accelerator").items()
    assert resource["DeletionPolicy"] == "RetainExceptOnCreate"
    assert resource["UpdateReplacePolicy"] == "Retain"
    assert [stack.resolve(ip) for ip in accelerator.ingress_ips] == [
        {"Fn::Select": [number, {"Fn::GetAtt": [logical_id, "Ipv4Addresses"]}]} for number in (0, 1)
    ]
    assert stack.resolve(accelerator.url) == {"Fn::Join": ["", ["http://", {"Fn::GetAtt": [logical_id, "DnsName"]}]]}


def test_names_lead_to_it(stack: Stack, network: Network, zone: route53.IHostedZone) -> None:
    """The records of all names, those added later too; nothing else of the endpoint changes."""
    endpoint = HttpEndpoint(stack, "Endpoint", network=network, domain_name="shop.example.com", hosted_zone=zone)

    accelerator = Accelerator(stack, "Accelerator", endpoint=endpoint)
    endpoint.add_domain("www.example.com", hosted_zone=zone)

    records = Template.from_stack(stack).find_resources("AWS::Route53::RecordSet").values()
    assert [record["Properties"]["AliasTarget"] for record in records] == [
        # https://docs.aws.amazon.com/general/latest/gr/global_accelerator.html
        {"DNSName": stack.resolve(accelerator.accelerator.dns_name), "HostedZoneId": "Z2BJ6XQ5FK7U4H"},
    ] * 2
    assert accelerator.url == "https://shop.example.com"


def test_the_only_way_in(stack: Stack, network: Network) -> None:
    """Before an internal endpoint, whose callers come from anywhere, by the accelerator."""
    endpoint = HttpEndpoint(stack, "Endpoint", network=network, internal=True, allow_cidrs=["0.0.0.0/0"])

    Accelerator(stack, "Accelerator", endpoint=endpoint)

    Template.from_stack(stack).has_resource_properties(
        "AWS::ElasticLoadBalancingV2::LoadBalancer", {"Scheme": "internal"}
    )


def test_one_in_another_stack(network: Network, stack: Stack) -> None:
    """It depends on the endpoint's stack, never the other way round."""
    endpoint = HttpEndpoint(stack, "Endpoint", network=network)
    app = stack.node.root
    assert isinstance(app, App)
    edge = Stack(app, "Edge")

    Accelerator(edge, "Accelerator", endpoint=endpoint)

    app.synth()
    assert stack.dependencies == []
    Template.from_stack(edge).has_resource_properties(
        "AWS::GlobalAccelerator::EndpointGroup",
        {"EndpointConfigurations": [Match.object_like({"EndpointId": {"Fn::ImportValue": Match.any_value()}})]},
    )


@pytest.mark.parametrize("region", ["cn-north-1", "us-gov-west-1"])
@pytest.mark.parametrize("front", [Accelerator, CloudFrontDistribution])
def test_regions_that_have_no_such_front_are_refused(region: str, front: type[Accelerator]) -> None:
    """GovCloud and China, as far as the region is known."""
    stack = Stack(App(), "Test", env=Environment(account="1" * 12, region=region))
    endpoint = HttpEndpoint(stack, "Endpoint", network=network_in(stack), internal=True, allow_cidrs=["0.0.0.0/0"])

    with pytest.raises(ValueError, match=f"{front.__name__} cannot be in {region}: "):
        front(stack, "Front", endpoint=endpoint)
    assert stack.node.try_find_child("Front") is None


def test_names_in_another_stack_are_refused(stack: Stack, network: Network, zone: route53.IHostedZone) -> None:
    """Their records would make the stacks depend on each other."""
    endpoint = HttpEndpoint(stack, "Endpoint", network=network, domain_name="shop.example.com", hosted_zone=zone)

    with pytest.raises(ValueError, match=r"records of Test/Endpoint lie in stack 'Test' .* got it in stack 'Edge'"):
        Accelerator(Stack(App.of(stack), "Edge"), "Accelerator", endpoint=endpoint)


def test_names_that_come_later_lead_to_it_too(
    stack: Stack, network: Network, zone: route53.IHostedZone, certificate: acm.ICertificate
) -> None:
    """The first ones of an endpoint that had none when the accelerator was made."""
    endpoint = HttpEndpoint(stack, "Endpoint", network=network, certificate=certificate)

    accelerator = Accelerator(stack, "Accelerator", endpoint=endpoint)
    endpoint.add_domain("shop.example.com", hosted_zone=zone)

    Template.from_stack(stack).has_resource_properties(
        "AWS::Route53::RecordSet",
        {"AliasTarget": Match.object_like({"DNSName": stack.resolve(accelerator.accelerator.dns_name)})},
    )


def test_names_that_come_later_in_another_stack_are_refused(
    stack: Stack, network: Network, zone: route53.IHostedZone, certificate: acm.ICertificate
) -> None:
    """In the same words, before anything of the name is made; a name without a record passes."""
    endpoint = HttpEndpoint(stack, "Endpoint", network=network, certificate=certificate)
    Accelerator(Stack(App.of(stack), "Edge"), "Accelerator", endpoint=endpoint)

    with pytest.raises(ValueError, match=r"records of Test/Endpoint lie in stack 'Test' .* got it in stack 'Edge'"):
        endpoint.add_domain("shop.example.com", hosted_zone=zone)

    assert endpoint.domain_names == ()
    endpoint.add_domain("shop.example.com", certificate=certificate)


def test_its_names_have_no_ipv6(stack: Stack, zone: route53.IHostedZone) -> None:
    """It has IPv4 addresses alone, whatever the endpoint has: an AAAA record would have no answer."""
    vpc = ec2.Vpc(stack, "Vpc", ip_protocol=ec2.IpProtocol.DUAL_STACK)
    endpoint = HttpEndpoint(
        stack,
        "Endpoint",
        network=FixedEgressNetwork.from_vpc(stack, "Network", vpc, egress_ips=["203.0.113.7"]),
        domain_name="shop.example.com",
        hosted_zone=zone,
        ip_address_type=elbv2.IpAddressType.DUAL_STACK,
    )

    Accelerator(stack, "Accelerator", endpoint=endpoint)
    endpoint.add_domain("www.example.com", hosted_zone=zone)

    template = Template.from_stack(stack)
    template.resource_count_is("AWS::Route53::RecordSet", 2)
    template.all_resources_properties("AWS::Route53::RecordSet", {"Type": "A"})
    template.has_resource_properties("AWS::GlobalAccelerator::Accelerator", {"IpAddressType": "IPV4"})


def test_a_second_front_is_refused(stack: Stack, network: Network) -> None:
    """Callers would not come by it."""
    endpoint = HttpEndpoint(stack, "Endpoint", network=network, static_ips=True)

    with pytest.raises(ValueError, match="Test/Endpoint stands behind Test/Endpoint/StaticIps already"):
        Accelerator(stack, "Accelerator", endpoint=endpoint)


def test_an_endpoint_without_callers_is_refused(stack: Stack, network: Network) -> None:
    """An internal endpoint lets nobody in until told."""
    endpoint = HttpEndpoint(stack, "Endpoint", network=network, internal=True)

    with pytest.raises(ValueError, match=r"nobody may call Test/Endpoint, .* name them by allow_cidrs"):
        Accelerator(stack, "Accelerator", endpoint=endpoint)


def test_a_load_balancer_is_no_endpoint(stack: Stack, network: Network) -> None:
    """The likeliest mistake."""
    load_balancer = elbv2.ApplicationLoadBalancer(stack, "LoadBalancer", vpc=network.vpc)

    with pytest.raises(TypeError, match="endpoint must be HttpEndpoint, got: "):
        Accelerator(stack, "Accelerator", endpoint=load_balancer)  # type: ignore[arg-type]  # the mistake

    assert stack.node.try_find_child("Accelerator") is None
