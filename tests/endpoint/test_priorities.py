"""A rule's number depends on its route alone, and many routes find room."""

import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fargate_constructs.endpoint.conditions import Conditions
from fargate_constructs.endpoint.listener_rules import Rule, Rules, rules_of
from fargate_constructs.endpoint.matching import Claim
from fargate_constructs.endpoint.priorities import FIRST, LAST, MAX_PRIORITY, number_of, place, share_of
from tests.endpoint.test_matching import CONDITIONS, accepted

ROOT = Path(__file__).resolve().parents[2]


def number(**conditions: Any) -> int:  # noqa: ANN401  # what Conditions takes
    """Return the number computed from these conditions."""
    return number_of(Claim.of(Conditions(**conditions)))


# A hundred routes of a kind, by number; the first five are the usual kinds.
KINDS: dict[str, Callable[[int], Conditions]] = {
    "/a/*": lambda n: Conditions(paths=[f"/r{n}/*"]),
    "/a/b/*": lambda n: Conditions(paths=[f"/api/r{n}/*"]),
    "/a/b/c/*": lambda n: Conditions(paths=[f"/api/v1/r{n}/*"]),
    "a.example.com": lambda n: Conditions(hosts=[f"r{n}.example.com"]),
    "shop.example.com/a/*": lambda n: Conditions(hosts=["shop.example.com"], paths=[f"/r{n}/*"]),
    "/a": lambda n: Conditions(paths=[f"/r{n}"]),
    "/a and /a/*": lambda n: Conditions(paths=[f"/r{n}", f"/r{n}/*"]),
    "/a*": lambda n: Conditions(paths=[f"/r{n:03}*"]),
    "*.a": lambda n: Conditions(paths=[f"*.r{n:03}"]),
    "/a/*/b": lambda n: Conditions(paths=[f"/r{n}/*/b"]),
    "*.a.example.com": lambda n: Conditions(hosts=[f"*.r{n}.example.com"]),
    "*-a.example.com": lambda n: Conditions(hosts=[f"*-r{n:03}.example.com"]),
    "header": lambda n: Conditions(headers={"x-tenant": [f"r{n}"]}),
    "query": lambda n: Conditions(query={"tenant": [f"r{n}"]}),
    "source address": lambda n: Conditions(source_ips=[f"10.0.{n}.0/24"]),
    "many segments": lambda n: Conditions(paths=["/a" * 9 + f"/r{n}/*"]),
}
HUNDRED = range(1, 101)


def numbered(added: Sequence[Rule]) -> dict[str, int]:
    """Return the numbers of all rules by their name."""
    rules = Rules()
    rules.add(added)
    return {rule.name: number for rule, number in rules.numbers().items()}


@pytest.mark.parametrize("kind", KINDS)
def test_a_hundred_routes_of_one_kind(kind: str) -> None:
    """Every number is another and one that AWS takes, and none depends on the order in which routes are added."""
    rules, added = Rules(), []
    for each in HUNDRED:
        (rule,) = rules_of(f"route {each}", KINDS[kind](each), test_header=None, priority=None)
        rules.validate([rule])
        rules.add([rule])
        added.append(rule)
    numbers = numbered(added)

    assert len(set(numbers.values())) == len(HUNDRED)
    assert all(FIRST <= each <= MAX_PRIORITY for each in numbers.values())
    shuffled = random.Random(kind).sample(added, len(added))  # noqa: S311  # any order will do
    assert numbered(shuffled) == numbers


def test_a_hundred_routes_of_every_kind_at_once() -> None:
    """Sixteen hundred rules still find room, each kind in its place."""
    routes = [KINDS[kind](each) for kind in KINDS for each in HUNDRED]
    claims = list(map(Claim.of, routes))
    numbers = place(claims)

    assert len(set(numbers)) == len(routes)
    assert max(numbers) <= MAX_PRIORITY
    by_number = sorted(range(len(routes)), key=lambda index: numbers[index])
    assert [claims[index].rank for index in by_number] == sorted(claim.rank for claim in claims)


@settings(deadline=None)
@given(st.lists(CONDITIONS, max_size=10), st.randoms(use_true_random=False))
def test_adding_or_removing_a_route_changes_no_other(routes: list[Conditions], chance: random.Random) -> None:
    """But for rules that met at a number, of which `meetings` tells."""
    rules, conditions = accepted(routes)
    gone = chance.choice([*conditions, None])
    fewer, left = accepted([route for rule, route in conditions.items() if rule is not gone])
    met = " ".join((*rules.meetings(), *fewer.meetings()))

    before = {id(conditions[rule]): (rule.name, number) for rule, number in rules.numbers().items()}
    for rule, after in fewer.numbers().items():
        name, number = before[id(left[rule])]
        assert number == after or f"route {name} met" in met or f"route {rule.name} met" in met


