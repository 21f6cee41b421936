"""A rule's priority depends on its route alone, and many routes find room."""

import hashlib
import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fargate_constructs.endpoint.conditions import Conditions
from fargate_constructs.endpoint.matching import RouteMatch
from fargate_constructs.endpoint.priorities import (
    MAX_COMPUTED,
    MAX_PRIORITY,
    MIN_COMPUTED,
    ListenerRules,
    Rule,
    assign_priorities,
    priority_of,
    share_of,
)
from tests.endpoint.test_matching import CONDITIONS, RANDOM, accepted

ROOT = Path(__file__).resolve().parents[2]


def match_of(**conditions: Any) -> RouteMatch:  # noqa: ANN401  # what Conditions takes
    """Return the match of these conditions."""
    return RouteMatch.of(Conditions(**conditions))


def priority(**conditions: Any) -> int:  # noqa: ANN401
    """Return the priority computed from these conditions."""
    return priority_of(match_of(**conditions))


# A hundred routes of a kind, by number; docs/routes.md has a table of the first six.
KINDS: dict[str, Callable[[int], RouteMatch]] = {
    "/a/*": lambda n: match_of(paths=[f"/r{n}/*"]),
    "/a/b/*": lambda n: match_of(paths=[f"/api/r{n}/*"]),
    "/a/b/c/*": lambda n: match_of(paths=[f"/api/v1/r{n}/*"]),
    "a.example.com": lambda n: match_of(hosts=[f"r{n}.example.com"]),
    "shop.example.com/a/*": lambda n: match_of(hosts=["shop.example.com"], paths=[f"/r{n}/*"]),
    "/a": lambda n: match_of(paths=[f"/r{n}"]),
    "/a and /a/*": lambda n: match_of(paths=[f"/r{n}", f"/r{n}/*"]),
    "/a*": lambda n: match_of(paths=[f"/r{n:03}*"]),
    "*.a": lambda n: match_of(paths=[f"*.r{n:03}"]),
    "/a/*/b": lambda n: match_of(paths=[f"/r{n}/*/b"]),
    "*.a.example.com": lambda n: match_of(hosts=[f"*.r{n}.example.com"]),
    "*-a.example.com": lambda n: match_of(hosts=[f"*-r{n:03}.example.com"]),
    "header": lambda n: match_of(headers={"x-tenant": [f"r{n}"]}),
    "query": lambda n: match_of(query={"tenant": [f"r{n}"]}),
    "source address": lambda n: match_of(source_ips=[f"10.0.{n}.0/24"]),
    "^/a/[0-9]+$": lambda n: match_of(paths=[f"^/r{n}/[0-9]+$"]),
    "^a[0-9][.]example[.]com$": lambda n: match_of(hosts=[f"^r{n}-[0-9][.]example[.]com$"]),
    "many segments": lambda n: match_of(paths=["/a" * 9 + f"/r{n}/*"]),
}
HUNDRED = range(1, 101)


def priorities_by_name(added: Sequence[Rule]) -> dict[str, int]:
    """Return the priorities of all rules by their name."""
    rules = ListenerRules()
    rules.add(added)
    return {rule.name: priority for rule, priority in rules.priorities().items()}


@pytest.mark.parametrize("kind", KINDS)
def test_a_hundred_routes_of_one_kind(kind: str) -> None:
    """All priorities differ, AWS accepts each, and none depends on the order in which routes are added."""
    added = [Rule(f"route {each}", KINDS[kind](each), None) for each in HUNDRED]
    rules = ListenerRules()
    for rule in added[:30]:
        rules.validate([rule])
        rules.add([rule])
    priorities = priorities_by_name(added)

    assert len(set(priorities.values())) == len(HUNDRED)
    assert all(MIN_COMPUTED <= each <= MAX_PRIORITY for each in priorities.values())
    shuffled = random.Random(kind).sample(added, len(added))  # noqa: S311  # any order will do
    assert priorities_by_name(shuffled) == priorities


def test_a_hundred_routes_of_every_kind_at_once() -> None:
    """Eighteen hundred rules find room, in the order of their ranks."""
    matches = [KINDS[kind](each) for kind in KINDS for each in HUNDRED]
    priorities = assign_priorities(matches)

    assert len(set(priorities)) == len(matches)
    assert max(priorities) <= MAX_PRIORITY
    by_priority = sorted(range(len(matches)), key=lambda index: priorities[index])
    assert [matches[index].rank for index in by_priority] == sorted(match.rank for match in matches)


@RANDOM
@given(st.lists(CONDITIONS, max_size=10), st.randoms(use_true_random=False))
def test_adding_or_removing_a_route_changes_no_other(routes: list[Conditions], chance: random.Random) -> None:
    """Except for rules whose computed priorities collide, of which `collisions` tells."""
    rules, conditions = accepted(routes)
    removed = chance.choice([*conditions, None])
    fewer, left = accepted([route for rule, route in conditions.items() if rule is not removed])
    collisions = " ".join((*rules.collisions(), *fewer.collisions()))

    before = {id(conditions[rule]): (rule.name, priority) for rule, priority in rules.priorities().items()}
    for rule, after in fewer.priorities().items():
        assert rule.match
        assert MIN_COMPUTED <= priority_of(rule.match) <= MAX_COMPUTED < MAX_PRIORITY
        name, priority = before[id(left[rule])]
        assert priority == after or f"route {name} has" in collisions or f"route {rule.name} has" in collisions


