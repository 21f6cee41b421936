"""Lines to any destination of Fluent Bit: what the task gets, what is secret, and what is refused."""

import re
from collections.abc import Mapping
from typing import Any

import pytest
from aws_cdk import Environment, SecretValue, Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk.assertions import Template

from fargate_constructs import FargateService, FireLens
from fargate_constructs._core import fluent_bit as bit
from fargate_constructs.network.network import Network
from fargate_constructs.service.fargate_task import FargateTask
from tests.audit import findings
from tests.modes.made_elsewhere import IMAGE
from tests.shared_stack import Part, Steps, in_shared_stack
from tests.templates import properties

SECRET = ecs.Secret.from_secrets_manager(secretsmanager.Secret(Stack(), "Secret"))
TOKEN = SecretValue.secrets_manager("token").unsafe_unwrap()


def containers_of(part: Part, task: FargateTask) -> dict[str, dict[str, Any]]:
    """Return the containers of a task by name."""
    return named(part.of(task.task_definition))


def named(task: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the containers in a task definition's properties by name."""
    return {each["Name"]: each for each in task["ContainerDefinitions"]}


def test_lines_go_there(stack: Stack, network: Network) -> None:
    """Of all containers, by one router of a pinned image, with a limit and a check, that starts first and ends last."""
    secret = secretsmanager.Secret(stack, "Key", encryption_key=kms.Key(stack, "OwnKey", enable_key_rotation=True))
    router = FireLens.to(
        "datadog",
        options={"Host": "http-intake.logs.datadoghq.eu", "TLS": "on"},
        secret_options={"apikey": ecs.Secret.from_secrets_manager(secret)},
        config="[FILTER]\n    Name grep\n    Match *\n    Exclude log health\n",
    )
    web = FargateService(
        stack, "Web", network=network, image=IMAGE, log_router=router, log_retention=logs.RetentionDays.ONE_WEEK
    )
    web.add_sidecar("proxy", image=IMAGE)

    (task,) = properties(stack, "AWS::ECS::TaskDefinition")
    fluent_bit, main, proxy = named(task).values()
    assert (fluent_bit["Name"], fluent_bit["Image"], fluent_bit["Memory"]) == ("LogRouter", bit.IMAGE, 256)
    assert fluent_bit["HealthCheck"]["Command"][1].startswith("curl ")
    assert fluent_bit["FirelensConfiguration"]["Options"]["enable-ecs-log-metadata"] == "true"
    (config,) = (each["Value"] for each in fluent_bit["Environment"])
    assert config == f"{bit.SERVICE}\n[FILTER]\n    Name grep\n    Match *\n    Exclude log health\n"
    # Its own log is in the task's group.
    assert fluent_bit["LogConfiguration"]["Options"]["awslogs-group"] == stack.resolve(web.log_group.log_group_name)
    arn = stack.resolve(secret.secret_arn)
    for container in (main, proxy):
        assert container["LogConfiguration"] == {
            "LogDriver": "awsfirelens",
            "Options": {"Name": "datadog", "Host": "http-intake.logs.datadoghq.eu", "TLS": "on"},
            "SecretOptions": [{"Name": "apikey", "ValueFrom": arn}],
        }
        assert {"Condition": "HEALTHY", "ContainerName": "LogRouter"} in container["DependsOn"]
    actions = [
        each["Action"]
        for policy in Template.from_stack(stack).find_resources("AWS::IAM::Policy").values()
        for each in policy["Properties"]["PolicyDocument"]["Statement"]
    ]
    assert actions == [["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"], "kms:Decrypt"]
    assert [each for each in findings(stack.node.root) if "Web" in str(each)] == []


@in_shared_stack
@pytest.mark.parametrize(
    ("router", "options"),
    [
        (FireLens.to("kinesis_firehose", options={"delivery_stream": "x"}), {"region": {"Ref": "AWS::Region"}}),
        (FireLens.to("s3", options={"Region": "eu-west-1"}), {"Region": "eu-west-1"}),
        (FireLens.to("loki", options={"host": "loki.example.com"}), {"host": "loki.example.com"}),
    ],
)
def test_the_region_of_an_output_to_aws(part: Part, router: FireLens, options: dict[str, object]) -> Steps:
    """Is the stack's, unless it is given; other outputs have none."""
    web = part.make(FargateTask, "Web", log_router=router)
    yield
    found = containers_of(part, web)["web"]["LogConfiguration"]["Options"]
    assert {name: value for name, value in found.items() if name.lower() in ("region", "host")} == options


@in_shared_stack
def test_a_log_group_and_an_image_of_ones_own(part: Part) -> Steps:
    """The group gets the router's log."""
    lines = logs.LogGroup.from_log_group_name(part, "Lines", "shop")
    mirror = ecs.ContainerImage.from_registry("123456789012.dkr.ecr.eu-west-1.amazonaws.com/fluent-bit:3.4.8")
    router = FireLens.to("stdout", image=mirror)
    web = part.make(FargateTask, "Web", log_group=lines, log_router=router)
    yield
    fluent_bit = containers_of(part, web)["LogRouter"]
    assert fluent_bit["Image"].endswith("/fluent-bit:3.4.8")
    assert fluent_bit["LogConfiguration"]["Options"]["awslogs-group"] == "shop"


@in_shared_stack
def test_a_container_of_ones_own(part: Part) -> Steps:
    """Any task definition takes its driver; then the router has no log."""
    task = ecs.FargateTaskDefinition(part, "Task")
    task.add_container("web", image=IMAGE, logging=FireLens.to("stdout").driver(task))
    yield
    containers = named(part.of(task))
    assert "LogConfiguration" not in containers["LogRouter"]
    assert containers["web"]["LogConfiguration"]["Options"] == {"Name": "stdout"}


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("Data Dog", {}, "name must be that of an output of Fluent Bit, such as 'datadog', got: 'Data Dog'"),
        ("loki", {"options": {"NAME": "loki"}}, "options must be left without 'NAME', which is the first argument"),
        (
            "datadog",
            {"options": {"ApiKey": "x"}},
            "got 'ApiKey'; pass it as secret_options={'ApiKey': ecs.Secret.from_secrets_manager(...)}",
        ),
        (
            "loki",
            {
                "options": {"host": "a"},
                "secret_options": {"Host": ecs.Secret.from_secrets_manager(secretsmanager.Secret(Stack(), "S"))},
            },
            "must not share a setting, got in both: host",
        ),
        (
            "loki",
            {"config": "[FILTER]\n    Name parser\n  [multiline_parser]\n    Name java\n"},
            "got: [multiline_parser]; name a file of the image in [SERVICE]: Parsers_File /fluent-bit/parsers/",
        ),
    ],
)
def test_what_is_refused(name: str, arguments: dict[str, Any], message: str) -> None:
    """The message says what to change."""
    with pytest.raises(ValueError, match=re.escape(message)):
        FireLens.to(name, **arguments)