@settings(deadline=None)
@given(CONDITIONS)
def test_every_route_has_a_number_that_aws_takes(conditions: Conditions) -> None:
    """From 2, because the first is the maintenance page's, with room to move up."""
    assert FIRST <= number_of(Claim.of(conditions)) <= LAST < MAX_PRIORITY


def test_numbers_stay_from_release_to_release() -> None:
    """A deployed rule must not be renumbered by a new version of this library, so these are never to change."""
    assert [
        number(),
        number(paths=["/api/*"]),
        number(hosts=["shop.example.com"]),
        number(hosts=["*.example.com"], paths=["/api/*"]),
        number(paths=["/api/*"], headers={"x-version": ["next"]}),
        number(paths=["/api", "/api/*"]),
    ] == [48531, 44275, 17868, 23407, 38175, 44635]


def test_however_conditions_are_written_the_number_is_the_same() -> None:
    """Order, repetition and, where the load balancer ignores it, case."""
    assert number(paths=["/a/*", "/b"], hosts=["Shop.example.com"]) == number(
        hosts=["shop.example.com"], paths=["/b", "/a/*", "/b"]
    )
    assert number(headers={"X-A": ["Q"], "b": ["1", "2"]}) == number(headers={"b": ["2", "1"], "x-a": ["q"]})
    assert number(source_ips=["10.0.0.0/9", "10.128.0.0/9"]) == number(source_ips=["10.0.0.0/8"])
    assert number(paths=["/*"]) == number()


def test_the_documented_widths_are_the_computed_ones() -> None:
    """The table of docs/routes.md: numbers per kind, and how many meetings 10, 30 and 100 routes are to expect."""
    row = re.compile(r"^\| `(\S+)` \| ([\d,]+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$", re.MULTILINE)
    rows = row.findall((ROOT / "docs/routes.md").read_text())

    assert [row[0] for row in rows] == list(KINDS)[:6]
    for kind, width, *meetings in rows:
        computed = share_of(Claim.of(KINDS[kind](1))).size * (LAST - FIRST + 1)
        assert int(width.replace(",", "")) == round(computed)
        for routes, expected in zip((10, 30, 100), meetings, strict=True):
            assert float(expected) == pytest.approx(routes * (routes - 1) / 2 / computed, abs=0.005)


def meeting_paths() -> tuple[str, str]:
    """Return two paths whose rules meet at a number, the first of which keeps it."""
    seen: dict[int, str] = {}
    for path in (f"/r{each}/*" for each in range(1000)):
        other = seen.setdefault(number(paths=[path]), path)
        if other != path:
            first, second = sorted((path, other), key=lambda path: Claim.of(Conditions(paths=[path])).text)
            return first, second
    raise AssertionError("a thousand routes and no meeting")


def test_a_rule_that_meets_another_takes_the_next_number() -> None:
    """Whichever was added first; a third route goes on if it is in the way."""
    first, second = (Claim.of(Conditions(paths=[path])) for path in meeting_paths())
    number = number_of(first)

    assert place([first, second]) == [number, number + 1]
    assert place([second, first]) == [number + 1, number]
    assert place([first, second], {number + 1}) == [number, number + 2]
    assert place([first], {number, number + 1}) == [number + 2]


def test_a_meeting_is_told_with_the_way_to_pin_it() -> None:
    """And a pinned rule does not move."""
    first, second = (Claim.of(Conditions(paths=[path])) for path in meeting_paths())
    own = number_of(first)
    rules, pinned = Rules(), Rules()
    rules.add([Rule("A", first, None), Rule("B", second, None)])
    pinned.add([Rule("A", first, None), Rule("B", second, own + 1)])

    (meeting,) = rules.meetings()
    assert meeting == (
        f"route B met route A at the number {own} by chance and moved on to {own + 1}; "
        f"when the other goes it would move back, unless you write priority={own + 1} on it"
    )
    assert list(pinned.meetings()) == []
    assert {rule.name: number for rule, number in pinned.numbers().items()} == {"A": own, "B": own + 1}


def test_a_number_that_a_person_gave_is_not_taken() -> None:
    """The computed one moves on."""
    rules = Rules()
    rules.add([Rule("A", None, number(paths=["/a/*"]))])
    rules.add([Rule("test traffic of B", Claim.of(Conditions(paths=["/a/*"])), None)])

    (meeting,) = rules.meetings()
    assert meeting.startswith("route test traffic of B met route A")
    assert meeting.endswith("when the other goes it would move back")
