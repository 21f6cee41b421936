"""What the app of an endpoint gives the apps of teams: SSM parameters, and room for their rules.

```
platform's app:  HttpEndpoint ──> [share_endpoint] ──> SSM parameters
team's app:      SharedEndpoint <── from_shared <── SSM parameters
```
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from aws_cdk import Stack
from constructs import Construct

from fargate_constructs._core.app_singleton import app_singleton
from fargate_constructs._core.construct_paths import path_of
from fargate_constructs._core.descriptions import shorten
from fargate_constructs._core.lazy_cdk import aws_ssm as ssm
from fargate_constructs._core.synthesis_checks import check_at_synthesis
from fargate_constructs.endpoint.load_balancer_limits import reserve_for_teams
from fargate_constructs.endpoint.ownership import rules_of_teams, validate_teams
from fargate_constructs.endpoint.sign_in import allow_identity_provider, validate_listener
from fargate_constructs.endpoint.teams import Team, digest_of, numbers_of, validate_parameter_name

if TYPE_CHECKING:
    from fargate_constructs.endpoint.http_endpoint import HttpEndpoint

SECURITY_GROUP, LOAD_BALANCER = "security-group-id", "load-balancer-arn"
DNS_NAME, HOSTED_ZONE = "dns-name", "hosted-zone-id"
# https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
MAX_DESCRIPTION = 1024


def name_of(team: Team) -> str:
    """Return the end of the name of the parameter for a team. It says what the team has: see `digest_of`."""
    return f"teams/{team.name}/{digest_of(team)}"


class _Known(dict[tuple[str, str], str]):
    """The endpoints that an app shares, or has shared, by the path of the stack and the name of the parameters."""


def validate_once(scope: Construct, name: str, parameter_name: str) -> None:
    """Refuse a shared endpoint in a stack that has it.

    A service with routes at both would get the same outbound rule twice, and CloudFormation reads the parameters before
    it makes those of the stack.
    """
    known = app_singleton(scope, _Known).get((path_of(Stack.of(scope)), parameter_name))
    if known:
        raise ValueError(
            f"a stack has a shared endpoint once, got {name} for {parameter_name!r} beside {known}; add the routes to "
            "that one, or make another stack"
        )


def note_in_stack(endpoint: Construct, parameter_name: str) -> None:
    """Note that the stack of an endpoint has it, for `validate_once`."""
    app_singleton(endpoint, _Known)[path_of(Stack.of(endpoint)), parameter_name] = path_of(endpoint)


def share_endpoint(endpoint: HttpEndpoint, *, parameter_name: str, teams: Sequence[Team]) -> list[ssm.StringParameter]:
    """Let teams add routes; see `HttpEndpoint.share`."""
    front, outer = endpoint._front, endpoint._outer_load_balancer
    validate_parameter_name(parameter_name)
    validate_teams(teams)
    if front.is_shared:
        raise ValueError(f"{endpoint.node.path} is shared already, got share again; list all teams in one call")
    for team in teams:
        if not endpoint.has_tls and (team.max_certificates or team.sign_in):
            raise ValueError(
                f"{endpoint.node.path} has no TLS, got team {team.name!r} with certificates or sign-in; write "
                "max_certificates=0 and sign_in=False, or give the endpoint a domain_name"
            )
    if any(team.sign_in for team in teams):
        validate_listener(endpoint.listener)
        allow_identity_provider(endpoint.listener)
    validate_once(endpoint, path_of(endpoint), parameter_name)
    note_in_stack(endpoint, parameter_name)
    front.is_shared = True
    endpoint._rules.skip(numbers_of(team).allowed for team in teams)
    check_at_synthesis(endpoint, partial(rules_of_teams, endpoint._rules, teams))
    reserve_for_teams(endpoint, {f"{parameter_name}/{name_of(team)}": team for team in teams})
    values = {
        SECURITY_GROUP: endpoint.listener.connections.security_groups[0].security_group_id,
        LOAD_BALANCER: endpoint.load_balancer.load_balancer_arn,
    }
    if not front.has_tls:  # CloudFront serves its own names only
        own = f"dualstack.{outer.load_balancer_dns_name}", outer.load_balancer_canonical_hosted_zone_id
        values |= zip((DNS_NAME, HOSTED_ZONE), front.address or own, strict=True)
    return _publish(endpoint, parameter_name, values, teams, endpoint.listener.listener_arn)


def _publish(
    scope: Construct, parameter_name: str, values: Mapping[str, str], teams: Sequence[Team], listener_arn: str
) -> list[ssm.StringParameter]:
    """Write the listener for each team, and the rest for all."""
    share = Construct(scope, "Share")
    made = [
        ssm.StringParameter(
            share,
            name,
            parameter_name=f"{parameter_name}/{name}",
            description=f"The {name.replace('-', ' ')} of {path_of(scope)}",
            string_value=value,
        )
        for name, value in values.items()
    ]
    of_teams = Construct(share, "Teams")
    for team in teams:
        first, last = team.priorities
        text = (
            f"The listener of {path_of(scope)} for team {team.name}, which owns {', '.join(team.owns)}; priorities: "
            f"{first} to {last}, rules: {team.max_rules}, certificates: {team.max_certificates}, sign-in: "
            f"{'yes' if team.sign_in else 'no'}"
        )
        made.append(
            ssm.StringParameter(
                of_teams,
                team.name,
                parameter_name=f"{parameter_name}/{name_of(team)}",
                description=shorten(text, MAX_DESCRIPTION),
                string_value=listener_arn,
            )
        )
    return made
