"""Runs commands in this process, on a local AWS: less time than a process of their own takes."""

import os
from unittest.mock import patch

from botocore.loaders import create_loader
from click.testing import CliRunner, Result

from fargate_constructs.cli.command_line import commands
from tests.emulator.emulator import Emulator

# What botocore knows of AWS; each session would read it again.
LOADER = create_loader()


def run_here(aws: Emulator, *arguments: str, **more: str) -> Result:
    """Run a command with the variables that a process of its own would have, and more."""
    environment = {**dict.fromkeys(os.environ), **aws.child_environment(), **more}
    with patch("botocore.loaders.create_loader", lambda _: LOADER):
        return CliRunner(env=environment).invoke(commands, arguments)
