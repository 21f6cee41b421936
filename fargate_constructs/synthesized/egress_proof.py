"""Reads an app's templates; returns a violation for each task that may leave from an address that is not known."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from aws_cdk import PolicyViolation, Stack
from aws_cdk import aws_ec2 as ec2
from constructs import IConstruct

from fargate_constructs._core.app_singleton import app_singleton, existing_app_singleton
from fargate_constructs._core.construct_paths import path_of, stack_of
from fargate_constructs.synthesized.egress_routes import EgressRoutes
from fargate_constructs.synthesized.intrinsics import as_text
from fargate_constructs.synthesized.task_launchers import TaskLauncher, find_task_launchers
from fargate_constructs.synthesized.template_checks import NAMESPACE, TemplateChecks, violation
from fargate_constructs.synthesized.templates import Place, Templates

# By rule: the severity, what tasks must do, and the fix.
RULES = {
    "publicAddress": ("error", "must have no public address", "remove what changes AssignPublicIp from DISABLED"),
    "publicSubnet": ("error", "must not run in a public subnet", "run them in subnets with a route to a NAT gateway"),
    "publicIpv6": (
        "error",
        "must have no IPv6 address that the internet reaches",
        "route ::/0 to an egress-only internet gateway, as FixedEgressNetwork(ip_protocol=DUAL_STACK) does",
    ),
    "unknownEgress": (
        "error",
        "must leave from Elastic IPs that are known and stay",
        "give the NAT gateway Elastic IPs with RemovalPolicy.RETAIN, or name their allocation IDs as known",
    ),
    "unprovenEgress": (
        "warning",
        "should leave by routes that can be followed to an Elastic IP",
        "route to a NAT gateway of this app, or acknowledge this if you know the addresses at the far end",
    ),
    "unseenEgress": (
        "error",
        "must run in subnets of this app",
        "test the app that makes the subnets, or name their addresses as egress_ips of FixedEgressNetwork.from_vpc",
    ),
    "instanceAddress": (
        "error",
        "must have addresses of their own",
        "run them in network mode awsvpc: the routes of instances are not read",
    ),
    "ipv6Egress": (
        "warning",
        "should reach IPv6 hosts from known ranges, and a NAT gateway's addresses are IPv4",
        "remove the IPv6 route, or give partners the subnets' IPv6 ranges and name them as egress_ipv6_cidrs",
    ),
}


class _Tasks(NamedTuple):
    path: str
    subnets: Sequence[ec2.ISubnet]
    known_allocation_ids: Sequence[str]
    trusts_given_addresses: bool
    has_known_ipv6: bool = False


class EgressProof:
    """The tasks of an app whose egress is proven."""

    def __init__(self) -> None:
        self.tasks: list[_Tasks] = []

    @classmethod
    def of(cls, construct: IConstruct) -> "EgressProof":
        """Return the proof of a construct's app."""
        return app_singleton(construct, cls)

    def add(
        self,
        owner: IConstruct,
        *,
        subnets: Sequence[ec2.ISubnet],
        known_allocation_ids: Sequence[str] = (),
        trusts_given_addresses: bool = False,
        has_known_ipv6: bool = False,
    ) -> None:
        """Make synthesis fail unless tasks have no public address and leave from known Elastic IPs.

        The templates are read after synthesis, so overrides and aspects count. Errors are public addresses, public
        subnets, IPv6 routes to an internet gateway, and NAT gateways or instances on other addresses than the app's
        retained Elastic IPs and those named here. Warnings are routes that cannot be followed, such as to a transit
        gateway, and IPv6 from ranges that are not known.
        Subnets that the app does not define are skipped. A finding can be acknowledged on the owner.

        Args:
            owner: What runs the tasks. The ECS services, task sets, schedules, rules and pipes count that are at or
                below it, or that start a task definition at or below it.
            subnets: Where the tasks run, if there is no such service.
            known_allocation_ids: The allocation IDs (`eipalloc-…`) of Elastic IPs kept elsewhere. By default none.
            trusts_given_addresses: Whether a person named the addresses that tasks leave from. Then any address of a
                NAT gateway or instance is allowed; public addresses and subnets are still errors. By default false.
            has_known_ipv6: Whether the IPv6 ranges of the subnets are known. Then routes to an egress-only internet
                gateway are allowed. By default false.
        """
        if not self.tasks:
            TemplateChecks.add(owner, self.check)
        self.tasks.append(_Tasks(path_of(owner), subnets, known_allocation_ids, trusts_given_addresses, has_known_ipv6))

    def check(self, templates: Templates) -> Iterator[PolicyViolation]:
        """Yield a violation for each fault in the routes of the tasks."""
        checker = _EgressChecker(templates)
        for tasks in self.tasks:
            yield from checker.violations(tasks)


def find_egress_violations(
    scope: IConstruct, templates: Templates, *, known_allocation_ids: Sequence[str] = ()
) -> dict[str, list[PolicyViolation]]:
    """Return the violations of all tasks at or below a construct, in the proof or not, by the path of their owner.

    What the proof skips is found too: subnets that the app does not define (`unseenEgress`), and tasks without subnets,
    which have the addresses of their instances (`instanceAddress`). What is acknowledged is left out.
    """
    checker, proof = _EgressChecker(templates), existing_app_singleton(scope.node.root, EgressProof)
    proven = [each for each in (proof.tasks if proof else []) if _is_in(each.path, scope.node.path)]
    found = {}
    for tasks in (*proven, *checker.not_in(proven, scope)):
        known = tasks._replace(known_allocation_ids=[*tasks.known_allocation_ids, *known_allocation_ids])
        acknowledged = templates.acknowledged(tasks.path)
        found[tasks.path] = [
            each
            for each in (*checker.violations(known), *checker.violations_outside(known))
            if f"{NAMESPACE}::{each.rule_name}" not in acknowledged
        ]
    return found


