"""What a route may ask of a request."""

import re
from typing import Any

import pytest
from aws_cdk import App, Fn, Stack

from fargate_constructs.endpoint.conditions import Conditions


def rendered(**conditions: Any) -> list[Any]:  # noqa: ANN401  # what Conditions takes
    """Return the conditions as a template has them."""
    stack = Stack(App(), "Test")
    return [stack.resolve(each.render_raw_condition()) for each in Conditions(**conditions).render()]


def test_each_kind_is_the_listener_rules_own() -> None:
    """Names and nesting are what CloudFormation takes."""
    assert rendered(
        hosts=["a.example.com"],
        paths=["/a/*"],
        headers={"X-Version": ["1", "2"], "X-Beta": ["*"]},
        methods=["GET", "M-SEARCH"],
        query={"version": ["1", "2"]},
        source_ips=["192.0.2.0/24", "2001:db8::/32"],
    ) == [
        {"field": "host-header", "hostHeaderConfig": {"values": ["a.example.com"]}},
        {"field": "path-pattern", "pathPatternConfig": {"values": ["/a/*"]}},
        {"field": "http-header", "httpHeaderConfig": {"httpHeaderName": "X-Version", "values": ["1", "2"]}},
        {"field": "http-header", "httpHeaderConfig": {"httpHeaderName": "X-Beta", "values": ["*"]}},
        {"field": "http-request-method", "httpRequestMethodConfig": {"values": ["GET", "M-SEARCH"]}},
        {
            "field": "query-string",
            "queryStringConfig": {"values": [{"key": "version", "value": "1"}, {"key": "version", "value": "2"}]},
        },
        {"field": "source-ip", "sourceIpConfig": {"values": ["192.0.2.0/24", "2001:db8::/32"]}},
    ]


def test_a_route_without_conditions_claims_every_path() -> None:
    """A listener rule must have a condition; one with any other needs no more."""
    assert rendered() == [{"field": "path-pattern", "pathPatternConfig": {"values": ["/*"]}}]
    assert len(rendered(methods=["GET"])) == 1


