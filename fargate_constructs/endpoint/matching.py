"""Which of two routes is the more specific one, and whether both could claim one request.

```
caller ──> listener ──> [the most specific route] ──> service
```
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from ipaddress import IPv4Network, IPv6Network
from itertools import product
from typing import NamedTuple

from fargate_constructs.endpoint.conditions import Conditions

WILDCARDS = "*?"
EXACT, PATTERN, ANY = range(3)


class PatternRank(NamedTuple):
    """How specific a host or a path is; the smaller comes first."""

    kind: int
    """An exact one before a pattern before any."""
    depth: int = 0
    """Of patterns: less the whole segments (of a host: labels) on the literal side of the first wildcard."""
    literals: int = 0
    """Of patterns equally deep: less the literal characters beyond those segments."""


class Rank(NamedTuple):
    """How specific a route is; the smaller comes first.

    A route that claims a part of what another claims never comes after it: each of the four cannot grow when a claim
    shrinks. Where they are equal, the two routes must exclude each other, or one must cover the other.
    """

    host: PatternRank
    path: PatternRank
    others: int
    """Less the conditions on headers, method, query and source addresses."""
    slack: int
    """How loose those are: methods beyond one, conditions with a wildcard, bits of the widest network's host part."""


class Breadth(NamedTuple):
    """How much a route's values let through beside those of one of equal rank; the smaller comes first."""

    stars: int
    """In each condition's patterns, the stars of the one that has most, beyond one."""
    values: int
    """In each condition, the values beyond one."""


# Of the stars; a condition whose wildcards are all `?` has one less than usual, and three of those are as two.
NARROWEST = -2


@dataclass(frozen=True)
class Claim:
    """The requests that some conditions let through, however the conditions are written down."""

    hosts: frozenset[str]
    paths: frozenset[str]
    methods: frozenset[str]
    headers: Mapping[str, frozenset[str]]
    query: Mapping[str, frozenset[str]]
    networks: frozenset[IPv4Network | IPv6Network]

    @classmethod
    def of(cls, conditions: Conditions) -> "Claim":
        """Return the claim. Only the case of paths and methods tells requests apart."""
        return cls(
            hosts=_lower(conditions.hosts),
            paths=_rooted(map(_folded, conditions.paths)),
            methods=frozenset(conditions.methods),
            headers={name.lower(): _lower(values) for name, values in conditions.headers.items()},
            query={key.lower(): _lower(values) for key, values in conditions.query.items()},
            networks=frozenset(conditions.networks()),
        )

    @cached_property
    def rank(self) -> Rank:
        """How specific it is. Of several hosts, paths or networks the least specific counts."""
        loose = [values for values in (*self.headers.values(), *self.query.values()) if any(map(_is_pattern, values))]
        widest = max((network.max_prefixlen - network.prefixlen for network in self.networks), default=0)
        return Rank(
            host=max((_rank(host[::-1], ".") for host in self.hosts), default=PatternRank(ANY)),
            path=max((_rank(path, "/") for path in self.paths), default=PatternRank(ANY)),
            others=-(len(self.headers) + len(self.query) + bool(self.methods) + bool(self.networks)),
            slack=max(len(self.methods) - 1, 0) + len(loose) + widest,
        )

    @cached_property
    def breadth(self) -> Breadth:
        """What tells it from one of equal rank that it covers, or that covers it."""
        lists = [self.hosts, self.paths, *self.headers.values(), *self.query.values()]
        stars = sum(max(value.count("*") for value in values) - 1 for values in lists if any(map(_is_pattern, values)))
        beyond_one = sum(len(values) - 1 for values in (*lists, self.networks) if values)
        return Breadth(max(stars, NARROWEST), beyond_one)

    @cached_property
    def text(self) -> str:
        """The claim, written down in one way only."""
        named = [sorted((name, sorted(values)) for name, values in each.items()) for each in (self.headers, self.query)]
        sets = (self.hosts, self.paths, self.methods, map(str, self.networks))
        return json.dumps([*map(sorted, sets), *named])

    def covers(self, other: "Claim") -> bool:
        """Whether each value of *other* is within one of this claim's: then whatever *other* lets through, this does.

        Of claims of equal rank only; then both ask of the same headers and query keys, or neither covers the other.
        """
        pairs = [(self.hosts or {"*"}, other.hosts or {"*"}), (self.paths or {"*"}, other.paths or {"*"})]
        for named, others in ((self.headers, other.headers), (self.query, other.query)):
            if not named.keys() <= others.keys():
                return False
            pairs += [(values, others[name]) for name, values in named.items()]
        return (
            all(any(_is_within(value, wide) for wide in wider) for wider, values in pairs for value in values)
            and (not self.methods or (other.methods != frozenset() and other.methods <= self.methods))
            and (not self.networks or (other.networks != frozenset() and _hold(self.networks, other.networks)))
        )

    def shared_request(self, other: "Claim") -> str | None:
        """Return a request that both claim, such as `GET shop.example.com/api/x`, or none.

        A request that carries a header or a query key twice, with two values, is not considered.
        """
        methods = self.methods & other.methods if self.methods and other.methods else self.methods | other.methods
        if (
            (path := _common(self.paths or {"/*"}, other.paths or {"/*"})) is None
            or (host := _common(self.hosts or {"*"}, other.hosts or {"*"})) is None
            or (headers := _common_named(self.headers, other.headers)) is None
            or (query := _common_named(self.query, other.query)) is None
            or (address := _common_address(self.networks, other.networks)) is None
            or (self.methods and other.methods and not methods)
        ):
            return None
        return "".join(
            (
                min(methods, default="GET"),
                f" {host}{path}",
                "?" * bool(query) + "&".join(f"{key}={value}" for key, value in query.items()),
                "".join(f", {name}: {value}" for name, value in headers.items()),
                f", from {address}" if address else "",
            )
        )


