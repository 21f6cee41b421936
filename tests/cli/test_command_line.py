"""The group of all commands."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module, metadata
from io import BytesIO, StringIO, TextIOWrapper
from itertools import takewhile
from pathlib import Path
from types import SimpleNamespace

import click
import pytest
from botocore.exceptions import InvalidConfigError, ReadTimeoutError
from click.testing import CliRunner

from fargate_constructs import cli
from fargate_constructs.cli import command_line
from fargate_constructs.cli.command_line import COMMANDS, commands, version
from fargate_constructs.cli.terminal.output import console, json_option, print_json

NO_READ = 'Read timeout on endpoint URL: "https://ecs.eu-west-1.amazonaws.com"'
ROOT = Path(__file__).parents[2]
HELP = """
import runpy, sys
sys.argv = ["x", "--help"]
try:
    runpy.run_module("fargate_constructs", run_name="__main__")
finally:
    print({"aws_cdk", "jsii", "boto3", "rich"} & {*sys.modules})
"""


@pytest.fixture
def does(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Adds the command `try-it`, which calls a function."""

    def add(function: Callable[[], object]) -> None:
        @click.command
        @click.argument("value", type=int, default=0)
        @json_option
        def command(value: int, *, as_json: bool) -> None:
            """Try it, and more."""
            print_json({"value": value, "tasks": "é"}) if as_json else function()

        monkeypatch.setitem(COMMANDS, "try-it", "Try it.")
        monkeypatch.setitem(sys.modules, "fargate_constructs.cli.try_it", SimpleNamespace(command=command))

    return add


def raise_(error: BaseException) -> Callable[[], object]:
    """Return a function that raises an error."""

    def function() -> object:
        raise error

    return function


