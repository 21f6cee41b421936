"""A group of commands, each of which is a module that loads when the command is used."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class LazyGroup(click.Group):
    """A group whose commands are modules that load when they are used.

    Args:
        *args: Those of click.
        module: The name of a command's module, with `{}` for the command. The module has it as `command`.
        short_helps: Each command with its short help.
        **kwargs: Those of click.
    """

    def __init__(self, *args: Any, module: str, short_helps: Mapping[str, str], **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        self._module, self._short_helps = module, short_helps

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's own signature
        """Return the names of the commands in order."""
        return sorted(self._short_helps)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - the same
        """Load a command."""
        if cmd_name not in self._short_helps:
            return None
        command: click.Command = import_module(self._module.format(cmd_name.replace("-", "_"))).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._short_helps[name]) for name in self.list_commands(ctx)])
