"""The messages for wrong, missing and unknown arguments, and for attributes that are elsewhere."""

import difflib
import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from types import FunctionType, MethodType, NoneType
from typing import NoReturn, get_args, get_origin

from aws_cdk import SecretValue
from aws_cdk import aws_ecs as ecs
from constructs import Construct
from jsii._reference_map import InterfaceDynamicProxy

from fargate_constructs._core.argument_hints import (
    ATTRIBUTE_HINTS,
    CONVERSION_HINTS,
    MISSING_HINTS,
    SECRET_ARGUMENTS,
    VALUE_HINTS,
    hint_for_cdk_name,
)
from fargate_constructs._core.argument_types import describe_type, is_in_a_tree, matches, name_of

# Arguments that are lists of words. A string is split into words, unless it has quotes.
WORD_LISTS, QUOTES = {"command", "entry_point"}, {"'", '"', "\\"}
# How many members of an enumeration, or constructors, a message shows.
MAX_EXAMPLES = 4
# How Python writes an object of a class that does not say how.
AT_ADDRESS = re.compile(r"<(?:\w+\.)*?(\w+\.)_?(\w+?)(?:Proxy)? object at 0x\w+>")


def unknown_argument(owner: str, name: str, types: Mapping[str, object]) -> str:
    """Return the message for a name that is no argument, with the argument that was probably meant."""
    known = [each for each in types if each not in {"scope", "id"}]
    near = [each for each in known if _is_similar(name, each)] or difflib.get_close_matches(
        name, known, n=1, cutoff=0.8
    )
    nearest = max(near, key=lambda each: difflib.SequenceMatcher(None, name, each).ratio(), default=None)
    otherwise = f"did you mean {nearest!r}?" if nearest else f"it has {', '.join(known)}"
    return f"{owner} has no argument {name!r}; {hint_for_cdk_name(name, types) or otherwise}"


def _is_similar(name: str, known: str) -> bool:
    """Whether one name has the words of the other and more, or abbreviates its words."""
    words, others = name.split("_"), known.split("_")
    is_abbreviation = all(any(other.startswith(word) for other in others) for word in words)
    return is_abbreviation or set(others) <= set(words)


def binding_error(
    owner: str, signature: inspect.Signature, args: Sequence[object], kwargs: Mapping[str, object], otherwise: str
) -> str:
    """Return which arguments are missing, or too many; *otherwise*, Python's own message."""
    parameters = list(signature.parameters.values())
    positional = [each.name for each in parameters if each.kind is not each.KEYWORD_ONLY]
    if len(args) > len(positional):
        by_position = " and ".join(each for each in positional if each not in {"self", "cls"}) or "nothing"
        advice = "write each by its name" if len(parameters) > len(positional) else "call it for each"
        return f"{owner} takes {by_position} by position, got {len(args) - len(positional)} more; {advice}"
    given = {*positional[: len(args)], *kwargs}
    missing = [each.name for each in parameters if each.default is each.empty and each.name not in given]
    if "id" in missing and "scope" in given and isinstance(args[-1], str):
        return f"{owner} needs a scope before its ID, got: {args[-1]!r}; write {owner}(stack, {args[-1]!r}, ...)"
    first = dict(zip(positional, args, strict=False)).get("id", kwargs.get("id", ""))
    if missing and not isinstance(first, str):
        return f"{owner} needs an ID before other arguments, got: {_as_text(first)}; write {missing[0]}=... after it"
    if not missing:
        return f"{owner} got {otherwise}"
    names = ", ".join(name if name in positional else f"{name}=..." for name in missing)
    keys = [key for name in missing for key in (f"{owner}.{name}", name)]
    return "; ".join([f"{owner} needs {names}", *(MISSING_HINTS[key] for key in keys if key in MISSING_HINTS)])


