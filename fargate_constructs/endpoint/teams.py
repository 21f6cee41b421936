"""Which requests, priorities and quotas of a shared endpoint a team has."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256

from fargate_constructs._core.arguments import checked
from fargate_constructs._core.descriptions import shorten
from fargate_constructs._core.unresolved import is_known, is_unresolved, may_match
from fargate_constructs._core.validation import validate_distinct, validate_known_range, validate_list
from fargate_constructs.endpoint.conditions import Conditions
from fargate_constructs.endpoint.matching import RouteMatch
from fargate_constructs.endpoint.priorities import COMPUTED, Numbers

NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
# https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
PARAMETER = re.compile(r"/(?!(?i:aws|ssm))[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+){0,9}")
MAX_SHOWN = 100


@checked
@dataclass(frozen=True, kw_only=True)
class Team:
    """What a team has of a shared endpoint: its requests, its priorities and its quotas.

    `HttpEndpoint.share` takes the teams in the platform's app, and `HttpEndpoint.from_shared` takes one of them in the
    team's app. Both must be equal: else the team's deployment fails before it changes anything. docs/teams.md has both
    apps.

    ```python
    Team(name="payments", owns=["pay.example.com", "shop.example.com/payments/*"], priorities=(4000, 5999))
    ```

    Args:
        name: The team's name: lower case letters, digits and hyphens. An app that is deployed apart needs its own.
        owns: The requests of its routes, as hosts, paths, or a host with a path: `pay.example.com`, `/payments/*`,
            `shop.example.com/payments/*`. Hosts and paths are patterns, as those of routes. If a part of what one team
            owns belongs to another team, the other team needs the lower priorities.
        priorities: The first and the last priority of its listener rules, 2 to 49,000, such as `(4000, 5999)`. The
            load balancer tries the lowest first. The first one is for a maintenance page.
        max_rules: How many listener rules it may have, and target groups. By default 10. A load balancer takes 100.
        max_certificates: How many certificates it may add. By default 1. A load balancer takes 25.
        sign_in: Whether its routes may have `sign_in`, for which the load balancer must reach the internet. By default
            not.

    Raises:
        TypeError: If an argument has another type than its annotation.
        ValueError: If a value is malformed or known only when deployed, or if there are fewer priorities than rules.
    """

    name: str
    owns: Sequence[str]
    priorities: Sequence[int]
    max_rules: int = 10
    max_certificates: int = 1
    sign_in: bool = False

    def __post_init__(self) -> None:
        """Refuse what no listener has."""
        object.__setattr__(self, "owns", tuple(self.owns))
        object.__setattr__(self, "priorities", tuple(self.priorities))
        if not may_match(NAME, self.name) or is_unresolved(self.name):
            raise ValueError(
                "name must be lower case letters, digits and hyphens, at most 32 and a letter first, got: "
                f"{self.name!r}"
            )
        validate_list("owns", self.owns)
        if not self.owns:
            raise ValueError("owns must hold a host or a path, got: []; '/*' means each request")
        for value in self.owns:
            _validate_owned(value)
        validate_distinct("owns", self.owns)
        self._validate_numbers()

    def _validate_numbers(self) -> None:
        first, last = (*self.priorities, 0, 0)[:2]
        if len(self.priorities) != 2 or first >= last:  # noqa: PLR2004 - the first and the last
            raise ValueError(
                f"priorities must be the first and the last one, such as (4000, 5999), got: "
                f"{shorten(str(self.priorities), MAX_SHOWN)}"
            )
        for priority in self.priorities:
            validate_known_range("priorities", priority, COMPUTED[0], COMPUTED[-1])
        validate_known_range("max_rules", self.max_rules, 1, COMPUTED[-1])
        validate_known_range("max_certificates", self.max_certificates, 0, COMPUTED[-1])
        if self.max_rules > last - first:
            raise ValueError(
                f"priorities must hold max_rules and one for a maintenance page, got: {last - first + 1} for "
                f"{self.max_rules} rules; give more of them, for routes that get one by chance"
            )


@cache
def numbers_of(team: Team) -> Numbers:
    """Return the priorities of a team."""
    allowed = range(team.priorities[0], team.priorities[1] + 1)
    return Numbers(allowed, allowed[1:])


@cache
def owned_by(team: Team) -> Sequence[RouteMatch]:
    """Return what a team owns, in the order in which it is written."""
    return [RouteMatch.of(conditions_of(value)) for value in team.owns]


def digest_of(team: Team) -> str:
    """Return a name for the values of a team. A new argument of `Team` must not change it while it has its default."""
    owned = sorted(match.text for match in owned_by(team))
    values = [team.name, owned, *map(int, team.priorities), team.max_rules, team.max_certificates, team.sign_in]
    return sha256(json.dumps(values).encode()).hexdigest()[:12]


def conditions_of(value: str) -> Conditions:
    """Return the host and the path of a value of *owns*, such as `shop.example.com/api/*`."""
    host, slash, path = value.partition("/")
    return Conditions(hosts=[host] if host else [], paths=[f"/{path}"] if slash else [])


def validate_parameter_name(name: str) -> None:
    """Refuse the beginning of names of parameters that SSM does not take, or that is not the same in both apps."""
    if not is_known(name) or not PARAMETER.fullmatch(name):
        raise ValueError(
            "parameter_name must be a path such as '/platform/endpoint', which begins with neither '/aws' nor '/ssm', "
            f"got: {name!r}"
        )


def _validate_owned(value: str) -> None:
    wanted = "owns must hold hosts, paths or both, such as 'shop.example.com/api/*'"
    if not is_known(value):
        raise ValueError(f"{wanted}, known at synthesis, got: {value!r}")
    if not value or "^" in value:
        raise ValueError(f"{wanted}, and no regular expressions, got: {value!r}")
    try:
        conditions_of(value).validate()
    except ValueError as error:
        raise ValueError(f"{wanted}, got: {value!r} ({error})") from error
