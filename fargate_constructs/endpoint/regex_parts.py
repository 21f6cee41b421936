"""What a regular expression or a pattern is made of: characters, series, choices and repetitions."""

import re
import string
from collections.abc import Mapping, Sequence
from typing import NamedTuple

REGEX = "^"
"""What a regular expression begins with. No pattern of hosts or paths does."""
# A URL and a host have visible ASCII characters; letters first, for texts in messages.
CHARACTERS = string.ascii_lowercase + string.digits + string.ascii_uppercase
CHARACTERS += "".join(sorted({chr(code) for code in range(0x21, 0x7F)} - {*CHARACTERS}))
ANY = frozenset(CHARACTERS)
CLASSES = {
    "d": frozenset(string.digits),
    "w": frozenset(string.ascii_letters + string.digits + "_"),
    "s": frozenset[str](),
}


class Characters(NamedTuple):
    """One of some characters."""

    some: frozenset[str]


class Series(NamedTuple):
    """Parts one after another."""

    parts: Sequence["Part"]


class Choice(NamedTuple):
    """One of several parts."""

    parts: Sequence["Part"]


class Repeat(NamedTuple):
    """A part several times."""

    part: "Part"
    low: int
    high: int | None


Part = Characters | Series | Choice | Repeat
EVERYTHING = Repeat(Characters(ANY), 0, None)


def fixed_characters(part: Part) -> int:
    """Return the fewest characters of a text of a part that can be no others."""
    match part:
        case Characters(some):
            return len(some) == 1
        case Series(parts):
            return sum(map(fixed_characters, parts))
        case Choice(parts):
            return min(map(fixed_characters, parts))
    return part.low * fixed_characters(part.part)


def reversed_part(part: Part) -> Part:
    """Return the part of the reversed texts."""
    match part:
        case Series(parts):
            return Series([reversed_part(each) for each in reversed(parts)])
        case Choice(parts):
            return Choice([reversed_part(each) for each in parts])
        case Repeat(inner, low, high):
            return Repeat(reversed_part(inner), low, high)
    return part


class Parser:
    """Reads an expression that `validate_regex` accepts."""

    def __init__(self, regex: str) -> None:
        self._regex = regex
        self._at = 0

    @classmethod
    def parse(cls, regex: str) -> Part:
        """Return the parts of an expression that begins with `^`."""
        has_end = regex.endswith("$") and not re.search(r"(?<!\\)(?:\\\\)*\\\$$", regex)
        parser = cls(regex[1 : -1 if has_end else None])
        parts = parser._sequence()
        if parser._at < len(parser._regex):
            raise ValueError("has '|' outside of parentheses; write (?:a|b)")
        return parts if has_end else Series([parts, EVERYTHING])

    def _choice(self) -> Part:
        parts = [self._sequence()]
        while self._take("|"):
            parts.append(self._sequence())
        return Choice(parts) if len(parts) > 1 else parts[0]

    def _sequence(self) -> Part:
        parts = []
        while self._at < len(self._regex) and self._regex[self._at] not in "|)":
            parts.append(self._repeated())
        return Series(parts)

    def _repeated(self) -> Part:
        part = self._one()
        found = self._take(r"[*+?]|\{\d+(?:,\d*)?\}", is_expression=True)
        if not found:
            return part
        self._take("?")  # asks for the shortest text, of the same texts
        low, comma, high = found.strip("{}").partition(",")
        match found:
            case "*" | "+":
                return Repeat(part, int(found == "+"), None)
            case "?":
                return Repeat(part, 0, 1)
        return Repeat(part, int(low), int(high) if high else None if comma else int(low))

    def _one(self) -> Part:
        if self._take(r"\((?:\?:|\?P?<\w+>)?", is_expression=True):
            part = self._choice()
            self._at += 1
            return part
        if found := self._take(r"\[\^?\]?(?:\\.|[^\]\\])*\]", is_expression=True):
            return Characters(_class_of(found))
        if found := self._take(r"\\.", is_expression=True):
            return Characters(_escape(found[1]))
        found = self._regex[self._at]
        if found in "^$":
            raise ValueError("has '^' after its beginning, or '$' before its end")
        self._at += 1
        return Characters(ANY if found == "." else frozenset(found))

    def _take(self, text: str, *, is_expression: bool = False) -> str:
        found = re.compile(text if is_expression else re.escape(text)).match(self._regex, self._at)
        self._at = found.end() if found else self._at
        return found[0] if found else ""


def _escape(letter: str) -> frozenset[str]:
    if letter.lower() in CLASSES:
        some = CLASSES[letter.lower()]
        return some if letter.islower() else ANY - some
    if letter.isalnum():
        raise ValueError(f"has the escape '\\{letter}', and no path or host has such a character")
    return frozenset(letter)


def _class_of(text: str) -> frozenset[str]:
    """Return the characters of a class such as `[^a-z_]`."""
    inner = text[1:-1].removeprefix("^")
    pieces = re.findall(r"\\.|.", inner)
    some: set[str] = set()
    while pieces:
        first = pieces.pop(0)
        if len(pieces) > 1 and pieces[0] == "-":
            last = pieces[1]
            del pieces[:2]
            some |= {chr(code) for code in range(ord(first[-1]), ord(last[-1]) + 1)}
        else:
            some |= _escape(first[1]) if first[0] == "\\" else {first}
    return ANY - some if text[1] == "^" else ANY & some


def part_of_pattern(pattern: str) -> Part:
    """Return the parts of a pattern, in which `*` is any text and `?` any character."""
    wildcards: Mapping[str, Part] = {"*": EVERYTHING, "?": Characters(ANY)}
    return Series([wildcards.get(each) or Characters(frozenset(each)) for each in pattern])
