"""The priority of each listener rule."""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from fargate_constructs.endpoint.matching import MIN_STARS, PATTERN, Breadth, Rank, RouteMatch

# A priority is 1 to 50,000. The load balancer tries the lowest first
# (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-rules.html).
MAX_PRIORITY = 50_000
# Of the rule that answers all requests during maintenance.
MAINTENANCE_PRIORITY = 1
# Computed priorities leave out the last thousand: routes that collide move up into it.
MIN_COMPUTED, MAX_COMPUTED = MAINTENANCE_PRIORITY + 1, MAX_PRIORITY - 1_000
COMPUTED = range(MIN_COMPUTED, MAX_COMPUTED + 1)

# The share of the priorities that each kind of route gets: large for frequent kinds. The index of a kind is its value
# in `Rank`. Each kind after the last one listed gets half of the rest.
HOST_KINDS = (0.43, 0.07, 0.50)  # an exact host, a pattern, any host
PATH_KINDS = ((0.10, 0.45, 0.45), (0.10, 0.45, 0.45), (0.13, 0.84, 0.03))  # an exact path, ..., by kind of host
DEPTHS = (0.07, 0.50, 0.25, 0.12, 0.05)  # /api* and *.png, /api/*, /api/v1/*, ...
LITERALS = (0.88, *[0.0029] * 40)  # /api/*, /api/*/a, /api/*/ab, ...
SHALLOW_LITERALS = (0.05, *[0.035] * 24)  # of *.png and /api*, which have no whole segment
OTHERS = (0.82, 0.15)  # no condition besides host and path, one more, ...
LOOSENESS = (0.40, *[0.018] * 32)  # no loose condition, one, ...
STARS = (0.005, 0.02, 0.935, 0.025)  # two patterns without a star, one, a star in each pattern, one more, ...
VALUES = (0.68, 0.24, 0.05, 0.02)  # one value of each condition, a second one, ...

TEST_TRAFFIC = "test traffic of "


class Share(NamedTuple):
    """A part of the priorities: where it starts and its size, as fractions of all."""

    start: float
    size: float

    def part(self, parts: Sequence[float], index: int) -> "Share":
        """Return the part at *index*, of infinitely many."""
        beyond = max(index - len(parts) + 1, 0)
        rest = 1 - sum(parts)
        size = rest / 2**beyond if beyond else parts[index]
        before = sum(parts[:index]) + (rest - 2 * size if beyond else 0)
        return Share(self.start + self.size * before, self.size * size)

    def part_from_end(self, parts: Sequence[float], index: int) -> "Share":
        """Return the part at *index*, counted from the end."""
        mirrored = Share(0, 1).part(parts, index)
        return Share(self.start + self.size * (1 - mirrored.start - mirrored.size), self.size * mirrored.size)


def share_of(match: RouteMatch) -> Share:
    """Return the share of all matches of this rank and breadth. More specific matches have lower shares."""
    host, path, others, looseness = match.rank
    share = Share(0, 1).part(HOST_KINDS, host.kind)
    for pattern, kinds in ((host, None), (path, PATH_KINDS[host.kind])):
        share = share.part(kinds, pattern.kind) if kinds else share
        if pattern.kind == PATTERN:
            share = share.part_from_end(DEPTHS, -pattern.depth - 1)
            literals = LITERALS if -pattern.depth > 1 else SHALLOW_LITERALS
            share = share.part_from_end(literals, -pattern.literals)
    share = share.part_from_end(OTHERS, -others)
    share = share.part(LOOSENESS, looseness) if others else share
    return share.part(STARS, match.breadth.stars - MIN_STARS).part(VALUES, match.breadth.values)


@dataclass(frozen=True)
class Numbers:
    """The priorities of one app: all that a listener has, or those of a team."""

    allowed: range = range(MAINTENANCE_PRIORITY, MAX_PRIORITY + 1)
    """All of them. The first one is for a maintenance page."""
    computed: range = COMPUTED
    """Those that routes without a given priority get, unless they are taken."""
    skipped: Sequence[range] = ()
    """Those of other apps, in ascending order."""

    def after_skipped(self, priority: int) -> int:
        """Return a priority, or the first one after those of other apps that hold it."""
        for each in self.skipped:
            priority = each.stop if priority in each else priority
        return priority


