"""Files that outlive a task."""

from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_efs as efs
from aws_cdk.assertions import Annotations, Match, Template

from fargate_constructs import FargateService, FixedEgressNetwork
from fargate_constructs.network.network import Network
from fargate_constructs.testing import assert_no_replacement, lasting_resources
from tests.modes.made_elsewhere import network_in
from tests.templates import properties


@pytest.fixture
def files(stack: Stack, network: Network) -> efs.FileSystem:
    """A file system in the same network."""
    subnets = ec2.SubnetSelection(subnets=network.task_subnets)
    return efs.FileSystem(
        stack, "Files", vpc=network.vpc, vpc_subnets=subnets, encrypted=True, allow_anonymous_access=False
    )


@pytest.fixture
def web(stack: Stack, network: Network, image: ecs.ContainerImage) -> FargateService:
    """A service."""
    return FargateService(stack, "Web", network=network, image=image)


def test_only_this_task_may_mount_it(stack: Stack, files: efs.FileSystem, web: FargateService) -> None:
    """Encrypted in transit, through an access point, by the task's role, from its security group."""
    access_point = web.mount_file_system("/data", file_system=files)

    template = Template.from_stack(stack)
    (definition,) = properties(template, "AWS::ECS::TaskDefinition")
    (volume,) = definition["Volumes"]
    (container,) = definition["ContainerDefinitions"]
    access = {"AccessPointId": stack.resolve(access_point.access_point_id), "IAM": "ENABLED"}
    assert volume["Name"] == "web-data"
    assert volume["EFSVolumeConfiguration"] == {
        "FilesystemId": stack.resolve(files.file_system_id),
        "TransitEncryption": "ENABLED",
        "AuthorizationConfig": access,
    }
    assert container["MountPoints"] == [{"ContainerPath": "/data", "SourceVolume": "web-data", "ReadOnly": False}]
    (point,) = properties(template, "AWS::EFS::AccessPoint")
    assert point["PosixUser"] == {"Uid": "1000", "Gid": "1000"}
    owner = {"OwnerUid": "1000", "OwnerGid": "1000", "Permissions": "755"}
    assert point["RootDirectory"] == {"Path": "/data", "CreationInfo": owner}
    arn = stack.resolve(access_point.access_point_arn)
    assert permissions(template) == {
        "Action": ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"],
        "Condition": {"StringEquals": {"elasticfilesystem:AccessPointArn": arn}},
        "Effect": "Allow",
        "Resource": stack.resolve(files.file_system_arn),
    }
    (rule,) = properties(template, "AWS::EC2::SecurityGroupIngress")
    groups = [stack.resolve(each.connections.security_groups[0].security_group_id) for each in (files, web)]
    assert (rule["FromPort"], rule["ToPort"]) == (2049, 2049)
    assert [rule["GroupId"], rule["SourceSecurityGroupId"]] == groups
    (resource,) = template.find_resources("AWS::ECS::TaskDefinition").values()
    assert template.find_resources("AWS::EFS::MountTarget").keys() <= {*resource["DependsOn"]}
    # Only roles with a grant mount it: the policy for all others leaves that action out.
    (system,) = properties(template, "AWS::EFS::FileSystem")
    (others,) = system["FileSystemPolicy"]["Statement"]
    assert others["Effect"] == "Allow"
    assert "elasticfilesystem:ClientMount" not in others["Action"]
    Annotations.from_stack(stack).has_no_warning("*", Match.any_value())


def permissions(template: Template) -> dict[str, Any]:
    """Return the one statement on file systems."""
    (statement,) = (
        statement
        for policy in template.find_resources("AWS::IAM::Policy").values()
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if "elasticfilesystem" in str(statement["Action"])
    )
    assert isinstance(statement, dict)
    return statement


def test_read_only_through_an_access_point_of_ones_own(
    stack: Stack, files: efs.FileSystem, web: FargateService
) -> None:
    """The task may not write, and no access point is made."""
    access_point = files.add_access_point("Shared", path="/shared")

    assert web.mount_file_system("/data", file_system=files, access_point=access_point, read_only=True) is access_point

    template = Template.from_stack(stack)
    template.resource_count_is("AWS::EFS::AccessPoint", 1)
    assert permissions(template)["Action"] == "elasticfilesystem:ClientMount"
    (definition,) = template.find_resources("AWS::ECS::TaskDefinition").values()
    (mount,) = definition["Properties"]["ContainerDefinitions"][0]["MountPoints"]
    assert mount["ReadOnly"] is True


