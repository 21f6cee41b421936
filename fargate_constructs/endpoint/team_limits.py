"""A team's priorities and quotas at a shared endpoint, checked in the finished templates of the team's app."""

from collections.abc import Iterator
from functools import partial

from aws_cdk import PolicyViolation, Stack
from constructs import Construct

from fargate_constructs._core.app_singleton import app_singleton
from fargate_constructs._core.construct_paths import path_of
from fargate_constructs.endpoint.load_balancer_limits import CERTIFICATE, RULE, target_groups
from fargate_constructs.endpoint.teams import Team, numbers_of
from fargate_constructs.synthesized.intrinsics import number
from fargate_constructs.synthesized.template_checks import TemplateChecks, violation
from fargate_constructs.synthesized.templates import Place, Templates

MORE = "use fewer, or agree with the owner of the endpoint on more and write it in both apps"


class _Shares(dict[tuple[str, Team], list[tuple[Construct, str]]]):
    """The endpoints of an app with the ARNs of their listeners, by the listener and the team that they share."""


def check_team(endpoint: Construct, listener_arn: str, key: str, team: Team) -> None:
    """Let synthesis fail if rules and certificates of the app exceed what a team has of a listener."""
    shares = app_singleton(endpoint, _Shares)
    if not shares:
        TemplateChecks.add(endpoint, partial(_violations, shares))
    shares.setdefault((key, team), []).append((endpoint, listener_arn))


def _violations(shares: _Shares, templates: Templates) -> Iterator[PolicyViolation]:
    for (_, team), endpoints in shares.items():
        names = {
            name
            for endpoint, listener_arn in endpoints
            for name in templates.names(Stack.of(endpoint), Stack.of(endpoint).resolve(listener_arn))
        }
        path = path_of(endpoints[0][0])
        rules = _of_listener(templates, RULE, names)
        numbers = numbers_of(team).allowed
        for rule in rules:
            priority = number(templates.properties(rule).get("Priority"))
            if priority is not None and priority not in numbers:
                yield violation(
                    "priorityOfOthers",
                    templates.path(rule),
                    f"rules of team {team.name!r} must have the priorities {numbers[0]} to {numbers[-1]}, got: "
                    f"{priority:.0f}",
                    fix="leave the priority out of add_route, or write one of these; or give the team more",
                )
        groups = {group for rule in rules for group in target_groups(templates, rule)}
        certificates = _of_listener(templates, CERTIFICATE, names)
        for found, limit, name in (
            (len(rules), team.max_rules, "listener rules"),
            (len(groups), team.max_rules, "target groups"),
            (len(certificates), team.max_certificates, "certificates"),
        ):
            if found > limit:
                text = f"{name} of team {team.name!r} must be at most {limit}, got: {found}"
                yield violation("quota", path, text, fix=MORE)


def _of_listener(templates: Templates, type_: str, names: set[tuple[str, str]]) -> list[Place]:
    return [
        place
        for place in templates.of_type[type_]
        if names & templates.names(place.stack, templates.properties(place).get("ListenerArn"))
    ]
