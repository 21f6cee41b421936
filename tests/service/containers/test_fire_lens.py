"""Lines to any destination of Fluent Bit: what the task gets, what is secret, and what is refused."""

import re
from typing import Any

import pytest
from aws_cdk import App, Environment, SecretValue, Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk.assertions import Template

from fargate_constructs import FargateService, FireLens
from fargate_constructs._core.fluent_bit import IMAGE, SERVICE
from fargate_constructs.network.network import Network
from tests.audit import findings
from tests.templates import properties

SECRET = ecs.Secret.from_secrets_manager(secretsmanager.Secret(Stack(), "Secret"))
TOKEN = SecretValue.secrets_manager("token").unsafe_unwrap()


def containers_of(stack: Stack) -> dict[str, dict[str, Any]]:
    """Return the containers of the stack's one task by name."""
    (task,) = properties(stack, "AWS::ECS::TaskDefinition")
    return {each["Name"]: each for each in task["ContainerDefinitions"]}


def test_lines_go_there(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """Of all containers, by one router of a pinned image, with a limit and a check, that starts first and ends last."""
    secret = secretsmanager.Secret(stack, "Key", encryption_key=kms.Key(stack, "OwnKey", enable_key_rotation=True))
    router = FireLens.to(
        "datadog",
        options={"Host": "http-intake.logs.datadoghq.eu", "TLS": "on"},
        secret_options={"apikey": ecs.Secret.from_secrets_manager(secret)},
        config="[FILTER]\n    Name grep\n    Match *\n    Exclude log health\n",
    )
    web = FargateService(
        stack, "Web", network=network, image=image, log_router=router, log_retention=logs.RetentionDays.ONE_WEEK
    )
    web.add_sidecar("proxy", image=image)

    fluent_bit, main, proxy = containers_of(stack).values()
    assert (fluent_bit["Name"], fluent_bit["Image"], fluent_bit["Memory"]) == ("LogRouter", IMAGE, 256)
    assert fluent_bit["HealthCheck"]["Command"][1].startswith("curl ")
    assert fluent_bit["FirelensConfiguration"]["Options"]["enable-ecs-log-metadata"] == "true"
    (config,) = (each["Value"] for each in fluent_bit["Environment"])
    assert config == f"{SERVICE}\n[FILTER]\n    Name grep\n    Match *\n    Exclude log health\n"
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


@pytest.mark.parametrize(
    ("router", "options"),
    [
        (FireLens.to("kinesis_firehose", options={"delivery_stream": "x"}), {"region": {"Ref": "AWS::Region"}}),
        (FireLens.to("s3", options={"Region": "eu-west-1"}), {"Region": "eu-west-1"}),
        (FireLens.to("loki", options={"host": "loki.example.com"}), {"host": "loki.example.com"}),
    ],
)
def test_the_region_of_an_output_to_aws(
    stack: Stack, network: Network, image: ecs.ContainerImage, router: FireLens, options: dict[str, object]
) -> None:
    """Is the stack's, unless it is given; other outputs have none."""
    FargateService(stack, "Web", network=network, image=image, log_router=router)

    found = containers_of(stack)["web"]["LogConfiguration"]["Options"]
    assert {name: value for name, value in found.items() if name.lower() in ("region", "host")} == options


def test_a_log_group_and_an_image_of_ones_own(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """The group gets the router's log."""
    lines = logs.LogGroup.from_log_group_name(stack, "Lines", "shop")
    mirror = ecs.ContainerImage.from_registry("123456789012.dkr.ecr.eu-west-1.amazonaws.com/fluent-bit:3.4.8")
    router = FireLens.to("stdout", image=mirror)
    FargateService(stack, "Web", network=network, image=image, log_group=lines, log_router=router)

    fluent_bit = containers_of(stack)["LogRouter"]
    assert fluent_bit["Image"].endswith("/fluent-bit:3.4.8")
    assert fluent_bit["LogConfiguration"]["Options"]["awslogs-group"] == "shop"


def test_a_container_of_ones_own(stack: Stack, image: ecs.ContainerImage) -> None:
    """Any task definition takes its driver; then the router has no log."""
    task = ecs.FargateTaskDefinition(stack, "Task")
    task.add_container("web", image=image, logging=FireLens.to("stdout").driver(task))

    assert "LogConfiguration" not in containers_of(stack)["LogRouter"]
    assert containers_of(stack)["web"]["LogConfiguration"]["Options"] == {"Name": "stdout"}


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


@pytest.mark.parametrize("owner", ["Shop", "Data"])
def test_a_resource_of_a_stack_with_an_account_and_a_region(owner: str, image: ecs.ContainerImage) -> None:
    """Can be named in the options, also from another stack."""
    app, env = App(), Environment(account="123456789012", region="eu-west-1")
    stacks = {name: Stack(app, name, env=env) for name in ("Shop", "Data")}
    stack, stream = stacks["Shop"], kinesis.Stream(stacks[owner], "Lines")
    router = FireLens.to("kinesis_streams", options={"stream": stream.stream_name})

    task = ecs.FargateTaskDefinition(stack, "Task")
    task.add_container("web", image=image, logging=router.driver(task))

    app.synth()
    options = containers_of(stack)["web"]["LogConfiguration"]["Options"]
    assert options["stream"].keys() == {"Ref" if owner == "Shop" else "Fn::ImportValue"}


def test_the_token_of_a_secret(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """Is refused as an option where the task is known: any text may hold one."""
    router = FireLens.to("http", options={"header": f"X-Key {TOKEN}"})

    with pytest.raises(ValueError, match="options must not hold secrets, got 'header'; pass it as secret_options="):
        FargateService(stack, "Web", network=network, image=image, log_router=router)
