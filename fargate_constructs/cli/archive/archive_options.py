"""The options of the commands about an archive."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from fargate_constructs.cli.deployed.archives import DeployedArchive, find_archive
from fargate_constructs.cli.options import Command, Place, place_options
from fargate_constructs.cli.terminal.moments import Moment

if TYPE_CHECKING:
    from boto3 import Session

Function = TypeVar("Function", bound=Callable[..., Any])


def archive_options(command: Command) -> Command:
    """Add the argument ARCHIVE, the options by which it is found, and `--json`: below all other options."""
    return click.argument("archive", required=False, default="")(place_options()(command))


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


def chosen(archive: str, place: Place) -> tuple[Session, DeployedArchive]:
    """Return the session, and the archive with a name."""
    session = place.session()
    return session, find_archive(session, archive.strip("/"), place.app, place.region)
