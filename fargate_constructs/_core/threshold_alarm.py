"""An alarm that is raised while a metric reaches a threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fargate_constructs._core.lazy_cdk import aws_cloudwatch as cloudwatch

if TYPE_CHECKING:
    from constructs import Construct


def threshold_alarm(
    scope: Construct,
    id: str,
    metric: cloudwatch.IMetric,
    description: str,
    *,
    threshold: float = 1,
    periods: int = 1,
    datapoints_to_alarm: int | None = None,
    treat_missing_data: cloudwatch.TreatMissingData | None = None,
) -> cloudwatch.Alarm:
    """Make an alarm that is raised when a metric reaches a threshold in each of some periods in a row.

    Args:
        scope: The construct that owns the alarm.
        id: The alarm's ID.
        metric: The metric, with its period.
        description: What has happened, for the person who reads the alarm.
        threshold: The value. By default 1, for what should never happen.
        periods: How many periods of the metric are evaluated.
        datapoints_to_alarm: How many of them must reach the threshold. By default all.
        treat_missing_data: What a period without data counts as. By default as one in which all is well: most metrics
            of errors have no data while there are none.
    """
    return cloudwatch.Alarm(
        scope,
        id,
        metric=metric,
        alarm_description=description,
        threshold=threshold,
        evaluation_periods=periods,
        datapoints_to_alarm=datapoints_to_alarm,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        treat_missing_data=treat_missing_data or cloudwatch.TreatMissingData.NOT_BREACHING,
    )
