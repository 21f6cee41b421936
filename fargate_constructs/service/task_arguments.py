"""What a task is made of, as arguments that services and jobs hand on to it.

```
FargateService, jobs ── [arguments] ──> FargateTask
```
"""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs

from fargate_constructs.network.network import Network
from fargate_constructs.service.capacity import Capacity
from fargate_constructs.service.containers import ContainerArguments
from fargate_constructs.service.log_driver import LogDelivery, LogRouter


class TaskArguments(ContainerArguments, total=False):
    """The arguments of `FargateTask`, for what is built on it; documented there."""

    network: Network
    image: ecs.ContainerImage
    cpu: int
    memory_limit_mib: int
    ephemeral_storage_gib: int | None
    cpu_architecture: ecs.CpuArchitecture | None
    operating_system_family: ecs.OperatingSystemFamily | None
    stop_timeout: Duration | None
    cluster: ecs.ICluster | None
    capacity: Capacity | None
    security_groups: Sequence[ec2.ISecurityGroup]
    task_role: iam.IRole | None
    execution_role: iam.IRole | None
    log_group: logs.ILogGroup | None
    log_delivery: LogDelivery
    log_router: LogRouter | None
    log_retention: logs.RetentionDays | None
    name: str | None
