"""The collector of OpenTelemetry: what it gets, what it may do, and what the application gets."""

import json
import re
from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_aps as aps
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ssm as ssm

from fargate_constructs import FargateService, Metrics, ScheduledTask
from fargate_constructs.network.network import Network
from fargate_constructs.service.containers.opentelemetry import CONFIG, IMAGE, SEND_TRACES
from fargate_constructs.service.fargate_task import FargateTask
from fargate_constructs.synthesized.intrinsics import as_text
from tests.audit import findings
from tests.modes.jobs import NIGHTLY
from tests.service.test_refusals import WINDOWS
from tests.shared_stack import Part, Steps, in_shared_stack


def web_in(part: Part) -> FargateTask:
    """Make a task that names itself, and is otherwise as by default."""
    return part.make(FargateTask, "Web", environment={"OTEL_SERVICE_NAME": "shop"})


def containers_of(part: Part) -> dict[str, dict[str, Any]]:
    """Return the containers of the test's one task by name."""
    (task,) = part.properties("AWS::ECS::TaskDefinition")
    return {each["Name"]: each for each in task["ContainerDefinitions"]}


def environment_of(part: Part, container: str) -> dict[str, str]:
    """Return a container's variables."""
    return {each["Name"]: as_text(each["Value"]) for each in containers_of(part)[container].get("Environment", [])}


def config_of(part: Part) -> dict[str, Any]:
    """Return the collector's configuration; JSON is YAML, too."""
    config: dict[str, Any] = json.loads(environment_of(part, "opentelemetry")[CONFIG])
    return config


def permissions(part: Part) -> dict[str, str]:
    """Return what the policies of roles allow: for the first action of each statement, where."""
    return {
        next(iter(each["Action"])) if isinstance(each["Action"], list) else each["Action"]: as_text(each["Resource"])
        for policy in part.properties("AWS::IAM::Policy")
        for each in policy["PolicyDocument"]["Statement"]
    }


@in_shared_stack
def test_the_collector(part: Part) -> Steps:
    """The application does not depend on it: it starts without it, goes on if it ends, and is not starved by it."""
    assert web_in(part).add_opentelemetry().container_name == "opentelemetry"
    yield
    main, collector = containers_of(part).values()
    assert re.fullmatch(r".*:v\d+\.\d+\.\d+", IMAGE)
    assert (collector["Image"], collector["Essential"], collector["Memory"]) == (IMAGE, False, 256)
    assert collector["RestartPolicy"] == {"Enabled": True}
    assert collector["HealthCheck"]["Command"] == ["CMD", "/healthcheck"]
    assert main["DependsOn"] == [{"Condition": "START", "ContainerName": "opentelemetry"}]
    assert findings(part) == []


@in_shared_stack
def test_the_application_finds_it(part: Part) -> Steps:
    """By OpenTelemetry's own variables; those that the application has stay as they are."""
    web_in(part).add_opentelemetry()
    yield
    assert environment_of(part, "web") == {
        "OTEL_SERVICE_NAME": "shop",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_LOGS_EXPORTER": "none",
    }
    receivers = config_of(part)["receivers"]
    assert receivers["otlp"]["protocols"]["http"]["endpoint"] == "127.0.0.1:4318"
    # X-Ray's SDKs: https://docs.aws.amazon.com/xray/latest/devguide/xray-daemon-configuration.html
    assert (receivers["awsxray"]["transport"], receivers["awsxray"]["endpoint"]) == ("udp", "127.0.0.1:2000")


@in_shared_stack
def test_what_the_l2_construct_added_stays(part: Part) -> Steps:
    """ECS refuses a variable that is also a secret."""
    web = web_in(part)
    secret = ecs.Secret.from_secrets_manager(secretsmanager.Secret(part, "Protocol"))
    web.container.add_environment("OTEL_LOGS_EXPORTER", "otlp")
    web.container.add_secret("OTEL_EXPORTER_OTLP_PROTOCOL", secret)
    web.add_opentelemetry()
    yield
    assert environment_of(part, "web") == {
        "OTEL_SERVICE_NAME": "shop",
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318",
    }


