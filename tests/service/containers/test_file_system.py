"""Files that outlive a task."""

from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_efs as efs

from fargate_constructs import FixedEgressNetwork
from fargate_constructs.service.fargate_task import FargateTask
from fargate_constructs.testing import assert_no_replacement, lasting_resources
from tests.modes.made_elsewhere import IMAGE, network_in
from tests.shared_stack import Part, Steps, in_shared_stack


def files_in(part: Part) -> efs.FileSystem:
    """Return a file system in the same network."""
    subnets = ec2.SubnetSelection(subnets=part.network.task_subnets)
    return efs.FileSystem(
        part, "Files", vpc=part.network.vpc, vpc_subnets=subnets, encrypted=True, allow_anonymous_access=False
    )


@in_shared_stack
def test_only_this_task_may_mount_it(part: Part) -> Steps:
    """Encrypted in transit, through an access point, by the task's role, from its security group."""
    files, web = files_in(part), part.make(FargateTask, "Web")
    access_point = web.mount_file_system("/data", file_system=files)
    yield
    (resource,) = part.resources("AWS::ECS::TaskDefinition").values()
    definition = resource["Properties"]
    (volume,) = definition["Volumes"]
    (container,) = definition["ContainerDefinitions"]
    access = {"AccessPointId": part.resolve(access_point.access_point_id), "IAM": "ENABLED"}
    assert volume["Name"] == "web-data"
    assert volume["EFSVolumeConfiguration"] == {
        "FilesystemId": part.resolve(files.file_system_id),
        "TransitEncryption": "ENABLED",
        "AuthorizationConfig": access,
    }
    assert container["MountPoints"] == [{"ContainerPath": "/data", "SourceVolume": "web-data", "ReadOnly": False}]
    (point,) = part.properties("AWS::EFS::AccessPoint")
    assert point["PosixUser"] == {"Uid": "1000", "Gid": "1000"}
    owner = {"OwnerUid": "1000", "OwnerGid": "1000", "Permissions": "755"}
    assert point["RootDirectory"] == {"Path": "/data", "CreationInfo": owner}
    arn = part.resolve(access_point.access_point_arn)
    assert permissions(part) == {
        "Action": ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"],
        "Condition": {"StringEquals": {"elasticfilesystem:AccessPointArn": arn}},
        "Effect": "Allow",
        "Resource": part.resolve(files.file_system_arn),
    }
    (rule,) = part.properties("AWS::EC2::SecurityGroupIngress")
    groups = [part.resolve(each.connections.security_groups[0].security_group_id) for each in (files, web)]
    assert (rule["FromPort"], rule["ToPort"]) == (2049, 2049)
    assert [rule["GroupId"], rule["SourceSecurityGroupId"]] == groups
    assert len(targets := part.resources("AWS::EFS::MountTarget")) == 2
    assert targets.keys() <= {*resource["DependsOn"]}
    # Only roles with a grant mount it: the policy for all others leaves that action out.
    (system,) = part.properties("AWS::EFS::FileSystem")
    (others,) = system["FileSystemPolicy"]["Statement"]
    assert others["Effect"] == "Allow"
    assert "elasticfilesystem:ClientMount" not in others["Action"]
    assert part.warnings(part) == []


def permissions(part: Part) -> dict[str, Any]:
    """Return the one statement on file systems."""
    (statement,) = (
        statement
        for policy in part.properties("AWS::IAM::Policy")
        for statement in policy["PolicyDocument"]["Statement"]
        if "elasticfilesystem" in str(statement["Action"])
    )
    assert isinstance(statement, dict)
    return statement


@in_shared_stack
def test_read_only_through_an_access_point_of_ones_own(part: Part) -> Steps:
    """The task may not write, and no access point is made."""
    files, web = files_in(part), part.make(FargateTask, "Web")
    access_point = files.add_access_point("Shared", path="/shared")

    assert web.mount_file_system("/data", file_system=files, access_point=access_point, read_only=True) is access_point
    yield
    assert len(part.resources("AWS::EFS::AccessPoint")) == 1
    assert permissions(part)["Action"] == "elasticfilesystem:ClientMount"
    (mount,) = part.of(web.task_definition)["ContainerDefinitions"][0]["MountPoints"]
    assert mount["ReadOnly"] is True


