"""Where constructs stand in their app: for messages, descriptions and whatever is known by its place.

```
construct ──> [path] ──> what people read
```
"""

from typing import Protocol
from weakref import WeakKeyDictionary

from constructs import Node


class Placed(Protocol):
    """What stands somewhere: any construct."""

    @property
    def node(self) -> Node:
        """Its place."""


_PATHS: WeakKeyDictionary[Placed, str] = WeakKeyDictionary()


def path_of(construct: Placed) -> str:
    """Return a construct's path. It never changes, so Node is asked once: every answer of Node's takes its time."""
    if construct not in _PATHS:
        _PATHS[construct] = construct.node.path
    return _PATHS[construct]
