"""The fields that a manifest may have, and what each becomes: `fields.tsv`, which the guide shows, too."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

TYPES = {
    "Load Balanced Web Service": "L",
    "Backend Service": "B",
    "Worker Service": "W",
    "Scheduled Job": "J",
    "Environment": "E",
}
KINDS = {letter: name for name, letter in TYPES.items()}
NOT_CONVERTED = "not converted: "
ANY = "**"


@dataclass(frozen=True)
class Field:
    """One field: its path, the letters of the types that have it, and what it becomes."""

    path: str
    kinds: str
    text: str


@cache
def all_fields() -> tuple[Field, ...]:
    """Return the fields in the order of Copilot's pages."""
    lines = Path(__file__).with_name("fields.tsv").read_text(encoding="utf-8").splitlines()
    return tuple(Field(*line.split("\t")) for line in lines)


@cache
def texts_of(kind: str) -> Mapping[str, str]:
    """Return what each field of a type becomes."""
    return {each.path: each.text for each in all_fields() if kind in each.kinds}


def what_to_do(kind: str, path: str) -> str:
    """Return what to do about a field that is not converted: the text of it, or of the field around it."""
    texts = texts_of(kind)
    while path:
        if texts.get(path, "").startswith(NOT_CONVERTED):
            return texts[path].removeprefix(NOT_CONVERTED)
        path = path.rpartition(".")[0]
    return "write it by hand"


@cache
def _tree(kind: str) -> dict[str, Any]:
    root: dict[str, Any] = {}
    for path in texts_of(kind):
        node = root
        for part in path.replace("[]", ".[]").split("."):
            node = node.setdefault(part, {})
    return root


def unknown_field(kind: str, path: str) -> str:
    """Return what to say about a field that Copilot does not know, with the nearest one that it knows, or ""."""
    node = _tree(kind)
    for part in path.replace("[]", ".[]").split("."):
        if part not in node and "*" not in node:
            known = sorted(set(node) - {"[]"})
            near = difflib.get_close_matches(part, known, 1)
            advice = f"did you mean {near[0]!r}?" if near else f"known are: {', '.join(known) or 'none here'}"
            return f"a {KINDS[kind]} has no such field, and Copilot ignores it; {advice}"
        node = node[part if part in node else "*"]
    return ""
