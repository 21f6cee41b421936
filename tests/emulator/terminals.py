"""A terminal with a command in it, as a person uses it."""

import os
import re
import select
import subprocess
import sys
import termios
import time
from functools import partial
from pathlib import Path

from tests.emulator.emulator import ROOT, Emulator

SECONDS = 120


class Terminal:
    """A terminal of its own with a command in it.

    Args:
        aws: The local AWS that it asks.
        *arguments: Those of `fargate-constructs`.
        cwd: Its folder. By default one without an app.
        **variables: More environment variables.
    """

    def __init__(self, aws: Emulator, *arguments: str, cwd: Path | None = None, **variables: str) -> None:
        self._mine, theirs = os.openpty()
        self.resize(30, 80)
        self.text = ""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "fargate_constructs", *arguments],
            cwd=cwd or aws.folder,
            env=aws.child_environment(TERM="xterm-256color", PYTHONPATH=str(ROOT), **variables),
            preexec_fn=partial(os.login_tty, theirs),  # noqa: PLW1509 - this process has no threads here
        )
        os.close(theirs)

    def resize(self, rows: int, columns: int) -> None:
        """Change its size, as a person does at the edge of a window."""
        termios.tcsetwinsize(self._mine, (rows, columns))

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._mine, keys.encode())

    def wait_for(self, pattern: str) -> str:
        """Read until a pattern is there; return what was read before and with it."""
        end = time.monotonic() + SECONDS  # what draws itself again and again is never silent
        while not (found := re.search(pattern, self.text)):
            assert self._read(), f"{pattern} is not in {self.text}"
            assert time.monotonic() < end, f"{pattern} is not in {self.text}"
        before, self.text = self.text[: found.end()], self.text[found.end() :]
        return before

    def end(self) -> tuple[int, str]:
        """Read until the command ends; return its status, and what it printed last."""
        while self._read():
            pass
        os.close(self._mine)
        return self._process.wait(SECONDS), self.text

    def _read(self) -> bool:
        """Read something; there is nothing more if no process has the other end open."""
        assert select.select([self._mine], [], [], SECONDS)[0], self.text
        try:
            self.text += os.read(self._mine, 65536).decode(errors="replace")
        except OSError:
            return False
        return True
