"""What a task is made of, whether a service keeps it running or a job runs it once."""

import re
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Duration, Environment, SecretValue, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_efs as efs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ssm as ssm
from aws_cdk.assertions import Annotations, Match, Template

from fargate_constructs import (
    Capacity,
    FargateService,
    FixedEgressNetwork,
    HttpEndpoint,
    LogArchive,
    OneOffTask,
)
from fargate_constructs.network.network import Network
from fargate_constructs.service.fargate_task import IGNORED_RULE, FargateTask
from tests.audit import findings


class Router:
    """Any log router."""

    @property
    def log_group(self) -> logs.ILogGroup:
        """Never asked for."""
        raise AssertionError

    def driver(self, task_definition: ecs.TaskDefinition, *, stream_prefix: str) -> ecs.LogDriver:
        """Never asked."""
        raise AssertionError(task_definition, stream_prefix)


WINDOWS = ecs.OperatingSystemFamily.WINDOWS_SERVER_2022_CORE


def test_a_read_only_container_can_still_be_looked_into(
    stack: Stack, network: Network, image: ecs.ContainerImage
) -> None:
    """Volumes are mounted where ECS Exec's agent writes, and where the application was said to."""
    FargateTask(stack, "Web", network=network, image=image, read_only=True, writable_paths=["/var/cache/nginx"])

    paths = ["/var/lib/amazon", "/var/log/amazon", "/var/cache/nginx"]
    volumes = ["web-var-lib-amazon", "web-var-log-amazon", "web-var-cache-nginx"]
    Template.from_stack(stack).has_resource_properties(
        "AWS::ECS::TaskDefinition",
        {
            "Volumes": [{"Name": volume} for volume in volumes],
            "ContainerDefinitions": [
                Match.object_like(
                    {
                        "ReadonlyRootFilesystem": True,
                        "MountPoints": [
                            {"ContainerPath": path, "SourceVolume": volume, "ReadOnly": False}
                            for path, volume in zip(paths, volumes, strict=True)
                        ],
                    }
                )
            ],
        },
    )


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


def test_a_log_group_of_ones_own(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """An existing group is logged to, events of many lines stay together, and no group is made but for shells."""
    log_group = logs.LogGroup.from_log_group_name(stack, "Logs", "/shop/web")

    task = FargateTask(
        stack, "Web", network=network, image=image, log_group=log_group, multiline_pattern=r"^\d{4}-", name="shop"
    )

    Template.from_stack(stack).has_resource_properties(
        "AWS::ECS::TaskDefinition",
        {
            "ContainerDefinitions": [
                Match.object_like(
                    {
                        "Name": "shop",
                        "LogConfiguration": {
                            "LogDriver": "awslogs",
                            "Options": Match.object_like(
                                {"awslogs-group": "/shop/web", "awslogs-multiline-pattern": r"^\d{4}-"}
                            ),
                        },
                    }
                )
            ]
        },
    )
    assert task.logs_command == "aws logs tail /shop/web --follow"


def test_two_stacks_of_one_id_have_two_families(image: ecs.ContainerImage) -> None:
    """Those of two environments in one account: what runs or watches the one has nothing to do with the other."""
    for name in ("shop-dev", "shop-prod"):
        stack = Stack(App(), "Shop", stack_name=name)
        task = FargateTask(stack, "Report", network=FixedEgressNetwork(stack, "Network"), image=image)
        assert task.task_definition.family.startswith(f"{name}-Report-")


@pytest.mark.parametrize("seconds", [1, 121])
def test_another_stop_than_fargate_grants_is_refused(
    stack: Stack, network: Network, image: ecs.ContainerImage, seconds: int
) -> None:
    """Fargate kills after two minutes at the latest, and after two seconds at the soonest."""
    with pytest.raises(ValueError, match=f"stop_timeout must be 2 to 120 seconds, got: {seconds}"):
        FargateTask(stack, "Web", network=network, image=image, stop_timeout=Duration.seconds(seconds))


@pytest.mark.parametrize("path", ["tmp", "/", ""])
def test_a_path_that_cannot_be_mounted_is_refused(
    stack: Stack, network: Network, image: ecs.ContainerImage, path: str
) -> None:
    """A volume needs a folder of its own."""
    with pytest.raises(ValueError, match=f"writable_paths must be absolute folders such as '/tmp', got: '{path}'"):
        FargateTask(stack, "Web", network=network, image=image, writable_paths=[path])

    assert stack.node.try_find_child("Web") is None


@pytest.mark.parametrize(
    "value",
    [
        SecretValue.secrets_manager("token").unsafe_unwrap(),
        SecretValue.ssm_secure("/token").unsafe_unwrap(),
        "prefix-" + SecretValue.secrets_manager("token").unsafe_unwrap(),
    ],
    ids=["secrets manager", "parameter store", "within a text"],
)
def test_the_value_of_a_secret_is_refused(
    stack: Stack, network: Network, image: ecs.ContainerImage, value: str
) -> None:
    """In a service's environment and in a sidecar's; the message says where it belongs, and not what it is."""
    message = re.escape(
        "environment must not hold secrets, got the value of one in 'TOKEN'; pass it as secrets={'TOKEN'"
    )
    with pytest.raises(ValueError, match=message):
        FargateTask(stack, "Web", network=network, image=image, environment={"TOKEN": value})

    task = FargateTask(stack, "Api", network=network, image=image)
    with pytest.raises(ValueError, match=message):
        task.add_sidecar("proxy", image=image, environment={"TOKEN": value})


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"cpu_architecture": ecs.CpuArchitecture.ARM64},
            "cpu_architecture of Windows tasks is always X86_64: leave it out",
        ),
        ({"read_only": True}, "read_only must be left out for Windows tasks, which do not have it, got: True"),
        ({"writable_paths": ["/data"]}, "writable_paths must be left out for Windows tasks"),
        ({"user": "1000"}, "user must be left out for Windows tasks"),
        ({"log_router": Router()}, "log_router must be left out for Windows tasks"),
        ({"capacity": Capacity.spot()}, "capacity must be Capacity.on_demand\\(\\) for Windows tasks"),
    ],
)
def test_what_windows_does_not_have_is_refused(
    stack: Stack,
    network: Network,
    image: ecs.ContainerImage,
    parameters: dict[str, object],
    message: str,
) -> None:
    """Before a deployment would find out."""
    windows = {"cpu": 1024, "memory_limit_mib": 2048, "operating_system_family": WINDOWS}
    with pytest.raises(ValueError, match=message):
        FargateTask(stack, "Web", network=network, image=image, **windows, **parameters)  # type: ignore[arg-type]

    assert stack.node.try_find_child("Web") is None