def wrong_value(owner: str, name: str, value: object, type_: object) -> str:
    """Return the message for a value of another type, with a hint if there is one; it never shows a secret."""
    is_secret = "secret" in name
    hint = next((f"; {each}" for each in _hints(owner, name, None if is_secret else value, type_)), "")
    got = f"a {type(value).__name__}" if is_secret else _as_text(value)
    if isinstance(value, Mapping):
        item_type = next((get_args(part)[1] for part in (type_, *get_args(type_)) if get_origin(part) is Mapping), None)
        wrong = [(key, each) for key, each in value.items() if item_type and not matches(each, item_type)]
        if wrong and is_secret:
            got = f"an object of {describe_type(type(wrong[0][1]))} for {wrong[0][0]!r}"
        elif wrong:
            got, hint = _wrong_item(name, *wrong[0], item_type)
    return f"{name} must be {describe_type(type_)}, got: {got}{hint}"


def wrong_one_of(owner: str, name: str, values: Sequence[object], type_: object) -> str:
    """Return the message for values of which each must be of a type: the first that is not, or a list of them."""
    (each_type, _) = get_args(type_)
    wrong = next(each for each in values if not matches(each, each_type))
    is_list = isinstance(wrong, (list, tuple)) and all(matches(each, each_type) for each in wrong)
    hint = f"; write {owner.rpartition('.')[2]}(*{name}) for a list" if is_list else ""
    got = "a list of them" if is_list else _as_text(wrong)
    return f"each of {name} must be {describe_type(each_type)}, got: {got}{hint}"


def _wrong_item(name: str, key: object, value: object, type_: object) -> tuple[str, str]:
    """Return what a message says of a wrong value in a mapping, and a hint if there is one."""
    if isinstance(value, (ecs.Secret, SecretValue)):
        takes_secrets = SECRET_ARGUMENTS.get(name)
        hint = f"; write {takes_secrets}={{{key!r}: ecs.Secret.from_secrets_manager(...)}}" if takes_secrets else ""
        return f"a secret for {key!r}", hint
    hint = next((f"; write {each!r}" for each in [[value], *_in_other_types(value)] if matches(each, type_)), "")
    return f"{_as_text(value)} for {key!r}", hint


def _in_other_types(value: object) -> Iterator[object]:
    """Yield what was probably meant: a number for its text, a text for a number, a tuple for a list or one item."""
    match value:
        case bool():
            return
        case int() | float():
            yield str(value)
        case str():
            yield from [int(value)] if value.isdecimal() else []
            yield (value,)
        case list() if value:
            yield tuple(value)


def _as_text(value: object) -> str:
    """Return a value as Python writes it, a construct by its class and path, and another object by its class."""
    if isinstance(value, list):
        return f"[{', '.join(map(_as_text, value))}]"
    if isinstance(value, InterfaceDynamicProxy) and hasattr(value, "node"):
        # jsii knows the object, such as an imported VPC, by its interfaces only; the last is the most specific.
        return f"the {type(value._delegates[-1]).__name__.strip('_').removesuffix('Proxy')} {value.node.path!r}"
    if is_in_a_tree(value):
        return f"the {name_of(type(value)).strip('_').removesuffix('Proxy')} {value.node.path!r}"
    return AT_ADDRESS.sub(r"an object of \1\2", repr(value))


def _hints(owner: str, name: str, value: object, type_: object) -> Iterator[str]:
    """Yield what to write instead of a value, the most specific hint first."""
    if isinstance(value, list) and value and all(matches(each, type_) for each in value):
        yield "give one, not a list"
    if f"{owner}.{name}" in VALUE_HINTS:
        yield VALUE_HINTS[f"{owner}.{name}"]
    if matches([value], type_):
        is_line = name in WORD_LISTS and isinstance(value, str) and not QUOTES & set(value)
        yield f"write {name}={str(value).split() if is_line else f'[{_as_code(value)}]'}"
    yield from (f"write {name}={each!r}" for each in _in_other_types(value) if matches(each, type_))
    if isinstance(value, (FunctionType, MethodType)):
        yield "call it"
    types = [part for part in _types_in(type_) if isinstance(part, type)]
    classes = {name_of(each) for each in type(value).__mro__}
    for wanted in types:
        yield from (hint for given, hint in CONVERSION_HINTS.get(name_of(wanted), {}).items() if given in classes)
    yield from (f"write its {path}" for path in _attribute_paths(types, value))
    yield from (VALUE_HINTS[each] for each in (name, *map(name_of, types)) if each in VALUE_HINTS)
    yield from filter(None, (_constructor_hint(each, value) for each in types))


