"""The statements of a workload, for each environment, and what is common to all environments."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from fargate_constructs.adoption.copilot.code import (
    INDENT,
    Branch,
    Call,
    Choice,
    Expression,
    Mapped,
    condition,
    flat_code,
    lines,
)
from fargate_constructs.adoption.copilot.sections import Note

# What an argument is without the field that only some environments have. All others are None.
DEFAULTS = {
    "cpu": "256",
    "enabled": "True",
    "environment_files": "()",
    "fifo": "False",
    "hosts": "()",
    "memory_limit_mib": "512",
    "port": '""',  # of a route; a service always has the argument
    "protocol": "elbv2.ApplicationProtocol.HTTP",
    "protocol_version": "elbv2.ApplicationProtocolVersion.HTTP1",
    "read_only": "False",
    "retries": "0",
    "source_ips": "()",
    "target_port": '""',
    "tcp.add_listener.protocol": "None",
}
COMMENT_WIDTH = 80


@dataclass(frozen=True)
class Statement:
    """One statement. Its key says which statements of several environments are the same one."""

    key: str
    value: Expression
    target: str = ""
    """The variable to which the value is assigned."""
    is_import: bool = False
    """Whether it makes nothing in the template, so that each environment may have it."""
    owns: tuple[str, ...] = ()
    """The fields of the manifest whose notes are beside it."""
    comments: tuple[str, ...] = ()


@dataclass
class Statements:
    """The statements of one workload in one environment."""

    items: list[Statement] = field(default_factory=list)

    def add(self, statement: Statement) -> None:
        """Add a statement, unless it is there."""
        if statement.key not in {each.key for each in self.items}:
            self.items.append(statement)

    def without_unused(self) -> "Statements":
        """Return the statements without the variables that no other statement reads."""
        code = {each.key: flat_code(each.value) for each in self.items}

        def is_used(statement: Statement) -> bool:
            word = re.compile(rf"\b{re.escape(statement.target)}\b")
            return any(word.search(text) for key, text in code.items() if key != statement.key)

        return Statements(
            [
                each if each.target.startswith("self.") or is_used(each) else replace(each, target="")
                for each in self.items
            ]
        )

    def with_notes(self, notes: Sequence[Note]) -> "Statements":
        """Return the statements with each note as a comment, next to its place."""
        comments: dict[str, list[str]] = {}
        for note in notes:
            owner = max(
                ((len(prefix), each.key) for each in self.items for prefix in each.owns if _is_in(note.path, prefix)),
                default=(0, next(each.key for each in self.items if "" in each.owns)),
            )
            comments.setdefault(owner[1], []).append(note.text)
        return Statements(
            [replace(each, comments=(*each.comments, *comments.get(each.key, ()))) for each in self.items]
        )


def _is_in(path: str, prefix: str) -> bool:
    return not prefix or path == prefix or path.startswith((f"{prefix}.", f"{prefix}["))


def merged_lines(by_name: Mapping[str, Statements], indent: int) -> Iterator[str]:
    """Yield the lines of a workload's statements, with a choice or a condition where environments differ."""
    blocks: list[tuple[tuple[str, ...], list[str]]] = []
    partial: set[str] = set()
    for key in _order(by_name):
        found = {name: each for name, statements in by_name.items() for each in statements.items if each.key == key}
        everywhere = set(found) == set(by_name) or next(iter(found.values())).is_import
        names = () if everywhere else tuple(found)
        if names:
            partial |= {each.target for each in found.values() if each.target}
        text = list(_statement_lines(found, list(by_name), indent + bool(names), partial))
        if blocks and blocks[-1][0] == names:
            blocks[-1][1].extend(text)
        else:
            blocks.append((names, text))
    for names, text in blocks:
        if names:
            yield f"{INDENT * indent}if {condition(names)}:"
        yield from text


def _order(by_name: Mapping[str, Statements]) -> list[str]:
    """Return the keys of all environments, each after those that precede it in any of them."""
    order: list[str] = []
    for statements in by_name.values():
        position = 0
        for each in statements.items:
            if each.key in order:
                position = order.index(each.key) + 1
            else:
                order.insert(position, each.key)
                position += 1
    return order


