"""docs/commands.md."""

import re

import click

from fargate_constructs.cli.command_line import COMMANDS
from tests.cli.commands_page import HOW, PAGE, page, sections


def test_the_page_has_the_help_of_each_command() -> None:
    """A new command, option, example or status is on the page."""
    is_new = page() == PAGE.read_text()

    assert is_new, f"docs/commands.md is not what the help texts have; write it by `{HOW}`"


def test_each_command_has_all_parts() -> None:
    """As a manual page has them, and examples."""
    found = {each.partition("\n")[0]: each for each in re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)}

    for name in COMMANDS:
        for part in ("Name", "Synopsis", "Options", "Exit status", "Environment", "Examples"):
            assert f"**{part}" in found[name], (name, part)


@click.group(help="Keep.\n\n\b\nA table\n  as it is\n\nText.\fNot shown.")
@click.option("--room", envvar="ROOM", help="The room.", default="attic", show_default=True)
def group() -> None:
    """Be a group."""


@group.command()
@click.option("--places", envvar=["A", "B"], hidden=True)
def inner() -> None:
    """Look there.

    The status is 1.
    """


def test_groups_have_their_commands() -> None:
    """With code where click keeps lines, defaults, and the variables of options."""
    text = "\n".join(sections(group, "group", "Keep."))

    assert "## group inner\n" in text
    assert "**Name.** `fargate-constructs group inner`: Look there." in text
    assert "**Exit status**\n\nThe status is 1.\n" in text
    assert "```\nA table\n  as it is\n```\n\nText.\n" in text
    assert "Not shown" not in text
    assert "- `--room TEXT`: The room. [default: attic]\n" in text
    assert "**Environment.** `NO_COLOR`, `ROOM`" in text
    assert "**Environment.** `A`, `B`, `NO_COLOR`" in text
    assert "--places" not in text
