"""The options of the commands about an archive."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from fargate_constructs.cli.aws import app_option, aws_options, session_for
from fargate_constructs.cli.deployed.archives import DeployedArchive, find_archive
from fargate_constructs.cli.terminal.moments import Moment
from fargate_constructs.cli.terminal.output import json_option

if TYPE_CHECKING:
    from boto3 import Session

Function = TypeVar("Function", bound=Callable[..., Any])


def archive_options(command: Function) -> Function:
    """Add the argument ARCHIVE, the options by which it is found, and `--json`: below all other options."""
    return click.argument("archive", required=False, default="")(app_option(json_option(aws_options(command))))


def range_options(*, since_help: str, until_help: str, is_required: bool = False) -> Callable[[Function], Function]:
    """Add `--since` and `--until` to a command."""

    def add(command: Function) -> Function:
        since = click.option("--since", type=Moment(), required=is_required, help=since_help)
        return since(click.option("--until", type=Moment(), help=until_help)(command))

    return add


def log_groups_option(help_: str) -> Callable[[Function], Function]:
    """Add `--log-group`, which may be written several times, as the argument `log_groups`, each name once."""

    def once(_context: click.Context, _option: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(names))

    return click.option("--log-group", "log_groups", multiple=True, callback=once, help=help_)


def chosen(archive: str, app: Path | None, profile: str | None, region: str | None) -> tuple[Session, DeployedArchive]:
    """Return the session, and the archive with a name."""
    session = session_for(profile, region)
    return session, find_archive(session, archive.strip("/"), app, region)


def validate_format(archive: DeployedArchive) -> None:
    """Refuse an archive whose lines no query reads.

    Raises:
        ValueError: If it stores raw batches, or has no catalog.
    """
    if not archive.workgroup:
        lacks = "; ".join(archive.lacks) or "a catalog"
        raise ValueError(
            f"a query needs the catalog of an archive, which {archive.name} lacks: {lacks}; fetch its objects instead"
        )