def _statement_lines(
    found: Mapping[str, Statement], names: Sequence[str], indent: int, partial: set[str]
) -> Iterator[str]:
    target = next((each.target for each in found.values() if each.target), "")
    comments: dict[str, list[str]] = {}
    for name, each in found.items():
        for comment in each.comments:
            comments.setdefault(comment, []).append(name)
    for comment, where in comments.items():
        prefix = "" if len(where) == len(names) else f"in {', '.join(where)}: "
        yield from comment_lines(f"{prefix}{comment}", indent)
    head = f"{target} = " if target else ""
    value = merged({name: each.value for name, each in found.items()})
    if isinstance(value, Choice):  # each of them would make a construct
        value = _branch(value)
    yield from lines(_computed_once(value, partial), indent, head)


def _computed_once(value: Expression, partial: set[str]) -> Expression:
    """Turn each choice that reads a variable of some environments only into a branch."""
    if isinstance(value, Call):
        return Call(value.function, tuple((name, _computed_once(each, partial)) for name, each in value.arguments))
    if isinstance(value, Mapped):
        return Mapped(tuple((key, _computed_once(each, partial)) for key, each in value.entries))
    words = set(re.findall(r"\w+", flat_code(value)))
    if not isinstance(value, Choice) or not words & partial:
        return value
    return _branch(value)


def _branch(choice: Choice) -> Expression:
    """Return conditions in place of a choice."""
    groups: dict[Expression, list[str]] = {}
    for name, each in choice.by_name:
        groups.setdefault(each, []).append(name)
    *others, last = groups
    for each in reversed(others):
        last = Branch(each, tuple(groups[each]), last)
    return last


def comment_lines(comment: str, indent: int) -> Iterator[str]:
    """Yield a comment in lines that fit."""
    line = f"{INDENT * indent}#"
    for word in comment.split():
        if len(line) + len(word) + 1 > COMMENT_WIDTH and not line.endswith("#"):
            yield line
            line = f"{INDENT * indent}#  "
        line += f" {word}"
    yield line


def merged(by_name: Mapping[str, Expression], depth: int = 0) -> Expression:
    """Return one expression for several environments."""
    values = list(by_name.values())
    first = values[0]
    if all(each == first for each in values):
        return first
    if depth == 0 and isinstance(first, Call):
        calls = {name: each for name, each in by_name.items() if isinstance(each, Call)}
        if len(calls) == len(by_name) and len({(each.function, _positions(each)) for each in calls.values()}) == 1:
            return _merged_calls(calls)
    if isinstance(first, Mapped):
        dicts = {name: each for name, each in by_name.items() if isinstance(each, Mapped)}
        if len(dicts) == len(by_name):
            return _merged_dicts(dicts)
    return Choice(tuple(by_name.items()))


def _positions(each: Call) -> int:
    return sum(not name for name, _ in each.arguments)


def _merged_calls(calls: Mapping[str, Call]) -> Expression:
    first = next(iter(calls.values()))
    arguments: list[tuple[str, Expression]] = [
        ("", merged({name: each.arguments[index][1] for name, each in calls.items()}, 1))
        for index in range(_positions(first))
    ]
    names: dict[str, None] = {}
    for each in calls.values():
        names |= {name: None for name, _ in each.arguments if name}
    for name in names:
        default = DEFAULTS.get(f"{first.function}.{name}", DEFAULTS.get(name, "None"))
        arguments.append(
            (name, merged({key: dict(each.arguments).get(name, default) for key, each in calls.items()}, 1))
        )
    return Call(first.function, tuple(arguments))


def _merged_dicts(dicts: Mapping[str, Mapped]) -> Expression:
    by_key = {name: dict(each.entries) for name, each in dicts.items()}
    keys: dict[str, None] = {}
    for each in by_key.values():
        keys |= dict.fromkeys(each)
    common = [key for key in keys if all(key in each for each in by_key.values())]
    entries: list[tuple[str, Expression]] = [
        (key, merged({name: inner[key] for name, inner in by_key.items()}, 1)) for key in common
    ]
    rest = {
        name: Mapped(tuple((key, value) for key, value in inner.items() if key not in common))
        for name, inner in by_key.items()
    }
    if any(mapped.entries for mapped in rest.values()):
        entries.append(("**", Choice(tuple(rest.items()))))
    return Mapped(tuple(entries)) if common else Choice(tuple(dicts.items()))
