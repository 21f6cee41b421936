"""The network in which tasks have no public address and leave from known ones."""

import re

import pytest
from aws_cdk import App, Environment, Fn, Stack, Token
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
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


def template_of(**parameters: object) -> Template:
    """Return the template of a stack that holds nothing but a network."""
    stack = Stack(App(), "Test")
    FixedEgressNetwork(stack, "Network", **parameters)  # type: ignore[arg-type]  # passed through as they come
    return Template.from_stack(stack)


@pytest.fixture(scope="module")
def template() -> Template:
    """The default network's template."""
    return template_of()


def cidrs_of(template: Template) -> dict[str, str]:
    """Return each subnet's range by logical ID."""
    subnets = template.find_resources("AWS::EC2::Subnet")
    return {logical_id: subnet["Properties"]["CidrBlock"] for logical_id, subnet in subnets.items()}


def test_each_zone_leaves_by_a_gateway_of_its_own(template: Template) -> None:
    """Two task subnets have two default routes, to two NAT gateways, on two retained Elastic IPs."""
    gateways = template.find_resources("AWS::EC2::NatGateway")
    allocations = {gateway["Properties"]["AllocationId"]["Fn::GetAtt"][0] for gateway in gateways.values()}
    routes = template.find_resources(
        "AWS::EC2::Route",
        {"Properties": {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": Match.any_value()}},
    )

    assert {route["Properties"]["NatGatewayId"]["Ref"] for route in routes.values()} == set(gateways)
    assert len(gateways) == 2
    assert allocations == set(template.find_resources("AWS::EC2::EIP", {"UpdateReplacePolicy": "Retain"}))


def test_no_subnet_hands_out_public_addresses(template: Template) -> None:
    """Even a public subnet gives an address only to what asks for one."""
    template.all_resources_properties("AWS::EC2::Subnet", {"MapPublicIpOnLaunch": False})


def test_s3_is_reached_without_the_gateways(template: Template) -> None:
    """The free gateway endpoint is in every task subnet's route table."""
    (endpoint,) = template.find_resources("AWS::EC2::VPCEndpoint").values()
    s3_routes = {table["Ref"] for table in endpoint["Properties"]["RouteTableIds"]}
    nat_routes = template.find_resources("AWS::EC2::Route", {"Properties": {"NatGatewayId": Match.any_value()}})

    assert endpoint["Properties"]["VpcEndpointType"] == "Gateway"
    assert {route["Properties"]["RouteTableId"]["Ref"] for route in nat_routes.values()} <= s3_routes


def test_flows_are_logged_for_a_month(template: Template) -> None:
    """All traffic is logged, and the log does not grow for ever."""
    template.has_resource_properties("AWS::EC2::FlowLog", {"TrafficType": "ALL", "ResourceType": "VPC"})
    template.has_resource_properties("AWS::Logs::LogGroup", {"RetentionInDays": 30})


def test_the_default_security_group_admits_nothing(template: Template) -> None:
    """The group that everything joins by mistake is emptied."""
    template.resource_count_is("Custom::VpcRestrictDefaultSG", 1)


def test_a_third_zone_moves_no_subnet(template: Template) -> None:
    """Growing to three zones keeps the subnets and their ranges, and adds one of each."""
    grown = cidrs_of(template_of(max_azs=3))

    assert cidrs_of(template).items() < grown.items()
    assert len(grown) == 6


def test_all_six_zones_fit() -> None:
    """The smallest range holds every zone a region can have."""
    cidrs = cidrs_of(template_of(cidr="10.8.0.0/19", max_azs=6))

    assert len(set(cidrs.values())) == 12


def test_a_range_of_ones_own() -> None:
    """Subnets are cut in proportion to the range, and flow logs are kept as long as wanted."""
    template = template_of(cidr="172.20.0.0/18", flow_log_retention=logs.RetentionDays.ONE_YEAR)

    template.has_resource_properties("AWS::EC2::VPC", {"CidrBlock": "172.20.0.0/18"})
    template.has_resource_properties("AWS::Logs::LogGroup", {"RetentionInDays": 365})
    assert sorted(cidrs_of(template).values()) == [
        "172.20.0.0/26",
        "172.20.0.64/26",
        "172.20.4.0/22",
        "172.20.8.0/22",
    ]


def test_the_template_is_the_same_with_a_region() -> None:
    """Naming account and region changes nothing: no zone is looked up."""
    agnostic = Stack(App(), "Test")
    specific = Stack(App(), "Test", env=Environment(account="123456789012", region="eu-west-1"))
    for stack in (agnostic, specific):
        FixedEgressNetwork(stack, "Network")
    zones = [
        {subnet["Properties"]["AvailabilityZone"]["Fn::Select"][0] for subnet in subnets.values()}
        for subnets in (Template.from_stack(each).find_resources("AWS::EC2::Subnet") for each in (agnostic, specific))
    ]

    assert zones == [{0, 1}, {0, 1}]


def test_the_addresses_are_exposed(stack: Stack, network: FixedEgressNetwork) -> None:
    """`egress_ips` are the addresses of the pool, in order."""
    assert network.elastic_ip_pool
    pool = network.elastic_ip_pool.elastic_ips

    assert [stack.resolve(ip) for ip in network.egress_ips] == [stack.resolve(ip.attr_public_ip) for ip in pool]


@pytest.mark.parametrize(
    ("cidr", "got"),
    [
        ("10.0.0.0/8", "'10.0.0.0/8'"),
        ("10.0.0.0/24", "'10.0.0.0/24'"),
        ("10.0.0.1/16", "has host bits set"),
        ("ten", "Expected 4 octets"),
        ("2001:db8::/16", "'2001:db8::/16'"),
    ],
)
def test_a_range_that_does_not_do_is_refused(stack: Stack, cidr: str, got: str) -> None:
    """The message says what was given and what would fit."""
    with pytest.raises(
        ValueError, match=r"cidr must be an IPv4 network of /16 to /19, such as 10\.0\.0\.0/16"
    ) as error:
        FixedEgressNetwork(stack, "Network", cidr=cidr)

    assert got in str(error.value)
    assert stack.node.try_find_child("Network") is None


def test_a_range_unknown_at_synth_is_refused(stack: Stack) -> None:
    """Subnets cannot be cut from a parameter."""
    with pytest.raises(ValueError, match="cidr must be known at synth"):
        FixedEgressNetwork(stack, "Network", cidr=stack.region)


def test_ranges_to_avoid_are_avoided(stack: Stack) -> None:
    """A range that overlaps a neighbour's is refused, with one that does not."""
    with pytest.raises(
        ValueError, match=re.escape("must not overlap 10.0.0.0/12, got: '10.0.0.0/16'; free: 10.16.0.0/16")
    ):
        FixedEgressNetwork(stack, "Network", avoid_cidrs=["10.0.0.0/12"])
    with pytest.raises(ValueError, match=r"avoid_cidrs must be IPv4 networks, such as 10\.0\.0\.0/8, got: 'office' "):
        FixedEgressNetwork(stack, "Network", avoid_cidrs=["office"])
    with pytest.raises(ValueError, match="free: none of this size"):
        FixedEgressNetwork(stack, "Network", avoid_cidrs=["0.0.0.0/0"])

    FixedEgressNetwork(stack, "Network", avoid_cidrs=["10.1.0.0/16", "192.168.0.0/16"])


def test_more_zones_than_the_region_is_known_to_have_are_refused() -> None:
    """What an earlier look-up wrote down is believed; nothing is looked up."""
    zones = {"availability-zones:account=123456789012:region=eu-west-9": ["a", "b"]}
    env = Environment(account="123456789012", region="eu-west-9")
    stack = Stack(App(context=zones), "Test", env=env)

    with pytest.raises(ValueError, match="max_azs must be at most 2 in eu-west-9, got: 3"):
        FixedEgressNetwork(stack, "Network", max_azs=3)

    FixedEgressNetwork(stack, "Network", max_azs=2)


def test_the_addresses_are_published(stack: Stack, network: FixedEgressNetwork) -> None:
    """Other teams read them from a parameter, as addresses; security groups take them as ranges."""
    network.publish(parameter_name="/network/egress-ips")

    with pytest.raises(ValueError, match="publish writes one parameter, got '/b' beside Test/Network/EgressIpsParam"):
        network.publish(parameter_name="/b")
    Template.from_stack(stack).has_resource_properties(
        "AWS::SSM::Parameter",
        {
            "Name": "/network/egress-ips",
            "Type": "StringList",
            "Value": {"Fn::Join": [",", [stack.resolve(ip) for ip in network.egress_ips]]},
        },
    )
    assert stack.resolve(network.egress_cidrs[0]) == {"Fn::Join": ["", [stack.resolve(network.egress_ips[0]), "/32"]]}


def test_the_addresses_have_a_name(stack: Stack, network: FixedEgressNetwork) -> None:
    """One name for all of them, forward and back."""
    zone = route53.HostedZone.from_hosted_zone_attributes(stack, "Zone", hosted_zone_id="Z123", zone_name="example.com")

    network.add_reverse_dns(hosted_zone=zone, name="mail.example.com")

    with pytest.raises(ValueError, match="the addresses have a name already, got another: 'smtp"):
        network.add_reverse_dns(hosted_zone=zone, name="smtp.example.com")
    template = Template.from_stack(stack)
    template.resource_count_is("Custom::ReverseDns", 2)
    template.has_resource_properties(
        "AWS::Route53::RecordSet",
        {"Name": "mail.example.com.", "ResourceRecords": [stack.resolve(ip) for ip in network.egress_ips]},
    )


def test_given_addresses_are_published_if_they_are_named(stack: Stack) -> None:
    """An allocation ID does not tell its address, so somebody has to."""
    allocations = ["eipalloc-1", "eipalloc-2"]
    ips = ["203.0.113.7", "203.0.113.8"]
    silent = FixedEgressNetwork(stack, "Silent", egress=Egress.per_az(eip_allocation_ids=allocations))
    named = Egress.per_az(eip_allocation_ids=allocations, egress_ips=ips)

    FixedEgressNetwork(stack, "Named", egress=named).publish(parameter_name="/egress")

    Template.from_stack(stack).has_resource_properties("AWS::SSM::Parameter", {"Value": ",".join(ips)})
    with pytest.raises(
        ValueError, match=re.escape("publish needs the network's addresses, got none from Egress.per_az()")
    ):
        silent.publish(parameter_name="/silent")


def test_an_egress_that_was_not_made_is_refused(stack: Stack) -> None:
    """The maker itself is no egress."""
    with pytest.raises(TypeError, match=r"egress must be Egress or None, got: <bound method Egress.per_az.*; call it"):
        FixedEgressNetwork(stack, "Network", egress=Egress.per_az)  # type: ignore[arg-type]  # the mistake

    assert stack.node.try_find_child("Network") is None


@pytest.mark.parametrize("endpoints", [VpcEndpoints.ecr, [VpcEndpoints.for_isolated_tasks]])
def test_endpoints_that_are_no_list_of_sets_are_refused(stack: Stack, endpoints: object) -> None:
    """A set alone and a list of lists are told what to write."""
    with pytest.raises(TypeError, match="endpoints must be a list of VpcEndpoints, got: "):
        FixedEgressNetwork(stack, "Network", endpoints=endpoints)  # type: ignore[arg-type]  # the mistake


def test_endpoints_beside_the_gateways(stack: Stack) -> None:
    """What is asked for is there beside the way out, and S3 as ever."""
    FixedEgressNetwork(stack, "Network", endpoints=[VpcEndpoints.logs, VpcEndpoints.dynamodb])

    endpoints = Template.from_stack(stack).find_resources("AWS::EC2::VPCEndpoint").values()
    assert sorted(endpoint["Properties"]["VpcEndpointType"] for endpoint in endpoints) == [
        "Gateway",
        "Gateway",
        "Interface",
    ]


@pytest.mark.parametrize("max_azs", [1, 7])
def test_a_number_of_zones_that_does_not_do_is_refused(stack: Stack, max_azs: int) -> None:
    """One zone is no network to rely on; seven do not exist."""
    with pytest.raises(ValueError, match=re.escape(f"max_azs must be 2 to 6, got: {max_azs}")):
        FixedEgressNetwork(stack, "Network", max_azs=max_azs)


@pytest.mark.parametrize("zones", [["ap-northeast-1a"], ["ap-northeast-1a"] * 2, ["a", "b", "c"]])
def test_zones_that_are_not_as_many_are_refused(stack: Stack, zones: list[str]) -> None:
    """Each zone has one set of subnets."""
    with pytest.raises(ValueError, match="availability_zones must be max_azs=2 zones, got: "):
        FixedEgressNetwork(stack, "Network", availability_zones=zones)
    with pytest.raises(ValueError, match="availability_zones must be a list of known length, got a token"):
        FixedEgressNetwork(stack, "Network", availability_zones=Fn.get_azs())


def test_a_number_of_zones_known_only_when_deployed_is_refused(stack: Stack) -> None:
    """So many subnets are made."""
    with pytest.raises(ValueError, match="max_azs must be known at synth, got a token"):
        FixedEgressNetwork(stack, "Network", max_azs=Token.as_number({"Ref": "Zones"}))  # type: ignore[arg-type]


def test_zones_can_be_chosen(stack: Stack) -> None:
    """Where the region's first has no Fargate."""
    FixedEgressNetwork(stack, "Network", availability_zones=["ap-northeast-1c", "ap-northeast-1d"])

    subnets = Template.from_stack(stack).find_resources("AWS::EC2::Subnet").values()
    zones = [each["Properties"]["AvailabilityZone"] for each in subnets]
    assert sorted(zones) == ["ap-northeast-1c", "ap-northeast-1c", "ap-northeast-1d", "ap-northeast-1d"]


def test_an_imported_vpc_is_unproven(stack: Stack) -> None:
    """Synthesis says that nobody knows where an imported VPC's tasks leave, until somebody says so."""
    vpc = ec2.Vpc(stack, "Vpc")

    FixedEgressNetwork.from_vpc(stack, "Unknown", vpc)
    known = FixedEgressNetwork.from_vpc(stack, "Known", vpc, egress_ips=["203.0.113.7"])

    annotations = Annotations.from_stack(stack)
    annotations.has_warning("/Test/Unknown", Match.string_like_regexp("egress addresses are unproven"))
    annotations.has_no_warning("/Test/Known", Match.any_value())
    assert list(known.egress_ips) == ["203.0.113.7"]
    assert [subnet.node.path for subnet in known.task_subnets] == [each.node.path for each in vpc.private_subnets]


def test_addresses_may_be_known_only_when_deployed(stack: Stack) -> None:
    """Another stack's addresses are taken as they come."""
    elastic_ip = ec2.CfnEIP(stack, "Address", domain="vpc")

    network = FixedEgressNetwork.from_vpc(
        stack, "Network", ec2.Vpc(stack, "Vpc"), egress_ips=[elastic_ip.attr_public_ip]
    )

    assert list(network.egress_ips) == [elastic_ip.attr_public_ip]


def test_a_vpc_may_be_known_only_when_deployed(stack: Stack, image: ecs.ContainerImage) -> None:
    """Zones and subnets that another stack exports as lists are taken as they come, by all that runs tasks."""
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
    web = FargateService(stack, "Web", network=network, image=image)
    OneOffTask(stack, "Repair", network=network, image=image, cluster=web.cluster)
    nightly = scheduler.ScheduleExpression.cron(hour="3", minute="0")
    ScheduledTask(stack, "Report", network=network, image=image, cluster=web.cluster, schedule=nightly)
    subnets = {"Fn::Split": [",", {"Fn::ImportValue": "PrivateSubnets"}]}

    Template.from_stack(stack).has_resource_properties(
        "AWS::ECS::Service", {"NetworkConfiguration": {"AwsvpcConfiguration": Match.object_like({"Subnets": subnets})}}
    )
    with pytest.raises(ValueError, match="static_ips need public subnets whose number is known at synth, got a token"):
        HttpEndpoint(stack, "Fixed", network=network, static_ips=True)


def test_public_subnets_are_refused(stack: Stack) -> None:
    """Those of a VPC made here, looked up or imported, by whatever construct they are named."""
    made = ec2.Vpc(stack, "Vpc", nat_gateways=1)
    known = ec2.Vpc.from_vpc_attributes(
        stack, "Known", vpc_id="vpc-1", availability_zones=["a"], public_subnet_ids=["subnet-1"]
    )
    looked_up = ec2.Vpc.from_lookup(Stack(env=Environment(account="1", region="eu-west-1")), "Vpc", is_default=True)
    same = ec2.Subnet.from_subnet_id(stack, "Same", "subnet-1")
    exported = ec2.Vpc.from_vpc_attributes(
        stack, "Exported", vpc_id="vpc-1", availability_zones=["a"], public_subnet_ids=[Fn.import_value("Public")]
    )
    again = ec2.Subnet.from_subnet_id(stack, "Again", Fn.import_value("Public"))
    for vpc, subnet in (
        (made, made.public_subnets[1]),
        (known, same),
        (exported, again),
        (looked_up, looked_up.public_subnets[0]),
    ):
        with pytest.raises(ValueError, match=f"task_subnets must be private, got: {subnet.node.path}, a public subnet"):
            FixedEgressNetwork.from_vpc(stack, "Network", vpc, task_subnets=[*vpc.private_subnets, subnet])


def test_an_imported_vpc_without_private_subnets_is_refused(stack: Stack) -> None:
    """There is nowhere to put a task."""
    vpc = ec2.Vpc(stack, "Vpc", nat_gateways=0)

    with pytest.raises(ValueError, match="the VPC Test/Vpc has no private subnets with egress to put tasks in"):
        FixedEgressNetwork.from_vpc(stack, "Network", vpc)
