"""Synthesis: the time and memory for the same services, in a new process for each app.

```
python -m benchmarks.apps.… n ──> [rows]
```

Complete processes are measured, from the start of Python to its end, with Node. The apps take turns, and the best turn
of each counts, because other processes disturb it least. Our package is compiled to bytecode before, as pip does.
"""

import compileall
from collections.abc import Iterator
from pathlib import Path

import fargate_constructs
from benchmarks import apps
from benchmarks.measure import Usage, run
from benchmarks.table import Row

APPS = ("ecs_patterns", "ecs_patterns_completed", "ours_shipped_plainly", "ours")
TURNS = {1: 5, 10: 5, 50: 3}
MANY, MOST = 10, 50
TIME = 1.1
# The time per service varies. If it grew with the number of services, it would be four times as long or more.
GROWTH = 1.25


def rows() -> Iterator[Row]:
    """Measure all apps."""
    for package in (fargate_constructs, apps):
        compileall.compile_dir(Path(str(package.__file__)).parent, quiet=1)
    best = {services: _best(services, turns) for services, turns in TURNS.items()}
    for services, (plain, completed, same, ours) in best.items():
        what = f"synth, {services} service{'s' if services > 1 else ''}"
        for usage, theirs, having, at_most in (
            (same, completed, "the same features on both sides", TIME),
            (same, plain, "our other features only on our side", TIME),
            (ours, plain, "and a LogArchive", None),
        ):
            target = at_most if services == MANY else None
            yield _row(f"{what}, {having}: wall time", usage.wall, theirs.wall, "s", target)
            yield _row(f"{what}, {having}: CPU time", usage.cpu, theirs.cpu, "s", None)
            yield _row(f"{what}, {having}: peak memory, Python and Node", usage.peak, theirs.peak, "MB", None)
    for app, name in enumerate(APPS):
        few, many = (
            (best[more][app].cpu - best[fewer][app].cpu) / (more - fewer) * 1000
            for fewer, more in ((1, MANY), (MANY, MOST))
        )
        yield Row(
            what=f"synth, {name}: CPU time of a further service",
            ours=f"{many:.0f} ms from {MANY} to {MOST} services",
            other=f"{few:.0f} ms from 1 to {MANY}, of the same",
            ratio=many / few,
            at_most=GROWTH if name == "ours" else None,
        )


def _row(what: str, ours: float, theirs: float, unit: str, at_most: float | None) -> Row:
    digits = 0 if unit == "MB" else 2
    return Row(
        what=what,
        ours=f"{ours:.{digits}f} {unit}",
        other=f"{theirs:.{digits}f} {unit} aws_ecs_patterns",
        ratio=ours / theirs,
        at_most=at_most,
    )


def _best(services: int, turns: int) -> list[Usage]:
    runs = [[run(f"benchmarks.apps.{app}", str(services)) for app in APPS] for _ in range(turns)]
    return [
        Usage(
            wall=min(usage.wall for usage in usages),
            cpu=min(usage.cpu for usage in usages),
            peak=min(usage.peak for usage in usages),
        )
        for usages in zip(*runs, strict=True)
    ]
