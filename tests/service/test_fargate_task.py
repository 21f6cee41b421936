"""What a task is made of, whether a service keeps it running or a job runs it once."""

from pathlib import Path
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
from aws_cdk.assertions import Annotations, Match, Template

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
from tests.templates import properties, properties_of

WINDOWS = ecs.OperatingSystemFamily.WINDOWS_SERVER_2022_CORE


def statements_of(template: Template) -> list[dict[str, Any]]:
    """Return the statements of all policies of roles."""
    return [
        each for policy in properties(template, "AWS::IAM::Policy") for each in policy["PolicyDocument"]["Statement"]
    ]


def test_a_shell_opens_in_a_read_only_container(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """Volumes are mounted where ECS Exec's agent writes, and at the other writable paths."""
    FargateTask(stack, "Web", network=network, image=image, read_only=True, writable_paths=["/var/cache/nginx"])

    (definition,) = properties(stack, "AWS::ECS::TaskDefinition")
    (container,) = definition["ContainerDefinitions"]
    paths = ["/var/lib/amazon", "/var/log/amazon", "/var/cache/nginx"]
    volumes = ["web-var-lib-amazon", "web-var-log-amazon", "web-var-cache-nginx"]
    assert definition["Volumes"] == [{"Name": volume} for volume in volumes]
    assert container["ReadonlyRootFilesystem"] is True
    assert container["MountPoints"] == [
        {"ContainerPath": path, "SourceVolume": volume, "ReadOnly": False}
        for path, volume in zip(paths, volumes, strict=True)
    ]


@pytest.mark.parametrize("is_ours", [True, False], ids=["log group made here", "log group given"])
def test_the_role_itself_may_log(
    stack: Stack,
    network: Network,
    image: ecs.ContainerImage,
    is_ours: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """What the task needs of its own log stands in its role; what may need the role in turn, in a policy beside it."""
    log_group = None if is_ours else logs.LogGroup(stack, "Logs")
    task = FargateTask(stack, "Web", network=network, image=image, log_group=log_group)
    task.add_sidecar("proxy", image=image)
    if is_ours:
        secret = secretsmanager.Secret(stack, "Secret")
        secret.grant_read(task.task_definition.obtain_execution_role())

    template = Template.from_stack(stack)
    ((name, role),) = (
        each for each in template.find_resources("AWS::IAM::Role").items() if "WebExecutionRole" in each[0]
    )
    (beside,) = (
        each["Properties"]["PolicyDocument"]["Statement"]
        for each in template.find_resources("AWS::IAM::Policy").values()
        if {"Ref": name} in each["Properties"]["Roles"]
    )
    log = stack.resolve(task.log_group.log_group_arn)
    statement = {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": log}
    within = [policy["PolicyDocument"]["Statement"] for policy in role["Properties"].get("Policies", [])]
    assert within == ([[statement]] if is_ours else [])
    assert (beside == [statement]) is not is_ours


def test_an_existing_log_group(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """The container logs to it, with the pattern of its events."""
    log_group = logs.LogGroup.from_log_group_name(stack, "Logs", "/shop/web")
    task = FargateTask(
        stack, "Web", network=network, image=image, log_group=log_group, multiline_pattern="^[0-9]{4}-", name="shop"
    )

    ((container,),) = (each["ContainerDefinitions"] for each in properties(stack, "AWS::ECS::TaskDefinition"))
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


def test_a_secrets_arn_is_no_secret(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """Where a secret lies may be told."""
    secret = secretsmanager.Secret(stack, "Secret")

    FargateTask(stack, "Web", network=network, image=image, environment={"SECRET_ARN": secret.secret_arn})


def test_existing_security_groups_and_roles(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """The service uses them, and makes no others."""
    role = "arn:aws:iam::123456789012:role/shop"
    service = FargateService(
        stack,
        "Web",
        network=network,
        image=image,
        security_groups=[ec2.SecurityGroup.from_security_group_id(stack, "Group", "sg-0123456789abcdef0")],
        task_role=iam.Role.from_role_arn(stack, "TaskRole", role),
        execution_role=iam.Role.from_role_name(stack, "ExecutionRole", "shop-execution"),
    )

    template = Template.from_stack(stack)
    (in_vpc,) = (
        each["NetworkConfiguration"]["AwsvpcConfiguration"] for each in properties(template, "AWS::ECS::Service")
    )
    assert in_vpc["SecurityGroups"] == ["sg-0123456789abcdef0"]
    assert [each["TaskRoleArn"] for each in properties(template, "AWS::ECS::TaskDefinition")] == [role]
    assert service.connections.security_groups[0].security_group_id == "sg-0123456789abcdef0"
    template.resource_count_is("AWS::IAM::Role", 0)
    template.resource_properties_count_is("AWS::EC2::SecurityGroup", {"GroupDescription": "tasks of Test/Web"}, 0)


def test_a_private_registry(stack: Stack, network: Network) -> None:
    """ECS logs in to it with a secret that the execution role may read."""
    secret = secretsmanager.Secret(stack, "Registry")
    image = ecs.ContainerImage.from_registry("registry.example.com/shop:1", credentials=secret)
    FargateTask(stack, "Web", network=network, image=image)

    arn = stack.resolve(secret.secret_arn)
    template = Template.from_stack(stack)
    ((container,),) = (each["ContainerDefinitions"] for each in properties(template, "AWS::ECS::TaskDefinition"))
    assert container["RepositoryCredentials"] == {"CredentialsParameter": arn}
    actions = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]
    assert {"Action": actions, "Effect": "Allow", "Resource": arn} in statements_of(template)


@pytest.mark.parametrize("kind", ["asset", "repository"])
def test_an_image_in_ecr(stack: Stack, network: Network, tmp_path: Path, kind: str) -> None:
    """The task may pull an image built from a folder or one that exists, and the audit finds nothing."""
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    image = (
        ecs.ContainerImage.from_asset(str(tmp_path))
        if kind == "asset"
        else ecs.ContainerImage.from_ecr_repository(ecr.Repository(stack, "Images"), "1.0")
    )
    FargateService(stack, "Web", network=network, image=image)

    assert "ecr:GetAuthorizationToken" in [each["Action"] for each in statements_of(Template.from_stack(stack))]
    assert findings(stack.node.root) == []


def test_secrets_of_both_stores(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """The execution role may read each, and no other."""
    secret = secretsmanager.Secret(stack, "Secret")
    parameter = ssm.StringParameter.from_secure_string_parameter_attributes(stack, "Parameter", parameter_name="/token")
    secrets = {
        "PASSWORD": ecs.Secret.from_secrets_manager(secret, "password"),
        "TOKEN": ecs.Secret.from_ssm_parameter(parameter),
    }
    FargateTask(stack, "Web", network=network, image=image, secrets=secrets)

    statements = statements_of(Template.from_stack(stack))
    resources = {action: each["Resource"] for each in statements for action in each["Action"]}
    assert resources["secretsmanager:GetSecretValue"] == stack.resolve(secret.secret_arn)
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


def test_a_way_opened_from_the_tasks_side_warns_of_nothing(
    stack: Stack, network: Network, image: ecs.ContainerImage
) -> None:
    """As docs/endpoint.md advises; a group of one's own still tells that it lets everything out."""
    group = ec2.SecurityGroup(stack, "Group", vpc=network.vpc)
    endpoint = HttpEndpoint(stack, "Endpoint", network=network, internal=True)
    ours = FargateTask(stack, "Ours", network=network, image=image)
    theirs = FargateTask(stack, "Theirs", network=network, image=image, security_groups=[group])
    for task in (ours, theirs):
        task.connections.allow_to_default_port(endpoint)

    warnings = Annotations.from_stack(stack).find_warning("*", Match.string_like_regexp(IGNORED_RULE))
    assert [each.id for each in warnings] == ["/Test/Group"]
    Template.from_stack(stack).resource_count_is("AWS::EC2::SecurityGroupIngress", 2)


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


@pytest.mark.parametrize("kind", ["log group", "bucket"])
def test_imported_logs_pass_the_audit(stack: Stack, network: Network, image: ecs.ContainerImage, kind: str) -> None:
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

    FargateService(
        stack,
        "Web",
        network=network,
        image=image,
        cluster=cluster if kind == "bucket" else None,
        log_group=log_group if kind == "log group" else None,
    )

    assert findings(stack.node.root) == []


def test_a_log_router(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """Each container logs by a router that starts first; the proxy of Service Connect logs to the log group."""
    log_group = logs.LogGroup(stack, "Lines")
    router = LogArchive(stack, "LogArchive").log_router(log_group)
    web = FargateService(stack, "Web", network=network, image=image, log_group=log_group, log_router=router)
    web.add_sidecar("cache", image=image)
    web.add_sidecar("warmer", image=image, depends_on={"web": ecs.ContainerDependencyCondition.START})
    web.link_to(FargateService(stack, "Api", network=network, image=image))

    template = Template.from_stack(stack)
    definition = properties_of(template, web.task_definition)
    containers = {each["Name"]: each for each in definition["ContainerDefinitions"]}
    assert containers.keys() == {"web", "cache", "warmer", "LogRouter"}
    for name in ("web", "cache", "warmer"):
        assert containers[name]["LogConfiguration"]["LogDriver"] == "awsfirelens"
        assert {"Condition": "HEALTHY", "ContainerName": "LogRouter"} in containers[name]["DependsOn"]
    drivers = [
        each["ServiceConnectConfiguration"]["LogConfiguration"] for each in properties(template, "AWS::ECS::Service")
    ]
    assert {each["LogDriver"] for each in drivers} == {"awslogs"}
    assert findings(stack.node.root) == []
