"""The names of a service and its ports in Service Connect."""

import re

from fargate_constructs._core.descriptions import remove_accents
from fargate_constructs._core.unresolved import may_match

# The main container's name, and the host name for linked services: a DNS label that begins with a letter
# (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceConnectClientAlias.html).
HOST_NAME = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PortMapping.html
MAX_PORT_MAPPING_NAME = 64


def host_name_of(id: str) -> str:
    """Return a construct ID as a host name: `OrderApi` becomes `order-api`."""
    words = re.findall(r"[A-Z]+(?![a-z])[0-9]*|[A-Z]?[a-z]+[0-9]*|[0-9]+", remove_accents(id))
    if not words:
        raise ValueError(f"name is needed for an ID without a letter from a to z, got: {id!r}; write name='web'")
    return "-".join(words).lower()


def validate_host_name(name: str) -> None:
    """Refuse a name that is not a host name."""
    if not may_match(HOST_NAME, name):
        raise ValueError(
            "name must be a host name: it begins with a letter and holds at most 63 lower-case letters, digits and "
            f"hyphens, got: {name!r}",
        )


def port_mapping_name(name: str, port: str) -> str:
    """Return the name of a service's port, unique in the namespace; refuse a name that is too long."""
    if port and len(name) + 1 + len(port) > MAX_PORT_MAPPING_NAME:
        raise ValueError(
            f"name and port name must have at most {MAX_PORT_MAPPING_NAME - 1} characters together, "
            f"got: {name!r} and {port!r}; give the service a shorter name=..., or the port",
        )
    return f"{name}-{port}" if port else name
