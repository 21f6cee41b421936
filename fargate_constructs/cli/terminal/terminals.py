"""Terminals: new ones for a program, and the user's, which is restored."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

with suppress(ImportError):  # Windows does not have them
    import termios
    import tty

HAS_TERMINALS = os.name == "posix"
ROWS, COLUMNS = 50, 200  # of a terminal without a user


def open_terminal() -> tuple[int, int]:
    """Return both ends of a new terminal, which passes on what is written as it is."""
    master, slave = os.openpty()
    settings = termios.tcgetattr(slave)
    settings[0] &= ~termios.IXON  # Ctrl-S is a key of the command
    settings[1] &= ~termios.OPOST
    settings[3] &= ~termios.IEXTEN  # so are Ctrl-V and Ctrl-O
    termios.tcsetattr(slave, termios.TCSANOW, settings)
    _let_ctrl_y_through(slave)
    return master, slave


def _let_ctrl_y_through(terminal: int) -> None:
    """Turn off the delayed suspension of macOS and BSD, by which Ctrl-Y ends the plugin.

    https://github.com/aws/session-manager-plugin/issues/29
    """
    key = getattr(termios, "VDSUSP", None)
    if key is not None:
        settings = termios.tcgetattr(terminal)
        settings[6][key] = bytes([os.fpathconf(terminal, "PC_VDISABLE")])
        termios.tcsetattr(terminal, termios.TCSANOW, settings)


def copy_size(terminal: int | None, master: int) -> None:
    """Give a terminal the size of the user's, or a fixed one."""
    if terminal is None:
        termios.tcsetwinsize(master, (ROWS, COLUMNS))
    else:
        termios.tcsetwinsize(master, termios.tcgetwinsize(terminal))


@contextmanager
def raw(terminal: int | None) -> Iterator[None]:
    """Let each key of the user's terminal through, and restore the terminal."""
    if terminal is None:
        yield
        return
    before = termios.tcgetattr(terminal)
    tty.setraw(terminal, termios.TCSADRAIN)  # what was typed before is kept
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


@contextmanager
def same_terminal(terminal: int) -> Iterator[None]:
    """Restore a terminal afterwards: a plugin that is killed leaves it without echo."""
    if not (HAS_TERMINALS and os.isatty(terminal)):
        yield
        return
    before = termios.tcgetattr(terminal)
    _let_ctrl_y_through(terminal)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