def test_a_secrets_arn_is_no_secret(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """Where a secret lies may be told."""
    secret = secretsmanager.Secret(stack, "Secret")

    FargateTask(stack, "Web", network=network, image=image, environment={"SECRET_ARN": secret.secret_arn})


def test_security_groups_and_roles_of_ones_own(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """What is given is used, and nothing is made beside it."""
    group = ec2.SecurityGroup.from_security_group_id(stack, "Group", "sg-0123456789abcdef0")
    task_role = iam.Role.from_role_arn(stack, "TaskRole", "arn:aws:iam::123456789012:role/shop")
    execution_role = iam.Role.from_role_name(stack, "ExecutionRole", "shop-execution")

    service = FargateService(
        stack,
        "Web",
        network=network,
        image=image,
        security_groups=[group],
        task_role=task_role,
        execution_role=execution_role,
    )

    template = Template.from_stack(stack)
    assert not [logical_id for logical_id in template.find_resources("AWS::IAM::Role") if logical_id.startswith("Web")]
    template.has_resource_properties(
        "AWS::ECS::Service",
        {
            "NetworkConfiguration": {
                "AwsvpcConfiguration": Match.object_like({"SecurityGroups": ["sg-0123456789abcdef0"]})
            }
        },
    )
    template.has_resource_properties("AWS::ECS::TaskDefinition", {"TaskRoleArn": "arn:aws:iam::123456789012:role/shop"})
    assert service.connections.security_groups[0].security_group_id == "sg-0123456789abcdef0"
    template.resource_properties_count_is("AWS::EC2::SecurityGroup", {"GroupDescription": "tasks of Test/Web"}, 0)


def test_a_private_registry(stack: Stack, network: Network) -> None:
    """ECS logs in to it with a secret that the execution role may read, and nothing else may."""
    secret = secretsmanager.Secret(stack, "Registry")
    image = ecs.ContainerImage.from_registry("registry.example.com/shop:1", credentials=secret)

    FargateTask(stack, "Web", network=network, image=image)

    arn = stack.resolve(secret.secret_arn)
    template = Template.from_stack(stack)
    template.has_resource_properties(
        "AWS::ECS::TaskDefinition",
        {"ContainerDefinitions": [Match.object_like({"RepositoryCredentials": {"CredentialsParameter": arn}})]},
    )
    template.has_resource_properties(
        "AWS::IAM::Policy",
        {
            "PolicyDocument": {
                "Statement": Match.array_with(
                    [
                        {
                            "Action": ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"],
                            "Effect": "Allow",
                            "Resource": arn,
                        }
                    ]
                )
            }
        },
    )


@pytest.mark.parametrize("kind", ["asset", "repository"])
def test_an_image_in_ecr(stack: Stack, network: Network, tmp_path: Path, kind: str) -> None:
    """Built from a folder or there already: it may be pulled, and the audit finds nothing."""
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    image = (
        ecs.ContainerImage.from_asset(str(tmp_path))
        if kind == "asset"
        else ecs.ContainerImage.from_ecr_repository(ecr.Repository(stack, "Images"), "1.0")
    )

    FargateService(stack, "Web", network=network, image=image)

    Template.from_stack(stack).has_resource_properties(
        "AWS::IAM::Policy",
        {
            "PolicyDocument": {
                "Statement": Match.array_with([Match.object_like({"Action": "ecr:GetAuthorizationToken"})])
            }
        },
    )
    assert findings(stack.node.root) == []


def test_secrets_of_both_stores(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """Each is read by the execution role, and only that one."""
    secret = secretsmanager.Secret(stack, "Secret")
    parameter = ssm.StringParameter.from_secure_string_parameter_attributes(stack, "Parameter", parameter_name="/token")
    secrets = {
        "PASSWORD": ecs.Secret.from_secrets_manager(secret, "password"),
        "TOKEN": ecs.Secret.from_ssm_parameter(parameter),
    }

    FargateTask(stack, "Web", network=network, image=image, secrets=secrets)

    statements = [
        statement
        for policy in Template.from_stack(stack).find_resources("AWS::IAM::Policy").values()
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]
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


def test_windows_mounts_and_links_nothing(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """Neither file systems nor Service Connect know it."""
    windows = FargateService(
        stack, "Web", network=network, image=image, cpu=1024, memory_limit_mib=2048, operating_system_family=WINDOWS
    )
    api = FargateService(stack, "Api", network=network, image=image)
    files = efs.FileSystem(stack, "Files", vpc=network.vpc)

    with pytest.raises(ValueError, match="file systems cannot be mounted into Windows tasks, got: '/data'"):
        windows.mount_file_system("/data", file_system=files)
    for one, other in ((windows, api), (api, windows)):
        with pytest.raises(ValueError, match="links need Service Connect, which has no Windows containers, got: 'web'"):
            one.link_to(other)


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


def test_lines_may_go_past_cloudwatch(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """Each container's, by a router beside it that starts first; a proxy's still go to the log group."""
    archive = LogArchive(stack, "LogArchive")
    log_group = logs.LogGroup(stack, "Lines")
    router = archive.log_router(log_group)
    web = FargateService(stack, "Web", network=network, image=image, log_group=log_group, log_router=router)
    web.add_sidecar("cache", image=image)
    web.add_sidecar("warmer", image=image, depends_on={"web": ecs.ContainerDependencyCondition.START})
    with pytest.raises(ValueError, match="multiline_pattern must be left out with a log_router"):
        web.add_sidecar("other", image=image, multiline_pattern=r"^\S")
    web.link_to(FargateService(stack, "Api", network=network, image=image))

    definitions = Template.from_stack(stack).find_resources("AWS::ECS::TaskDefinition")
    (definition,) = (each for name, each in definitions.items() if name.startswith("Web"))
    containers = {each["Name"]: each for each in definition["Properties"]["ContainerDefinitions"]}
    assert containers.keys() == {"web", "cache", "warmer", "LogRouter"}
    for name in ("web", "cache", "warmer"):
        assert containers[name]["LogConfiguration"]["LogDriver"] == "awsfirelens"
        assert {"Condition": "HEALTHY", "ContainerName": "LogRouter"} in containers[name]["DependsOn"]
    Template.from_stack(stack).has_resource_properties(
        "AWS::ECS::Service",
        {
            "ServiceConnectConfiguration": Match.object_like(
                {"LogConfiguration": Match.object_like({"LogDriver": "awslogs"})}
            )
        },
    )
    assert findings(stack.node.root) == []


def test_logs_that_nothing_would_heed_are_refused(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """A router has a group of its own, which is the task's too."""
    lines, other = logs.LogGroup(stack, "Lines"), logs.LogGroup(stack, "Other")
    router = LogArchive(stack, "Archive").log_router(lines)
    month = logs.RetentionDays.ONE_MONTH

    def refuse(message: str, **arguments: Any) -> None:  # noqa: ANN401 - any argument
        with pytest.raises(ValueError, match=message):
            FargateTask(stack, "Refused", network=network, image=image, **arguments)

    refuse("log_retention is of a log group made here, got ONE_MONTH", log_group=lines, log_retention=month)
    refuse("log_retention is of a log group made here, and a log_router", log_router=router, log_retention=month)
    refuse(r"log_group must be that of the log_router \(Test/Lines\)", log_router=router, log_group=other)
    refuse("log_driver_mode must be left out", log_router=router, log_driver_mode=ecs.AwsLogDriverMode.BLOCKING)
    task = FargateTask(stack, "Web", network=network, image=image, log_router=router)
    assert task.log_group is lines
