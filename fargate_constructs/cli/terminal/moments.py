"""Times and durations as a person writes them, such as `2h` or `2026-11-29T10:00`, as options of a command."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import click

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
AGO = re.compile(r"(\d{1,6})([smhdw])")


class Moment(click.ParamType):  # type: ignore[type-arg] # click 8.2 has no type argument here
    """A time in UTC: how long ago it was, or its date, with an hour and an offset if there is one."""

    name = "time"

    def convert(self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the time that a text names."""
        if isinstance(value, datetime):
            return value
        try:
            return moment_of(value)
        except (ValueError, OverflowError):
            self.fail(
                "must be how long ago (90s, 30m, 2h, 7d, 4w) or a time (2026-11-29, 2026-11-29T10:00, "
                f"2026-11-29T10:00+09:00; UTC without an offset), got: {value}",
                param,
                ctx,
            )


class Duration(click.ParamType):  # type: ignore[type-arg] # the same
    """A number with a unit, such as 30m; seconds by default."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the seconds."""
        found = AGO.fullmatch(f"{value}s" if str(value).isdecimal() else str(value))
        if not found or not int(found[1]):
            self.fail(f"must be seconds, or a number with a unit (90s, 30m, 2h, 7d, 4w), got: {value}", param, ctx)
        return int(timedelta(**{UNITS[found[2]]: int(found[1])}).total_seconds())


def moment_of(text: str) -> datetime:
    """Return the time that a text names, in UTC; a ValueError if it names none, an OverflowError before the year 1."""
    if ago := AGO.fullmatch(text.strip()):
        return now() - timedelta(**{UNITS[ago[2]]: int(ago[1])})
    at = datetime.fromisoformat(text.strip())
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def now() -> datetime:
    """Return the time; tests replace it."""
    return datetime.now(UTC)


def milliseconds(at: datetime) -> int:
    """Return a time in milliseconds since 1970, as events have it."""
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def as_text(at: datetime) -> str:
    """Return a time for a person: to the second, with its zone."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def validate_range(since: datetime | None, until: datetime | None) -> None:
    """Refuse a range without a time in it.

    Raises:
        ValueError: If it ends before it begins.
    """
    if since and until and since >= until:
        raise ValueError(f"--since must be before --until, got: {as_text(since)} and {as_text(until)}")
