"""What is unusual for the hour and the day of the week.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Anomaly_Detection.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from fargate_constructs._core.construct_paths import path_of
from fargate_constructs._core.nag_suppressions import acknowledge
from fargate_constructs.monitoring.watched import COMPOSITE_ACTS, FIVE_MINUTES, Severity, Watched
from fargate_constructs.monitoring.watched_callers import targets_of

if TYPE_CHECKING:
    from fargate_constructs.service.fargate_service import FargateService
    from fargate_constructs.service.targets.target_groups import ServiceRoutes

# Standard deviations: CDK's default of 2 is left one time in twenty, without a fault.
WIDTH = 3
PERIODS = 6


def watch_anomalies(watched: Watched, service: FargateService) -> None:
    """Watch whether requests or the response time leave what is usual, of each port at each endpoint.

    CloudWatch learns it from two weeks of data.
    """
    for suffix, target in targets_of(cast("ServiceRoutes", service._routes)).items():
        (group,) = target.all
        _watch_target_group(watched, service, group, suffix)


def _watch_target_group(
    watched: Watched, service: FargateService, group: elbv2.ApplicationTargetGroup, suffix: str
) -> None:
    operator = cloudwatch.ComparisonOperator
    requests = group.metrics.request_count(period=FIVE_MINUTES)
    seconds = group.metrics.target_response_time(statistic="p90", period=FIVE_MINUTES)
    unusual = (
        ("UnusualRequests", requests, operator.LESS_THAN_LOWER_OR_GREATER_THAN_UPPER_THRESHOLD, "number of requests"),
        ("UnusualLatency", seconds, operator.GREATER_THAN_UPPER_THRESHOLD, "time of the slowest tenth of responses"),
    )
    for id_, metric, comparison, what in unusual:
        alarm = cloudwatch.AnomalyDetectionAlarm(
            watched,
            f"{id_}{suffix}",
            metric=cast(cloudwatch.IMetric, metric),
            std_devs=WIDTH,
            evaluation_periods=PERIODS,
            comparison_operator=comparison,
            alarm_description=f"{path_of(service)}: for 30 minutes the {what}{suffix} has been unusual for this "
            "time of the week. Compare it with the last deployment and with other services.",
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        acknowledge(alarm, COMPOSITE_ACTS)
        watched.adopt([alarm], Severity.TICKET)
