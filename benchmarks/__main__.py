"""Run every benchmark, print one table, and keep it in RESULTS.md.

`python -m benchmarks`, or `python -m benchmarks shipper` for the modules named.
"""

import importlib
import pkgutil
import sys
from pathlib import Path

import benchmarks
from benchmarks.measure import machine
from benchmarks.table import Row, markdown

RESULTS = Path(__file__).with_name("RESULTS.md")


def main(names: list[str]) -> None:
    """Run the modules that have `rows()`, or those named."""
    rows: list[Row] = []
    for module in pkgutil.iter_modules(benchmarks.__path__):
        if module.name == "__main__" or (names and module.name not in names):
            continue
        make_rows = getattr(importlib.import_module(f"benchmarks.{module.name}"), "rows", None)
        if make_rows:
            print(f"measuring: {module.name}", file=sys.stderr)
            rows += make_rows()
    table = markdown(rows)
    print(table)
    if not names:  # a part of the table is no result to keep
        RESULTS.write_text(f"# What `make bench` measured\n\n{machine()}\n\n{table}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
