"""Mounts of EFS file systems."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from itertools import product

from aws_cdk import Annotations, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from constructs import Construct

from fargate_constructs._core.construct_paths import stack_of
from fargate_constructs._core.descriptions import ec2_description
from fargate_constructs._core.environment_checks import may_be_in_vpc
from fargate_constructs._core.lazy_cdk import aws_efs as efs
from fargate_constructs._core.synthesis_checks import check_at_synthesis
from fargate_constructs._core.unresolved import may_match, may_start_with
from fargate_constructs.service.links.security_group_rules import allow

# The first user of most Linux images that is not root.
USER_ID = "1000"

# https://docs.aws.amazon.com/efs/latest/ug/API_RootDirectory.html
EFS_PATH = re.compile(r"(?=.{1,100}$)(/(?!\.)[^$#<>;`|&?{}^*/\n]+){1,4}")

ANONYMOUS = "fargate-constructs:anonymousFileSystem"


def validate_mount(path: str, container: ecs.ContainerDefinition) -> None:
    """Refuse a path that is no folder, or that the container has already."""
    if not may_start_with("/", path) or path == "/":
        raise ValueError(f"path must be an absolute folder such as '/data', got: {path!r}")
    if path in {mount.container_path for mount in container.mount_points}:
        raise ValueError(f"path must differ from the container's other mounts, got: {path!r} again")


def mount_file_system(
    scope: Construct,
    path: str,
    *,
    vpc: ec2.IVpc,
    volume: str,
    container: ecs.ContainerDefinition,
    connections: ec2.Connections,
    file_system: efs.IFileSystem,
    access_point: efs.IAccessPoint | None,
    read_only: bool,
) -> efs.IAccessPoint:
    """Mount a file system into a container, and allow the task's role and security group to reach it."""
    validate_mount(path, container)
    if access_point is None and not may_match(EFS_PATH, path):
        raise ValueError(
            f"path must be at most four folders deep and 100 characters long to be a folder of the file system, too, "
            f"got: {path!r}; pass access_point= for another one"
        )
    if not all(may_be_in_vpc(group, vpc) for group in file_system.connections.security_groups):
        raise ValueError(
            f"file_system must be in the same network as the task, got: {file_system.node.path} in another; "
            "make one there"
        )
    resource = file_system.node.default_child
    if isinstance(resource, efs.CfnFileSystem):
        if resource.encrypted is not True:
            raise ValueError(
                f"file_system must be encrypted at rest, got: {file_system.node.path} without; "
                "pass encrypted=True to it",
            )
        check_at_synthesis(scope, partial(_warn_of_anonymous_access, resource))
    task_definition = container.task_definition
    access_point = access_point or efs.AccessPoint(
        scope,
        f"AccessPoint{volume}",
        file_system=file_system,
        path=path,
        posix_user=efs.PosixUser(uid=USER_ID, gid=USER_ID),
        create_acl=efs.Acl(owner_uid=USER_ID, owner_gid=USER_ID, permissions="755"),
    )
    task_definition.add_volume(
        name=volume,
        efs_volume_configuration=ecs.EfsVolumeConfiguration(
            file_system_id=file_system.file_system_id,
            transit_encryption="ENABLED",
            authorization_config=ecs.AuthorizationConfig(access_point_id=access_point.access_point_id, iam="ENABLED"),
        ),
    )
    container.add_mount_points(ecs.MountPoint(container_path=path, source_volume=volume, read_only=read_only))
    task_definition.add_to_task_role_policy(
        iam.PolicyStatement(
            actions=["elasticfilesystem:ClientMount", *([] if read_only else ["elasticfilesystem:ClientWrite"])],
            resources=[file_system.file_system_arn],
            conditions={"StringEquals": {"elasticfilesystem:AccessPointArn": access_point.access_point_arn}},
        ),
    )
    for theirs, ours in product(file_system.connections.security_groups, connections.security_groups):
        description = f"NFS from {scope.node.id}"
        # The rule is in the task's stack, which depends on the file system's stack, and not the reverse. CDK would put
        # it in the stack of the task's group.
        if stack_of(ours) is stack_of(scope):
            theirs.add_ingress_rule(ours, ec2.Port.NFS, ec2_description(description), remote_rule=True)
        else:
            rule_id = f"Mount {volume} {theirs.node.id} {ours.node.id}"
            allow(scope, rule_id, ours=ours, theirs=theirs, port=ec2.Port.NFS, description=description)
    # A task cannot start before there is a mount target.
    task_definition.node.add_dependency(file_system.mount_targets_available)
    return access_point


def _warn_of_anonymous_access(file_system: efs.CfnFileSystem) -> Sequence[str]:
    """Warn of a file system without a policy. Return no error.

    https://docs.aws.amazon.com/efs/latest/ug/iam-access-control-nfs-efs.html
    """
    if not Stack.of(file_system).resolve(file_system.file_system_policy):
        Annotations.of(file_system).add_warning_v2(
            ANONYMOUS,
            "without a file system policy EFS lets each client that reaches a mount target mount all of it "
            "without a role: pass allow_anonymous_access=False to the file system",
        )
    return ()
