"""What a route asks of a request: the conditions of one listener rule."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from hashlib import sha256
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from typing import Any

from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from fargate_constructs._core.arguments import forward
from fargate_constructs._core.unresolved import is_dummy, is_known, is_unresolved, may_match, min_length
from fargate_constructs._core.validation import (
    CONDITION_VALUE,
    CONDITION_VALUE_LIMITS,
    HEADER_NAME,
    HEADER_NAME_LIMITS,
    MAX_VALUES_PER_RULE,
    validate_list,
)
from fargate_constructs.endpoint.regular_expressions import RegexCondition, has_regex, validate_regexes

# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html; old accounts may have
# one wildcard more (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html).
MAX_WILDCARDS_PER_RULE = 5
# https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RuleCondition.html, and for methods
# API_HttpRequestMethodConditionConfig.html beside it.
MAX_LENGTH = 128
HOST = re.compile(r"[A-Za-z0-9.*?-]*\.(?:[A-Za-z]+|xn--[A-Za-z0-9-]+)")
PATH = re.compile(r"""[/*?][A-Za-z0-9_.$/~"'@:+&*?-]*""")
FORMATS = {
    "hosts": (HOST, "hosts must hold bare host names or patterns such as '*.example.com'"),
    "paths": (
        PATH,
        (
            "paths must hold patterns that start with '/', such as '/api/*', of letters, digits and "
            "_-.$/~\"'@:+& as they are sent, without '?query'"
        ),
    ),
}
METHOD = re.compile(r"[A-Z_-]{1,40}")
KEY = re.compile(rf"(?![^*?]*[*?]){CONDITION_VALUE.pattern}")

Values = Mapping[str, Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """The conditions of a route. A request must meet each condition, by one of its values.

    `HttpEndpoint.add_route` documents the fields and checks their types.
    """

    hosts: Sequence[str] = ()
    paths: Sequence[str] = ()
    headers: Values = field(default_factory=dict)
    methods: Sequence[str] = ()
    query: Values = field(default_factory=dict)
    source_ips: Sequence[str] = ()

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "Conditions":
        """Return the conditions among the arguments of a route; refuse what a rule cannot hold."""
        conditions = cls(**forward(cls, {**given, "headers": given["headers"] or {}, "query": given["query"] or {}}))
        conditions.validate()
        return conditions

    def validate(self) -> None:
        """Refuse malformed values, and more values or wildcards than one rule may hold."""
        lists = {"hosts": self.hosts, "paths": self.paths, "methods": self.methods, "source_ips": self.source_ips}
        for name, values in {**lists, "headers": _values_of(self.headers), "query": _values_of(self.query)}.items():
            validate_list(name, values)
        _validate_mapping("headers", self.headers)
        _validate_mapping("query", self.query)
        _validate_size(self)
        for name, patterns in (("hosts", self.hosts), ("paths", self.paths)):
            _validate_length(name, patterns)
            if has_regex(patterns):
                validate_regexes(name, patterns, max_length=MAX_LENGTH)
            else:
                _validate_format(patterns, *FORMATS[name])
        _validate_format(self.headers, HEADER_NAME, f"headers must have names {HEADER_NAME_LIMITS}")
        _validate_format(self.methods, METHOD, "methods must be capital letters, such as 'GET'")
        _validate_format(self.query, KEY, f"query must have keys {CONDITION_VALUE_LIMITS} or a wildcard")
        for name, conditions in (("headers", self.headers), ("query", self.query)):
            _validate_format(
                _values_of(conditions), CONDITION_VALUE, f"{name} must have values {CONDITION_VALUE_LIMITS}"
            )
        if "host" in map(str.lower, self.headers):
            raise ValueError(f"headers must not hold the host, got: {dict(self.headers)}; write hosts=[...]")
        _validate_networks(self.source_ips)

    @cached_property
    def is_known(self) -> bool:
        """Whether each value is known at synthesis."""
        return not is_unresolved(" ".join([*self.headers, *self.query, *self.values()]))

    def values(self) -> Iterator[str]:
        """Yield every value that counts against the quota of a rule."""
        yield from (*self.hosts, *self.paths, *self.methods, *self.source_ips)
        yield from _values_of(self.headers)
        yield from _values_of(self.query)

    def networks(self) -> Sequence[IPv4Network | IPv6Network]:
        """Return the fewest networks that hold all of *source_ips*."""
        return _collapsed(self.source_ips)

    def with_test_header(self, name: str, value: str) -> "Conditions":
        """Return these conditions and one on the header of the deployment's test traffic."""
        if name.lower() in map(str.lower, self.headers):
            raise ValueError(f"headers must not hold the deployment's test header, got: {name!r}; leave it out")
        return replace(self, headers={**self.headers, name: [value]})

    def render(self) -> list[elbv2.ListenerCondition]:
        """Return the listener rule's conditions. A rule needs at least one, so a route without any asks for `/*`."""
        of = elbv2.ListenerCondition
        rendered: list[elbv2.ListenerCondition] = []
        if self.hosts:
            make = partial(RegexCondition, "host-header") if has_regex(self.hosts) else of.host_headers
            rendered.append(make(list(self.hosts)))
        if self.paths:
            make = partial(RegexCondition, "path-pattern") if has_regex(self.paths) else of.path_patterns
            rendered.append(make(list(self.paths)))
        rendered += [of.http_header(name, list(values)) for name, values in self.headers.items()]
        if self.methods:
            rendered.append(of.http_request_methods(list(self.methods)))
        rendered += [
            of.query_strings([elbv2.QueryStringCondition(key=key, value=value) for value in values])
            for key, values in self.query.items()
        ]
        if self.source_ips:
            rendered.append(of.source_ips(list(self.source_ips)))
        return rendered or [of.path_patterns(["/*"])]


def _values_of(conditions: Values) -> list[str]:
    return [value for values in conditions.values() for value in values]


def _validate_mapping(name: str, conditions: Values) -> None:
    for key, values in conditions.items():
        if not values:
            raise ValueError(f"{name} must have a value for each name, got none for {key!r}; '*' means any value")
    if len({key.lower() for key in conditions}) < len(conditions):
        raise ValueError(f"{name} must differ in more than the case of letters, got: {list(conditions)}")


def _validate_size(conditions: Conditions) -> None:
    values = list(conditions.values())
    if len(values) > MAX_VALUES_PER_RULE:
        longest = max(("hosts", "paths", "methods", "source_ips"), key=lambda name: len(getattr(conditions, name)))
        raise ValueError(
            f"a rule holds {MAX_VALUES_PER_RULE} values, hosts, paths and all others together, got: {len(values)}; "
            f"make two routes, each with some of the {longest}",
        )
    expressions = [*filter(has_regex, (conditions.hosts, conditions.paths))]
    values = [value for value in values if not any(value in each for each in expressions)]
    wildcards = sum(value.count("*") + value.count("?") for value in values)
    if wildcards > MAX_WILDCARDS_PER_RULE:
        raise ValueError(
            f"a rule holds {MAX_WILDCARDS_PER_RULE} wildcards (* and ?), got: {wildcards} in {values}; "
            "add a second route to the same service, each with some of them",
        )


def _validate_length(name: str, patterns: Sequence[str]) -> None:
    for pattern in patterns:
        length = min_length(pattern)
        if length > MAX_LENGTH:
            raise ValueError(f"{name} must be at most {MAX_LENGTH} characters each, got {length}: {pattern!r}")


def _validate_format(values: Iterable[str], allowed: re.Pattern[str], expectation: str) -> None:
    for value in values:
        if not may_match(allowed, value):
            raise ValueError(f"{expectation}, got: {value!r}")


def _validate_networks(source_ips: Sequence[str]) -> None:
    known = [block for block in source_ips if is_known(block)]
    for block in known:
        try:
            ip_network(block)
        except ValueError as error:
            raise ValueError(f"source_ips must hold CIDR blocks such as '192.0.2.0/24', got: {error}") from error
        if "/" not in block:
            raise ValueError(f"source_ips must hold CIDR blocks such as '192.0.2.7/32', got: {block!r}")
    if any(network.prefixlen == 0 for network in _collapsed(known)):
        raise ValueError(f"source_ips must not hold every address, got: {list(source_ips)}; leave source_ips out")


def _placeholder(dummy: str) -> IPv6Network:
    """Return an address for a block that the CLI has yet to look up. It differs from block to block, as routes must."""
    return IPv6Network(int.from_bytes(sha256(dummy.encode()).digest()[:16]))


def _collapsed(blocks: Sequence[str]) -> list[IPv4Network | IPv6Network]:
    networks = [_placeholder(block) if is_dummy(block) else ip_network(block) for block in blocks]
    return [
        *collapse_addresses(network for network in networks if isinstance(network, IPv4Network)),
        *collapse_addresses(network for network in networks if isinstance(network, IPv6Network)),
    ]
