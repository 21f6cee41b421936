"""A task that runs once: by hand, or before each deployment of a service."""

import json
import subprocess
from typing import Any

import pytest
from aws_cdk import App, Duration, Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk.assertions import Template

from fargate_constructs import AuditedCluster, Capacity, FargateService, FixedEgressNetwork, OneOffTask
from tests.audit import findings
from tests.modes.made_elsewhere import IMAGE
from tests.shared_stack import Part, Steps, in_shared_stack
from tests.templates import properties

RUN = "Custom::RunBeforeDeployment"
# Prints each word that it was called with in a line.
FAKE_AWS = "aws() { printf '%s\\n' \"$@\"; }"


@pytest.fixture(scope="module")
def template() -> Template:
    """A migration before a service."""
    stack = Stack(App(), "Test")
    network = FixedEgressNetwork(stack, "Network")
    cluster = AuditedCluster(stack, "Cluster", vpc=network.vpc)
    common: dict[str, Any] = {"network": network, "image": IMAGE, "cluster": cluster}
    migrate = OneOffTask(stack, "Migrate", **common, environment={"TOKEN": "visible"})
    migrate.run_before(FargateService(stack, "Web", **common))
    return Template.from_stack(stack)


def text(value: Any) -> str:  # noqa: ANN401 - a piece of a template
    """Return a text with each reference as the name that it refers to."""
    match value:
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(map(text, parts))
        case {"Ref": name} | {"Fn::GetAtt": [name, _]}:
            return str(name)
    return str(value)


@in_shared_stack
def test_the_line_runs_the_task_from_a_shell(part: Part) -> Steps:
    """As it is printed: quoted once, private, in this stack's last revision."""
    spot = Capacity.spot(on_demand_base=0, on_demand_percent=40)
    tasks = {
        part.make(OneOffTask, "OnDemand", cluster=None): ["capacityProvider=FARGATE,base=0,weight=100"],
        part.make(OneOffTask, "Spot", cluster=None, capacity=spot): [
            "capacityProvider=FARGATE,base=0,weight=40",
            "capacityProvider=FARGATE_SPOT,base=0,weight=60",
        ],
        part.make(OneOffTask, "InOwnCluster"): [],
    }
    yield
    for task, strategy in tasks.items():
        line = f"{FAKE_AWS}; {text(part.resolve(task.run_command))}"
        words = subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, check=True).stdout.splitlines()
        network_at = words.index("--network-configuration") + 1
        configuration = json.loads(words[network_at])["awsvpcConfiguration"]
        capacity = ["--capacity-provider-strategy", *strategy] if strategy else ["--launch-type", "FARGATE"]
        assert words[:3] == ["ecs", "run-task", "--cluster"]
        definition = part.resolve(task.task_definition.task_definition_arn)["Ref"]
        assert words[4 : network_at - 1] == ["--task-definition", definition, *capacity]
        assert words[network_at + 1 :] == ["--enable-ecs-managed-tags", "--propagate-tags", "TASK_DEFINITION"]
        assert configuration["assignPublicIp"] == "DISABLED"
        assert configuration["subnets"] == [subnet.subnet_id for subnet in part.network.task_subnets]
        assert len(configuration["securityGroups"]) == 1


@in_shared_stack
def test_without_run_before_nothing_is_made_but_the_task(part: Part) -> Steps:
    """No function and no service."""
    part.make(OneOffTask, "Migrate")
    yield
    counts = {RUN: 0, "AWS::Lambda::Function": 0, "AWS::ECS::Service": 0, "AWS::ECS::TaskDefinition": 1}
    assert {type_: len(part.resources(type_)) for type_ in counts} == counts


def test_the_service_waits_for_the_run(template: Template) -> None:
    """And the run for what its task needs; only another task definition makes it run again."""
    ((run_id, run),) = template.find_resources(RUN).items()
    (service,) = template.find_resources("AWS::ECS::Service").values()

    assert run_id in service["DependsOn"]
    assert set(run["Properties"]) == {"ServiceToken", "ServiceTimeout", "TaskDefinition"}
    assert "MigrateTaskDefinition" in run["Properties"]["TaskDefinition"]["Ref"]
    assert run["Properties"]["ServiceTimeout"] == "2400"
    for needed in ("HandOver", "ExecutionRole", "TaskRole", "SecurityGroup", "TasksSubnet1DefaultRoute"):
        assert any(needed in each for each in run["DependsOn"]), needed


