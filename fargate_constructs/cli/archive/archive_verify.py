"""`fargate-constructs archive verify`: whether the archive has every event of CloudWatch Logs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click

from fargate_constructs.cli.archive.archive_options import archive_options, chosen, log_groups_option, range_options
from fargate_constructs.cli.archive.hour_comparison import MAX_NAMED, Hour
from fargate_constructs.cli.archive.verification import Group, Verification
from fargate_constructs.cli.command_line import FINDING
from fargate_constructs.cli.options import Place
from fargate_constructs.cli.terminal import moments
from fargate_constructs.cli.terminal.confirmation import yes_option
from fargate_constructs.cli.terminal.moments import as_text
from fargate_constructs.cli.terminal.output import counted, print_json
from fargate_constructs.cli.terminal.progress import Progress

# What a text shows at most; JSON has all hours, and more events.
MAX_HOURS, MAX_EVENTS = 30, 5
COLUMNS = (("logged", "CloudWatch"), ("archived", "archive"), ("missing", "missing"), ("waiting", "waiting"))
MORE_COLUMNS = (("on_the_way", "on its way"), ("only_archived", "only here"))
EXAMPLES = """\b
Examples:
  fargate-constructs archive verify --since 25h --until 1h
  fargate-constructs archive verify Shop/LogArchive --since 7d --log-group /ecs/web --json
"""


@click.command(epilog=EXAMPLES)
@range_options(
    since_help="The first time: 2h, 7d, 2026-11-29T10:00 (UTC).",
    until_help="The end, which does not belong to the range. By default now.",
    is_required=True,
)
@log_groups_option("Only this log group. May be written several times. By default all that are subscribed.")
@yes_option
@archive_options
@click.pass_context
def command(
    context: click.Context,
    *,
    archive: str,
    place: Place,
    since: datetime,
    until: datetime | None,
    log_groups: tuple[str, ...],
    as_json: bool,
    yes: bool,
) -> None:
    """Find events that the archive lacks.

    Each event that CloudWatch Logs has must be in the archive, by its ID; or by stream, time and message, if it was
    backfilled. Nothing is proved about events that CloudWatch Logs has deleted (see its retention) or never received.

    The status is 1 if the archive lacks an event, or if something could not be read. The answer says what to do.
    """
    session, found = chosen(archive, place)
    end = min(until or moments.now(), moments.now())
    if since >= end:
        raise ValueError(f"--since must be before --until and before now, got: {as_text(since)} and {as_text(end)}")
    with Progress() as progress:
        verification = Verification(session, found, since, end, progress)
        groups = verification.groups(log_groups)
        verification.confirm(groups, yes=yes)
        hours = [*verification.run(groups)]
    if as_json:
        print_json(_document(verification, groups, hours))
    else:
        _print(verification, groups, hours)
    if verification.has_finding(hours):
        context.exit(FINDING)


def _print(verification: Verification, groups: Sequence[Group], hours: Sequence[Hour]) -> None:
    way = sum(each.on_the_way for each in hours)
    lacks = sum(each.missing + each.waiting for each in hours)
    logged = sum(each.logged for each in hours)
    if not logged:
        answer = "CloudWatch Logs has no events of this time"
    elif lacks:
        answer = f"{lacks:,} of {logged:,} events are not in the archive"
    else:
        answer = f"{f'{logged - way:,} of' if way else 'all'} {logged:,} events are in the archive"
    answer += f", on their way: {way:,}" if way else ""
    click.echo(f"{verification.archive.name}: {answer}")
    click.echo(
        f"from {as_text(verification.begin)} to {as_text(verification.end)}, {counted(len(groups), 'log group')}"
    )
    for group in groups:
        _print_group(verification, group, [each for each in hours if each.log_group == group.name])
    for each in verification.notes:
        click.echo(f"\n{each}")


def _print_group(verification: Verification, group: Group, hours: Sequence[Hour]) -> None:
    click.echo(f"\n{group.name}")
    for note in group.notes:
        click.echo(f"  {note}")
    full = [each for each in hours if each.logged or each.archived]
    shown = full if len(full) <= MAX_HOURS else [each for each in full if each.has_finding][:MAX_HOURS]
    used = [*COLUMNS, *(each for each in MORE_COLUMNS if any(getattr(hour, each[0]) for hour in hours))]
    if full:
        click.echo(f"  {'hour, UTC':<16}" + "".join(f"{title:>11}" for _, title in used))
    else:
        click.echo("  no events")
    for hour in shown:
        click.echo(f"  {hour.begin:%Y-%m-%d %H:%M}" + "".join(f"{getattr(hour, name):>11,}" for name, _ in used))
    if len(full) > 1:
        totals = "".join(f"{sum(getattr(hour, name) for hour in hours):>11,}" for name, _ in used)
        click.echo(f"  {f'{len(full):,} hours':<16}{totals}")
    missing = [event for hour in hours for event in hour.named]
    for event in missing[:MAX_EVENTS]:
        click.echo(f"  missing  {event.time}  {event.stream}  ID {event.id}")
    more = sum(each.missing for each in hours) - len(missing[:MAX_EVENTS])
    if more > 0:
        click.echo(f"  and {more:,} more; --json has the first {MAX_NAMED:,} of each hour")
    for remedy in verification.remedies(group, hours):
        click.echo(f"  do  {remedy}")


def _document(verification: Verification, groups: Sequence[Group], hours: Sequence[Hour]) -> dict[str, Any]:
    return {
        "archive": verification.archive.name,
        "since": verification.begin.isoformat(),
        "until": verification.end.isoformat(),
        "log_groups": [
            {
                "log_group": group.name,
                "notes": group.notes,
                "todo": verification.remedies(group, [each for each in hours if each.log_group == group.name]),
            }
            for group in groups
        ],
        "hours": [
            {
                "log_group": each.log_group,
                "hour": each.begin.isoformat(),
                "in_cloudwatch_logs": each.logged,
                "in_archive": each.archived,
                "matched_by_content": each.by_content,
                "missing": each.missing,
                "waiting": each.waiting,
                "on_its_way": each.on_the_way,
                "only_in_archive": each.only_archived,
                "missing_events": [
                    {"time": event.time, "timestamp": event.timestamp, "stream": event.stream, "id": event.id}
                    for event in each.named
                ],
            }
            for each in hours
        ],
        "notes": verification.notes,
    }
