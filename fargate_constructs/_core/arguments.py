"""Arguments of the wrong kind, refused where they are given.

```
a team's code ──> [checked] ──> constructs ──> CDK
```
"""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

from constructs import Construct

from fargate_constructs._core import argument_hints as hints
from fargate_constructs._core.argument_types import describe_type, is_in_a_tree, matches, types_of
from fargate_constructs._core.construct_paths import keep_place, path_of
from fargate_constructs._core.environment_checks import validate_environment

NOTE = "raised by "

Checked = TypeVar("Checked", bound=Callable[..., Any])


def checked(target: Checked) -> Checked:
    """Let a function, or the constructor of a class, refuse arguments of another type than they are annotated with.

    CDK would refuse most of them too, later and in words of its own. What is known only when deployed passes. Arguments
    of another region or account than the construct that they are given to are refused as well: see `environments`.

    Raises:
        TypeError: By the function: with the argument's name, what it may be, and what it got; or with the name that was
            meant, if it has no such argument. Each TypeError and ValueError has a note that says which construct
            raised it: Python prints it below the message.
        ValueError: By the function: with the argument that is of another region or account.
    """
    if isinstance(target, type):
        target.__init__ = checked(target.__init__)  # type: ignore[misc] # of this very class
        return cast(Checked, target)
    signature = inspect.signature(target)

    @functools.wraps(target)
    def wrapper(*args: object, **kwargs: object) -> object:
        try:
            _check(target, signature, args, kwargs)
            return target(*args, **kwargs)
        except (TypeError, ValueError) as error:
            # The outermost call is the one that a person wrote; its note takes the place of those within it.
            others = [note for note in getattr(error, "__notes__", []) if not note.startswith(NOTE)]
            error.__notes__ = [*others, f"{NOTE}{_place(target, signature, args, kwargs)}"]
            raise

    return cast(Checked, wrapper)


def forward(target: Callable[..., object], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keyword-only arguments of a function from the local variables of a caller that has the same.

    ```python
    super().__init__(scope, id, **forward(FargateTask.__init__, locals()))
    ```
    """
    return {name: given[name] for name in _keyword_only(target)}


@functools.cache
def _keyword_only(target: Callable[..., object]) -> list[str]:
    return [each.name for each in inspect.signature(target).parameters.values() if each.kind is each.KEYWORD_ONLY]


def _check(
    target: Callable[..., object], signature: inspect.Signature, args: Sequence[object], kwargs: Mapping[str, object]
) -> None:
    types = types_of(target)
    for name in kwargs.keys() - types.keys() - signature.parameters.keys():
        raise TypeError(hints.unknown(_owner(target, args), name, types))
    try:
        given = signature.bind(*args, **kwargs).arguments
    except TypeError as error:
        raise TypeError(hints.unbound(_owner(target, args), signature, args, kwargs, str(error))) from None
    for name, value in {**given, **kwargs}.items():
        if name in types and not matches(value, types[name]):
            shown = hints.describe_value(_owner(target, args), name, value, types[name])
            raise TypeError(f"{name} must be {describe_type(types[name])}, got: {shown}")
    _validate_environment(args, {name: each for name, each in {**given, **kwargs}.items() if name in types})
    if target.__name__ == "__init__" and isinstance(args[0], Construct):
        keep_place(args[0], given["scope"], given["id"])


def _validate_environment(args: Sequence[object], given: Mapping[str, object]) -> None:
    """Refuse what is in another region or account than the construct that it is given to, if it is given to one."""
    owner = next(iter(args), None)  # of a constructor, not there yet
    if isinstance(scope := given.get("scope"), Construct):
        others = {name: each for name, each in given.items() if name != "scope"}
        validate_environment(scope, type(owner), str(given.get("id")), others)
    elif isinstance(owner, Construct):
        validate_environment(owner, type(owner), path_of(owner), given)


def _place(
    target: Callable[..., object], signature: inspect.Signature, args: Sequence[object], kwargs: Mapping[str, object]
) -> str:
    """Return what was called, with the ID that was given and the path of the construct that it was called on."""
    given = dict(zip(signature.parameters, args, strict=False)) | dict(kwargs)
    parts = [_owner(target, args)]
    if isinstance(given.get("id"), str):
        parts.append(repr(given["id"]))
    above = given.get("scope", given.get("self"))
    if is_in_a_tree(above):
        parts.append(f"in {above.node.path or 'the app'}")
    return " ".join(parts)


def _owner(function: Callable[..., object], args: Sequence[object]) -> str:
    """Return how a person calls the function: by the class of what it is called on, not by where it was written."""
    owner, _, method = function.__qualname__.removesuffix(".__init__").rpartition(".")
    if args and next(iter(inspect.signature(function).parameters)) == "self":
        owner = type(args[0]).__name__
        return owner if function.__name__ == "__init__" else f"{owner}.{method}"
    return f"{owner}.{method}".removeprefix(".")