def test_the_function_knows_how_to_run_the_task(template: Template) -> None:
    """It asks for what the schedule and the line ask for; it gets names of resources, not the task's variables."""
    (function,) = properties(template, "AWS::Lambda::Function", {"Description": "Runs a task before deployments"})
    variables = function["Environment"]["Variables"]
    request = json.loads(
        "".join(part if isinstance(part, str) else "x" for part in variables["REQUEST"]["Fn::Join"][1])
    )

    assert function["Timeout"] == 900
    assert variables.keys() == {"REQUEST", "CONTAINER", "LOG_GROUP", "TIMEOUT_SECONDS"}
    assert "MigrateLogs" in variables["LOG_GROUP"]["Ref"]
    assert "visible" not in str(properties(template, "AWS::Lambda::Function"))
    assert variables["CONTAINER"] == "migrate"
    assert variables["TIMEOUT_SECONDS"] == "1800"
    assert request == {
        "cluster": "x",
        "networkConfiguration": {
            "awsvpcConfiguration": {"subnets": ["x", "x"], "securityGroups": ["x"], "assignPublicIp": "DISABLED"}
        },
        "capacityProviderStrategy": [{"capacityProvider": "FARGATE", "base": 0, "weight": 100}],
        "enableECSManagedTags": True,
        "propagateTags": "TASK_DEFINITION",
    }


def test_the_function_may_run_and_stop_this_task(template: Template) -> None:
    """In its cluster; it may also read its own stack's status, and invoke itself."""
    by_action = {
        str(statement["Action"]): statement
        for policy in properties(template, "AWS::IAM::Policy")
        if "MigrateRun" in policy["PolicyName"]
        for statement in policy["PolicyDocument"]["Statement"]
    }
    (cluster,) = template.find_resources("AWS::ECS::Cluster")

    follow = "['ecs:DescribeTasks', 'ecs:StopTask']"
    assert by_action.keys() == {
        *("['logs:CreateLogStream', 'logs:PutLogEvents']", "ecs:RunTask", "ecs:TagResource", "iam:PassRole", follow),
        *("cloudformation:DescribeStacks", "lambda:InvokeFunction"),
    }
    for action in ("ecs:RunTask", follow):
        assert by_action[action]["Condition"] == {"ArnEquals": {"ecs:cluster": {"Fn::GetAtt": [cluster, "Arn"]}}}
    passed = by_action["iam:PassRole"]["Condition"]
    assert passed == {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    assert by_action["cloudformation:DescribeStacks"]["Resource"] == {"Ref": "AWS::StackId"}
    assert "MigrateRunFunction" in by_action["lambda:InvokeFunction"]["Resource"]["Fn::GetAtt"][0]


@in_shared_stack
def test_several_services_wait_for_one_run(part: Part) -> Steps:
    """The task runs once for all of them."""
    migrate = part.make(OneOffTask, "Migrate", timeout=Duration.minutes(50))
    first, second = (migrate.run_before(part.service(name)) for name in ("Web", "Api"))
    assert first is second
    yield
    ((run_id, run),) = part.resources(RUN).items()
    assert run["Properties"]["ServiceTimeout"] == "3600"
    assert all(run_id in each["DependsOn"] for each in part.resources("AWS::ECS::Service").values())


@in_shared_stack
def test_a_service_in_another_stack_waits(part: Part) -> Steps:
    """Its stack is deployed after the task's, and nothing of it is known there."""
    services = part.other_stack("Services")
    cluster = ecs.Cluster(part, "Cluster", vpc=part.network.vpc, container_insights_v2=ecs.ContainerInsights.ENABLED)
    migrate = part.make(OneOffTask, "Migrate", cluster=cluster)
    migrate.run_before(part.service("Web", scope=services, cluster=None))
    yield
    part.template()
    assert part.stack in services.dependencies
    assert services not in part.stack.dependencies
    assert [*findings(part), *findings(services)] == []
