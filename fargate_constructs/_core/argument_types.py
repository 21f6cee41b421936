"""Whether a value is of an annotated type, and how that type is described.

```
annotation ──> [types_of] ──> matches(value, type), describe_type(type)
```
"""

import functools
import sys
from collections.abc import Callable, Mapping, Sequence
from types import NoneType, UnionType
from typing import Any, TypeGuard, Union, Unpack, get_args, get_origin, get_type_hints

from aws_cdk import Token
from constructs import Construct
from jsii._reference_map import InterfaceDynamicProxy

# What a protocol is called by those who do not know it.
KNOWN_AS = {"RouteTarget": "FargateService"}


@functools.cache
def types_of(function: Callable[..., object]) -> dict[str, Any]:
    """Return the type of each argument, those of a typed dictionary included."""
    types = get_type_hints(function)
    types.pop("return", None)
    for name in [name for name, type_ in types.items() if get_origin(type_) is Unpack]:
        (arguments,) = get_args(types.pop(name))
        types |= get_type_hints(arguments)
    return types


def matches(value: object, type_: Any) -> bool:  # noqa: ANN401 - any annotation
    """Whether a value is of a type, or is a token, whose value only the deployment knows."""
    origin, parts = get_origin(type_), get_args(type_)
    if origin in {Union, UnionType}:
        fits = any(matches(value, part) for part in parts)
    elif origin is tuple and ... in parts:
        fits = isinstance(value, tuple) and all(matches(each, parts[0]) for each in value)
    elif origin is tuple:
        fits = isinstance(value, tuple) and len(value) == len(parts) and all(map(matches, value, parts))
    elif origin is Sequence:
        fits = (
            isinstance(value, Sequence) and not isinstance(value, str) and all(matches(each, *parts) for each in value)
        )
    elif origin is Mapping:
        fits = isinstance(value, Mapping) and all(all(map(matches, item, parts)) for item in value.items())
    elif not isinstance(type_, type) or type_ is object:
        fits = True
    elif getattr(type_, "_is_protocol", False):
        members = {name for name in dir(type_) if not name.startswith("_")}
        is_dynamic = isinstance(value, InterfaceDynamicProxy)  # of which jsii knows an interface only
        fits = is_dynamic or members <= {*dir(type(value)), *getattr(value, "__dict__", ())}
    elif isinstance(value, bool):  # which Python counts among the integers
        fits = type_ is bool
    else:
        fits = isinstance(value, (float, int) if type_ is float else type_) and _is_finite(value)
    return fits or (isinstance(value, (str, float)) and _is_finite(value) and Token.is_unresolved(value))


def _is_finite(value: object) -> bool:
    """Whether a value is no number, or one that JSON has: infinity and NaN would end the process that CDK runs in."""
    return not isinstance(value, (float, int)) or -sys.float_info.max <= value <= sys.float_info.max


def describe_type(type_: Any) -> str:  # noqa: ANN401 - any annotation
    """Return the type as a person writes it."""
    origin, parts = get_origin(type_), get_args(type_)
    if origin in {Union, UnionType}:
        return " or ".join(map(describe_type, parts))
    if origin is tuple:
        return "(" + ", ".join("..." if part is ... else describe_type(part) for part in parts) + ")"
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
    return KNOWN_AS.get(type_.__name__, type_.__name__)


def is_in_a_tree(value: object) -> TypeGuard[Construct]:
    """Whether a value is a construct that was made; one whose arguments were refused never was."""
    return isinstance(value, Construct) and hasattr(value, "__jsii_ref__")
