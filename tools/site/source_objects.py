"""What griffe's objects say of themselves."""

import ast
from typing import Any

import griffe

from tools.site.cdk_names import without_laziness


def required(found: griffe.Object | None, path: str) -> griffe.Object:
    """Return what was found."""
    assert found, f"{path} is not in the source"
    return found


def path_of(name: str, source: griffe.Object) -> str:
    """Return the full path of a name in the module of an object. A name inside a class never means its members here."""
    module = source.module
    first, dot, rest = name.partition(".")
    if first in module.imports:
        return without_laziness(module.imports[first] + dot + rest)
    return f"{module.path}.{name}" if first in module.members else name


def kind_of(source: griffe.Object) -> str:
    """Return the kind in Sphinx's Python domain."""
    if isinstance(source, griffe.Class):
        return "class"
    in_class = isinstance(source.parent, griffe.Class)
    if isinstance(source, griffe.Function):
        return "classmethod" if "classmethod" in source.labels else "method" if in_class else "function"
    return "property" if "property" in source.labels else "attribute" if in_class else "data"


def parameters_of(source: griffe.Object) -> list[griffe.Parameter] | None:
    """Return the parameters that a caller gives; None for what is not called."""
    if not isinstance(source, griffe.Class | griffe.Function):
        return None
    return [each for each in source.parameters if each.name not in {"self", "cls"}]


def sections_of(source: griffe.Object) -> dict[str, list[Any]]:
    """Return what the docstring has, by kind of section."""
    found: dict[str, list[Any]] = {}
    for section in source.docstring.parse("google") if source.docstring else ():
        value = section.value
        found.setdefault(section.kind.value, []).extend(value if isinstance(value, list) else [value])
    return found


def texts_of_value(source: griffe.Object) -> str:
    """Return the texts of an enumeration's value, such as the reason and the fix of a rule."""
    if not isinstance(source, griffe.Attribute) or not isinstance(source.value, griffe.ExprTuple):
        return ""
    texts = [str(each) for each in source.value.elements]
    return " ".join(ast.literal_eval(each) for each in texts if each[0] in "\"'")


def flat(text: str) -> str:
    """Return text in one line."""
    return " ".join(text.split())


def is_enumeration(class_: griffe.Class) -> bool:
    """Return whether a class lists values, or is a protocol."""
    return any(str(base).rpartition(".")[2] in {"Enum", "StrEnum", "IntEnum", "Protocol"} for base in class_.bases)
