"""`fargate-constructs archive query`: SQL over an archive, by Athena."""

from __future__ import annotations

import shutil
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO
from urllib.parse import urlsplit

import click

from fargate_constructs.cli.archive.archive_options import archive_options, chosen, log_groups_option, range_options
from fargate_constructs.cli.archive.archived_log_groups import chosen_log_groups
from fargate_constructs.cli.archive.athena_queries import Finished, Workgroup, named_queries
from fargate_constructs.cli.archive.object_downloads import Download, download_all
from fargate_constructs.cli.archive.query_output import WRITERS
from fargate_constructs.cli.archive.query_sql import Query, as_literal
from fargate_constructs.cli.aws import paged
from fargate_constructs.cli.events.archived_events import RETRIEVAL_PRICE
from fargate_constructs.cli.options import Place
from fargate_constructs.cli.terminal.confirmation import confirm, yes_option
from fargate_constructs.cli.terminal.interrupts import terminations_as_interrupts
from fargate_constructs.cli.terminal.output import counted, in_bytes, print_json
from fargate_constructs.cli.terminal.progress import Progress

if TYPE_CHECKING:
    from boto3 import Session

    from fargate_constructs.cli.deployed.archives import DeployedArchive

FORMATS = [*WRITERS, "parquet"]
SUFFIXES = {".csv": "csv", ".json": "json", ".parquet": "parquet"}
# USD for a TB that Athena reads, in us-east-1, and the least that it bills (https://aws.amazon.com/athena/pricing/).
PRICE, MIN_BYTES = 5.0, 10_000_000
EXAMPLES = """\b
Examples:
  fargate-constructs archive query --list
  fargate-constructs archive query --named top_talkers --since 1d
  fargate-constructs archive query --named one_request_across_services --parameter 7f3a
  fargate-constructs archive query Shop/LogArchive --since 2h --log-group /ecs/web \\
    --sql "SELECT time, message FROM logs WHERE message LIKE '%timeout%'"
  fargate-constructs archive query --sql - --since 7d --output week.parquet < week.sql
"""


@click.command(epilog=EXAMPLES)
@click.option("--sql", help="The SQL, over the view `logs` or the table `lines`. `-` reads the standard input.")
@click.option("--named", help="The name of a saved query.")
@click.option("--list", "is_list", is_flag=True, help="List the saved queries.")
@click.option("--parameter", "parameters", multiple=True, help="A text for the next `?` of the query.")
@range_options(
    since_help="Read only events since then: 2h, 7d, 2026-11-29T10:00 (UTC).",
    until_help="Read only events before then. By default all.",
)
@log_groups_option("Read only this log group. May be written several times.")
@click.option("--format", "format_", type=click.Choice(FORMATS), help="By default that of --output, or a table.")
@click.option("--output", type=click.Path(path_type=Path), help="The file to write; for Parquet a new folder.")
@yes_option
@archive_options
def command(
    *,
    archive: str,
    place: Place,
    sql: str | None,
    named: str | None,
    is_list: bool,
    parameters: tuple[str, ...],
    since: datetime | None,
    until: datetime | None,
    log_groups: tuple[str, ...],
    format_: str | None,
    as_json: bool,
    output: Path | None,
    yes: bool,
) -> None:
    """Query the archive by Athena.

    --since, --until and --log-group limit what the query sees as `logs` and `lines`, and so what Athena reads and
    bills. A query that names no day needs a confirmation. Ctrl-C stops the query.
    """
    if [sql is not None, named is not None, is_list].count(True) != 1:
        raise click.UsageError("write one of --sql, --named and --list")
    chosen_format = _format(format_, as_json=as_json, output=output)
    session, found = chosen(archive, place)
    if not found.workgroup:
        lacks = "; ".join(found.lacks) or "a catalog"
        raise ValueError(
            f"a query needs the catalog of an archive, which {found.name} lacks: {lacks}; fetch its objects instead"
        )
    if is_list:
        _print_saved(session, found, as_json=as_json)
        return
    query = Query(_sql_of(session, found, sql, named))
    if query.parameters != len(parameters):
        raise ValueError(
            f"the query has {query.parameters} `?`, got: {len(parameters)} --parameter; write one for each `?`"
        )
    names_days = query.names_days or since is not None
    if log_groups:  # a mistyped one would have no rows
        chosen_log_groups(session, found, log_groups)
    limited = query.limited(found.database, since, until, log_groups)
    with Progress() as progress, terminations_as_interrupts():
        client = session.client("athena", region_name=found.region)
        athena = Workgroup(client, found.workgroup, found.database, progress.show)
        if not names_days:
            confirm(_warning(athena.configuration().get("BytesScannedCutoffPerQuery")), yes=yes)
        literals = [as_literal(each) for each in parameters]
        if chosen_format == "parquet":
            assert output is not None
            s3 = session.client("s3", region_name=found.region)
            finished = _unload(s3, athena, limited, literals, output)
            result = f"written to {output}"
        else:
            finished = athena.run(limited.text, literals)
            columns = athena.columns(finished)
            progress.clear()  # the rows may go to the same terminal
            with _opened(output) as out:
                count = WRITERS[chosen_format](columns, athena.rows(finished, columns), out)
            result = counted(count, "row")
        progress.note(f"{result}; {_bill(finished)}")


