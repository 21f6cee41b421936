"""Rules about task definitions and ECS Exec: whether Fargate runs the task, and whether a shell can be opened."""

import re
from collections.abc import Iterator
from typing import Any

from fargate_constructs._core.fargate_limits import EXEC_PATHS, refuse_size
from fargate_constructs.caveats.fargate_app import FargateApp
from fargate_constructs.caveats.rules import RULES, Finding, Rule, judge, undecided
from fargate_constructs.synthesized.intrinsics import Unresolved, as_text, is_off, is_true, items, lookup, unresolved_in
from fargate_constructs.synthesized.task_launchers import find_unreadable_launchers
from fargate_constructs.synthesized.templates import Place

# As ECS takes them (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html).
CPU = re.compile(r"(?P<units>\d+)|(?P<vcpus>\d*\.?\d+) *vCPU", re.IGNORECASE)
MEMORY = re.compile(r"(?P<mib>\d+)|(?P<gib>\d*\.?\d+) *GB", re.IGNORECASE)
STORAGE = re.compile(r"(?P<gib>\d+)")


# The rules about the containers of a task definition.
CONTAINER_RULES = (
    Rule.NoLogs,
    Rule.LogsStayInCloudWatch,
    Rule.LogsNeverExpire,
    Rule.LogsMayDrop,
    Rule.NoInitProcess,
    Rule.ExecCannotWrite,
    Rule.ContainerLinks,
    Rule.HostPorts,
    Rule.SecretInEnvironment,
)


def find_tasks(app: FargateApp) -> Iterator[Finding]:
    """Yield task definitions that Fargate refuses, and tasks in which no shell can be opened."""
    for launcher in app.undecided_launchers:
        values = {
            "LaunchType": app.launch_type(launcher),
            "RequiresCompatibilities": app.compatibilities(launcher.definition),
            "TaskDefinition": None
            if launcher.definition
            else Unresolved(launcher.task_definition or "that is not set"),
        }
        yield from undecided(launcher.place, *RULES, **values)
    for place, value in find_unreadable_launchers(app.templates):
        yield from undecided(place, *RULES, tasks=value)
    for definition in app.undecided_definitions:
        compatibilities = app.compatibilities(definition)
        yield from undecided(definition, *CONTAINER_RULES, Rule.NoSuchSize, RequiresCompatibilities=compatibilities)
    for launcher in app.launchers:
        if launcher.definition is None and launcher.task_definition is not None:  # else its task sets have one
            reference = {"TaskDefinition": Unresolved(launcher.task_definition)}
            yield from undecided(launcher.place, *CONTAINER_RULES, Rule.NoSuchSize, **reference)
    for service in app.services:
        exec_on = lookup(service.settings, "EnableExecuteCommand")
        got = "no EnableExecuteCommand"
        yield from judge(Rule.NoExec, service.place, got, broken=is_off(exec_on), EnableExecuteCommand=exec_on)
    for definition in app.definitions:
        containers = app.templates.properties(definition).get("ContainerDefinitions")
        yield from undecided(definition, *CONTAINER_RULES, ContainerDefinitions=containers)
        yield from _find_size(app, definition)
        yield from _find_ports_and_links(app, definition)
        yield from _find_exec_faults(app, definition)


def _find_size(app: FargateApp, definition: Place) -> Iterator[Finding]:
    properties = app.templates.properties(definition)
    values = {name: lookup(properties, name) for name in ("Cpu", "Memory", "EphemeralStorage", "RuntimePlatform")}
    storage = lookup(properties, "EphemeralStorage", "SizeInGiB")
    sizes = {"Cpu": values["Cpu"], "Memory": values["Memory"], "SizeInGiB": storage}
    if missing := [name for name in ("Cpu", "Memory") if values[name] is None]:
        yield Finding(Rule.NoSuchSize, definition, f"no {' and no '.join(missing)}")
        return
    if any(map(unresolved_in, sizes.values())):
        yield from undecided(definition, Rule.NoSuchSize, **sizes)
        return
    try:
        refuse_size(
            _read(CPU, values["Cpu"]),
            _read(MEMORY, values["Memory"]),
            None if storage is None else _read(STORAGE, storage),
            is_windows=app.is_windows(definition),
        )
    except ValueError as error:
        yield Finding(Rule.NoSuchSize, definition, str(error).split("got: ", 1)[1])
    else:
        family = lookup(properties, "RuntimePlatform", "OperatingSystemFamily")
        yield from undecided(definition, Rule.NoSuchSize, OperatingSystemFamily=family)


