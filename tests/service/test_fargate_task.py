"""What a task is made of, whether a service keeps it running or a job runs it once."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ssm as ssm

from fargate_constructs import (
    FargateService,
    FixedEgressNetwork,
    HttpEndpoint,
    LogArchive,
    OneOffTask,
)
from fargate_constructs.network.network import Network
from fargate_constructs.service.fargate_task import IGNORED_RULE, FargateTask
from tests.audit import findings
from tests.modes.made_elsewhere import IMAGE
from tests.shared_stack import Part, Steps, in_shared_stack

WINDOWS = ecs.OperatingSystemFamily.WINDOWS_SERVER_2022_CORE


def statements_of(part: Part) -> list[dict[str, Any]]:
    """Return the statements of all policies of roles."""
    return [each for policy in part.properties("AWS::IAM::Policy") for each in policy["PolicyDocument"]["Statement"]]


@in_shared_stack
def test_a_shell_opens_in_a_read_only_container(part: Part) -> Steps:
    """Volumes are mounted where ECS Exec's agent writes, and at the other writable paths."""
    part.make(FargateTask, "Web", read_only=True, writable_paths=["/var/cache/nginx"])
    yield
    (definition,) = part.properties("AWS::ECS::TaskDefinition")
    (container,) = definition["ContainerDefinitions"]
    paths = ["/var/lib/amazon", "/var/log/amazon", "/var/cache/nginx"]
    volumes = ["web-var-lib-amazon", "web-var-log-amazon", "web-var-cache-nginx"]
    assert definition["Volumes"] == [{"Name": volume} for volume in volumes]
    assert container["ReadonlyRootFilesystem"] is True
    assert container["MountPoints"] == [
        {"ContainerPath": path, "SourceVolume": volume, "ReadOnly": False}
        for path, volume in zip(paths, volumes, strict=True)
    ]


@in_shared_stack
@pytest.mark.parametrize("is_ours", [True, False], ids=["log group made here", "log group given"])
def test_the_role_itself_may_log(part: Part, is_ours: bool) -> Steps:  # noqa: FBT001 - a parameter of the test
    """What the task needs of its own log stands in its role; what may need the role in turn, in a policy beside it."""
    log_group = None if is_ours else logs.LogGroup(part, "Logs")
    task = part.make(FargateTask, "Web", log_group=log_group)
    task.add_sidecar("proxy", image=IMAGE)
    role = task.task_definition.obtain_execution_role()
    if is_ours:
        secretsmanager.Secret(part, "Secret").grant_read(role)
    yield
    (beside,) = (
        each["PolicyDocument"]["Statement"]
        for each in part.properties("AWS::IAM::Policy")
        if part.resolve(role.role_name) in each["Roles"]
    )
    log = part.resolve(task.log_group.log_group_arn)
    statement = {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": log}
    within = [policy["PolicyDocument"]["Statement"] for policy in part.of(role).get("Policies", [])]
    assert within == ([[statement]] if is_ours else [])
    assert (beside == [statement]) is not is_ours


@in_shared_stack
def test_an_existing_log_group(part: Part) -> Steps:
    """The container logs to it, with the pattern of its events."""
    log_group = logs.LogGroup.from_log_group_name(part, "Logs", "/shop/web")
    task = part.make(FargateTask, "Web", log_group=log_group, multiline_pattern="^[0-9]{4}-", name="shop")
    yield
    (container,) = part.of(task.task_definition)["ContainerDefinitions"]
    assert container["Name"] == "shop"
    options = container["LogConfiguration"]["Options"]
    assert (options["awslogs-group"], options["awslogs-multiline-pattern"]) == ("/shop/web", "^[0-9]{4}-")
    assert task.logs_command == "aws logs tail /shop/web --follow"


def test_two_stacks_of_one_id_have_two_families(image: ecs.ContainerImage) -> None:
    """Those of two environments in one account: what runs or watches the one has nothing to do with the other."""
    for name in ("shop-dev", "shop-prod"):
        stack = Stack(App(), "Shop", stack_name=name)
        task = FargateTask(stack, "Report", network=FixedEgressNetwork(stack, "Network"), image=image)
        assert task.task_definition.family.startswith(f"{name}-Report-")


@in_shared_stack
def test_existing_security_groups_and_roles(part: Part) -> Steps:
    """The service uses them, and makes no others."""
    role = "arn:aws:iam::123456789012:role/shop"
    service = part.service(
        "Web",
        security_groups=[ec2.SecurityGroup.from_security_group_id(part, "Group", "sg-0123456789abcdef0")],
        task_role=iam.Role.from_role_arn(part, "TaskRole", role),
        execution_role=iam.Role.from_role_name(part, "ExecutionRole", "shop-execution"),
    )
    yield
    (made,) = part.properties("AWS::ECS::Service")
    assert made["NetworkConfiguration"]["AwsvpcConfiguration"]["SecurityGroups"] == ["sg-0123456789abcdef0"]
    assert part.of(service.task_definition)["TaskRoleArn"] == role
    assert service.connections.security_groups[0].security_group_id == "sg-0123456789abcdef0"
    assert part.properties("AWS::IAM::Role") == []
    assert part.properties("AWS::EC2::SecurityGroup") == []


@in_shared_stack
def test_a_private_registry(part: Part) -> Steps:
    """ECS logs in to it with a secret that the execution role may read; where a secret lies may be told."""
    secret = secretsmanager.Secret(part, "Registry")
    image = ecs.ContainerImage.from_registry("registry.example.com/shop:1", credentials=secret)
    task = part.make(FargateTask, "Web", image=image, environment={"SECRET_ARN": secret.secret_arn})
    yield
    arn = part.resolve(secret.secret_arn)
    (container,) = part.of(task.task_definition)["ContainerDefinitions"]
    assert container["RepositoryCredentials"] == {"CredentialsParameter": arn}
    actions = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]
    assert {"Action": actions, "Effect": "Allow", "Resource": arn} in statements_of(part)


