"""Regular expressions as hosts and paths of routes: what they match, their place in the order, and what is refused."""

import re
from itertools import product

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fargate_constructs.endpoint.conditions import Conditions
from fargate_constructs.endpoint.languages import (
    MAX_STATES,
    Language,
    is_within,
    shared_text,
)
from fargate_constructs.endpoint.priorities import ListenerRules, Rule, assign_priorities, priority_of
from fargate_constructs.endpoint.regex_parts import fixed_characters
from tests.endpoint.test_matching import RANDOM, Written, match_of, wildcards_match

RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"
TEXTS = ["".join(each) for length in range(6) for each in product("ab/", repeat=length)]
EXPRESSIONS = st.builds(
    lambda inner, end: f"^{inner}{end}",
    st.recursive(
        st.sampled_from(("a", "b", "/", "[ab]", "[^a]", ".")),
        lambda inner: st.one_of(
            st.builds(lambda one, other: one + other, inner, inner),
            st.builds(lambda one, other: f"(?:{one}|{other})", inner, inner),
            st.builds(lambda one, count: f"({one}){count}", inner, st.sampled_from(("*", "+?", "?", "{2}", "{1,2}"))),
        ),
        max_leaves=6,
    ),
    st.sampled_from(("$", "")),
)


@RANDOM
@given(EXPRESSIONS, EXPRESSIONS)
@example("^(a){1,}$", "^a(a|b|)*$")
def test_expressions_are_compared_by_their_texts(one: str, other: str) -> None:
    """Python's own regular expressions find the same texts, up to five characters."""
    first, second = Language.of(one), Language.of(other)
    matched, others = ({text for text in TEXTS if re.search(each, text)} for each in (one, other))
    common = shared_text(first, second)

    assert not is_within(first, second) or matched <= others
    assert common is not None or not matched & others
    assert common is None or (re.search(one, common) and re.search(other, common))
    assert all(text.startswith(first.prefix) for text in matched)
    backwards = Language.of(one, backwards=True)
    assert all(text[::-1].startswith(backwards.prefix) for text in matched)
    assert is_within(first, first)
    assert shared_text(first, Language.of("*")) is not None


