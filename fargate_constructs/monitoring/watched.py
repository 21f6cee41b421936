"""One thing that pages once: its alarms by severity, and its panels on the dashboard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, cast

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from fargate_constructs._core.construct_paths import keep_place
from fargate_constructs._core.nag_suppressions import acknowledge
from fargate_constructs._core.threshold_alarm import threshold_alarm

MINUTE, FIVE_MINUTES = Duration.minutes(1), Duration.minutes(5)
# How long a ticket waits for a page about the same fault, and for how long after the page no ticket is written
# (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-suppression.html).
SUPPRESSION_WAIT, SUPPRESSION_EXTENSION = Duration.minutes(2), Duration.minutes(15)
COMPOSITE_ACTS = {"CloudWatchAlarmAction": "The composite alarm of what is watched acts, so that a fault calls once."}
NO_ACTION = {"CloudWatchAlarmAction": "You decide who is notified: pass alarm_actions to FargateMonitoring."}


PERCENTILES = ("p50", "p90", "p99")
# The metrics of an axis, by their labels.
Graphed = Mapping[str, cloudwatch.Metric] | Mapping[str, cloudwatch.Metric | cloudwatch.MathExpression]


class Severity(Enum):
    """What an alarm asks for."""

    PAGE = "page"
    """Callers, tasks or logs are harmed now: a person acts now."""
    TICKET = "ticket"
    """It can wait for working hours."""


class Section(Enum):
    """The parts of a dashboard, in the order in which data flows."""

    CALLERS = "Callers"
    TASKS = "Tasks"
    LINKS = "Links"
    EGRESS = "Egress"
    WORK = "Queues and jobs"
    LOGS = "Logs"


@dataclass(frozen=True)
class Panel:
    """A widget of a dashboard, and the section that it belongs to."""

    section: Section
    widget: cloudwatch.IWidget


class Watched(Construct):
    """The alarms and panels of what is watched together. A composite alarm for each severity acts."""

    def __init__(self, scope: Construct, id: str, *, path: str) -> None:
        super().__init__(scope, id)
        keep_place(self, scope, id)
        self.path = path
        self.panels: list[Panel] = []
        self.alarms: list[cloudwatch.IAlarm] = []
        """The alarms made here, and those of the parts."""
        self.composites: dict[Severity, cloudwatch.CompositeAlarm] = {}
        self._rules: dict[Severity, list[cloudwatch.IAlarmRule]] = {each: [] for each in Severity}
        self.balances: set[str] = set()
        """The paths of the load balancers that are watched here."""
        self.is_behind: set[str] = set()
        """The paths of the load balancers that send requests to what is watched here."""

    def add_alarm(
        self,
        id: str,
        metric: cloudwatch.IMetric,
        text: str,
        *,
        severity: Severity | None,
        threshold: float = 1,
        periods: int = 1,
        datapoints_to_alarm: int | None = None,
    ) -> cloudwatch.Alarm:
        """Make an alarm; without a severity it is a part of a rule. A period without data is one without fault."""
        alarm = threshold_alarm(
            self,
            id,
            metric,
            text,
            threshold=threshold,
            periods=periods,
            datapoints_to_alarm=datapoints_to_alarm,
        )
        acknowledge(alarm, COMPOSITE_ACTS)
        self.alarms.append(alarm)
        if severity:
            self.add_rule(alarm, severity)
        return alarm

    def add_rule(self, rule: cloudwatch.IAlarmRule, severity: Severity) -> None:
        """Let a rule call."""
        self._rules[severity].append(rule)

    def adopt(self, alarms: Sequence[cloudwatch.IAlarm], severity: Severity) -> None:
        """Let alarms of a part call."""
        for alarm in alarms:
            self.alarms.append(alarm)
            self.add_rule(cast(cloudwatch.IAlarmRule, alarm), severity)

    def add_panel(self, section: Section, widget: cloudwatch.IWidget) -> None:
        """Show a widget in a section."""
        self.panels.append(Panel(section, widget))

    def graph(
        self,
        section: Section,
        title: str,
        left: Graphed,
        right: Graphed | None = None,
        *,
        unit: str = "",
        stacked: bool = False,
        limit: float | None = None,
        region: str | None = None,
        start: str | None = None,
    ) -> None:
        """Show metrics by their labels, with a line at the value at which the alarm is raised, if there is one."""
        axis = cloudwatch.YAxisProps(min=0, label=unit or None, show_units=False)
        widget = cloudwatch.GraphWidget(
            title=title,
            left=_labelled(left),
            right=_labelled(right or {}) or None,
            left_y_axis=axis,
            right_y_axis=cloudwatch.YAxisProps(min=0, show_units=False),
            left_annotations=None
            if limit is None
            else [cloudwatch.HorizontalAnnotation(value=limit, label="alarm", color=cloudwatch.Color.RED)],
            stacked=stacked,
            width=8,
            height=6,
            region=region,
            start=start,
        )
        self.add_panel(section, cast(cloudwatch.IWidget, widget))

    def text(self, section: Section, markdown: str) -> None:
        """Show a text: what to type, and where to look."""
        widget = cloudwatch.TextWidget(markdown=markdown, width=24, height=4 if "\n" in markdown else 2)
        self.add_panel(section, cast(cloudwatch.IWidget, widget))

    def make_composites(self, actions: Mapping[Severity, Sequence[cloudwatch.IAlarmAction]]) -> None:
        """Make an alarm for each severity that has rules. While it pages, no ticket is written."""
        for severity, rules in self._rules.items():
            if not rules:
                continue
            page = self.composites.get(Severity.PAGE)
            is_suppressed = severity is Severity.TICKET and page is not None
            composite = composite_alarm(
                self,
                severity.name.title(),
                rules,
                f"{self.path}: {_MEANINGS[severity]} {_DETAILS}",
                actions_suppressor=cast("cloudwatch.IAlarm | None", page) if is_suppressed else None,
                actions_suppressor_wait_period=SUPPRESSION_WAIT if is_suppressed else None,
                actions_suppressor_extension_period=SUPPRESSION_EXTENSION if is_suppressed else None,
            )
            composite.add_alarm_action(*actions[severity])
            if not actions[severity]:
                acknowledge(composite, NO_ACTION)
            self.composites[severity] = composite


def _labelled(metrics: Graphed) -> list[cloudwatch.IMetric]:
    return [cast(cloudwatch.IMetric, metric.with_(label=label)) for label, metric in metrics.items()]


def composite_alarm(
    scope: Construct,
    id: str,
    rules: Sequence[cloudwatch.IAlarmRule],
    description: str,
    **options: Any,  # noqa: ANN401 - CDK's
) -> cloudwatch.CompositeAlarm:
    """Make an alarm that is raised while any of some is, with a name of CloudFormation's."""
    alarm = cloudwatch.CompositeAlarm(
        scope, id, alarm_rule=cloudwatch.AlarmRule.any_of(*rules), alarm_description=description, **options
    )
    # CDK's name would be the same in two deployments of one app to an account.
    resource = cast(cloudwatch.CfnCompositeAlarm, alarm.node.default_child)
    resource.add_property_deletion_override("AlarmName")
    return alarm


_MEANINGS = {
    Severity.PAGE: "act now: callers, tasks or logs are harmed.",
    Severity.TICKET: "look at it in working hours.",
}
# The message that SNS sends has this text, and not those of the alarms that are raised.
_DETAILS = (
    "What happened and what to do: aws cloudwatch describe-alarms --state-value ALARM --query "
    "'MetricAlarms[].[AlarmName,AlarmDescription]' --output text. The dashboard has numbers, and commands for logs and "
    "a shell."
)