def priority_of(match: RouteMatch, numbers: Numbers = Numbers()) -> int:
    """Return the priority that is computed from the match alone: a hash places it within its share."""
    share = share_of(match)
    fraction = int.from_bytes(hashlib.sha256(match.text.encode()).digest()[:6]) / 2**48
    computed = numbers.computed
    return numbers.after_skipped(computed.start + int((share.start + share.size * fraction) * len(computed)))


def assign_priorities(
    matches: Sequence[RouteMatch],
    taken: Collection[int] = (),
    numbers: Numbers = Numbers(),
) -> list[int]:
    """Return a priority for each match: all different, and independent of the order of the matches.

    A match whose priority is taken, by *taken* or by a match of lower rank or text, gets the next free one. At the end
    of the numbers, the last matches get the last free ones.
    """
    priorities = [priority_of(match, numbers) for match in matches]
    last = numbers.computed.start - 1

    def order(index: int) -> tuple[Rank, Breadth, int, str]:
        return matches[index].rank, matches[index].breadth, priorities[index], matches[index].text

    ordered = sorted(range(len(matches)), key=order)
    for index in ordered:
        last = numbers.after_skipped(max(last + 1, priorities[index]))
        while last in taken:
            last = numbers.after_skipped(last + 1)
        priorities[index] = last
    last = numbers.allowed.stop
    for index in reversed(ordered):
        if priorities[index] < last:
            break
        last -= 1
        while last in taken:
            last -= 1
        priorities[index] = last
    return priorities


@dataclass(frozen=True, eq=False)
class Rule:
    """The listener rule of a route, or of its test traffic."""

    name: str
    match: RouteMatch | None
    """None if a condition is known only when deployed. Then *priority* is given."""
    priority: int | None
    """The priority that a person gave, or None."""
    next_request: RouteMatch | None = None
    """Of a redirect: the requests that callers send next, if they are known and reach this listener."""
    is_maintenance: bool = False
    """Whether it answers with 503. With a given priority it may answer instead of another rule."""


class ListenerRules:
    """The rules of one listener and their priorities: all of them, or those of one team."""

    def __init__(self, numbers: Numbers = Numbers()) -> None:
        self._rules: list[Rule] = []
        self._priorities: dict[Rule, int] = {}
        self.numbers = numbers

    def skip(self, others: Iterable[range]) -> None:
        """Leave out the priorities of other apps."""
        self.numbers = replace(self.numbers, skipped=sorted(others, key=lambda each: each.start))
        self._priorities = {}

    def validate(self, rules: Sequence[Rule]) -> None:
        """Refuse rules if it would be unclear whether they or rules of this listener answer a request."""
        for rule in rules:
            for other in self._rules:
                _validate_pair(rule, other, self.numbers)

    def add(self, rules: Sequence[Rule]) -> None:
        """Add rules, each of which gets a priority."""
        self._rules += rules
        self._priorities = {}

    def priorities(self) -> dict[Rule, int]:
        """Return the priority of each rule: the given one, or the one computed from its match."""
        if not self._priorities:
            given = {rule: rule.priority for rule in self._rules if rule.priority is not None}
            matches = {rule: rule.match for rule in self._rules if rule.match and rule not in given}
            assigned = assign_priorities(list(matches.values()), set(given.values()), self.numbers)
            self._priorities = given | dict(zip(matches, assigned, strict=True))
        return self._priorities

    def collisions(self) -> Iterator[str]:
        """Yield a warning for each rule whose computed priority was taken. It says how to pin the rule."""
        priorities = self.priorities()
        rule_at = {priority: rule for rule, priority in priorities.items()}
        for priority, rule in sorted(rule_at.items()):
            computed = priority if rule.priority or not rule.match else priority_of(rule.match, self.numbers)
            if priority != computed:
                pin = "" if rule.name.startswith(TEST_TRAFFIC) else f", unless you write priority={priority} on it"
                yield (
                    f"route {rule.name} has the computed priority {computed} of route {rule_at[computed].name} by "
                    f"chance and moved to {priority}; if the other route is removed, it moves back{pin}"
                )

    def given_in(self, numbers: range) -> Iterator[str]:
        """Yield the name of each rule that was given one of these priorities, and the priority."""
        given = (rule for rule in self._rules if rule.priority in numbers)
        yield from (f"{rule.priority} of route {rule.name}" for rule in given)

    def before(self, priority: int, match: RouteMatch) -> Iterator[str]:
        """Yield the name of each rule that was computed to come before a priority, and a request of the match."""
        for rule, computed in self.priorities().items():
            if rule.priority is None and rule.match and computed < priority:
                request = rule.match.shared_request(match)
                yield from [f"{request!r} by route {rule.name}"] if request else []

    def circles(self) -> Iterator[str]:
        """Yield an error for each redirect that sends callers from redirect to redirect back to itself."""
        priorities = self.priorities()
        ordered = sorted(self._rules, key=lambda rule: priorities[rule])
        for first in ordered:
            passed = [first]
            while (rule := _answering(ordered, passed[-1].next_request)) and rule not in passed:
                passed.append(rule)
            if rule is first and first is min(passed, key=ordered.index):
                circle = " to ".join(each.name for each in (*passed, first))
                yield (
                    f"redirects must end, got a circle of route {circle}; "
                    "list the hosts and paths of one of them, or send its callers to another host or path"
                )


