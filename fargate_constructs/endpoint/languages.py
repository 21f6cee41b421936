"""The texts that a regular expression or a pattern matches: what two have in common, and which is within which.

pattern, regular expression ──> parts ──> states ──> comparison
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, reduce
from itertools import chain

from fargate_constructs.endpoint.regex_parts import (
    CHARACTERS,
    REGEX,
    Characters,
    Choice,
    Parser,
    Part,
    Series,
    part_of_pattern,
    reversed_part,
)

# An expression of 128 characters may have more, such as (?:[a-z]{99}){99}. Comparisons would take minutes.
MAX_STATES = 2000
States = frozenset[int]
Edges = list[list[tuple[frozenset[str] | None, int]]]
"""For each state: characters, None for no character, and the state after them."""


class _Graph:
    """The states of a part. 0 is the first, 1 the last."""

    def __init__(self) -> None:
        self.edges: Edges = [[], []]

    def add(self, part: Part, start: int) -> int:
        """Add a part after a state, and return the state after it."""
        match part:
            case Characters(some):
                return self._new(start, some)
            case Series(parts):
                return reduce(lambda state, each: self.add(each, state), parts, start)
            case Choice(parts):
                return self._join([self.add(each, self._new(start)) for each in parts])
        inner, low, high = part
        state = reduce(lambda state, _: self.add(inner, state), range(low), start)
        if high is None:
            loop = self._new(state)
            self.edges[self.add(inner, loop)].append((None, loop))
            return self._new(loop)
        ends = [state]
        for _ in range(high - low):
            ends.append(self.add(inner, self._new(ends[-1])))
        return self._join(ends)

    def _new(self, before: int, some: frozenset[str] | None = None) -> int:
        self.edges.append([])
        _validate_size(len(self.edges))
        self.edges[before].append((some, len(self.edges) - 1))
        return len(self.edges) - 1

    def _join(self, ends: Sequence[int]) -> int:
        joined = self._new(ends[0])
        for each in ends[1:]:
            self.edges[each].append((None, joined))
        return joined


def _validate_size(states: int) -> None:
    if states > MAX_STATES:
        raise ValueError(
            "must have a smaller regular expression, or it cannot be compared with other routes; use smaller counts"
        )


@dataclass(frozen=True)
class Language:
    """The texts that a pattern or a regular expression matches."""

    text: str
    part: Part

    @classmethod
    @cache
    def of(cls, text: str, *, backwards: bool = False) -> "Language":
        """Return the language of a pattern or a regular expression, or that of the reversed texts."""
        part = Parser.parse(text) if text[:1] == REGEX else part_of_pattern(text)
        return cls(text, reversed_part(part) if backwards else part)

    @cached_property
    def _edges(self) -> Edges:
        graph = _Graph()
        graph.edges[graph.add(self.part, 0)].append((None, 1))
        return graph.edges

    @cached_property
    def _sets(self) -> frozenset[frozenset[str]]:
        return frozenset(some for some, _ in chain.from_iterable(self._edges) if some is not None)

    @cached_property
    def first(self) -> States:
        """The states before the first character."""
        return self._without_character({0})

    @cached_property
    def _after(self) -> dict[tuple[States, str], States]:
        return {}

    def after(self, states: States, character: str) -> States:
        """Return the states after a character."""
        key = states, character
        if key not in self._after:
            next_ = (end for state in states for some, end in self._edges[state] if some and character in some)
            self._after[key] = self._without_character(next_)
            _validate_size(len(self._after) // 10)
        return self._after[key]

    def _without_character(self, states: Iterable[int]) -> States:
        found, left = set[int](), list(states)
        while left:
            if (state := left.pop()) not in found:
                found.add(state)
                left += [end for some, end in self._edges[state] if some is None]
        return frozenset(found)

    @cached_property
    def prefix(self) -> str:
        """What all texts begin with."""
        prefix, states = "", self.first
        while 1 not in states:
            following = [each for each in _representatives(self._sets).items() if self.after(states, each[0])]
            if len(following) != 1 or following[0][1] != 1:
                break
            prefix += following[0][0]
            states = self.after(states, prefix[-1])
        return prefix


def shared_text(one: Language, other: Language) -> str | None:
    """Return a shortest text that both match, or None."""
    return next((text for text, states, others in _walk(one, other) if 1 in states and 1 in others), None)


def is_within(narrow: Language, wide: Language) -> bool:
    """Whether each text that the first one matches also matches the second."""
    return not any(1 in states and 1 not in others for _, states, others in _walk(narrow, wide, all_texts=True))


def _walk(one: Language, other: Language, *, all_texts: bool = False) -> Iterator[tuple[str, States, States]]:
    """Yield texts and the states after them, short ones first, each pair of states once.

    Args:
        one: The language of the first states.
        other: That of the others.
        all_texts: Whether texts count that only the first one may match. By default both must.
    """
    characters = list(_representatives(one._sets | other._sets))
    seen = {(one.first, other.first)}
    left = deque([("", one.first, other.first)])
    while left:
        text, states, others = left.popleft()
        yield text, states, others
        for character in characters:
            pair = one.after(states, character), other.after(others, character)
            if pair not in seen and pair[0] and (pair[1] or all_texts):
                seen.add(pair)
                left.append((text + character, *pair))


@cache
def _representatives(sets: frozenset[frozenset[str]]) -> Mapping[str, int]:
    """Return one of the characters that are in the same sets, and how many there are."""
    found: dict[tuple[bool, ...], list[str]] = {}
    for character in CHARACTERS:
        found.setdefault(tuple(character in each for each in sets), []).append(character)
    return {characters[0]: len(characters) for characters in found.values()}
