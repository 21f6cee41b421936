"""Metrics, as lines of the function's own log.

CloudWatch makes the metrics from these lines: no call that could fail or take time.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .put import Context

NAMESPACE = "FargateConstructs/LogArchive"

# CloudWatch Logs delivers within seconds. Only a later batch gets a line, because a line for each batch would cost
# about 0.15 USD for a million in ingestion.
LATE_MS = 60_000


def report_quarantine(key: str, reason: str, context: Context) -> None:
    """Count a batch that was put into quarantine."""
    _emit("QuarantinedBatches", "Count", 1, context, reason=reason, key=key)


def report_lag(newest: int | None, context: Context) -> None:
    """Report the delay of a batch's newest event, if it is late; `None` for a batch without events."""
    if newest is not None and (lag := _now() - newest) > LATE_MS:
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
