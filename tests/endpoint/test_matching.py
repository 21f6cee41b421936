"""The more specific route answers. Random routes and requests compare the order with a model of the load balancer."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network
from itertools import permutations, product
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fargate_constructs.endpoint.conditions import Conditions
from fargate_constructs.endpoint.listener_rules import plan_rules
from fargate_constructs.endpoint.matching import RouteMatch, _is_within, _text_of_both
from fargate_constructs.endpoint.priorities import ListenerRules, Rule, assign_priorities, priority_of
from fargate_constructs.endpoint.redirects import Redirect

Written = dict[str, Any]
"""Conditions as a test writes them."""
# A sample, other examples each time. `make long` asks for 80 times as many.
RANDOM = settings(max_examples=settings().max_examples // 4)

# --- The load balancer, as AWS describes it: the rule with the lowest priority whose conditions are all met ---


@dataclass(frozen=True)
class Request:
    """What a caller asks for."""

    host: str
    path: str
    headers: Mapping[str, str]
    method: str
    query: Mapping[str, str]
    address: str


def wildcards_match(pattern: str, text: str, *, ignore_case: bool = True) -> bool:
    """Whether a text matches a pattern of `*` and `?`, or a regular expression."""
    if pattern.startswith("^"):
        return re.search(pattern, text) is not None
    expression = "".join({"*": ".*", "?": "."}.get(each, re.escape(each)) for each in pattern)
    return re.fullmatch(expression, text, re.IGNORECASE if ignore_case else 0) is not None


def meets(request: Request, conditions: Conditions) -> bool:
    """Whether a request meets all conditions, each by one of its values."""
    address = ip_address(request.address)
    paths = [wildcards_match(path, request.path, ignore_case=False) for path in conditions.paths]
    met = [
        any(wildcards_match(host, request.host) for host in conditions.hosts) or not conditions.hosts,
        any(paths) or not paths,
        request.method in conditions.methods or not conditions.methods,
        any(address in ip_network(block) for block in conditions.source_ips) or not conditions.source_ips,
    ]
    for asked, carried in ((conditions.headers, request.headers), (conditions.query, request.query)):
        for name, values in asked.items():
            met.append(name in carried and any(wildcards_match(value, carried[name]) for value in values))
    return all(met)


# --- The order as docs/routes.md states it, smaller is more specific ---


def segments_specificity(pattern: str, segments: Sequence[str], separator: str) -> tuple[int, int, int]:
    """How specific a path or host is, given its segments from the widest."""
    if pattern in EXPRESSIONS:
        return 1, *EXPRESSIONS[pattern]
    if not set(pattern) & set("*?"):
        return 0, 0, 0
    whole = next(index for index, segment in enumerate(segments) if set(segment) & set("*?"))
    rest = separator.join(segments[whole:])
    return 1, -whole, -len(rest.replace("*", "").replace("?", ""))


# Of regular expressions: minus the whole segments (labels) of what all texts begin (hosts: end) with, and minus the
# other characters that each text has.
EXPRESSIONS = {
    "^/[ab]+$": (-1, 0),
    "^/a/": (-2, 0),
    "^/a/[ab]$": (-2, 0),
    "^/(?:a/b|a/ba)$": (-2, -1),
    "^/a/.*/b$": (-2, -2),
    "^/.*b": (-1, -1),
    "^/a?b{1,2}/a$": (-1, -3),
    "^a[.]com$": (-1, -1),
    "^(?:a|b)[.].*[.]com$": (-1, -2),
    "^[^.]+[.]com$": (-1, 0),
    "^.*[.]ab[.]com$": (-2, 0),
}


def rooted(path: str) -> list[str]:
    """The same paths from the slash on with which every path begins."""
    if path[0] == "?":
        return ["/" + path[1:]]
    if path[0] == "*":
        return ["/" + path, *([path[1:]] if path[1:2] == "/" else [])]
    return [path]


def specificity(conditions: Conditions) -> tuple[tuple[int, int, int], tuple[int, int, int], int, int]:
    """How specific a route is."""
    hosts = [segments_specificity(host, host.split(".")[::-1], ".") for host in conditions.hosts]
    written = {each for path in conditions.paths for each in rooted(path)}
    anywhere = "/*" in written or {"/", "/?*"} <= written
    paths = [segments_specificity(path, path.split("/"), "/") for path in written if not anywhere]
    named = [*conditions.headers.values(), *conditions.query.values()]
    host_bits = [32 - int(block.split("/")[1]) for block in conditions.source_ips]
    return (
        max(hosts, default=(2, 0, 0)),
        max(paths, default=(2, 0, 0)),
        -len(named) - bool(conditions.methods) - bool(conditions.source_ips),
        sum(any(set(value) & set("*?") for value in values) for values in named)
        + max(len(set(conditions.methods)) - 1, 0)
        + max(host_bits, default=0),
    )


# --- Random routes and requests from few words, so that they meet often ---

WORDS = ("a", "b", "ab", "ba")
PIECES = (*WORDS, "*", "a*", "*b", "?", "a?")


def texts(pieces: Sequence[str], form: str, separator: str, lengths: range) -> st.SearchStrategy[str]:
    """Return texts of so many pieces, short ones as often as long ones; each is one draw, for draws take time."""
    kinds = [[form.format(separator.join(each)) for each in product(pieces, repeat=length)] for length in lengths]
    return st.one_of(*map(st.sampled_from, kinds))


def few(values: st.SearchStrategy[str], *, most: int = 2) -> st.SearchStrategy[list[str]]:
    """Return up to two different values."""
    return st.lists(values, max_size=most, unique=True)


def named(names: Sequence[str], values: Sequence[object]) -> st.SearchStrategy[dict[str, Any]]:
    """Return none, or one of the values under one of the names."""
    return st.one_of(st.just({}), st.sampled_from([{name: value} for name in names for value in values]))


HOSTS = texts(PIECES, "{}.com", ".", range(1, 4))
PATHS = st.one_of(texts((*PIECES, ""), "/{}", "/", range(1, 5)), st.sampled_from(("*", "*b", "*/a", "/*")))
EXPRESSIONS_OF_PATHS = [[each] for each in EXPRESSIONS if "/" in each] + [["^/a/", "^/[ab]+$"]]
EXPRESSIONS_OF_HOSTS = [[each] for each in EXPRESSIONS if "/" not in each]
VALUES = [list(each) for length in (1, 2) for each in permutations(("1", "2", "1*", "*"), length)]
METHODS = ("GET", "POST", "PUT")
# Disjoint or nested, none of which two make a third.
BLOCKS = ("10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.1.2.3/32", "11.0.0.0/8")


def fits(conditions: Conditions) -> bool:
    """Whether a rule can hold the conditions."""
    try:
        conditions.validate()
    except ValueError:
        return False
    return True


@st.composite
def conditions_of_a_route(draw: st.DrawFn) -> Conditions:
    """Return conditions that a rule can hold."""
    whole = Conditions(
        hosts=draw(st.one_of(few(HOSTS), few(HOSTS), st.sampled_from(EXPRESSIONS_OF_HOSTS))),
        paths=draw(st.one_of(few(PATHS), few(PATHS), st.sampled_from(EXPRESSIONS_OF_PATHS))),
        headers=draw(named(("x", "y"), VALUES)),
        methods=draw(few(st.sampled_from(METHODS))),
        query=draw(named(("v", "w"), VALUES)),
        source_ips=draw(few(st.sampled_from(BLOCKS), most=1)),
    )
    shorter = replace(whole, hosts=whole.hosts[:1], paths=whole.paths[:1], query={})
    return next(filter(fits, (whole, shorter, Conditions(paths=whole.paths[:1]))))


CONDITIONS = conditions_of_a_route()
# The values of no, one and two headers or query keys.
CARRIED = [each for length in range(3) for each in product(("1", "2", "12"), repeat=length)]
REQUESTS = st.builds(
    Request,
    host=texts(WORDS, "{}.com", ".", range(1, 4)),
    path=texts((*WORDS, ""), "/{}", "/", range(5)),
    headers=st.sampled_from([dict(zip("xy", each, strict=False)) for each in CARRIED]),
    method=st.sampled_from((*METHODS, "HEAD")),
    query=st.sampled_from([dict(zip("wv", each, strict=False)) for each in CARRIED]),
    address=st.sampled_from(("10.1.2.3", "10.1.2.4", "10.1.9.9", "10.9.9.9", "11.1.1.1", "192.0.2.1")),
)


def accepted(routes: Sequence[Conditions]) -> tuple[ListenerRules, dict[Rule, Conditions]]:
    """Return the routes that one listener accepts, added one by one."""
    rules = ListenerRules()
    conditions: dict[Rule, Conditions] = {}
    for index, route in enumerate(routes):
        rule = Rule(f"route {index}", RouteMatch.of(route), None)
        has_regex = RouteMatch.of(route).has_regex
        if any(
            has_regex or RouteMatch.of(other).has_regex or specificity(other) == specificity(route)
            for other in conditions.values()
        ):
            try:
                rules.validate([rule])
            except ValueError:
                continue
        rules.validate([rule])  # only a route that is as specific as another, or never used, is refused
        rules.add([rule])
        conditions[rule] = route
    return rules, conditions


def match_of(written: Written) -> RouteMatch:
    """Return the match of these conditions."""
    return RouteMatch.of(Conditions(**written))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ({"paths": ["/**"]}, {}),
        ({"paths": ["**"]}, {}),
        ({"paths": ["?*"]}, {}),
        ({"paths": ["*?"], "methods": ["GET"]}, {"methods": ["GET"]}),
        ({"paths": ["/api/***"]}, {"paths": ["/api/*"]}),
        ({"paths": ["/a/*?*?"]}, {"paths": ["/a/??*"]}),
        ({"hosts": ["**.example.com"]}, {"hosts": ["*.example.com"]}),
        ({"headers": {"x": ["a**"]}}, {"headers": {"x": ["a*"]}}),
        ({"paths": ["*.png"]}, {"paths": ["/*.png"]}),
        ({"paths": ["?api/*"]}, {"paths": ["/api/*"]}),
        ({"paths": ["*/a"]}, {"paths": ["/a", "/*/a"]}),
        ({"paths": ["*/*"]}, {}),
        ({"paths": ["/", "/?*"]}, {}),
        ({"paths": ["/a/", "/a/?*"]}, {"paths": ["/a/*"]}),
    ],
    ids=str,
)
def test_wildcards_that_mean_the_same_match_the_same(written: Written, meant: Written) -> None:
    """Matches are equal, however many stars are written."""
    assert match_of(written) == match_of(meant)


@RANDOM
@given(st.lists(CONDITIONS, max_size=8), st.lists(REQUESTS, min_size=1, max_size=8))
def test_the_first_match_is_the_most_specific_route(routes: list[Conditions], requests: list[Request]) -> None:
    """The load balancer tries our priorities, lowest first, and ends at the route that the stated order puts first."""
    rules, conditions = accepted(routes)
    priorities = rules.priorities()

    for request in requests:
        answering = [rule for rule, asked in conditions.items() if meets(request, asked)]
        if answering:
            first = min(answering, key=lambda rule: priorities[rule])
            for rule in answering:
                assert specificity(conditions[first]) <= specificity(conditions[rule])
                if specificity(conditions[first]) == specificity(conditions[rule]):
                    matched = [each for each in requests if meets(each, conditions[first])]
                    assert all(meets(each, conditions[rule]) for each in matched)


def followed(request: Request, conditions: Conditions, to: Redirect) -> Request:
    """The request of a caller that follows a redirect, whose `*` is the rest of the path."""
    rest = request.path[conditions.paths[0].index("*") :] if conditions.paths else request.path[1:]
    path = request.path if to.to_path is None else str(to.to_path).replace("*", rest)
    method = request.method if request.method in {"GET", "HEAD"} else "GET"
    return replace(request, host=to.to_host or request.host, path=path, method=method)


ENDS: Sequence[Written] = (
    {},
    {"headers": {"x": ["1"]}},
    {"methods": ["GET"]},
    {"methods": ["PUT"]},
    {"source_ips": ["10.0.0.0/8"]},
)
REDIRECTS = st.tuples(
    st.builds(
        lambda hosts, paths, others: Conditions(hosts=hosts, paths=paths, **others),
        st.sampled_from(([], ["a.com"], ["b.com"], ["*.com"])),
        st.sampled_from(([], ["/a/*"], ["/b/*"], ["/a/b*"])),
        st.sampled_from(ENDS),
    ),
    st.builds(
        lambda host, path: Redirect(to_host=host, to_path=path, to_query=None, status_code=302),
        st.sampled_from((None, "a.com", "b.com", "c.com")),
        st.sampled_from((None, "/a/*", "/b/*", "/a/b", "/a/b/*", "/c")),
    ),
)


@RANDOM
@given(st.lists(REDIRECTS, min_size=1, max_size=4), st.lists(REQUESTS, min_size=1, max_size=5))
@example(
    [
        (Conditions(paths=["/a/*"]), Redirect(to_host=None, to_path="/b/*", to_query=None, status_code=302)),
        (Conditions(paths=["/b/*"]), Redirect(to_host=None, to_path="/a/b/*", to_query=None, status_code=302)),
    ],
    [Request("a.com", "/a/b", {}, "PUT", {}, "10.1.2.3")],
)
@example(  # A circle of GET alone: the first redirect does not answer HEAD.
    [
        (Conditions(methods=["GET"]), Redirect(to_host="b.com", to_path=None, to_query=None, status_code=302)),
        (Conditions(hosts=["b.com"]), Redirect(to_host="a.com", to_path=None, to_query=None, status_code=302)),
    ],
    [Request("b.com", "/a", {}, method, {}, "10.1.2.3") for method in ("GET", "HEAD", "PUT")],
)
def test_a_circle_of_redirects_never_ends(
    redirects: list[tuple[Conditions, Redirect]], requests: list[Request]
) -> None:
    """A caller that a reported redirect answers is redirected again, each time, unless it asks by HEAD.

    Callers repeat other methods as GET, so circles are those of GET.
    """
    rules, answers = ListenerRules(), dict[Rule, tuple[Conditions, Redirect]]()
    for number, (conditions, redirect) in enumerate(redirects):
        to = redirect.next_request(conditions, frozenset({"a.com", "b.com"}))
        planned = plan_rules(f"route {number}", conditions, None, next_request=to)
        try:
            rules.validate(planned)
        except ValueError:
            continue
        rules.add(planned)
        answers[planned[0]] = conditions, redirect
    priorities = rules.priorities()
    reported = {name for each in rules.circles() for name in re.findall("route [0-9]", each)}

    for request in requests:
        hop, passed = request, list[Rule]()
        while len(passed) < 10:
            matching = [rule for rule, (conditions, _) in answers.items() if meets(hop, conditions)]
            if not matching:
                break
            passed.append(min(matching, key=lambda rule: priorities[rule]))
            hop = followed(hop, *answers[passed[-1]])
        ends = len(passed) < 10 and request.method != "HEAD"
        assert not (ends and reported & {rule.name for rule in passed})


@st.composite
def nested_conditions(draw: st.DrawFn) -> tuple[Conditions, Conditions]:
    """Return conditions, and conditions that fewer requests meet, all of which meet the others too."""
    wide = draw(CONDITIONS)
    kind = draw(st.sampled_from(("host", "path", "header", "query", "method", "address", "value")))
    if kind in {"host", "path"}:
        values = (wide.hosts or ["*.com"]) if kind == "host" else (wide.paths or ["/*"])
        filler = draw(
            st.sampled_from(("", "a", "a*", "*b", "?", "a/*", "*/b") if kind == "path" else ("a", "a*", "*b"))
        )
        narrowed = [value.replace("*", filler, 1) for value in values]
        narrow = replace(wide, hosts=narrowed) if kind == "host" else replace(wide, paths=narrowed)
    elif kind == "header":
        narrow = replace(wide, headers={**wide.headers, "z": draw(st.sampled_from(VALUES))})
    elif kind == "query":
        narrow = replace(wide, query={**wide.query, "z": draw(st.sampled_from(VALUES))})
    elif kind == "method":
        narrow = replace(wide, methods=wide.methods[:1] or ["GET"])
    elif kind == "address":
        blocks = {"10.0.0.0/8": "10.1.0.0/16", "10.1.0.0/16": "10.1.2.0/24", "10.1.2.0/24": "10.1.2.3/32"}
        narrow = replace(wide, source_ips=[blocks.get(block, block) for block in wide.source_ips] or ["11.0.0.0/8"])
    else:
        headers = {name: values[:1] for name, values in wide.headers.items()}
        narrow = replace(wide, headers=headers, paths=wide.paths[:1])
    if fits(narrow):
        return narrow, wide
    wide = Conditions(paths=wide.paths[:1])
    return replace(wide, methods=["GET"]), wide


@RANDOM
@given(nested_conditions())
def test_a_subset_never_comes_after_its_superset(pair: tuple[Conditions, Conditions]) -> None:
    """The narrower of two nested routes is tried first, or the pair is refused."""
    narrow, wide = map(RouteMatch.of, pair)

    assert narrow.rank <= wide.rank
    if narrow.rank < wide.rank:
        assert priority_of(narrow) <= priority_of(wide)
    elif narrow.breadth < wide.breadth and wide.covers(narrow):
        first, second = assign_priorities([narrow, wide])
        assert first < second
    else:
        assert narrow.shared_request(wide)


@pytest.mark.parametrize(
    ("specific", "general"),
    [
        ({"hosts": ["a.example.com"]}, {"hosts": ["*.example.com"], "paths": ["/a"]}),
        ({"hosts": ["*.api.example.com"]}, {"hosts": ["*.example.com"]}),
        ({"hosts": ["pr-*.example.com"]}, {"hosts": ["*.example.com"]}),
        ({"hosts": ["*.example.com"]}, {"paths": ["/a"]}),
        ({"paths": ["/api/"]}, {"paths": ["/api/*"]}),
        ({"paths": ["/api"]}, {"paths": ["/api*"]}),
        ({"paths": ["/api/v1/*"]}, {"paths": ["/api/*"]}),
        ({"paths": ["/api/*"]}, {"paths": ["/api*"]}),
        ({"paths": ["/api/*/admin"]}, {"paths": ["/api/*"]}),
        ({"paths": ["/api/*.png"]}, {"paths": ["/api/*"]}),
        ({"paths": ["/api-docs*"]}, {"paths": ["/api*"]}),
        ({"paths": ["/api/*"]}, {"paths": ["*.png"]}),
        ({"paths": ["*.png"], "methods": ["GET"]}, {"paths": ["/*.png"]}),
        ({"methods": ["POST"]}, {"paths": ["*/*"]}),
        ({"paths": ["*.png"]}, {}),
        ({"paths": ["/a/*"]}, {"methods": ["GET"], "headers": {"x": ["1"]}}),
        ({"paths": ["/a/*"], "methods": ["POST"]}, {"paths": ["/a/*"]}),
        ({"methods": ["POST"], "headers": {"x": ["1"]}}, {"headers": {"x": ["1"]}}),
        ({"headers": {"x": ["next"]}}, {"headers": {"x": ["*"]}}),
        ({"methods": ["GET"]}, {"methods": ["GET", "HEAD"]}),
        ({"source_ips": ["10.1.0.0/16"]}, {"source_ips": ["10.0.0.0/8"]}),
        ({"query": {"v": ["2"]}}, {}),
        ({"paths": ["/a"]}, {"paths": ["/a", "/b"]}),
        ({"paths": ["/api/*"]}, {"paths": ["/api", "/api/*"]}),
        ({"paths": ["/a", "/b"]}, {"paths": ["/a", "/b", "/c"]}),
        ({"paths": ["/api/?"]}, {"paths": ["/api/*"]}),
        ({"paths": ["/api/?", "/api/??"]}, {"paths": ["/api/*"]}),
        ({"paths": ["/api/*/admin"]}, {"paths": ["/api/*/admin*"]}),
        ({"hosts": ["a.example.com"]}, {"hosts": ["b.example.com", "a.example.com"]}),
        ({"hosts": ["?.example.com"]}, {"hosts": ["*.example.com"]}),
        ({"headers": {"x": ["1"]}}, {"headers": {"x": ["1", "2"]}}),
        ({"query": {"v": ["?"]}}, {"query": {"v": ["*"]}}),
        ({"source_ips": ["10.0.0.0/24"]}, {"source_ips": ["10.0.0.0/24", "10.2.0.0/24"]}),
        (
            {"paths": ["/a/*"], "methods": ["GET"], "source_ips": ["10.0.0.0/24"]},
            {"paths": ["/a/*", "/b/*"], "methods": ["GET"], "source_ips": ["10.0.0.0/24"]},
        ),
    ],
)
def test_the_stated_order(specific: Written, general: Written) -> None:
    """Each case is a line of docs/routes.md."""
    first, second = match_of(specific), match_of(general)
    rules = ListenerRules()
    rules.add([Rule("first", first, None)])

    rules.validate([Rule("second", second, None)])
    assert assign_priorities([second, first]) == sorted(assign_priorities([first, second]), reverse=True)
    assert priority_of(first) <= priority_of(second)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"paths": ["/a", "/b"]}, {"paths": ["/b", "/c", "/d"]}),
        ({"paths": ["/a/?*"]}, {"paths": ["/a/*"]}),
        ({"headers": {"x": ["1"]}}, {"headers": {"y": ["1", "2"]}}),
        ({"query": {"v": ["1"]}}, {"headers": {"y": ["1", "2"]}}),
        (
            {"hosts": ["a.example.com"], "paths": ["/a", "/b"]},
            {"hosts": ["a.example.com", "b.example.com"], "paths": ["/a"]},
        ),
        ({"source_ips": ["10.0.0.1/32"]}, {"headers": {"x": ["1", "2"]}}),
        ({"headers": {"x": ["1"]}}, {"source_ips": ["10.0.0.1/32", "10.0.0.3/32"]}),
        ({"source_ips": ["10.0.0.0/24", "10.0.2.0/24"]}, {"source_ips": ["10.0.0.0/24", "10.0.4.0/24", "10.0.6.0/24"]}),
        ({"methods": ["GET"]}, {"query": {"v": ["1", "2"]}}),
    ],
)
def test_neither_is_more_specific(one: Written, other: Written) -> None:
    """Lists are refused if neither is within the other, even if one is shorter."""
    first, second = Rule("first", match_of(one), None), Rule("second", match_of(other), None)
    for rule, beside in ((first, second), (second, first)):
        rules = ListenerRules()
        rules.add([beside])
        with pytest.raises(
            ValueError, match=f"route {rule.name} is as specific as route {beside.name}, and both match"
        ):
            rules.validate([rule])


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        ({"paths": ["/a"], "methods": ["GET"]}, {"paths": ["/a", "/b"], "methods": ["POST"]}),
        ({"paths": ["/a"], "source_ips": ["10.0.0.0/24"]}, {"paths": ["/a", "/b"], "source_ips": ["10.9.0.0/24"]}),
        ({"source_ips": ["10.0.0.0/24"]}, {"source_ips": ["::/104", "10.0.0.0/24"]}),
        ({"paths": ["/a"]}, {"paths": ["/a/*"]}),
    ],
    ids=["methods", "addresses", "families", "ends"],
)
def test_what_is_covered(narrow: Written, wide: Written) -> None:
    """Every condition counts, not one alone."""
    first, second = match_of(narrow), match_of(wide)

    assert second.covers(first) == ("methods" not in narrow and "paths" not in narrow)
    assert not first.covers(second)


@pytest.mark.parametrize(
    ("one", "other", "request_"),
    [
        ({"paths": ["/a/*x"]}, {"paths": ["/a/b*"]}, "GET /a/bx"),
        ({"paths": ["/?/*"]}, {"paths": ["/?/?"]}, "GET /x/x"),
        ({"hosts": ["a.example.com", "b.example.com"]}, {"hosts": ["B.example.com"]}, "GET b.example.com/"),
        ({"methods": ["PUT", "POST"]}, {"headers": {"x": ["1"]}}, "POST /, x: 1"),
        ({"headers": {"x": ["1"]}}, {"query": {"v": ["*"]}}, "GET /?v=, x: 1"),
        ({"source_ips": ["10.0.0.0/8"]}, {"source_ips": ["10.0.0.0/8", "192.0.2.0/24"]}, "GET /, from 10.0.0.0"),
        (
            {"headers": {"x": ["1"]}, "paths": ["/a"]},
            {"source_ips": ["::1/128"], "paths": ["/a"]},
            "GET /a, x: 1, from ::1",
        ),
        ({"paths": ["/a/*"]}, {"paths": ["/a/?*"]}, "GET /a/x"),
        ({"paths": ["/a/*"]}, {"paths": ["/b/*"]}, None),
        ({"paths": ["/a"]}, {"paths": ["/A"]}, None),
        ({"hosts": ["a.example.com"]}, {"hosts": ["*.b.example.com"]}, None),
        ({"headers": {"x": ["1"]}}, {"headers": {"X": ["2"]}}, None),
        ({"query": {"v": ["1"]}}, {"query": {"v": ["2*"]}}, None),
        ({"methods": ["GET"]}, {"methods": ["POST"]}, None),
        ({"source_ips": ["10.0.0.0/8"]}, {"source_ips": ["11.0.0.0/8", "::1/128"]}, None),
    ],
)
def test_a_request_that_two_routes_match(one: Written, other: Written, request_: str | None) -> None:
    """It is the same whichever route is asked. Routes that exclude each other share none."""
    first, second = match_of(one), match_of(other)

    assert first.shared_request(second) == request_
    assert second.shared_request(first) == request_


TEXTS = st.text(alphabet="ab/", max_size=6)


@RANDOM
@given(st.text(alphabet="ab*?/", max_size=6), st.text(alphabet="ab*?/", max_size=6), TEXTS)
@example("*" * 60 + "a", "*" * 60 + "b", "")
def test_what_two_patterns_have_in_common(one: str, other: str, text: str) -> None:
    """A common text matches both; where there is none, no text does."""
    common = _text_of_both(one, other)
    if _is_within(one, other):
        assert not wildcards_match(one, text) or wildcards_match(other, text)

    if common is None:
        assert not (wildcards_match(one, text) and wildcards_match(other, text))
    else:
        assert wildcards_match(one, common)
        assert wildcards_match(other, common)
