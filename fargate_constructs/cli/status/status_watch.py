"""Looks at services again and again, until a deployment is over or a person ends it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from fargate_constructs.cli.aws import aws_errors, meaning_of
from fargate_constructs.cli.deployed.service_facts import DEPLOYMENTS
from fargate_constructs.cli.status.status_model import Outcome, Overview, ServiceStatus, changes
from fargate_constructs.cli.status.status_text import clock

# How often a second the screen is drawn, so that ages and the size of the terminal are right.
DRAWN = 2
MAX_CHANGES = 8


class Clock(NamedTuple):
    """The time, and how to wait."""

    now: Callable[[], datetime]
    sleep: Callable[[float], None]


class Look(NamedTuple):
    """What is known at a time."""

    overview: Overview
    time: datetime
    """When AWS answered."""
    changes: Sequence[str] = ()
    """What changed since the look before."""
    error: str = ""
    """Why AWS did not answer this time."""


def looks(read: Callable[[], Overview], interval: float, clock: Clock) -> Iterator[Look]:
    """Yield looks without end; one that AWS does not answer has what was known before, unless it is the first."""
    last: Look | None = None
    while True:
        try:
            overview = read()
            last = Look(overview, clock.now(), changed(last.overview, overview) if last else [])
        except aws_errors() as error:
            if last is None:
                raise
            last = last._replace(changes=[], error=meaning_of(error))
        yield last
        clock.sleep(interval)


def changed(before: Overview, after: Overview) -> list[str]:
    """Return what changed from one look to the next, each as a line; with the service's name in a table."""
    old = {each.found: each for each in before.services}
    lines = []
    for status in after.services:
        name = "" if after.is_one else f"{status.found.name}: "
        if status.found in old:
            lines += [f"{name}{each}" for each in changes(old[status.found], status)]
        else:
            lines.append(f"{name}is new")
    gone = old.keys() - {each.found for each in after.services}
    return lines + [f"{each.name}: is gone" for each in sorted(gone)]


def verdict(overview: Overview) -> Outcome:
    """Return how far the deployments of services are; refuse services whose deployments cannot be read."""
    gaps = [*overview.gaps, *(gap for each in overview.services if each.is_active for gap in each.gaps)]
    for gap in (each for each in gaps if each.startswith(f"{DEPLOYMENTS}: ")):
        raise ValueError(f"--wait needs to read the deployments, because a rollback looks like a success; {gap}")
    outcomes = [each.deployment.outcome if each.is_active else Outcome.FAILED for each in overview.services]
    if Outcome.IN_PROGRESS in outcomes:
        return Outcome.IN_PROGRESS
    if Outcome.FAILED in outcomes:
        return Outcome.FAILED
    return Outcome.COMPLETE if all(each.is_complete for each in overview.services) else Outcome.IN_PROGRESS


class Screen:
    """A terminal that is drawn again after each look, and in between."""

    def __init__(self, console: Console, draw: Callable[[Overview], RenderableType], clock: Clock) -> None:
        self._console, self._draw, self._clock = console, draw, clock
        self._look: Look
        self._changes: list[str] = []

    def show(self, some: Iterator[Look]) -> None:
        """Draw each look until there are no more, or a person ends it; the last one stays on the terminal."""
        self._look = next(some)  # without an answer there is no screen, but an error
        try:
            with Live(
                get_renderable=self._render, console=self._console, screen=True, refresh_per_second=DRAWN
            ) as live:
                live.refresh()
                for look in some:
                    self._look = look
                    times = [f"{clock(look.time, look.time)} {each}" for each in look.changes]
                    self._changes = [*self._changes, *times][-MAX_CHANGES:]
        finally:
            self._console.print(self._render())

    def _render(self) -> RenderableType:
        look, now = self._look, self._clock.now()
        parts: list[RenderableType] = []
        if look.error:
            parts.append(Text(f"no answer since {clock(look.time, now)} UTC: {look.error}", style="bold yellow"))
        parts.append(self._draw(look.overview))
        if self._changes:
            parts += [Text(), Text("Changes (UTC)", style="bold")]
            parts += [Text(f"  {each}", no_wrap=True, overflow="ellipsis") for each in self._changes]
        return Group(*parts)


def lines(some: Iterator[Look], summary: Callable[[ServiceStatus], str], now: Callable[[], datetime]) -> Iterator[str]:
    """Yield a line for each service at first, then for each change, and when AWS does not answer."""
    had_error, is_first = False, True
    for look in some:
        time = f"{now():%H:%M:%S} UTC"
        if is_first:
            yield from (f"{time} {each.found.name}: {summary(each)}" for each in look.overview.services)
        if look.error and not had_error:
            yield f"{time} no answer since {look.time:%H:%M:%S} UTC: {look.error}"
        if had_error and not look.error:
            yield f"{time} AWS answers again"
        had_error, is_first = bool(look.error), False
        yield from (f"{time} {each}" for each in look.changes)