def test_priorities_stay_from_release_to_release() -> None:
    """A new version of this library must not change a deployed rule, so these must never change."""
    assert [
        priority(),
        priority(paths=["/api/*"]),
        priority(hosts=["shop.example.com"]),
        priority(hosts=["*.example.com"], paths=["/api/*"]),
        priority(paths=["/api/*"], headers={"x-version": ["next"]}),
        priority(paths=["/api", "/api/*"]),
    ] == [48531, 44275, 17868, 23407, 38175, 44635]


def routes_of_all_shares() -> list[Conditions]:
    """Return routes of each depth, length, number of conditions, looseness, number of stars and number of values."""
    words = ["a" * length for length in range(60)]
    networks = [[f"0.0.0.0/{bits}"] for bits in range(1, 33)] + [[f"8000::/{bits}"] for bits in range(90, 97)]
    return [
        *(Conditions(paths=[f"{before}{word}*"]) for before in ("/", "/a/", "/a/b/") for word in words),
        *(Conditions(hosts=[f"{before}{word}.com"]) for before in ("*", "*.", "*.a.") for word in words[1:]),
        *(Conditions(paths=["/a" * depth + end]) for depth in range(1, 20) for end in ("", "/", "/*", "/?")),
        *(Conditions(source_ips=network, methods=methods) for network in networks for methods in ([], ["GET", "PUT"])),
        *(Conditions(headers={f"x{each}": ["*"] for each in range(count)}) for count in range(5)),
        *(Conditions(query={"v": ["1", "2", "3", "4"][:count]}, hosts=["a.com"]) for count in range(1, 5)),
        *(Conditions(paths=[path], hosts=hosts) for path in ("/?", "/*/*/*", "/a") for hosts in (["?.com"], ["*.com"])),
    ]


def test_the_priorities_of_all_shares_stay() -> None:
    """As above, for five hundred routes. A share that moves would change deployed rules."""
    found = [priority_of(RouteMatch.of(conditions)) for conditions in routes_of_all_shares()]

    assert len(set(found)) > 300
    assert (
        hashlib.sha256(str(found).encode()).hexdigest()
        == "34ed2928834027e80b935f6b56b0f4049be142e9b4f3b8b3185d7b7fb2b989e5"
    )


def test_the_way_in_which_conditions_are_written_does_not_matter() -> None:
    """Order, repetition and, where the load balancer ignores it, case."""
    assert priority(paths=["/a/*", "/b"], hosts=["Shop.example.com"]) == priority(
        hosts=["shop.example.com"], paths=["/b", "/a/*", "/b"]
    )
    assert priority(headers={"X-A": ["Q"], "b": ["1", "2"]}) == priority(headers={"b": ["2", "1"], "x-a": ["q"]})
    assert priority(source_ips=["10.0.0.0/9", "10.128.0.0/9"]) == priority(source_ips=["10.0.0.0/8"])
    assert priority(paths=["/*"]) == priority()


def test_the_documented_shares_are_the_computed_ones() -> None:
    """The table of docs/routes.md: priorities per kind, and expected collisions among 10, 30 and 100 routes."""
    row = re.compile(r"^\| `(\S+)` \| ([\d,]+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$", re.MULTILINE)
    rows = row.findall((ROOT / "docs/routes.md").read_text())

    assert [row[0] for row in rows] == list(KINDS)[:6]
    for kind, width, *collisions in rows:
        computed = share_of(KINDS[kind](1)).size * (MAX_COMPUTED - MIN_COMPUTED + 1)
        assert int(width.replace(",", "")) == round(computed)
        for routes, expected in zip((10, 30, 100), collisions, strict=True):
            assert float(expected) == pytest.approx(routes * (routes - 1) / 2 / computed, abs=0.005)


def colliding_paths() -> tuple[str, str]:
    """Return two paths with the same computed priority. The first one keeps it."""
    path_at: dict[int, str] = {}
    for path in (f"/r{each}/*" for each in range(1000)):
        other = path_at.setdefault(priority(paths=[path]), path)
        if other != path:
            first, second = sorted((path, other), key=lambda path: match_of(paths=[path]).text)
            return first, second
    raise AssertionError("a thousand routes and no collision")


def test_a_rule_that_collides_gets_the_next_priority() -> None:
    """The order of the rules does not matter. A third priority that is taken is skipped."""
    first, second = (match_of(paths=[path]) for path in colliding_paths())
    computed = priority_of(first)

    assert assign_priorities([first, second]) == [computed, computed + 1]
    assert assign_priorities([second, first]) == [computed + 1, computed]
    assert assign_priorities([first, second], {computed + 1}) == [computed, computed + 2]
    assert assign_priorities([first], {computed, computed + 1}) == [computed + 2]


def test_the_warning_of_a_collision_says_how_to_pin_the_rule() -> None:
    """A pinned rule does not move. Neither does one with a given priority; test traffic cannot be pinned."""
    first, second = (match_of(paths=[path]) for path in colliding_paths())
    computed = priority_of(first)
    rules, pinned = ListenerRules(), ListenerRules()
    rules.add([Rule("A", first, None), Rule("B", second, None)])
    pinned.add([Rule("A", first, None), Rule("B", second, computed + 1)])

    (collision,) = rules.collisions()
    assert collision == (
        f"route B has the computed priority {computed} of route A by chance and moved to {computed + 1}; if the other "
        f"route is removed, it moves back, unless you write priority={computed + 1} on it"
    )
    assert list(pinned.collisions()) == []
    assert {rule.name: each for rule, each in pinned.priorities().items()} == {"A": computed, "B": computed + 1}

    given = ListenerRules()
    given.add([Rule("A", None, computed), Rule("test traffic of B", first, None)])
    (collision,) = given.collisions()
    assert collision.startswith(f"route test traffic of B has the computed priority {computed} of route A")
    assert collision.endswith("it moves back")
