"""The network of the tasks."""

import re
from typing import Any, NamedTuple

import pytest
from aws_cdk import App, Aws, Environment, Fn, Stack, Token
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_scheduler as scheduler
from aws_cdk.assertions import Annotations, Match, Template

from fargate_constructs import (
    Egress,
    FargateService,
    FixedEgressNetwork,
    HttpEndpoint,
    OneOffTask,
    ScheduledTask,
    VpcEndpoints,
)
from tests.modes.made_elsewhere import IMAGE
from tests.templates import properties


class Default(NamedTuple):
    """The default network, whose addresses are published and have a name."""

    stack: Stack
    network: FixedEgressNetwork
    template: Template


@pytest.fixture(scope="module")
def default() -> Default:
    """One synthesis for what is read of it."""
    stack = Stack(App(), "Test")
    network = FixedEgressNetwork(stack, "Network")
    zone = route53.HostedZone.from_hosted_zone_attributes(stack, "Zone", hosted_zone_id="Z123", zone_name="example.com")
    network.publish(parameter_name="/network/egress-ips")
    network.add_reverse_dns(hosted_zone=zone, name="mail.example.com")
    return Default(stack, network, Template.from_stack(stack))


ALLOCATIONS, IPS = ["eipalloc-1", "eipalloc-2"], ["203.0.113.7", "203.0.113.8"]


class Others(NamedTuple):
    """Other networks in one stack."""

    networks: dict[str, FixedEgressNetwork]
    template: Template

    def cidrs(self, name: str) -> list[str]:
        """Return the ranges of a network's subnets."""
        return sorted(cidr for id_, cidr in cidrs_of(self.template).items() if id_.startswith(name))


@pytest.fixture(scope="module")
def others() -> Others:
    """One synthesis for all of them."""
    stack = Stack(App(), "Test")
    arguments: dict[str, dict[str, Any]] = {
        "Wide": {"cidr": "10.8.0.0/19", "max_azs": 6, "flow_log_retention": None},
        "Range": {"cidr": "172.20.0.0/18", "flow_log_retention": logs.RetentionDays.ONE_YEAR},
        "Zones": {"availability_zones": ["ap-northeast-1c", "ap-northeast-1d"]},
        "Silent": {"egress": Egress.per_az(eip_allocation_ids=ALLOCATIONS)},
        "Named": {"egress": Egress.per_az(eip_allocation_ids=ALLOCATIONS, egress_ips=IPS)},
        # These do not overlap.
        "Apart": {"avoid_cidrs": ["10.1.0.0/16", "192.168.0.0/16"]},
    }
    networks = {name: FixedEgressNetwork(stack, name, **each) for name, each in arguments.items()}
    networks["Named"].publish(parameter_name="/egress")
    return Others(networks, Template.from_stack(stack))


@pytest.fixture(scope="module")
def idle() -> Stack:
    """A stack for refusals, which is never synthesized."""
    return Stack(App(), "Test")


def cidrs_of(template: Template) -> dict[str, str]:
    """Return each subnet's range by logical ID."""
    subnets = template.find_resources("AWS::EC2::Subnet")
    return {logical_id: subnet["Properties"]["CidrBlock"] for logical_id, subnet in subnets.items()}


def test_the_default(default: Default) -> None:
    """No public addresses; S3 through the gateway endpoint; flow logs for a month; a closed default security group."""
    template = default.template
    template.all_resources_properties("AWS::EC2::Subnet", {"MapPublicIpOnLaunch": False})
    (endpoint,) = properties(template, "AWS::EC2::VPCEndpoint")
    nat_routes = properties(template, "AWS::EC2::Route", {"NatGatewayId": Match.any_value()})
    (flow_log,) = properties(template, "AWS::EC2::FlowLog")
    log_group = template.find_resources("AWS::Logs::LogGroup")[flow_log["LogGroupName"]["Ref"]]
    assert endpoint["VpcEndpointType"] == "Gateway"
    assert [each for each in nat_routes if each["RouteTableId"] not in endpoint["RouteTableIds"]] == []
    assert (flow_log["TrafficType"], flow_log["ResourceType"]) == ("ALL", "VPC")
    assert log_group["Properties"]["RetentionInDays"] == 30
    template.resource_count_is("Custom::VpcRestrictDefaultSG", 1)


