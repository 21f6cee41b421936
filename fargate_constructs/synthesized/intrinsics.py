"""Reads a value in a template, with its intrinsic functions; returns a plain value, or `Unresolved`."""

import json
import re
from collections.abc import Iterator
from typing import Any, TypeGuard

# What `Fn::Sub` replaces; `${!Literal}` is not replaced
# (https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-sub.html).
SUBSTITUTED = re.compile(r"\$\{([^!{}][^{}]*)\}")
MACRO = "Fn::Transform"


class Unresolved:
    """A value that only the deployment knows, such as a parameter, or another app; it is equal to no other.

    Args:
        reference: How the template refers to it.
    """

    def __init__(self, reference: Any) -> None:  # noqa: ANN401 - a piece of a template
        self._reference = reference

    def __str__(self) -> str:
        """Return how the template refers to it, as `Fn::Sub` has it."""
        return as_text(self._reference)


def lookup(value: Any, *keys: str) -> Any:  # noqa: ANN401 - a piece of a template
    """Return the value at some keys of a piece of a template.

    `None` if it is not set, so that AWS's default holds; an `Unresolved` if only the deployment knows it.
    """
    for key in (*keys, None):
        if value == {"Ref": "AWS::NoValue"}:
            return None
        if is_intrinsic(value):
            texts = pieces(value)
            value = "".join(texts) if all(isinstance(each, str) for each in texts) else Unresolved(value)
        if isinstance(value, Unresolved):
            return value
        if key is not None:
            if not isinstance(value, dict):
                return None
            # A macro may add the key.
            value = value.get(key, {MACRO: value[MACRO]} if MACRO in value else None)
    return value


def items(value: Any, *keys: str) -> list[Any]:  # noqa: ANN401 - a piece of a template
    """Return the objects of the list at some keys, without those that only the deployment knows."""
    found = lookup(value, *keys)
    listed = found if isinstance(found, list) else []
    return [each for each in listed if isinstance(each, dict) and not is_intrinsic(each)]


def unresolved_in(value: Any) -> list[Unresolved]:  # noqa: ANN401 - a piece of a template
    """Return the unresolved values of a value, or of a list and its items."""
    found = lookup(value)
    return [each for each in map(lookup, found if isinstance(found, list) else [found]) if isinstance(each, Unresolved)]


def pieces(value: Any) -> list[Any]:  # noqa: ANN401 - a piece of a template
    """Return the pieces of a text that `Fn::Sub` or `Fn::Join` puts together: texts and references, in order.

    Any other value is its own piece. `Fn::GetAtt` has a list in each piece.
    """
    match value:
        case {"Fn::Sub": str() as text}:
            return pieces({"Fn::Sub": [text, {}]})
        case {"Fn::Sub": [str() as text, dict() as values]}:
            # Every other part is a name.
            parts = enumerate(SUBSTITUTED.split(text))
            put = [values.get(part, _reference(part)) if index % 2 else _literal(part) for index, part in parts if part]
            return [piece for each in put for piece in pieces(each)]
        case {"Fn::Join": [str() as between, list() as parts]}:
            joined = [each for part in parts for each in (between, part)][1:]
            return [piece for each in joined if each != "" for piece in pieces(each)]
        case {"Fn::GetAtt": str() as name}:
            return [_reference(name)]
    return [value]


def functions_in(value: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - a piece of a template
    """Yield each intrinsic function in a value, at any depth; those in a text as `pieces` returns them."""
    if not isinstance(value, dict | list):
        return
    below = pieces(value)
    if below == [value]:
        if is_intrinsic(value):
            yield value
        below = list(value.values()) if isinstance(value, dict) else value
    for each in below:
        yield from functions_in(each)


def as_text(value: Any) -> str:  # noqa: ANN401 - a piece of a template
    """Return a text in one form, with references as in `Fn::Sub`, also if the template joins it from parts."""

    def write(piece: Any) -> str:  # noqa: ANN401 - a piece of a template
        match piece:
            case str() | Unresolved():
                return str(piece)
            case {"Ref": str() as name}:
                return f"${{{name}}}"
            case {"Fn::GetAtt": [str() as name, str() as attribute]}:
                return f"${{{name}.{attribute}}}"
        return json.dumps(piece)

    return "".join(map(write, pieces(value)))


def number(value: Any) -> float | None:  # noqa: ANN401 - a piece of a template
    """Return a number, which templates may also write as a string."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def is_true(value: Any) -> bool:  # noqa: ANN401 - a piece of a template
    """Whether a flag is set, which templates may also write as a string."""
    return value in (True, "true")


def is_off(value: Any) -> bool:  # noqa: ANN401 - a piece of a template
    """Whether a flag is not set, or not there."""
    return value in (None, False, "false")


def resolves_secret(value: object) -> bool:
    """Whether the deployment replaces a piece of a template by the value of a secret."""
    written = str(value)
    return "{{resolve:secretsmanager:" in written or "{{resolve:ssm-secure:" in written


def is_intrinsic(value: Any) -> TypeGuard[dict[str, Any]]:  # noqa: ANN401 - a piece of a template
    """Whether a value is known only when deployed, all of it."""
    return isinstance(value, dict) and len(value) == 1 and all(key == "Ref" or key[:4] == "Fn::" for key in value)


def _reference(name: str) -> dict[str, Any]:
    """Return a name in an `Fn::Sub` as a function."""
    return {"Fn::GetAtt": name.split(".", 1)} if "." in name else {"Ref": name}


def _literal(text: str) -> str:
    """Return a text as `Fn::Sub` would: `${!Literal}` becomes `${Literal}`."""
    return text.replace("${!", "${")
