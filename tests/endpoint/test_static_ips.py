"""Static IPs for callers."""

from typing import NamedTuple

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_route53 as route53
from aws_cdk.assertions import Match, Template

from fargate_constructs import FixedEgressNetwork, HttpEndpoint
from fargate_constructs.network.network import Network
from fargate_constructs.testing import assert_no_replacement
from tests.modes.made_elsewhere import certificate_in, network_in
from tests.templates import properties, properties_of

LOAD_BALANCER, ELASTIC_IP = "AWS::ElasticLoadBalancingV2::LoadBalancer", "AWS::EC2::EIP"


class Lab(NamedTuple):
    """An endpoint with Elastic IPs of its own, as most tests read it."""

    stack: Stack
    network: Network
    endpoint: HttpEndpoint
    front: elbv2.NetworkLoadBalancer
    template: Template


@pytest.fixture(scope="module")
def lab() -> Lab:
    """One for an office, with TLS and without a name, not protected, and with its addresses published."""
    stack = Stack(App(), "Test")
    network = network_in(stack)
    endpoint = HttpEndpoint(
        stack,
        "Endpoint",
        network=network,
        certificate=certificate_in(stack),
        static_ips=True,
        allow_cidrs=["203.0.113.0/24"],
        deletion_protection=False,
    )
    endpoint.publish(parameter_name="/shop/ingress-ips")
    assert endpoint.static_ips
    return Lab(stack, network, endpoint, endpoint.static_ips.network_load_balancer, Template.from_stack(stack))


def test_an_address_in_each_zone(lab: Lab) -> None:
    """They are the network load balancer's, in its public subnets, and are retained when the stack is deleted."""
    found = properties_of(lab.template, lab.front)
    elastic_ips = {name: each for name, each in lab.template.find_resources(ELASTIC_IP).items() if "Static" in name}
    mappings = found["SubnetMappings"]
    assert found["Scheme"] == "internet-facing"
    assert [each["SubnetId"] for each in mappings] == [each.subnet_id for each in lab.network.vpc.public_subnets]
    assert [each["AllocationId"]["Fn::GetAtt"][0] for each in mappings] == sorted(elastic_ips)
    assert {each["DeletionPolicy"] for each in elastic_ips.values()} == {"RetainExceptOnCreate"}
    assert {each["UpdateReplacePolicy"] for each in elastic_ips.values()} == {"Retain"}
    assert [lab.stack.resolve(ip)["Fn::GetAtt"][0] for ip in lab.endpoint.ingress_ips] == sorted(elastic_ips)


def test_one_address_is_enough(lab: Lab) -> None:
    """The network load balancer forwards to every zone. AWS has no zonal shift with that for such targets."""
    attributes = properties_of(lab.template, lab.front)["LoadBalancerAttributes"]
    assert {each["Key"]: each["Value"] for each in attributes} == {
        "access_logs.s3.enabled": "false",
        "deletion_protection.enabled": "false",
        "dns_record.client_routing_policy": "any_availability_zone",
        "load_balancing.cross_zone.enabled": "true",
        "zonal_shift.config.enabled": "false",
    }


def test_connections_are_forwarded_unopened(lab: Lab) -> None:
    """Both ports forward to the application load balancer, whose health is checked over plain HTTP."""
    for port in (80, 443):
        lab.template.has_resource_properties(
            "AWS::ElasticLoadBalancingV2::TargetGroup",
            {
                "Port": port,
                "Protocol": "TCP",
                "TargetType": "alb",
                "Targets": [{"Id": lab.stack.resolve(lab.endpoint.load_balancer.load_balancer_arn), "Port": port}],
                "HealthCheckProtocol": "HTTP",
                "HealthCheckPort": "80",
                "Matcher": {"HttpCode": "200-599"},
                # AWS accepts no attributes of such a target group; the caller's address is always kept.
                "TargetGroupAttributes": Match.absent(),
            },
        )
        lab.template.has_resource_properties("AWS::ElasticLoadBalancingV2::Listener", {"Port": port, "Protocol": "TCP"})


def test_callers_use_the_addresses_only(lab: Lab) -> None:
    """The network load balancer has the callers' rules. The application load balancer allows only that one."""
    (front,), (behind,) = (each.connections.security_groups for each in (lab.front, lab.endpoint.load_balancer))
    front_id, behind_id = (lab.stack.resolve(group.security_group_id) for group in (front, behind))
    own = properties_of(lab.template, front)["SecurityGroupIngress"]
    into = properties(lab.template, "AWS::EC2::SecurityGroupIngress", {"GroupId": behind_id})
    out = properties(lab.template, "AWS::EC2::SecurityGroupEgress", {"GroupId": front_id})

    assert lab.endpoint.connections.security_groups == [front]
    assert [(rule["CidrIp"], rule["FromPort"]) for rule in own] == [("203.0.113.0/24", port) for port in (80, 443)]
    assert "SecurityGroupIngress" not in properties_of(lab.template, behind)
    assert [(rule["SourceSecurityGroupId"], rule["FromPort"]) for rule in into] == [(front_id, 80), (front_id, 443)]
    assert [(rule["DestinationSecurityGroupId"], rule["ToPort"]) for rule in out] == [
        (behind_id, 80),
        (behind_id, 443),
    ]


