"""Which signals end a command that has something in AWS."""

import os
import signal

import pytest

from fargate_constructs.cli.terminal.interrupts import terminations_as_interrupts


def test_a_terminal_that_closes_interrupts() -> None:
    """The handler of before is there again afterwards."""
    before = signal.getsignal(signal.SIGHUP)
    with pytest.raises(KeyboardInterrupt), terminations_as_interrupts():
        os.kill(os.getpid(), signal.SIGHUP)

    assert signal.getsignal(signal.SIGHUP) == before


def test_nohup_keeps_a_command_running() -> None:
    """A signal that is ignored stays ignored."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with terminations_as_interrupts():
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)