@in_shared_stack
def test_a_resource_of_a_stack_with_an_account_and_a_region(part: Part) -> Steps:
    """Can be named in the options, also from another stack."""
    env = Environment(account="123456789012", region="eu-west-1")
    shop, data = (Stack(part.app, name, env=env) for name in ("Shop", "Data"))
    tasks: dict[str, ecs.FargateTaskDefinition] = {}
    for owner, reference in ((shop, "Ref"), (data, "Fn::ImportValue")):
        stream = kinesis.Stream(owner, "Lines")
        router = FireLens.to("kinesis_streams", options={"stream": stream.stream_name})
        tasks[reference] = ecs.FargateTaskDefinition(shop, f"Task{len(tasks)}")
        tasks[reference].add_container("web", image=IMAGE, logging=router.driver(tasks[reference]))
    yield
    for reference, task in tasks.items():
        assert named(part.of(task))["web"]["LogConfiguration"]["Options"]["stream"].keys() == {reference}


def test_the_token_of_a_secret(untouched: Stack, refusing_network: Network) -> None:
    """Is refused as an option where the task is known: any text may hold one."""
    router = FireLens.to("http", options={"header": f"X-Key {TOKEN}"})

    with pytest.raises(ValueError, match="options must not hold secrets, got 'header'; pass it as secret_options="):
        FargateService(untouched, "Web", network=refusing_network, image=IMAGE, log_router=router)
