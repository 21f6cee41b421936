"""How fast the errors that an objective allows are used up.

https://sre.google/workbook/alerting-on-slos/, table 5-8. A long window says that it matters, and a short one that it
still lasts. CloudWatch evaluates a period as a sliding window each minute
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation-window.html), for up to 7 days.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from fargate_constructs._core.construct_paths import path_of
from fargate_constructs._core.unresolved import is_unresolved
from fargate_constructs.monitoring.watched import Section, Severity, Watched
from fargate_constructs.service.deployments.rollback import MIN_ERRORS
from fargate_constructs.service.targets.target_group_metrics import error_percent

if TYPE_CHECKING:
    from fargate_constructs.service.fargate_service import FargateService


class BurnRate(NamedTuple):
    """A pair of windows: how many times faster than allowed errors come, and what part of the budget that is."""

    id: str
    severity: Severity
    rate: float
    long: Duration
    short: Duration


BURN_RATES = (
    BurnRate("Fast", Severity.PAGE, 14.4, Duration.hours(1), Duration.minutes(5)),
    BurnRate("Medium", Severity.PAGE, 6, Duration.hours(6), Duration.minutes(30)),
    BurnRate("Slow", Severity.TICKET, 1, Duration.days(3), Duration.hours(6)),
)
# Below the first, all responses may fail and the fastest rate is not reached.
SLOS = (94.0, 99.999)


def validate_slo(slo: float | None) -> None:
    """Refuse an objective with which an alarm could not be raised, or that is known only when deployed."""
    if slo is None:
        return
    if is_unresolved(slo):
        raise ValueError("slo must be known at synthesis, got a token: thresholds are computed from it")
    if not SLOS[0] <= slo <= SLOS[1]:
        raise ValueError(
            f"slo must be {SLOS[0]:g} to {SLOS[1]:g}, the percentage of responses that are no 5xx, got: {slo:g}; write "
            "slo=99.9 for 1 error in 1,000 responses"
        )


def watch_slo(watched: Watched, service: FargateService, slo: float) -> None:
    """Watch how fast a service's errors use up the budget of 30 days."""
    groups = [each.metrics for each in service.target_groups]
    allowed = 100 - slo
    for burn in BURN_RATES:
        threshold = round(burn.rate * allowed, 6)
        alarms: list[cloudwatch.Alarm] = []
        for window, period, min_errors in (("Long", burn.long, MIN_ERRORS), ("Short", burn.short, 1)):
            text = (
                f"{path_of(service)}: of the responses of {period.to_human_string()}, {threshold:g} % or more are 5xx, "
                f"{'' if burn.rate == 1 else f'{burn.rate:g} times '}as many as slo={slo:g} allows. Look at the last "
                "errors in its log."
            )
            percent = error_percent(groups, min_errors=min_errors, period=period)
            alarms.append(
                watched.add_alarm(f"Burn{burn.id}{window}", percent, text, severity=None, threshold=threshold)
            )
        watched.add_rule(cloudwatch.AlarmRule.all_of(*alarms), burn.severity)
    hour = error_percent(groups, min_errors=MIN_ERRORS, period=Duration.hours(1))
    title = f"{service.node.id}: errors of an hour against {slo:g} %"
    watched.graph(Section.CALLERS, title, {"errors": hour}, unit="%", limit=round(14.4 * allowed, 6))