def test_without_a_name_the_url_is_the_network_load_balancers(lab: Lab) -> None:
    """The application load balancer's own name does not answer."""
    name = lab.stack.resolve(lab.front.load_balancer_dns_name)
    assert lab.stack.resolve(lab.endpoint.url) == {"Fn::Join": ["", ["https://", name]]}


def test_the_addresses_are_published_once(lab: Lab) -> None:
    """In a parameter. The refusal of a second one says how to make it."""
    addresses = [lab.stack.resolve(ip) for ip in lab.endpoint.ingress_ips]
    lab.template.has_resource_properties(
        "AWS::SSM::Parameter",
        {"Name": "/shop/ingress-ips", "Type": "StringList", "Value": {"Fn::Join": [",", addresses]}},
    )
    with pytest.raises(ValueError, match=r"one parameter, got '/b' beside .*IngressIpsParameter; make another by ssm"):
        lab.endpoint.publish(parameter_name="/b")


def test_names_point_at_the_addresses(stack: Stack, network: Network, zone: route53.IHostedZone) -> None:
    """The records of all names, also of those added later."""
    endpoint = HttpEndpoint(
        stack, "Endpoint", network=network, domain_name="shop.example.com", hosted_zone=zone, static_ips=True
    )
    endpoint.add_domain("www.example.com", hosted_zone=zone)

    assert endpoint.static_ips
    name = stack.resolve(endpoint.static_ips.network_load_balancer.load_balancer_dns_name)
    targets = [record["AliasTarget"]["DNSName"] for record in properties(stack, "AWS::Route53::RecordSet")]
    assert targets == [{"Fn::Join": ["", ["dualstack.", name]]}] * 2


def test_an_address_in_each_zone_of_many_subnets(stack: Stack) -> None:
    """A second public subnet of a zone has none. The addresses need the VPC's internet gateway."""
    public, private = ec2.SubnetType.PUBLIC, ec2.SubnetType.PRIVATE_WITH_EGRESS
    subnets = [
        ec2.SubnetConfiguration(name=name, subnet_type=kind)
        for name, kind in (("front", public), ("back", public), ("tasks", private))
    ]
    vpc = ec2.Vpc(stack, "Vpc", max_azs=2, subnet_configuration=subnets)
    network = FixedEgressNetwork.from_vpc(stack, "Network", vpc, egress_ips=["203.0.113.7"])

    endpoint = HttpEndpoint(stack, "Endpoint", network=network, static_ips=True)

    assert len(endpoint.ingress_ips) == 2
    template = Template.from_stack(stack)
    ((logical_id, load_balancer),) = template.find_resources(LOAD_BALANCER, {"Properties": {"Type": "network"}}).items()
    assert len(load_balancer["Properties"]["SubnetMappings"]) == 2
    routes = template.find_resources("AWS::EC2::Route", {"Properties": {"GatewayId": Match.any_value()}})
    own = {route for route in routes if "front" in route}
    assert len(own) == 2
    for name in (logical_id, *(name for name in template.find_resources(ELASTIC_IP) if "Static" in name)):
        assert own <= set(template.to_json()["Resources"][name]["DependsOn"])


def test_a_further_zone_moves_no_address() -> None:
    """The addresses of the first zones keep their logical IDs."""

    def addresses(zones: int) -> set[str]:
        stack = Stack(App(), "Test")
        network = FixedEgressNetwork(stack, "Network", max_azs=zones)
        HttpEndpoint(stack, "Endpoint", network=network, static_ips=True)
        return {name for name in Template.from_stack(stack).find_resources(ELASTIC_IP) if "Static" in name}

    assert addresses(2) < addresses(3)


def test_turning_them_on_replaces_nothing() -> None:
    """The application load balancer and its listener stay, with the same scheme, subnets and type."""

    def deployed(*, static_ips: bool) -> Stack:
        stack = Stack(App(), "Test")
        HttpEndpoint(stack, "Endpoint", network=network_in(stack), static_ips=static_ips)
        return stack

    assert_no_replacement(deployed(static_ips=False), deployed(static_ips=True))


def test_your_own_addresses(stack: Stack, network: Network) -> None:
    """They are used zone by zone, none is made, and only you can publish them. IDs may be tokens."""
    tokens = [ec2.CfnEIP(stack, name).attr_allocation_id for name in ("One", "Two")]
    for name, ids in (("Known", ["eipalloc-1", "eipalloc-2"]), ("Tokens", tokens)):
        endpoint = HttpEndpoint(stack, name, network=network, static_ips=ids)

        assert endpoint.ingress_ips == ()
        with pytest.raises(ValueError, match="publish needs Elastic IPs made here, got none"):
            endpoint.publish(parameter_name="/shop/ingress-ips")

    found = properties(stack, LOAD_BALANCER, {"Type": "network"})
    allocation_ids = [[each["AllocationId"] for each in one["SubnetMappings"]] for one in found]
    assert allocation_ids == [["eipalloc-1", "eipalloc-2"], [stack.resolve(each) for each in tokens]]
    assert len(properties(stack, ELASTIC_IP)) == 2
