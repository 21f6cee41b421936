"""AWS services that tasks reach inside the VPC."""

import ast
import inspect
import re
from typing import Any

import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk.assertions import Match, Template

from fargate_constructs import FixedEgressNetwork, VpcEndpoints
from tests.templates import properties

ENDPOINT = "AWS::EC2::VPCEndpoint"
SETS = {name: each for name, each in vars(VpcEndpoints).items() if isinstance(each, VpcEndpoints)}


def network_with(*sets: VpcEndpoints, **arguments: Any) -> Stack:  # noqa: ANN401 - passed through
    """Return the stack of a network with endpoints."""
    stack = Stack(App(), "Test")
    FixedEgressNetwork(stack, "Network", endpoints=sets, **arguments)
    return stack


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


def test_interface_endpoints_are_in_each_zone_of_the_tasks() -> None:
    """Under the service's usual name, with one security group that allows HTTPS from the VPC and nothing out."""
    template = Template.from_stack(network_with(VpcEndpoints.ecr, VpcEndpoints.logs, cidr="10.8.0.0/16"))
    routes = properties(template, "AWS::EC2::SubnetRouteTableAssociation")
    tasks = [each["SubnetId"] for each in routes if "Tasks" in each["SubnetId"]["Ref"]]
    interfaces = properties(template, ENDPOINT, {"VpcEndpointType": "Interface"})

    assert len(interfaces) == 3
    for each in interfaces:
        assert (each["PrivateDnsEnabled"], each["SubnetIds"]) == (True, tasks)
        assert each["SecurityGroupIds"] == interfaces[0]["SecurityGroupIds"]
    (group,) = properties(template, "AWS::EC2::SecurityGroup")
    assert group["SecurityGroupIngress"] == [
        {
            "CidrIp": "10.8.0.0/16",
            "IpProtocol": "tcp",
            "FromPort": 443,
            "ToPort": 443,
            "Description": "HTTPS from within the VPC",
        }
    ]
    assert [each["CidrIp"] for each in group["SecurityGroupEgress"]] == ["255.255.255.255/32"]


def test_gateway_endpoints_are_in_the_route_tables_of_the_tasks() -> None:
    """They cost nothing and need no security group; S3's is the one that the network always has."""
    template = Template.from_stack(network_with(VpcEndpoints.dynamodb, VpcEndpoints.s3))
    nat_routes = properties(template, "AWS::EC2::Route", {"NatGatewayId": Match.any_value()})

    template.resource_count_is(ENDPOINT, 2)
    template.has_resource_properties(
        ENDPOINT,
        {
            "ServiceName": {"Fn::Join": ["", ["com.amazonaws.", {"Ref": "AWS::Region"}, ".dynamodb"]]},
            "VpcEndpointType": "Gateway",
            "RouteTableIds": [each["RouteTableId"] for each in nat_routes],
        },
    )
    template.resource_count_is("AWS::EC2::SecurityGroup", 0)


def test_a_region_has_names_of_its_own() -> None:
    """A stack that has its region gets the names that AWS has there."""
    stack = Stack(App(), "Test", env=Environment(account="123456789012", region="cn-north-1"))
    FixedEgressNetwork(stack, "Network", endpoints=[VpcEndpoints.ecr, VpcEndpoints.logs])

    names = {str(each["ServiceName"]) for each in properties(stack, ENDPOINT)}
    assert {"cn.com.amazonaws.cn-north-1.ecr.api", "com.amazonaws.cn-north-1.logs"} <= names


def test_each_service_has_one_endpoint() -> None:
    """Sets may overlap; the endpoint's ID is the service's name, in each order of the sets."""
    sets = (VpcEndpoints.ecr, VpcEndpoints.links, VpcEndpoints.s3, VpcEndpoints(interfaces=("ecr.api", "sqs")))
    stack, reversed_ = network_with(*sets), network_with(*sets[::-1])
    (network,) = (each for each in stack.node.children if isinstance(each, FixedEgressNetwork))

    assert [each.node.path.removeprefix("Test/Network/") for each in network.vpc_endpoints] == [
        *(f"VpcEndpoints/{id_}" for id_ in ("EcrApi", "EcrDkr", "EcsAgent", "Sqs")),
        "Vpc/S3",
    ]
    found, others = (Template.from_stack(each).find_resources(ENDPOINT) for each in (stack, reversed_))
    assert found == others


@pytest.mark.parametrize("name", [*SETS, "for_isolated_tasks"])
def test_a_docstring_states_the_price(name: str) -> None:
    """The cost a month in two zones."""
    sets = getattr(VpcEndpoints, name)
    count = sum(len(each.interfaces) for each in (sets if isinstance(sets, tuple) else (sets,)))

    assert f"{count * 2 * 730 * 0.01:.2f} USD a month" in docstrings()[name]