@in_shared_stack
@pytest.mark.parametrize("kind", ["asset", "repository"])
def test_an_image_in_ecr(part: Part, kind: str) -> Steps:
    """The task may pull an image built from a folder or one that exists, and the audit finds nothing."""
    with TemporaryDirectory() as folder:
        (Path(folder) / "Dockerfile").write_text("FROM scratch\n")
        image = (
            ecs.ContainerImage.from_asset(folder)
            if kind == "asset"
            else ecs.ContainerImage.from_ecr_repository(ecr.Repository(part, "Images"), "1.0")
        )
        part.service("Web", image=image)
    yield
    assert "ecr:GetAuthorizationToken" in [each["Action"] for each in statements_of(part)]
    assert findings(part) == []


@in_shared_stack
def test_secrets_of_both_stores(part: Part) -> Steps:
    """The execution role may read each, and no other."""
    secret = secretsmanager.Secret(part, "Secret")
    parameter = ssm.StringParameter.from_secure_string_parameter_attributes(part, "Parameter", parameter_name="/token")
    secrets = {
        "PASSWORD": ecs.Secret.from_secrets_manager(secret, "password"),
        "TOKEN": ecs.Secret.from_ssm_parameter(parameter),
    }
    part.make(FargateTask, "Web", secrets=secrets)
    yield
    resources = {action: each["Resource"] for each in statements_of(part) for action in each["Action"]}
    assert resources["secretsmanager:GetSecretValue"] == part.resolve(secret.secret_arn)
    assert str(resources["ssm:GetParameters"]).endswith("':parameter/token']]}")


def test_another_network_or_region_is_refused(image: ecs.ContainerImage) -> None:
    """Of a service as of jobs, before anything is made: AWS would not find the subnets, or not the groups in them."""
    app = App()
    here, there = (Stack(app, region, env=Environment(region=region)) for region in ("eu-west-1", "us-east-1"))
    network = FixedEgressNetwork(here, "Network")
    group = ec2.SecurityGroup(here, "Group", vpc=FixedEgressNetwork(here, "Other").vpc)

    message = "network must be in the region of 'Web', us-east-1, that of stack 'us-east-1', got: eu-west-1/"
    for make in (FargateService, OneOffTask):
        with pytest.raises(ValueError, match=message):
            make(there, "Web", network=network, image=image)
        with pytest.raises(ValueError, match=r"security_groups must be in the same network .*: eu-west-1/Group"):
            make(here, "Web", network=network, image=image, security_groups=[group])
    with pytest.raises(ValueError, match="network must be in the region of 'Endpoint', us-east-1"):
        HttpEndpoint(there, "Endpoint", network=network)
    assert there.node.children == []


