"""Fixed addresses to call."""

import re
from typing import NamedTuple

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_route53 as route53
from aws_cdk.assertions import Match, Template

from fargate_constructs import FixedEgressNetwork, HttpEndpoint
from fargate_constructs.network.network import Network
from tests.modes.made_elsewhere import certificate_in, network_in

NETWORK_LOAD_BALANCER = {"Properties": {"Type": "network"}}


class Made(NamedTuple):
    """An endpoint with addresses of its own, as most tests read it."""

    stack: Stack
    network: Network
    endpoint: HttpEndpoint
    template: Template


@pytest.fixture(scope="module")
def made() -> Made:
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
    return Made(stack, network, endpoint, Template.from_stack(stack))


def test_an_address_in_each_zone(made: Made) -> None:
    """They are the network load balancer's, in its public subnets, and kept with the stack gone."""
    (load_balancer,) = made.template.find_resources(
        "AWS::ElasticLoadBalancingV2::LoadBalancer", NETWORK_LOAD_BALANCER
    ).values()
    elastic_ips = {
        name: each
        for name, each in made.template.find_resources("AWS::EC2::EIP").items()
        if name.startswith("EndpointStaticIps")
    }
    mappings = load_balancer["Properties"]["SubnetMappings"]
    assert load_balancer["Properties"]["Scheme"] == "internet-facing"
    assert [each["SubnetId"] for each in mappings] == [
        made.stack.resolve(subnet.subnet_id) for subnet in made.network.vpc.public_subnets
    ]
    assert [each["AllocationId"]["Fn::GetAtt"][0] for each in mappings] == sorted(elastic_ips)
    assert all(each["DeletionPolicy"] == "RetainExceptOnCreate" for each in elastic_ips.values())
    assert all(each["UpdateReplacePolicy"] == "Retain" for each in elastic_ips.values())
    assert [made.stack.resolve(ip)["Fn::GetAtt"][0] for ip in made.endpoint.ingress_ips] == sorted(elastic_ips)


def test_an_address_in_each_zone_of_many_subnets(stack: Stack) -> None:
    """A second public subnet of a zone has none."""
    configuration = [
        ec2.SubnetConfiguration(name=name, subnet_type=kind)
        for name, kind in [
            ("front", ec2.SubnetType.PUBLIC),
            ("back", ec2.SubnetType.PUBLIC),
            ("tasks", ec2.SubnetType.PRIVATE_WITH_EGRESS),
        ]
    ]
    vpc = ec2.Vpc(stack, "Vpc", max_azs=2, subnet_configuration=configuration)
    network = FixedEgressNetwork.from_vpc(stack, "Network", vpc, egress_ips=["203.0.113.7"])

    endpoint = HttpEndpoint(stack, "Endpoint", network=network, static_ips=True)

    assert len(endpoint.ingress_ips) == 2
    template = Template.from_stack(stack)
    load_balancers = template.find_resources("AWS::ElasticLoadBalancingV2::LoadBalancer", NETWORK_LOAD_BALANCER)
    assert [len(each["Properties"]["SubnetMappings"]) for each in load_balancers.values()] == [2]


def test_the_addresses_wait_for_the_internet_gateway(stack: Stack) -> None:
    """An Elastic IP cannot be used in a VPC without one."""
    HttpEndpoint(stack, "Endpoint", network=FixedEgressNetwork(stack, "Network"), static_ips=True)

    template = Template.from_stack(stack)
    (load_balancer,) = template.find_resources(
        "AWS::ElasticLoadBalancingV2::LoadBalancer", NETWORK_LOAD_BALANCER
    ).values()
    routes = template.find_resources("AWS::EC2::Route", {"Properties": {"GatewayId": Match.any_value()}})
    assert set(routes) <= set(load_balancer["DependsOn"])


def test_a_further_zone_moves_no_address() -> None:
    """The addresses of the first zones keep their logical IDs."""

    def addresses(zones: int) -> set[str]:
        stack = Stack(App(), "Test")
        network = FixedEgressNetwork(stack, "Network", max_azs=zones)
        HttpEndpoint(stack, "Endpoint", network=network, static_ips=True)
        return {name for name in Template.from_stack(stack).find_resources("AWS::EC2::EIP") if "Static" in name}

    assert addresses(2) < addresses(3)


def test_connections_are_handed_on_unopened(made: Made) -> None:
    """Both ports lead to the application load balancer, which is asked over plain HTTP whether it is there."""
    for port in (80, 443):
        made.template.has_resource_properties(
            "AWS::ElasticLoadBalancingV2::TargetGroup",
            {
                "Port": port,
                "Protocol": "TCP",
                "TargetType": "alb",
                "Targets": [{"Id": made.stack.resolve(made.endpoint.load_balancer.load_balancer_arn), "Port": port}],
                "HealthCheckProtocol": "HTTP",
                "HealthCheckPort": "80",
                "Matcher": {"HttpCode": "200-599"},
                # AWS takes no attributes of such a target group; the caller's address is always kept.
                "TargetGroupAttributes": Match.absent(),
            },
        )
        made.template.has_resource_properties(
            "AWS::ElasticLoadBalancingV2::Listener", {"Port": port, "Protocol": "TCP"}
        )


