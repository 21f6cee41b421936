"""Whose resources tasks reach through VPC endpoints, and with whose keys."""

import re
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk.assertions import Template

from fargate_constructs import Egress, FixedEgressNetwork, VpcEndpoints
from tests.templates import properties

ACCOUNT = {"Ref": "AWS::AccountId"}
KEYS_OF_THIS_ACCOUNT = {"aws:PrincipalAccount": ACCOUNT}


NETWORKS: dict[str, dict[str, Any]] = {
    "Isolated": {"egress": Egress.isolated()},
    "IsolatedMore": {"egress": Egress.isolated(), "resource_accounts": ["222222222222"]},
    "More": {"resource_accounts": ["222222222222"], "endpoints": [VpcEndpoints.logs]},
    "None": {"resource_accounts": [], "endpoints": [VpcEndpoints.logs]},
    "Any": {"endpoints": [VpcEndpoints.logs]},
}
Policies = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def policies() -> dict[str, Policies]:
    """The statements of each endpoint's policy, by network and service; none of one without a policy."""
    stack = Stack(App(), "Test")
    networks = {name: FixedEgressNetwork(stack, name, **arguments) for name, arguments in NETWORKS.items()}
    template = Template.from_stack(stack)
    found: dict[str, Policies] = {name: {} for name in networks}
    for name, network in networks.items():
        for each in properties(template, "AWS::EC2::VPCEndpoint", {"VpcId": stack.resolve(network.vpc.vpc_id)}):
            service = each["ServiceName"]["Fn::Join"][1][-1].removeprefix(".")
            found[name][service] = each.get("PolicyDocument", {}).get("Statement", [])
    return found


@pytest.fixture(scope="module")
def isolated(policies: dict[str, Policies]) -> Policies:
    """Those of an isolated network."""
    return policies["Isolated"]


def test_isolated_tasks_reach_this_account_alone(isolated: Policies) -> None:
    """With its keys, to its resources, by the endpoints that tasks need; that of ECS's agent supports no policy."""
    needed = {"ecr.api", "ecr.dkr", "ecs-agent", "logs", "s3", "secretsmanager", "ssm", "ssmmessages"}
    assert isolated.keys() == needed
    assert {service for service, statements in isolated.items() if not statements} == {"ecs-agent"}
    for statements in filter(None, isolated.values()):
        assert statements[0] == {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "*",
            "Resource": "*",
            "Condition": {"StringEquals": {**KEYS_OF_THIS_ACCOUNT, "aws:ResourceAccount": [ACCOUNT]}},
        }


def test_what_is_aws_own_is_read(isolated: Policies) -> None:
    """Layers of images, which ECR signs, packages of Amazon Linux, and public parameters; nothing is written."""
    further = {service: statements[1:] for service, statements in isolated.items() if statements[1:]}
    (s3,), (ssm,) = further["s3"], further["ssm"]

    assert further.keys() == {"s3", "ssm"}
    assert (s3["Action"], "Condition" in s3) == ("s3:GetObject", False)
    assert [re.sub("[{}'\" ]", "", str(each["Fn::Join"][1])) for each in s3["Resource"]] == [
        "[arn:,Ref:AWS::Partition,:s3:::prod-,Ref:AWS::Region,-starport-layer-bucket/*]",
        "[arn:,Ref:AWS::Partition,:s3:::al2023-repos-,Ref:AWS::Region,-de612dc2/*]",
    ]
    assert ssm["Action"] == ["ssm:GetParameter", "ssm:GetParameters"]
    assert ssm["Resource"]["Fn::Join"][1][-1] == "::parameter/aws/*"
    assert ssm["Condition"] == {"StringEquals": KEYS_OF_THIS_ACCOUNT}


@pytest.mark.parametrize(
    ("name", "reached"),
    [
        ("IsolatedMore", [ACCOUNT, "222222222222"]),
        ("More", [ACCOUNT, "222222222222"]),
        ("None", [ACCOUNT]),
        ("Any", None),
    ],
)
def test_accounts_are_named(policies: dict[str, Policies], name: str, reached: list[object] | None) -> None:
    """S3's endpoint and those that were asked for lead there; by default, with egress, to any account."""
    for service in ("s3", "logs"):
        conditions = [each["Condition"]["StringEquals"] for each in policies[name][service][:1]]
        assert [each["aws:ResourceAccount"] for each in conditions] == ([reached] if reached else [])
