"""Decides what is reported of the egress of services and networks: addresses, findings and notes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any, NamedTuple

from fargate_constructs.cli.deployed.deployed_networks import Subject
from fargate_constructs.cli.deployed.deployed_resources import fits
from fargate_constructs.cli.deployed.deployed_services import DeployedService
from fargate_constructs.cli.deployed.egress_addresses import ANYWHERE, PROBLEMS, Departure
from fargate_constructs.cli.deployed.elastic_ips import ElasticIp, read_elastic_ips, with_owners
from fargate_constructs.cli.deployed.service_egress import ServiceEgress, service_egress, subnets_of
from fargate_constructs.synthesized.private_ranges import NAT64

if TYPE_CHECKING:
    from boto3 import Session

# A task that asks an IPv4 page from inside sees what is behind these, but not what is behind other VPC routes.
ANSWERED_FROM_INSIDE = ("notKnown", "otherAccount")
ASKED_FROM_INSIDE = (ANYWHERE, NAT64)
# https://aws.amazon.com/vpc/pricing/
USD_A_MONTH = 0.005 * 730


class Address(NamedTuple):
    """An address, or an IPv6 range, that the internet may see."""

    address: str
    elastic_ip: ElasticIp | None
    """Its Elastic IP; `None` for an IPv6 range, or for an address that AWS picked."""
    targets: Sequence[str]
    """What the VPC routes lead to, such as `NAT gateway nat-0a1b`."""
    zones: Sequence[str]
    """The zones of the subnets that leave from it."""


class Note(NamedTuple):
    """What a reader of the addresses should know."""

    id: str
    text: str


class Report(NamedTuple):
    """How the tasks of services and networks leave."""

    subject: Subject
    services: Sequence[tuple[DeployedService, ServiceEgress]]
    departures: Sequence[Departure]
    """Of all subnets that matter."""
    addresses: Sequence[Address]
    unused: Sequence[ElasticIp]
    """Elastic IPs that are allocated, and that nothing holds."""
    findings: Sequence[Note]
    """Why an allow-list with the addresses is not enough."""
    notes: Sequence[Note]
    gaps: Sequence[str]
    elastic_ips: frozenset[str]
    """All Elastic IPs of the region, also of other networks."""

    def allow_list(self) -> list[str]:
        """Return the addresses for an allow-list, with the unused ones that belong to a network."""
        kept = [] if self.subject.is_service else [each.address for each in self.unused if self._is_kept(each)]
        fixed = [each.address for each in self.addresses if not self._may_change(each)]
        return list(dict.fromkeys([*fixed, *kept]))

    def _may_change(self, address: Address) -> bool:
        return any(each.problem for each in self.departures if address.address in each.addresses)

    def _is_kept(self, address: ElasticIp) -> bool:
        return any(_belongs(address, each.name) for each in self.subject.networks)


def report_on(session: Session, subject: Subject) -> Report:
    """Ask AWS about the addresses of what was found, and report."""
    gaps: list[str] = []
    ec2: Any = session.client("ec2", region_name=subject.region)
    services = [(found, service_egress(subject.facts, answer)) for found, answer in subject.services]
    departures = _departures(subject, services)
    seen = {address for each in departures for address in each.addresses}
    elastic_ips = read_elastic_ips(ec2, subject.stacks)
    chosen = [each for each in elastic_ips if each.address in seen or (not each.is_used and _is_of(each, subject))]
    shown = with_owners(session, subject.region, chosen, subject.stacks, gaps)
    by_address = {each.address: each for each in shown}
    unused = [each for each in shown if each.address not in seen]
    return Report(
        subject,
        services,
        departures,
        list(_addresses(departures, by_address)),
        unused,
        list(_findings(subject, services)),
        list(_notes(subject, departures, shown)),
        gaps,
        frozenset(each.address for each in elastic_ips),
    )


def _departures(subject: Subject, services: Sequence[tuple[DeployedService, ServiceEgress]]) -> list[Departure]:
    """Return how the subnets of the services leave, and the other private subnets of a network."""
    found = [departure for _, egress in services for departure in egress.departures]
    if not subject.is_service:
        of_services = {each.subnet for each in found}
        others = [subject.facts.departures(each) for each in subject.facts.subnets if each not in of_services]
        # In a public subnet there is what has an address of its own: load balancers and NAT gateways.
        private = [
            departure
            for departures in others
            if not any(each.kind == "internet gateway" for each in departures)
            for departure in departures
        ]
        # Beside subnets with egress, one without is for databases.
        found += [each for each in private if each.problem != "noRoute"] or ([] if found else private)
    return list(dict.fromkeys(found))


def _addresses(departures: Sequence[Departure], owners: dict[str, ElasticIp]) -> Iterator[Address]:
    for address in dict.fromkeys(address for each in departures for address in each.addresses):
        by = [each for each in departures if address in each.addresses]
        targets = list(dict.fromkeys(f"{each.kind} {each.target}" for each in by))
        zones = sorted({each.zone for each in by})
        yield Address(address, owners.get(address), targets, zones)


def _is_of(address: ElasticIp, subject: Subject) -> bool:
    """Whether an unused Elastic IP is shown: those of the networks, or all of a region."""
    return subject.scope == "region" or any(_belongs(address, each.name) for each in subject.networks)


def _belongs(address: ElasticIp, network: str) -> bool:
    """Whether an Elastic IP is below a network's construct path, which the pool also writes into the tag Name."""
    return any(fits(path, network) and path != network for path in (address.owner, address.name))


