"""`fargate-constructs egress`: the addresses from which tasks reach the internet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from fargate_constructs.cli.command_line import FINDING, FINE, NO_ANSWER
from fargate_constructs.cli.deployed.deployed_networks import find_subject
from fargate_constructs.cli.deployed.egress_addresses import ANYWHERE, Departure
from fargate_constructs.cli.egress.address_probes import Seen, ask_from_inside, plan_probes, summary
from fargate_constructs.cli.egress.egress_report import (
    Address,
    Report,
    answered_from_inside,
    as_cidr,
    described,
    report_on,
)
from fargate_constructs.cli.options import Place, place_options
from fargate_constructs.cli.terminal.confirmation import confirm, yes_option
from fargate_constructs.cli.terminal.output import console, counted, counted_findings, print_json, print_wrapped

INDENT, LABEL = 2, 12
VERDICTS = {"proven": "as expected", "otherAddress": "another address than expected", "noAnswer": "no answer"}
NOT_OF_THIS_ACCOUNT = "no Elastic IP of this account and region"
EXAMPLES = """\b
Examples:
  fargate-constructs egress Shop/Web
  fargate-constructs egress Shop/Network --addresses
  fargate-constructs egress vpc-0123456789abcdef0 --cidrs
  fargate-constructs egress --region eu-west-1 --json
  fargate-constructs egress Shop/Web --prove