@in_shared_stack
def test_a_sidecar_mounts_one(part: Part) -> Steps:
    """Only the sidecar has the mount; one of another task is refused."""
    files, web, other = files_in(part), part.service("Web"), part.make(FargateTask, "Other")
    cache = web.add_sidecar("cache", image=IMAGE)
    with pytest.raises(ValueError, match=r"container must be of this task, got: Test/.*/Other/TaskDefinition/other; "):
        web.mount_file_system("/data", file_system=files, container=other.container)
    web.mount_file_system("/data", file_system=files, container=cache)
    yield
    definitions = [part.of(each.task_definition)["ContainerDefinitions"] for each in (web, other)]
    mounts = {each["Name"]: each.get("MountPoints") for containers in definitions for each in containers}
    assert mounts == {
        "web": None,
        "other": None,
        "cache": [{"ContainerPath": "/data", "ReadOnly": False, "SourceVolume": "cache-data"}],
    }


@in_shared_stack
def test_a_file_system_of_another_stack(part: Part) -> Steps:
    """The rule that lets the task in stands in the task's stack, so that the stacks do not need each other."""
    base, top = part.other_stack("Base"), part.other_stack("Top")
    network = FixedEgressNetwork(base, "Network")
    files = efs.FileSystem(base, "Files", vpc=network.vpc)
    web = part.make(FargateTask, "Web", scope=top, network=network, cluster=None)
    web.mount_file_system("/data", file_system=files)
    yield
    part.template(base).resource_count_is("AWS::EC2::SecurityGroupIngress", 0)
    part.template(top).has_resource_properties("AWS::EC2::SecurityGroupIngress", {"FromPort": 2049})


def test_a_mount_can_move_without_its_files() -> None:
    """Another path is another folder, which is told; an access point leads to the old one."""

    def stack_with(path: str, *, is_kept: bool = False) -> Stack:
        stack = Stack(App(), "Test")
        network = network_in(stack)
        files = efs.FileSystem(stack, "Files", vpc=network.vpc, encrypted=True)
        folder = files.add_access_point("Data", path="/data") if is_kept else None
        web = FargateTask(stack, "Web", network=network, image=IMAGE)
        web.mount_file_system(path, file_system=files, access_point=folder)
        return stack

    before = lasting_resources(stack_with("/data"))
    with pytest.raises(
        AssertionError, match=r"Test/Web/AccessPointweb-data/Resource .* is deleted; new of its type: .*srv"
    ):
        assert_no_replacement(before, stack_with("/srv/data"))
    moved = stack_with("/srv/data", is_kept=True)
    assert_no_replacement(before, moved, accepted=["Test/Web/AccessPointweb-data"])


@in_shared_stack
def test_one_that_anybody_may_mount_is_a_warning(part: Part) -> Steps:
    """Told once, however many mounts, unless it gets a policy at last."""
    web = part.service("Web")
    closed, opened = (efs.FileSystem(part, name, vpc=part.network.vpc, encrypted=True) for name in ("Closed", "Open"))
    for files in (opened, closed):
        for path in ("/a", "/b"):
            web.mount_file_system(f"/{files.node.id}{path}", file_system=files)
    closed.grant_read(web)
    yield
    (warning,) = part.warnings(opened)
    assert "pass allow_anonymous_access=False" in warning
    assert part.warnings(closed) == []


@in_shared_stack
def test_an_imported_file_system(part: Part) -> Steps:
    """Whether it is encrypted at rest is not known here."""
    group = ec2.SecurityGroup(part, "FilesGroup", vpc=part.network.vpc)
    files = efs.FileSystem.from_file_system_attributes(
        part, "Files", file_system_id="fs-0123456789abcdef0", security_group=group
    )
    part.make(FargateTask, "Web").mount_file_system("/data", file_system=files)
    yield
    (point,) = part.properties("AWS::EFS::AccessPoint")
    assert point["FileSystemId"] == "fs-0123456789abcdef0"
