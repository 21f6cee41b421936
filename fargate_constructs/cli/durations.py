"""Durations as arguments of commands."""

import re

import click

UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}


class Duration(click.ParamType[int]):
    """A number with a unit, such as 30m; seconds by default."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the seconds."""
        found = re.fullmatch(r"([1-9]\d{0,6})([smh]?)", str(value))
        if not found:
            self.fail(f"it must be seconds, or a number with s, m or h, such as 30m, got: {value}", param, ctx)
        return int(found[1]) * UNITS[found[2]]
