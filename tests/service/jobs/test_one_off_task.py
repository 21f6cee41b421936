"""A task that runs once: by hand, or before each deployment of a service."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, CfnOutput, Duration, Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_rds as rds
from aws_cdk.assertions import Template

from fargate_constructs import AuditedCluster, Capacity, FargateService, FixedEgressNetwork, OneOffTask, ScheduledTask
from fargate_constructs.network.network import Network
from tests.audit import findings
from tests.modes.made_elsewhere import network_in
from tests.service.jobs.test_scheduled_task import NIGHTLY
from tests.templates import properties

IMAGE = ecs.ContainerImage.from_registry("public.ecr.aws/nginx/nginx:stable")
# Prints what it was called with.
FAKE_AWS = f"#!{sys.executable}\nimport json, sys\nprint(json.dumps(sys.argv[1:]))\n"


def migrated_in(stack: Stack, **parameters: Any) -> OneOffTask:  # noqa: ANN401 - whatever the construct takes
    """Make a service and a task that runs before its deployments."""
    network = FixedEgressNetwork(stack, "Network")
    cluster = AuditedCluster(stack, "Cluster", vpc=network.vpc)
    web = FargateService(stack, "Web", network=network, image=IMAGE, cluster=cluster)
    migrate = OneOffTask(stack, "Migrate", network=network, image=IMAGE, cluster=cluster, **parameters)
    migrate.run_before(web)
    return migrate


@pytest.fixture(scope="module")
def template() -> Template:
    """A migration before a service."""
    stack = Stack(App(), "Test")
    migrated_in(stack)
    return Template.from_stack(stack)


def words_of(command: str, tmp_path: Path) -> list[str]:
    """Return what `aws` is called with when the line is pasted into a shell."""
    (tmp_path / "aws").write_text(FAKE_AWS)
    (tmp_path / "aws").chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["/bin/sh", "-c", command], env={"PATH": path}, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    words: list[str] = json.loads(done.stdout)
    return words


def as_deployed(stack: Stack, command: str) -> str:
    """Return a command line as an output prints it, with each reference as the name it refers to."""
    CfnOutput(stack, "Line", value=command)
    (output,) = Template.from_stack(stack).find_outputs("Line").values()

    def text(part: Any) -> str:  # noqa: ANN401 - a piece of a template
        match part:
            case {"Fn::Join": [separator, parts]}:
                return str(separator).join(map(text, parts))
            case {"Ref": name} | {"Fn::GetAtt": [name, _]}:
                return str(name)
        return str(part)

    return text(output["Value"])


@pytest.mark.parametrize(
    ("parameters", "capacity"),
    [
        ({}, ["--capacity-provider-strategy", "capacityProvider=FARGATE,base=0,weight=100"]),
        (
            {"capacity": Capacity.spot(on_demand_base=0, on_demand_percent=40)},
            [
                "--capacity-provider-strategy",
                "capacityProvider=FARGATE,base=0,weight=40",
                "capacityProvider=FARGATE_SPOT,base=0,weight=60",
            ],
        ),
        ({"cluster": True}, ["--launch-type", "FARGATE"]),
    ],
    ids=["on demand", "spot", "a cluster of one's own"],
)
def test_the_line_runs_the_task_from_a_shell(
    stack: Stack, network: Network, tmp_path: Path, parameters: dict[str, Any], capacity: list[str]
) -> None:
    """As it is printed: quoted once, private, in this stack's last revision."""
    if "cluster" in parameters:
        parameters = {"cluster": ecs.Cluster(stack, "Cluster", vpc=network.vpc)}
    task = OneOffTask(stack, "Migrate", network=network, image=IMAGE, **parameters)

    words = words_of(as_deployed(stack, task.run_command), tmp_path)

    network_at = words.index("--network-configuration") + 1
    configuration = json.loads(words[network_at])["awsvpcConfiguration"]
    assert words[:3] == ["ecs", "run-task", "--cluster"]
    definition = stack.resolve(task.task_definition.task_definition_arn)["Ref"]
    assert words[4:network_at] == ["--task-definition", definition, *capacity, words[network_at - 1]]
    assert words[network_at + 1 :] == ["--enable-ecs-managed-tags", "--propagate-tags", "TASK_DEFINITION"]
    assert configuration["assignPublicIp"] == "DISABLED"
    assert configuration["subnets"] == [subnet.subnet_id for subnet in network.task_subnets]
    assert len(configuration["securityGroups"]) == 1


def test_a_scheduled_task_can_be_run_by_hand_too(stack: Stack, network: Network) -> None:
    """By a line of the same kind."""
    task = ScheduledTask(stack, "Report", network=network, image=IMAGE, schedule=NIGHTLY)

    definition = stack.resolve(task.task_definition.task_definition_arn)["Ref"]
    assert f"--task-definition {definition} " in as_deployed(stack, task.run_command)