@in_shared_stack
def test_a_way_opened_from_the_tasks_side_warns_of_nothing(part: Part) -> Steps:
    """As docs/endpoint.md advises; a group of one's own still tells that it lets everything out."""
    group = ec2.SecurityGroup(part, "Group", vpc=part.network.vpc)
    endpoint = HttpEndpoint(part, "Endpoint", network=part.network, internal=True)
    ours = part.make(FargateTask, "Ours")
    theirs = part.make(FargateTask, "Theirs", security_groups=[group])
    for task in (ours, theirs):
        task.connections.allow_to_default_port(endpoint)
    yield
    (warning,) = part.warnings(group)
    assert IGNORED_RULE in warning
    assert part.warnings(ours.connections.security_groups[0]) == []
    assert len(part.properties("AWS::EC2::SecurityGroupIngress")) == 2


def test_roles_of_another_stack(image: ecs.ContainerImage) -> None:
    """By their ARN: what the service adds to them stands in the service's stack."""
    app = App()
    base, top = Stack(app, "Base"), Stack(app, "Top")
    network = FixedEgressNetwork(base, "Network")
    role = iam.Role(base, "Role", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))

    FargateService(
        top,
        "Web",
        network=network,
        image=image,
        task_role=iam.Role.from_role_arn(top, "TaskRole", role.role_arn),
        execution_role=iam.Role.from_role_arn(top, "ExecutionRole", role.role_arn),
    )

    app.synth()
    assert base.dependencies == []


def test_imported_logs_pass_the_audit(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """A group by its name, and a cluster that keeps its sessions in a bucket."""
    log_group = logs.LogGroup.from_log_group_name(stack, "Logs", "/shop/web")
    bucket = s3.Bucket.from_bucket_name(stack, "Sessions", "shop-sessions")
    configuration = ecs.ExecuteCommandConfiguration(
        logging=ecs.ExecuteCommandLogging.OVERRIDE,
        log_configuration=ecs.ExecuteCommandLogConfiguration(s3_bucket=bucket, s3_key_prefix="exec"),
    )
    cluster = ecs.Cluster(
        stack,
        "Cluster",
        vpc=network.vpc,
        container_insights_v2=ecs.ContainerInsights.ENABLED,
        execute_command_configuration=configuration,
    )
    FargateService(stack, "ToBucket", network=network, image=image, cluster=cluster)
    FargateService(stack, "ToGroup", network=network, image=image, log_group=log_group)

    assert findings(stack.node.root) == []


@in_shared_stack
def test_a_log_router(part: Part) -> Steps:
    """Each container logs by a router that starts first; the proxy of Service Connect logs to the log group."""
    log_group = logs.LogGroup(part, "Lines")
    router = LogArchive(part, "LogArchive").log_router(log_group)
    web = part.service("Web", log_group=log_group, log_router=router)
    web.add_sidecar("cache", image=IMAGE)
    web.add_sidecar("warmer", image=IMAGE, depends_on={"web": ecs.ContainerDependencyCondition.START})
    web.link_to(part.service("Api"))
    yield
    containers = {each["Name"]: each for each in part.of(web.task_definition)["ContainerDefinitions"]}
    assert containers.keys() == {"web", "cache", "warmer", "LogRouter"}
    for name in ("web", "cache", "warmer"):
        assert containers[name]["LogConfiguration"]["LogDriver"] == "awsfirelens"
        assert {"Condition": "HEALTHY", "ContainerName": "LogRouter"} in containers[name]["DependsOn"]
    connects = [each["ServiceConnectConfiguration"] for each in part.properties("AWS::ECS::Service")]
    assert {each["LogConfiguration"]["LogDriver"] for each in connects} == {"awslogs"}
    assert findings(part) == []
