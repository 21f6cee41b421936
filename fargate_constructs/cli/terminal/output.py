"""How commands print: for terminals of any width with or without colours, for pipes, and as JSON."""

import json
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import click
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.text import Text

Function = TypeVar("Function", bound=Callable[..., Any])
# The characters of a task's ID that a person sees.
SHORT_ID = 8
# A pipe has no width: what reads it wraps lines itself, or searches them.
UNLIMITED = 100_000


def json_option(command: Function) -> Function:
    """Add `--json` to a command, as its argument `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")(command)


def console() -> Console:
    """Return the console of the standard output.

    It has no colours in a pipe, or if NO_COLOR is set (https://no-color.org).
    """
    is_terminal = sys.stdout.isatty()
    return Console(width=None if is_terminal else UNLIMITED, highlight=False, markup=False, emoji=False)


def print_wrapped(screen: Console, text: str, *, first: str = "", indent: int = 0) -> None:
    """Print a text in lines of the screen's width, *indent* columns from the left; *first* is before the first line."""
    for place, line in enumerate(Text(text).wrap(screen, screen.width - indent)):
        screen.print(f"{'' if place else first:{indent}}{line.plain.rstrip()}", soft_wrap=True)


def print_section(screen: Console, title: str, lines: Sequence[str], indent: int) -> None:
    """Print lines below a title, after an empty line; nothing without lines."""
    if lines:
        screen.print()
        screen.print(Text(title, style="bold"))
    for each in lines:
        screen.print(Padding.indent(Text(each), indent))


def print_screen(screen: Console, content: RenderableType) -> None:
    """Print what rich lays out, without the spaces that fill its lines."""
    with screen.capture() as captured:
        screen.print(content)
    screen.file.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


def print_json(document: Any) -> None:  # noqa: ANN401 - what JSON has
    """Print a document as JSON, which another program reads."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


def counted(number: int, noun: str, nouns: str = "") -> str:
    """Return a number with its noun, such as `1 row` and `2,000 rows`."""
    return f"{number:,} {noun if number == 1 else nouns or f'{noun}s'}"


def counted_findings(number: int) -> str:
    """Return how many findings there are, as the first line of an answer has it."""
    return counted(number, "finding") if number else "no findings"


def in_bytes(number: float) -> str:
    """Return a number of bytes for a person."""
    for unit in ("bytes", "KB", "MB", "GB"):
        if number < 1000:  # noqa: PLR2004 - the next unit
            return f"{number:.0f} {unit}" if unit == "bytes" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.2f} TB"


def say(text: str) -> None:
    """Print a message for people. A terminal that has closed must not prevent what follows, such as a deletion."""
    with suppress(OSError):
        click.echo(text, err=True)
