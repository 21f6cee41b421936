"""What a team has of a shared endpoint, and that teams do not take each other's requests or priorities."""

import random
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Stack
from hypothesis import given
from hypothesis import strategies as st

from fargate_constructs import Team
from fargate_constructs.endpoint.conditions import Conditions
from fargate_constructs.endpoint.listener_rules import plan_rules
from fargate_constructs.endpoint.matching import RouteMatch
from fargate_constructs.endpoint.ownership import all_requests_of, validate_route, validate_teams
from fargate_constructs.endpoint.priorities import ListenerRules, Rule, assign_priorities, share_of
from fargate_constructs.endpoint.teams import digest_of, numbers_of
from tests.endpoint.test_matching import CONDITIONS, RANDOM, REQUESTS, Request, fits, meets

ROOT = Path(__file__).resolve().parents[2]
PAY = Team(name="payments", owns=["pay.example.com", "shop.example.com/payments/*"], priorities=(4000, 5999))


def team(name: str = "a", owns: Sequence[str] = ("/a/*",), priorities: Sequence[int] = (10, 30), **rest: Any) -> Team:  # noqa: ANN401 - of any argument
    """Return a team."""
    return Team(name=name, owns=owns, priorities=priorities, **rest)


TOKEN = CfnParameter(Stack(App(), "Tokens"), "Value").value_as_string
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no name": ({"name": ""}, "name must be lower case letters, digits and hyphens, .* got: ''"),
    "a capital": ({"name": "Payments"}, "got: 'Payments'"),
    "a name that is a token": ({"name": TOKEN}, "name must be lower case letters"),
    "nothing owned": ({"owns": []}, r"owns must hold a host or a path, got: \[\]"),
    "an empty text": ({"owns": [""]}, "owns must hold hosts, paths or both, .* got: ''"),
    "a token": ({"owns": [TOKEN]}, r"known at synthesis, got: '\$\{Value\}'"),
    "an expression": ({"owns": ["^/a$"]}, r"no regular expressions, got: '\^/a\$'"),
    "a URL": ({"owns": ["https://a.com/"]}, "owns must hold hosts, .* got: 'https://a.com/' .hosts must hold bare"),
    "twice": ({"owns": ["/a", "/a"]}, "owns must differ from each other"),
    "one priority": ({"priorities": [10]}, r"priorities must be the first and the last one, .* got: \(10,\)"),
    "three priorities": ({"priorities": [1, 2, 3]}, r"got: \(1, 2, 3\)"),
    "a range of priorities": ({"priorities": range(4000, 8000)}, r"got: \(4000, 4001, .{60,90}, 7999\)\s"),
    "the last one first": ({"priorities": (30, 10)}, r"got: \(30, 10\)"),
    "the maintenance page's": ({"priorities": (1, 30)}, "priorities must be 2 to 49000, got: 1"),
    "after those computed": ({"priorities": (48_000, 49_001)}, "priorities must be 2 to 49000, got: 49001"),
    "no rule": ({"max_rules": 0}, "max_rules must be 1 to 49000, got: 0"),
    "few priorities": ({"priorities": (10, 19)}, "hold max_rules and one for a maintenance page, got: 10 for 10 rules"),
    "certificates below 0": ({"max_certificates": -1}, "max_certificates must be 0 to 49000, got: -1"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_teams_that_no_listener_could_have_are_refused(case: str) -> None:
    """With what they got."""
    arguments, message = REFUSED[case]

    with pytest.raises(ValueError, match=message):
        team(**arguments)


def test_a_team_has_a_name_for_its_values() -> None:
    """Both apps compute it. It is the same in each version, for other spellings, and differs for other values."""
    assert digest_of(PAY) == "c21dd49e9f31"
    spelled = ["SHOP.example.com/payments/**", "pay.example.com"]
    assert digest_of(replace(PAY, owns=spelled, priorities=[4000, 5999])) == digest_of(PAY)
    others: list[dict[str, Any]] = [
        {"name": "pay"},
        {"owns": ["pay.example.com"]},
        {"priorities": (4000, 6000)},
        {"max_rules": 11},
        {"max_certificates": 2},
        {"sign_in": True},
    ]
    assert len({digest_of(replace(PAY, **other)) for other in others} - {digest_of(PAY)}) == len(others)


@pytest.mark.parametrize(
    ("conditions", "refused"),
    [
        ({"hosts": ["pay.example.com"]}, ""),
        ({"hosts": ["PAY.example.com"], "paths": ["/a", "/b*"]}, ""),
        ({"hosts": ["shop.example.com"], "paths": ["/payments/1", "^/payments/[0-9]+$"][:1]}, ""),
        ({"hosts": ["^pay[.]example[.]com$"], "paths": ["^/x"]}, ""),
        ({"hosts": ["pay.example.com", "shop.example.com"], "paths": ["/payments/v1/*"]}, ""),
        ({"hosts": ["dummy-value-for-host"]}, ""),
        ({}, "got: /\\* of route 'x'"),
        ({"paths": ["/payments/*"]}, "got: /payments/\\* of route 'x'"),
        ({"hosts": ["shop.example.com"]}, "got: shop.example.com/\\* of route 'x'"),
        ({"hosts": ["shop.example.com"], "paths": ["/payments/*", "/payments"]}, "got: shop.example.com/payments of"),
        ({"hosts": ["*.example.com"]}, "got: \\*.example.com/\\* of"),
        ({"hosts": ["^pay[.]example"]}, "got: \\^pay"),
        ({"hosts": [TOKEN]}, "must be known at synthesis, got a token in route 'x'"),
    ],
)
def test_a_route_matches_only_what_its_team_owns(conditions: dict[str, Any], refused: str) -> None:
    """Each of its hosts with each of its paths is within one value."""
    hosts, paths = conditions.get("hosts", ()), conditions.get("paths", ())
    if not refused:
        validate_route(PAY, "'x'", hosts, paths)
        return
    with pytest.raises(ValueError, match=refused):
        validate_route(PAY, "'x'", hosts, paths)


@pytest.mark.parametrize(
    ("teams", "refused"),
    [
        ([], r"teams must hold a Team, got: \[\]"),
        ([team(), team(priorities=(40, 60))], r"differ in their names, got: \['a', 'a'\]"),
        ([team(), team("b", ["/b"], (30, 50))], r"different priorities, got: 'a' \(10, 30\) and 'b' \(30, 50\)"),
        (
            [team("b", priorities=(40, 60)), team()],
            "one team, got: 'GET /a/' of 'a' by '/a/\\*' and of 'b' by '/a/\\*'",
        ),
        ([team(owns=["/a/*"]), team("b", ["/a/b"], (40, 60))], "got: 'GET /a/b' of 'a'"),
        ([team(owns=["/*/a"]), team("b", ["/a/*"], (40, 60))], "got: 'GET /a/a' of 'a'"),
        ([team(owns=["a.com"]), team("b", ["/a"], (40, 60))], "got: 'GET a.com/a' of 'a'"),
        ([team(owns=["/a/b"]), team("b", ["/a/*"], (40, 60)), team("c", ["/*"], (70, 90))], ""),
        ([team(owns=["a.com/a", "a.com/a/*"]), team("b", ["a.com"], (40, 60)), team("c", ["b.com"], (70, 90))], ""),
    ],
)
def test_teams_do_not_overlap(teams: list[Team], refused: str) -> None:
    """A part of what a team owns may belong to another team, with lower priorities."""
    if not refused:
        validate_teams(teams)
        return
    with pytest.raises(ValueError, match=refused):
        validate_teams(teams)


@pytest.mark.parametrize(
    ("owns", "hosts", "paths"),
    [
        (["pay.example.com"], ["pay.example.com"], []),
        (["/a", "/a/*"], [], ["/a", "/a/*"]),
        (["a.com/a", "b.com/a"], ["a.com", "b.com"], ["/a"]),
        (["a.com/a", "b.com"], None, None),
        (["a.com", "a.com/a"], None, None),
        (["a.com/a", "/a"], None, None),
        ([f"/{number}" for number in range(6)], None, None),
    ],
)
def test_the_maintenance_page_of_a_team(owns: list[str], hosts: list[str] | None, paths: list[str] | None) -> None:
    """It is one rule for all that the team owns, or it is refused."""
    if hosts is None or paths is None:
        with pytest.raises(ValueError, match=r"one listener rule for all that team 'a' owns, got: .* from 11 on"):
            all_requests_of(team(owns=owns))
        return
    assert all_requests_of(team(owns=owns)) == Conditions(hosts=hosts, paths=paths)


def test_priorities_stay_within_those_of_the_team() -> None:
    """At the end of them, too, where the last route gets the last free one."""
    matches = [RouteMatch.of(Conditions(methods=[method])) for method in ("GET", "PUT", "POST", "DELETE")]
    numbers = numbers_of(team(priorities=(10, 14), max_rules=4))

    assert sorted(assign_priorities(matches, (), numbers)) == [11, 12, 13, 14]
    assert sorted(assign_priorities(matches[:3], {14}, numbers)) == [11, 12, 13]
    assert sorted(assign_priorities(matches[:3], {12}, numbers)) == [11, 13, 14]


def test_the_documented_collisions() -> None:
    """docs/teams.md: how many of 10 routes of a kind get the priority of another one, by the size of the range."""
    row = re.compile(r"^\| `([a-z.]+)(/\S+)?` \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$", re.MULTILINE)
    rows = row.findall((ROOT / "docs/teams.md").read_text())

    assert len(rows) == 3
    for host, path, *collisions in rows:
        size = share_of(RouteMatch.of(Conditions(hosts=[host], paths=[path] if path else []))).size
        assert [float(each) for each in collisions] == [round(45 / (size * n), 2) for n in (1000, 2000, 4000)]


def within(owner: Team, conditions: Conditions) -> Conditions:
    """Return conditions within what a team owns: its host, or its path before theirs."""
    host, slash, path = owner.owns[0].partition("/")
    before = f"/{path.removesuffix('/*')}" if slash else ""
    paths = [f"{before}{each}" for each in conditions.paths if each.startswith("/")] or [f"{before}/*"]
    narrowed = replace(conditions, hosts=[host] if host else [], paths=paths)
    return narrowed if fits(narrowed) else Conditions(hosts=narrowed.hosts, paths=paths[:1])


TEAMS = [
    team("part", ["a.com/b/*"], (10, 999)),
    team("other", ["b.com"], (1000, 1030)),
    team("whole", ["a.com"], (2000, 2060)),
    team("rest", ["/*"], (3000, 3040)),
]


@RANDOM
@given(
    st.lists(st.tuples(st.sampled_from(TEAMS), CONDITIONS), max_size=12),
    st.lists(REQUESTS, min_size=1, max_size=8),
    st.randoms(use_true_random=False),
)
def test_routes_of_several_apps(
    routes: list[tuple[Team, Conditions]], requests: list[Request], chance: random.Random
) -> None:
    """No two rules have one priority. Only the first team that owns a request can take it from the others."""
    validate_teams(chance.sample(TEAMS, len(TEAMS)))
    apps = {each: ListenerRules(numbers_of(each)) for each in TEAMS}
    conditions: dict[Rule, Conditions] = {}
    for number, (owner, written) in enumerate(routes):
        narrowed = within(owner, written)
        validate_route(owner, "x", narrowed.hosts, narrowed.paths)
        try:
            rules = plan_rules(f"route {number}", narrowed, None, allowed=numbers_of(owner).allowed)
            apps[owner].validate(rules)
        except ValueError:  # as specific as another one of the app
            continue
        apps[owner].add(rules)
        conditions[rules[0]] = narrowed
    placed = [
        (priority, owner, conditions[rule])
        for owner, rules in apps.items()
        for rule, priority in rules.priorities().items()
    ]

    assert len({priority for priority, *_ in placed}) == len(placed)
    assert all(priority in numbers_of(owner).computed for priority, owner, _ in placed)
    for request in requests:
        matching = [(priority, owner) for priority, owner, wanted in placed if meets(request, wanted)]
        if matching:
            answering = min(matching, key=lambda each: each[0])[1]
            with_route = {owner for _, owner in matching}
            assert answering is next(each for each in TEAMS if each in with_route and owns(each, request))


def owns(owner: Team, request: Request) -> bool:
    """Whether a team owns a request."""
    host, slash, path = owner.owns[0].partition("/")
    return meets(request, Conditions(hosts=[host] if host else [], paths=[slash + path] if slash else []))