def test_a_third_zone_moves_no_subnet(default: Default) -> None:
    """Growing to three zones keeps the subnets and their ranges, and adds one of each.

    Naming account and region changes nothing: no zone is looked up.
    """
    stack = Stack(App(), "Test", env=Environment(account="123456789012", region="eu-west-1"))
    FixedEgressNetwork(stack, "Network", max_azs=3)
    template = Template.from_stack(stack)

    assert cidrs_of(default.template).items() < cidrs_of(template).items()
    zones = [each["AvailabilityZone"]["Fn::Select"][0] for each in properties(template, "AWS::EC2::Subnet")]
    assert sorted(zones) == [0, 0, 1, 1, 2, 2]


def test_all_six_zones_fit(others: Others) -> None:
    """The smallest range holds every zone a region can have; flow logs can be left out."""
    assert len(set(others.cidrs("Wide"))) == 12
    flow_logs = others.template.find_resources("AWS::EC2::FlowLog")
    assert len(flow_logs) == len(others.networks) - 1
    assert not [name for name in flow_logs if name.startswith("Wide")]


def test_a_range_of_ones_own(others: Others) -> None:
    """Subnets are a fixed fraction of the range; the retention of flow logs can be set."""
    assert properties(others.template, "AWS::EC2::VPC", {"CidrBlock": "172.20.0.0/18"})
    assert properties(others.template, "AWS::Logs::LogGroup", {"RetentionInDays": 365})
    assert others.cidrs("Range") == ["172.20.0.0/26", "172.20.0.64/26", "172.20.4.0/22", "172.20.8.0/22"]


def test_more_zones_than_the_region_is_known_to_have_are_refused() -> None:
    """The result of an earlier look-up is used; there is no new look-up."""
    zones = {"availability-zones:account=123456789012:region=eu-west-9": ["a", "b"]}
    env = Environment(account="123456789012", region="eu-west-9")
    stack = Stack(App(context=zones), "Test", env=env)

    with pytest.raises(ValueError, match="max_azs must be at most 2 in eu-west-9, got: 3"):
        FixedEgressNetwork(stack, "Network", max_azs=3)

    FixedEgressNetwork(stack, "Network", max_azs=2)


def test_the_addresses_are_published(default: Default) -> None:
    """As a parameter for other teams, and as ranges for security groups."""
    stack, network, template = default
    with pytest.raises(ValueError, match="publish writes one parameter, got '/b' beside Test/Network/EgressIpsParam"):
        network.publish(parameter_name="/b")
    template.has_resource_properties(
        "AWS::SSM::Parameter",
        {
            "Name": "/network/egress-ips",
            "Type": "StringList",
            "Value": {"Fn::Join": [",", [stack.resolve(ip) for ip in network.egress_ips]]},
        },
    )
    assert stack.resolve(network.egress_cidrs[0]) == {"Fn::Join": ["", [stack.resolve(network.egress_ips[0]), "/32"]]}


def test_the_addresses_have_a_name(default: Default) -> None:
    """One name for all of them, in forward and reverse DNS."""
    stack, network, template = default
    zone = route53.HostedZone.from_hosted_zone_attributes(stack, "Other", hosted_zone_id="Z1", zone_name="example.com")
    with pytest.raises(ValueError, match="the addresses have a name already, got another: 'smtp"):
        network.add_reverse_dns(hosted_zone=zone, name="smtp.example.com")
    template.resource_count_is("Custom::ReverseDns", 2)
    template.has_resource_properties(
        "AWS::Route53::RecordSet",
        {"Name": "mail.example.com.", "ResourceRecords": [stack.resolve(ip) for ip in network.egress_ips]},
    )


def test_given_addresses_are_published_if_they_are_named(others: Others) -> None:
    """An allocation ID does not contain its address."""
    others.template.has_resource_properties("AWS::SSM::Parameter", {"Value": ",".join(IPS)})
    with pytest.raises(
        ValueError, match=re.escape("publish needs the network's addresses, got none from Egress.per_az()")
    ):
        others.networks["Silent"].publish(parameter_name="/silent")


