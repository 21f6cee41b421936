"""`fargate-constructs explain`: why the tasks of a service do not start, or why a deployment was rolled back."""

from __future__ import annotations

import re
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from fargate_constructs.cli.causes.diagnosis import Diagnosis, Finding, diagnose
from fargate_constructs.cli.command_line import FINDING
from fargate_constructs.cli.deployed.deployed_services import DeployedService, find_service
from fargate_constructs.cli.deployed.service_facts import Reader
from fargate_constructs.cli.options import Place, place_options
from fargate_constructs.cli.terminal.moments import as_text
from fargate_constructs.cli.terminal.output import (
    SHORT_ID,
    console,
    counted_findings,
    print_json,
    print_section,
    print_wrapped,
)

INDENT, LABEL = 2, 6
TASK_ID = re.compile(rf"(?<=task )(\w{{{SHORT_ID}}})\w+")
# A text output shows this many; JSON has all.
MAX_TEXTS, MAX_PLACES = 3, 4
EXAMPLES = """\b
Examples:
  fargate-constructs explain Shop/Web
  fargate-constructs explain Web --region eu-west-1
  fargate-constructs explain my-cluster/my-service --json
"""


@click.command(epilog=EXAMPLES)
@click.argument("service")
@place_options()
@click.pass_context
def command(context: click.Context, *, service: str, as_json: bool, place: Place) -> None:
    """Say why tasks of a service do not start, or stop.

    SERVICE is a construct path, such as Shop/Web, or a part of it that fits one service; or CLUSTER/SERVICE, also of a
    service that CDK did not make. Nothing is changed.

    The status is 1 if there is a finding: a failure of the last hour or of the last deployment, or something that the
    next task will lack.
    """
    session = place.session()
    found = find_service(session, service.strip("/"), place.app, place.region, also_lost=True)
    diagnosis = diagnose(Reader(session, found))
    if as_json:
        print_json(as_document(found, diagnosis))
    else:
        print_diagnosis(console(), found, diagnosis)
    if diagnosis.findings:
        context.exit(FINDING)


def print_diagnosis(screen: Console, found: DeployedService, diagnosis: Diagnosis) -> None:
    """Print the answer about a service as text."""
    count = len(diagnosis.findings)
    title = f"{found.name}: {counted_findings(count)}"
    screen.print(Text(title, style="bold red" if count else "bold green"))
    screen.print(Text(_state(diagnosis)))
    place = f"service {found.service}, cluster {found.cluster}" if found.service else "no service was created"
    screen.print(Text(f"{place}, {found.region}"))
    for each in diagnosis.findings:
        _print_finding(screen, each)
    for name, lines in diagnosis.log_lines.items():
        title = f"Last lines of {name} in task {diagnosis.log_task[:SHORT_ID]}"
        print_section(screen, title, lines or ["(it logged nothing)"], INDENT)
    print_section(screen, "Other events", diagnosis.other_events, INDENT)
    print_section(screen, "Not checked", diagnosis.gaps, INDENT)


def _state(diagnosis: Diagnosis) -> str:
    """Return how many tasks run, and how the last deployment is."""
    service = diagnosis.facts.service
    tasks = f"{service['runningCount']} of {service['desiredCount']} tasks run, {service['pendingCount']} start"
    statuses = [each["status"] for each in diagnosis.facts.deployments[:1]] or [
        each.get("rolloutState", each["status"]) for each in service["deployments"][:1]
    ]
    return ", ".join([tasks, *(f"last deployment {each.lower().replace('_', ' ')}" for each in statuses)])


def _print_finding(screen: Console, finding: Finding) -> None:
    cause, places = finding.cause, [TASK_ID.sub(r"\1", each) for each in finding.places]
    more = f" and {len(places) - MAX_PLACES} more" if len(places) > MAX_PLACES else ""
    times = [each.time for each in finding.observations if each.time]
    last = f", last {as_text(max(times))}" if times else ""
    rows = [("why", cause.why), ("do", cause.todo), ("in", f"{', '.join(places[:MAX_PLACES])}{more}{last}")]
    rows += [("text", text) for text in finding.texts[:MAX_TEXTS]]
    if len(finding.texts) > MAX_TEXTS:
        rows.append(("", f"and {len(finding.texts) - MAX_TEXTS} more texts, which --json has"))
    rows += [("quota", text) for text in finding.details]
    screen.print()
    screen.print(Text(cause.what, style="bold"))
    for label, text in rows:
        print_wrapped(screen, text, first=f"{'':{INDENT}}{label}", indent=INDENT + LABEL)
    # An address in two lines is none that a terminal opens.
    screen.print(f"{'':{INDENT}}{'see':{LABEL}}{cause.page}", soft_wrap=True)


def as_document(found: DeployedService, diagnosis: Diagnosis) -> dict[str, Any]:
    """Return the answer about a service as a document for JSON."""
    facts = diagnosis.facts
    return {
        "service": found._asdict(),
        "status": facts.service["status"],
        "running": facts.service["runningCount"],
        "pending": facts.service["pendingCount"],
        "desired": facts.service["desiredCount"],
        "deployment": facts.deployments[0]["status"] if facts.deployments else None,
        "findings": [_finding(each) for each in diagnosis.findings],
        "other_events": diagnosis.other_events,
        "log_task": diagnosis.log_task,
        "log_lines": diagnosis.log_lines,
        "not_shown": diagnosis.gaps,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    cause = finding.cause
    return {
        "cause": cause.id,
        "what": cause.what,
        "why": cause.why,
        "todo": cause.todo,
        "page": cause.page,
        "seen": [
            {"text": each.text, "where": each.where, "time": each.time.isoformat() if each.time else None}
            for each in finding.observations
        ],
        "details": finding.details,
    }
