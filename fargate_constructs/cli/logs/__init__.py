"""`fargate-constructs logs`: the log of a service or a job, from CloudWatch Logs and from the archive."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Callable, Sequence
from datetime import datetime

import click

from fargate_constructs.cli.command_line import FINE, NO_ANSWER
from fargate_constructs.cli.deployed.deployed_resources import MAX_LISTED
from fargate_constructs.cli.logs.group_history import GroupHistory, Person, Request, Source
from fargate_constructs.cli.logs.log_history import TAIL, LogHistory
from fargate_constructs.cli.logs.log_lines import LinePrinter
from fargate_constructs.cli.logs.log_sources import find_logs
from fargate_constructs.cli.options import Place, place_options
from fargate_constructs.cli.terminal.confirmation import confirm, yes_option
from fargate_constructs.cli.terminal.moments import Moment, as_text, milliseconds, now, validate_range
from fargate_constructs.cli.terminal.progress import Progress

EXAMPLES = """\b
Examples:
  fargate-constructs logs Shop/Web
  fargate-constructs logs Web --follow
  fargate-constructs logs Web --since 2h --grep 'timeout|refused'
  fargate-constructs logs Web --since 2026-03-01 --until 2026-03-02 --json
  fargate-constructs logs Shop/Nightly --task 1dc5c17a
  fargate-constructs logs /aws/lambda/resize --tail 20
"""


@click.command(epilog=EXAMPLES)
@click.argument("name", metavar="SERVICE|JOB|LOG_GROUP")
@click.option("--since", type=Moment(), help="The first time, such as 2h or 2026-11-29T10:00 (UTC).")
@click.option("--until", type=Moment(), help="The end, which does not belong to the range. By default now.")
@click.option("--tail", "-n", type=click.IntRange(min=0), help=f"The last lines only. Without --since {TAIL}.")
@click.option("--follow", "-f", is_flag=True, help="Print new lines until Ctrl-C.")
@click.option("--grep", "-g", "expression", default="", help="A regular expression of Python that a line must match.")
@click.option("--container", "-c", "containers", metavar="NAME", multiple=True, help="A container. By default all.")
@click.option("--task", metavar="ID", default="", help="A task, or the beginning of its ID. By default all.")
@click.option(
    "--source",
    type=click.Choice([each.value for each in Source]),
    default=Source.auto.value,
    help="Where to read. By default CloudWatch Logs, and the archive for what is past the retention.",
)
@click.option("--no-prefix", is_flag=True, help="Print messages without time, task and container.")
@yes_option
@place_options("Print one JSON document for each line.")
@click.pass_context
def command(
    context: click.Context,
    *,
    name: str,
    since: datetime | None,
    until: datetime | None,
    tail: int | None,
    follow: bool,
    expression: str,
    containers: tuple[str, ...],
    task: str,
    source: str,
    no_prefix: bool,
    as_json: bool,
    yes: bool,
    place: Place,
) -> None:
    """Print the log of a service, a job or a log group.

    SERVICE or JOB is a construct path, such as Shop/Web, a part of it that fits one service or job, or CLUSTER/SERVICE.
    The lines of all containers and tasks are in the order of time. What CloudWatch Logs no longer has is read from the
    log archive in S3, each line once. Nothing is changed.

    The status is 0 also without a line, and 2 if a part of the lines could not be read.
    """
    _validate(since, until, follow=follow, expression=expression, source=source)
    session = place.session()
    found = find_logs(session, name if name.startswith("/") else name.strip("/"), place)
    chosen = found.of(containers, task)
    for each in chosen.notes:
        click.echo(each, err=True)
    if not chosen.sources:
        raise ValueError(f"{chosen.name} must have a container that logs to CloudWatch Logs or an archive, got none")
    with Progress() as progress:
        printer = LinePrinter(chosen.sources, has_prefix=not no_prefix, as_json=as_json, before=progress.clear)
        person = Person(lambda text: confirm(text, yes=yes), progress.note, _shown(progress, printer))
        at = milliseconds(now())
        request = Request(Source(source), expression, has_time=bool(since or until), at=at, app=place.app)
        groups = [GroupHistory(session, each, request, person) for each in chosen.by_group().values()]
        _validate_groups(groups, person, follow=follow, source=source)
        history = LogHistory(groups, at, since, until, tail)
        for lines in history.followed() if follow else [history.lines()]:
            printer.print(lines)
    if note := history.note(printer.count):
        click.echo(f"{found.name}: {note}", err=True)
    unreadable = history.unreadable
    for text in unreadable[:MAX_LISTED]:
        click.echo(f"not read: {text}", err=True)
    if len(unreadable) > MAX_LISTED:
        click.echo(f"not read: {len(unreadable) - MAX_LISTED:,} more", err=True)
    context.exit(FINE if history.is_complete else NO_ANSWER)


def _validate(since: datetime | None, until: datetime | None, *, follow: bool, expression: str, source: str) -> None:
    """Refuse options that contradict each other."""
    validate_range(since, until)
    if since and since > now():
        raise click.UsageError(f"--since must be in the past, got: {as_text(since)}")
    if follow and until:
        raise click.UsageError("--follow has no end; leave out --until")
    if follow and source == Source.archive.value:
        raise click.UsageError("--follow reads CloudWatch Logs; leave out --source archive")
    try:
        re.compile(expression)
    except re.error as error:
        raise click.UsageError(f"--grep must be a regular expression, got: {expression!r}: {error}") from None


def _validate_groups(groups: Sequence[GroupHistory], person: Person, *, follow: bool, source: str) -> None:
    """Refuse what only CloudWatch Logs has, if none of the lines are there; note those that are not."""
    reasons = [each.why_not_cloudwatch for each in groups if each.why_not_cloudwatch]
    if follow or source == Source.cloudwatch.value:
        if len(reasons) == len(groups):
            option = "--follow" if follow else "--source cloudwatch"
            raise ValueError(f"{option} must be for lines of CloudWatch Logs; {'; '.join(reasons)}")
        for each in reasons:
            person.note(each)


def _shown(progress: Progress, printer: LinePrinter) -> Callable[[str], None]:
    """Return what shows the progress; nothing without a terminal.

    What reads from a pipe, such as `jq`, may print in the same terminal, so there is none after the first line.
    """
    if not sys.stderr.isatty():
        return lambda _: None
    is_pipe = stat.S_ISFIFO(os.fstat(1).st_mode)
    return lambda text: None if is_pipe and printer.count else progress.show(text)