def test_zones_can_be_chosen(others: Others) -> None:
    """For regions whose first zone has no Fargate."""
    subnets = others.template.find_resources("AWS::EC2::Subnet")
    zones = [each["Properties"]["AvailabilityZone"] for name, each in subnets.items() if name.startswith("Zones")]
    assert sorted(zones) == ["ap-northeast-1c", "ap-northeast-1c", "ap-northeast-1d", "ap-northeast-1d"]


CIDR = "cidr must be an IPv4 network of /16 to /19, such as 10.0.0.0/16, got: "


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"cidr": "10.0.0.0/8"}, f"{CIDR}'10.0.0.0/8'"),
        ({"cidr": "10.0.0.0/24"}, f"{CIDR}'10.0.0.0/24'"),
        ({"cidr": "10.0.0.1/16"}, f"{CIDR}'10.0.0.1/16' (10.0.0.1/16 has host bits set)"),
        ({"cidr": "ten"}, f"{CIDR}'ten' (Expected 4 octets"),
        ({"cidr": "2001:db8::/16"}, f"{CIDR}'2001:db8::/16'"),
        ({"cidr": Aws.REGION}, "cidr must be known at synth"),
        ({"avoid_cidrs": ["10.0.0.0/12"]}, "must not overlap 10.0.0.0/12, got: '10.0.0.0/16'; free: 10.16.0.0/16"),
        ({"avoid_cidrs": ["office"]}, "avoid_cidrs must be IPv4 networks, such as 10.0.0.0/8, got: 'office' "),
        ({"avoid_cidrs": ["0.0.0.0/0"]}, "free: none of this size"),
        ({"max_azs": 1}, "max_azs must be 2 to 6, got: 1"),
        ({"max_azs": 7}, "max_azs must be 2 to 6, got: 7"),
        ({"max_azs": Token.as_number({"Ref": "Zones"})}, "max_azs must be known at synth, got a token"),
        ({"availability_zones": ["a"]}, "availability_zones must be max_azs=2 zones, got: ['a']"),
        ({"availability_zones": ["a", "a"]}, "availability_zones must be max_azs=2 zones, got: ['a', 'a']"),
        ({"availability_zones": ["a", "b", "c"]}, "availability_zones must be max_azs=2 zones, got: ['a', 'b', 'c']"),
        ({"availability_zones": Fn.get_azs()}, "availability_zones must be a list of known length, got a token"),
        ({"resource_accounts": ["prod"]}, "resource_accounts must hold IDs of accounts, 12 digits such as"),
        ({"egress": Egress.per_az}, "egress must be Egress or None, got: <bound method Egress.per_az"),
        ({"endpoints": VpcEndpoints.ecr}, "endpoints must be a list of VpcEndpoints, got: "),
        ({"endpoints": [VpcEndpoints.for_isolated_tasks]}, "endpoints must be a list of VpcEndpoints, got: "),
    ],
)
def test_refusals(idle: Stack, arguments: dict[str, Any], message: str) -> None:
    """The message has the value and what is allowed, and no construct is left in the tree."""
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        FixedEgressNetwork(idle, "Network", **arguments)

    assert idle.node.try_find_child("Network") is None


def test_an_imported_vpc_is_unproven(stack: Stack) -> None:
    """Synthesis warns that the addresses of an imported VPC are unknown, unless they are given."""
    vpc = ec2.Vpc(stack, "Vpc")

    FixedEgressNetwork.from_vpc(stack, "Unknown", vpc)
    known = FixedEgressNetwork.from_vpc(stack, "Known", vpc, egress_ips=["203.0.113.7", Aws.REGION])

    annotations = Annotations.from_stack(stack)
    annotations.has_warning("/Test/Unknown", Match.string_like_regexp("egress addresses are unproven"))
    annotations.has_no_warning("/Test/Known", Match.any_value())
    assert list(known.egress_ips) == ["203.0.113.7", Aws.REGION]
    assert [subnet.node.path for subnet in known.task_subnets] == [each.node.path for each in vpc.private_subnets]


