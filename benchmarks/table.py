"""The table of all measurements.

```
measurements ──> [Row] ──> benchmarks/RESULTS.md, and the terminal
```
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Row:
    """Our figure and another one.

    Args:
        what: What was measured.
        ours: Our figure, with its unit.
        other: The figure for comparison, with its unit and source.
        ratio: Of the two figures.
        at_most: The target, if the ratio must not be higher.
        at_least: The target, if the ratio must not be lower.
    """

    what: str
    ours: str
    other: str
    ratio: float
    at_most: float | None = None
    at_least: float | None = None

    @property
    def target(self) -> str:
        """The target; empty if there is none."""
        if self.at_most is not None:
            return f"at most {self.at_most:g}"
        return "" if self.at_least is None else f"at least {self.at_least:g}"

    @property
    def verdict(self) -> str:
        """Whether the printed figures meet the target."""
        printed = round(self.ratio, 2)
        if self.at_most is not None:
            return "met" if printed <= self.at_most else "missed"
        if self.at_least is not None:
            return "met" if printed >= self.at_least else "missed"
        return ""


def markdown(rows: Iterable[Row]) -> str:
    """Return the rows as a Markdown table whose columns also line up as plain text."""
    head = ("what", "ours", "compared with", "ratio", "target", "")
    body = [(row.what, row.ours, row.other, f"{row.ratio:.2f}", row.target, row.verdict) for row in rows]
    widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
    lines = [head, tuple("-" * width for width in widths), *body]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    )
