"""Whether a value is of an annotated type, and how messages describe that type."""

import functools
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import NoneType, UnionType
from typing import Any, TypeGuard, Union, get_args, get_origin

from constructs import Construct
from jsii._reference_map import InterfaceDynamicProxy

from fargate_constructs._core.unresolved import is_unresolved

# Protocols that messages call by the class which users know.
PUBLIC_NAMES = {"RouteTarget": "FargateService"}


@functools.cache
def types_of(function: Callable[..., object]) -> Mapping[str, Any]:
    """Return the type of each argument."""
    return _Types(function)


class _Types(Mapping[str, Any]):
    """The types of a function's arguments. Each is resolved when it is needed: it may load a CDK module."""

    def __init__(self, function: Callable[..., object]) -> None:
        self._annotations = {name: each for name, each in function.__annotations__.items() if name != "return"}
        self._names = inspect.unwrap(function).__globals__
        code = function.__code__
        has_variadic = code.co_flags & inspect.CO_VARARGS
        self._variadic = code.co_varnames[code.co_argcount + code.co_kwonlyargcount] if has_variadic else None

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - any annotation
        if isinstance(annotation := self._annotations[name], str):
            self._annotations[name] = eval(annotation, self._names)  # noqa: S307 - as typing.get_type_hints does
        type_: Any = self._annotations[name]
        return tuple[type_, ...] if name == self._variadic else type_

    def __iter__(self) -> Iterator[str]:
        return iter(self._annotations)

    def __len__(self) -> int:
        return len(self._annotations)


def matches(value: object, type_: Any) -> bool:  # noqa: ANN401 - any annotation
    """Whether a value is of a type, or is a token, whose value is only known at deployment."""
    if _is_of(value, type_):
        return True
    return isinstance(value, (str, float)) and _is_finite(value) and is_unresolved(value) and _has_tokens(type_)


def _has_tokens(type_: Any) -> bool:  # noqa: ANN401 - any annotation
    """Whether a type is, or holds, one that CDK hides tokens in: no construct is a token."""
    parts = get_args(type_)
    if parts:
        return any(map(_has_tokens, parts))
    return not isinstance(type_, type) or issubclass(type_, (str, int, float))


def _is_of(value: object, type_: Any) -> bool:  # noqa: ANN401 - any annotation
    origin, parts = get_origin(type_), get_args(type_)
    if origin in {Union, UnionType}:
        return any(_is_of(value, part) for part in parts)
    if origin in GENERIC_TYPES:
        return GENERIC_TYPES[origin](value, parts)
    if not isinstance(type_, type) or type_ is object:  # such as a callable
        return True
    if getattr(type_, "_is_protocol", False):
        return _has_members(value, type_)
    if isinstance(value, bool):  # an int to Python
        return type_ is bool
    return isinstance(value, (float, int) if type_ is float else type_) and _is_finite(value)


def _is_tuple(value: object, parts: Sequence[Any]) -> bool:
    if not isinstance(value, tuple):
        return False
    if ... in parts:
        return all(matches(each, parts[0]) for each in value)
    return len(value) == len(parts) and all(map(matches, value, parts))


def _is_sequence(value: object, parts: Sequence[Any]) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str) and all(matches(each, *parts) for each in value)


def _is_mapping(value: object, parts: Sequence[Any]) -> bool:
    return isinstance(value, Mapping) and all(all(map(matches, item, parts)) for item in value.items())


GENERIC_TYPES: dict[Any, Callable[[object, Sequence[Any]], bool]] = {
    tuple: _is_tuple,
    Sequence: _is_sequence,
    Mapping: _is_mapping,
}


def _has_members(value: object, protocol: type) -> bool:
    """Whether a value has the public members of a protocol.

    jsii knows some objects, such as imported ones, by their interfaces only.
    """
    members = {name for name in dir(protocol) if not name.startswith("_")}
    return any(members <= {*dir(type(part)), *getattr(part, "__dict__", ())} for part in _parts_of(value))


def _parts_of(value: object) -> Sequence[object]:
    """Return what Python knows a value by: itself, or an object for each of its interfaces."""
    parts: Sequence[object] = value._delegates if isinstance(value, InterfaceDynamicProxy) else [value]
    return parts


def has_member(value: object, name: str) -> bool:
    """Whether a value has a member. `hasattr` would ask Node.js for what it is."""
    return any(hasattr(type(part), name) or name in getattr(part, "__dict__", ()) for part in _parts_of(value))


def member(value: object, name: str) -> Any:  # noqa: ANN401 - of any type
    """Return a member of a value, `None` if it has none. Of an interface, jsii itself would ask Node.js twice."""
    return next((getattr(part, name) for part in _parts_of(value) if has_member(part, name)), None)


def _is_finite(value: object) -> bool:
    """Whether JSON has a value, if it is a number: infinity and NaN would end the process that CDK runs in."""
    return not isinstance(value, (float, int)) or -sys.float_info.max <= value <= sys.float_info.max


def describe_type(type_: Any) -> str:  # noqa: ANN401 - any annotation
    """Return the type as a person writes it."""
    origin, parts = get_origin(type_), get_args(type_)
    if origin in {Union, UnionType}:
        return " or ".join(map(describe_type, parts))
    if origin is tuple:
        return f"a tuple of {describe_type(parts[0])}" if ... in parts else f"({', '.join(map(describe_type, parts))})"
    if origin is Sequence:
        return f"a list of {describe_type(*parts)}"
    if origin is Mapping:
        return f"a dict of {describe_type(parts[0])} to {describe_type(parts[1])}"
    if type_ is NoneType:
        return "None"
    *_, module = type_.__module__.split(".")
    return f"{module}.{name_of(type_)}" if module.startswith("aws_") else name_of(type_)


def name_of(type_: type) -> str:
    """Return the name of a class, without its module."""
    return PUBLIC_NAMES.get(type_.__name__, type_.__name__)


def is_in_a_tree(value: object) -> TypeGuard[Construct]:
    """Whether a value is a finished construct; the constructor of another one refused its arguments."""
    return isinstance(value, Construct) and hasattr(value, "__jsii_ref__")
