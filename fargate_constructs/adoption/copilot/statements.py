"""The statements of a workload, for each environment, and what is common to all environments."""

import re
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

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
    """One statement."""

    value: Expression
    target: str = ""
    """The variable to which the value is assigned."""
    is_import: bool = False
    """Whether it makes nothing in the template, so that each environment may have it."""
    owns: str | None = None
    """The field of the manifest whose notes are beside it."""
    comments: tuple[str, ...] = ()


# Those of one workload in one environment. The keys say which statements of several environments are the same one.
Statements = dict[str, Statement]


def without_unused(statements: Statements) -> Statements:
    """Return the statements without the variables that no other statement reads."""
    words = {key: {*re.findall(r"\w+", flat_code(each.value))} for key, each in statements.items()}
    uses = Counter(word for each in words.values() for word in each)
    return {
        key: each
        if each.target.startswith("self.") or uses[each.target] > (each.target in words[key])
        else replace(each, target="")
        for key, each in statements.items()
    }


def with_notes(statements: Statements, notes: Sequence[Note]) -> Statements:
    """Return the statements with each note as a comment, next to its place."""
    found = dict(statements)
    for note in notes:
        owners = {
            key: each.owns for key, each in found.items() if each.owns is not None and _is_in(note.path, each.owns)
        }
        key = max(owners, key=lambda each: (len(owners[each]), each))
        found[key] = replace(found[key], comments=(*found[key].comments, note.text))
    return found


def _is_in(path: str, prefix: str) -> bool:
    return not prefix or path == prefix or path.startswith((f"{prefix}.", f"{prefix}["))


def merged_lines(by_name: Mapping[str, Statements], indent: int) -> Iterator[str]:
    """Yield the lines of a workload's statements, with a choice or a condition where environments differ."""
    blocks: list[tuple[tuple[str, ...], list[str]]] = []
    partial: set[str] = set()
    for key in _order(by_name):
        found = {name: statements[key] for name, statements in by_name.items() if key in statements}
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
        for key in statements:
            if key in order:
                position = order.index(key) + 1
            else:
                order.insert(position, key)
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
        yield from _comment_lines(f"{prefix}{comment}", indent)
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


def _comment_lines(comment: str, indent: int) -> list[str]:
    start = f"{INDENT * indent}#"
    wrapper = textwrap.TextWrapper(COMMENT_WIDTH, break_long_words=False, break_on_hyphens=False)
    wrapper.initial_indent, wrapper.subsequent_indent = f"{start} ", f"{start}   "
    return wrapper.wrap(comment)


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
    for name in dict.fromkeys(name for each in calls.values() for name, _ in each.arguments if name):
        default = DEFAULTS.get(f"{first.function}.{name}", DEFAULTS.get(name, "None"))
        arguments.append(
            (name, merged({key: dict(each.arguments).get(name, default) for key, each in calls.items()}, 1))
        )
    return Call(first.function, tuple(arguments))


def _merged_dicts(dicts: Mapping[str, Mapped]) -> Expression:
    by_key = {name: dict(each.entries) for name, each in dicts.items()}
    keys = dict.fromkeys(key for each in by_key.values() for key in each)
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
