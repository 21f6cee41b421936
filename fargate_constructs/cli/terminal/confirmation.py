"""Asks a person before a command does what costs money or changes something."""

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from fargate_constructs.cli.terminal.progress import CLEAR_LINE

Function = TypeVar("Function", bound=Callable[..., Any])


def yes_option(command: Function) -> Function:
    """Add `--yes` to a command."""
    return click.option("--yes", is_flag=True, help="Do not ask for confirmation. Scripts need it.")(command)


def confirm(what: str, *, yes: bool) -> None:
    """Return if a person agrees, or has written `--yes`.

    One sentence with its period says what will be done, and what it costs.
    """
    if yes:
        return
    if not is_terminal():
        raise click.ClickException(f"{what} There is no terminal to ask at; write --yes to do it")
    click.echo(CLEAR_LINE, nl=False, err=True)  # of a progress that is shown
    if not click.confirm(f"{what} Continue?", err=True):
        raise click.ClickException("nothing was done, because it was not confirmed")


def says_yes(question: str) -> bool:
    """Whether a person answers yes, or with Enter; Ctrl-C is a no."""
    try:
        return click.confirm(question, default=True, err=True)
    except click.Abort:
        return False


def is_terminal() -> bool:
    """Whether a person can answer."""
    return sys.stdin.isatty() and sys.stderr.isatty()
