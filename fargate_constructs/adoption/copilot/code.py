"""Python expressions as a small tree, and how a person would write them in lines of 88 columns."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from fargate_constructs.adoption.copilot.source import ENVIRONMENT, VARIABLE

WIDTH = 88
INDENT = "    "


@dataclass(frozen=True)
class Call:
    """A call; arguments have names, or `""` if they have none."""

    function: str
    arguments: tuple[tuple[str, "Expression"], ...]


@dataclass(frozen=True)
class Mapped:
    """A dict; keys are code, or `"**"` for one that is merged."""

    entries: tuple[tuple[str, "Expression"], ...]


@dataclass(frozen=True)
class Listed:
    """A list."""

    items: tuple["Expression", ...]


@dataclass(frozen=True)
class Choice:
    """A value for each environment."""

    by_name: tuple[tuple[str, "Expression"], ...]


@dataclass(frozen=True)
class Branch:
    """One value in some environments, and another one in all others. Only one of them is computed."""

    value: "Expression"
    names: tuple[str, ...]
    otherwise: "Expression"


# A text is code as it is: a name, a number, a short call.
Expression = str | Call | Mapped | Listed | Choice | Branch


def condition(names: Sequence[str]) -> str:
    """Return what is true in these environments."""
    listed = ", ".join(_quoted(name) for name in names)
    return f"environment.name == {listed}" if len(names) == 1 else f"environment.name in {{{listed}}}"


def call(function: str, /, *positional: Expression, **named: Expression | None) -> Call:
    """Return a call; arguments that are None are left out."""
    arguments = [("", each) for each in positional]
    return Call(function, (*arguments, *((name, value) for name, value in named.items() if value is not None)))


def made(function: str, id: str, /, *positional: Expression, **named: Expression | None) -> Call:
    """Return a call that makes a construct."""
    return call(function, "self", text(id), *positional, **named)


def with_number(construct: Call, number: int) -> Call:
    """Return the call with a number after the construct's ID, which two names have, such as `DB_URL` and `db_url`."""
    scope, (name, code), *others = construct.arguments
    quoted = str(code)
    return Call(construct.function, (scope, (name, f"{quoted[:-1]}{number}{quoted[-1]}"), *others))


def text(value: str) -> str:
    """Return a text as code; variables of the shell and the name of the environment make it an f-string."""
    parts = re.split(f"({ENVIRONMENT}|{VARIABLE.pattern.replace('(', '(?:')})", value)
    if len(parts) == 1:
        return _quoted(value)
    body = ""
    for part in parts:
        if part == ENVIRONMENT:
            body += "{environment.name}"
        elif match := VARIABLE.fullmatch(part):
            body += f"{{{match[1]}}}"
        else:
            body += part.replace("{", "{{").replace("}", "}}")
    if body in {"{environment.name}", *(f"{{{name}}}" for name in VARIABLE.findall(value))}:
        return body[1:-1]
    return f"f{_quoted(body)}"


def _quoted(text: str) -> str:
    quote = "'" if '"' in text and "'" not in text else '"'
    inner = repr(text)[1:-1].replace("\\'", "'")
    if quote == '"':
        inner = re.sub(r'(?<!\\)"', r"\"", inner)
    return f"{quote}{inner}{quote}"


def listed(values: Iterable[Expression]) -> Listed:
    """Return a list."""
    return Listed(tuple(values))


def texts(values: Iterable[str]) -> Listed:
    """Return a list of texts."""
    return listed(map(text, values))


def mapping(values: Mapping[str, Expression]) -> Mapped:
    """Return a dict with texts as keys."""
    return Mapped(tuple((text(key), value) for key, value in values.items()))


def data(value: object) -> Expression:
    """Return JSON as code."""
    if isinstance(value, Mapping):
        return mapping({key: data(inner) for key, inner in value.items()})
    if isinstance(value, list):
        return listed(map(data, value))
    return text(value) if isinstance(value, str) else repr(value)


def lines(expression: Expression, indent: int = 0, head: str = "", tail: str = "") -> Iterator[str]:
    """Yield the lines of an expression between two texts: on one line if it fits, or an item on each."""
    flat = flat_code(expression)
    space = INDENT * indent
    one = f"{space}{head}{flat}{tail}"
    opening, items, closing = _parts(expression)
    if len(one) <= WIDTH or not (items or isinstance(expression, Branch)):
        yield one
        return
    if isinstance(expression, Branch):
        yield f"{space}{head}("
        yield from lines(expression.value, indent + 1)
        yield f"{space}{INDENT}if {condition(expression.names)}"
        yield from lines(expression.otherwise, indent + 1, "else ")
        yield f"{space}){tail}"
        return
    yield f"{space}{head}{opening}"
    body = f"{space}{INDENT}{', '.join(f'{name}{flat_code(item)}' for name, item in items)}"
    if isinstance(expression, Call) and len(body) <= WIDTH:
        yield body
        yield f"{space}{closing}{tail}"
        return
    for name, item in items:
        yield from lines(item, indent + 1, name, ",")
    yield f"{space}{closing}{tail}"


def flat_code(expression: Expression) -> str:
    """Return an expression on one line."""
    if isinstance(expression, str):
        return expression
    if isinstance(expression, Mapped) and [key for key, _ in expression.entries] == ["**"]:
        return flat_code(expression.entries[0][1])
    if isinstance(expression, Branch):
        parts = flat_code(expression.value), condition(expression.names), flat_code(expression.otherwise)
        return "{} if {} else {}".format(*parts)
    opening, items, closing = _parts(expression)
    return f"{opening}{', '.join(f'{name}{flat_code(item)}' for name, item in items)}{closing}"


def _parts(expression: Expression) -> tuple[str, list[tuple[str, Expression]], str]:
    if isinstance(expression, Call):
        items = [(f"{name}=" if name else "", value) for name, value in expression.arguments]
        return f"{expression.function}(", items, ")"
    if isinstance(expression, Mapped):
        return "{", [(f"{key}: " if key != "**" else key, value) for key, value in expression.entries], "}"
    if isinstance(expression, Choice):
        return "{", [(f"{_quoted(name)}: ", value) for name, value in expression.by_name], "}[environment.name]"
    if isinstance(expression, Listed):
        return "[", [("", each) for each in expression.items], "]"
    return "", [], ""
