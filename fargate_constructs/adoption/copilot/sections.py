"""Reads the values of a manifest by type, and notes which ones no reader took."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from fargate_constructs.adoption.copilot.fields import unknown_field, what_to_do
from fargate_constructs.adoption.copilot.source import VARIABLE, WRITTEN, Block, Items, ManifestError, Scalar, Value
from fargate_constructs.adoption.copilot.values import flag, milliseconds

T = TypeVar("T")


@dataclass(frozen=True)
class Note:
    """What is not converted, or works differently: the field, where it is, and what to do."""

    path: str
    line: int
    todo: str
    is_lost: bool = False
    """Whether it is not converted; otherwise it works in another way."""

    @property
    def text(self) -> str:
        """The note as a comment of the app."""
        return f"{'not converted' if self.is_lost else 'different'}: {self.path}: {self.todo}"


@dataclass
class Ledger:
    """What has been read of one manifest, and what has to be listed."""

    file: Path
    kind: str
    read: set[str] = field(default_factory=set)
    notes: list[Note] = field(default_factory=list)

    def error(self, line: int, message: str) -> ManifestError:
        """Return an error with file and line."""
        return ManifestError(self.file, line, message)


class Section:
    """A map of a manifest. Each method takes the value of a key; what is never taken is listed."""

    def __init__(self, ledger: Ledger, block: Block, path: str = "", pattern: str = "") -> None:
        self.ledger = ledger
        self._block = block
        self.path = path
        self._pattern = pattern

    def __contains__(self, key: str) -> bool:
        """Whether a key has a value."""
        value = self._block.get(key)
        return value is not None and not (isinstance(value, Scalar) and value.is_null)

    @property
    def keys(self) -> list[str]:
        """The keys that have a value."""
        return [key for key in self._block if key in self]

    def raw(self, key: str) -> Value | None:
        """Return a value without taking it."""
        return self._block[key] if key in self else None

    def take(self, key: str) -> Value | None:
        """Take a value with all that it holds."""
        self.ledger.read.add(self._join(key))
        return self.raw(key)

    def line(self, key: str) -> int:
        """Return the line of a key."""
        return self._block.lines.get(key, self._block.line)

    def text(self, key: str) -> str | None:
        """Take a text."""
        value = self.take(key)
        if value is None or isinstance(value, Scalar):
            return value.text if value else None
        raise self.wrong(key, "a text", value)

    def texts(self, key: str) -> list[str] | None:
        """Take a list of texts, or a single one."""
        value = self.take(key)
        if value is None:
            return None
        items = value if isinstance(value, Items) else [value]
        if not all(isinstance(each, Scalar) for each in items):
            raise self.wrong(key, "a list of texts", value)
        return [each.text for each in items if isinstance(each, Scalar)]

    def _parsed(self, key: str, parse: Callable[[str], T | None], expected: str) -> T | None:
        text = self.text(key)
        value = None if text is None else parse(text)
        if text is not None and value is None:
            raise self.wrong(key, expected, text)
        return value

    def number(self, key: str) -> int | None:
        """Take a whole number."""
        return self._parsed(key, lambda text: int(text) if text.isdecimal() else None, "a whole number")

    def flag(self, key: str) -> bool | None:
        """Take a boolean."""
        return self._parsed(key, flag, "true or false")

    def milliseconds(self, key: str) -> int | None:
        """Take a duration."""
        return self._parsed(key, milliseconds, "a duration such as 30s or 1h30m")

    def choice(self, key: str, allowed: Sequence[str]) -> str | None:
        """Take one of several texts."""
        return self._parsed(key, lambda text: text if text in allowed else None, f"one of {', '.join(allowed)}")

    def is_map(self, key: str) -> bool:
        """Whether a value is a map."""
        return isinstance(self.raw(key), Block)

    def is_on(self, key: str) -> bool:
        """Whether a value is a map, or takes one that is true."""
        return self.is_map(key) or bool(self.flag(key))

    def section(self, key: str) -> "Section":
        """Return the map of a key, which is empty if there is none. Its own values are still to be taken."""
        value = self.raw(key)
        if value is None:
            return self.empty(key)
        if not isinstance(value, Block):
            raise self.wrong(key, "a map", value)
        return Section(self.ledger, value, self._join(key), self._pattern_of(key))

    def empty(self, key: str) -> "Section":
        """Take a value, and return a map without values in its place."""
        self.take(key)
        return Section(self.ledger, Block({}, self.line(key), {}), self._join(key), self._pattern_of(key))

    def sections(self, key: str) -> list["Section"]:
        """Return the maps of a list."""
        value = self.raw(key)
        if value is None:
            return []
        if not isinstance(value, Items) or not all(isinstance(each, Block) for each in value):
            raise self.wrong(key, "a list of maps", value)
        path, pattern = self._join(key), self._pattern_of(key)
        return [
            Section(self.ledger, each, f"{path}[{index}]", f"{pattern}[]")
            for index, each in enumerate(value)
            if isinstance(each, Block)
        ]

    def children(self, key: str) -> dict[str, "Section"]:
        """Return the maps of a map, by name."""
        outer = self.section(key)
        pattern = f"{outer._pattern}.*"
        found = {}
        for name in outer.keys:
            value = outer.raw(name)
            if not isinstance(value, Block):
                raise outer.wrong(name, "a map", value)
            found[name] = Section(self.ledger, value, outer._join(name), pattern)
        return found

    def lose(self, key: str, todo: str | None = None) -> None:
        """Take a value that is not converted, and list what to do about it."""
        self.take(key)
        todo = todo or what_to_do(self.ledger.kind, self._pattern_of(key))
        self.ledger.notes.append(Note(self._join(key), self.line(key), todo, is_lost=True))

    def differ(self, key: str, todo: str) -> None:
        """Take a value, if it is there, and list that it works in another way."""
        self.take(key)
        self.ledger.notes.append(Note(self._join(key), self.line(key), todo))

    def list_rest(self) -> None:
        """List each value that no reader took."""
        for path, pattern, line in self._rest():
            self.ledger.read.add(path)
            todo = unknown_field(self.ledger.kind, pattern) or what_to_do(self.ledger.kind, pattern)
            self.ledger.notes.append(Note(path, line, todo, is_lost=True))

    def _rest(self) -> Iterator[tuple[str, str, int]]:
        for key in self.keys:
            path = self._join(key)
            value = self.raw(key)
            if path in self.ledger.read:
                continue
            if unknown_field(self.ledger.kind, self._pattern_of(key)):
                yield path, self._pattern_of(key), self.line(key)
            elif isinstance(value, Block) and value:
                yield from Section(self.ledger, value, path, self._pattern_of(key))._rest()
            elif isinstance(value, Items) and value and all(isinstance(each, Block) for each in value):
                for inner in self.sections(key):
                    yield from inner._rest()
            else:
                yield path, self._pattern_of(key), self.line(key)

    def wrong(self, key: str, expected: str, got: Value | str | None) -> ManifestError:
        """Return the error for a value of a wrong type or form."""
        if isinstance(got, Block | Items):
            shown = "a map" if isinstance(got, Block) else "a list"
        else:
            shown = repr((got.text if isinstance(got, Scalar) else got or "").translate(WRITTEN))
        return self.ledger.error(self.line(key), f"{self._join(key)} must be {expected}, got: {shown}")

    def list_variable(self, key: str) -> str | None:
        """Take a variable of the shell that holds a list in JSON, if the value is one."""
        value = self.raw(key)
        match = VARIABLE.fullmatch(value.text) if isinstance(value, Scalar) else None
        if match:
            self.take(key)
        return match[1] if match else None

    def _join(self, key: str) -> str:
        return f"{self.path}.{key}".lstrip(".")

    def _pattern_of(self, key: str) -> str:
        is_name = self._pattern in {"variables", "secrets", "sidecars", "storage.volumes"}
        return f"{self._pattern}.{'*' if is_name else key}".lstrip(".")
