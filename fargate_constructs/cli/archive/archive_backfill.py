"""`fargate-constructs archive backfill`: what a log group held before it was shipped, or what was not delivered."""

from __future__ import annotations

import json
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import click

from fargate_constructs.cli.archive.archive_options import archive_options, chosen, range_options
from fargate_constructs.cli.command_line import FINDING
from fargate_constructs.cli.deployed.deployed_resources import DeployedStack
from fargate_constructs.cli.options import Place
from fargate_constructs.cli.terminal.confirmation import confirm, yes_option
from fargate_constructs.cli.terminal.output import counted, print_json
from fargate_constructs.logs.backfill import PREFIX

if TYPE_CHECKING:
    from boto3 import Session

    from fargate_constructs.cli.deployed.archives import DeployedArchive

EXAMPLES = """\b
Examples:
  fargate-constructs archive backfill --log-group /ecs/web
  fargate-constructs archive backfill Shop/LogArchive --log-group /ecs/web \\
    --since 2026-11-01 --until 2026-11-20 --export-bucket shop-exports
"""


@click.command(epilog=EXAMPLES)
@click.option("--log-group", required=True, help="The log group, such as /ecs/web.")
@click.option("--export-bucket", help="The bucket for export tasks. By default the LogExportBucket of the same stack.")
@range_options(
    since_help="The first time: 30d, 2026-11-01 (UTC). By default that of the first event.",
    until_help="The end, which does not belong to the range. By default 12 hours ago, the newest that can be exported.",
)
@yes_option
@archive_options
@click.pass_context
def command(
    context: click.Context,
    *,
    archive: str,
    place: Place,
    log_group: str,
    export_bucket: str | None,
    since: datetime | None,
    until: datetime | None,
    as_json: bool,
    yes: bool,
) -> None:
    """Copy to the archive what a log group held before.

    Export tasks of CloudWatch Logs write each day to the export bucket. What the archive lacks of it is added, so
    nothing is stored twice, and the command may be stopped and started again.

    The status is 1 if something is left for another run.
    """
    from fargate_constructs.logs.backfill.log_group_backfill import (  # noqa: PLC0415 - it loads boto3
        Backfill,
        UnfinishedError,
    )
    from fargate_constructs.logs.backfill.zipped_objects import BackfillError  # noqa: PLC0415 - the same

    session, found = chosen(archive, place)
    if found.format == "raw" and not (since and until):
        raise ValueError(
            f"{found.name} stores raw batches, which backfill cannot compare with; write --since and --until, so that "
            "it ends where they begin"
        )
    exports = export_bucket or _export_bucket(session, found)
    backfill = Backfill(
        log_group=log_group,
        archive_bucket=found.bucket,
        export_bucket=exports,
        report=lambda line: click.echo(line, err=True),
        client=partial(session.client, region_name=found.region),
    )
    left: list[str] = []
    try:
        days = backfill.days(since, until)
        confirm(
            f"{counted(len(days), 'export task')} from {log_group} to {exports}, one after the other, each for "
            f"minutes. What {found.name} lacks is added. S3 bills requests, and what is stored.",
            yes=yes,
        )
        written = backfill.run(since, until)
    except UnfinishedError as error:
        left, written = error.left, error.written
    except BackfillError as error:
        raise ValueError(str(error)) from error
    if as_json:
        print_json({"archive": found.name, "log_group": log_group, **written._asdict(), "left": left})
    else:
        events, objects = counted(written.events, "event"), counted(written.objects, "object")
        click.echo(f"{events} in {objects} written, {written.there_already:,} were there")
    for each in left:
        click.echo(f"left for another run: {each}", err=True)
    if left:
        context.exit(FINDING)


def _export_bucket(session: Session, archive: DeployedArchive) -> str:
    """Return the bucket for export tasks in the archive's stack: the policy of a `LogExportBucket` has the prefix."""
    stack = DeployedStack(session, archive.stack, archive.region)
    found = [
        bucket.physical_id
        for policy in stack.of_type("AWS::S3::BucketPolicy")
        if PREFIX in json.dumps(stack.properties(policy.logical_id))
        for bucket in stack.of_type("AWS::S3::Bucket")
        if stack.properties(policy.logical_id).get("Bucket") == {"Ref": bucket.logical_id}
    ]
    if len(found) != 1:
        raise ValueError(
            f"the stack of {archive.name} must have one LogExportBucket, got: {len(found)}; write --export-bucket, or "
            'add LogExportBucket(stack, "Exports")'
        )
    return found[0]