def test_a_sidecar_mounts_one(
    stack: Stack, network: Network, image: ecs.ContainerImage, files: efs.FileSystem, web: FargateService
) -> None:
    """Only the sidecar has the mount; one of another task is refused."""
    cache = web.add_sidecar("cache", image=image)
    other = FargateService(stack, "Other", network=network, image=image)

    with pytest.raises(ValueError, match="container must be of this task, got: Test/Other/TaskDefinition/other; pass"):
        web.mount_file_system("/data", file_system=files, container=other.container)
    web.mount_file_system("/data", file_system=files, container=cache)

    definitions = [each["ContainerDefinitions"] for each in properties(stack, "AWS::ECS::TaskDefinition")]
    mounts = {each["Name"]: each.get("MountPoints") for containers in definitions for each in containers}
    assert mounts == {
        "web": None,
        "other": None,
        "cache": [{"ContainerPath": "/data", "ReadOnly": False, "SourceVolume": "cache-data"}],
    }


def test_a_file_system_of_another_stack(image: ecs.ContainerImage) -> None:
    """The rule that lets the task in stands in the task's stack, so that the stacks do not need each other."""
    app = App()
    base, top = Stack(app, "Base"), Stack(app, "Top")
    network = FixedEgressNetwork(base, "Network")
    files = efs.FileSystem(base, "Files", vpc=network.vpc)

    FargateService(top, "Web", network=network, image=image).mount_file_system("/data", file_system=files)

    Template.from_stack(base).resource_count_is("AWS::EC2::SecurityGroupIngress", 0)
    Template.from_stack(top).has_resource_properties("AWS::EC2::SecurityGroupIngress", {"FromPort": 2049})


def test_a_mount_can_move_without_its_files(image: ecs.ContainerImage) -> None:
    """Another path is another folder, which is told; an access point leads to the old one."""

    def stack_with(path: str, *, is_kept: bool = False) -> Stack:
        stack = Stack(App(), "Test")
        network = network_in(stack)
        files = efs.FileSystem(stack, "Files", vpc=network.vpc, encrypted=True)
        folder = files.add_access_point("Data", path="/data") if is_kept else None
        web = FargateService(stack, "Web", network=network, image=image)
        web.mount_file_system(path, file_system=files, access_point=folder)
        return stack

    before = lasting_resources(stack_with("/data"))
    with pytest.raises(
        AssertionError, match=r"Test/Web/AccessPointweb-data/Resource .* is deleted; new of its type: .*srv"
    ):
        assert_no_replacement(before, stack_with("/srv/data"))
    moved = stack_with("/srv/data", is_kept=True)
    assert_no_replacement(before, moved, accepted=["Test/Web/AccessPointweb-data"])


def test_one_that_anybody_may_mount_is_a_warning(stack: Stack, network: Network, web: FargateService) -> None:
    """Told once, however many mounts, unless it gets a policy at last."""
    for name in ("Open", "Closed"):
        files = efs.FileSystem(stack, name, vpc=network.vpc, encrypted=True)
        for path in ("/a", "/b"):
            web.mount_file_system(f"/{name}{path}", file_system=files)
    files.grant_read(web)

    annotations = Annotations.from_stack(stack)
    (warning,) = annotations.find_warning("*", Match.string_like_regexp("pass allow_anonymous_access=False"))
    assert warning.id == "/Test/Open/Resource"
    annotations.has_no_warning("/Test/Closed/Resource", Match.any_value())


def test_an_imported_file_system(stack: Stack, network: Network, web: FargateService) -> None:
    """Whether it is encrypted at rest is not known here."""
    group = ec2.SecurityGroup(stack, "FilesGroup", vpc=network.vpc)
    files = efs.FileSystem.from_file_system_attributes(
        stack, "Files", file_system_id="fs-0123456789abcdef0", security_group=group
    )

    web.mount_file_system("/data", file_system=files)

    Template.from_stack(stack).has_resource_properties(
        "AWS::EFS::AccessPoint", {"FileSystemId": "fs-0123456789abcdef0"}
    )
