"""The fields that a manifest may have, and what each becomes: `fields.tsv`, which the guide shows, too."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from fargate_constructs.adoption.copilot.source import Block, Items, ManifestError, Value

TYPES = {
    "Load Balanced Web Service": "L",
    "Backend Service": "B",
    "Worker Service": "W",
    "Scheduled Job": "J",
    "Environment": "E",
}
NOT_CONVERTED = "not converted: "
ANY = "**"


@dataclass(frozen=True)
class Field:
    """One field: its path, the letters of the types that have it, and what it becomes."""

    path: str
    kinds: str
    text: str


@dataclass
class _Node:
    children: dict[str, "_Node"] = field(default_factory=dict)


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
def _tree(kind: str) -> _Node:
    root = _Node()
    for path in texts_of(kind):
        node = root
        for part in path.replace("[]", ".[]").split("."):
            node = node.children.setdefault(part, _Node())
    return root


def validate_keys(file: Path, kind: str, manifest: Block) -> None:
    """Refuse a key that Copilot does not know, also below `environments`.

    Raises:
        ManifestError: With the line, and the nearest key that Copilot knows.
    """
    tree = _tree(kind)
    environments = manifest.get("environments")
    _validate(file, Block({k: v for k, v in manifest.items() if k != "environments"}, 0, manifest.lines), tree, "")
    if isinstance(environments, Block):
        for name, override in environments.items():
            _validate(file, override, tree, f"environments.{name}.")


def _validate(file: Path, value: Value, node: _Node, path: str) -> None:
    if ANY in node.children:
        return
    if isinstance(value, Items):
        for each in value:
            _validate(file, each, node.children.get("[]", _Node()), path)
    if not isinstance(value, Block):
        return
    for key, inner in value.items():
        child = node.children.get(key) or node.children.get("*")
        if child is None:
            known = sorted(set(node.children) - {"[]"})
            near = difflib.get_close_matches(key, known, 1, 0.5)
            advice = f"did you mean {near[0]!r}?" if near else f"known are: {', '.join(known) or 'none here'}"
            raise ManifestError(
                file, value.lines[key], f"unknown key {path}{key!r}; {advice}".replace(f"{path}'", f"'{path}")
            )
        _validate(file, inner, child, f"{path}{key}.")
