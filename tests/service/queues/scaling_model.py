"""What CloudWatch and Application Auto Scaling do with the policies of a template, minute by minute.

```
messages ──> SQS's and ECS's metrics, late ──> alarms ──> policies ──> tasks ──> messages
```
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import CodeType
from typing import Any

ACTIVE_MINUTES = 6 * 60
# Of the alarms that target tracking makes
# (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/target-tracking-create-policy.html).
OUT_MINUTES, IN_MINUTES, IN_SHARE = 3, 15, 0.9
COOLDOWN = 5  # minutes
OPERATORS = {"GreaterThanOrEqualToThreshold": "__ge__", "LessThanOrEqualToThreshold": "__le__"}


class Value:
    """A number or nothing; of nothing, arithmetic makes nothing."""

    def __init__(self, number: float | None) -> None:
        self.number = number

    def _with(self, other: "Value | float", of: Any) -> "Value":  # noqa: ANN401 - a function of two numbers
        theirs = other.number if isinstance(other, Value) else other
        return Value(None if self.number is None or theirs is None else of(self.number, theirs))

    def __gt__(self, other: "Value | float") -> "Value":
        """Compare."""
        return self._with(other, lambda one, two: float(one > two))

    def __truediv__(self, other: "Value | float") -> "Value":
        """Divide."""
        return self._with(other, lambda one, two: one / two)


def _sum(values: Sequence[Value]) -> Value:
    numbers = [each.number for each in values if each.number is not None]
    return Value(sum(numbers) if numbers else None)


def _if(condition: Value, yes: Value | float, no: Value | float) -> Value:
    if condition.number is None:
        return Value(None)
    chosen = yes if condition.number else no
    return chosen if isinstance(chosen, Value) else Value(chosen)


def evaluate(expression: CodeType, point: Mapping[str, float]) -> float | None:
    """Return the value of an expression of metric math in one minute."""
    names = {name: Value(point.get(name)) for name in ("waiting", "in_flight", "received", "tasks")}
    result = eval(expression, {"SUM": _sum, "IF": _if} | names)  # noqa: S307 - of our own template
    assert isinstance(result, Value)
    return result.number


@dataclass
class Point:
    """What is known of one minute."""

    minute: int
    arrives: int
    metrics: Mapping[str, float]
    values: dict[str, float | None] = field(default_factory=dict)

    def value(self, expression: str, code: CodeType) -> float | None:
        """Return the value of an expression, which is computed once."""
        if expression not in self.values:
            self.values[expression] = evaluate(code, self.metrics)
        return self.values[expression]


@dataclass
class Alarm:
    """An alarm on an expression."""

    expression: str
    operator: str
    threshold: float
    minutes: int

    def __post_init__(self) -> None:
        """Compile the expression."""
        self._code = compile(self.expression, "alarm", "eval")

    def values(self, points: Sequence["Point | None"]) -> list[float | None]:
        """Return the values of the last minutes; `None` for a minute without data."""
        return [each.value(self.expression, self._code) if each else None for each in points[-self.minutes :]]

    def is_raised(self, points: Sequence[Point | None], *, is_lenient: bool) -> bool:
        """Whether each minute breaches; a lenient alarm is raised by those that have data."""
        values = self.values(points)
        known = [each for each in values if each is not None]
        is_complete = bool(known) if is_lenient else len(known) == self.minutes
        return is_complete and all(getattr(each, self.operator)(self.threshold) for each in map(float, known))


@dataclass
class Policies:
    """The policies of one service, as a template has them."""

    least: int
    most: int
    target: float
    out_alarm: Alarm
    in_alarm: Alarm
    steps: list[tuple[Alarm, Mapping[str, Any]]]

    @classmethod
    def of(cls, resources: Mapping[str, Any]) -> "Policies":
        """Read them from the resources of a template with one service."""
        (target,) = _of_type(resources, "ApplicationAutoScaling::ScalableTarget")
        steps: dict[str, Any] = {}
        tracking: dict[str, Any] = {}
        for name, each in resources.items():
            if each["Type"] == "AWS::ApplicationAutoScaling::ScalingPolicy":
                steps[name] = each["Properties"].get("StepScalingPolicyConfiguration")
                tracking |= each["Properties"].get("TargetTrackingScalingPolicyConfiguration", {})
        expression = tracking["CustomizedMetricSpecification"]["Metrics"][-1]["Expression"]
        value = tracking["TargetValue"]
        alarms = [each for each in _of_type(resources, "CloudWatch::Alarm") if each.get("AlarmActions")]
        return cls(
            target["MinCapacity"],
            target["MaxCapacity"],
            value,
            Alarm(expression, "__gt__", value, OUT_MINUTES),
            Alarm(expression, "__lt__", IN_SHARE * value, IN_MINUTES),
            [
                (
                    Alarm(
                        each["Metrics"][0]["Expression"],
                        OPERATORS[each["ComparisonOperator"]],
                        each["Threshold"],
                        each["DatapointsToAlarm"],
                    ),
                    steps[each["AlarmActions"][0]["Ref"]],
                )
                for each in alarms
            ],
        )


def _of_type(resources: Mapping[str, Any], type_: str) -> list[dict[str, Any]]:
    return [each["Properties"] for each in resources.values() if each["Type"] == f"AWS::{type_}"]


@dataclass
class Task:
    """A task that takes one message after the other."""

    starts: float
    free_at: float
    message: float | None = None


@dataclass
class Simulation:
    """A service and its queue, in minutes.

    Attributes:
        policies: The service's.
        message: The minutes that a message takes.
        delay: How late metrics are.
        start: How long a task takes to start.
        wake_delay: How late they are in addition when the queue was not used for six hours, for as long.
        is_lenient: Whether alarms are raised although minutes have no data.
    """

    policies: Policies
    message: float
    delay: int = 1
    start: int = 1
    wake_delay: int = 0
    is_lenient: bool = False
    now: int = 0
    waiting: list[float] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    stopped_at_work: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin without a task, as after a quiet time."""
        self._points: list[Point] = []
        self._used, self._late_until = 0, 0
        self._last_out, self._added, self._last_in = -math.inf, 0, -math.inf
        self.tasks = [Task(0, 0) for _ in range(self.policies.least)]

    @property
    def capacity(self) -> int:
        """The desired count."""
        return len(self.tasks)

    def minute(self, sent: int = 0) -> None:
        """Let a minute pass: messages come, tasks work, SQS and ECS report, alarms and policies act."""
        self.waiting += [float(self.now)] * sent
        running = [task for task in self.tasks if task.starts <= self.now]
        received = self._work(running)
        self._report(sent, running, received)
        self.now += 1
        self._scale()
        self.counts.append(self.capacity)

    def _work(self, running: Sequence[Task]) -> int:
        received, end = 0, self.now + 1
        for task in sorted(running, key=lambda each: each.free_at):
            task.free_at = max(task.free_at, self.now)
            while task.free_at < end:
                task.message = None
                if not self.waiting:
                    break
                task.message = self.waiting.pop(0)
                self.waits.append(task.free_at - task.message)
                task.free_at += self.message
                received += 1
        return received

    def _report(self, sent: int, running: Sequence[Task], received: int) -> None:
        in_flight = sum(task.message is not None and task.free_at > self.now + 1 for task in running)
        if sent or running:
            if self.now - self._used > ACTIVE_MINUTES:
                self._late_until = self.now + self.wake_delay
            self._used = self.now
        if self.now - self._used > ACTIVE_MINUTES:
            return
        point = {"waiting": float(len(self.waiting))}
        point |= {
            name: float(value)
            for name, value in {"in_flight": in_flight, "received": received, "tasks": len(running)}.items()
            if value  # SQS and ECS do not report these otherwise
        }
        arrives = max(self.now + self.delay, self._late_until)
        self._points.append(Point(self.now, arrives, point))

    def _recent(self) -> list[Point | None]:
        """Return what is known of the last minutes, from the first to the last that can be known."""
        known = {point.minute: point for point in self._points[-40:] if point.arrives <= self.now}
        last = self.now - max(self.delay, 1)
        return [known.get(minute) for minute in range(last - 20, last + 1)]

    def _scale(self) -> None:
        points = self._recent()
        policies = self.policies
        wanted = [self._tracked(points)]
        for alarm, policy in policies.steps:
            if alarm.is_raised(points, is_lenient=self.is_lenient):
                wanted.append(self._stepped(policy, alarm.values(points)[-1] or 0, alarm.threshold))
        out = [each for each in wanted if each > self.capacity]
        less = [each for each in wanted if each < self.capacity]
        if out:
            self._set(max(out))
        elif less:
            self._set(max(less))

    def _tracked(self, points: Sequence[Point | None]) -> int:
        for alarm in (self.policies.out_alarm, self.policies.in_alarm):
            if alarm.is_raised(points, is_lenient=self.is_lenient):
                value = [each for each in alarm.values(points) if each is not None][-1]
                return math.ceil(self.capacity * value / self.policies.target - 1e-9)
        return self.capacity

    def _stepped(self, policy: Mapping[str, Any], value: float, threshold: float) -> int:
        for step in policy["StepAdjustments"]:
            low, high = (step.get(f"MetricInterval{end}Bound") for end in ("Lower", "Upper"))
            if (low is None or value - threshold >= low) and (high is None or value - threshold < high or low is None):
                change = int(step["ScalingAdjustment"])
                is_percent = policy["AdjustmentType"] == "PercentChangeInCapacity"
                return self.capacity + (self.capacity * change // 100 if is_percent else change)
        raise AssertionError(f"no step for {value}")

    def _set(self, wanted: int) -> None:
        """Change the desired count, within the limits and the cooldowns."""
        wanted = min(max(wanted, self.policies.least), self.policies.most)
        if wanted > self.capacity:
            in_cooldown = self.now - self._last_out < COOLDOWN
            # What the last activity added counts as part of the next one.
            wanted -= self._added if in_cooldown else 0
            if wanted <= self.capacity:
                return
            added = wanted - self.capacity
            self._added = added + (self._added if in_cooldown else 0)
            self._last_out = self.now
            self.tasks += [Task(self.now + self.start, self.now + self.start) for _ in range(added)]
        elif wanted < self.capacity and self.now - self._last_in >= COOLDOWN:
            self._last_in = self.now
            for task in self.tasks[wanted:]:
                if task.message is not None and task.free_at > self.now:
                    self.stopped_at_work.append(task.free_at - self.message)
                    self.waiting.insert(0, task.message)
            del self.tasks[wanted:]
