"""Run each benchmark, print one table, and write it to RESULTS.md.

`python -m benchmarks` runs all modules, `python -m benchmarks shipper` only the named ones.
"""

import importlib
import pkgutil
import sys
import textwrap
from pathlib import Path

import benchmarks
from benchmarks.measure import machine
from benchmarks.table import Row, markdown

RESULTS = Path(__file__).with_name("RESULTS.md")


def main(names: list[str]) -> None:
    """Run the named modules, or all that have `rows()`."""
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
    if not names:  # an incomplete table is not written
        RESULTS.write_text(f"# What `make bench` measured\n\n{textwrap.fill(machine(), 100)}\n\n{table}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