def pipelines(config: dict[str, Any]) -> dict[str, list[str]]:
    """Return the exporters of each pipeline, after a check that it has what is configured, and nothing else."""
    found = config["service"]["pipelines"]
    for kind in ("receivers", "processors", "exporters"):
        assert {name for each in found.values() for name in each[kind]} == config[kind].keys()
    assert set(config["service"]["extensions"]) == config["extensions"].keys()
    return {name: each["exporters"] for name, each in found.items()}


@in_shared_stack
def test_metrics_of_cloudwatch(part: Part) -> Steps:
    """In the task's namespace by default, through a log group of their own."""
    web_in(part).add_opentelemetry()
    yield
    config = config_of(part)
    assert pipelines(config) == {"traces": ["awsxray"], "metrics": ["awsemf"]}
    assert config["exporters"]["awsemf"]["namespace"] == "web"
    assert re.fullmatch(r"\$\{\w+WebMetrics\w+\}", group := config["exporters"]["awsemf"]["log_group_name"])
    granted = permissions(part)
    assert (granted[SEND_TRACES[0]], granted["logs:CreateLogStream"]) == ("*", f"{group[:-1]}.Arn}}")


@in_shared_stack
def test_metrics_through_a_log_group_of_ones_own(part: Part) -> Steps:
    """None is made then; an imported one is taken, too."""
    web = web_in(part)
    group = logs.LogGroup.from_log_group_name(part, "Lines", "shop-metrics")
    web.add_opentelemetry(metrics=Metrics.cloudwatch(namespace="Shop", log_group=group))
    yield
    exporter = config_of(part)["exporters"]["awsemf"]
    assert (exporter["namespace"], exporter["log_group_name"]) == ("Shop", "shop-metrics")
    assert permissions(part)["logs:CreateLogStream"].endswith(":log-group:shop-metrics:*")
    assert web.node.try_find_child("Metrics") is None
    assert findings(part) == []


@in_shared_stack
@pytest.mark.parametrize("is_made_here", [True, False])
def test_metrics_of_prometheus(part: Part, is_made_here: bool) -> Steps:  # noqa: FBT001 - a parameter of the test
    """To the workspace's own address, also if only the deployment knows it; to that workspace only."""
    workspace = aps.CfnWorkspace(part, "Workspace")
    workspace.override_logical_id(f"Workspace{is_made_here}")
    arn = "arn:aws:aps:eu-west-1:123456789012:workspace/ws-1234"
    web_in(part).add_opentelemetry(metrics=Metrics.prometheus(workspace.attr_arn if is_made_here else arn))
    yield
    text = environment_of(part, "opentelemetry")[CONFIG]
    assert permissions(part)["aps:RemoteWrite"] == ("${WorkspaceTrue.Arn}" if is_made_here else arn)
    if is_made_here:
        assert '"Fn::Select": [3, {"Fn::Split": [":", {"Fn::GetAtt": ["WorkspaceTrue", "Arn"]}]}]' in text  # the region
        return
    config = json.loads(text)
    assert pipelines(config) == {"traces": ["awsxray"], "metrics": ["prometheusremotewrite"]}
    assert config["extensions"]["sigv4auth"] == {"region": "eu-west-1", "service": "aps"}
    endpoint = "https://aps-workspaces.eu-west-1.${AWS::URLSuffix}/workspaces/ws-1234/api/v1/remote_write"
    assert config["exporters"]["prometheusremotewrite"]["endpoint"] == endpoint


@in_shared_stack
def test_no_metrics(part: Part) -> Steps:
    """The application sends none, and the role may send none."""
    part.make(ScheduledTask, "Report", schedule=NIGHTLY).add_opentelemetry(metrics=Metrics.none())
    yield
    assert environment_of(part, "report")["OTEL_METRICS_EXPORTER"] == "none"
    assert environment_of(part, "report")["OTEL_SERVICE_NAME"] == "report"
    assert pipelines(config_of(part)) == {"traces": ["awsxray"]}
    granted = permissions(part)
    assert SEND_TRACES[0] in granted
    assert "logs:CreateLogStream" not in granted