def has_known_ipv6(root: IConstruct, path: str) -> bool:
    """Whether the proof of an app has tasks at or above a construct path, and knows their IPv6 ranges."""
    proof = existing_app_singleton(root, EgressProof)
    return any(each.has_known_ipv6 and _is_in(path, each.path) for each in (proof.tasks if proof else ()))


class _EgressChecker:
    """Follows the routes of tasks in an app's templates."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates
        self._routes = EgressRoutes(templates)
        # With the paths of the launcher and of its task definition: the owner of either is responsible.
        self._launchers = [
            (each, [templates.path(place) for place in (each.place, each.definition) if place])
            for each in find_task_launchers(templates)
        ]

    def violations(self, tasks: _Tasks) -> Iterator[PolicyViolation]:
        """Yield a violation for each error, and one for each kind of warning."""
        return _violations(tasks, self._faults(tasks))

    def violations_outside(self, tasks: _Tasks) -> Iterator[PolicyViolation]:
        """Yield a violation for each subnet that the app does not define, unless its addresses are given."""
        launchers = [each for each in self._launchers_of(tasks) if each.task_definition and each.network is None]
        if launchers:
            got = [f"no AwsvpcConfiguration on {self._templates.path(each.place)}" for each in launchers]
            yield from _violations(tasks, [("instanceAddress", each) for each in dict.fromkeys(got)])
        elif not tasks.trusts_given_addresses:
            references = self._subnets(tasks)
            outside = [reference for stack, reference in references if not self._locate(stack, reference)]
            got = outside if references else ["subnets known only when deployed"]
            yield from _violations(tasks, [("unseenEgress", each) for each in dict.fromkeys(map(as_text, got))])

    def not_in(self, proven: Sequence[_Tasks], scope: IConstruct) -> Iterator[_Tasks]:
        """Yield the tasks that are started at or below a construct and are not in the proof."""
        for _, (path, *others) in self._launchers:
            is_proven = any(_is_in(owner, each.path) for owner in (path, *others) for each in proven)
            if _is_in(path, scope.node.path) and not is_proven:
                yield _Tasks(path, (), (), trusts_given_addresses=False)

    def _faults(self, tasks: _Tasks) -> Iterator[tuple[str, str]]:
        """Yield the rule and the finding of each fault."""
        for launcher in self._launchers_of(tasks):
            if (address := launcher.public_address) not in (None, "DISABLED"):
                yield "publicAddress", f"AssignPublicIp {address} on {self._templates.path(launcher.place)}"

        def is_known(stack: Stack, address: Any) -> bool:  # noqa: ANN401 - a piece of a template
            return address in stack.resolve(list(tasks.known_allocation_ids))

        for subnet in dict.fromkeys(filter(None, (self._locate(*each) for each in self._subnets(tasks)))):
            for fault in self._routes.faults(subnet, is_known=is_known):
                is_known_egress = {
                    "unknownEgress": tasks.trusts_given_addresses,
                    "ipv6Egress": tasks.has_known_ipv6,
                }
                if not is_known_egress.get(fault.rule):
                    yield fault.rule, fault.route

    def _locate(self, stack: Stack, subnet: Any) -> Place | None:  # noqa: ANN401 - a piece of a template
        return self._templates.locate(stack, subnet, "AWS::EC2::Subnet")

    def _launchers_of(self, tasks: _Tasks) -> list[TaskLauncher]:
        return [each for each, paths in self._launchers if any(_is_in(path, tasks.path) for path in paths)]

    def _subnets(self, tasks: _Tasks) -> list[tuple[Stack, Any]]:
        """Return where tasks run: each stack, and how its template refers to the subnet."""
        launchers = self._launchers_of(tasks)
        subnets = [] if any(each.is_service for each in launchers) else tasks.subnets
        return [
            *((stack_of(each), reference) for each in subnets for reference in _references_to(each)),
            *((each.place.stack, subnet) for each in launchers for subnet in each.subnets),
        ]


def _violations(tasks: _Tasks, faults: Iterable[tuple[str, str]]) -> Iterator[PolicyViolation]:
    by_rule: defaultdict[str, list[str]] = defaultdict(list)
    for rule, got in faults:
        by_rule[rule].append(got)
    for rule, all_got in by_rule.items():
        severity, requirement, fix = RULES[rule]
        for got in all_got if severity == "error" else ["; ".join(all_got)]:
            description = f"tasks of {tasks.path} {requirement}, got: {got}"
            yield violation(rule, tasks.path, description, fix=fix, severity=severity)


def _references_to(subnet: ec2.ISubnet) -> list[Any]:
    """Return how a template refers to a subnet, or to each of an imported list that only the deployment knows."""
    reference = stack_of(subnet).resolve([subnet.subnet_id])
    return reference if isinstance(reference, list) else [reference]


def _is_in(path: str, scope: str) -> bool:
    """Whether a path is that of a construct, or of one below it; the app's path is empty."""
    return not scope or f"{path}/".startswith(f"{scope}/")
