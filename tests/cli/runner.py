"""Runs a command as a person does, in this process."""

from collections.abc import Callable

from click.testing import CliRunner

from fargate_constructs.cli.command_line import commands

Run = Callable[..., tuple[int, str, str]]


def runner(*command: str) -> Run:
    """Return what runs a command with more arguments and an input; it returns the status, and what is printed."""

    def run(*arguments: str, text: str | None = None) -> tuple[int, str, str]:
        result = CliRunner().invoke(commands, [*command, *arguments], input=text)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout, result.stderr

    return run
