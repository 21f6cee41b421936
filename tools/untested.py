"""What of the package no test runs, by SlipCover's report: lines, branches, and modules that no test imports."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

PACKAGE = Path("fargate_constructs")


def main() -> None:
    """Print it, and fail if there is any."""
    report = json.loads(Path(sys.argv[1]).read_text())
    modules = [str(each) for each in sorted(PACKAGE.rglob("*.py"))]
    found = list(untested(report["files"], modules))
    print(*found, sep="\n", end="\n" if found else "")
    print(f"{len(found)} of {len(modules)} modules are not tested whole")
    sys.exit(bool(found))


def untested(files: Mapping[str, Mapping[str, Any]], modules: Iterable[str]) -> Iterator[str]:
    """Yield a line for each module of which a part is not run, such as `a.py: line 3, branch 12->15`."""
    for module in modules:
        if module not in files:
            yield f"{module}: no test imports it"
            continue
        parts = [f"line {line}" for line in files[module]["missing_lines"]]
        parts += [f"branch {start}->{end or 'exit'}" for start, end in files[module]["missing_branches"]]
        if parts:
            yield f"{module}: {', '.join(parts)}"


if __name__ == "__main__":
    main()
