"""`fargate-constructs shell`: a shell in a running task, or a command whose output and exit status it passes on."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from fargate_constructs.cli.aws import aws_errors, meaning_of
from fargate_constructs.cli.command_line import FINDING, NO_RESULT
from fargate_constructs.cli.deployed.deployed_services import describe_service, find_service
from fargate_constructs.cli.deployed.service_facts import Reader
from fargate_constructs.cli.options import Place, place_options
from fargate_constructs.cli.shell.exec_checks import Finding, plugin_findings, task_findings
from fargate_constructs.cli.shell.exec_network import network_findings
from fargate_constructs.cli.shell.exec_permissions import permission_findings
from fargate_constructs.cli.shell.exec_session import (
    SHELL,
    STDIN,
    WINDOWS_SHELL,
    MarkedOutput,
    Output,
    attach,
    marked,
    plugin_call,
    relay,
)
from fargate_constructs.cli.shell.exec_targets import ExecTarget, choose_target
from fargate_constructs.cli.terminal.output import counted_findings, print_json
from fargate_constructs.cli.terminal.terminals import HAS_TERMINALS

if TYPE_CHECKING:
    from boto3 import Session

EXAMPLES = """\b
Examples:
  fargate-constructs shell Shop/Web
  fargate-constructs shell Shop/Web --container agent --task 1dc5c17a
  fargate-constructs shell Shop/Web -- ./manage.py dbshell
  fargate-constructs shell Shop/Web -- sh -c 'df -h | grep data' > disks.txt
  fargate-constructs shell Shop/Web --check
"""
NOT_BEGUN = (
    "the command has not begun; what the session printed is above. If the image has no /bin/sh or no cat, write "
    "--no-status; otherwise --check says more"
)
NOT_ENDED = "the session ended before the command did: it may go on in the container, or be lost with its task"


@click.command(epilog=EXAMPLES)
@click.argument("service")
@click.argument("words", metavar="[-- COMMAND]", nargs=-1)
@click.option("--container", metavar="NAME", help="The container. By default the main one.")
@click.option("--task", metavar="ID", help="A task of the cluster, or the beginning of its ID. By default the newest.")
@click.option("--check", is_flag=True, help="Say what a session would lack, and open none.")
@click.option("--no-check", is_flag=True, help="Open the session without asking IAM and EC2 before.")
@click.option("--no-status", is_flag=True, help="Run COMMAND without the shell that prints its status.")
@place_options()
@click.pass_context
def command(
    context: click.Context,
    *,
    service: str,
    words: tuple[str, ...],
    container: str | None,
    task: str | None,
    check: bool,
    no_check: bool,
    no_status: bool,
    as_json: bool,
    place: Place,
) -> None:
    """Open a shell in a running task, or run a command there.

    SERVICE is a construct path, such as Shop/Web, a part of it that fits one service, or CLUSTER/SERVICE. The session
    is one of ECS Exec, in the newest healthy task. What it needs is checked before: each finding says what to do.

    With COMMAND the status is that of COMMAND; 125 if there is none, 130 after Ctrl-C. In a script, COMMAND has no
    input and no terminal. Without COMMAND the status of a session is 0, because ECS Exec knows no other one.
    """
    _validate(words, check=check, no_check=no_check, no_status=no_status, as_json=as_json)
    session = place.session()
    found = find_service(session, service.strip("/"), place.app, place.region)
    reader = Reader(session, found)
    target = choose_target(reader, describe_service(session, found), task=task, container=container)
    findings = [*plugin_findings(), *task_findings(target)]
    if check or not no_check:
        findings += _tried_findings(reader, target)
    if check:
        _print_checks(found.name, target, findings, reader.gaps, as_json=as_json)
        context.exit(FINDING if findings else 0)
    for each in findings:
        click.echo(f"{each.what}\n  do: {each.todo}", err=True)
    if any(each.is_certain for each in findings):
        click.echo(f"{found.name}: no session can open in {target}", err=True)
        context.exit(NO_RESULT)
    click.echo(f"{found.name}: {target}", err=True)
    context.exit(_open(session, found.region, target, words, place.profile, no_status=no_status))


def _validate(words: Sequence[str], *, check: bool, no_check: bool, no_status: bool, as_json: bool) -> None:
    if check and no_check:
        raise click.UsageError("write --check or --no-check, not both")
    if as_json and not check:
        raise click.UsageError("--json needs --check: a session prints what its command prints")
    if no_status and not words:
        raise click.UsageError("--no-status needs a command: -- COMMAND")
    if not words and not check and not _is_on_terminal():
        raise click.UsageError("a shell needs a terminal; in a script write a command: -- COMMAND")


def _tried_findings(reader: Reader, target: ExecTarget) -> list[Finding]:
    """Return what IAM and EC2 say; without their answer the session may open all the same."""
    findings: list[Finding] = []
    for subject, check in (("permissions", permission_findings), ("the network", network_findings)):
        try:
            findings.extend(check(reader, target))
        except aws_errors() as error:
            reader.gaps.append(f"{subject}: {meaning_of(error)}")
    return findings


def _is_on_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _print_checks(
    name: str, target: ExecTarget, findings: Sequence[Finding], gaps: Sequence[str], *, as_json: bool
) -> None:
    if as_json:
        found = [each._asdict() for each in findings]
        about = {"service": name, "task": target.task_id, "container": target.name}
        print_json({**about, "findings": found, "not_shown": [*gaps]})
        return
    click.echo(f"{name}: {counted_findings(len(findings))}\n{target}")
    for each in findings:
        click.echo(f"\n{each.what}\n  do: {each.todo}")
    for gap in gaps:
        click.echo(f"\nnot checked: {gap}")


def _open(
    session: Session, region: str, target: ExecTarget, words: Sequence[str], profile: str | None, *, no_status: bool
) -> int:
    """Open a session, and return the exit status of its command."""
    is_direct = not words or no_status or target.is_windows or not HAS_TERMINALS
    on_terminal = _is_on_terminal()
    default = WINDOWS_SHELL if target.is_windows else SHELL
    text, word = (shlex.join(words or default), "") if is_direct else marked(words, on_terminal=on_terminal)
    plugin = plugin_call(session, region, target, text, profile)
    if is_direct and words:
        click.echo("the status of the command is not known", err=True)
    if is_direct and (on_terminal or not HAS_TERMINALS):
        return NO_RESULT if attach(plugin) else 0
    output = Output() if is_direct else MarkedOutput(word, keeps_returns=on_terminal)
    stream = sys.stdout.buffer

    def write(data: bytes) -> None:
        stream.write(data)
        stream.flush()

    relay(plugin, output, write, terminal=STDIN if on_terminal else None)
    if not isinstance(output, MarkedOutput):
        return 0
    if output.status is None:
        click.echo(output.before.decode(errors="replace").replace("\r", ""), err=True)
        click.echo(NOT_ENDED if output.has_begun else NOT_BEGUN, err=True)
        return NO_RESULT
    return output.status
