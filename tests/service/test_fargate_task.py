"""What a task is made of, whether a service keeps it running or a job runs it once."""

import inspect
import re

import pytest
from aws_cdk import Duration, SecretValue, Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk.assertions import Match, Template

from fargate_constructs import FixedEgressNetwork
from fargate_constructs.service import FargateTask
from fargate_constructs.service.fargate_task import TaskArguments

WINDOWS = ecs.OperatingSystemFamily.WINDOWS_SERVER_2022_CORE


def test_the_arguments_are_listed_once_more_and_no_differently() -> None:
    """What builds on a task takes exactly its arguments."""
    parameters = inspect.signature(FargateTask.__init__).parameters

    assert set(TaskArguments.__annotations__) == set(parameters) - {"self", "scope", "id"}


def test_a_read_only_container_can_still_be_looked_into(
    stack: Stack, network: FixedEgressNetwork, image: ecs.ContainerImage
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


def test_a_log_group_of_ones_own(stack: Stack, network: FixedEgressNetwork, image: ecs.ContainerImage) -> None:
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


def test_a_longer_stop_than_fargate_grants_is_refused(
    stack: Stack, network: FixedEgressNetwork, image: ecs.ContainerImage
) -> None:
    """Fargate kills after two minutes at the latest."""
    with pytest.raises(ValueError, match="stop_timeout must be at most 120 seconds on Fargate, got: 121"):
        FargateTask(stack, "Web", network=network, image=image, stop_timeout=Duration.seconds(121))


@pytest.mark.parametrize("path", ["tmp", "/", ""])
def test_a_path_that_cannot_be_mounted_is_refused(
    stack: Stack, network: FixedEgressNetwork, image: ecs.ContainerImage, path: str
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
    stack: Stack, network: FixedEgressNetwork, image: ecs.ContainerImage, value: str
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
        ({"read_only": True}, "read_only must be False for Windows tasks"),
    ],
)
def test_what_windows_does_not_have_is_refused(
    stack: Stack,
    network: FixedEgressNetwork,
    image: ecs.ContainerImage,
    parameters: dict[str, object],
    message: str,
) -> None:
    """Before a deployment would find out."""
    windows = {"cpu": 1024, "memory_limit_mib": 2048, "operating_system_family": WINDOWS}
    with pytest.raises(ValueError, match=message):
        FargateTask(stack, "Web", network=network, image=image, **windows, **parameters)  # type: ignore[arg-type]

    assert stack.node.try_find_child("Web") is None


def test_a_secrets_arn_is_no_secret(stack: Stack, network: FixedEgressNetwork, image: ecs.ContainerImage) -> None:
    """Where a secret lies may be told."""
    secret = secretsmanager.Secret(stack, "Secret")

    FargateTask(stack, "Web", network=network, image=image, environment={"SECRET_ARN": secret.secret_arn})
