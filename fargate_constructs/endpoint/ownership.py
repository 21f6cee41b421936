"""Which team of a shared endpoint answers a request: what each owns, and the checks of it in both kinds of apps."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations, product

from fargate_constructs._core.unresolved import is_dummy, is_unresolved
from fargate_constructs.endpoint.conditions import Conditions
from fargate_constructs.endpoint.matching import RouteMatch
from fargate_constructs.endpoint.priorities import ListenerRules
from fargate_constructs.endpoint.teams import Team, conditions_of, numbers_of, owned_by


def validate_route(team: Team, name: str, hosts: Sequence[str], paths: Sequence[str]) -> None:
    """Refuse a route of a team that matches requests of others."""
    values = [*hosts, *paths]
    if any(map(is_unresolved, values)):
        raise ValueError(
            f"hosts and paths of a shared endpoint's route must be known at synthesis, got a token in route {name}"
        )
    if any(map(is_dummy, values)):
        return
    match = RouteMatch.of(Conditions(hosts=hosts, paths=paths))
    for host, path in product(sorted(match.hosts) or [""], sorted(match.paths) or [""]):
        part = replace(match, hosts=frozenset(filter(None, [host])), paths=frozenset(filter(None, [path])))
        if not any(owned.covers(part) for owned in owned_by(team)):
            raise ValueError(
                f"a route must match only what team {team.name!r} owns, which is {', '.join(team.owns)}, got: "
                f"{host}{path or '/*'} of route {name}; write hosts=[...] or paths=[...] within that"
            )


def validate_domain_of_team(team: Team, domain_name: str) -> None:
    """Refuse a name of which a part belongs to others."""
    name = RouteMatch.of(Conditions(hosts=[domain_name]))
    if not any(owned.covers(name) for owned in owned_by(team)) and not is_dummy(domain_name):
        raise ValueError(
            f"domain_name must be a host that team {team.name!r} owns with all paths, got: {domain_name!r}; it owns "
            f"{', '.join(team.owns)}"
        )


def all_requests_of(team: Team) -> Conditions:
    """Return the conditions of one rule for all that a team owns, or refuse if one cannot hold them."""
    paths_of = defaultdict[str, set[str]](set)
    for each in map(conditions_of, team.owns):
        paths_of["".join(each.hosts)].add("".join(each.paths))
    paths = next(iter(paths_of.values()))
    mixed = any("" in values and len(values) > 1 for values in (paths_of, paths))
    conditions = Conditions(hosts=[*filter(None, paths_of)], paths=sorted(filter(None, paths)))
    if mixed or any(each != paths for each in paths_of.values()) or not _fits(conditions):
        raise ValueError(
            f"maintenance needs one listener rule for all that team {team.name!r} owns, got: {list(team.owns)}; write "
            f"add_fixed_response(..., status_code=503) for each part, with priorities from {team.priorities[0] + 1} on"
        )
    return conditions


def validate_teams(teams: Sequence[Team]) -> None:
    """Refuse teams whose priorities or requests overlap, so that it would be unclear which team answers a request."""
    if not teams:
        raise ValueError("teams must hold a Team, got: []")
    names = [team.name for team in teams]
    if len({*names}) < len(names):
        raise ValueError(f"teams must differ in their names, got: {names}; one app has one name and its priorities")
    for first, second in combinations(sorted(teams, key=lambda team: team.priorities[0]), 2):
        if second.priorities[0] <= first.priorities[1]:
            raise ValueError(
                f"teams must have different priorities, got: {first.name!r} {first.priorities} and "
                f"{second.name!r} {second.priorities}"
            )
        for (one, match), (other, wide) in product(_named(first), _named(second)):
            request = match.shared_request(wide)
            if request and (match == wide or not wide.covers(match)):
                raise ValueError(
                    f"requests must belong to one team, got: {request!r} of {first.name!r} by {one!r} and of "
                    f"{second.name!r} by {other!r}; change one, or if one is part of the other, give its team the "
                    "lower priorities"
                )


def rules_of_teams(rules: ListenerRules, teams: Sequence[Team]) -> Iterator[str]:
    """Refuse rules of the platform's app that use a team's priorities, or take its requests by chance."""
    for team in teams:
        first, last = team.priorities
        for given in rules.given_in(numbers_of(team).allowed):
            yield f"priorities {first} to {last} belong to team {team.name!r}, got: {given}"
        for owned in owned_by(team):
            for found in rules.before(first, owned):
                yield (
                    f"team {team.name!r} must get what it owns, got: {found}, which comes before its priorities; "
                    "narrow the route, give the team lower priorities, or write priority=... on the route if it "
                    "should come first"
                )


def _named(team: Team) -> list[tuple[str, RouteMatch]]:
    return list(zip(team.owns, owned_by(team), strict=True))


def _fits(conditions: Conditions) -> bool:
    """Whether one rule can have them."""
    try:
        conditions.validate()
    except ValueError:
        return False
    return True
