"""Whose resources tasks reach through VPC endpoints, and with whose keys."""

import re
from collections.abc import Sequence
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk.assertions import Template

from fargate_constructs import Egress, FixedEgressNetwork, VpcEndpoints

ACCOUNT = {"Ref": "AWS::AccountId"}
KEYS_OF_THIS_ACCOUNT = {"aws:PrincipalAccount": ACCOUNT}


def statements_of(template: Template) -> dict[str, list[dict[str, Any]]]:
    """Return the statements of each endpoint's policy, by service; none of one without a policy."""
    return {
        each["Properties"]["ServiceName"]["Fn::Join"][1][-1].removeprefix("."): each["Properties"]
        .get("PolicyDocument", {})
        .get("Statement", [])
        for each in template.find_resources("AWS::EC2::VPCEndpoint").values()
    }


def network_with(egress: Egress, resource_accounts: Sequence[str] | None) -> Template:
    """Return the template of a network with an endpoint for CloudWatch Logs at least."""
    stack = Stack(App(), "Test")
    FixedEgressNetwork(
        stack, "Network", egress=egress, endpoints=[VpcEndpoints.logs], resource_accounts=resource_accounts
    )
    return Template.from_stack(stack)


@pytest.fixture(scope="module")
def isolated() -> dict[str, list[dict[str, Any]]]:
    """The policies of an isolated network."""
    return statements_of(network_with(Egress.isolated(), None))


def test_isolated_tasks_reach_this_account_alone(isolated: dict[str, list[dict[str, Any]]]) -> None:
    """With its keys, to its resources; ECS's agent's endpoint supports no policy."""
    assert {service for service, statements in isolated.items() if not statements} == {"ecs-agent"}
    for statements in filter(None, isolated.values()):
        assert statements[0] == {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "*",
            "Resource": "*",
            "Condition": {"StringEquals": {**KEYS_OF_THIS_ACCOUNT, "aws:ResourceAccount": [ACCOUNT]}},
        }


def test_what_is_aws_own_is_read(isolated: dict[str, list[dict[str, Any]]]) -> None:
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
    ("egress", "resource_accounts", "reached"),
    [
        (Egress.isolated(), ["222222222222"], [ACCOUNT, "222222222222"]),
        (Egress.per_az(), ["222222222222"], [ACCOUNT, "222222222222"]),
        (Egress.nat_instance(), [], [ACCOUNT]),
        (Egress.per_az(), None, None),
    ],
    ids=["isolated", "per-az", "none", "any"],
)
def test_accounts_are_named(egress: Egress, resource_accounts: list[str] | None, reached: list[object] | None) -> None:
    """S3's endpoint and those that were asked for lead there; by default, with egress, to any account."""
    statements = statements_of(network_with(egress, resource_accounts))

    for service in ("s3", "logs"):
        conditions = [each.get("Condition", {}).get("StringEquals", {}) for each in statements[service][:1]]
        assert [each["aws:ResourceAccount"] for each in conditions] == ([reached] if reached else [])


def test_what_is_no_account_is_refused(stack: Stack) -> None:
    """The message has an example."""
    with pytest.raises(ValueError, match=r"resource_accounts must hold IDs of accounts, .*, got: 'prod'"):
        FixedEgressNetwork(stack, "Network", resource_accounts=["prod"])
    assert stack.node.try_find_child("Network") is None
