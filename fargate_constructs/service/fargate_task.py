"""What a task is made of, whether a service keeps it running or a job runs it once.

```
image ──> [FargateTask] ──> FargateService, jobs
               │ stdout
               v
          log group ──> LogArchive
```
"""

from collections.abc import Mapping, Sequence
from typing import TypedDict

import jsii
from aws_cdk import Acknowledgment, Duration, RemovalPolicy, Stack, Validations
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from fargate_constructs.findings import acknowledge_wildcards
from fargate_constructs.network import Network, validate_network
from fargate_constructs.sequences import validate_list
from fargate_constructs.service.cluster import AuditedCluster, session_log_arns
from fargate_constructs.service.links import name_of, validate_name
from fargate_constructs.service.log_delivery import LogDelivery
from fargate_constructs.service.task_size import TaskSize, is_windows

# What ECS Exec's agent writes to; with these a container whose root file system is read-only can still be looked into
# (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html).
EXEC_PATHS = ("/var/lib/amazon", "/var/log/amazon")
# After SIGTERM a container gets 30 s, ECS's own default, and at most 120 before it is killed
# (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html).
STOP_TIMEOUT_SECONDS = 30
LONGEST_STOP_TIMEOUT_SECONDS = 120


class TaskArguments(TypedDict, total=False):
    """The arguments of `FargateTask`, for what is built on it; documented there."""

    network: Network
    image: ecs.ContainerImage
    cpu: int
    memory_limit_mib: int
    ephemeral_storage_gib: int | None
    cpu_architecture: ecs.CpuArchitecture | None
    operating_system_family: ecs.OperatingSystemFamily | None
    environment: Mapping[str, str] | None
    secrets: Mapping[str, ecs.Secret] | None
    command: Sequence[str] | None
    health_check: ecs.HealthCheck | None
    stop_timeout: Duration | None
    read_only: bool
    writable_paths: Sequence[str]
    cluster: ecs.ICluster | None
    log_group: logs.ILogGroup | None
    log_delivery: LogDelivery
    log_retention: logs.RetentionDays
    multiline_pattern: str | None
    name: str | None


