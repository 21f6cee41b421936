"""Lists whose length is known at synth, and each of whose values is what it should be."""

from collections.abc import Sequence
from ipaddress import IPv4Address

from fargate_constructs.known import is_dummy, is_known, is_list_token, may_start_with

# How many values the conditions of a listener rule have together
# (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html).
MAX_VALUES_PER_RULE = 5


def validate_list(name: str, values: Sequence[str]) -> None:
    """Refuse a list that only the deployment knows; values that only it knows pass.

    Raises:
        ValueError: With what to write instead.
    """
    if any(map(is_list_token, values)):
        raise ValueError(f"{name} must be a list of known length, got a token: write [Fn.select(0, ...), ...]")


def validate_distinct(name: str, values: Sequence[str]) -> None:
    """Refuse a list that has a value twice; those of look-ups tell nothing yet.

    Raises:
        ValueError: With the list.
    """
    values = [value for value in values if not is_dummy(value)]
    if len(set(values)) < len(values):
        raise ValueError(f"{name} must differ from each other, got: {list(values)}")


def validate_allocation_ids(name: str, allocation_ids: Sequence[str]) -> None:
    """Refuse what are not the IDs of Elastic IPs, each of them once.

    Raises:
        ValueError: With the one that is none, or the list.
    """
    validate_list(name, allocation_ids)
    for allocation_id in allocation_ids:
        if not may_start_with("eipalloc-", allocation_id):
            raise ValueError(f"{name} must hold IDs such as 'eipalloc-0123…', got: {allocation_id!r}")
    validate_distinct(name, allocation_ids)


def validate_ips(name: str, ips: Sequence[str]) -> None:
    """Refuse what are no IPv4 addresses.

    Raises:
        ValueError: With the one that is none.
    """
    validate_list(name, ips)
    for ip in ips:
        try:
            if is_known(ip):
                IPv4Address(ip)
        except ValueError as error:
            raise ValueError(f"{name} must hold IPv4 addresses such as '203.0.113.7', got: {ip!r}") from error
