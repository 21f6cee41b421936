"""AWS's limits of listeners and security groups, checked in the finished templates of all stacks."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

from aws_cdk import PolicyViolation, Stack
from constructs import IConstruct

from fargate_constructs._core.app_singleton import app_singleton
from fargate_constructs._core.construct_paths import path_of
from fargate_constructs.endpoint.ingress import MAX_GROUP_RULES, UNKNOWN_LIST_ENTRIES
from fargate_constructs.synthesized.intrinsics import items, number
from fargate_constructs.synthesized.template_checks import TemplateChecks, violation
from fargate_constructs.synthesized.templates import Place, Templates

TARGET_GROUP, RULE, CERTIFICATE = (
    f"AWS::ElasticLoadBalancingV2::{name}" for name in ("TargetGroup", "ListenerRule", "ListenerCertificate")
)
# Of a load balancer: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html.
MAX_RULES, MAX_TARGET_GROUPS, MAX_CERTIFICATES = 100, 100, 25
SECOND_ENDPOINT = "make a second endpoint for some of the services; with a higher quota, acknowledge this finding"
ADD_ROUTE = "write endpoint.add_route('Web', service=web); if another app adds the routes, acknowledge this finding"


ADD_LISTENER = "write endpoint.add_listener(...); if another app adds the listeners, acknowledge this finding"
UNUSED = {
    "noRoute": ("a route, got none in this app: it answers 404 to each request", ADD_ROUTE),
    "noListener": ("a listener, got none in this app: it accepts no connections", ADD_LISTENER),
}


class Reserved(Protocol):
    """What a team of another app may add to a load balancer. `Team` has it."""

    @property
    def max_rules(self) -> int:
        """Listener rules, and target groups."""

    @property
    def max_certificates(self) -> int:
        """Certificates."""


class _Teams(dict[str, Mapping[str, Reserved]]):
    """The teams of other apps, by the paths of the endpoints that they share, and by their parameters of SSM."""


class _Endpoints(list[tuple[str, str]]):
    """The path of each endpoint of an app, and what is found of one that serves nothing."""


def check_limits(endpoint: IConstruct, unused: str = "noRoute") -> None:
    """Let synthesis fail if AWS would refuse a rule of the endpoint's listeners, made here or elsewhere.

    Each finding is a violation of the endpoint, which may acknowledge it.
    """
    endpoints = app_singleton(endpoint, _Endpoints)
    if not endpoints:
        TemplateChecks.add(endpoint, partial(_violations, endpoints, app_singleton(endpoint, _Teams)))
    endpoints.append((path_of(endpoint), unused))


def reserve_for_teams(endpoint: IConstruct, teams: Mapping[str, Reserved]) -> None:
    """Count what teams may add, by the parameters of SSM that name their listener, as if they had added it."""
    app_singleton(endpoint, _Teams)[path_of(endpoint)] = teams


def _violations(
    endpoints: Sequence[tuple[str, str]], shared: _Teams, templates: Templates
) -> Iterator[PolicyViolation]:
    yield from _same_priorities(templates)
    counter = _Counter(templates)
    for endpoint, unused in endpoints:
        for load_balancer in templates.of_type["AWS::ElasticLoadBalancingV2::LoadBalancer"]:
            if templates.path(load_balancer).startswith(f"{endpoint}/"):
                teams = shared.get(endpoint, {})
                for excess in counter.excesses(load_balancer, teams):
                    yield violation("quota", endpoint, f"{endpoint} must have {excess}", fix=SECOND_ENDPOINT)
                if not teams and not counter.has_route(load_balancer):
                    lacks, fix = UNUSED[unused]
                    yield violation(unused, endpoint, f"{endpoint} must have {lacks}", fix=fix, severity="warning")


def _same_priorities(templates: Templates) -> Iterator[PolicyViolation]:
    """Yield a violation for each priority that two rules of a listener have, in all stacks of the app."""
    rules: defaultdict[tuple[object, float | None], list[str]] = defaultdict(list)
    for place in templates.of_type[RULE]:
        properties = templates.properties(place)
        priority = number(properties.get("Priority"))
        rules[templates.identity(place.stack, properties.get("ListenerArn")), priority].append(templates.path(place))
    for (_, priority), paths in rules.items():
        if priority is not None and len(paths) > 1:
            yield violation(
                "samePriority",
                paths[-1],
                f"rules of one listener must differ in priority, got: {priority:.0f} on {' and '.join(paths)}",
                fix="give another priority to a rule whose priority you wrote; a route's may be computed",
            )


class _Counter:
    """Counts the resources of each load balancer and security group in an app's templates."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates
        self._listeners = self._by("AWS::ElasticLoadBalancingV2::Listener", "LoadBalancerArn")
        self._rules = self._by(RULE, "ListenerArn")
        self._certificates = self._by(CERTIFICATE, "ListenerArn")
        self._group_rules = {
            direction: self._by(f"AWS::EC2::SecurityGroup{direction}", "GroupId") for direction in ("Ingress", "Egress")
        }

    def excesses(self, load_balancer: Place, teams: Mapping[str, Reserved]) -> Iterator[str]:
        """Yield each limit that a load balancer or one of its security groups exceeds, with the share of teams."""
        path, rest = self._templates.path(load_balancer), sum(team.max_rules for team in teams.values())
        of_teams = sum(team.max_certificates for team in teams.values())
        listeners = self._listeners[load_balancer]
        rules = [rule for each in listeners for rule in self._own(self._rules[each], teams)]
        certificates = [found for each in listeners for found in self._own(self._certificates[each], teams)]
        groups = {group for each in (*listeners, *rules) for group in target_groups(self._templates, each)}
        for resources, reserved, limit, name in (
            (rules, rest, MAX_RULES, "listener rules"),
            (groups, rest, MAX_TARGET_GROUPS, "target groups"),
            (certificates, of_teams, MAX_CERTIFICATES, "certificates beside its first"),
        ):
            if (own := len(resources)) + reserved > limit:
                yield f"at most {limit} {name}, got: {own} at {path}{f' and {reserved} of teams' * bool(reserved)}"
        references = self._templates.properties(load_balancer).get("SecurityGroups", [])
        located = (self._templates.locate(load_balancer.stack, each) for each in references)
        for group in filter(None, located):  # an imported one is in no template
            yield from self._group_excesses(group)

    def _own(self, places: Sequence[Place], teams: Mapping[str, Reserved]) -> Iterator[Place]:
        """Yield what does not count as a team's, because the app of the endpoint has also the stacks of teams."""
        for place in places:
            names = self._templates.names(place.stack, self._templates.properties(place).get("ListenerArn"))
            if not any(name.removeprefix("ssm ") in teams for _, name in names):
                yield place

    def has_route(self, load_balancer: Place) -> bool:
        """Whether a listener of a load balancer has a rule, or forwards requests by default."""
        listeners = self._listeners[load_balancer]
        defaults = [
            each for listener in listeners for each in items(self._templates.properties(listener), "DefaultActions")
        ]
        return any(self._rules[listener] for listener in listeners) or "forward" in [each["Type"] for each in defaults]

    def _group_excesses(self, group: Place) -> Iterator[str]:
        for direction, resources in self._group_rules.items():
            own = items(self._templates.properties(group), f"SecurityGroup{direction}")
            rules = [(group.stack, rule) for rule in own]
            rules += [(place.stack, self._templates.properties(place)) for place in resources[group]]
            # Each family has its own limit. A rule for a security group or a prefix list counts for both.
            for family, other in (("IPv4", "CidrIpv6"), ("IPv6", "CidrIp")):
                got = sum(self._entries(stack, rule) for stack, rule in rules if other not in rule)
                if got > MAX_GROUP_RULES:
                    path = self._templates.path(group)
                    yield f"at most {MAX_GROUP_RULES} {direction.lower()} rules for {family}, got: {got} at {path}"

    def _entries(self, stack: Stack, rule: dict[str, Any]) -> int:
        """Return how many rules one counts as. A prefix list counts with its maximum of entries."""
        reference = rule.get("SourcePrefixListId") or rule.get("DestinationPrefixListId")
        if reference is None:
            return 1
        entries = number(self._templates.properties(self._templates.locate(stack, reference)).get("MaxEntries"))
        return UNKNOWN_LIST_ENTRIES if entries is None else int(entries)

    def _by(self, type_: str, name: str) -> defaultdict[Place, list[Place]]:
        """Return the places of the resources of a type by the resource that a property refers to."""
        found: defaultdict[Place, list[Place]] = defaultdict(list)
        for place in self._templates.of_type[type_]:
            if target := self._templates.target(place, name):
                found[target].append(place)
        return found


def target_groups(templates: Templates, place: Place) -> set[Place]:
    """Return the target groups of a listener or of a rule."""
    properties = templates.properties(place)
    actions = [properties.get("Actions"), properties.get("DefaultActions")]
    references = templates.references(place.stack, actions)
    return {each for each in references if each in templates.of_type[TARGET_GROUP]}