def test_callers_come_by_the_addresses_alone(made: Made) -> None:
    """The callers' rules are the network load balancer's; the application load balancer lets in that one only."""
    front, behind = (
        made.stack.resolve(group.security_group_id)
        for load_balancer in (made.endpoint, made.endpoint.load_balancer)
        for group in load_balancer.connections.security_groups
    )
    groups = made.template.find_resources("AWS::EC2::SecurityGroup")
    own_rules = groups[front["Fn::GetAtt"][0]]["Properties"]["SecurityGroupIngress"]
    assert [(rule["CidrIp"], rule["FromPort"]) for rule in own_rules] == [
        ("203.0.113.0/24", 80),
        ("203.0.113.0/24", 443),
    ]
    assert "SecurityGroupIngress" not in groups[behind["Fn::GetAtt"][0]]["Properties"]
    apart = made.template.find_resources("AWS::EC2::SecurityGroupIngress", {"Properties": {"GroupId": behind}}).values()
    assert [(rule["Properties"]["SourceSecurityGroupId"], rule["Properties"]["FromPort"]) for rule in apart] == [
        (front, 80),
        (front, 443),
    ]
    out = made.template.find_resources("AWS::EC2::SecurityGroupEgress", {"Properties": {"GroupId": front}}).values()
    assert [(rule["Properties"]["DestinationSecurityGroupId"], rule["Properties"]["ToPort"]) for rule in out] == [
        (behind, 80),
        (behind, 443),
    ]


def test_names_lead_to_the_addresses(stack: Stack, network: Network, zone: route53.IHostedZone) -> None:
    """The records of all names, those added later too, point at the network load balancer."""
    endpoint = HttpEndpoint(
        stack, "Endpoint", network=network, domain_name="shop.example.com", hosted_zone=zone, static_ips=True
    )
    endpoint.add_domain("www.example.com", hosted_zone=zone)

    assert endpoint.static_ips
    template = Template.from_stack(stack)
    name = stack.resolve(endpoint.static_ips.network_load_balancer.load_balancer_dns_name)
    records = template.find_resources("AWS::Route53::RecordSet").values()
    targets = [record["Properties"]["AliasTarget"]["DNSName"] for record in records]
    assert targets == [{"Fn::Join": ["", ["dualstack.", name]]}] * 2


def test_without_a_name_the_url_is_the_network_load_balancers(made: Made) -> None:
    """The application load balancer's own name answers nobody."""
    assert made.endpoint.static_ips
    name = made.endpoint.static_ips.network_load_balancer.load_balancer_dns_name
    assert made.stack.resolve(made.endpoint.url) == {"Fn::Join": ["", ["https://", made.stack.resolve(name)]]}


def test_turning_them_on_replaces_nothing(stack: Stack, network: Network) -> None:
    """The application load balancer and its listener are the same, with the same scheme, subnets and type."""
    HttpEndpoint(stack, "Endpoint", network=network)
    other = Stack(App(), "Test")
    HttpEndpoint(other, "Endpoint", network=network_in(other), static_ips=True)

    def replaceable(of: Stack) -> dict[str, object]:
        found = Template.from_stack(of).find_resources(
            "AWS::ElasticLoadBalancingV2::LoadBalancer", {"Properties": {"Type": "application"}}
        )
        return {
            name: {key: each["Properties"].get(key) for key in ("Name", "Scheme", "Type", "Subnets")}
            for name, each in found.items()
        }

    listener = {"Properties": {"Protocol": "HTTP"}}
    assert replaceable(stack) == replaceable(other)
    assert Template.from_stack(stack).find_resources("AWS::ElasticLoadBalancingV2::Listener", listener) == (
        Template.from_stack(other).find_resources("AWS::ElasticLoadBalancingV2::Listener", listener)
    )


def test_one_address_is_enough_to_know(made: Made) -> None:
    """The network load balancer hands on to every zone, beside which AWS has no zonal shift for such targets."""
    (load_balancer,) = made.template.find_resources(
        "AWS::ElasticLoadBalancingV2::LoadBalancer", NETWORK_LOAD_BALANCER
    ).values()
    attributes = {each["Key"]: each["Value"] for each in load_balancer["Properties"]["LoadBalancerAttributes"]}
    assert attributes == {
        "access_logs.s3.enabled": "false",
        "deletion_protection.enabled": "false",
        "dns_record.client_routing_policy": "any_availability_zone",
        "load_balancing.cross_zone.enabled": "true",
        "zonal_shift.config.enabled": "false",
    }