"""


@click.command(epilog=EXAMPLES)
@click.argument("name", metavar="[SERVICE|NETWORK]", default="")
@click.option("--addresses", "plain", flag_value="addresses", help="Print only addresses and IPv6 ranges, one a line.")
@click.option("--cidrs", "plain", flag_value="cidrs", help="Print only ranges, one a line, such as 203.0.113.7/32.")
@click.option("--prove", is_flag=True, help="Start a task in each subnet, which asks what address the internet sees.")
@yes_option
@place_options()
@click.pass_context
def command(
    context: click.Context, *, name: str, plain: str | None, prove: bool, yes: bool, as_json: bool, place: Place
) -> None:
    """Show the addresses from which tasks reach the internet.

    The name is a construct path, such as Shop/Web, or a part of it that fits one service or one network;
    CLUSTER/SERVICE; or the ID or the tag Name of a VPC, also of one that CDK did not make. A network has all its
    services and private subnets. Without a name it is the app in cdk.out, or all of the region. Nothing is changed,
    except that --prove starts tasks for a minute.

    The status is 1 if a service leaves from an address that may change or is not known. With --prove it is also 1 if
    the internet sees another address, and 2 if a task gets no answer.
    """
    if plain and (as_json or prove):
        raise click.UsageError(f"--{plain} and {'--json' if as_json else '--prove'} exclude each other")
    session = place.session()
    report = report_on(session, find_subject(session, name.strip("/"), place.app, place.region))
    seen = []
    if prove:
        probes = plan_probes(report.subject, report.departures)
        confirm(summary(probes), yes=yes)
        seen = ask_from_inside(session, report.subject.region, probes)
        answered = [each.probe.subnet for each in seen if each.verdict(report.elastic_ips) != "noAnswer"]
        report = answered_from_inside(report, answered)
    if as_json:
        print_json(as_document(report, seen))
    elif plain:
        for address in report.allow_list():
            click.echo(as_cidr(address) if plain == "cidrs" else address)
        for each in (*report.findings, *(note for note in report.notes if note.id == "isolated")):
            click.echo(each.text, err=True)
    else:
        print_report(console(), report, seen)
    context.exit(status_of(report, seen))


def status_of(report: Report, seen: Sequence[Seen]) -> int:
    """Return the exit status."""
    verdicts = [each.verdict(report.elastic_ips) for each in seen]
    if "otherAddress" in verdicts:
        return FINDING
    return NO_ANSWER if "noAnswer" in verdicts else FINDING if report.findings else FINE


def print_report(screen: Console, report: Report, seen: Sequence[Seen] = ()) -> None:
    """Print the answer as text."""
    subject, count = report.subject, len(report.findings)
    addresses = counted(len(report.addresses), "address", "addresses") if report.addresses else "no addresses"
    title = f"{subject.name}: {addresses}, {counted_findings(count)}"
    screen.print(Text(title, style="bold red" if count else "bold green"))
    screen.print(Text(", ".join([*(each.vpc for each in subject.networks), subject.region])))
    if report.addresses:
        _print_title(screen, "Addresses")
    for address in report.addresses:
        _print_address(screen, address)
    if report.services:
        _print_title(screen, "Services")
    width = max((len(found.name) for found, _ in report.services), default=0) + INDENT + 2
    for found, egress in report.services:
        addresses = ", ".join(egress.addresses) or "no fixed address"
        print_wrapped(screen, addresses, first=f"{'':{INDENT}}{found.name}", indent=width)
    _print_title(screen, "VPC routes")
    for each in report.departures:
        _print_departure(screen, each)
    if seen:
        _print_title(screen, "Seen from the internet")
    for sight in seen:
        _print_seen(screen, sight, sight.verdict(report.elastic_ips))
    for title, notes in (("Findings", report.findings), ("Notes", report.notes)):
        _print_notes(screen, title, [each.text for each in notes])
    _print_notes(screen, "Not checked", report.gaps)


def _print_title(screen: Console, title: str) -> None:
    screen.print()
    screen.print(Text(title, style="bold"))


def _print_notes(screen: Console, title: str, texts: Sequence[str]) -> None:
    if texts:
        _print_title(screen, title)
    for text in texts:
        print_wrapped(screen, text, first=f"{'':{INDENT}}-", indent=INDENT + 2)


def _print_address(screen: Console, address: Address) -> None:
    screen.print(f"{'':{INDENT}}{address.address}")
    elastic_ip = address.elastic_ip
    rows = [("by", ", ".join(address.targets)), ("from", ", ".join(address.zones))]
    if elastic_ip:
        owner = ", ".join(filter(None, [elastic_ip.owner or elastic_ip.name, elastic_ip.allocation_id]))
        pool = "" if elastic_ip.pool == "amazon" else elastic_ip.pool
        rows = [("owner", owner), ("pool", pool), ("reverse DNS", elastic_ip.reverse_dns), *rows]
    for label, text in rows:
        if text:
            print_wrapped(screen, text, first=f"{'':{INDENT * 2}}{label}", indent=INDENT * 2 + LABEL)


def _print_departure(screen: Console, departure: Departure) -> None:
    destination = "" if departure.destination == ANYWHERE else f"{departure.destination} "
    found = described(departure) if departure.problem else ", ".join(departure.addresses)
    found = found or "the subnet has no IPv6 range"
    target = f"{departure.target}  " if departure.target and not departure.problem else ""
    first = f"{'':{INDENT}}{departure.zone}  {departure.subnet}  "
    print_wrapped(screen, f"{destination}{target}{found}", first=first, indent=len(first))


def _print_seen(screen: Console, seen: Seen, verdict: str) -> None:
    is_expected = seen.probe.expected or verdict != "otherAddress"
    text = VERDICTS[verdict] if is_expected else NOT_OF_THIS_ACCOUNT
    more = f" ({seen.text})" if seen.text else ""
    first = f"{'':{INDENT}}{seen.probe.zone}  {seen.probe.subnet}  "
    print_wrapped(screen, f"{', '.join(seen.addresses) or 'no address'}: {text}{more}", first=first, indent=len(first))


def as_document(report: Report, seen: Sequence[Seen] = ()) -> dict[str, Any]:
    """Return the answer as a document for JSON."""
    subject = report.subject
    return {
        "name": subject.name,
        "scope": subject.scope,
        "region": subject.region,
        "networks": [each._asdict() for each in subject.networks],
        "allow_list": report.allow_list(),
        "addresses": [
            each._asdict() | {"elastic_ip": each.elastic_ip._asdict() if each.elastic_ip else None}
            for each in report.addresses
        ],
        "unused": [each._asdict() for each in report.unused],
        "services": [
            {
                "name": found.name,
                "cluster": found.cluster,
                "service": found.service,
                "addresses": egress.addresses,
                "problems": egress.problems,
            }
            for found, egress in report.services
        ],
        "routes": [each._asdict() for each in report.departures],
        "findings": [each._asdict() for each in report.findings],
        "notes": [each._asdict() for each in report.notes],
        "not_shown": report.gaps,
        "proof": [
            {
                "subnet": each.probe.subnet,
                "zone": each.probe.zone,
                "expected": [*each.probe.expected, *each.probe.ipv6_ranges],
                "seen": each.addresses,
                "verdict": each.verdict(report.elastic_ips),
                "text": each.text,
            }
            for each in seen
        ],
    }