@pytest.mark.parametrize(
    ("regex", "prefix", "fixed", "matching", "others"),
    [
        (r"^/users/\d+$", "/users/", 7, ["/users/12"], ["/users/", "/users/a", "/users/1/"]),
        (r"^/[a-z]{2}(-[A-Z]{2})?/login", "/", 7, ["/en/login", "/en-GB/login/x"], ["/e/login", "/login"]),
        (r"^/api/(?:v1|v2)/\w*?$", "/api/v", 8, ["/api/v1/", "/api/v2/a_1"], ["/api/v3/", "/api/v1/a-b"]),
        (r"^/a\.b[.]c\$$", "/a.b.c$", 7, ["/a.b.c$"], ["/axb.c$", "/a.b.c"]),
        (r"^/(?<id>[^/]+)/(?P<n>x{2,3})$", "/", 4, ["/a/xx", "/a/xxx"], ["/a/x", "/a/xxxx", "//xx"]),
        (r"^/[\]a-c\d-]+$", "/", 1, ["/]", "/b-9"], ["/d", "/"]),
        (r"^/[\D]\S\W$", "/", 1, ["/aa-"], ["/1a-", "/aaa"]),
        (r"^/x{0}y{1,}$", "/y", 2, ["/y", "/yyy"], ["/", "/xy"]),
        (r"^/(a|ab)(c|)$", "/a", 2, ["/a", "/abc", "/ac"], ["/b"]),
        (r"^(?:/a|/b)$", "/", 2, ["/a", "/b"], ["/", "/c"]),
        (r"^/a\\$", "/a\\", 3, ["/a\\"], ["/a"]),
    ],
)
def test_what_an_expression_is_made_of(
    regex: str, prefix: str, fixed: int, matching: list[str], others: list[str]
) -> None:
    """What all texts begin with, how many characters each text has at least, and which texts match."""
    Conditions(paths=[regex]).validate()
    language = Language.of(regex)

    assert (language.prefix, fixed_characters(language.part)) == (prefix, fixed)
    assert [is_within(Language.of(text), language) for text in (*matching, *others)] == [
        *(True for _ in matching),
        *(False for _ in others),
    ]


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({"paths": ["^/a", "/b"]}, "paths must be all patterns or all regular expressions, which begin with '^'"),
        ({"hosts": ["*.a.com", "^b[.]com$"]}, "hosts must be all patterns or all regular expressions"),
        ({"paths": ["^a"]}, "paths must have regular expressions that begin with '^/', as all paths do, got: '^a'"),
        ({"paths": ["^/*$"]}, "begin with '^/', as all paths do, got: '^/*$'"),
        ({"paths": ["^/?a$"]}, "begin with '^/', as all paths do, got: '^/?a$'"),
        ({"paths": [r"^/\s$"]}, r"paths must have regular expressions that match some text, got: '^/\\s$'"),
        ({"paths": ["^/a|/b"]}, "paths has '|' outside of parentheses; write (?:a|b), got: '^/a|/b'"),
        ({"paths": ["^/a$/b"]}, "paths has '^' after its beginning, or '$' before its end, got: '^/a$/b'"),
        ({"paths": [r"^/a\n"]}, r"paths has the escape '\n', and no path or host has such a character"),
        ({"paths": [r"^/a[\b]"]}, r"paths has the escape '\b'"),
        ({"paths": ["^/(?=a)"]}, "paths has a lookahead or lookbehind in '^/(?=a)', which a load balancer does not su"),
        ({"paths": ["^/(a"]}, "paths has a malformed regular expression, got: '^/(a'"),
        ({"paths": ["^/" + "a" * 127]}, "paths must be at most 128 characters each, got 129"),
        ({"paths": ["^/(?:[a-z]{99}){99}$"]}, "paths must have a smaller regular expression, or it cannot be compared"),
        ({"paths": ["^/a"] * 6}, "a rule holds 5 values, hosts, paths and all others together, got: 6"),
        ({"hosts": ["^a$"]}, "hosts must have regular expressions in lower case that end in at least one whole label"),
        ({"hosts": [r"^a\.(?:com|org)$"]}, "such as '^pr-[0-9]+[.]example[.]com$', got: '^a\\\\.(?:com|org)$'"),
        ({"hosts": ["^a[.]com"]}, "got: '^a[.]com'"),
        ({"hosts": ["^A[.]com$"]}, "got: '^A[.]com$'"),
    ],
)
def test_an_expression_that_is_refused(conditions: Written, message: str) -> None:
    """By a load balancer, or because it has no place in the order of routes."""
    with pytest.raises(ValueError, match=re.escape(message)):
        Conditions(**conditions).validate()


def test_what_is_too_large_to_compare_is_refused() -> None:
    """Some expressions of few characters have thousands of states when they are compared."""
    large = Language.of("^/(?:a|b)*a(?:a|b){14}$")
    assert len(large.part) < MAX_STATES

    with pytest.raises(ValueError, match="must have a smaller regular expression, or it cannot be compared with other"):
        is_within(large, large)


def test_stars_and_question_marks_of_an_expression_are_no_wildcards() -> None:
    """A rule holds five wildcards, and expressions are values only."""
    Conditions(paths=["^/a*b*c*d*e*f*g?$"], hosts=["*.*.*.*.*.com"]).validate()


# The one that is tried first, and the other.
ORDER: list[tuple[Written, Written]] = [
    ({"paths": ["/users/1"]}, {"paths": ["^/users/[0-9]+$"]}),
    ({"paths": ["^/users/[0-9]+$"]}, {"paths": ["/users/*"]}),
    ({"paths": ["^/users/[0-9]+$"]}, {"paths": ["^/users/"]}),
    ({"paths": ["^/users/[0-9]+/orders$"]}, {"paths": ["/users/*/orders"]}),
    ({"paths": ["/users/*/orders"]}, {"paths": ["^/users/[0-9a-z]+"]}),
    ({"paths": ["/users/me/*"]}, {"paths": ["^/users/[a-z]+"]}),
    ({"paths": ["^/api/(?:v1|v2)/"]}, {"paths": ["/api/*"]}),
    ({"paths": ["^/[a-z]{2}/login$"]}, {}),
    ({"paths": ["/a/*"]}, {"paths": ["^/[a-z]+/b"]}),
    ({"hosts": ["^pr-[0-9]+[.]example[.]com$"]}, {"hosts": ["*.example.com"]}),
    ({"hosts": ["pr-1.example.com"]}, {"hosts": ["^pr-[0-9]+[.]example[.]com$"]}),
    ({"hosts": ["*.api.example.com"]}, {"hosts": ["^[a-z.]+[.]example[.]com$"]}),
    ({"paths": ["^/a/[0-9]$"], "methods": ["GET"]}, {"paths": ["^/a/[0-9]$"]}),
    ({"paths": ["^/a/[0-9]$"]}, {"paths": ["^/a/[0-9]$", "^/b/[0-9]$"]}),
]


