"""What the end of a program by a signal does while it has something in AWS that must be stopped."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fargate_constructs.cli.terminal.output import say

if TYPE_CHECKING:
    from types import FrameType

# CI systems send the one, terminals that close send the other.
TERMINATIONS = ("SIGTERM", "SIGHUP")


@contextmanager
def handled_signals(handlers: Mapping[str, Callable[[int, FrameType | None], None]]) -> Iterator[None]:
    """Handle the signals that this system has, except those that are ignored, as SIGHUP is after `nohup`.

    A new process has the default again, unlike with SIG_IGN.
    """
    numbers = {getattr(signal, name): handler for name, handler in handlers.items() if hasattr(signal, name)}
    handled = {each: handler for each, handler in numbers.items() if signal.getsignal(each) != signal.SIG_IGN}
    before = {number: signal.signal(number, handler) for number, handler in handled.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def terminations_as_interrupts() -> Iterator[None]:
    """Let SIGTERM and SIGHUP do what Ctrl-C does."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    with handled_signals(dict.fromkeys(TERMINATIONS, interrupt)):
        yield


@contextmanager
def deferred_interrupts(warning: str) -> Iterator[list[int]]:
    """Collect the first interrupt, so that what AWS starts meanwhile is known; the second one prints a warning."""
    seen: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        if seen:
            say(warning)
            raise KeyboardInterrupt
        seen.append(number)

    with handled_signals(dict.fromkeys(("SIGINT", *TERMINATIONS), note)):
        yield seen
