"""Checks of numbers, times, lists and headers; tokens pass."""

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_network

from aws_cdk import Duration

from fargate_constructs._core.asked_once import asked_once
from fargate_constructs._core.unresolved import (
    is_dummy,
    is_known,
    is_list_token,
    is_unresolved,
    may_match,
    may_start_with,
)


def validate_range(name: str, value: float | None, low: float, high: float | None = None, *, unit: str = "") -> None:
    """Refuse a number outside its limits; `None` and tokens pass."""
    if value is None or (low <= value and (high is None or value <= high)) or is_unresolved(value):
        return
    limits = f"at least {low:.15g}" if high is None else f"{low:.15g} to {high:.15g}"
    raise ValueError(f"{name} must be {limits}{unit}, got: {value:.15g}")


def validate_known_range(name: str, value: float, low: float, high: float) -> None:
    """Refuse a number outside its limits, or a token."""
    if is_unresolved(value):
        raise ValueError(
            f"{name} must be {low:.15g} to {high:.15g} and known at synthesis, got a token: write a number"
        )
    validate_range(name, value, low, high)


def validate_seconds(name: str, duration: Duration | None, low: float, high: float | None = None) -> None:
    """Refuse a time outside its limits in seconds, or that is not whole seconds."""
    seconds = None if duration is None else seconds_of(duration)
    if duration is None or seconds is None:
        return
    if seconds % 1:
        raise ValueError(f"{name} must be whole seconds, got: {duration.to_human_string()}")
    validate_range(name, seconds, low, high, unit=" seconds")


@asked_once
def seconds_of(duration: Duration) -> float | None:
    """Return a time in seconds, `None` for a token."""
    try:  # instead of asking first
        milliseconds = duration.to_milliseconds(integral=False)
    except RuntimeError:  # a token of another unit
        return None
    return None if is_unresolved(milliseconds) else milliseconds / 1000


# The maximum of values in all conditions of a listener rule
# (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html).
MAX_VALUES_PER_RULE = 5


def validate_list(name: str, values: Sequence[str]) -> None:
    """Refuse a list that is a token; values that are tokens pass."""
    if any(map(is_list_token, values)):
        raise ValueError(f"{name} must be a list of known length, got a token: write [Fn.select(0, ...), ...]")


def validate_distinct(name: str, values: Sequence[str]) -> None:
    """Refuse a list that has a value twice; dummies of look-ups pass."""
    values = [value for value in values if not is_dummy(value)]
    if len(set(values)) < len(values):
        raise ValueError(f"{name} must differ from each other, got: {list(values)}")


def validate_allocation_ids(name: str, allocation_ids: Sequence[str]) -> None:
    """Refuse values that are not allocation IDs of Elastic IPs, or that occur twice."""
    validate_list(name, allocation_ids)
    for allocation_id in allocation_ids:
        if not may_start_with("eipalloc-", allocation_id):
            raise ValueError(f"{name} must hold IDs such as 'eipalloc-0123…', got: {allocation_id!r}")
    validate_distinct(name, allocation_ids)


def validate_ips(name: str, ips: Sequence[str]) -> None:
    """Refuse values that are not IPv4 addresses."""
    validate_list(name, ips)
    for ip in ips:
        try:
            if is_known(ip):
                IPv4Address(ip)
        except ValueError as error:
            raise ValueError(f"{name} must hold IPv4 addresses such as '203.0.113.7', got: {ip!r}") from error


def parse_range(cidr: str) -> IPv4Network | IPv6Network:
    """Return a range of addresses, or refuse what AWS takes for none: it must have a mask, and no host bits."""
    if not cidr.partition("/")[2].isdigit():
        raise ValueError(f"it has no mask; one address ends in /{128 if ':' in cidr else 32}")
    network = ip_network(cidr)
    if isinstance(network, IPv6Network):
        first = network.network_address
        if first.scope_id or first.ipv4_mapped:
            raise ValueError("no address on the internet is like this")
    return network


def validate_ipv6_cidrs(name: str, cidrs: Sequence[str]) -> None:
    """Refuse values that are not IPv6 ranges."""
    validate_list(name, cidrs)
    for cidr in cidrs:
        try:
            if is_known(cidr) and not IPv6Network(parse_range(cidr)).prefixlen:
                raise ValueError("tasks leave from the ranges of their subnets")  # noqa: TRY301 - one text for all
        except ValueError as error:
            raise ValueError(
                f"{name} must hold IPv6 ranges such as '2001:db8::/64', got: {cidr!r} ({error})"
            ) from error


# https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_HttpHeaderConditionConfig.html. The load
# balancer drops headers with other names (routing.http.drop_invalid_header_fields).
HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,40}")
# Visible ASCII, with spaces inside. The priority of an escaped wildcard (\*) is not defined.
CONDITION_VALUE = re.compile(r"(?=.{1,128}$)[!-\[\]-~](?:[ -\[\]-~]*[!-\[\]-~])?")
HEADER_NAME_LIMITS = "of at most 40 letters, digits and hyphens"
CONDITION_VALUE_LIMITS = "of at most 128 visible characters, none of them a backslash"


def validate_header(parameter: str, name: str, value: str) -> None:
    """Refuse a header that no listener rule can check."""
    if not may_match(HEADER_NAME, name):
        raise ValueError(f"{parameter} must have a name {HEADER_NAME_LIMITS}, got: {name!r}")
    if name.lower() == "host":
        raise ValueError(f"{parameter} cannot be the host, got: {name!r}; take a header of your own, such as x-version")
    if not may_match(CONDITION_VALUE, value):
        raise ValueError(f"{parameter} must have a value {CONDITION_VALUE_LIMITS}, got: {value!r}")