@jsii.implements(iam.IGrantable)
class FargateTask(Construct):
    r"""A task definition with its containers, its log group and its cluster.

    Args:
        scope: The construct that owns the task.
        id: The construct's ID.
        network: The network whose private subnets tasks run in.
        image: The image of the main container.
        cpu: The task's CPU units, 1,024 being one vCPU. By default 256.
        memory_limit_mib: The task's memory in MiB; with *cpu* a pair that Fargate has. By default 512.
        ephemeral_storage_gib: The task's disk in GiB, 21 to 200. By default the 20 that cost nothing.
        cpu_architecture: `ecs.CpuArchitecture.X86_64` or `ARM64`. By default x86-64, which most images are built for.
        operating_system_family: Linux or a Windows, such as `ecs.OperatingSystemFamily.WINDOWS_SERVER_2022_CORE`. By
            default Linux.
        environment: Plain configuration by name. Whoever may describe the task definition can read it.
        secrets: Secrets by the name of the variable that gets each. The task's execution role may read just these.
        command: The command to run. By default the image's own.
        health_check: How ECS asks the main container whether it is well. By default it does not; a service's comes
            from its `health`.
        stop_timeout: How long containers may take to end after SIGTERM, up to 120 s. By default 30 s.
        read_only: Whether the main container's root file system is read-only. By default it is not. If it is,
            volumes are mounted where ECS Exec's agent writes, so that one can still look in.
        writable_paths: Further folders, such as `/tmp`, that get an empty volume each. By default none.
        cluster: Where tasks run. By default in a cluster of their own, which costs nothing, with Container Insights
            on, which does (custom metrics), and with whatever is typed in a shell kept in a log group for a year.
        log_group: Where the containers log to. By default a group is made, which stays when the stack is deleted.
        log_delivery: Whether lines or the application wait when CloudWatch is slow. By default the lines, in a buffer
            that drops what it cannot hold.
        log_retention: How long the log group made here keeps lines. By default one month.
        multiline_pattern: A regular expression that the first line of each event matches, such as `^\d{4}-`; the
            lines after it belong to it. By default each line is an event.
        name: The name of the main container, and the host name by which linked services reach it. By default the ID
            in lower case with hyphens: `OrderApi` becomes `order-api`.

    Raises:
        ValueError: If Fargate has no such size, *name* cannot be a host name, *stop_timeout* is too long, a path is
            not absolute, or *environment* holds the value of a secret.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        network: Network,
        image: ecs.ContainerImage,
        cpu: int = 256,
        memory_limit_mib: int = 512,
        ephemeral_storage_gib: int | None = None,
        cpu_architecture: ecs.CpuArchitecture | None = None,
        operating_system_family: ecs.OperatingSystemFamily | None = None,
        environment: Mapping[str, str] | None = None,
        secrets: Mapping[str, ecs.Secret] | None = None,
        command: Sequence[str] | None = None,
        health_check: ecs.HealthCheck | None = None,
        stop_timeout: Duration | None = None,
        read_only: bool = False,
        writable_paths: Sequence[str] = (),
        cluster: ecs.ICluster | None = None,
        log_group: logs.ILogGroup | None = None,
        log_delivery: LogDelivery = LogDelivery.available,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH,
        multiline_pattern: str | None = None,
        name: str | None = None,
    ) -> None:
        TaskSize(
            cpu=cpu,
            memory_limit_mib=memory_limit_mib,
            operating_system_family=operating_system_family,
            ephemeral_storage_gib=ephemeral_storage_gib,
        )
        validate_network(network)
        name = name or name_of(id)
        validate_name(name)
        stop_timeout = stop_timeout or Duration.seconds(STOP_TIMEOUT_SECONDS)
        _validate_stop_timeout(stop_timeout)
        _validate_paths(writable_paths)
        if is_windows(operating_system_family):
            _validate_windows(cpu_architecture, read_only=read_only)
        _validate_environment(scope, environment or {})
        super().__init__(scope, id)

        self.name = name
        self._network = network
        self._log_delivery = log_delivery
        self._multiline_pattern = multiline_pattern
        self._stop_timeout = stop_timeout
        self._on_windows = is_windows(operating_system_family)
        self.cluster = cluster or AuditedCluster(self, "Cluster", vpc=network.vpc)
        self.log_group = log_group or logs.LogGroup(
            self, "Logs", retention=log_retention, removal_policy=RemovalPolicy.RETAIN
        )
        self.task_definition = ecs.FargateTaskDefinition(
            self,
            "TaskDefinition",
            cpu=cpu,
            memory_limit_mib=memory_limit_mib,
            ephemeral_storage_gib=ephemeral_storage_gib,
            runtime_platform=ecs.RuntimePlatform(
                cpu_architecture=cpu_architecture or ecs.CpuArchitecture.X86_64,
                operating_system_family=operating_system_family or ecs.OperatingSystemFamily.LINUX,
            ),
        )
        self.container = self._add_container(
            name,
            image=image,
            environment=environment,
            secrets=secrets,
            command=command,
            health_check=health_check,
            read_only=read_only,
        )
        self._mount([*(EXEC_PATHS if read_only else ()), *writable_paths])
        self._acknowledge()

    @property
    def grant_principal(self) -> iam.IPrincipal:
        """The tasks' role, so that `bucket.grant_read(task)` works."""
        return self.task_definition.task_role

    @property
    def logs_command(self) -> str:
        """The command line that follows the logs."""
        return f"aws logs tail {self.log_group.log_group_name} --follow"

    def add_sidecar(
        self,
        name: str,
        *,
        image: ecs.ContainerImage,
        environment: Mapping[str, str] | None = None,
        secrets: Mapping[str, ecs.Secret] | None = None,
        command: Sequence[str] | None = None,
        health_check: ecs.HealthCheck | None = None,
        essential: bool = True,
    ) -> ecs.ContainerDefinition:
        """Run a second container beside the main one, in the same task.

        The main container reaches it on `localhost`, at whichever port it listens on, and starts after it.

        Args:
            name: The container's name, unlike every other in the task.
            image: The container's image.
            environment: Plain configuration by name.
            secrets: Secrets by the name of the variable that gets each.
            command: The command to run. By default the image's own.
            health_check: How the container says that it is ready; the main container starts when it first is. By
                default it is not asked, and the main container starts once this one has started.
            essential: Whether the task stops when this container does. By default it does.

        Raises:
            ValueError: If the task has a container of that name, or *environment* holds the value of a secret.
        """
        if self.task_definition.find_container(name):
            raise ValueError(f"name must differ from the task's other containers, got: {name!r}")
        _validate_environment(self, environment or {})
        sidecar = self._add_container(
            name,
            image=image,
            environment=environment,
            secrets=secrets,
            command=command,
            health_check=health_check,
            essential=essential,
        )
        started = ecs.ContainerDependencyCondition.HEALTHY if health_check else ecs.ContainerDependencyCondition.START
        self.container.add_container_dependencies(ecs.ContainerDependency(container=sidecar, condition=started))
        return sidecar

    def log_driver(self, stream_prefix: str) -> ecs.LogDriver:
        """Return the driver that logs to this task's log group, under a prefix."""
        return self._log_delivery.driver(
            self.log_group, stream_prefix=stream_prefix, multiline_pattern=self._multiline_pattern
        )

    def _add_container(
        self,
        name: str,
        *,
        image: ecs.ContainerImage,
        environment: Mapping[str, str] | None,
        secrets: Mapping[str, ecs.Secret] | None,
        command: Sequence[str] | None,
        read_only: bool = False,
        health_check: ecs.HealthCheck | None = None,
        essential: bool = True,
    ) -> ecs.ContainerDefinition:
        return self.task_definition.add_container(
            name,
            image=image,
            environment=environment,
            secrets=secrets,
            command=command,
            essential=essential,
            health_check=health_check,
            stop_timeout=self._stop_timeout,
            logging=self.log_driver(name),
            readonly_root_filesystem=read_only or None,
            linux_parameters=None if self._on_windows else self._init_process(name),
        )

    def _init_process(self, name: str) -> ecs.LinuxParameters:
        """Reap the processes that a shell opened by ECS Exec leaves behind.

        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html
        """
        return ecs.LinuxParameters(self.task_definition, f"{name}LinuxParameters", init_process_enabled=True)

    def _mount(self, paths: Sequence[str]) -> None:
        """Give the main container an empty volume at each path."""
        for path in paths:
            volume = path.strip("/").replace("/", "-")
            self.task_definition.add_volume(name=volume)
            self.container.add_mount_points(
                ecs.MountPoint(container_path=path, source_volume=volume, read_only=False),
            )

    def _acknowledge(self) -> None:
        Validations.of(self.task_definition).acknowledge(
            Acknowledgment(
                id="AwsSolutions-ECS2",
                reason="environment holds plain configuration; what is secret goes to secrets.",
            ),
        )
        acknowledge_wildcards(
            self.task_definition.task_role,
            ["*", *session_log_arns(self.cluster)],
            reason="ECS Exec needs ssmmessages, which knows no resource, and logs each session in a stream of its own.",
        )


