"""For whom AWS's services may act."""

from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Template

from fargate_constructs import FargateService, FixedEgressNetwork

FOR_THIS_ACCOUNT = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def trust(template: Template, service: str) -> list[dict[str, Any]]:
    """Return the statements by which roles trust a service."""
    roles = template.find_resources("AWS::IAM::Role").values()
    statements = [each for role in roles for each in role["Properties"]["AssumeRolePolicyDocument"]["Statement"]]
    return [each for each in statements if each["Principal"].get("Service") == service]


@pytest.fixture(scope="module")
def template() -> Template:
    """A service with its own two roles, and one with roles that it was given, in a network."""
    stack = Stack(App(), "Test")
    network = FixedEgressNetwork(stack, "Network")
    image = ecs.ContainerImage.from_registry("public.ecr.aws/nginx/nginx:stable")
    own = FargateService(stack, "Own", network=network, image=image)
    given = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))
    FargateService(
        stack, "Given", network=network, image=image, cluster=own.cluster, task_role=given, execution_role=given
    )
    own.task_definition.task_role.assume_role_policy.add_statements(  # type: ignore[attr-defined] # a role made here
        iam.PolicyStatement(actions=["sts:AssumeRole"], principals=[iam.AccountRootPrincipal()])
    )
    return Template.from_stack(stack)


def test_a_tasks_roles(template: Template) -> None:
    """ECS assumes the roles made here for this account alone; a role that was given is its maker's matter."""
    conditions = [each.get("Condition") for each in trust(template, "ecs-tasks.amazonaws.com")]

    assert sorted(conditions, key=bool) == [None, FOR_THIS_ACCOUNT, FOR_THIS_ACCOUNT]


def test_who_else_is_trusted(template: Template) -> None:
    """Whoever is added to a role's trust is trusted as they were added."""
    roles = template.find_resources("AWS::IAM::Role").values()
    [(first, added)] = [
        statements
        for role in roles
        if len(statements := role["Properties"]["AssumeRolePolicyDocument"]["Statement"]) == 2
    ]

    assert first["Condition"] == FOR_THIS_ACCOUNT
    assert "Condition" not in added


def test_the_flow_logs_role(template: Template) -> None:
    """The same holds for what writes the network's flow log."""
    assert [each["Condition"] for each in trust(template, "vpc-flow-logs.amazonaws.com")] == [FOR_THIS_ACCOUNT]


def test_roles_that_are_made_elsewhere(image: ecs.ContainerImage) -> None:
    """Who lets another team make all roles, as `iam.Role.customize_roles` does, gets a report of them and no trust."""
    stack = Stack(App(), "Test")
    iam.Role.customize_roles(stack)
    network = FixedEgressNetwork(stack, "Network")
    FargateService(stack, "Web", network=network, image=image)

    Template.from_stack(stack).resource_count_is("AWS::IAM::Role", 0)
