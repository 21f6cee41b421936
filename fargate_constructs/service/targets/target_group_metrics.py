"""Metrics of a service's target groups: one, or several as one number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from aws_cdk import Duration
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from fargate_constructs._core.lazy_cdk import aws_cloudwatch as cloudwatch


def error_percent(
    groups: Sequence[elbv2.IApplicationTargetGroupMetrics], *, min_errors: int, period: Duration
) -> cloudwatch.MathExpression:
    """Return how many of 100 responses are 5xx; 0 in a period with fewer of them than *min_errors*."""
    metrics: dict[str, cloudwatch.Metric] = {}
    for number, of_group in enumerate(groups):
        metrics[f"errors{number}"] = of_group.http_code_target(elbv2.HttpCodeTarget.TARGET_5XX_COUNT, period=period)
        metrics[f"requests{number}"] = of_group.request_count(period=period)
    errors, requests = (
        aggregate([name for name in metrics if name.startswith(kind)]) for kind in ("errors", "requests")
    )
    return expression(
        f"IF({errors} >= {min_errors}, 100 * {errors} / {requests}, 0)",
        metrics,
        label="percentage of 5xx responses",
        period=period,
    )


def total(
    name: str, metrics: Sequence[cloudwatch.Metric], *, label: str, period: Duration, of: str = "SUM"
) -> cloudwatch.MathExpression:
    """Return the sum of metrics, or what else the function *of* makes of a list."""
    named = {f"{name}{number}": each for number, each in enumerate(metrics)}
    return expression(aggregate(list(named), of), named, label=label, period=period)


def aggregate(names: Sequence[str], of: str = "SUM") -> str:
    """Return the sum of metrics in metric math. SUM ignores metrics without data, and `+` does not.

    FILL is not used either: data that comes late would count as 0, and the alarm might never be raised
    (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html).
    """
    return names[0] if len(names) == 1 else f"{of}([{', '.join(names)}])"


def expression(
    text: str, metrics: Mapping[str, cloudwatch.Metric], *, label: str, period: Duration
) -> cloudwatch.MathExpression:
    """Return an expression of metric math."""
    return cloudwatch.MathExpression(
        expression=text,
        using_metrics=cast(Mapping[str, cloudwatch.IMetric], metrics),
        label=label,
        period=period,
    )
