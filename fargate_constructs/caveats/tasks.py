"""Whether a task can run on Fargate, and a person can look into it.

```
person ──> [ECS Exec] ──> [task]
```
"""

import re
from collections.abc import Iterator
from typing import Any

from aws_cdk import aws_ecs as ecs

from fargate_constructs.caveats.fargate_app import FargateApp
from fargate_constructs.caveats.rules import Finding, Rule
from fargate_constructs.service.containers import EXEC_PATHS
from fargate_constructs.service.task_size import TaskSize
from fargate_constructs.templates import UNSEEN, Place, is_off, is_true, items, seen

# As ECS takes them (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html).
CPU = re.compile(r"(?P<units>\d+)|(?P<vcpus>\d*\.?\d+) *vCPU", re.IGNORECASE)
MEMORY = re.compile(r"(?P<mib>\d+)|(?P<gib>\d*\.?\d+) *GB", re.IGNORECASE)
STORAGE = re.compile(r"(?P<gib>\d+)")


def find_tasks(app: FargateApp) -> Iterator[Finding]:
    """Yield task definitions that Fargate refuses, and tasks that nobody can look into."""
    for service in app.services:
        if is_off(seen(service.settings, "EnableExecuteCommand")):
            yield Finding(Rule.NoExec, service.place, "no EnableExecuteCommand")
    for definition in app.definitions:
        yield from _find_size(app, definition)
        yield from _find_ports_and_links(app, definition)
        yield from _find_exec_faults(app, definition)


def _find_size(app: FargateApp, definition: Place) -> Iterator[Finding]:
    properties = app.templates.properties(definition)
    if missing := [name for name in ("Cpu", "Memory") if seen(properties, name) is None]:
        yield Finding(Rule.NoSuchSize, definition, f"no {' and no '.join(missing)}")
        return
    storage = seen(properties, "EphemeralStorage", "SizeInGiB")
    values = [seen(properties, "Cpu"), seen(properties, "Memory"), storage]
    if UNSEEN in values:
        return
    windows = ecs.OperatingSystemFamily.WINDOWS_SERVER_2022_CORE if app.is_windows(definition) else None
    try:
        TaskSize(
            cpu=_read(CPU, values[0]),
            memory_limit_mib=_read(MEMORY, values[1]),
            operating_system_family=windows,
            ephemeral_storage_gib=None if storage is None else _read(STORAGE, storage),
        )
    except ValueError as error:
        yield Finding(Rule.NoSuchSize, definition, str(error).split("got: ", 1)[1])


def _read(pattern: re.Pattern[str], value: Any) -> int:  # noqa: ANN401 - a piece of a template
    """Return CPU units, MiB, or GiB of storage, of a number or of text such as `1 vCPU` and `2 GB`."""
    match = pattern.fullmatch(str(value).strip())
    if match is None:
        raise ValueError(f"a size must be a number such as 256, got: {value!r}")
    small, *large = match.groups()
    return int(small) if small else round(float(*large) * 1024)


def _find_ports_and_links(app: FargateApp, definition: Place) -> Iterator[Finding]:
    for name, container in app.containers(definition):
        if links := items(container, "Links"):
            yield Finding(Rule.ContainerLinks, definition, f"Links {', '.join(map(str, links))} of {name}")
        for mapping in items(container, "PortMappings"):
            ports = [seen(mapping, key) for key in ("HostPort", "ContainerPort")]
            if None not in ports and UNSEEN not in ports and str(ports[0]) != str(ports[1]):
                got = f"HostPort {ports[0]} for ContainerPort {ports[1]} of {name}"
                yield Finding(Rule.HostPorts, definition, got)


def _find_exec_faults(app: FargateApp, definition: Place) -> Iterator[Finding]:
    services = app.services_of(definition)
    if not services or app.is_windows(definition):
        return
    containers = app.applications(definition)
    bare = [name for name, each in containers if is_off(seen(each, "LinuxParameters", "InitProcessEnabled"))]
    if bare:
        yield Finding(Rule.NoInitProcess, definition, f"no InitProcessEnabled of {', '.join(bare)}")
    if not any(is_true(seen(service.settings, "EnableExecuteCommand")) for service in services):
        return
    if closed := [
        name for name, each in containers if is_true(seen(each, "ReadonlyRootFilesystem")) and not _can_write(each)
    ]:
        yield Finding(Rule.ExecCannotWrite, definition, f"ReadonlyRootFilesystem of {', '.join(closed)}")


def _can_write(container: dict[str, Any]) -> bool:
    mounted = [str(seen(each, "ContainerPath")).rstrip("/") for each in items(container, "MountPoints")]
    return all(any(f"{needed}/".startswith(f"{path}/") for path in mounted) for needed in EXEC_PATHS)
