"""The ports of a service's main container."""

import re
from collections.abc import Mapping

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