@pytest.mark.parametrize(("specific", "general"), ORDER, ids=str)
def test_the_stated_order(specific: Written, general: Written) -> None:
    """Each case is a line of docs/routes.md."""
    first, second = match_of(specific), match_of(general)
    rules = ListenerRules()
    rules.add([Rule("second", second, None)])

    rules.validate([Rule("first", first, None)])
    low, high = assign_priorities([first, second])
    assert low < high
    assert priority_of(first) <= priority_of(second)


@pytest.mark.parametrize(
    ("one", "other", "message"),
    [
        ({"paths": ["^/api/"]}, {"paths": ["/api/*"]}, "route other is never used: route one is tried first and"),
        ({"paths": ["^/api/.*"]}, {"paths": ["^/api/[^x]$", "^/api/x$"]}, "route one is as specific as route other"),
        ({"paths": ["^/a$"]}, {"paths": ["/a"]}, "route one is never used: route other is tried first and matches"),
        ({"paths": ["^/a/[bd]$"]}, {"paths": ["^/a/(?:b|d|x)$"]}, "route one is never used: route other is tried"),
        ({"paths": ["^/a/[0-9]*$"]}, {"paths": ["^/a/[0-9]+$"]}, "route one is as specific as route other, and both"),
        ({"paths": ["^/a/.*[0-9]"]}, {"paths": ["/a/*"]}, None),
        ({"paths": ["^/a/[0-9]+$"]}, {"paths": ["^/a/[a-z]+$"]}, None),
        ({"paths": ["^/a/b[0-9]+$"]}, {"paths": ["/a/c*"]}, None),
        ({"paths": ["^/a/"]}, {"paths": ["^/a/"]}, "route one has the same conditions as route other"),
    ],
    ids=str,
)
def test_expressions_that_need_a_priority(one: Written, other: Written, message: str | None) -> None:
    """If one of two routes would never be used, or a request may be for both. A priority of one decides."""
    rules = ListenerRules()
    rules.add([Rule("other", match_of(other), None)])

    if message is None:
        rules.validate([Rule("one", match_of(one), None)])
        return
    with pytest.raises(ValueError, match=message):
        rules.validate([Rule("one", match_of(one), None)])
    if "same conditions" not in message:
        rules.validate([Rule("one", match_of(one), 7)])


PIECES = ("/a", "/a/*", "/a/?", "/a/*b", "^/a/[ab]$", "^/a/[ab]+", "^/a/(?:a|b)$", "^/[ab]/.*b$", "^/a/.*", "^/.*/b?$")


def test_no_accepted_route_is_shadowed() -> None:
    """Each of two accepted routes answers some request."""
    matches = {each: match_of({"paths": [each]}) for each in PIECES}
    answered = {each: {f"/{text}" for text in TEXTS if wildcards_match(each, f"/{text}")} for each in PIECES}
    for one, other in product(PIECES, PIECES):
        rules = ListenerRules()
        rules.add([Rule("other", matches[other], None)])
        try:
            rules.validate([Rule("one", matches[one], None)])
        except ValueError:
            continue
        first, second = sorted((one, other), key=lambda each: (matches[each].rank, matches[each].breadth))
        assert answered[second] - answered[first], (one, other)


def test_priorities_stay_from_release_to_release() -> None:
    """A new version of this library must not change a deployed rule, so these must never change."""
    assert [
        priority_of(match_of(each))
        for each in (
            {"paths": ["^/users/[0-9]+$"]},
            {"paths": ["^/users/"]},
            {"paths": ["^/[a-z]{2}(-[A-Z]{2})?/login"]},
            {"hosts": ["^pr-[0-9]+[.]example[.]com$"]},
            {"hosts": ["^pr-[0-9]+[.]example[.]com$"], "paths": ["^/a/b?$"], "methods": ["GET"]},
        )
    ] == [39474, 39549, 47901, 22740, 22738]