def _format(format_: str | None, *, as_json: bool, output: Path | None) -> str:
    """Return the format that the options mean."""
    of_file = SUFFIXES.get(output.suffix.lower()) if output else None
    made = format_ or ("json" if as_json else of_file or "table")
    if as_json and made != "json":
        raise click.UsageError(f"--json is --format json, got both --json and --format {made}; leave one out")
    if made == "parquet" and output is None:
        raise click.UsageError("Parquet needs a folder; write --output FOLDER")
    if made == "parquet" and output and output.exists():
        raise click.UsageError(f"the folder for Parquet must be new, got: {output}; name another, or remove it")
    if output and made != "parquet" and (output.is_dir() or not output.parent.is_dir()):
        raise click.UsageError(f"--output must be a file in a folder that exists, got: {output}")
    return made


def _sql_of(session: Session, archive: DeployedArchive, sql: str | None, named: str | None) -> str:
    """Return the SQL of the option."""
    if sql is not None:
        return sys.stdin.read() if sql == "-" else sql
    saved = named_queries(session, archive)
    if named not in saved:
        raise ValueError(f"--named must be one of {', '.join(sorted(saved))}, got: {named}")
    text: str = saved[named]["QueryString"]
    return text


def _print_saved(session: Session, archive: DeployedArchive, *, as_json: bool) -> None:
    saved = named_queries(session, archive)
    facts = [
        {
            "name": name,
            "description": query.get("Description", ""),
            "parameters": Query(query["QueryString"]).parameters,
            "sql": query["QueryString"],
        }
        for name, query in sorted(saved.items())
    ]
    if as_json:
        print_json(facts)
        return
    for each in facts:
        needs = f" It needs {each['parameters']} --parameter." if each["parameters"] else ""
        click.echo(f"{each['name']}\n    {each['description']}{needs}")


def _warning(limit: int | None) -> str:
    """Return what a query without a day may cost."""
    if limit is None:
        return "The query names no day (dt, or --since), so Athena reads the whole archive, without a limit."
    price = limit / 1e12 * PRICE
    return (
        "The query names no day (dt, or --since), so Athena reads the whole archive: at most "
        f"{in_bytes(limit)}, which the workgroup allows. That is up to {price:.2f} USD, and "
        f"{limit / 1e9 * RETRIEVAL_PRICE:.2f} USD more if all of it is in Glacier Instant Retrieval."
    )


def _bill(finished: Finished) -> str:
    billed = max(finished.bytes_scanned, MIN_BYTES) / 1e12 * PRICE
    return f"{in_bytes(finished.bytes_scanned)} read in {finished.seconds:.1f} s, about {billed:.5f} USD"


@contextmanager
def _opened(output: Path | None) -> Iterator[TextIO]:
    """Open the file for a result, which has its name only when it is whole; by default the standard output."""
    if output is None:
        yield sys.stdout
        return
    partial = output.with_name(f".{output.name}.partial")
    try:
        # Lines of a result end with a line feed, also where the system's own end in another way.
        with partial.open("w", encoding="utf-8", errors="backslashreplace", newline="") as out:
            yield out
        partial.replace(output)
    finally:
        partial.unlink(missing_ok=True)


def _unload(
    s3: Any,  # noqa: ANN401 - of boto3
    athena: Workgroup,
    query: Query,
    literals: Sequence[str],
    folder: Path,
) -> Finished:
    """Let Athena write Parquet below the workgroup's results, and copy its files to a new folder."""
    results = athena.configuration().get("ResultConfiguration", {}).get("OutputLocation", "")
    location = f"{results.rstrip('/')}/unload-{uuid.uuid4()}/"
    finished = athena.run(query.as_parquet(location), literals)
    bucket, prefix = urlsplit(location).netloc, urlsplit(location).path.lstrip("/")
    partial = folder.with_name(f".{folder.name}.partial")
    downloads = [
        Download(each["Key"], each["Size"], partial / f"{each['Key'].removeprefix(prefix).replace('/', '-')}.parquet")
        for each in paged(s3, "list_objects_v2", "Contents", Bucket=bucket, Prefix=prefix)
    ]
    shutil.rmtree(partial, ignore_errors=True)  # a run that was killed has left files of another result
    try:
        partial.mkdir(parents=True)
        outcome = download_all(s3, {"Bucket": bucket}, downloads)
        if outcome.problems:
            raise ValueError(f"the result in {location} could not be read: {'; '.join(outcome.problems)}")
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return finished
