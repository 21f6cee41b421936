"""CDK modules that many apps need nothing of: each is loaded when something of it is first used.

```
from fargate_constructs._core.lazy_cdk import aws_cognito as cognito
```

A module that imports from here begins with `from __future__ import annotations`: otherwise each annotation would load
the CDK module. CDK loads the modules that its own modules need in the same way. `lazy_cdk.pyi` tells type checkers what
the names are.
"""

from importlib import import_module


class _LazyModule:
    """A CDK module that is loaded when an attribute is first used."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> object:
        if attribute.startswith("__"):  # such as what `copy` looks for before there is a name
            raise AttributeError(attribute)
        return getattr(import_module(f"aws_cdk.{self._name}"), attribute)


def __getattr__(name: str) -> _LazyModule:
    if not name.startswith("aws_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _LazyModule(name)
