"""What a container may set of the Linux kernel: limits, capabilities and kernel parameters."""

import re
from collections.abc import Sequence

from aws_cdk import aws_ecs as ecs

from fargate_constructs._core.unresolved import is_unresolved, may_match

# The namespaced kernel parameters that ECS accepts
# (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_SystemControl.html).
KERNEL_PARAMETER = re.compile(
    r"net\..+|fs\.mqueue\..+|kernel\.(?:msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)"
)


def validate_linux_options(
    ulimits: Sequence[ecs.Ulimit],
    add_capabilities: Sequence[ecs.Capability],
    system_controls: Sequence[ecs.SystemControl],
) -> None:
    """Refuse what Fargate does not let a container set."""
    for limit in ulimits:
        if limit.soft_limit > limit.hard_limit and not any(map(is_unresolved, (limit.soft_limit, limit.hard_limit))):
            raise ValueError(
                f"ulimits must have a soft_limit of at most the hard_limit, got: {limit.soft_limit} of "
                f"{limit.hard_limit} for {limit.name.name}"
            )
    for capability in add_capabilities:
        # https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_KernelCapabilities.html
        if capability is not ecs.Capability.SYS_PTRACE:
            raise ValueError(
                f"add_capabilities must be [ecs.Capability.SYS_PTRACE], the one that Fargate adds, got: "
                f"{capability.name}; leave it out"
            )
    for control in system_controls:
        if not may_match(KERNEL_PARAMETER, control.namespace):
            raise ValueError(
                f"system_controls must be kernel parameters of the network or of IPC, such as "
                f"'net.ipv4.tcp_keepalive_time', got: {control.namespace!r}"
            )
