"""Rules about addresses: whether tasks leave from addresses that are known and stay."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from fargate_constructs.caveats.fargate_app import FargateApp
from fargate_constructs.caveats.rules import Finding, Rule, judge, undecided
from fargate_constructs.synthesized.egress_routes import EgressRoutes, Fault
from fargate_constructs.synthesized.intrinsics import Unresolved, lookup, unresolved_in
from fargate_constructs.synthesized.task_launchers import TaskLauncher
from fargate_constructs.synthesized.templates import Place

if TYPE_CHECKING:
    from aws_cdk import Stack

RULES = {"unknownEgress": Rule.UnknownEgress, "ipv6Egress": Rule.Ipv6Egress}
# With an internet gateway a task's IPv6 address is public.
FOUND = RULES | {"publicIpv6": Rule.PublicAddress}


def find_addresses(app: FargateApp) -> Iterator[Finding]:
    """Yield tasks with a public address, and once each the cause of an egress address that is not known or may go."""
    templates, routes = app.templates, EgressRoutes(app.templates)
    elastic_ips = set(templates.of_type["AWS::EC2::EIP"])

    def is_known(stack: Stack, address: Any) -> bool:  # noqa: ANN401 - a piece of a template
        # This app does not release an Elastic IP from elsewhere.
        place = templates.locate(stack, address)
        parameters.extend(unresolved_in(address) if place is None else [])
        return place not in elastic_ips

    # Subnets of tasks whose IPv6 ranges are not known.
    unknown_ipv6: set[Place] = set()
    parameters: list[Unresolved] = []
    faults: dict[Place, list[Fault]] = {}
    for launcher in app.launchers:
        public = launcher.public_address
        got, broken = "AssignPublicIp ENABLED", public == "ENABLED"
        yield from judge(Rule.PublicAddress, launcher.place, got, broken=broken, AssignPublicIp=public)
        for reference, subnet in _subnets(app, launcher):
            if subnet is None:
                yield from undecided(launcher.place, Rule.PublicSubnet, *RULES.values(), Subnets=reference)
                continue
            if subnet not in faults:
                parameters.clear()
                faults[subnet] = list(routes.faults(subnet, is_known=is_known))
                yield from undecided(subnet, Rule.UnknownEgress, AllocationId=list(parameters))
            if app.has_known_ipv6 is None or not app.has_known_ipv6(templates.path(launcher.place)):
                unknown_ipv6.add(subnet)
            if any(fault.rule == "publicSubnet" for fault in faults[subnet]) and public != "ENABLED":
                broken = public in (None, "DISABLED")
                got = templates.path(subnet)
                yield from judge(Rule.PublicSubnet, launcher.place, got, broken=broken, AssignPublicIp=public)
    for subnet, found in faults.items():
        of_routes = _of_routes(fault for fault in found if fault.rule != "ipv6Egress" or subnet in unknown_ipv6)
        for finding in of_routes:
            is_undecided = finding.rule is Rule.Ipv6Egress and app.has_known_ipv6 is None
            yield finding._replace(is_undecided=True) if is_undecided else finding


def _of_routes(faults: Iterable[Fault]) -> Iterator[Finding]:
    """Yield what the faults in the routes of a subnet break."""
    for fault in faults:
        if fault.rule == "unprovenEgress":
            rules = (Rule.PublicSubnet, *RULES.values())
            yield from (Finding(rule, fault.cause, f"tasks in {fault.route}", is_undecided=True) for rule in rules)
        elif fault.rule in FOUND:
            yield Finding(FOUND[fault.rule], fault.cause, f"tasks in {fault.route}")


def _subnets(app: FargateApp, launcher: TaskLauncher) -> Iterator[tuple[Unresolved, Place | None]]:
    """Yield the subnets of the tasks, each with the template's reference to it."""
    for unknown in unresolved_in(lookup(launcher.network, "Subnets") if launcher.subnets == [] else None):
        yield unknown, None
    for reference in launcher.subnets:
        yield Unresolved(reference), app.templates.locate(launcher.place.stack, reference, "AWS::EC2::Subnet")
