"""`fargate-constructs archive`: what is in a log archive, and what is not.

```
archive ──> query (Athena) ──> table, CSV, JSON, Parquet      failure bucket ──> replay ──> archive
        ──> fetch ──> a folder                                CloudWatch Logs ──> backfill ──> archive
                                        CloudWatch Logs and archive ──> verify ──> what is missing
```
"""

import click

from fargate_constructs.cli.lazy_group import LazyGroup

COMMANDS = {
    "backfill": "Copy to the archive what a log group held before.",
    "fetch": "Copy objects of the archive to a folder.",
    "query": "Query the archive by Athena.",
    "replay": "Send failed batches to the archive again, now.",
    "verify": "Find events that the archive lacks.",
}
EXAMPLES = """\b
Examples:
  fargate-constructs archive query --named top_talkers --since 1d
  fargate-constructs archive verify --since 25h --until 1h
  fargate-constructs archive fetch Shop/LogArchive --since 2026-11-28 --output logs
"""


@click.group(
    cls=LazyGroup,
    module="fargate_constructs.cli.archive.archive_{}",
    short_helps=COMMANDS,
    epilog=EXAMPLES,
    options_metavar="",
    subcommand_metavar="COMMAND [ARCHIVE] [OPTIONS]",
)
def command() -> None:
    """Query, fetch, replay, backfill and verify archived logs.

    ARCHIVE is the construct path of a log archive, such as Shop/LogArchive, or a part of it that fits one archive. It
    may be left out if there is one archive. What costs money or changes something needs a confirmation, or --yes.
    """
