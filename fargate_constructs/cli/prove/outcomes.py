"""What a step of a proof ends with, and how it waits."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from fargate_constructs.cli.aws import is_passing

Answer = TypeVar("Answer")

SHOWN, FAILED, NOT_SHOWN = "shown", "failed", "not shown"
EVERY_SECONDS = 5


class NotShownError(Exception):
    """A step lacks what it needs; the message says what."""


class DisprovedError(Exception):
    """AWS did something else than the promise; the message says what."""


@dataclass(frozen=True)
class Result:
    """What a step ended with."""

    step: str
    promise: str
    outcome: str
    reason: str = ""
    """Empty if the promise is shown."""
    seconds: float = 0
    measured: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Waiting:
    """How to wait; tests have a clock of their own."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    say: Callable[[str], None] = lambda _line: None
    """Is called with lines of progress."""

    def until(
        self, ask: Callable[[], Answer | None], *, limit: float, missing: str, every: float = EVERY_SECONDS
    ) -> Answer:
        """Ask each few seconds until there is an answer, also if there is no network for some time.

        After some seconds, the limit, it is disproved with a message of what is missing; or AWS's own error is raised.
        """
        deadline = self.now() + limit
        silence: Exception | None = None
        while True:
            try:
                answer = ask()
            except Exception as error:
                if not is_passing(error):
                    raise
                if not silence:
                    self.say("  AWS gives no answer; asks again")
                answer, silence = None, error
            else:
                silence = None
            if answer is not None:
                return answer
            if self.now() >= deadline:
                raise silence or DisprovedError(f"{missing} after {limit:.0f} s")
            self.sleep(every)
