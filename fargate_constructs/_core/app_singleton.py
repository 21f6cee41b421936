"""One object for an app, which its parts share in all stacks.

```
part ──> [registry, below the app] <── part
```
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from constructs import Construct, IConstruct

from fargate_constructs._core.construct_paths import node_of, root_of

ID = "@fargate-constructs"  # no stack's name
Entry = TypeVar("Entry")


class Registry(Construct):
    """A construct without resources that holds one object of each kind for an app."""

    def __init__(self, scope: Construct) -> None:
        super().__init__(scope, ID)
        self.entries: dict[Callable[[], Any], Any] = {}


def app_singleton(construct: IConstruct, kind: Callable[[], Entry]) -> Entry:
    """Return the one object of a kind, such as a class, in a construct's app; the first call makes it.

    It is in the construct tree and not in a dictionary of apps, because the app that CDK makes for a stack without one
    is a new Python object at each call.
    """
    root = root_of(construct)
    registry = _registry_of(root) or Registry(cast(Construct, root))
    if kind not in registry.entries:
        registry.entries[kind] = kind()
    return cast(Entry, registry.entries[kind])


def existing_app_singleton(app: IConstruct, kind: Callable[[], Entry]) -> Entry | None:
    """Return it if it exists. Nothing can be added to a tree during its validation."""
    registry = _registry_of(app)
    return cast("Entry | None", registry.entries.get(kind)) if registry else None


def _registry_of(app: IConstruct) -> Registry | None:
    return cast("Registry | None", node_of(app).try_find_child(ID))
