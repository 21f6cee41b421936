"""The containers of one task: what each is, what they share, and in which order they start.

```
requests ──> [main container] ── localhost ──> [sidecars]
```
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import TypedDict

import jsii
from aws_cdk import Duration, Stack, Token
from aws_cdk import aws_ecs as ecs
from constructs import IConstruct, IValidation

from fargate_constructs._core.nag_suppressions import ECR_LOGIN, acknowledge_wildcards
from fargate_constructs._core.unresolved import may_match, may_start_with
from fargate_constructs._core.validation import validate_range

# What ECS Exec's agent writes to; with these a container whose root file system is read-only can still be looked into
# (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html).
EXEC_PATHS = ("/var/lib/amazon", "/var/log/amazon")

# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html
CONTAINER_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
LEAST_MEMORY_MIB = 6
LEAST_CPU = 2

Condition = ecs.ContainerDependencyCondition
ENDS = (Condition.COMPLETE, Condition.SUCCESS)


class ContainerArguments(TypedDict, total=False):
    """The arguments of one container beside its image, main or sidecar; documented in `FargateTask`."""

    environment: Mapping[str, str] | None
    secrets: Mapping[str, ecs.Secret] | None
    environment_files: Sequence[ecs.EnvironmentFile]
    command: Sequence[str] | None
    entry_point: Sequence[str] | None
    working_directory: str | None
    user: str | None
    health_check: ecs.HealthCheck | None
    read_only: bool
    writable_paths: Sequence[str]
    multiline_pattern: str | None


@jsii.implements(IValidation)
class TaskContainers:
    """The containers of one task definition.

    Args:
        task_definition: The task definition.
        cpu: The task's CPU units, which the containers share.
        memory_limit_mib: The task's memory in MiB, which they share.
        on_windows: Whether they are Windows containers.
        stop_timeout: How long each may take to end after SIGTERM.
        log_driver: Makes the driver that logs under a prefix, by the pattern that begins an event.
    """

    def __init__(
        self,
        task_definition: ecs.TaskDefinition,
        *,
        cpu: int,
        memory_limit_mib: int,
        on_windows: bool,
        stop_timeout: Duration,
        log_driver: Callable[[str, str | None], ecs.LogDriver],
    ) -> None:
        self._task_definition = task_definition
        self._size = {"cpu": cpu, "memory_limit_mib": memory_limit_mib}
        self._shares: dict[str, dict[str, int]] = {}
        self._with_check: set[str] = set()
        self._volumes: dict[str, tuple[str, str]] = {}
        self._on_windows = on_windows
        self._stop_timeout = stop_timeout
        self._log_driver = log_driver
        self._all: list[ecs.ContainerDefinition] = []

    def add(
        self,
        name: str,
        *,
        image: ecs.ContainerImage,
        environment: Mapping[str, str] | None = None,
        secrets: Mapping[str, ecs.Secret] | None = None,
        environment_files: Sequence[ecs.EnvironmentFile] = (),
        command: Sequence[str] | None = None,
        entry_point: Sequence[str] | None = None,
        working_directory: str | None = None,
        user: str | None = None,
        health_check: ecs.HealthCheck | None = None,
        read_only: bool = False,
        writable_paths: Sequence[str] = (),
        multiline_pattern: str | None = None,
        essential: bool = True,
        cpu: int | None = None,
        memory_limit_mib: int | None = None,
        memory_reservation_mib: int | None = None,
    ) -> ecs.ContainerDefinition:
        """Add a container that has its own log prefix, an init process, and volumes where it must write."""
        container = self._task_definition.add_container(
            name,
            image=image,
            environment=environment,
            secrets=secrets,
            environment_files=list(environment_files) or None,
            command=command,
            entry_point=entry_point,
            working_directory=working_directory,
            user=user,
            health_check=health_check,
            readonly_root_filesystem=read_only or None,
            essential=essential,
            cpu=cpu,
            memory_limit_mib=memory_limit_mib,
            memory_reservation_mib=memory_reservation_mib,
            stop_timeout=self._stop_timeout,
            logging=self._log_driver(name, multiline_pattern),
            linux_parameters=None if self._on_windows else self._init_process(name),
        )
        self._all.append(container)
        if health_check:
            self._with_check.add(name)
        if not isinstance(image, ecs.RepositoryImage):
            acknowledge_wildcards(
                self._task_definition.obtain_execution_role(),
                ["*"],
                reason=ECR_LOGIN,
            )
        for path in dict.fromkeys(path.rstrip("/") for path in [*(EXEC_PATHS if read_only else ()), *writable_paths]):
            volume = self.volume_name(name, path)
            self._task_definition.add_volume(name=volume)
            container.add_mount_points(ecs.MountPoint(container_path=path, source_volume=volume, read_only=False))
        return container

    def volume_name(self, container: str, path: str) -> str:
        """Return a name of its own for a container's volume at a path: letters, digits and hyphens."""
        name = re.sub("[^A-Za-z0-9]+", "-", f"{container}{path}").strip("-")
        if self._volumes.setdefault(name, (container, path)) != (container, path):
            name += f"-{hashlib.sha256(f'{container}:{path}'.encode()).hexdigest()[:8]}"
        return name

    def add_sidecar(
        self,
        name: str,
        *,
        image: ecs.ContainerImage,
        essential: bool | None,
        condition: Condition | None,
        depends_on: Mapping[str, Condition],
        cpu: int | None,
        memory_limit_mib: int | None,
        memory_reservation_mib: int | None,
        container: ContainerArguments,
    ) -> ecs.ContainerDefinition:
        """Add a container that the main one waits for, unless it itself waits for the main one."""
        existing = {each.container_name: each for each in self._all}
        if not may_match(CONTAINER_NAME, name):
            raise ValueError(f"name holds at most 255 letters, digits, hyphens and underscores, got: {name!r}")
        if self._task_definition.find_container(name):  # a log router is none of ours
            raise ValueError(f"name must differ from the task's other containers, got: {name!r}")
        health_check = container.get("health_check")
        validate_container(self._task_definition, container, on_windows=self._on_windows)
        self._validate_condition(condition, has_health_check=health_check is not None, essential=essential)
        self._validate_dependencies(depends_on, existing)
        validate_range("cpu", cpu, LEAST_CPU)
        _validate_memory(memory_limit_mib, memory_reservation_mib, task_memory_mib=self._size["memory_limit_mib"])
        self._validate_shares(name, cpu, memory_reservation_mib or memory_limit_mib)

        main = self._all[0]
        if condition is None and not self._waits_for(depends_on, main.container_name):
            condition = Condition.HEALTHY if health_check else Condition.START
        order = self._order() | {name: set(depends_on)}
        if condition:
            order[main.container_name].add(name)
        if cycle := _cycle(order):
            raise ValueError(
                f"containers must not wait for each other in a circle, got: {cycle}; leave out a dependency"
            )
        if self._all == [main]:
            self._task_definition.node.add_validation(self)

        sidecar = self.add(
            name,
            image=image,
            **container,
            essential=condition not in ENDS if essential is None else essential,
            cpu=cpu,
            memory_limit_mib=memory_limit_mib,
            memory_reservation_mib=memory_reservation_mib,
        )
        for other, their_condition in depends_on.items():
            sidecar.add_container_dependencies(
                ecs.ContainerDependency(container=existing[other], condition=their_condition)
            )
        if condition:
            main.add_container_dependencies(ecs.ContainerDependency(container=sidecar, condition=condition))
        return sidecar

    def validate(self) -> list[str]:
        """Return the circle in which containers wait for each other, if dependencies were added to make one."""
        cycle = _cycle(self._order())
        return [f"containers wait for each other in a circle: {cycle}; leave out a dependency"] if cycle else []

    def _order(self) -> dict[str, set[str]]:
        """Return whom each container waits for, as the template will have it."""
        return {
            each.container_name: {dependency.container.container_name for dependency in each.container_dependencies}
            for each in self._all
        }

    def _waits_for(self, depends_on: Mapping[str, Condition], name: str) -> bool:
        """Whether a container that depends on these waits for the named one, directly or through others."""
        order = self._order()
        waited_for = list(depends_on)
        for each in waited_for:
            waited_for.extend(other for other in order.get(each, ()) if other not in waited_for)
        return name in waited_for

    def _validate_condition(
        self, condition: Condition | None, *, has_health_check: bool, essential: bool | None
    ) -> None:
        if condition is Condition.HEALTHY and not has_health_check:
            raise ValueError("condition HEALTHY needs a health_check, got none: pass one, or condition START")
        # https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDependency.html
        if condition in ENDS and essential:
            raise ValueError(
                f"essential must be False for a container whose end is waited for ({condition.name}), got: True; "
                "the task would stop with it",
            )

    def _validate_dependencies(
        self, depends_on: Mapping[str, Condition], existing: Mapping[str, ecs.ContainerDefinition]
    ) -> None:
        for name, condition in depends_on.items():
            if name not in existing:
                raise ValueError(
                    f"depends_on must name containers of the task ({', '.join(existing)}), got: {name!r}; "
                    "add that one first",
                )
            if condition is Condition.HEALTHY and name not in self._with_check:
                raise ValueError(f"depends_on HEALTHY needs a container with a health_check, got: {name!r}")
            if condition in ENDS and existing[name].essential:
                raise ValueError(
                    f"depends_on must not wait for the end of an essential container, got: {name!r} {condition.name}; "
                    "the task would stop with it",
                )

    def _validate_shares(self, name: str, cpu: int | None, memory_mib: int | None) -> None:
        """Refuse sidecars that leave the main container nothing."""
        shares = self._shares | {name: {"cpu": cpu or 0, "memory_limit_mib": memory_mib or 0}}
        for what, whole in self._size.items():
            taken = {container: share[what] for container, share in shares.items() if share[what]}
            if any(map(Token.is_unresolved, [whole, *taken.values()])):
                continue
            if sum(taken.values()) >= whole and taken:
                listed = " + ".join(f"{container} {share}" for container, share in taken.items())
                raise ValueError(
                    f"sidecars must leave some of the task's {what}={whole} to the main container, got: {listed}; "
                    "take a larger task, or give them less",
                )
        self._shares = shares

    def _init_process(self, name: str) -> ecs.LinuxParameters:
        """Reap the processes that a shell opened by ECS Exec leaves behind.

        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html
        """
        return ecs.LinuxParameters(self._task_definition, f"{name}LinuxParameters", init_process_enabled=True)


