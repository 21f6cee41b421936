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
    """Keeps one entry of each kind for an app. It has no resources."""

    def __init__(self, scope: Construct) -> None:
        super().__init__(scope, ID)
        self.entries: dict[Callable[[], Any], Any] = {}


def app_singleton(construct: IConstruct, kind: Callable[[], Entry]) -> Entry:
    """Return the one entry of a kind, such as a class, in a construct's app; made when it is first asked for.

    In the tree, not in a dictionary of apps: an app that CDK makes for a stack without one is another object each time
    that Python asks for it.
    """
    root = root_of(construct)
    registry = _registry_of(root) or Registry(cast(Construct, root))
    if kind not in registry.entries:
        registry.entries[kind] = kind()
    return cast(Entry, registry.entries[kind])


def existing_app_singleton(app: IConstruct, kind: Callable[[], Entry]) -> Entry | None:
    """Return it if it was made; nothing can be added to a tree while it is validated."""
    registry = _registry_of(app)
    return cast("Entry | None", registry.entries.get(kind)) if registry else None


def _registry_of(app: IConstruct) -> Registry | None:
    return cast("Registry | None", node_of(app).try_find_child(ID))
