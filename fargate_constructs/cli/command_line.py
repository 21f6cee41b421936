"""The group of all commands: loads the module of one command, and returns each error as one line and a status."""

import os
import sys
from importlib import metadata
from typing import Any

import click

from fargate_constructs.cli import missing
from fargate_constructs.cli.aws import meaning_of
from fargate_constructs.cli.lazy_group import LazyGroup

# Exit statuses: docs/command-line.md.
FINE, FINDING, NO_ANSWER = 0, 1, 2
INTERRUPTED, NOT_READ = 130, 141  # as shells have it, after Ctrl-C and after `| head`
# The statuses of these commands are those of the command that they run, so their own one is that of `docker run`.
NO_RESULT = 125
RUNS_A_COMMAND = ("run", "shell")

COMMANDS = {
    "archive": "Query, fetch, replay, backfill and verify archived logs.",
    "egress": "Show the addresses from which tasks reach the internet.",
    "explain": "Say why tasks of a service do not start, or stop.",
    "from-copilot": "Write an app from the manifests of AWS Copilot.",
    "logs": "Print the log of a service, a job or a log group.",
    "plan": "Show what a deployment replaces and costs, and draw the app.",
    "prove": "Show in a real account what the library promises.",
    "run": "Run a one-off task, and end with its exit status.",
    "shell": "Open a shell in a running task, or run a command there.",
    "status": "Show how services are: deployment, tasks, targets, alarms.",
}
"""Each command with its short help. The module `fargate_constructs.cli.<name>` has it as `command`, and loads only if
the command is used."""


class Commands(LazyGroup):
    """The group of all commands: each error becomes one line."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's own signature
        """Run a command; turn what it raises into one line and an exit status that is not that of a finding."""
        try:
            return self._invoke(ctx)
        except click.ClickException as error:
            has_own_statuses = ctx.invoked_subcommand in RUNS_A_COMMAND
            error.exit_code = NO_RESULT if has_own_statuses else NO_ANSWER  # type: ignore[misc] # of the instance
            raise

    def _invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's own signature
        try:
            return super().invoke(ctx)
        except (click.Abort, KeyboardInterrupt):
            raise click.exceptions.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - until the process ends
            raise click.exceptions.Exit(NOT_READ) from None
        except ModuleNotFoundError as error:  # a command loads when it is used
            raise _NoAnswerError(missing(error)) from error
        except Exception as error:
            if type(error).__module__.startswith(("botocore.", "boto3.")):  # some are an OSError, too
                raise _NoAnswerError(f"AWS: {meaning_of(error)}") from error
            if isinstance(
                error, (ImportError, OSError, TypeError, ValueError)
            ):  # what the library raises for bad input
                raise _NoAnswerError(str(error)) from error
            raise


class _NoAnswerError(click.ClickException):
    """What prevents an answer; click prints it as one line."""


def version() -> str:
    """Return the version of the installed package."""
    try:
        return metadata.version("fargate-constructs")
    except metadata.PackageNotFoundError:
        return "that is not installed, but run from a checkout"


@click.group(
    cls=Commands,
    module="fargate_constructs.cli.{}",
    short_helps=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(version(), message="%(prog)s %(version)s")
def commands() -> None:
    """Plan, move and explain what AWS Fargate runs.

    Each command ends with 0 if all is fine, with 1 if it found something, and with 2 if it has no answer: wrong
    arguments, bad input, no credentials. Only run and shell end with the status of what they run, or 125.
    """
