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
# (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-rules.html).
# 3 kinds of host x 66 path lengths x 126 numbers for routes of the same rank, each with the odd number before it for a
# rule of the service's own (a deployment's test traffic), make 49,896 of them.
LONGEST_RANKED_PATH = 65
NUMBERS_PER_RANK = 126
MAX_PRIORITY = 50_000


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

    A named host comes before a host pattern, a host pattern before any host. Among those, the route whose shortest
    path has the longest literal start comes first, and an exact path before a pattern with the same start. The
    number depends on *hosts* and *paths* alone, so that adding or removing a route never changes another's.
    """
    host_rank = 2 if not hosts else 1 if any(map(_has_wildcard, hosts)) else 0
    path_length = min(map(_literal_length, paths), default=0)
    rank = host_rank * (LONGEST_RANKED_PATH + 1) + LONGEST_RANKED_PATH - min(path_length, LONGEST_RANKED_PATH)
    claim = json.dumps([sorted(hosts), sorted(paths)])
    spread = int.from_bytes(hashlib.sha256(claim.encode()).digest()[:8]) % NUMBERS_PER_RANK
    return 2 * (rank * NUMBERS_PER_RANK + spread + 1)


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


def _literal_length(path: str) -> int:
    """Return how much of the path is fixed; an exact path counts one more than a pattern that starts the same."""
    literal = len(re.split(r"[*?]", path, maxsplit=1)[0])
    return literal + (literal == len(path))
