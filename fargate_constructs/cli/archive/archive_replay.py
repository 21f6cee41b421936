"""`fargate-constructs archive replay`: sends failed batches to the archive again, until none waits."""

from __future__ import annotations

import click

from fargate_constructs.cli.archive.archive_options import archive_options, chosen
from fargate_constructs.cli.archive.failed_batches import Replays
from fargate_constructs.cli.command_line import FINDING
from fargate_constructs.cli.options import Place
from fargate_constructs.cli.terminal.output import counted, print_json
from fargate_constructs.cli.terminal.progress import Progress

EXAMPLES = """\b
Examples:
  fargate-constructs archive replay
  fargate-constructs archive replay Shop/LogArchive --runs 100
"""


@click.command(epilog=EXAMPLES)
@click.option(
    "--runs",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="How often the replay function is called at most. A run takes up to 15 minutes.",
)
@archive_options
@click.pass_context
def command(context: click.Context, *, archive: str, place: Place, runs: int, as_json: bool) -> None:
    """Send failed batches to the archive again, now.

    The archive's replay function does the same every hour, so there is no confirmation. It is called until no batch
    waits, or until a run stores none.

    The status is 1 if batches still wait.
    """
    session, found = chosen(archive, place)
    if not found.replay:
        raise ValueError(f"{found.name} has no replay function that could be found: {'; '.join(found.lacks)}")
    replays = Replays(session, found)
    replayed, waiting = 0, 0
    with Progress() as progress:
        for number in range(1, runs + 1):
            progress.show(f"run {number} of at most {runs}: {replayed:,} replayed so far")
            run = replays.run()
            replayed, waiting = replayed + run.replayed, run.waiting
            if not run.waiting or not run.replayed:
                break
        quarantined = replays.quarantined()
    reasons = run.reasons if waiting else []
    if as_json:
        print_json(
            {
                "archive": found.name,
                "runs": number,
                "replayed": replayed,
                "waiting": waiting,
                "reasons": reasons,
                "quarantined": quarantined,
            }
        )
    else:
        click.echo(f"{replayed:,} replayed, {waiting:,} still waiting, after {counted(number, 'run')}")
        for each in reasons:
            click.echo(f"    {each}")
        if waiting:
            click.echo(f"The log of the function says why: {replays.log_command()}")
        if quarantined:
            click.echo(
                f"{counted(quarantined, 'batch', 'batches')} in s3://{found.failure_bucket}/quarantine/ could not be "
                "read, and no run replays them."
            )
    if waiting:
        context.exit(FINDING)
