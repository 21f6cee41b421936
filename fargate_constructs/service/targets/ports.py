"""The ports of a service's containers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import aws_ecs as ecs

from fargate_constructs._core.unresolved import is_known, may_match

# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PortMapping.html
PORT_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")
MAX_PORT = 65535


def named_ports(port: int | Mapping[str, int] | None) -> dict[str, int]:
    """Return the ports by name; a single port has the empty name, and a worker has no port."""
    if port is None:
        return {}
    ports = dict(port) if isinstance(port, Mapping) else {"": port}
    if not ports:
        raise ValueError("port must hold at least one port, got: {}; pass None for a worker")
    for name, number in ports.items():
        if name and not may_match(PORT_NAME, name):
            raise ValueError(f"port names hold at most 32 lower-case letters, digits and hyphens, got: {name!r}")
        if not 1 <= number <= MAX_PORT and is_known(number):
            raise ValueError(f"port must be 1 to {MAX_PORT}, or None for a worker, got: {number}")
    if len(set(ports.values())) < len(ports):
        raise ValueError(f"port must give each port one name, got: {ports}")
    return ports


@dataclass(frozen=True)
class Port:
    """A port of a task, with the name of the container that listens on it."""

    name: str
    container: str
    number: int
    is_main: bool = True
    is_udp: bool = False
    has_app_protocol: bool = True


class TaskPorts:
    """The ports of a service's tasks by name: those of the main container, as of `named_ports`, and of sidecars."""

    def __init__(self, task_definition: ecs.TaskDefinition, container: str, ports: Mapping[str, int]) -> None:
        self._task_definition = task_definition
        self._container = container
        self.main = ports

    def find(self, name: str, what: str, *, argument: str = "port") -> Port:
        """Return a port by its name; the empty name is the first port. Refuse a name that no port has."""
        if name in self.main or (not name and self.main):
            name = name or next(iter(self.main))
            return Port(name, self._container, self.main[name])
        sidecars = self.of_sidecars()
        if not name:
            more = f", or name one of its sidecars: {', '.join(sidecars)}" if sidecars else ""
            raise ValueError(
                f"{what} needs a service with a port, got the worker {self._container!r}; give it a port{more}"
            )
        if name not in sidecars:
            named = ", ".join(filter(None, [*self.main, *sidecars])) or "none"
            only = "leave it out for its only port, or " if "" in self.main else ""
            raise ValueError(
                f"{argument} must be a name that {self._container!r} gave ({named}), got: {name!r}; {only}write "
                f"port={{{name!r}: ...}} there, or a name at the port mapping of its sidecar"
            )
        return sidecars[name]

    def of_sidecars(self) -> dict[str, Port]:
        """Return the ports of the other containers, by the names of their port mappings."""
        return {
            mapping.name: Port(
                mapping.name,
                container.container_name,
                int(mapping.container_port),
                is_main=False,
                is_udp=mapping.protocol is ecs.Protocol.UDP,
                has_app_protocol=mapping.app_protocol is not None,
            )
            for container in self._task_definition.node.children
            if isinstance(container, ecs.ContainerDefinition) and container.container_name != self._container
            for mapping in container.port_mappings
            if mapping.name
        }