def run(*arguments: str) -> tuple[int, str]:
    """Run the command line; return its status and all that it printed."""
    result = CliRunner().invoke(commands, arguments)
    return result.exit_code, result.output


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_the_help_lists_each_command_without_loading_it(option: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The module of this command does not exist."""
    monkeypatch.setitem(COMMANDS, "no-such", "Does something.")
    status, text = run(option)

    assert status == 0
    assert "no-such" in text
    assert "Does something." in text
    assert "2 if it has no answer" in " ".join(text.split())


def paths_of(name: str) -> list[str]:
    """The names of a command, and of those in it: `archive`, `archive query`."""
    command = commands.get_command(click.Context(commands), name)
    inner = command.list_commands(click.Context(command)) if isinstance(command, click.Group) else []
    return [name, *(f"{name} {each}" for each in inner)]


def loaded(path: str) -> click.Command:
    """The command with such names."""
    command: click.Command | None = commands
    for name in path.split():
        assert isinstance(command, click.Group)
        command = command.get_command(click.Context(command), name)
    assert command is not None
    return command


PATHS = [path for name in COMMANDS for path in paths_of(name)]


@pytest.mark.parametrize("path", PATHS)
def test_the_short_help_is_the_first_line_of_the_command(path: str) -> None:
    """Also each option has a help text, and the command has an example."""
    command, (*names, name) = loaded(path), path.split()
    short_helps = vars(loaded(" ".join(names)))["_short_helps"]

    assert (command.help or "").splitlines()[0] == short_helps[name]
    assert "Example" in (command.epilog or "")
    assert [each.name for each in command.params if isinstance(each, click.Option) and not each.help] == []


@pytest.mark.parametrize("path", PATHS)
def test_the_examples_of_the_help_parse(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Click accepts each, with its files as if they were there; pipes and redirections are the shell's."""
    monkeypatch.setattr(click.Path, "convert", lambda _self, value, _parameter, _context: Path(value))
    text = (loaded(path).epilog or "").replace("\\\n", " ")
    heading, *lines = [each for each in text.splitlines() if each.strip(" \b")]
    examples = [
        [*takewhile(lambda word: word not in {"|", "<", ">", "&&"}, shlex.split(each))]
        for each in lines
        if "fargate-constructs" in each
    ]

    assert heading == "Examples:"
    assert len(examples) > 1
    for program, *words in examples:
        used = [*path.split(), words[1]] if isinstance(loaded(path), click.Group) else path.split()
        assert (program, words[: len(used)]) == ("fargate-constructs", used)
        assert loaded(" ".join(used)).make_context(used[-1], words[len(used) :]).params


def test_the_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is that of the installed package, if it is installed."""
    assert run("--version") == (0, f"commands {version()}\n")
    monkeypatch.setattr(metadata, "version", lambda name: f"1.2.3 of {name}")
    assert version() == "1.2.3 of fargate-constructs"
    monkeypatch.setattr(metadata, "version", raise_other)
    assert version() == "that is not installed, but run from a checkout"


def raise_other(name: str) -> str:
    """Raise what `importlib.metadata` raises for a package that is not installed."""
    raise metadata.PackageNotFoundError(name)


def test_a_command_runs(does: Callable[[Callable[[], object]], None]) -> None:
    """Its name may have a dash; `--json` prints a document with letters as they are."""
    does(lambda: click.echo("done"))

    assert run("try-it") == (0, "done\n")
    assert json.loads(run("try-it", "7", "--json")[1]) == {"value": 7, "tasks": "é"}
    assert "é" in run("try-it", "--json")[1]


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (click.exceptions.Exit(1), 1, ""),
        (click.Abort(), 130, ""),
        (KeyboardInterrupt(), 130, ""),
        (BrokenPipeError(), 141, ""),
        (click.ClickException("a file"), 2, "Error: a file\n"),
        (ValueError("got: 1; write 2"), 2, "Error: got: 1; write 2\n"),
        (FileNotFoundError("no file"), 2, "Error: no file\n"),
        (ImportError("cfn-lint is not installed"), 2, "Error: cfn-lint is not installed\n"),
        (InvalidConfigError(error_msg="a file"), 2, "Error: AWS: a file\n"),
        (
            ReadTimeoutError(endpoint_url="https://ecs.eu-west-1.amazonaws.com"),
            2,
            f"Error: AWS: there is no answer; check the network, and whether the region eu-west-1 exists ({NO_READ})\n",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_errors(does: Callable[[Callable[[], object]], None], error: BaseException, status: int, text: str) -> None:
    """An error is one line; its status is not that of a finding."""
    does(raise_(error))

    assert run("try-it") == (status, text)


@pytest.mark.parametrize("arguments", [["no-such"], ["try-it", "seven"], ["try-it", "--no-such"], ["--no-such"]])
def test_misuse(does: Callable[[Callable[[], object]], None], arguments: list[str]) -> None:
    """A wrong command, argument or option."""
    does(list)
    status, text = run(*arguments)

    assert status == 2
    assert "Usage: " in text


def test_a_fault_of_the_program_is_no_finding(
    does: Callable[[Callable[[], object]], None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its traceback is printed, and the status is 2, or that of no result; other statuses are passed on."""
    monkeypatch.setattr(sys, "argv", ["fargate-constructs", "try-it"])
    does(raise_(KeyError("LogGroup")))
    assert cli.main() == 2
    assert "KeyError: 'LogGroup'" in capsys.readouterr().err
    monkeypatch.setattr(command_line, "RUNS_A_COMMAND", ("try-it",))
    assert cli.main() == command_line.NO_RESULT

    does(raise_(click.exceptions.Exit(1)))
    assert cli.main() == 1
    does(list)
    assert cli.main() == 0


def test_a_letter_that_a_file_does_not_have_is_written_as_its_number(
    does: Callable[[Callable[[], object]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Windows a file has the letters of a country, and a log has others."""
    file = BytesIO()
    monkeypatch.setattr(sys, "stdout", TextIOWrapper(file, "cp1252", write_through=True))
    monkeypatch.setattr(sys, "stderr", StringIO())
    monkeypatch.setattr(sys, "argv", ["fargate-constructs", "try-it"])
    does(lambda: click.echo("é日"))

    assert cli.main() == 0
    assert file.getvalue() == b"\xe9\\u65e5\n"


def test_without_its_packages_a_line_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line names the missing package and the extra."""
    monkeypatch.delitem(sys.modules, "fargate_constructs.cli.command_line")
    monkeypatch.setitem(sys.modules, "click", None)

    assert cli.main() == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "needs the package click" in line
    assert "fargate-constructs[cli]" in line


@pytest.mark.parametrize(
    ("environment", "is_terminal", "width", "has_colours"),
    [
        ({"COLUMNS": "40", "TERM": "xterm-256color"}, True, 40, True),
        ({"COLUMNS": "40", "TERM": "xterm-256color", "NO_COLOR": "1"}, True, 40, False),
        ({}, False, 100_000, False),
    ],
    ids=["terminal", "no colours", "pipe"],
)
def test_terminals(
    environment: dict[str, str], *, is_terminal: bool, width: int, has_colours: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A narrow one, one without colours, and a pipe, whose lines are not cut."""
    for name in ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: is_terminal)
    made = console()

    assert made.width == width
    assert (made.color_system is not None and not made.no_color) is has_colours


def test_as_a_program() -> None:
    """It loads no CDK and no boto3 for its help, knows its name, and completes commands in a shell."""
    done = subprocess.run([sys.executable, "-c", HELP], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Usage: fargate-constructs [OPTIONS] COMMAND")
    assert done.stdout.endswith("set()\n")

    assert import_module("fargate_constructs.__main__").main is cli.main
    environment = {**os.environ, "_FARGATE_CONSTRUCTS_COMPLETE": "bash_source"}
    program = [sys.executable, "-m", "fargate_constructs"]
    done = subprocess.run(program, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert "complete -o nosort -F" in done.stdout