def validate_container(scope: IConstruct, container: ContainerArguments, *, on_windows: bool) -> None:
    """Refuse a container that could not run, or that would show a secret to everybody.

    Raises:
        ValueError: If a path is not absolute, a variable has no name or one that it would not keep, *environment*
            holds the value of a secret or shares a name with *secrets*, or Windows has no such containers.
    """
    for path in container.get("writable_paths", ()):
        if not may_start_with("/", path) or path == "/":
            raise ValueError(f"writable_paths must be absolute folders such as '/tmp', got: {path!r}")
    # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/use-environment-file.html says so of the last.
    on_linux = ("read_only", "writable_paths", "user", "environment_files")
    windows_has_no = {name: container.get(name) for name in on_linux}
    for name, value in windows_has_no.items():
        if on_windows and value:
            raise ValueError(f"{name} must be left out for Windows tasks, which have no such thing, got: {value!r}")
    environment, secrets = container.get("environment") or {}, container.get("secrets") or {}
    for variable in [*environment, *secrets]:
        # What is after a "=" would become part of the value; a shell cannot read a name with a space.
        if not re.fullmatch(r"[^\s=]+", variable):
            raise ValueError(f"environment and secrets must have names without '=' and white space, got: {variable!r}")
    if both := environment.keys() & secrets.keys():
        raise ValueError(f"environment and secrets must not share a name, got in both: {', '.join(sorted(both))}")
    for variable, value in environment.items():
        if resolves_secret(Stack.of(scope).resolve(value)):
            raise ValueError(
                f"environment must not hold secrets, got the value of one in {variable!r}; pass it as "
                f"secrets={{{variable!r}: ecs.Secret.from_secrets_manager(...)}}",
            )


def resolves_secret(value: object) -> bool:
    """Whether a piece of a template becomes the value of a secret when it is deployed."""
    written = str(value)
    return "{{resolve:secretsmanager:" in written or "{{resolve:ssm-secure:" in written


def _validate_memory(limit_mib: int | None, reservation_mib: int | None, *, task_memory_mib: int) -> None:
    most = None if Token.is_unresolved(task_memory_mib) else task_memory_mib
    validate_range("memory_limit_mib", limit_mib, LEAST_MEMORY_MIB, most)
    if limit_mib is None or Token.is_unresolved(limit_mib):
        validate_range("memory_reservation_mib", reservation_mib, LEAST_MEMORY_MIB)
    else:
        validate_range("memory_reservation_mib", reservation_mib, LEAST_MEMORY_MIB, limit_mib)


def _cycle(order: Mapping[str, set[str]]) -> str:
    """Return a circle as `a -> b -> a`, or nothing."""
    try:
        TopologicalSorter(order).prepare()
    except CycleError as error:
        return " -> ".join(reversed(error.args[1]))
    return ""
