"""Start-up: what an import takes, and how often Python asks Node.js for one further service.

```
import, add a service ──> [rows]
```
"""

import compileall
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from unittest import mock

from aws_cdk import App
from jsii._runtime import kernel

import fargate_constructs
from benchmarks import apps
from benchmarks.apps import ecs_patterns_completed, ours, ours_shipped_plainly
from benchmarks.measure import run
from benchmarks.table import Row

THEIRS = ("aws_cdk", "aws_ec2", "aws_ecs", "aws_elasticloadbalancingv2")
OURS = ("fargate_constructs", "FargateService", "FixedEgressNetwork", "HttpEndpoint")
TURNS = 7
IMPORT, MESSAGES = 1.3, 40


def rows() -> Iterator[Row]:
    """Measure the import, and count the messages."""
    for package in (fargate_constructs, apps):
        compileall.compile_dir(Path(str(package.__file__)).parent, quiet=1)
    runs = [[run("benchmarks.apps.imports", *names) for names in (OURS, THEIRS)] for _ in range(TURNS)]
    for what in ("cpu", "wall"):
        own, theirs = (min(getattr(each, what) for each in of_app) for of_app in zip(*runs, strict=True))
        yield Row(
            what=f"import of a service, an endpoint and a network: {what.upper() if what == 'cpu' else what} time",
            ours=f"{own:.2f} s",
            other=f"{theirs:.2f} s for aws_ec2, aws_ecs and aws_elasticloadbalancingv2",
            ratio=own / theirs,
            at_most=IMPORT if what == "cpu" else None,
        )
    theirs, plain, archived = (
        messages(partial(app.Services(App(), "Services", 2).add_service, "More"))
        for app in (ecs_patterns_completed, ours_shipped_plainly, ours)
    )
    for what, count, other, compared_with in (
        ("the same features on both sides", plain, theirs, " aws_ecs_patterns"),
        ("without an archive", plain, MESSAGES, ""),
        ("with a LogArchive", archived, MESSAGES, ""),
    ):
        yield Row(
            what=f"messages to Node.js for a further service, {what}",
            ours=str(count),
            other=f"{other}{compared_with}",
            ratio=count / other,
            at_most=1,
        )


def messages(work: Callable[[], object]) -> int:
    """Return how often Python asks Node.js during some work."""
    process = kernel.provider._process  # type: ignore[attr-defined] # noqa: SLF001
    with mock.patch.object(process, "send", wraps=process.send) as send:
        work()
    return send.call_count
