"""What a task definition may say on Fargate, property by property: docs/containers.md is complete, and it works."""

import re
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Duration, Size, Stack, Tags
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_efs as efs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager

from fargate_constructs import FargateService, Health, LogArchive, RestartPolicy
from tests.modes.made_elsewhere import log_group_in, network_in
from tests.templates import properties

IMAGE = ecs.ContainerImage.from_registry("public.ecr.aws/nginx/nginx:stable")
S3_FILES = "arn:aws:s3files:eu-west-1"
GUIDE = (Path(__file__).parents[3] / "docs" / "containers.md").read_text()
TASK = ecs.CfnTaskDefinition
TYPES = {
    "Properties of a container": TASK.ContainerDefinitionProperty,
    "Linux parameters": TASK.LinuxParametersProperty,
    "Port mappings": TASK.PortMappingProperty,
    "Properties of the task": ecs.CfnTaskDefinitionProps,
    "Volumes": TASK.VolumeProperty,
}
ROW = re.compile(r"^\| `(\w+)` \| (.+) \|$", re.MULTILINE)
# What a row may say instead of a way, and the properties that a template has without one.
UNSUPPORTED = ("not on Fargate", "not offered")


def rows(heading: str) -> dict[str, str]:
    """Return the table below a heading: how by property, in lower case."""
    section = re.split(r"^#+ ", GUIDE.partition(f"# {heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    return {name.lower(): how for name, how in ROW.findall(section)}


@pytest.mark.parametrize("heading", TYPES)
def test_the_tables_are_complete(heading: str) -> None:
    """Each table has the properties of the installed CDK, no more, and a source for each that Fargate does not have."""
    known = {name.replace("_", "") for name in dir(TYPES[heading]) if not name.startswith("_")}

    table = rows(heading)
    assert table.keys() == known
    assert all("](https" in how or "][" in how for how in table.values() if how.startswith(UNSUPPORTED))


@pytest.fixture(scope="module")
def everything() -> dict[str, list[dict[str, Any]]]:
    """The pieces of a template that has every property of the tables, by the table's heading."""
    stack = Stack()
    network = network_in(stack)
    bucket = s3.Bucket.from_bucket_name(stack, "Files", "files")
    secret = secretsmanager.Secret.from_secret_name_v2(stack, "Token", "token")
    web = FargateService(
        stack,
        "Web",
        network=network,
        image=ecs.ContainerImage.from_registry("registry.example.com/web:1", credentials=secret),
        port={"http": 8080},
        command=["serve"],
        entry_point=["/entry"],
        environment={"STAGE": "prod"},
        environment_files=[ecs.EnvironmentFile.from_bucket(bucket, "web.env")],
        secrets={"TOKEN": ecs.Secret.from_secrets_manager(secret)},
        working_directory="/srv",
        user="1000",
        health=Health(command=["CMD", "true"]),
        read_only=True,
        writable_paths=["/cache"],
        docker_labels={"team": "shop"},
        ulimits=[ecs.Ulimit(name=ecs.UlimitName.NOFILE, soft_limit=200_000, hard_limit=200_000)],
        restart_policy=RestartPolicy(attempt_period=Duration.minutes(2), ignored_exit_codes=[0]),
        start_timeout=Duration.seconds(60),
        stop_timeout=Duration.seconds(60),
        add_capabilities=[ecs.Capability.SYS_PTRACE],
        drop_capabilities=[ecs.Capability.ALL],
        system_controls=[ecs.SystemControl(namespace="net.ipv4.tcp_keepalive_time", value="60")],
        interactive=True,
        pseudo_terminal=True,
        credential_specs=[ecs.DomainlessCredentialSpec.from_s3_bucket(bucket, "shop.json")],
        version_consistency=ecs.VersionConsistency.DISABLED,
        pid_mode=ecs.PidMode.TASK,
        enable_fault_injection=True,
        ephemeral_storage_gib=30,
        log_router=LogArchive(stack, "LogArchive").log_router(log_group_in(stack)),
    )
    cache = web.add_sidecar("cache", image=IMAGE, cpu=64, memory_limit_mib=128, memory_reservation_mib=64)
    cache.add_port_mappings(ecs.PortMapping(container_port=53, host_port=53, protocol=ecs.Protocol.UDP))
    cache.add_port_mappings(
        ecs.PortMapping(
            container_port=ecs.ContainerDefinition.CONTAINER_PORT_USE_RANGE, container_port_range="9000-9005"
        )
    )
    cache.add_volumes_from(ecs.VolumeFrom(source_container="web", read_only=True))
    files = efs.FileSystem.from_file_system_attributes(
        stack,
        "FileSystem",
        file_system_id="fs-0123456789abcdef0",
        security_group=ec2.SecurityGroup.from_security_group_id(stack, "Group", "sg-0123456789abcdef0"),
    )
    web.mount_file_system("/data", file_system=files, container=cache)
    disk = ecs.ServiceManagedVolume(
        stack, "Disk", name="disk", managed_ebs_volume=ecs.ServiceManagedEBSVolumeConfiguration(size=Size.gibibytes(20))
    )
    web.service.add_volume(disk)
    web.task_definition.add_volume(name="disk", configured_at_launch=True)
    disk.mount_in(web.container, container_path="/disk", read_only=False)
    web.task_definition.add_volume(name="shared", host=ecs.Host())
    Tags.of(web).add("team", "shop")
    web.mount_s3_files("/objects", file_system_arn=f"{S3_FILES}:123456789012:file-system/fs-0123456789abcdef0")
    (task,) = properties(stack, "AWS::ECS::TaskDefinition")
    containers = task["ContainerDefinitions"]
    return {
        "Properties of a container": containers,
        "Linux parameters": [each["LinuxParameters"] for each in containers if "LinuxParameters" in each],
        "Port mappings": [port for each in containers for port in each.get("PortMappings", [])],
        "Properties of the task": [task],
        "Volumes": task["Volumes"],
    }


@pytest.mark.parametrize("heading", TYPES)
def test_each_way_works(everything: dict[str, list[dict[str, Any]]], heading: str) -> None:
    """Each property that a table gives a way for is in the template of a task with all of them, and no other."""
    found = {name.lower() for each in everything[heading] for name in each}

    assert found == {name for name, how in rows(heading).items() if not how.startswith(UNSUPPORTED)}
