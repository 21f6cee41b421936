"""What CloudWatch should know, as lines of the function's own log.

```
quarantined, late ──> [embedded metric format] ──> metric
```

CloudWatch makes the metrics from these lines: no call that could fail, or take time.
"""

from __future__ import annotations

import json
import time

from .put import Context

NAMESPACE = "FargateConstructs/LogArchive"

# Milliseconds. A line for each batch would cost as much ingestion as any other, some 0.15 USD for a million, and say
# nothing while all is well: CloudWatch Logs delivers within seconds. So only what is later than this is told.
LATE = 60_000


def report_quarantine(key: str, reason: str, context: Context) -> None:
    """Count a batch that was put into quarantine."""
    _emit("QuarantinedBatches", "Count", 1, context, reason=reason, key=key)


def report_lag(newest: int | None, context: Context) -> None:
    """Tell how late the newest event of a batch has got here, if that is late.

    Args:
        newest: When it happened, in milliseconds; None for no event, which is never late.
        context: Lambda's.
    """
    if newest is not None and (lag := _now() - newest) > LATE:
        _emit("Lag", "Milliseconds", lag, context)


def _emit(name: str, unit: str, value: int, context: Context, **properties: str) -> None:
    metric = {
        "Namespace": NAMESPACE,
        "Dimensions": [["FunctionName"]],
        "Metrics": [{"Name": name, "Unit": unit}],
    }
    line = {
        "_aws": {"Timestamp": _now(), "CloudWatchMetrics": [metric]},
        "FunctionName": context.function_name,
        name: value,
        **properties,
    }
    print(json.dumps(line))  # noqa: T201 -- standard output is the function's log


def _now() -> int:
    return time.time_ns() // 1_000_000