def _lower(values: Iterable[str]) -> frozenset[str]:
    return frozenset(_folded(value).lower() for value in values)


def _folded(value: str) -> str:
    """Write runs of wildcards in one way only: `a**?` is `a?*`."""
    return re.sub(r"[*?]*\*[*?]*", lambda run: "?" * run[0].count("?") + "*", value)


def _rooted(paths: Iterable[str]) -> frozenset[str]:
    """Write path patterns in one way only: from the slash on with which every path begins. None are every path."""
    rooted = set()
    for path in paths:
        match path[0]:
            case "?":
                rooted.add(f"/{path[1:]}")
            case "*":
                # The star holds the slash, or nothing, if there is one behind it.
                rooted |= {f"/{path}", path[1:]} if path.startswith("*/") else {f"/{path}"}
            case _:
                rooted.add(path)
    for some in [path for path in rooted if path.endswith("?*") and path[:-2] in rooted]:
        rooted = rooted - {some, some[:-2]} | {f"{some[:-2]}*"}
    return frozenset() if "/*" in rooted else frozenset(rooted)


def _is_pattern(value: str) -> bool:
    return any(wildcard in value for wildcard in WILDCARDS)


def _rank(value: str, separator: str) -> PatternRank:
    """Return how specific a path is, or a host turned round, so that both begin with their widest part."""
    if not _is_pattern(value):
        return PatternRank(EXACT)
    literal = value[: min(place for wildcard in WILDCARDS if (place := value.find(wildcard)) >= 0)]
    tail = value[literal.rfind(separator) + 1 :]
    return PatternRank(PATTERN, -literal.count(separator), -sum(each not in WILDCARDS for each in tail))


def _is_within(narrow: str, wide: str) -> bool:
    """Whether every text that the first pattern matches is one that the second matches."""

    @cache
    def rest(start: int, wide_start: int) -> bool:
        if wide_start == len(wide):
            return start == len(narrow)
        asked = wide[wide_start]
        if asked == "*" and rest(start, wide_start + 1):
            return True
        if start == len(narrow):
            return False
        if asked == "*":
            return rest(start + 1, wide_start)
        return (asked == narrow[start] or (asked == "?" and narrow[start] != "*")) and rest(start + 1, wide_start + 1)

    return rest(0, 0)


def _hold(networks: Iterable[IPv4Network | IPv6Network], others: Iterable[IPv4Network | IPv6Network]) -> bool:
    """Whether each of the *others* is in one of the networks."""
    return all(
        any(other.version == each.version and other.subnet_of(each) for each in networks)  # type: ignore[arg-type]  # the same
        for other in others
    )


def _common(values: Iterable[str], others: Iterable[str]) -> str | None:
    """Return a text that one of each matches."""
    texts = (_common_text(*pair) for pair in product(sorted(values), sorted(others)))
    return next((text for text in texts if text is not None), None)


def _common_text(one: str, other: str) -> str | None:
    """Return a text that two patterns match."""
    for here, there in zip(one, other, strict=False):
        if {here, there} & {*WILDCARDS}:
            break
        if here != there:
            return None

    @cache
    def rest(start: int, other_start: int) -> str | None:
        if start == len(one) or other_start == len(other):
            return None if (one[start:] + other[other_start:]).strip("*") else ""
        here, there = one[start], other[other_start]
        if here != there and not {here, there} & {*WILDCARDS}:
            return None
        if "*" in {here, there}:
            # A star is over, or takes one more of what the other one wants.
            over = rest(start + (here == "*"), other_start + (here != "*"))
            if over is not None:
                return over
            taken = there if here == "*" else here
            after = rest(start + (here != "*"), other_start + (here == "*"))
        else:
            taken = there if here == "?" else here
            after = rest(start + 1, other_start + 1)
        return None if after is None else {"*": "", "?": "x"}.get(taken, taken) + after

    return rest(0, 0)


def _common_named(
    conditions: Mapping[str, frozenset[str]], others: Mapping[str, frozenset[str]]
) -> Mapping[str, str] | None:
    """Return a value for each header (or query key) that meets what both ask of it."""
    found = {}
    for name in sorted({*conditions, *others}):
        value = _common(conditions.get(name, {"*"}), others.get(name, {"*"}))
        if value is None:
            return None
        found[name] = value
    return found


def _common_address(
    networks: Iterable[IPv4Network | IPv6Network], others: Iterable[IPv4Network | IPv6Network]
) -> str | None:
    """Return an address in networks of both; of no networks, no address in particular."""
    if not networks or not others:
        return min((str(network[0]) for network in (*networks, *others)), default="")
    shared = (pair for pair in product(networks, others) if pair[0].version == pair[1].version)
    narrower = (max(pair, key=lambda network: network.prefixlen) for pair in shared if pair[0].overlaps(pair[1]))
    return min((str(network[0]) for network in narrower), default=None)
