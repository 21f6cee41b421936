"""The arguments of one container of a task, which `FargateTask` and `add_sidecar` take."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import Duration, Stack
from aws_cdk import aws_ecs as ecs
from constructs import IConstruct

from fargate_constructs._core.fargate_limits import EXEC_PATHS
from fargate_constructs._core.unresolved import may_start_with
from fargate_constructs._core.validation import validate_seconds
from fargate_constructs.service.containers.linux_options import validate_linux_options
from fargate_constructs.service.containers.restart_policy import RestartPolicy
from fargate_constructs.synthesized.intrinsics import resolves_secret

# The text after a "=" would become part of the value; a shell cannot read a name with a space.
VARIABLE_NAME = re.compile(r"[^\s=]+")
# Windows tasks have none of these; for the last one see
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/use-environment-file.html.
LINUX_ONLY = (
    "read_only",
    "writable_paths",
    "user",
    "environment_files",
    "ulimits",
    "add_capabilities",
    "drop_capabilities",
    "system_controls",
    "credential_specs",
)
# How long others may wait for a container to start
# (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html).
START_TIMEOUTS = (2, 120)

Condition = ecs.ContainerDependencyCondition
# The conditions that become true when a container has stopped.
STOPPED = (Condition.COMPLETE, Condition.SUCCESS)


@dataclass(frozen=True, kw_only=True)
class Container:
    """One container of a task.

    Args:
        image: The container's image.
        environment: Plain configuration by name. All who may describe the task definition can read it. By default
            there is none.
        secrets: Secrets, by the name of the variable that gets each. The task's execution role may read these only,
            and decrypt them if they are under a key of yours. By default there are none.
        environment_files: Files in S3 with a variable in each line, such as `ecs.EnvironmentFile.from_bucket(bucket,
            "web.env")`. The task's execution role may read these only. By default there are none.
        command: The command to run. By default the image's own.
        entry_point: The program that the command is passed to. By default the image's own.
        working_directory: The folder in which the command runs. By default the image's own.
        user: The user who runs the command, such as `1000:1000`. By default the image's own.
        health_check: How ECS checks the container from inside. By default there is no such check.
        read_only: Whether the container's root file system is read-only. By default it is not. If it is, volumes are
            mounted where the agent of ECS Exec writes, so that a shell still opens.
        writable_paths: Further folders, such as `/tmp`, that get an empty volume each. A volume belongs to root,
            unless the image has a `VOLUME` of another user there. By default there are none.
        multiline_pattern: A regular expression that the first line of each log event matches, such as `^[0-9]{4}-`;
            the lines after it belong to the event. By default each line is an event.
        docker_labels: Labels of the container by name, which agents such as Datadog's read. By default there are none.
        ulimits: Limits of the container's processes. By default those of Fargate, such as 65,535 open files.
        restart_policy: When ECS restarts the container without replacing the task, such as `RestartPolicy()`. By
            default it does not.
        start_timeout: How long the containers that wait for this one wait, 2 to 120 s; then the task stops. By default
            3 minutes.
        init_process_enabled: Whether process 1 is an init process, which ends what a shell leaves behind. By default it
            is, on Linux. Images with an init of their own that must be process 1, such as s6-overlay, need `False`.
        add_capabilities: `[ecs.Capability.SYS_PTRACE]`, the only capability that Fargate adds. By default none.
        drop_capabilities: The Linux capabilities that the container does not need, such as `[ecs.Capability.ALL]`. By
            default Docker's own set is kept.
        system_controls: Kernel parameters, such as `net.ipv4.tcp_keepalive_time`. They hold for all containers of the
            task. By default the kernel's own.
        interactive: Whether standard input stays open. By default it does not.
        pseudo_terminal: Whether the container has a terminal. By default it has none.
        credential_specs: The file by which the container signs in to Active Directory, at most one, such as
            `ecs.DomainlessCredentialSpec.from_s3_bucket(bucket, "shop.json")`. The task's execution role may read it.
            By default there is none.
        version_consistency: Whether all tasks of a deployment run the same image, also if its tag moves. By default
            they do, except images from a folder, whose tag never moves.
    """

    image: ecs.ContainerImage
    environment: Mapping[str, str] | None = None
    secrets: Mapping[str, ecs.Secret] | None = None
    environment_files: Sequence[ecs.EnvironmentFile] = ()
    command: Sequence[str] | None = None
    entry_point: Sequence[str] | None = None
    working_directory: str | None = None
    user: str | None = None
    health_check: ecs.HealthCheck | None = None
    read_only: bool = False
    writable_paths: Sequence[str] = ()
    multiline_pattern: str | None = None
    docker_labels: Mapping[str, str] | None = None
    ulimits: Sequence[ecs.Ulimit] = ()
    restart_policy: RestartPolicy | None = None
    start_timeout: Duration | None = None
    init_process_enabled: bool = True
    add_capabilities: Sequence[ecs.Capability] = ()
    drop_capabilities: Sequence[ecs.Capability] = ()
    system_controls: Sequence[ecs.SystemControl] = ()
    interactive: bool = False
    pseudo_terminal: bool = False
    credential_specs: Sequence[ecs.CredentialSpec] = ()
    version_consistency: ecs.VersionConsistency | None = None

    def validate(self, scope: IConstruct, *, on_windows: bool) -> None:
        """Refuse a container that could not run, or that would show a secret to all readers of the task definition."""
        for path in self.writable_paths:
            if not may_start_with("/", path) or path == "/":
                raise ValueError(f"writable_paths must be absolute folders such as '/tmp', got: {path!r}")
        for name in LINUX_ONLY if on_windows else ():
            if value := getattr(self, name):
                raise ValueError(f"{name} must be left out for Windows tasks, which do not have it, got: {value!r}")
        validate_seconds("start_timeout", self.start_timeout, *START_TIMEOUTS)
        validate_linux_options(self.ulimits, self.add_capabilities, self.system_controls)
        _validate_credential_specs(self.credential_specs)
        self._validate_environment(scope)

    def _validate_environment(self, scope: IConstruct) -> None:
        environment, secrets = self.environment or {}, self.secrets or {}
        for variable in [*environment, *secrets]:
            if not VARIABLE_NAME.fullmatch(variable):
                raise ValueError(
                    f"environment and secrets must have names without '=' and white space, got: {variable!r}"
                )
        if both := environment.keys() & secrets.keys():
            raise ValueError(f"environment and secrets must not share a name, got in both: {', '.join(sorted(both))}")
        for variable, value in environment.items():
            if resolves_secret(Stack.of(scope).resolve(value)):
                raise ValueError(
                    f"environment must not hold secrets, got the value of one in {variable!r}; pass it as "
                    f"secrets={{{variable!r}: ecs.Secret.from_secrets_manager(...)}}",
                )

    @property
    def volume_paths(self) -> list[str]:
        """The paths where the container needs a volume."""
        paths = [*(EXEC_PATHS if self.read_only else ()), *self.writable_paths]
        return list(dict.fromkeys(path.rstrip("/") for path in paths))


@dataclass(frozen=True, kw_only=True)
class Sidecar(Container):
    """A second container of a task.

    Args:
        essential: Whether the task stops when this container stops. By default it does, unless the main container waits
            until this one has stopped.
        condition: What the main container waits for before it starts: `START`, `HEALTHY`, or that this container has
            stopped, `COMPLETE` or `SUCCESS` (exit code 0). By default `HEALTHY` if there is a health check and `START`
            if not; nothing if this container itself waits for the main one.
        depends_on: What this container waits for, by the name of the other container. By default nothing.
        cpu: How many of the task's CPU units are reserved for it. By default none are reserved.
        memory_limit_mib: How much of the task's memory it may use before it is killed. By default all.
        memory_reservation_mib: How much of the task's memory is reserved for it. By default *memory_limit_mib*.
    """

    essential: bool | None = None
    condition: Condition | None = None
    depends_on: Mapping[str, Condition] | None = None
    cpu: int | None = None
    memory_limit_mib: int | None = None
    memory_reservation_mib: int | None = None

    def validate(self, scope: IConstruct, *, on_windows: bool) -> None:
        """Refuse the same, and a condition that cannot become true."""
        super().validate(scope, on_windows=on_windows)
        if self.condition in STOPPED and self.restart_policy and self.restart_policy._restarts_success:
            raise ValueError(
                f"restart_policy must ignore exit code 0 if another container waits for the end of this one "
                f"({self.condition.name}), got: {self.restart_policy}; write RestartPolicy(ignored_exit_codes=[0])"
            )
        if self.condition is Condition.HEALTHY and not self.health_check:
            raise ValueError("condition HEALTHY needs a health_check, got none: pass one, or condition START")
        # https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDependency.html
        if self.condition in STOPPED and self.essential:
            raise ValueError(
                f"essential must be False if another container waits for its end ({self.condition.name}), got: True; "
                "the task would stop with it",
            )


def _validate_credential_specs(specs: Sequence[ecs.CredentialSpec]) -> None:
    """Refuse what Fargate does not have.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-linux-gmsa.html
    """
    if len(specs) > 1:
        raise ValueError(f"credential_specs must be at most one, got: {len(specs)}")
    for spec in specs:
        if not isinstance(spec, ecs.DomainlessCredentialSpec):
            raise ValueError(  # noqa: TRY004 - of a type that EC2 takes
                f"credential_specs must be an ecs.DomainlessCredentialSpec on Fargate, got: {type(spec).__name__}"
            )