def _answering(ordered: Sequence[Rule], match: RouteMatch | None) -> Rule | None:
    """Return the rule that answers all requests of a match, or None if there is none or several may answer."""
    if match is None:
        return None
    for rule in ordered:
        if rule.match is None or rule.match.covers(match):
            return rule if rule.match else None
        if rule.match.shared_request(match):
            return None
    return None


def _validate_pair(rule: Rule, other: Rule, numbers: Numbers) -> None:
    if rule.priority is not None and rule.priority == other.priority:
        raise ValueError(
            f"route {rule.name} has the same priority as route {other.name}, got: {rule.priority}; "
            "give one of them another priority, or none to both",
        )
    if rule.match is None or other.match is None:
        return
    if rule.match == other.match:
        _validate_instead(rule, other, priority_of(rule.match, numbers))
        return
    if rule.priority is not None or other.priority is not None:
        return
    if rule.match.has_regex or other.match.has_regex:
        _validate_both_used(rule, rule.match, other, other.match, numbers)
    if rule.match.rank != other.match.rank:
        return
    narrow, wide = sorted((rule.match, other.match), key=lambda match: match.breadth)
    if narrow.breadth < wide.breadth and wide.covers(narrow):
        return
    if request := rule.match.shared_request(other.match):
        raise ValueError(
            f"route {rule.name} is as specific as route {other.name}, and both match {request!r}; give one of them a "
            "longer path, a narrower host, one more condition, or a priority (the lower is tried first; computed: "
            f"{priority_of(rule.match, numbers)} and {priority_of(other.match, numbers)})",
        )


def _validate_instead(rule: Rule, other: Rule, computed: int) -> None:
    """Refuse two rules with the same conditions, unless one is for maintenance and was given a priority before."""
    for first, second in ((rule, other), (other, rule)):
        if first.is_maintenance and first.priority and first.priority < (second.priority or computed):
            return
    pages = [each.name for each in (rule, other) if each.is_maintenance]
    after = min(each.priority or computed for each in (rule, other))
    instead = f", or write a priority below {after} on {pages[0]} to answer instead" if pages else ""
    raise ValueError(
        f"route {rule.name} has the same conditions as route {other.name}; "
        f"give one of them another condition, such as a host, or remove it{instead}",
    )


def _validate_both_used(rule: Rule, match: RouteMatch, other: Rule, other_match: RouteMatch, numbers: Numbers) -> None:
    """Refuse a rule after one that matches all of its requests. Only regular expressions may have such an order."""
    keys = [(each.rank, each.breadth) for each in (match, other_match)]
    first, second = (rule, other) if keys[0] < keys[1] else (other, rule)
    covers = match.covers(other_match) if first is rule else other_match.covers(match)
    if keys[0] != keys[1] and covers:
        raise ValueError(
            f"route {second.name} is never used: route {first.name} is tried first and matches the same requests; "
            "give one of them a narrower regular expression, or a priority (the lower is tried first; computed: "
            f"{priority_of(match, numbers)} for route {rule.name})"
        )
