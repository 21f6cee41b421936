"""The layout of dashboards: what calls, then the sections in the order in which data flows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import jsii
from aws_cdk import IAspect, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct, IConstruct

from fargate_constructs._core.nag_suppressions import acknowledge
from fargate_constructs.monitoring.watched import (
    COMPOSITE_ACTS,
    SUPPRESSION_WAIT,
    Section,
    Severity,
    Watched,
    composite_alarm,
)

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html; of the metrics, those that
# expressions read count too.
MAX_WIDGETS, MAX_METRICS = 500, 2500
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
MAX_ALARMS_OF_WIDGET = 100
# A rule has at most 10,240 characters; one alarm of a nested stack takes up to 250 of them
# (https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html).
MAX_ALARMS_OF_RULE = 40
# What the numbers of each section should be, and what to do if they are not.
TEXTS: Mapping[Section, str] = {
    Section.CALLERS: (
        "5xx responses: near 0. Healthy tasks: as many as run. p99: steady; if it rises with the requests, look at CPU "
        "below. 5xx of the load balancer and none of targets: no task answers (503), tasks end connections (502) or "
        "are too slow (504)."
    ),
    Section.TASKS: (
        "CPU: near the target of scaling. Memory: level, below 90 %; a line that only rises is a leak. Running tasks: "
        "as many as desired; if fewer, the service's events and the reasons of stopped tasks say why. Deployments: 1; "
        "2 while a new version takes over."
    ),
    Section.LINKS: "5xx responses of linked services: near 0. Response time: steady.",
    Section.EGRESS: (
        "Port errors and dropped packets: 0. Idle time-outs: a connection pool should close or use connections before "
        "350 s. Bytes cost 0.045 USD a GB (us-east-1); traffic to AWS services is cheaper through VPC endpoints."
    ),
    Section.WORK: "Age of the oldest message: below the accepted wait. Failed runs and dead letters: 0.",
    Section.LOGS: (
        "Lag: no data, or less than a minute. Failures: 0; failed batches are replayed each hour. The last errors of "
        "each service are below."
    ),
}


class DashboardPage:
    """A dashboard of what is watched in one stack: the monitoring's own, or one nested in it."""

    def __init__(self, scope: Construct, id: str) -> None:
        self.scope = scope
        self.watched: list[Watched] = []
        # Otherwise CloudWatch adapts the periods to the time that is shown, and what is summed up for a minute, an hour
        # or a day would be something else
        # (https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html).
        self.dashboard = cloudwatch.Dashboard(scope, id, period_override=cloudwatch.PeriodOverride.INHERIT)

    def lay_out(self) -> None:
        """Add all widgets."""
        if any(each.alarms for each in self.watched):
            self.dashboard.add_widgets(self._alarm_status())
        for section in Section:
            rows = [[each.widget for each in part.panels if each.section is section] for part in self.watched]
            if any(rows):
                text = f"## {section.value}\n{TEXTS[section]}"
                heading = cloudwatch.TextWidget(markdown=text, width=24, height=3)
                self.dashboard.add_widgets(cast(cloudwatch.IWidget, heading))
            for widgets in filter(None, rows):  # each part begins a row
                self.dashboard.add_widgets(*widgets)

    def validate(self) -> list[str]:
        """Return what is too much for one dashboard."""
        stack = Stack.of(self.scope)
        panels = [panel for part in self.watched for panel in part.panels]
        body = stack.resolve([each for panel in panels for each in panel.widget.to_json()])
        counts = {"widgets": len(body) + len(Section) + 1, "metrics": sum(map(count_metrics, body))}
        limits = {"widgets": MAX_WIDGETS, "metrics": MAX_METRICS}
        path = self.dashboard.node.path
        return [
            f"{path} must have at most {limits[name]} {name}, got: {count}; watch fewer parts by one FargateMonitoring"
            for name, count in counts.items()
            if count > limits[name]
        ]

    def _alarm_status(self) -> cloudwatch.IWidget:
        """Return the alarms that call, and if there is room, those that they are made of; raised ones come first."""
        composites = [each for part in self.watched for each in part.composites.values()]
        alarms = [*composites, *(each for part in self.watched for each in part.alarms)]
        shown = alarms if len(alarms) <= MAX_ALARMS_OF_WIDGET else composites
        widget = cloudwatch.AlarmStatusWidget(
            title="Alarms",
            alarms=cast(Sequence[cloudwatch.IAlarm], shown),
            sort_by=cloudwatch.AlarmStatusWidgetSortBy.STATE_UPDATED_TIMESTAMP,
            width=24,
            height=2 + (len(shown) + 5) // 6,
        )
        return cast(cloudwatch.IWidget, widget)


def count_metrics(widget: dict[str, Any]) -> int:
    """Return how many metrics a widget of a dashboard's body has; an expression is none."""
    return sum(not isinstance(each[0], dict) for each in widget["properties"].get("metrics", []))


@jsii.implements(IAspect)
class LayOut:
    """Lays out the dashboards when all parts are known, and lets services' alarms suppress those of endpoints."""

    def __init__(self, pages: Sequence[DashboardPage]) -> None:
        self._pages = pages
        self._is_done = False

    def visit(self, node: IConstruct) -> None:  # noqa: ARG002 - CDK's signature
        """Do so at the first construct."""
        if self._is_done:
            return
        self._is_done = True
        for page in self._pages:
            for watched in page.watched:
                self._suppress(watched)
        for page in self._pages:
            page.lay_out()

    def _suppress(self, endpoint: Watched) -> None:
        """Let an endpoint not page while a service behind it does: both would report one fault."""
        page = endpoint.composites.get(Severity.PAGE)
        pages = [] if endpoint.is_behind else [*self._pages_behind(endpoint)]
        if page is None or not pages:
            return
        resource = cast(cloudwatch.CfnCompositeAlarm, page.node.default_child)
        resource.actions_suppressor = _any_of(endpoint, "Services", pages).alarm_arn
        resource.actions_suppressor_wait_period = SUPPRESSION_WAIT.to_seconds()
        resource.actions_suppressor_extension_period = SUPPRESSION_WAIT.to_seconds()

    def _pages_behind(self, endpoint: Watched) -> Iterator[cloudwatch.CompositeAlarm]:
        for page in self._pages:
            for service in page.watched:
                composite = service.composites.get(Severity.PAGE)
                if composite and service.is_behind & endpoint.balances:
                    yield composite


def _any_of(endpoint: Watched, id: str, alarms: Sequence[cloudwatch.CompositeAlarm]) -> cloudwatch.CompositeAlarm:
    """Return an alarm that is raised while any of some is; of one that is itself, and of many one of several."""
    if len(alarms) == 1:
        return alarms[0]
    if len(alarms) > MAX_ALARMS_OF_RULE:
        groups = [alarms[at : at + MAX_ALARMS_OF_RULE] for at in range(0, len(alarms), MAX_ALARMS_OF_RULE)]
        alarms = [_any_of(endpoint, f"{id}{number}", group) for number, group in enumerate(groups, 1)]
    text = f"A service behind {endpoint.path} pages; meanwhile the endpoint does not."
    alarm = composite_alarm(endpoint, id, alarms, text)
    acknowledge(alarm, COMPOSITE_ACTS)
    return alarm