@pytest.mark.parametrize(
    "conditions",
    [
        {"hosts": ["example.com", "*.example.com", "xn--bcher-kva.example", "*.example.xn--p1ai", "A?.b.c-d.EXAMPLE"]},
        {"paths": ["/", "*.png", "/a_b-c.d$/~'\"@:+&", "?x", "/" + "a" * 127]},
        {"headers": {"X-Any-Thing-1": ["*Chrome*", "a b;q=0.9, c", "x" * 128]}},
        {"query": {"a[b]": ["%20*", "é".encode().hex(), "1"]}},
        {"source_ips": ["192.0.2.7/32", "10.0.0.0/8", "::1/128"]},
        {"methods": ["GET", "CUSTOM-METHOD"]},
        {"hosts": ["*.a.example"], "paths": ["/*/*", "/a/*/b/*"]},
    ],
    ids=["hosts", "paths", "headers", "query", "source_ips", "methods", "five wildcards"],
)
def test_what_a_rule_can_hold_passes(conditions: dict[str, Any]) -> None:
    """Up to the limits of the load balancer."""
    Conditions(**conditions).validate()


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({"paths": ["api/*"]}, "_-.$/~\"'@:+& as they are sent, without '?query', got: 'api/*'"),
        ({"paths": ["/a#b"]}, "got: '/a#b'"),
        ({"paths": ["/a b"]}, "got: '/a b'"),
        ({"paths": ["/a?b=c"]}, "got: '/a?b=c'"),
        ({"paths": ["/{id}"]}, "got: '/{id}'"),
        ({"paths": ["/" + "a" * 128]}, "paths must be at most 128 characters each, got 129: '/aaa"),
        ({"paths": [""]}, "got: ''"),
        ({"hosts": ["https://example.com"]}, "hosts must hold bare host names or patterns such as '*.example.com'"),
        ({"hosts": ["example.com/api"]}, "got: 'example.com/api'"),
        ({"hosts": ["example.com:8080"]}, "got: 'example.com:8080'"),
        ({"hosts": [""]}, "got: ''"),
        ({"hosts": ["localhost"]}, "got: 'localhost'"),
        ({"hosts": ["192.0.2.7"]}, "got: '192.0.2.7'"),
        ({"hosts": ["shop.*"]}, "got: 'shop.*'"),
        ({"hosts": ["a" * 125 + ".com"]}, "hosts must be at most 128 characters each, got 129: 'aaa"),
        ({"methods": ["get"]}, "methods must be capital letters, such as 'GET', got: 'get'"),
        ({"headers": {"x version": ["1"]}}, "headers must have names of at most 40 letters, digits and hyphens, got: "),
        ({"headers": {"x" * 41: ["1"]}}, "got: 'xxx"),
        ({"headers": {"x_y": ["1"]}}, "got: 'x_y'"),
        ({"headers": {"Host": ["a.b"]}}, "headers must not hold the host, got: {'Host': ['a.b']}; write hosts=[...]"),
        ({"headers": {"x": [""]}}, "headers must have values of at most 128 visible characters, none of them a backsl"),
        ({"headers": {"x": ["a\\*"]}}, r"got: 'a\\*'"),
        ({"headers": {"x": ["a" * 129]}}, "got: 'aaa"),
        ({"headers": {"x": [" a"]}}, "got: ' a'"),
        ({"headers": {"x": []}}, "headers must have a value for each name, got none for 'x'; '*' means any value"),
        ({"headers": {"x": ["1"], "X": ["2"]}}, "headers must differ in more than the case of letters, got: ['x'"),
        ({"query": {"v*": ["1"]}}, "query must have keys of at most 128 visible characters, none of them a"),
        ({"query": {"v": ["ü"]}}, "query must have values of at most 128 visible characters"),
        ({"source_ips": ["192.0.2.7"]}, "source_ips must hold CIDR blocks such as '192.0.2.7/32', got: '192.0.2.7'"),
        ({"source_ips": ["192.0.2.7/24"]}, "source_ips must hold CIDR blocks such as '192.0.2.0/24', got:"),
        ({"source_ips": ["office"]}, "got: 'office' does not appear to be"),
        ({"source_ips": ["0.0.0.0/0"]}, "must not hold every address, got: ['0.0.0.0/0']; leave source_ips out"),
        ({"source_ips": ["::/1", "8000::/1"]}, "source_ips must not hold every address"),
        (
            {
                "hosts": ["a.b"],
                "paths": ["/a", "/b"],
                "methods": ["GET"],
                "headers": {"x": ["1"]},
                "query": {"y": ["1"]},
            },
            "5 values, hosts, paths and all others together, got: 6; make two routes, each with some of the paths",
        ),
        ({"source_ips": [f"192.0.2.{each}" for each in range(6)]}, "two routes, each with some of the source_ips"),
        ({"paths": ["/*/*/*", "/*/*/*/*"]}, "a rule holds 5 wildcards (* and ?), got: 7 in ['/*/*/*', '/*/*/*/*']"),
        ({"paths": ["/??"], "headers": {"x": ["*a*"]}, "query": {"y": ["*a*"]}}, "got: 6 in"),
    ],
    ids=lambda value: None if isinstance(value, str) else str(value)[:60],
)
def test_what_a_rule_cannot_hold_is_refused(conditions: dict[str, Any], message: str) -> None:
    """The message says what was given and what to change."""
    with pytest.raises(ValueError, match=re.escape(message)):
        Conditions(**conditions).validate()


def test_what_is_unknown_at_synth_passes() -> None:
    """A token cannot be checked, only counted."""
    token = Fn.ref("Parameter")
    conditions = Conditions(hosts=[token], paths=[token], headers={token: [token]}, source_ips=[token])

    conditions.validate()
    assert not conditions.is_known
    assert Conditions(hosts=["a.b"]).is_known
