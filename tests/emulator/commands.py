"""Runs commands in this process, on a local AWS: less time than a process of their own takes."""

import os
from unittest.mock import patch

from botocore import parsers
from botocore.loaders import create_loader
from click.testing import CliRunner, Result

from fargate_constructs.cli.command_line import commands
from tests.emulator.emulator import Emulator, read_time

# What botocore knows of AWS; each session would read it again.
LOADER = create_loader()


def run_here(aws: Emulator, *arguments: str, **more: str) -> Result:
    """Run a command with the variables that a process of its own would have, and more."""
    environment = {**dict.fromkeys(os.environ), **aws.child_environment(), **more}
    with (
        patch("botocore.session.create_loader", lambda _: LOADER),
        patch.object(parsers, "DEFAULT_TIMESTAMP_PARSER", read_time),
    ):
        return CliRunner(env=environment).invoke(commands, arguments)