def _as_code(value: object) -> str:
    """Return a value as a program writes it; three dots for an object, which has a name there."""
    if isinstance(value, Enum):
        return f"{describe_type(type(value))}.{value.name}"
    return repr(value) if isinstance(value, (str, int, float, tuple)) else "..."


def _types_in(type_: object) -> Iterator[object]:
    """Yield a type and the types it is made of."""
    yield type_
    for part in get_args(type_):
        yield from _types_in(part)


def _attribute_paths(types: Sequence[type], value: object) -> Iterator[str]:
    """Yield the attributes of a construct of this library, or of its parts, that are of one of these types."""
    own = _constructs_in(value)
    for name, part in own.items():
        if any(type_ is not NoneType and matches(part, type_) for type_ in types):
            yield f".{name}"
    for name, part in own.items():
        yield from (f".{name}{path}" for path in _attribute_paths(types, part) if path.count(".") == 1)


def _constructs_in(value: object) -> dict[str, Construct]:
    """Return the public attributes of a construct of this library that are constructs too, the service first."""
    if not isinstance(value, Construct) or not type(value).__module__.startswith("fargate_constructs"):
        return {}
    parts = {
        name.removeprefix("_"): part
        for name, part in vars(value).items()
        if isinstance(part, Construct) and _is_public(type(value), name)
    }
    return dict(sorted(parts.items(), key=lambda item: item[0] != "service"))


def _is_public(type_: type, name: str) -> bool:
    """Whether an attribute is public, or is returned by a property with its name."""
    return not name.startswith("_") or isinstance(getattr(type_, name.removeprefix("_"), None), property)


def refuse_attribute(construct: Construct, name: str) -> NoReturn:
    """Serve as a construct's `__getattr__`: say where an attribute is that the construct itself does not have.

    Raises:
        AttributeError: Always, as Python does.
    """
    owner = type(construct).__name__
    paths = [
        f".{part}.{name}"
        for part, value in _constructs_in(construct).items()
        if name in {*dir(type(value)), *vars(value)} and not name.startswith("grant")  # of a part it is another right
    ]
    hint = f"write its {paths[0]}" if paths else ATTRIBUTE_HINTS.get(owner, {}).get(name)
    message = f"{owner!r} object has no attribute {name!r}" + (f"; {hint}" if hint else "")
    raise AttributeError(message, name=name, obj=construct)


def _constructor_hint(type_: type, value: object) -> str | None:
    """Return how to make an object of a type of this library or of CDK: a member, a constructor, or its fields."""
    is_ours = type_.__module__.startswith(("fargate_constructs", "aws_cdk"))
    if not is_ours or issubclass(type_, Construct) or getattr(type_, "_is_protocol", False):
        return None
    members = _members_of(type_)
    given = [str(each).lower() for each in (value if isinstance(value, (list, tuple)) else [value])]
    meant = [each for each in members if each.removesuffix("(...)").lower() in given]
    if members:
        more = ", ..." if len(members) > MAX_EXAMPLES and not meant else ""
        return f"write {describe_type(type_)}.{' or '.join(meant or members[:MAX_EXAMPLES])}{more}"
    fields = [each.name for each in inspect.signature(type_).parameters.values() if each.kind is each.KEYWORD_ONLY]
    return f"write {describe_type(type_)}({'=..., '.join(fields[:2])}=...)" if fields else None


def _members_of(type_: type) -> list[str]:
    """Return the instances that a class has as members, as enumerations and jsii's classes do, or its constructors."""
    own = {name: each for name, each in vars(type_).items() if not name.startswith("_")}
    members = [name for name, each in own.items() if name.isupper() or isinstance(each, type_)]
    return members or [f"{name}(...)" for name, each in own.items() if isinstance(each, classmethod)]
