"""The progress of a command, on the standard error: one line in a terminal, some lines elsewhere."""

import shutil
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import click

# Seconds between two lines where a line cannot be written over, such as a log of a CI job.
INTERVAL = 20
CLEAR_LINE = "\r\x1b[K"


class Progress:
    """One line that says how far a command is. It disappears at the end of the block.

    ```python
    with Progress() as progress:
        progress.show("3 of 12 objects")
    ```
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last = clock()
        self._is_shown = False

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Remove the line."""
        self.clear()

    def show(self, text: str) -> None:
        """Show how far the command is, in place of what was shown before."""
        if sys.stderr.isatty():
            self.clear()
            click.echo(text[: shutil.get_terminal_size().columns - 1], nl=False, err=True)
            self._is_shown = True
        elif self._clock() - self._last >= INTERVAL:
            self._last = self._clock()
            click.echo(text, err=True)

    def note(self, text: str) -> None:
        """Print a line that stays."""
        self.clear()
        click.echo(text, err=True)

    def clear(self) -> None:
        """Remove the line, before something else is printed."""
        if self._is_shown:
            click.echo(CLEAR_LINE, nl=False, err=True)
            self._is_shown = False
