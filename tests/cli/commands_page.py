"""docs/commands.md, from the help of each command; `python -m tests.cli.commands_page` writes it."""

import textwrap
from collections.abc import Iterator
from pathlib import Path

import click

from fargate_constructs.cli import command_line
from fargate_constructs.cli.command_line import COMMANDS, commands

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"
HOW = "python -m tests.cli.commands_page"
WIDTH = 100
PROGRAM = "fargate-constructs"
INTRODUCTION = f"""\
# All commands

This page is generated from the help texts, which `{PROGRAM} COMMAND --help` prints.
[command-line.md](command-line.md) says what all commands have in common.
"""
STATUSES = {
    command_line.FINE: "all is fine",
    command_line.FINDING: "the command found what it looks for",
    command_line.NO_ANSWER: "no answer: a wrong argument, bad input, no credentials, a missing package",
    command_line.NO_RESULT: f"no answer of {' and '.join(command_line.RUNS_A_COMMAND)}, which have the status of "
    "the command that they run",
    command_line.INTERRUPTED: "interrupted by Ctrl-C",
    command_line.NOT_READ: "the reader of the output ended first, such as `head`",
}
ENVIRONMENT = {
    "AWS_PROFILE": "the profile of your credentials; boto3 also reads its other variables",
    "AWS_REGION": "the region",
    "NO_COLOR": "no colours; there are none in a pipe",
}
# What an option is instead of, besides its own variable.
OF_OPTIONS = {"profile": "AWS_PROFILE", "region": "AWS_REGION"}


def page() -> str:
    """Return the page as it should be."""
    parts = [INTRODUCTION, "| command | what it does |\n|---|---|\n"]
    parts[-1] += "".join(f"| [`{name}`](#{name}) | {COMMANDS[name]} |\n" for name in sorted(COMMANDS))
    parts.append("## Exit statuses\n")
    parts.append(
        "| status | meaning |\n|---|---|\n" + "".join(f"| {key} | {text} |\n" for key, text in STATUSES.items())
    )
    parts.append("## Environment\n")
    parts.append(
        "| variable | meaning |\n|---|---|\n" + "".join(f"| `{key}` | {text} |\n" for key, text in ENVIRONMENT.items())
    )
    context = click.Context(commands)
    for name in commands.list_commands(context):
        command = commands.get_command(context, name)
        assert command is not None
        parts += sections(command, name, COMMANDS[name])
    return "\n".join(parts)


def sections(command: click.Command, name: str, short_help: str) -> Iterator[str]:
    """Yield the parts of the page about a command, and about those below it."""
    context = click.Context(command, info_name=f"{PROGRAM} {name}")
    yield f"## {name}\n"
    yield f"**Name.** `{PROGRAM} {name}`: {short_help}\n"
    yield f"**Synopsis**\n\n```sh\n{context.command_path} {' '.join(command.collect_usage_pieces(context))}\n```\n"
    blocks = [each for each in _paragraphs(command.help or "") if each.strip(". \n") != short_help.strip(".")]
    statuses = [each for each in blocks if "The status is" in each]
    described = [each for each in blocks if each not in statuses]
    if described:
        yield "**Description**\n"
    yield from described
    yield "**Options**\n"
    # click makes the help option with the names of the first context, and keeps it.
    records = [each.get_help_record(context) for each in command.params if isinstance(each, click.Option)]
    names = ", ".join(commands.context_settings["help_option_names"])
    yield "".join(_item(*each) for each in [*records, (names, "Show this message and exit.")] if each)
    yield "**Exit status**\n"
    yield from statuses or ["0, or 2 without an answer.\n"]
    variables = sorted({*_variables(command)})
    yield f"**Environment.** {', '.join(f'`{each}`' for each in variables)}\n"
    if command.epilog:
        title, *lines = [line.strip() for line in command.epilog.replace("\b", "").strip().splitlines()]
        yield f"**{title.strip(':')}**\n"
        yield "```sh\n" + "".join(f"{each}\n" for each in lines) + "```\n"
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            assert found is not None
            yield from sections(found, f"{name} {inner}", found.get_short_help_str(limit=WIDTH))


def _paragraphs(text: str) -> Iterator[str]:
    """Yield the paragraphs of a help text; those whose lines click keeps are code."""
    for each in textwrap.dedent(text.partition("\f")[0]).strip().split("\n\n"):
        lines = each.removeprefix("\b").strip("\n")
        if each.startswith("\b"):
            yield f"```\n{lines}\n```\n"
        else:
            yield _filled(each)


def _filled(text: str, first: str = "", rest: str = "") -> str:
    lines = textwrap.fill(
        " ".join(text.split()),
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return f"{lines}\n"


def _item(names: str, text: str) -> str:
    return _filled(f"`{names}`: {text}", first="- ", rest="  ")


def _variables(command: click.Command) -> Iterator[str]:
    """Yield the variables that a command reads."""
    for each in command.params:
        if each.name in OF_OPTIONS:
            yield OF_OPTIONS[each.name]
    yield "NO_COLOR"


if __name__ == "__main__":
    PAGE.write_text(page())