def _read(pattern: re.Pattern[str], value: Any) -> int:  # noqa: ANN401 - a piece of a template
    """Return CPU units, MiB, or GiB of storage, of a number or of text such as `1 vCPU` and `2 GB`."""
    match = pattern.fullmatch(str(value).strip())
    if match is None:
        raise ValueError(f"a size must be a number such as 256, got: {value!r}")
    small, *large = match.groups()
    return int(small) if small else round(float(*large) * 1024)


def _find_ports_and_links(app: FargateApp, definition: Place) -> Iterator[Finding]:
    for name, container in app.containers(definition):
        links = lookup(container, "Links")
        named = ", ".join(map(as_text, links)) if isinstance(links, list) else ""
        yield from judge(Rule.ContainerLinks, definition, f"Links {named} of {name}", broken=bool(named), Links=links)
        yield from undecided(definition, Rule.HostPorts, PortMappings=container.get("PortMappings"))
        for mapping in items(container, "PortMappings"):
            ports = {key: lookup(mapping, key) for key in ("HostPort", "ContainerPort")}
            host, inner = ports.values()
            is_known = None not in (host, inner) and not any(map(unresolved_in, ports.values()))
            broken = is_known and str(host) != str(inner)
            got = f"HostPort {host} for ContainerPort {inner} of {name}"
            # Both ports may be the same parameter.
            is_same = host is None or as_text(mapping.get("HostPort")) == as_text(mapping.get("ContainerPort"))
            yield from judge(Rule.HostPorts, definition, got, broken=broken, **({} if is_same else ports))


def _find_exec_faults(app: FargateApp, definition: Place) -> Iterator[Finding]:
    switches = [lookup(each.settings, "EnableExecuteCommand") for each in app.services_of(definition)]
    unknown = [each for each in switches if isinstance(each, Unresolved)]
    is_on = any(map(is_true, switches))
    if (not is_on and not unknown) or app.is_windows(definition):
        return
    without_init, not_writable = [], []
    for name, each in app.applications(definition):
        init = lookup(each, "LinuxParameters", "InitProcessEnabled")
        without_init += [name] if is_off(init) else []
        yield from judge(Rule.NoInitProcess, definition, "", broken=False, InitProcessEnabled=init)
        read_only = lookup(each, "ReadonlyRootFilesystem")
        if not is_off(read_only) and not _can_write(each):
            unresolved = [*unresolved_in(read_only), *unresolved_in(_mounts(each))]
            not_writable += [] if unresolved else [name]
            yield from undecided(definition, Rule.ExecCannotWrite, ReadonlyRootFilesystem=unresolved)
    for rule, got, names in (
        (Rule.NoInitProcess, "no InitProcessEnabled of", without_init),
        (Rule.ExecCannotWrite, "ReadonlyRootFilesystem of", not_writable),
    ):
        if names:
            yield from judge(rule, definition, f"{got} {', '.join(names)}", broken=is_on, EnableExecuteCommand=unknown)


def _can_write(container: dict[str, Any]) -> bool:
    mounted = [str(lookup(each, "ContainerPath")).rstrip("/") for each in items(container, "MountPoints")]
    return all(any(f"{needed}/".startswith(f"{path}/") for path in mounted) for needed in EXEC_PATHS)


def _mounts(container: dict[str, Any]) -> list[Any]:
    """Return the paths of mounted volumes; unresolved values stay."""
    mounts = lookup(container, "MountPoints")
    if not isinstance(mounts, list):
        return [mounts]
    return [lookup(each, "ContainerPath") for each in mounts]
