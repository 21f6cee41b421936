"""How CloudWatch evaluates the alarms of a template over time.

```
template ──> alarms + series of metrics, minute by minute ──> states ──> composite alarms ──> calls
```
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, NamedTuple

from tests.monitoring.metric_math import Number, evaluate

Resources = Mapping[str, Mapping[str, Any]]
# The value of a metric in a minute, by the end of its namespace and its name, such as `ECS CPUUtilization`; None where
# AWS reports nothing.
World = Callable[[int, str], Number]
OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": lambda value, limit: value >= limit
}
SETTINGS = ("ComparisonOperator", "DatapointsToAlarm", "EvaluationPeriods", "Threshold", "TreatMissingData")
QUERY = re.compile(r'SELECT (?P<statistic>SUM)\((?P<name>\w+)\) FROM "AWS/Logs"')


class Series:
    """The values of a metric, minute by minute, and what is needed to sum up a long time fast."""

    def __init__(self, world: World, name: str, minutes: range) -> None:
        self._first = minutes.start
        self._values = [world(each, name) for each in minutes]
        self.key = hash(tuple(self._values))
        """The same for series with the same values."""
        self._sums = [0.0, *accumulate(each or 0.0 for each in self._values)]
        self._counts = [0, *accumulate(each is not None for each in self._values)]

    def value(self, statistic: str, minute: int, length: int) -> Number:
        """Return the value of a period of some minutes that ends with a minute; periods slide."""
        end = minute - self._first + 1
        count = self._counts[end] - self._counts[end - length]
        if not count:
            return None
        if statistic in {"Sum", "Average"}:
            sum_ = self._sums[end] - self._sums[end - length]
            return sum_ if statistic == "Sum" else sum_ / count
        known = [each for each in self._values[end - length : end] if each is not None]
        return min(known) if statistic == "Minimum" else max(known)  # p90 is near the maximum


class Metric(NamedTuple):
    """A metric of an alarm."""

    name: str
    statistic: str
    seconds: int


@dataclass
class Alarm:
    """A metric alarm of a template."""

    id: str
    properties: Mapping[str, Any]

    def __post_init__(self) -> None:
        """Read its metrics and its expression."""
        properties = self.properties
        self.periods: int = properties["EvaluationPeriods"]
        self.datapoints: int = properties.get("DatapointsToAlarm", self.periods)
        self.band: float | None = None
        self.metrics: dict[str, Metric] = {}
        self.expression = "m"
        if "MetricName" in properties:
            statistic = properties.get("ExtendedStatistic", properties.get("Statistic", ""))
            self.metrics["m"] = Metric(_name(properties), statistic, properties["Period"])
        for each in properties.get("Metrics", []):
            self._read(each)
        self.seconds = max(each.seconds for each in self.metrics.values())
        settings = {key: value for key, value in properties.items() if key in SETTINGS}
        self.key = str((self.expression, self.metrics, settings))
        """The same for alarms that are evaluated in the same way."""

    def _read(self, query: Mapping[str, Any]) -> None:
        if stat := query.get("MetricStat"):
            self.metrics[query["Id"]] = Metric(_name(stat["Metric"]), stat["Stat"], stat["Period"])
            self.expression = query["Id"] if query.get("ReturnData", True) else self.expression
        elif match := QUERY.match(query["Expression"]):
            self.metrics["m"] = Metric(f"Logs {match['name']}", "Sum", query["Period"])
        elif band := re.match(r"ANOMALY_DETECTION_BAND\(\w+, (\d+)\)", query["Expression"]):
            self.band = float(band[1])
        else:
            self.expression = query["Expression"]

    def value(self, series: Mapping[str, Series], minute: int) -> Number:
        """Return the value of the period that ends with a minute."""
        values = [
            (id_, series[each.name].value(each.statistic, minute, each.seconds // 60))
            for id_, each in self.metrics.items()
        ]
        return evaluate(self.expression, tuple(values))

    def is_breaching(self, value: Number, usual: Mapping[str, float]) -> bool | None:
        """Whether a value breaches; None if it is missing and does not count."""
        missing = self.properties["TreatMissingData"]
        if value is None:
            return {"breaching": True, "notBreaching": False}.get(missing)
        if self.band is not None:
            return self._is_unusual(value, usual)
        return OPERATORS[self.properties["ComparisonOperator"]](value, self.properties["Threshold"])

    def _is_unusual(self, value: float, usual_values: Mapping[str, float]) -> bool:
        """Whether a value is outside of what a detector has learnt. A standard deviation is a tenth of it."""
        (metric,) = self.metrics.values()
        if metric.name not in usual_values:
            return False
        usual = usual_values[metric.name] * (metric.seconds // 60 if metric.statistic == "Sum" else 1)
        width = (self.band or 0) * usual / 10
        both = self.properties["ComparisonOperator"] == "LessThanLowerOrGreaterThanUpperThreshold"
        return value > usual + width or (both and value < usual - width)

    def states(self, series: Mapping[str, Series], usual: Mapping[str, float], minutes: range) -> list[bool]:
        """Return for each minute whether the alarm is raised."""
        step = self.seconds // 60
        breaching: dict[int, bool | None] = {}
        states, is_raised = [], False
        for minute in minutes:
            window = [minute - number * step for number in range(self.periods)]
            for each in window:
                if each not in breaching:
                    breaching[each] = self.is_breaching(self.value(series, each), usual)
            known = [each for each in (breaching[each] for each in window) if each is not None]
            if known or self.properties["TreatMissingData"] == "missing":
                is_raised = sum(known) >= self.datapoints
            states.append(is_raised)
        return states


def _name(metric: Mapping[str, Any]) -> str:
    return f"{metric['Namespace'].rpartition('/')[2]} {metric['MetricName']}"


def alarms_of(resources: Resources, ids: Mapping[str, str]) -> dict[str, Alarm]:
    """Return the metric alarms of a template by logical ID."""
    return {
        name: Alarm(ids[name], each["Properties"])
        for name, each in resources.items()
        if each["Type"] == "AWS::CloudWatch::Alarm"
    }


@dataclass
class Composite:
    """A composite alarm of a template."""

    id: str
    rule: str
    suppressor: str | None
    wait: int
    extension: int

    def __post_init__(self) -> None:
        """Compile the rule; the alarms that it reads are variables."""
        python = re.sub(r'ALARM\("(\w+)"\)', r"\1", self.rule).replace(" OR ", " or ").replace(" AND ", " and ")
        self._code = compile(python, self.id, "eval")

    def states(self, of: Mapping[str, list[bool]], count: int) -> list[bool]:
        """Return for each minute whether the alarm is raised."""
        read = {name: of[name] for name in self._code.co_names}
        if not any(map(any, read.values())):
            return [False] * count
        minutes = (dict(zip(read, states, strict=True)) for states in zip(*read.values(), strict=True))
        return [bool(eval(self._code, {"__builtins__": {}}, each)) for each in minutes]  # noqa: S307 - our template

    def calls(self, raised: list[bool], suppressing: list[bool]) -> int:
        """Return how often it acts: after the time that it waits for its suppressor, unless that is raised by then.

        https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-suppression.html
        """
        calls, is_called, since = 0, False, 0
        for minute, is_raised in enumerate(raised):
            since = since + 1 if is_raised else 0
            is_called = is_called and is_raised
            recent = suppressing[max(0, minute - self.extension) : minute + 1]
            if is_raised and not is_called and since > self.wait and not any(recent):
                is_called = True
                calls += 1
        return calls


def composites_of(resources: Resources, ids: Mapping[str, str]) -> dict[str, Composite]:
    """Return the composite alarms of a template by logical ID, each after those that it reads."""
    found = {}
    for name, each in resources.items():
        if each["Type"] == "AWS::CloudWatch::CompositeAlarm":
            properties = each["Properties"]
            suppressor = properties.get("ActionsSuppressor")
            found[name] = Composite(
                ids[name],
                text_of(properties["AlarmRule"]),
                text_of(suppressor) if suppressor else None,
                properties.get("ActionsSuppressorWaitPeriod", 0) // 60,
                properties.get("ActionsSuppressorExtensionPeriod", 0) // 60,
            )
    return dict(sorted(found.items(), key=lambda item: any(other in item[1].rule for other in found)))


def text_of(value: Any) -> str:  # noqa: ANN401 - a piece of a template
    """Return a text of a template, with the logical IDs of resources in place of references."""
    if isinstance(value, str):
        return value
    if "Fn::GetAtt" in value:
        return str(value["Fn::GetAtt"][0])
    if "Ref" in value:
        return str(value["Ref"])
    return "".join(map(text_of, value["Fn::Join"][1]))


# Most scenarios change few metrics: what other alarms do is known from those before.
_STATES: dict[object, list[bool]] = {}


@dataclass
class Outcome:
    """What happens in a scenario: the alarms that are raised at any time, and how often each composite acts."""

    raised: set[str]
    calls: dict[str, int]


def play(
    alarms: Mapping[str, Alarm],
    composites: Mapping[str, Composite],
    world: World,
    usual: Mapping[str, float],
    minutes: range,
) -> Outcome:
    """Evaluate all alarms of a template over some minutes; *usual* is what anomaly detectors know of a minute."""
    before: dict[str, int] = {}
    for each in alarms.values():
        for metric in each.metrics.values():
            before[metric.name] = max(before.get(metric.name, 0), each.seconds * each.periods)
    series = {
        name: Series(world, name, range(minutes.start - seconds // 60, minutes.stop))
        for name, seconds in before.items()
    }
    states = {}
    for name, each in alarms.items():
        read = tuple(series[metric.name].key for metric in each.metrics.values())
        key = each.key, read, minutes, tuple(usual.items())
        if key not in _STATES:
            _STATES[key] = each.states(series, usual, minutes)
        states[name] = _STATES[key]
    raised = {alarms[name].id for name, each in states.items() if any(each)}
    calls = {}
    for name, composite in composites.items():
        states[name] = composite.states(states, len(minutes))
    for name, composite in composites.items():
        suppressing = states[composite.suppressor] if composite.suppressor else [False] * len(minutes)
        calls[composite.id] = composite.calls(states[name], suppressing)
    return Outcome(raised, calls)
