"""FargateCaveats: its time, compared with the synthesis.

```
app of services ──> synth [──> FargateCaveats] ──> [rows]
```

One process is measured without the pack and without CDK's built-in validation. The pack's own time is measured in
another process. The best of several runs counts.
"""

import sys
import time
from collections.abc import Iterator
from importlib import import_module
from unittest.mock import patch

from aws_cdk import App, IPolicyValidationContext, PolicyValidationPluginReport, Validations

from benchmarks.apps import NO_LIMIT, STACK
from benchmarks.measure import run
from benchmarks.table import Row
from fargate_constructs.caveats import FargateCaveats

APPS = ("ours", "ecs_patterns")
SERVICES, TURNS = 50, 3
MOST = 0.05


def rows() -> Iterator[Row]:
    """Measure an app without findings, and one with many findings."""
    for name in APPS:
        alone = [run(f"benchmarks.apps.{name}", str(SERVICES), CDK_VALIDATION="false").wall for _ in range(TURNS)]
        synthesis = min(alone)
        seconds, findings = min(_pack_time(name) for _ in range(TURNS))
        yield Row(
            what=f"FargateCaveats, {SERVICES} services of {name}, {findings} findings: of the synthesis",
            ours=f"{seconds:.2f} s",
            other=f"{synthesis:.2f} s without it",
            ratio=seconds / synthesis,
            at_most=MOST,
        )


def _pack_time(name: str) -> tuple[float, int]:
    """Return how many seconds the pack takes in the synthesis of an app, and how much it finds."""
    app = App(context=NO_LIMIT)
    import_module(f"benchmarks.apps.{name}").Services(app, STACK, SERVICES)
    measured: list[tuple[float, int]] = []
    validate = FargateCaveats.validate

    def timed(self: FargateCaveats, context: IPolicyValidationContext) -> PolicyValidationPluginReport:
        start = time.perf_counter()
        report = validate(self, context)
        measured.append((time.perf_counter() - start, len(report.violations)))
        # Otherwise CDK would print each finding that fails the synthesis.
        return PolicyValidationPluginReport(success=True, violations=[])

    with patch.object(FargateCaveats, "validate", timed):
        Validations.of(app).add_plugins(FargateCaveats(app))
        app.synth()
    return measured[0]


if __name__ == "__main__":
    print(*(_pack_time(name) for name in sys.argv[1:]))
