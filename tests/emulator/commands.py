"""Runs commands in this process, on a local AWS: less time than a process of their own takes."""

from click.testing import CliRunner, Result

from fargate_constructs.cli.command_line import commands
from tests.emulator.emulator import Emulator


def run_here(aws: Emulator, *arguments: str, **more: str) -> Result:
    """Run a command."""
    return CliRunner(env={"AWS_PROFILE": None, **aws.environment, **more}).invoke(commands, arguments)