def _findings(subject: Subject, services: Sequence[tuple[DeployedService, ServiceEgress]]) -> Iterator[Note]:
    for (found, egress), (_, answer) in zip(services, subject.services, strict=True):
        if not subnets_of(answer):
            yield Note(
                "instanceNetwork",
                f"{found.name} runs in the network of its instances, whose addresses are not followed",
            )
        for subnet in egress.gone_subnets:
            yield Note("goneSubnet", f"{found.name} names {subnet}, which does not exist, or cannot be read")
        has_egress = any(each.problem != "noRoute" for each in egress.departures)
        for each in dict.fromkeys(egress.departures):
            if each.problem and (each.problem != "noRoute" or has_egress):
                yield Note(each.problem, f"{found.name} in {each.subnet} ({each.zone}): {described(each)}")


def answered_from_inside(report: Report, subnets: Collection[str]) -> Report:
    """Return a report without the findings that tasks in subnets have answered."""

    def answered(departure: Departure) -> Departure:
        is_asked = departure.subnet in subnets and departure.destination in ASKED_FROM_INSIDE
        return departure._replace(problem="") if is_asked and departure.problem in ANSWERED_FROM_INSIDE else departure

    services = [
        (found, egress._replace(departures=[answered(each) for each in egress.departures]))
        for found, egress in report.services
    ]
    return report._replace(findings=list(_findings(report.subject, services)))


def described(departure: Departure) -> str:
    """Return a departure with its problem as a text."""
    target = f" {departure.target}" if departure.target else ""
    by = f"{departure.destination} by {departure.kind}{target}: " if departure.kind else ""
    return f"{by}{PROBLEMS[departure.problem]}"


def _notes(subject: Subject, departures: Sequence[Departure], elastic_ips: Sequence[ElasticIp]) -> Iterator[Note]:
    by_zone: dict[str, set[str]] = {}
    for each in departures:
        if ":" not in each.destination and each.addresses:
            by_zone.setdefault(each.zone, set()).update(each.addresses)
    if len({frozenset(each) for each in by_zone.values()}) > 1:
        yield Note("zones", "Each zone has its own addresses: an allow-list needs all of them.")
    if any(":" in address for each in departures for address in each.addresses):
        text = "Hosts with IPv6 see a task's own IPv6 address: an allow-list needs the IPv6 ranges, too."
        yield Note("ipv6", text)
    if any(
        each.kind.endswith("internet gateway") and each.addresses for each in departures if "egress" not in each.kind
    ):
        yield Note("publicIpv6", "IPv6 leaves by an internet gateway: only security groups keep callers out.")
    subnets = dict.fromkeys(each.subnet for each in departures)
    endpoints = {each for subnet in subnets for each in subject.facts.endpoints_of(subnet)}
    if endpoints:
        names = ", ".join(sorted({each.partition(f"{subject.region}.")[2] or each for each in endpoints}))
        yield Note(
            "vpcEndpoints",
            f"Requests to these services of this region go through VPC endpoints, and have none of these addresses: "
            f"{names}. A policy there needs aws:SourceVpc or aws:SourceVpce.",
        )
    isolated = dict.fromkeys(each.subnet for each in departures if each.problem == "noRoute")
    if isolated:
        yield Note("isolated", f"Without a VPC route to the internet: {', '.join(isolated)}.")
    yield from _notes_on_addresses(subject, departures, elastic_ips)


def _notes_on_addresses(
    subject: Subject, departures: Sequence[Departure], elastic_ips: Sequence[ElasticIp]
) -> Iterator[Note]:
    seen = {address for each in departures for address in each.addresses}
    for each in elastic_ips:
        name = each.owner or each.name
        title = f"{each.address} ({name})" if name else each.address
        if each.address not in seen:
            yield Note("unusedAddress", f"{title} is not in use, and costs {USD_A_MONTH:.2f} USD a month.")
        if each.is_stack_gone:
            yield Note("retained", f"{title} does not belong to the stack {each.stack} any more, or the stack is gone.")
    if not subject.is_service:
        used = {target for each in departures for target in each.target.split(", ")}
        for gateway in sorted(subject.facts.nat_gateways.keys() - used):
            yield Note("unusedGateway", f"No VPC route of a task leads to the NAT gateway {gateway}.")


def as_cidr(address: str) -> str:
    """Return an address or a range as a range."""
    return str(ip_network(address))
