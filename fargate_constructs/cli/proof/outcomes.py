"""What a step of a proof ends with, and how it waits."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

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

    def until(
        self, ask: Callable[[], Answer | None], *, limit: float, missing: str, every: float = EVERY_SECONDS
    ) -> Answer:
        """Ask until there is an answer.

        Args:
            ask: Returns the answer, or `None` if there is none yet.
            limit: The seconds after which the question is not asked again.
            missing: What there is not, for the message.
            every: The seconds between two questions.

        Raises:
            DisprovedError: If there is no answer in time.
        """
        deadline = self.now() + limit
        while (answer := ask()) is None:
            if self.now() >= deadline:
                raise DisprovedError(f"{missing} after {limit:.0f} s")
            self.sleep(every)
        return answer