def test_without_run_before_nothing_is_made_but_the_task(stack: Stack, network: Network) -> None:
    """No function and no service."""
    OneOffTask(stack, "Migrate", network=network, image=IMAGE)

    template = Template.from_stack(stack)
    template.resource_count_is("Custom::RunBeforeDeployment", 0)
    template.resource_count_is("AWS::ECS::Service", 0)
    template.resource_count_is("AWS::ECS::TaskDefinition", 1)


def test_the_service_waits_for_the_run(template: Template) -> None:
    """And the run for what its task needs; only another task definition makes it run again."""
    ((run_id, run),) = template.find_resources("Custom::RunBeforeDeployment").items()
    (service,) = template.find_resources("AWS::ECS::Service").values()

    assert run_id in service["DependsOn"]
    assert set(run["Properties"]) == {"ServiceToken", "ServiceTimeout", "TaskDefinition"}
    assert "MigrateTaskDefinition" in run["Properties"]["TaskDefinition"]["Ref"]
    assert run["Properties"]["ServiceTimeout"] == "2400"
    for needed in ("HandOver", "ExecutionRole", "TaskRole", "SecurityGroup", "TasksSubnet1DefaultRoute"):
        assert any(needed in each for each in run["DependsOn"]), needed


def test_the_function_knows_how_to_run_the_task(template: Template) -> None:
    """It asks for what the schedule and the line ask for."""
    (function,) = properties(template, "AWS::Lambda::Function", {"Description": "Runs a task before deployments"})
    variables = function["Environment"]["Variables"]
    request = json.loads(
        "".join(part if isinstance(part, str) else "x" for part in variables["REQUEST"]["Fn::Join"][1])
    )

    assert function["Timeout"] == 900
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


def test_several_services_wait_for_one_run(stack: Stack, network: Network) -> None:
    """The task runs once for all of them."""
    migrate = OneOffTask(stack, "Migrate", network=network, image=IMAGE, timeout=Duration.minutes(50))
    services = [FargateService(stack, name, network=network, image=IMAGE) for name in ("Web", "Api")]

    first, second = (migrate.run_before(service) for service in services)

    template = Template.from_stack(stack)
    ((run_id, run),) = template.find_resources("Custom::RunBeforeDeployment").items()
    assert first is second
    assert run["Properties"]["ServiceTimeout"] == "3600"
    assert all(run_id in each["DependsOn"] for each in template.find_resources("AWS::ECS::Service").values())


@pytest.mark.parametrize("has_stacks", [False, True], ids=["one stack", "three stacks"])
def test_the_run_can_wait_for_a_database(has_stacks: bool) -> None:  # noqa: FBT001 - a parameter
    """And for the rule that lets the task in, which stands in the task's stack, wherever the database is."""
    app = App()
    base = Stack(app, "Base")
    network = FixedEgressNetwork(base, "Network")
    data, shop = (Stack(app, "Data"), Stack(app, "Shop")) if has_stacks else (base, base)
    migrate = OneOffTask(shop, "Migrate", network=network, image=IMAGE)
    web = FargateService(shop, "Web", network=network, image=IMAGE)
    database = rds.DatabaseInstance(data, "Database", engine=rds.DatabaseInstanceEngine.POSTGRES, vpc=network.vpc)

    migrate.connect_to(database)
    migrate.run_before(web)

    template = Template.from_stack(shop)
    (run,) = template.find_resources("Custom::RunBeforeDeployment").values()
    (rule,) = template.find_resources("AWS::EC2::SecurityGroupIngress")
    needed = template.find_resources("AWS::ECS::TaskDefinition")[run["Properties"]["TaskDefinition"]["Ref"]][
        "DependsOn"
    ]
    assert rule in needed
    if has_stacks:
        assert data in shop.dependencies
        assert data.dependencies == [base]
    else:
        assert any(each.startswith("Database") for each in needed)


def test_a_service_in_another_stack_waits() -> None:
    """Its stack is deployed after the task's, and nothing of it is known there."""
    app = App()
    tasks, services = Stack(app, "Tasks"), Stack(app, "Services")
    network = network_in(tasks)
    cluster = ecs.Cluster(tasks, "Cluster", vpc=network.vpc, container_insights_v2=ecs.ContainerInsights.ENABLED)
    migrate = OneOffTask(tasks, "Migrate", network=network, image=IMAGE, cluster=cluster)
    web = FargateService(services, "Web", network=network, image=IMAGE)

    migrate.run_before(web)

    app.synth()
    assert tasks in services.dependencies
    assert services not in tasks.dependencies
    assert findings(app) == []


def test_the_function_does_not_know_the_environment(stack: Stack) -> None:
    """It gets names of resources, not the task's variables."""
    migrated_in(stack, environment={"TOKEN": "visible"})

    functions = [each for each in properties(stack, "AWS::Lambda::Function") if "Environment" in each]
    (variables,) = (each["Environment"]["Variables"] for each in functions if "REQUEST" in str(each))
    assert variables.keys() == {"REQUEST", "CONTAINER", "LOG_GROUP", "TIMEOUT_SECONDS"}
    assert "MigrateLogs" in variables["LOG_GROUP"]["Ref"]
    assert "visible" not in str(functions)
