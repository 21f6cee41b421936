"""What AWS would refuse of listeners and security groups, or answer 404 to, by the finished templates of all stacks.

```
rules, target groups, certificates, security group rules of all stacks ──> [counted] ──> errors at synth
```
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from aws_cdk import PolicyViolation
from constructs import IConstruct

from fargate_constructs._core.app_singleton import app_singleton
from fargate_constructs._core.construct_paths import path_of
from fargate_constructs.endpoint.ingress import MAX_GROUP_RULES, UNKNOWN_LIST_ENTRIES
from fargate_constructs.synthesized.intrinsics import items, number
from fargate_constructs.synthesized.template_checks import TemplateChecks, violation
from fargate_constructs.synthesized.templates import Place, Templates

TARGET_GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"
# Of one load balancer: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html.
MAX_RULES, MAX_TARGET_GROUPS, MAX_CERTIFICATES = 100, 100, 25
FIX = "make a second endpoint for some of the services; with a higher quota, accept this and say so"
ROUTE = "write endpoint.add_route('Web', service=web); where another app adds the routes, accept this and say so"


class Limits:
    """Counts for all endpoints of an app. Each finding is an error of the endpoint, on which it can be accepted."""

    def __init__(self) -> None:
        self._endpoints: list[str] = []

    @classmethod
    def count(cls, endpoint: IConstruct) -> None:
        """Let synthesis fail if AWS would refuse the rules of the endpoint, and of whatever else is at its listener."""
        limits = app_singleton(endpoint, cls)
        if not limits._endpoints:
            TemplateChecks.add(endpoint, limits.check)
        limits._endpoints.append(path_of(endpoint))

    def check(self, templates: Templates) -> Iterator[PolicyViolation]:
        """Yield what AWS would refuse."""
        yield from _same_priorities(templates)
        counted = _Counted(templates)
        for endpoint in self._endpoints:
            for load_balancer in templates.of_type["AWS::ElasticLoadBalancingV2::LoadBalancer"]:
                if templates.path(load_balancer).startswith(f"{endpoint}/"):
                    for fault in counted.faults(load_balancer):
                        yield violation("quota", endpoint, f"{endpoint} must have {fault}", fix=FIX)
                    if not counted.leads_anywhere(load_balancer):
                        message = f"{endpoint} must have a route, got none in this app: it answers 404 to each request"
                        yield violation("noRoute", endpoint, message, fix=ROUTE, severity="warning")


def _same_priorities(templates: Templates) -> Iterator[PolicyViolation]:
    """Yield a violation for each number that two rules of a listener have, whoever made them, in whichever stack."""
    rules: defaultdict[tuple[object, float | None], list[str]] = defaultdict(list)
    for place in templates.of_type["AWS::ElasticLoadBalancingV2::ListenerRule"]:
        properties = templates.properties(place)
        priority = number(properties.get("Priority"))
        rules[templates.identity(place.stack, properties.get("ListenerArn")), priority].append(templates.path(place))
    for (_, priority), paths in rules.items():
        if priority is not None and len(paths) > 1:
            yield violation(
                "samePriority",
                paths[-1],
                f"rules of one listener must differ in priority, got: {priority:.0f} on {' and '.join(paths)}",
                fix="give one that has a priority of yours another one; a route without has one computed",
            )


class _Counted:
    """What an app's templates have for each load balancer and security group."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates
        self._listeners = self._by("AWS::ElasticLoadBalancingV2::Listener", "LoadBalancerArn")
        self._rules = self._by("AWS::ElasticLoadBalancingV2::ListenerRule", "ListenerArn")
        self._certificates = self._by("AWS::ElasticLoadBalancingV2::ListenerCertificate", "ListenerArn")
        self._apart = {way: self._by(f"AWS::EC2::SecurityGroup{way}", "GroupId") for way in ("Ingress", "Egress")}

    def faults(self, load_balancer: Place) -> Iterator[str]:
        """Yield what a load balancer and its security groups have too many of, and what to do."""
        listeners = self._listeners[load_balancer]
        rules = [rule for listener in listeners for rule in self._rules[listener]]
        certificates = [each for listener in listeners for each in self._certificates[listener]]
        groups = {group for each in (*listeners, *rules) for group in self._target_groups(each)}
        for things, most, what in (
            (rules, MAX_RULES, "listener rules"),
            (groups, MAX_TARGET_GROUPS, "target groups"),
            (certificates, MAX_CERTIFICATES, "certificates beside its first"),
        ):
            if len(things) > most:
                yield f"at most {most} {what}, got: {len(things)} at {self._templates.path(load_balancer)}"
        references = self._templates.properties(load_balancer).get("SecurityGroups", [])
        located = (self._templates.locate(load_balancer.stack, each) for each in references)
        for group in filter(None, located):  # one made elsewhere is in no template
            yield from self._group_faults(group)

    def leads_anywhere(self, load_balancer: Place) -> bool:
        """Whether a listener of a load balancer has a rule, or forwards its requests by default."""
        listeners = self._listeners[load_balancer]
        defaults = [
            each for listener in listeners for each in items(self._templates.properties(listener), "DefaultActions")
        ]
        return any(self._rules[listener] for listener in listeners) or "forward" in [each["Type"] for each in defaults]

    def _group_faults(self, group: Place) -> Iterator[str]:
        for way, apart in self._apart.items():
            properties = map(self._templates.properties, apart[group])
            rules = [*items(self._templates.properties(group), f"SecurityGroup{way}"), *properties]
            # Counted apart; a rule of a security group or a prefix list counts for both.
            for family, other in (("IPv4", "CidrIpv6"), ("IPv6", "CidrIp")):
                got = sum(self._entries(group, rule) for rule in rules if other not in rule)
                if got > MAX_GROUP_RULES:
                    path = self._templates.path(group)
                    yield f"at most {MAX_GROUP_RULES} {way.lower()} rules for {family}, got: {got} at {path}"

    def _entries(self, group: Place, rule: dict[str, Any]) -> int:
        """Return how many rules one counts as: a prefix list as many as it may have entries."""
        reference = rule.get("SourcePrefixListId") or rule.get("DestinationPrefixListId")
        if reference is None:
            return 1
        entries = number(self._templates.properties(self._templates.locate(group.stack, reference)).get("MaxEntries"))
        return UNKNOWN_LIST_ENTRIES if entries is None else int(entries)

    def _target_groups(self, place: Place) -> set[Place]:
        properties = self._templates.properties(place)
        actions = [properties.get("Actions"), properties.get("DefaultActions")]
        references = self._templates.references(place.stack, actions)
        return {each for each in references if each in self._templates.of_type[TARGET_GROUP]}

    def _by(self, type_: str, name: str) -> defaultdict[Place, list[Place]]:
        """Return where the resources of a type are, by what a property of theirs refers to."""
        found: defaultdict[Place, list[Place]] = defaultdict(list)
        for place in self._templates.of_type[type_]:
            if target := self._templates.target(place, name):
                found[target].append(place)
        return found
