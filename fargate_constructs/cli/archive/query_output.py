"""Writes the rows of a query as a table, as CSV or as JSON."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import chain, islice
from typing import Any, TextIO

from rich.cells import cell_len

from fargate_constructs.cli.archive.athena_queries import Column, Row

# The widths of a table are those of so many rows, and at most so many columns; other cells are longer.
MEASURED, MAX_WIDTH = 1000, 60
NUMBERS = {"tinyint", "smallint", "integer", "int", "bigint"}
FRACTIONS = {"double", "float", "real", "decimal"}
# A log line may try to control a terminal.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
SHORT = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}


def write_table(columns: Sequence[Column], rows: Iterable[Row], out: TextIO) -> int:
    """Write rows below the names of their columns; return how many there are. Lines are not cut."""
    remaining = iter(rows)
    first = [[_visible(cell) for cell in row] for row in islice(remaining, MEASURED)]
    names = [_visible(each.name) for each in columns]
    widths = [min(max(map(cell_len, cells)), MAX_WIDTH) for cells in zip(names, *first, strict=True)]
    right = [each.type in NUMBERS | FRACTIONS for each in columns]

    def line(cells: Sequence[str]) -> str:
        padded = []
        for cell, width, is_number in zip(cells, widths, right, strict=True):
            space = " " * (width - cell_len(cell))
            padded.append(space + cell if is_number else cell + space)
        return "  ".join(padded).rstrip() + "\n"

    out.write(line(names))
    out.write("  ".join("-" * width for width in widths) + "\n")
    return _count(out, (line(cells) for cells in chain(first, ([_visible(cell) for cell in row] for row in remaining))))


def write_csv(columns: Sequence[Column], rows: Iterable[Row], out: TextIO) -> int:
    """Write rows as CSV (RFC 4180), as Athena writes it: a text has quotes, and a NULL is empty without them."""
    out.write(_csv_line([each.name for each in columns]))
    return _count(out, map(_csv_line, rows))


def write_json(columns: Sequence[Column], rows: Iterable[Row], out: TextIO) -> int:
    """Write rows as one JSON list of objects, with numbers and booleans as such."""
    names = unique([each.name for each in columns])
    converters = [_converter(each.type) for each in columns]

    def texts() -> Iterator[str]:
        separator = "\n"
        for row in rows:
            values = [None if cell is None else convert(cell) for cell, convert in zip(row, converters, strict=True)]
            yield f"{separator}{json.dumps(dict(zip(names, values, strict=True)), ensure_ascii=False)}"
            separator = ",\n"

    out.write("[")
    count = _count(out, texts())
    out.write("\n]\n" if count else "]\n")
    return count


WRITERS: dict[str, Callable[[Sequence[Column], Iterable[Row], TextIO], int]] = {
    "table": write_table,
    "csv": write_csv,
    "json": write_json,
}


def unique(names: Sequence[str]) -> list[str]:
    """Return names of which none occurs twice: the second one gets a number."""
    seen = Counter[str]()
    made = []
    for name in names:
        seen[name] += 1
        while seen[name] > 1 and f"{name}_{seen[name]}" in names:
            seen[name] += 1
        made.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return made


def _count(out: TextIO, lines: Iterable[str]) -> int:
    count = 0
    for each in lines:
        out.write(each)
        count += 1
    return count


def _visible(text: str | None) -> str:
    """Return a text without what would move the cursor, or look like another text."""
    return "" if text is None else CONTROL.sub(lambda found: SHORT.get(found[0], f"\\u{ord(found[0]):04x}"), text)


def _csv_line(cells: Sequence[str | None]) -> str:
    return ",".join("" if cell is None else '"' + cell.replace('"', '""') + '"' for cell in cells) + "\n"


def _converter(type_: str) -> Callable[[str], Any]:
    if type_ in NUMBERS:
        return int
    if type_ == "boolean":
        return lambda text: text == "true"
    if type_ == "decimal":
        return _decimal
    return _fraction if type_ in FRACTIONS else str


def _fraction(text: str) -> float | str:
    """Return a number; NaN and Infinity, which JSON does not have, stay texts."""
    number = float(text)
    return number if abs(number) < float("inf") else text


def _decimal(text: str) -> float | str:
    """Return a number; one with more digits than a number of JSON usually has stays a text."""
    number = float(text)
    return number if Decimal(repr(number)) == Decimal(text) else text
