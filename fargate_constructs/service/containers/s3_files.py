"""Mounts of S3 Files: the objects of a bucket as files."""

from __future__ import annotations

import re
from typing import cast

import jsii
from aws_cdk import Aspects, IAspect, Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from constructs import Construct, IConstruct

from fargate_constructs._core.unresolved import may_match
from fargate_constructs.service.containers.file_system import validate_mount

# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/s3files-volumes.html
FILE_SYSTEM_ARN = re.compile(r"arn:aws[\w-]*:s3files:[\w-]+:\d{12}:file-system/fs-\w+")
ACCESS_POINT_ARN = re.compile(FILE_SYSTEM_ARN.pattern + r"/access-point/fsap-\w+")


def mount_s3_files(
    last: Construct,
    path: str,
    *,
    volume: str,
    container: ecs.ContainerDefinition,
    file_system_arn: str,
    access_point_arn: str | None,
    read_only: bool,
) -> None:
    """Mount a file system into a container, and let the task's role use it; *last* is visited after all volumes."""
    validate_mount(path, container)
    if not may_match(FILE_SYSTEM_ARN, file_system_arn):
        raise ValueError(
            "file_system_arn must be the ARN of a file system of S3 Files, such as "
            f"'arn:aws:s3files:eu-west-1:123456789012:file-system/fs-0123456789abcdef0', got: {file_system_arn!r}"
        )
    if access_point_arn and not may_match(ACCESS_POINT_ARN, access_point_arn):
        raise ValueError(
            "access_point_arn must be the ARN of an access point of S3 Files, such as 'arn:aws:s3files:eu-west-1:"
            "123456789012:file-system/fs-0123456789abcdef0/access-point/fsap-0123456789abcdef0', "
            f"got: {access_point_arn!r}"
        )
    task_definition = container.task_definition
    task_definition.add_volume(name=volume)
    container.add_mount_points(ecs.MountPoint(container_path=path, source_volume=volume, read_only=read_only))
    settings = {"FileSystemArn": file_system_arn}
    conditions = {}
    if access_point_arn:
        settings["AccessPointArn"] = access_point_arn
        conditions["StringEquals"] = {"s3files:AccessPointArn": access_point_arn}
    Aspects.of(last).add(cast(IAspect, _S3FilesVolume(task_definition, volume, settings)))
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-files-security-iam.html
    task_definition.add_to_task_role_policy(
        iam.PolicyStatement(
            actions=["s3files:ClientMount", *([] if read_only else ["s3files:ClientWrite"])],
            resources=[file_system_arn],
            conditions=conditions or None,
        )
    )


@jsii.implements(IAspect)
class _S3FilesVolume:
    """Writes what the L2 construct does not have into a volume, which it finds by its name."""

    def __init__(self, task_definition: ecs.TaskDefinition, volume: str, settings: dict[str, str]) -> None:
        self._task_definition = task_definition
        self._volume = volume
        self._settings = settings

    def visit(self, _node: IConstruct) -> None:
        """Write it."""
        resource = cast(ecs.CfnTaskDefinition, self._task_definition.node.default_child)
        names = [each["name"] for each in Stack.of(resource).resolve(resource.volumes)]
        index = names.index(self._volume)
        resource.add_property_override(f"Volumes.{index}.S3FilesVolumeConfiguration", self._settings)
