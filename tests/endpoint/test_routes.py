"""Which service answers which request."""

import fnmatch
import re

import pytest
from aws_cdk import Fn
from hypothesis import given
from hypothesis import strategies as st

from fargate_constructs.endpoint.routes import MAX_PRIORITY, priority_of, validate_priority, validate_route

SEGMENTS = st.lists(st.sampled_from(["api", "v1", "v2", "shop", "images"]), max_size=5)
PATTERNS = st.builds(lambda segments, end: "/" + "/".join(segments) + end, SEGMENTS, st.sampled_from(["", "/*", "*"]))
HOSTS = st.sampled_from([[], ["*.example.com"], ["shop.example.com"]])


@given(HOSTS, st.lists(PATTERNS, max_size=5))
def test_every_route_has_a_number_that_aws_takes(hosts: list[str], paths: list[str]) -> None:
    """A listener rule's priority is 1 to 50,000."""
    assert 1 <= priority_of(hosts, paths) <= MAX_PRIORITY


@given(HOSTS, PATTERNS, PATTERNS)
def test_the_more_specific_path_comes_first(hosts: list[str], one: str, other: str) -> None:
    """Of two patterns of which one claims all that the other does, the narrower is tried first."""
    if one != other and fnmatch.fnmatchcase(one, other) and len(one) > len(other):
        assert priority_of(hosts, [one]) < priority_of(hosts, [other])


@given(PATTERNS, PATTERNS)
def test_a_named_host_comes_before_a_pattern_before_any(one: str, other: str) -> None:
    """The host decides before the path does."""
    named, pattern, any_host = (
        priority_of(hosts, [path]) for hosts, path in ((["a.b"], one), (["*.b"], other), ([], one))
    )

    assert named < pattern < any_host


@given(st.permutations(["/a/*", "/b/*", "/c"]))
def test_the_order_of_paths_does_not_matter(paths: list[str]) -> None:
    """The same claim has the same number, however it is written down."""
    assert priority_of([], paths) == priority_of([], ["/a/*", "/b/*", "/c"])


@pytest.mark.parametrize(
    ("specific", "general"),
    [
        ("*.png", None),
        ("*/health", None),
        ("/api/*/admin", "/api/*"),
        ("/v1/?/x", "/v1/*"),
        ("/api/", "/api/*"),
        ("/api", "/api*"),
        ("/api/v1/*", "/api/*"),
    ],
)
def test_what_a_general_path_would_hide_comes_before_it(specific: str, general: str | None) -> None:
    """Whatever the hash of either says."""
    for hosts in ([], ["*.example.com"], ["shop.example.com"]):
        assert priority_of(hosts, [specific]) < priority_of(hosts, [general] if general else [])


def test_the_longer_host_pattern_comes_first() -> None:
    """A pattern within another's domain is tried before it."""
    assert priority_of(["*.api.example.com"], []) < priority_of(["*.example.com"], [])


def test_many_hosts_of_their_own_rarely_clash() -> None:
    """Of fourteen tenants no two get the same number."""
    tenants = [priority_of([f"tenant{number}.example.com"], []) for number in range(14)]

    assert len(set(tenants)) == len(tenants)


def test_a_catch_all_comes_last() -> None:
    """A route without hosts and paths is behind every route that has some."""
    assert priority_of([], []) > priority_of([], ["/*"]) > priority_of([], ["/a*"])


@pytest.mark.parametrize(
    ("hosts", "paths", "message"),
    [
        ([], ["api/*"], "that start with '/', such as '/api/*', got: 'api/*'"),
        ([], ["/a#b"], "got: '/a#b'"),
        ([], ["/" + "a" * 128], "at most 128 characters"),
        (["https://example.com"], [], "bare host names or patterns such as 'api.example.com'"),
        (["example.com/api"], [], "got: 'example.com/api'"),
        ([""], [], "got: ''"),
        (["a.b"] * 3, ["/a"] * 3, "may hold 5 values together, got: 6; add a second route"),
        ([], ["/*/*/*", "/*/*/*/*"], "may hold 6 wildcards (* and ?), got: 7"),
    ],
)
def test_what_a_rule_cannot_hold_is_refused(hosts: list[str], paths: list[str], message: str) -> None:
    """The message says what was given and what to change."""
    with pytest.raises(ValueError, match=re.escape(message)):
        validate_route(hosts, paths)


def test_what_is_unknown_at_synth_passes() -> None:
    """A token cannot be checked."""
    token = Fn.ref("Parameter")

    validate_route([token], [token])


def test_a_string_instead_of_a_list_is_refused() -> None:
    """A string would be taken for a list of characters."""
    with pytest.raises(TypeError, match=re.escape("paths must be a list, got: '/api/*'; write paths=['/api/*']")):
        validate_route([], "/api/*")


@pytest.mark.parametrize("priority", [0, 50_001])
def test_a_number_that_aws_refuses_is_refused(priority: int) -> None:
    """Before the deployment would be."""
    with pytest.raises(ValueError, match=f"priority must be 1 to 50000, got: {priority}"):
        validate_priority(priority)