def test_a_vpc_may_be_known_only_when_deployed(stack: Stack) -> None:
    """Zones and subnets that another stack exports as lists are accepted by everything that runs tasks."""
    vpc = ec2.Vpc.from_vpc_attributes(
        stack,
        "Vpc",
        vpc_id=Fn.import_value("Vpc"),
        availability_zones=Fn.split(",", Fn.import_value("Zones")),
        public_subnet_ids=Fn.split(",", Fn.import_value("PublicSubnets")),
        private_subnet_ids=Fn.split(",", Fn.import_value("PrivateSubnets")),
    )
    network = FixedEgressNetwork.from_vpc(stack, "Network", vpc, egress_ips=["203.0.113.7"])
    HttpEndpoint(stack, "Endpoint", network=network)
    web = FargateService(stack, "Web", network=network, image=IMAGE)
    OneOffTask(stack, "Repair", network=network, image=IMAGE, cluster=web.cluster)
    nightly = scheduler.ScheduleExpression.cron(hour="3", minute="0")
    ScheduledTask(stack, "Report", network=network, image=IMAGE, cluster=web.cluster, schedule=nightly)
    subnets = {"Fn::Split": [",", {"Fn::ImportValue": "PrivateSubnets"}]}

    Template.from_stack(stack).has_resource_properties(
        "AWS::ECS::Service", {"NetworkConfiguration": {"AwsvpcConfiguration": Match.object_like({"Subnets": subnets})}}
    )
    with pytest.raises(ValueError, match="static_ips need public subnets whose number is known"):
        HttpEndpoint(stack, "Fixed", network=network, static_ips=True)


def test_a_vpc_without_private_subnets_is_refused(idle: Stack) -> None:
    """A task needs a private subnet."""
    vpc = ec2.Vpc(idle, "PublicVpc", nat_gateways=0)

    with pytest.raises(ValueError, match="the VPC Test/PublicVpc has no private subnets with egress to put tasks in"):
        FixedEgressNetwork.from_vpc(idle, "Network", vpc)


def test_public_subnets_are_refused(idle: Stack) -> None:
    """Those of a VPC made here, looked up or imported, also by another construct for the same subnet."""
    made = ec2.Vpc(idle, "Vpc", nat_gateways=1)
    known = ec2.Vpc.from_vpc_attributes(
        idle, "Known", vpc_id="vpc-1", availability_zones=["a"], public_subnet_ids=["subnet-1"]
    )
    looked_up = ec2.Vpc.from_lookup(Stack(env=Environment(account="1", region="eu-west-1")), "Vpc", is_default=True)
    same = ec2.Subnet.from_subnet_id(idle, "Same", "subnet-1")
    exported = ec2.Vpc.from_vpc_attributes(
        idle, "Exported", vpc_id="vpc-1", availability_zones=["a"], public_subnet_ids=[Fn.import_value("Public")]
    )
    again = ec2.Subnet.from_subnet_id(idle, "Again", Fn.import_value("Public"))
    zones = Fn.split(",", Fn.import_value("Zones"))
    listed = ec2.Vpc.from_vpc_attributes(
        idle,
        "Listed",
        vpc_id="vpc-1",
        availability_zones=zones,
        public_subnet_ids=Fn.split(",", Fn.import_value("PublicSubnets")),
    )
    as_private = ec2.Vpc.from_vpc_attributes(
        idle,
        "AsPrivate",
        vpc_id="vpc-1",
        availability_zones=zones,
        private_subnet_ids=Fn.split(",", Fn.import_value("PublicSubnets")),
    )
    joined = ec2.Vpc.from_vpc_attributes(
        idle,
        "Joined",
        vpc_id="vpc-1",
        availability_zones=["a"],
        public_subnet_ids=[Fn.join("-", ["subnet", "1"])],
    )
    for vpc, subnet in (
        (made, made.public_subnets[1]),
        (known, same),
        (exported, again),
        (listed, as_private.private_subnets[0]),
        (joined, same),
        (looked_up, looked_up.public_subnets[0]),
    ):
        with pytest.raises(ValueError, match=f"task_subnets must be private, got: {subnet.node.path}, a public subnet"):
            FixedEgressNetwork.from_vpc(idle, "Network", vpc, task_subnets=[*vpc.private_subnets, subnet])
