"""Lines of the function's own log."""

from __future__ import annotations

import json


def report(line: dict[str, object]) -> None:
    """Write a line."""
    print(json.dumps(line))  # noqa: T201 -- standard output is the function's log
