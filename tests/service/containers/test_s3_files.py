"""The objects of a bucket, as files."""

import re
from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_s3files as s3files
from aws_cdk.assertions import Template

from fargate_constructs import FargateService
from fargate_constructs.network.network import Network
from tests.audit import findings
from tests.service.test_refusals import WINDOWS
from tests.templates import properties

ARN = "arn:aws:s3files:eu-west-1:123456789012:file-system/fs-0123456789abcdef0"


def statement_of(stack: Stack) -> dict[str, Any]:
    """Return the one statement on S3 Files."""
    (statement,) = (
        each
        for policy in properties(stack, "AWS::IAM::Policy")
        for each in policy["PolicyDocument"]["Statement"]
        if "s3files" in str(each["Action"])
    )
    assert isinstance(statement, dict)
    return statement


def test_files_of_a_bucket(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """The volume is found by its name, beside others that come before and after; the role may use the file system."""
    web = FargateService(stack, "Web", network=network, image=image, writable_paths=["/cache"])
    file_system = s3files.CfnFileSystem(stack, "Files", bucket="files", role_arn="arn:aws:iam::123456789012:role/files")

    web.mount_s3_files("/objects/", file_system_arn=file_system.attr_file_system_arn)
    web.task_definition.add_volume(name="last")

    (task,) = properties(stack, "AWS::ECS::TaskDefinition")
    arn = stack.resolve(file_system.attr_file_system_arn)
    assert task["Volumes"] == [
        {"Name": "web-cache"},
        {"Name": "web-objects", "S3FilesVolumeConfiguration": {"FileSystemArn": arn}},
        {"Name": "last"},
    ]
    (container,) = task["ContainerDefinitions"]
    mount = {"ContainerPath": "/objects", "ReadOnly": False, "SourceVolume": "web-objects"}
    assert container["MountPoints"][1] == mount
    assert statement_of(stack) == {
        "Action": ["s3files:ClientMount", "s3files:ClientWrite"],
        "Effect": "Allow",
        "Resource": arn,
    }
    assert findings(stack.node.root) == []


def test_read_only_through_an_access_point_into_a_sidecar(
    stack: Stack, network: Network, image: ecs.ContainerImage
) -> None:
    """The role may not write, nor mount more than the access point."""
    web = FargateService(stack, "Web", network=network, image=image)
    cache = web.add_sidecar("cache", image=image)
    point = f"{ARN}/access-point/fsap-0123456789abcdef0"

    web.mount_s3_files("/data", file_system_arn=ARN, access_point_arn=point, read_only=True, container=cache)

    Template.from_stack(stack).has_resource_properties(
        "AWS::ECS::TaskDefinition",
        {
            "Volumes": [
                {"S3FilesVolumeConfiguration": {"FileSystemArn": ARN, "AccessPointArn": point}, "Name": "cache-data"}
            ]
        },
    )
    assert statement_of(stack) == {
        "Action": "s3files:ClientMount",
        "Condition": {"StringEquals": {"s3files:AccessPointArn": point}},
        "Effect": "Allow",
        "Resource": ARN,
    }


def test_refusals(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """Nothing is mounted then."""
    web = FargateService(stack, "Web", network=network, image=image)
    windows = FargateService(stack, "Windows", network=network, image=image, **WINDOWS)

    refused: list[tuple[FargateService, str, dict[str, Any], str]] = [
        (web, "data", {}, "path must be an absolute folder such as '/data', got: 'data'"),
        (
            web,
            "/data",
            {"file_system_arn": "fs-1"},
            "must be the ARN of a file system of S3 Files, such as",
        ),
        (
            web,
            "/data",
            {"access_point_arn": "fsap-1"},
            "access_point_arn must be the ARN of an access point of S3 Files, such as",
        ),
        (windows, "/data", {}, "file systems cannot be mounted into Windows tasks, got: '/data'"),
        (web, "/data", {"container": windows.container}, "container must be of this task, got: Test/Windows/"),
    ]
    for task, path, arguments, message in refused:
        with pytest.raises(ValueError, match=re.escape(message)):
            task.mount_s3_files(path, **{"file_system_arn": ARN, **arguments})
    assert not web.container.mount_points
