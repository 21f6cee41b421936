"""AWS services that tasks reach inside the VPC."""

import ast
import inspect
import re
from collections.abc import Mapping
from typing import Any

import pytest
from aws_cdk import App, Environment, Fn, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Match, Template

from fargate_constructs import FixedEgressNetwork
from fargate_constructs.network import vpc_endpoints as endpoints
from fargate_constructs.network.vpc_endpoints import VpcEndpoints, add_vpc_endpoints

ISOLATED_NAMES = ["ecr.api", "ecr.dkr", "ecs-agent", "logs", "s3", "secretsmanager", "ssm", "ssmmessages"]


def names_of(endpoints: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the services of a template's endpoints, as AWS names them after the region."""
    joins = [endpoint["Properties"]["ServiceName"]["Fn::Join"][1] for endpoint in endpoints.values()]
    return sorted(parts[-1].removeprefix(".") for parts in joins)


def endpoints_of(stack: Stack) -> Mapping[str, Mapping[str, Any]]:
    """Return the template's endpoints by logical ID."""
    return Template.from_stack(stack).find_resources("AWS::EC2::VPCEndpoint")


def imported_vpc(stack: Stack, **attributes: Any) -> ec2.IVpc:  # noqa: ANN401 - passed through as they come
    """Return a VPC known by its attributes alone."""
    return ec2.Vpc.from_vpc_attributes(
        stack,
        "Imported",
        vpc_id="vpc-12345678",
        availability_zones=["eu-west-1a", "eu-west-1b"],
        private_subnet_ids=["subnet-1", "subnet-2"],
        **attributes,
    )


def docstrings() -> dict[str, str]:
    """Return the docstring of each set."""
    (class_,) = ast.parse(inspect.getsource(VpcEndpoints)).body
    assert isinstance(class_, ast.ClassDef)
    return {
        name.target.id: re.sub(r"\s+", " ", text.value.value)
        for name, text in zip(class_.body, class_.body[1:], strict=False)
        if isinstance(name, ast.AnnAssign) and isinstance(name.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str)
    }


def test_an_endpoint_stands_in_each_zone_of_the_tasks(stack: Stack, network: FixedEgressNetwork) -> None:
    """The service's usual name leads to the endpoint, from every task subnet."""
    add_vpc_endpoints(network.vpc, [VpcEndpoints.logs], subnets=network.task_subnets)

    Template.from_stack(stack).has_resource_properties(
        "AWS::EC2::VPCEndpoint",
        {
            "ServiceName": {"Fn::Join": ["", ["com.amazonaws.", {"Ref": "AWS::Region"}, ".logs"]]},
            "VpcEndpointType": "Interface",
            "PrivateDnsEnabled": True,
            "SubnetIds": [stack.resolve(subnet.subnet_id) for subnet in network.task_subnets],
            "SecurityGroupIds": [Match.any_value()],
        },
    )


@pytest.mark.parametrize(
    ("region", "ecr", "logs"),
    [
        ("cn-north-1", "cn.com.amazonaws.cn-north-1.ecr.api", "com.amazonaws.cn-north-1.logs"),
        ("us-gov-west-1", "com.amazonaws.us-gov-west-1.ecr.api", "com.amazonaws.us-gov-west-1.logs"),
    ],
)
def test_a_region_has_names_of_its_own(region: str, ecr: str, logs: str) -> None:
    """A stack that has its region gets the names that AWS has there."""
    stack = Stack(App(), "Test", env=Environment(account="123456789012", region=region))
    FixedEgressNetwork(stack, "Network", endpoints=[VpcEndpoints.ecr, VpcEndpoints.logs])

    names = [str(each["Properties"]["ServiceName"]) for each in endpoints_of(stack).values()]
    assert {ecr, logs} <= set(names)


def test_subnets_in_a_further_range_of_the_vpc_are_admitted(stack: Stack) -> None:
    """CDK knows a VPC's first range alone; subnets that do not tell where they lie, or only later, add nothing."""
    vpc = ec2.Vpc(stack, "Vpc", nat_gateways=0)
    ranges = ("100.64.0.0/24", "10.0.200.0/24", Fn.import_value("range"))
    zone = vpc.availability_zones[0]
    inside = [
        ec2.Subnet(stack, f"Subnet{number}", vpc_id=vpc.vpc_id, availability_zone=zone, cidr_block=range_)
        for number, range_ in enumerate(ranges)
    ]
    untold = ec2.Subnet.from_subnet_attributes(stack, "Untold", subnet_id="subnet-1", availability_zone=zone)
    for _ in range(2):
        add_vpc_endpoints(vpc, [VpcEndpoints.logs], subnets=[*inside, untold])

    (group,) = Template.from_stack(stack).find_resources("AWS::EC2::SecurityGroup").values()
    ingress = group["Properties"]["SecurityGroupIngress"]
    assert [each["CidrIp"] for each in ingress] == ["10.0.0.0/16", "100.64.0.0/24"]


def test_only_https_from_the_vpc_is_admitted(stack: Stack, network: FixedEgressNetwork) -> None:
    """All interface endpoints share one security group, which lets nothing out."""
    add_vpc_endpoints(network.vpc, [VpcEndpoints.ecr, VpcEndpoints.logs])
    template = Template.from_stack(stack)
    interfaces = template.find_resources("AWS::EC2::VPCEndpoint", {"Properties": {"VpcEndpointType": "Interface"}})
    groups = [endpoint["Properties"]["SecurityGroupIds"] for endpoint in interfaces.values()]

    assert len(groups) == 3
    assert all(group == groups[0] and len(group) == 1 for group in groups)
    template.resource_count_is("AWS::EC2::SecurityGroup", 1)
    template.has_resource_properties(
        "AWS::EC2::SecurityGroup",
        {
            "SecurityGroupIngress": [
                {
                    "CidrIp": "10.0.0.0/16",
                    "IpProtocol": "tcp",
                    "FromPort": 443,
                    "ToPort": 443,
                    "Description": "HTTPS from within the VPC",
                },
            ],
            "SecurityGroupEgress": [Match.object_like({"CidrIp": "255.255.255.255/32"})],
        },
    )


def test_an_endpoint_is_made_once(stack: Stack, network: FixedEgressNetwork) -> None:
    """Sets may overlap and be asked for again; S3's gateway is the one that the network has."""
    first = add_vpc_endpoints(network.vpc, [VpcEndpoints.logs, VpcEndpoints.ecr, VpcEndpoints.logs])
    again = add_vpc_endpoints(
        network.vpc, [VpcEndpoints.s3, VpcEndpoints.ecr, VpcEndpoints(interfaces=("logs", "sqs"))]
    )
    names = names_of(endpoints_of(stack))

    assert [each.node.id for each in first] == ["Logs", "EcrApi", "EcrDkr"]
    assert [each.node.path for each in again] == [
        "Test/Network/VpcEndpoints/EcrApi",
        "Test/Network/VpcEndpoints/EcrDkr",
        "Test/Network/VpcEndpoints/Logs",
        "Test/Network/VpcEndpoints/Sqs",
        "Test/Network/Vpc/S3",
    ]
    assert names == ["ecr.api", "ecr.dkr", "logs", "s3", "sqs"]


def test_logical_ids_do_not_depend_on_order() -> None:
    """An endpoint is called after its service, whatever else was asked for before."""
    made = []
    for sets in (VpcEndpoints.for_isolated_tasks, VpcEndpoints.for_isolated_tasks[::-1]):
        stack = Stack(App(), "Test")
        add_vpc_endpoints(FixedEgressNetwork(stack, "Network").vpc, sets)
        made.append(endpoints_of(stack))

    assert made[0] == made[1]


def test_isolated_tasks_reach_what_they_need(stack: Stack) -> None:
    """In a VPC without any way out, one constant makes all endpoints, S3's gateway included."""
    vpc = ec2.Vpc(
        stack,
        "Vpc",
        subnet_configuration=[
            ec2.SubnetConfiguration(name="Tasks", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
        ],
    )
    add_vpc_endpoints(vpc, VpcEndpoints.for_isolated_tasks)
    made = endpoints_of(stack)
    (gateway,) = (each["Properties"] for each in made.values() if each["Properties"]["VpcEndpointType"] == "Gateway")

    assert names_of(made) == ISOLATED_NAMES
    assert len(gateway["RouteTableIds"]) == 2


def test_dynamodb_is_reached_by_a_gateway(stack: Stack, network: FixedEgressNetwork) -> None:
    """It is in the route tables of the tasks, costs nothing, and needs no security group."""
    (endpoint,) = add_vpc_endpoints(network.vpc, [VpcEndpoints.dynamodb], subnets=network.task_subnets)

    template = Template.from_stack(stack)
    template.has_resource_properties(
        "AWS::EC2::VPCEndpoint",
        {
            "ServiceName": {"Fn::Join": ["", ["com.amazonaws.", {"Ref": "AWS::Region"}, ".dynamodb"]]},
            "VpcEndpointType": "Gateway",
            "RouteTableIds": [stack.resolve(subnet.route_table.route_table_id) for subnet in network.task_subnets],
        },
    )
    template.resource_count_is("AWS::EC2::SecurityGroup", 0)
    assert endpoint.vpc_endpoint_id


def test_an_imported_vpc_gets_them_too(stack: Stack) -> None:
    """Endpoints stand beside it, in the stack that imported it."""
    vpc = imported_vpc(stack, vpc_cidr_block="10.0.0.0/16", private_subnet_route_table_ids=["rtb-1", "rtb-2"])
    for _ in range(2):
        add_vpc_endpoints(vpc, [*VpcEndpoints.for_isolated_tasks, VpcEndpoints.dynamodb])
    made = endpoints_of(stack)
    properties = [endpoint["Properties"] for endpoint in made.values()]

    assert names_of(made) == sorted([*ISOLATED_NAMES, "dynamodb"])
    assert {each["VpcId"] for each in properties} == {"vpc-12345678"}
    assert {tuple(each.get("SubnetIds", each.get("RouteTableIds"))) for each in properties} == {
        ("subnet-1", "subnet-2"),
        ("rtb-1", "rtb-2"),
    }
    Template.from_stack(stack).has_resource_properties(
        "AWS::EC2::SecurityGroup",
        {"SecurityGroupIngress": [Match.object_like({"CidrIp": "10.0.0.0/16"})]},
    )


def test_a_vpc_of_another_stack_gets_them_in_its_own() -> None:
    """The stack that asks for an endpoint depends on the network's, and not the other way round."""
    app = App()
    network = FixedEgressNetwork(Stack(app, "Network"), "Network")
    user = Stack(app, "User")
    add_vpc_endpoints(network.vpc, [VpcEndpoints.logs], subnets=network.task_subnets)

    assert names_of(endpoints_of(Stack.of(network))) == ["logs", "s3"]
    assert endpoints_of(user) == {}


def test_an_address_range_may_be_known_later(stack: Stack) -> None:
    """A range that IPAM gives out when the VPC is made is read from the VPC."""
    vpc = ec2.Vpc(
        stack,
        "Vpc",
        ip_addresses=ec2.IpAddresses.aws_ipam_allocation(
            ipv4_ipam_pool_id="p", ipv4_netmask_length=20, default_subnet_ipv4_netmask_length=24
        ),
    )
    add_vpc_endpoints(vpc, [VpcEndpoints.logs])

    Template.from_stack(stack).has_resource_properties(
        "AWS::EC2::SecurityGroup",
        {"SecurityGroupIngress": [Match.object_like({"CidrIp": stack.resolve(vpc.vpc_cidr_block)})]},
    )


def test_an_unknown_address_range_is_refused(stack: Stack) -> None:
    """A security group cannot admit a range that nobody knows; gateways need none."""
    vpc = imported_vpc(stack, private_subnet_route_table_ids=["rtb-1", "rtb-2"])

    with pytest.raises(ValueError, match="the VPC Test/Imported does not know its address range, from which endpoints"):
        add_vpc_endpoints(vpc, [VpcEndpoints.logs])
    assert stack.node.try_find_child("ImportedEndpoints") is None
    assert len(add_vpc_endpoints(vpc, [VpcEndpoints.dynamodb])) == 1


def test_a_vpc_without_private_subnets_is_refused(stack: Stack) -> None:
    """There is nowhere to reach an endpoint from."""
    vpc = ec2.Vpc(
        stack,
        "Vpc",
        subnet_configuration=[ec2.SubnetConfiguration(name="Public", subnet_type=ec2.SubnetType.PUBLIC)],
    )

    with pytest.raises(ValueError, match="the VPC Test/Vpc has no private and no isolated subnets to reach endpoints"):
        add_vpc_endpoints(vpc, [VpcEndpoints.logs])


SETS = {name: each for name, each in vars(VpcEndpoints).items() if isinstance(each, VpcEndpoints)}


@pytest.mark.parametrize("name", SETS)
def test_a_docstring_states_the_price(name: str) -> None:
    """What the set costs a month, and for interfaces from how many GB a month it pays."""
    monthly, break_even = SETS[name].monthly_usd(), SETS[name].break_even_gb()

    assert f"{monthly:.2f} USD a month" in docstrings()[name]
    assert f"{break_even:.0f} GB" in docstrings()[name] if monthly else break_even == 0


def test_the_docstring_for_isolated_tasks_states_the_price() -> None:
    """All endpoints together, the NAT gateways that they stand in for, and the least that does."""
    least = [VpcEndpoints.ecr, VpcEndpoints.logs, VpcEndpoints.s3]
    nat_hours = 2 * endpoints.HOURS_PER_MONTH * endpoints.NAT_USD_PER_HOUR
    all_, few = (sum(each.monthly_usd() for each in sets) for sets in (VpcEndpoints.for_isolated_tasks, least))

    assert {f"{price:.2f}" for price in (all_, few, nat_hours)} <= set(
        re.findall(r"(\S+) USD", docstrings()["for_isolated_tasks"])
    )


def test_prices_grow_with_zones() -> None:
    """A third zone costs half as much again as two, and takes as much more traffic to pay."""
    assert f"{VpcEndpoints.logs.monthly_usd(zones=3):.2f}" == "21.90"
    assert f"{VpcEndpoints.logs.break_even_gb(zones=3):.0f}" == "626"