def _validate_stop_timeout(stop_timeout: Duration) -> None:
    seconds = stop_timeout.to_seconds()
    if seconds > LONGEST_STOP_TIMEOUT_SECONDS:
        raise ValueError(
            f"stop_timeout must be at most {LONGEST_STOP_TIMEOUT_SECONDS} seconds on Fargate, got: {seconds:.0f}"
        )


def _validate_windows(cpu_architecture: ecs.CpuArchitecture | None, *, read_only: bool) -> None:
    if cpu_architecture is not None:
        raise ValueError("cpu_architecture of Windows tasks is always X86_64: leave it out")
    if read_only:
        raise ValueError("read_only must be False for Windows tasks, got: True; Windows has no such containers")


def _validate_paths(paths: Sequence[str]) -> None:
    validate_list("writable_paths", paths)
    for path in paths:
        if not path.startswith("/") or path == "/":
            raise ValueError(f"writable_paths must be absolute folders such as '/tmp', got: {path!r}")


def _validate_environment(scope: Construct, environment: Mapping[str, str]) -> None:
    """Refuse the value of a secret: everybody who may describe the task definition could read it."""
    for variable, value in environment.items():
        written = str(Stack.of(scope).resolve(value))
        if "{{resolve:secretsmanager:" in written or "{{resolve:ssm-secure:" in written:
            raise ValueError(
                f"environment must not hold secrets, got the value of one in {variable!r}; pass it as "
                f"secrets={{{variable!r}: ecs.Secret.from_secrets_manager(...)}}",
            )