@in_shared_stack
@pytest.mark.parametrize("kind", ["text", "parameter"])
def test_a_configuration_of_ones_own(part: Part, kind: str) -> Steps:
    """As text, or in a parameter that the execution role may read; the task's role gets nothing."""
    parameter = ssm.StringParameter.from_string_parameter_name(part, "Config", "/shop/collector")
    config = "receivers: {}" if kind == "text" else ecs.Secret.from_ssm_parameter(parameter)
    web_in(part).add_opentelemetry(config=config)
    yield
    collector = containers_of(part)["opentelemetry"]
    if kind == "text":
        assert collector["Environment"] == [{"Name": CONFIG, "Value": "receivers: {}"}]
    else:
        assert [each["Name"] for each in collector["Secrets"]] == [CONFIG]
    assert SEND_TRACES[0] not in permissions(part)
    assert "OTEL_METRICS_EXPORTER" not in environment_of(part, "web")


@in_shared_stack
@pytest.mark.parametrize("is_imported", [True, False])
def test_a_role_of_ones_own(part: Part, is_imported: bool) -> Steps:  # noqa: FBT001 - a parameter of the test
    """Gets the permissions in a policy of its own, for which tasks wait, and nothing else is accepted with it."""
    role = (
        iam.Role.from_role_arn(part, "Role", "arn:aws:iam::123456789012:role/shop")
        if is_imported
        else iam.Role(part, "Role", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))
    )
    part.service("Web", task_role=role).add_opentelemetry()
    role.add_to_principal_policy(iam.PolicyStatement(actions=["sqs:ListQueues"], resources=["*"]))
    yield
    (task,) = part.resources("AWS::ECS::TaskDefinition").values()
    assert [each for each in task["DependsOn"] if "OpenTelemetry" in each]
    assert [each for each in findings(part) if "IAM5[Resource::*]" in str(each)]


@in_shared_stack
def test_an_image_of_ones_own(part: Part) -> Steps:
    """For tasks that reach no public registry."""
    mirror = ecs.ContainerImage.from_registry("123456789012.dkr.ecr.eu-west-1.amazonaws.com/collector:1")
    web_in(part).add_opentelemetry(image=mirror, metrics=Metrics.none())
    yield
    assert containers_of(part)["opentelemetry"]["Image"].endswith("/collector:1")


def test_refusals(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """The task stays as it was."""
    web = FargateTask(stack, "Web", network=network, image=image)
    windows = FargateService(stack, "Windows", network=network, image=image, **WINDOWS)
    full = FargateTask(stack, "Full", network=network, image=image)
    full.add_sidecar("cache", image=image, memory_limit_mib=300)
    web.add_opentelemetry()

    with pytest.raises(ValueError, match="runs on Linux, got the Windows task Test/Windows"):
        windows.add_opentelemetry()
    with pytest.raises(ValueError, match="to the main container, got: cache 300 \\+ opentelemetry 256; take a larger"):
        full.add_opentelemetry()
    with pytest.raises(ValueError, match="name must differ from the task's other containers, got: 'opentelemetry'"):
        web.add_opentelemetry()
    with pytest.raises(ValueError, match="metrics must be left out with a config, which says where they go, got: Metr"):
        full.add_opentelemetry(config="a: b", metrics=Metrics.none())
    with pytest.raises(ValueError, match=r"'arn:aws:aps:eu-west-1:123456789012:workspace/ws-1234', got: 'ws-1'"):
        Metrics.prometheus("ws-1")
    with pytest.raises(TypeError, match=r"write Metrics.cloudwatch\(...\) or Metrics.prometheus"):
        Metrics()
    assert full.node.try_find_child("Metrics") is None
