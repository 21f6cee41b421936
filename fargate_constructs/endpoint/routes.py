"""Which service answers which request.

```
caller ──> HttpEndpoint ──> [route] ──> service
```
"""

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Protocol

from aws_cdk import Token
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from fargate_constructs.sequences import validate_list

# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html
MAX_VALUES_PER_RULE = 5
MAX_WILDCARDS_PER_RULE = 6
MAX_PATTERN_LENGTH = 128

# A rule's priority is 1 to 50,000, the lowest number being tried first
# (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-rules.html). Routes have even numbers;
# the odd one before each is for a rule of the service's own (a deployment's test traffic).
MAX_PRIORITY = 50_000
# Routes of one rank may come in any order, and each takes one of the rank's numbers. How many a rank has, by kind of
# host: there are many hosts without a path, and many paths without a host.
NAMED_HOST, HOST_PATTERN, ANY_HOST = range(3)
NUMBERS_WITH_PATH = {NAMED_HOST: 70, HOST_PATTERN: 35, ANY_HOST: 140}
NUMBERS_WITHOUT_PATH = {NAMED_HOST: 8000, HOST_PATTERN: 20, ANY_HOST: 20}
# Literal beginnings up to this long are told apart, of hosts and of paths.
LONGEST_RANKED = 30
PATH_RANKS = 2 * (LONGEST_RANKED + 2)
HOST_RANKS = {NAMED_HOST: 1, HOST_PATTERN: LONGEST_RANKED + 1, ANY_HOST: 1}


class RouteTarget(Protocol):
    """What an endpoint needs of a service. `FargateService` is one."""

    def add_listener_rule(
        self,
        id: str,
        *,
        listener: elbv2.IApplicationListener,
        priority: int,
        conditions: Sequence[elbv2.ListenerCondition],
    ) -> elbv2.ApplicationListenerRule:
        """Answer the listener's requests that meet all *conditions*; the number before *priority* is free as well."""


def priority_of(hosts: Sequence[str], paths: Sequence[str]) -> int:
    """Return the number that puts a route before every less specific one.

    A named host comes before a host pattern, the longer before the shorter pattern, and a pattern before any host.
    Among those, a route with paths comes before one without; the path with the longer literal beginning before the
    shorter; of equal beginnings, the one that goes on after its wildcard before the one that does not; and an exact
    path before a pattern. A route with several paths ranks as its least specific one does. The number depends on
    *hosts* and *paths* alone, so that adding or removing a route never changes another's.
    """
    kind = ANY_HOST if not hosts else HOST_PATTERN if any(map(_has_wildcard, hosts)) else NAMED_HOST
    first = sum(
        PATH_RANKS * NUMBERS_WITH_PATH[before] + HOST_RANKS[before] * NUMBERS_WITHOUT_PATH[before]
        for before in range(kind)
    )
    if paths:
        rank, size = PATH_RANKS - 1 - min(map(_path_rank, paths)), NUMBERS_WITH_PATH[kind]
    else:
        first += PATH_RANKS * NUMBERS_WITH_PATH[kind]
        rank, size = HOST_RANKS[kind] - 1 - min(map(_host_rank, hosts), default=0), NUMBERS_WITHOUT_PATH[kind]
    claim = json.dumps([sorted(hosts), sorted(paths)])
    spread = int.from_bytes(hashlib.sha256(claim.encode()).digest()[:8]) % size
    return 2 * (first + rank * size + spread + 1)


def conditions_of(hosts: Sequence[str], paths: Sequence[str]) -> list[elbv2.ListenerCondition]:
    """Return the listener rule's conditions; a route without any claims every path."""
    conditions = []
    if hosts:
        conditions.append(elbv2.ListenerCondition.host_headers(list(hosts)))
    if paths or not hosts:
        conditions.append(elbv2.ListenerCondition.path_patterns(list(paths) or ["/*"]))
    return conditions


def validate_route(hosts: Sequence[str], paths: Sequence[str]) -> None:
    """Refuse what the load balancer would refuse, and what could never match.

    Raises:
        TypeError: If one pattern is given instead of a list.
        ValueError: If a host or path is malformed, or there are more values or wildcards than one rule may hold.
    """
    for name, values in (("hosts", hosts), ("paths", paths)):
        validate_list(name, values)
    values = [*hosts, *paths]
    if len(values) > MAX_VALUES_PER_RULE:
        raise ValueError(
            f"hosts and paths of one route may hold {MAX_VALUES_PER_RULE} values together, got: {len(values)}; "
            "add a second route to the same service",
        )
    wildcards = sum(value.count("*") + value.count("?") for value in values)
    if wildcards > MAX_WILDCARDS_PER_RULE:
        raise ValueError(f"a route may hold {MAX_WILDCARDS_PER_RULE} wildcards (* and ?), got: {wildcards} in {values}")
    for host in hosts:
        _validate_host(host)
    for path in paths:
        _validate_path(path)


def validate_known(hosts: Sequence[str], paths: Sequence[str]) -> None:
    """Refuse what is only known when deployed: no rank can be told from it.

    Raises:
        ValueError: If a host or path is a token.
    """
    if any(map(Token.is_unresolved, [*hosts, *paths])):
        raise ValueError("a host or path known only when deployed has no rank among the routes: set priority")


def validate_priority(priority: int) -> None:
    """Refuse a number that no listener rule can have."""
    if not 1 <= priority <= MAX_PRIORITY:
        raise ValueError(f"priority must be 1 to {MAX_PRIORITY}, got: {priority}")


def _validate_host(host: str) -> None:
    if Token.is_unresolved(host):
        return
    if "/" in host or ":" in host or not 0 < len(host) <= MAX_PATTERN_LENGTH:
        raise ValueError(
            f"hosts must hold bare host names or patterns such as 'api.example.com' or '*.example.com', got: {host!r}",
        )


def _validate_path(path: str) -> None:
    if Token.is_unresolved(path):
        return
    if not path.startswith(("/", "*")) or "#" in path or len(path) > MAX_PATTERN_LENGTH:
        raise ValueError(
            f"paths must hold patterns of at most {MAX_PATTERN_LENGTH} characters that start with '/', "
            f"such as '/api/*', got: {path!r}",
        )


def _has_wildcard(pattern: str) -> bool:
    return "*" in pattern or "?" in pattern


def _path_rank(path: str) -> int:
    """Return how specific a path is: first by its literal beginning, then by whether it goes on after a wildcard."""
    literal, *rest = re.split(r"[*?]", path, maxsplit=1)
    if not rest:  # an exact path is more specific than any pattern that begins the same
        return 2 * min(len(literal) + 1, LONGEST_RANKED + 1)
    return 2 * min(len(literal), LONGEST_RANKED) + bool(rest[0].strip("*"))


def _host_rank(host: str) -> int:
    """Return how specific a host pattern is: by its length; named hosts exclude each other, in any order."""
    return min(len(host), LONGEST_RANKED) if _has_wildcard(host) else 0