def test_the_addresses_are_published(made: Made) -> None:
    """Others read them from a parameter."""
    made.template.has_resource_properties(
        "AWS::SSM::Parameter",
        {
            "Name": "/shop/ingress-ips",
            "Type": "StringList",
            "Value": {"Fn::Join": [",", [made.stack.resolve(ip) for ip in made.endpoint.ingress_ips]]},
        },
    )


def test_a_second_parameter_is_refused(made: Made) -> None:
    """The message says how to make one."""
    with pytest.raises(ValueError, match=r"one parameter, got '/b' beside .*IngressIpsParameter; make another by ssm"):
        made.endpoint.publish(parameter_name="/b")


def test_without_them_there_is_nothing_to_publish(stack: Stack, network: Network) -> None:
    """The addresses of an application load balancer change."""
    endpoint = HttpEndpoint(stack, "Endpoint", network=network)

    assert endpoint.ingress_ips == ()
    with pytest.raises(ValueError, match="publish needs fixed addresses made here, got none: pass static_ips=True"):
        endpoint.publish(parameter_name="/shop/ingress-ips")


def test_addresses_that_there_are(stack: Stack, network: Network) -> None:
    """They are taken zone by zone, none is made, and which they are is for you to publish."""
    ids = ["eipalloc-1", "eipalloc-2"]
    endpoint = HttpEndpoint(stack, "Endpoint", network=network, static_ips=ids)

    template = Template.from_stack(stack)
    (load_balancer,) = template.find_resources(
        "AWS::ElasticLoadBalancingV2::LoadBalancer", NETWORK_LOAD_BALANCER
    ).values()
    assert [each["AllocationId"] for each in load_balancer["Properties"]["SubnetMappings"]] == ids
    assert not [name for name in template.find_resources("AWS::EC2::EIP") if name.startswith("Endpoint")]
    assert endpoint.ingress_ips == ()
    assert endpoint.url.startswith("http://")
    with pytest.raises(ValueError, match="publish needs fixed addresses made here, got none"):
        endpoint.publish(parameter_name="/shop/ingress-ips")


def test_addresses_of_another_stack(stack: Stack, network: Network) -> None:
    """IDs that are known when deployed are taken as they are."""
    ids = [ec2.CfnEIP(stack, name).attr_allocation_id for name in ("One", "Two")]

    HttpEndpoint(stack, "Endpoint", network=network, static_ips=ids)

    mappings = [{"AllocationId": stack.resolve(each), "SubnetId": Match.any_value()} for each in ids]
    Template.from_stack(stack).has_resource_properties(
        "AWS::ElasticLoadBalancingV2::LoadBalancer", {"Type": "network", "SubnetMappings": mappings}
    )


@pytest.mark.parametrize(
    ("static_ips", "message"),
    [
        pytest.param(["203.0.113.7", "eipalloc-2"], "must hold IDs such as 'eipalloc-0123…', got: '203", id="address"),
        pytest.param(["eipalloc-1"], "True or 2 IDs, one for each zone, got: ['eipalloc-1']", id="one"),
        pytest.param(["eipalloc-1", "eipalloc-1"], "static_ips must differ from each other", id="twice"),
        pytest.param([], "True or 2 IDs, one for each zone, got: []", id="none"),
    ],
)
def test_other_than_an_address_for_each_zone_is_refused(
    static_ips: list[str], message: str, idle_stack: Stack, idle_network: Network
) -> None:
    """Each zone has one, and its ID says which."""
    with pytest.raises(ValueError, match=re.escape(message)):
        HttpEndpoint(idle_stack, "Endpoint", network=idle_network, static_ips=static_ips)


def test_internal_ones_are_refused(idle_stack: Stack, idle_network: Network) -> None:
    """Elastic IPs are public."""
    with pytest.raises(ValueError, match="static_ips are public IPv4 addresses, got them beside internal=True"):
        HttpEndpoint(idle_stack, "Endpoint", network=idle_network, internal=True, static_ips=True)


def test_ones_for_ipv6_are_refused(stack: Stack) -> None:
    """Elastic IPs are IPv4."""
    vpc = ec2.Vpc(stack, "Vpc", ip_protocol=ec2.IpProtocol.DUAL_STACK)
    network = FixedEgressNetwork.from_vpc(stack, "Network", vpc, egress_ips=["203.0.113.7"])

    with pytest.raises(ValueError, match=re.escape("got them beside ip_address_type=DUAL_STACK; give one of them up")):
        HttpEndpoint(
            stack, "Endpoint", network=network, static_ips=True, ip_address_type=elbv2.IpAddressType.DUAL_STACK
        )
