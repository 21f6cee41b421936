"""Which requests a route matches, and which of two routes is more specific.

docs/routes.md states the order.
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from ipaddress import IPv4Network, IPv6Network
from itertools import product
from typing import NamedTuple

from fargate_constructs.endpoint import languages
from fargate_constructs.endpoint.conditions import Conditions
from fargate_constructs.endpoint.languages import Language
from fargate_constructs.endpoint.regex_parts import REGEX, fixed_characters

WILDCARDS = "*?"
EXACT, PATTERN, ANY = range(3)


class PatternRank(NamedTuple):
    """How specific a host or a path is. A smaller rank is more specific."""

    kind: int
    """EXACT, PATTERN or ANY."""
    depth: int = 0
    """Of a pattern: minus the number of whole segments (labels of a host) on the literal side of the first wildcard."""
    literals: int = 0
    """Of a pattern: minus the number of literal characters beyond those segments."""


class Rank(NamedTuple):
    """How specific a route is. A smaller rank is more specific.

    A route that matches a subset never ranks after its superset: no field grows when a match gets narrower. Of two
    routes with equal ranks, the requests must be disjoint, or one match must cover the other.
    """

    host: PatternRank
    path: PatternRank
    others: int
    """Minus the number of conditions on headers, method, query and source addresses."""
    looseness: int
    """How loose those are: methods beyond one, conditions with a wildcard, host bits of the widest network."""


class Breadth(NamedTuple):
    """How many values a route has, among routes of equal rank. A smaller breadth is tried first."""

    stars: int
    """Over all conditions with patterns: the stars of the value that has most, less one."""
    values: int
    """Over all conditions: the values beyond one. A regular expression without `$` at its end counts one."""


# The lowest number of stars that counts. A condition whose wildcards are all `?` counts -1.
MIN_STARS = -2


@dataclass(frozen=True)
class RouteMatch:
    """The requests that a route matches. Two ways to write the same conditions make equal matches."""

    hosts: frozenset[str]
    paths: frozenset[str]
    methods: frozenset[str]
    headers: Mapping[str, frozenset[str]]
    query: Mapping[str, frozenset[str]]
    networks: frozenset[IPv4Network | IPv6Network]

    @classmethod
    def of(cls, conditions: Conditions) -> "RouteMatch":
        """Return the match of these conditions. Case matters in paths and methods only."""
        return cls(
            hosts=_normalized(conditions.hosts),
            paths=_normalized_paths(conditions.paths),
            methods=frozenset(conditions.methods),
            headers={name.lower(): _normalized(values) for name, values in conditions.headers.items()},
            query={key.lower(): _normalized(values) for key, values in conditions.query.items()},
            networks=frozenset(conditions.networks()),
        )

    @cached_property
    def rank(self) -> Rank:
        """How specific it is. Of several hosts, paths or networks the least specific one counts."""
        loose = [values for values in (*self.headers.values(), *self.query.values()) if any(map(_is_pattern, values))]
        widest = max((network.max_prefixlen - network.prefixlen for network in self.networks), default=0)
        return Rank(
            host=max((_rank(host, ".", backwards=True) for host in self.hosts), default=PatternRank(ANY)),
            path=max((_rank(path, "/") for path in self.paths), default=PatternRank(ANY)),
            others=-(len(self.headers) + len(self.query) + bool(self.methods) + bool(self.networks)),
            looseness=max(len(self.methods) - 1, 0) + len(loose) + widest,
        )

    @cached_property
    def breadth(self) -> Breadth:
        """What tells it from a match of equal rank that it covers, or that covers it."""
        lists = [self.hosts, self.paths, *self.headers.values(), *self.query.values()]
        stars = sum(max(map(_stars, values)) - 1 for values in lists if any(map(_is_pattern, values)))
        beyond_one = sum(len(values) - 1 for values in (*lists, self.networks) if values)
        beyond_one += sum(any(_is_regex(value) and not value.endswith("$") for value in values) for values in lists[:2])
        return Breadth(max(stars, MIN_STARS), beyond_one)

    @cached_property
    def has_regex(self) -> bool:
        """Whether a host or a path is a regular expression."""
        return any(map(_is_regex, (*self.hosts, *self.paths)))

    @cached_property
    def text(self) -> str:
        """The match as text. Equal matches have equal texts."""
        named = [sorted((name, sorted(values)) for name, values in each.items()) for each in (self.headers, self.query)]
        sets = (self.hosts, self.paths, self.methods, map(str, self.networks))
        return json.dumps([*map(sorted, sets), *named])

    def covers(self, other: "RouteMatch") -> bool:
        """Whether each value of *other* is within a value of this match. Then each request of *other* matches here.

        For matches of equal rank only: with as many conditions, both must ask of the same headers and query keys.
        """
        pairs = [(self.hosts or {"*"}, other.hosts or {"*"}), (self.paths or {"/*"}, other.paths or {"/*"})]
        for named, others in ((self.headers, other.headers), (self.query, other.query)):
            if not named.keys() <= others.keys():
                return False
            pairs += [(values, others[name]) for name, values in named.items()]
        return (
            all(any(_is_within(value, wide) for wide in wider) for wider, values in pairs for value in values)
            and (not self.methods or (other.methods != frozenset() and other.methods <= self.methods))
            and (not self.networks or (other.networks != frozenset() and _contain(self.networks, other.networks)))
        )

    def shared_request(self, other: "RouteMatch") -> str | None:
        """Return a request that both match, such as `GET shop.example.com/api/x`, or None.

        Requests with two values of one header or query key are not considered.
        """
        methods = self.methods & other.methods if self.methods and other.methods else self.methods | other.methods
        if (
            (path := _shared_text(self.paths or {"/*"}, other.paths or {"/*"})) is None
            or (host := _shared_text(self.hosts or {"*"}, other.hosts or {"*"})) is None
            or (headers := _shared_values(self.headers, other.headers)) is None
            or (query := _shared_values(self.query, other.query)) is None
            or (address := _shared_address(self.networks, other.networks)) is None
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


def _normalized(values: Iterable[str]) -> frozenset[str]:
    return frozenset(value if _is_regex(value) else _with_one_star(value).lower() for value in values)


def _with_one_star(value: str) -> str:
    """Write each run of wildcards in one way: `a**?` becomes `a?*`."""
    return re.sub(r"[*?]*\*[*?]*", lambda run: "?" * run[0].count("?") + "*", value)


def _normalized_paths(paths: Collection[str]) -> frozenset[str]:
    """Write path patterns in one way: they begin with a slash, as every path does. No pattern means every path."""
    if any(map(_is_regex, paths)):
        return frozenset(paths)
    rooted = set()
    for path in map(_with_one_star, paths):
        match path[0]:
            case "?":
                rooted.add(f"/{path[1:]}")
            case "*":
                # The star matches the slash and more, or nothing if a slash follows it.
                rooted |= {f"/{path}", path[1:]} if path.startswith("*/") else {f"/{path}"}
            case _:
                rooted.add(path)
    for some in [path for path in rooted if path.endswith("?*") and path[:-2] in rooted]:
        rooted = rooted - {some, some[:-2]} | {f"{some[:-2]}*"}
    return frozenset() if "/*" in rooted else frozenset(rooted)


def _is_regex(value: str) -> bool:
    return value.startswith(REGEX)


def _is_pattern(value: str) -> bool:
    return _is_regex(value) or any(wildcard in value for wildcard in WILDCARDS)


def _stars(value: str) -> int:
    """Return the stars of a pattern. A regular expression has none, so it comes before an equally specific pattern."""
    return 0 if _is_regex(value) else value.count("*")


def _rank(value: str, separator: str, *, backwards: bool = False) -> PatternRank:
    """Return how specific a path is, or a host from its end. So both begin with their widest part."""
    if not _is_pattern(value):
        return PatternRank(EXACT)
    if _is_regex(value):
        language = Language.of(value, backwards=backwards)
        whole = language.prefix.rfind(separator) + 1
        fixed = fixed_characters(language.part)
        return PatternRank(PATTERN, -language.prefix.count(separator), whole - fixed)
    value = value[::-1] if backwards else value
    literal = value[: min(index for wildcard in WILDCARDS if (index := value.find(wildcard)) >= 0)]
    tail = value[literal.rfind(separator) + 1 :]
    return PatternRank(PATTERN, -literal.count(separator), -sum(each not in WILDCARDS for each in tail))


def _is_within(narrow: str, wide: str) -> bool:
    """Whether each text that the first pattern matches also matches the second."""
    if _is_regex(narrow) or _is_regex(wide):
        return languages.is_within(Language.of(narrow), Language.of(wide))

    @cache
    def rest(start: int, wide_start: int) -> bool:
        if wide_start == len(wide):
            return start == len(narrow)
        wanted = wide[wide_start]
        if wanted == "*" and rest(start, wide_start + 1):
            return True
        if start == len(narrow):
            return False
        if wanted == "*":
            return rest(start + 1, wide_start)
        return (wanted == narrow[start] or (wanted == "?" and narrow[start] != "*")) and rest(start + 1, wide_start + 1)

    return rest(0, 0)


def _contain(networks: Iterable[IPv4Network | IPv6Network], others: Iterable[IPv4Network | IPv6Network]) -> bool:
    """Whether each of the *others* is in one of the networks."""
    return all(
        any(other.version == each.version and other.subnet_of(each) for each in networks)  # type: ignore[arg-type]  # the same
        for other in others
    )


def _shared_text(patterns: Iterable[str], others: Iterable[str]) -> str | None:
    """Return a text that matches one pattern of each."""
    texts = (_text_of_both(*pair) for pair in product(sorted(patterns), sorted(others)))
    return next((text for text in texts if text is not None), None)


def _text_of_both(one: str, other: str) -> str | None:
    """Return a text that matches both patterns."""
    if _is_regex(one) or _is_regex(other):
        return languages.shared_text(Language.of(one), Language.of(other))
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
            # The star ends here, or takes one more character of the other pattern.
            ended = rest(start + (here == "*"), other_start + (here != "*"))
            if ended is not None:
                return ended
            taken = there if here == "*" else here
            after = rest(start + (here != "*"), other_start + (here == "*"))
        else:
            taken = there if here == "?" else here
            after = rest(start + 1, other_start + 1)
        return None if after is None else {"*": "", "?": "x"}.get(taken, taken) + after

    return rest(0, 0)


def _shared_values(
    conditions: Mapping[str, frozenset[str]], others: Mapping[str, frozenset[str]]
) -> Mapping[str, str] | None:
    """Return a value for each header (or query key) that both match."""
    found = {}
    for name in sorted({*conditions, *others}):
        value = _shared_text(conditions.get(name, {"*"}), others.get(name, {"*"}))
        if value is None:
            return None
        found[name] = value
    return found


def _shared_address(
    networks: Iterable[IPv4Network | IPv6Network], others: Iterable[IPv4Network | IPv6Network]
) -> str | None:
    """Return an address in a network of each. Without networks on one side, any address of the other, or no text."""
    if not networks or not others:
        return min((str(network[0]) for network in (*networks, *others)), default="")
    shared = (pair for pair in product(networks, others) if pair[0].overlaps(pair[1]))
    narrower = (max(pair, key=lambda network: network.prefixlen) for pair in shared)
    return min((str(network[0]) for network in narrower), default=None)
