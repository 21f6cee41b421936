"""The containers of one task, and the order in which they start."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from aws_cdk import Duration, Stack
from aws_cdk import aws_ecs as ecs

from fargate_constructs._core.ecr_images import allow_image
from fargate_constructs._core.synthesis_checks import check_at_synthesis
from fargate_constructs._core.unresolved import is_unresolved, may_match
from fargate_constructs._core.validation import validate_range
from fargate_constructs.service.containers.container import STOPPED, Condition, Container, Sidecar
from fargate_constructs.service.containers.image_platforms import check_image_platforms
from fargate_constructs.service.execution_role import WITHOUT_FILES

# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html
CONTAINER_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html
MAX_CONTAINERS = 10
MIN_MEMORY_MIB = 6
MIN_CPU = 2
IMAGES_FROM_REGISTRIES = (ecs.RepositoryImage, ecs.EcrImage)


class TaskContainers:
    """The containers of one task definition.

    Args:
        task_definition: The task definition.
        cpu: The task's CPU units, shared by the containers.
        memory_limit_mib: The task's memory in MiB, shared by the containers.
        on_windows: Whether the task runs on Windows.
        stop_timeout: How long each container may take to stop after SIGTERM.
        log_driver: Makes a log driver from a stream prefix and a multiline pattern.
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
        self._restarting: set[str] = set()
        self._volumes: dict[str, tuple[str, str]] = {}
        self._on_windows = on_windows
        self._stop_timeout = stop_timeout
        self._log_driver = log_driver
        self._all: dict[str, ecs.ContainerDefinition] = {}
        self._system_controls: dict[str, tuple[str, str]] = {}
        self._builds_images = False

    def add(
        self,
        name: str,
        container: Container,
        *,
        port_mappings: Sequence[ecs.PortMapping] = (),
        essential: bool = True,
        cpu: int | None = None,
        memory_limit_mib: int | None = None,
        memory_reservation_mib: int | None = None,
    ) -> ecs.ContainerDefinition:
        """Add a container with its own log prefix, an init process, and volumes where it must write."""
        for control in container.system_controls:
            self._system_controls.setdefault(control.namespace, (name, control.value))
        self._all[name] = definition = self._task_definition.add_container(
            name,
            image=container.image,
            # jsii takes no other sequences and mappings than lists and dicts.
            environment=dict(container.environment or {}),
            secrets=dict(container.secrets or {}),
            environment_files=list(container.environment_files) or None,
            command=list(container.command or ()) or None,
            entry_point=list(container.entry_point or ()) or None,
            working_directory=container.working_directory,
            user=container.user,
            health_check=container.health_check,
            readonly_root_filesystem=container.read_only or None,
            port_mappings=list(port_mappings) or None,
            essential=essential,
            cpu=cpu,
            memory_limit_mib=memory_limit_mib,
            memory_reservation_mib=memory_reservation_mib,
            stop_timeout=self._stop_timeout,
            logging=self._log_driver(name, container.multiline_pattern),
            linux_parameters=None if self._on_windows else self._linux_parameters(name, container),
            docker_labels=dict(container.docker_labels or {}) or None,
            ulimits=list(container.ulimits) or None,
            start_timeout=container.start_timeout,
            system_controls=list(container.system_controls) or None,
            interactive=container.interactive or None,
            pseudo_terminal=container.pseudo_terminal or None,
            credential_specs=list(container.credential_specs) or None,
            version_consistency=container.version_consistency,
            **(container.restart_policy._options() if container.restart_policy else {}),
        )
        if container.health_check:
            self._with_check.add(name)
        if container.restart_policy and container.restart_policy._restarts_success:
            self._restarting.add(name)
        if not (container.environment_files or container.credential_specs):
            WITHOUT_FILES[self._task_definition] = WITHOUT_FILES.get(self._task_definition, 0) + 1
        allow_image(definition, container.image)
        if not isinstance(container.image, IMAGES_FROM_REGISTRIES) and not self._builds_images:
            self._builds_images = True
            check_image_platforms(self._task_definition)
        for path in container.volume_paths:
            volume = self.volume_name(name, path)
            self._task_definition.add_volume(name=volume)
            definition.add_mount_points(ecs.MountPoint(container_path=path, source_volume=volume, read_only=False))
        return definition

    def volume_name(self, container: str, path: str) -> str:
        """Return a unique name for a container's volume at a path: letters, digits and hyphens."""
        text = f"{container}{path}"
        if is_unresolved(text):  # the text of a token changes with the number of tokens before it
            resolved = json.dumps(Stack.of(self._task_definition).resolve(text), sort_keys=True)
            text = f"volume-{hashlib.sha256(resolved.encode()).hexdigest()[:8]}"
        name = re.sub("[^A-Za-z0-9]+", "-", text).strip("-")
        if self._volumes.setdefault(name, (container, path)) != (container, path):
            name += f"-{hashlib.sha256(f'{container}:{path}'.encode()).hexdigest()[:8]}"
        return name

    def add_sidecar(self, name: str, sidecar: Sidecar) -> ecs.ContainerDefinition:
        """Add a container that the main one waits for, unless it itself waits for the main one."""
        condition, depends_on = sidecar.condition, sidecar.depends_on or {}
        if not may_match(CONTAINER_NAME, name):
            raise ValueError(f"name holds at most 255 letters, digits, hyphens and underscores, got: {name!r}")
        # The L2 may have added some, such as a log router.
        siblings = self._task_definition._containers
        names = [*self._all] if len(siblings) == len(self._all) else [each.container_name for each in siblings]
        if name in names:
            raise ValueError(f"name must differ from the task's other containers, got: {name!r}")
        if len(names) >= MAX_CONTAINERS:
            raise ValueError(f"{too_many([*names, name])}; run some of them in a task of their own")
        sidecar.validate(self._task_definition, on_windows=self._on_windows)
        self._validate_dependencies(depends_on)
        self._validate_system_controls(name, sidecar)

        main_name, main = next(iter(self._all.items()))
        order = self._order() | {name: set(depends_on)}
        if condition is None and not _waits_for(order, name, main_name):
            condition = Condition.HEALTHY if sidecar.health_check else Condition.START
        if condition:
            order[main_name].add(name)
        if cycle := _cycle(order):
            raise ValueError(
                f"containers must not wait for each other in a circle, got: {cycle}; leave out a dependency"
            )
        self._share(name, sidecar)
        if len(self._all) == 1:
            check_at_synthesis(self._task_definition, self._circles)

        definition = self.add(
            name,
            sidecar,
            essential=condition not in STOPPED if sidecar.essential is None else sidecar.essential,
            cpu=sidecar.cpu,
            memory_limit_mib=sidecar.memory_limit_mib,
            memory_reservation_mib=sidecar.memory_reservation_mib,
        )
        for other, their_condition in depends_on.items():
            definition.add_container_dependencies(
                ecs.ContainerDependency(container=self._all[other], condition=their_condition)
            )
        if condition:
            main.add_container_dependencies(ecs.ContainerDependency(container=definition, condition=condition))
        return definition

    def _circles(self) -> Iterator[str]:
        """Refuse containers that wait for each other through dependencies that the L2 has."""
        if cycle := _cycle(self._order()):
            yield f"containers wait for each other in a circle: {cycle}; leave out a dependency"

    def _order(self) -> dict[str, set[str]]:
        """Return the containers that each container waits for, as in the template."""
        return {
            name: {dependency.container.container_name for dependency in each.container_dependencies}
            for name, each in self._all.items()
        }

    def _validate_dependencies(self, depends_on: Mapping[str, Condition]) -> None:
        for name, condition in depends_on.items():
            if name not in self._all:
                raise ValueError(
                    f"depends_on must name containers of the task ({', '.join(self._all)}), got: {name!r}; "
                    "add that one first",
                )
            if condition is Condition.HEALTHY and name not in self._with_check:
                raise ValueError(f"depends_on HEALTHY needs a container with a health_check, got: {name!r}")
            if condition in STOPPED and name in self._restarting:
                raise ValueError(
                    f"depends_on must not wait for the end of a container that ECS restarts, got: {name!r} "
                    f"{condition.name}; write RestartPolicy(ignored_exit_codes=[0]) there"
                )
            if condition in STOPPED and self._all[name].essential:
                raise ValueError(
                    f"depends_on must not wait for the end of an essential container, got: {name!r} {condition.name}; "
                    "the task would stop with it",
                )

    def _share(self, name: str, sidecar: Sidecar) -> None:
        """Note a sidecar's share of the task's size; refuse one that leaves nothing to the main container."""
        limit, reservation, whole = sidecar.memory_limit_mib, sidecar.memory_reservation_mib, self._size
        validate_range("cpu", sidecar.cpu, MIN_CPU)
        validate_range("memory_limit_mib", limit, MIN_MEMORY_MIB, _known(whole["memory_limit_mib"]))
        validate_range("memory_reservation_mib", reservation, MIN_MEMORY_MIB, _known(limit))
        shares = self._shares | {name: {"cpu": sidecar.cpu or 0, "memory_limit_mib": reservation or limit or 0}}
        for what, size in whole.items():
            taken = {container: share[what] for container, share in shares.items() if share[what]}
            if any(map(is_unresolved, [size, *taken.values()])):
                continue
            if sum(taken.values()) >= size and taken:
                listed = " + ".join(f"{container} {share}" for container, share in taken.items())
                raise ValueError(
                    f"sidecars must leave some of the task's {what}={size} to the main container, got: {listed}; "
                    "take a larger task, or give them less",
                )
        self._shares = shares

    def _linux_parameters(self, name: str, container: Container) -> ecs.LinuxParameters:
        """Return the container's, with an init process that ends what a shell of ECS Exec leaves behind.

        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html
        """
        parameters = ecs.LinuxParameters(
            self._task_definition, f"{name}LinuxParameters", init_process_enabled=container.init_process_enabled
        )
        if container.add_capabilities:
            parameters.add_capabilities(*container.add_capabilities)
        if container.drop_capabilities:
            parameters.drop_capabilities(*container.drop_capabilities)
        return parameters

    def _validate_system_controls(self, name: str, sidecar: Sidecar) -> None:
        """Refuse two values of one kernel parameter: it holds for the task, and the last container to start decides.

        https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_SystemControl.html
        """
        for control in sidecar.system_controls:
            other, value = self._system_controls.get(control.namespace, (name, control.value))
            if value != control.value:
                raise ValueError(
                    f"system_controls hold for all containers of a task, got {control.namespace} = {control.value!r} "
                    f"for {name!r} and {value!r} for {other!r}; write it for one of them"
                )


def too_many(names: Sequence[str]) -> str:
    """Return the message about a task of more containers than ECS takes."""
    return f"a task must have at most {MAX_CONTAINERS} containers, got {len(names)}: {', '.join(names)}"


def _known(number: int | None) -> int | None:
    return None if is_unresolved(number) else number


def _waits_for(order: Mapping[str, set[str]], name: str, other: str) -> bool:
    """Whether a container waits for another one, directly or through others."""
    waited_for = [*order[name]]
    for each in waited_for:
        waited_for.extend(further for further in order.get(each, ()) if further not in waited_for)
    return other in waited_for


def _cycle(order: Mapping[str, set[str]]) -> str:
    """Return a circle as `a -> b -> a`, or nothing."""
    try:
        TopologicalSorter(order).prepare()
    except CycleError as error:
        return " -> ".join(reversed(error.args[1]))
    return ""
