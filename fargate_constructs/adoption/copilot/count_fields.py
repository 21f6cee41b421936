"""How many tasks, on which capacity, and on what they scale; and how a new version takes over."""

import re
from dataclasses import dataclass

from fargate_constructs.adoption.copilot.code import Call, Expression, Listed, call, made, text
from fargate_constructs.adoption.copilot.draft import Draft
from fargate_constructs.adoption.copilot.sections import Section
from fargate_constructs.adoption.copilot.source import ENVIRONMENT
from fargate_constructs.adoption.copilot.values import construct_id, duration_code, milliseconds

# How long ECS watches alarms: Copilot's own alarms need two of three minutes.
BAKE_TIME = "Duration.minutes(3)"
ALARMS = {
    "cpu_utilization": ("Cpu", "service.metric_cpu_utilization"),
    "memory_utilization": ("Memory", "service.metric_memory_utilization"),
}


@dataclass(frozen=True)
class Metric:
    """A value to keep, and how long to wait between two changes."""

    value: str
    scale_in: int | None
    scale_out: int | None

    def cooldowns(self) -> dict[str, Expression]:
        """Return the arguments for the times."""
        times = {"scale_in_cooldown": self.scale_in, "scale_out_cooldown": self.scale_out}
        return {name: duration_code(time) for name, time in times.items() if time is not None}


def scaling(draft: Draft, *, group: str) -> None:
    """Add the number of tasks, capacity, and metrics; *group* is the target group of the main route."""
    if not draft.root.is_map("count"):
        count = draft.root.number("count")
        number = str(1 if count is None else count)  # Copilot's default is 1
        draft.arguments["scaling"] = call("Scaling", min=number, max=number)
        return
    section = draft.root.section("count")
    if (spot := section.number("spot")) is not None:
        number = str(spot)
        draft.arguments["scaling"] = call("Scaling", min=number, max=number)
        draft.arguments["capacity"] = _spot(0)
        return
    least, most, spot_from = _range(section)
    if spot_from:
        draft.arguments["capacity"] = _spot(spot_from - 1)
    metrics = {key: _metric(section, key) for key in METRICS if key in section}
    for key in [] if group else [key for key in metrics if key in OF_ROUTE]:
        section.lose(key, "there is no route here whose requests count; add the metric with the route")
        del metrics[key]
    if "queue_delay" in section:
        draft.arguments |= {"min_tasks": str(least), "max_tasks": str(most)}
        options: dict[str, Expression] = {}
    else:
        options = {"min": str(least), "max": str(most), "cpu_percent": "None"}
        options["requests_per_target"] = "None"
    for key, metric in metrics.items():
        _track(draft, key, metric, options, group)
    if "queue_delay" not in section:
        if draft.kind == "W" or ("port" in draft.arguments and draft.arguments["port"] == "None"):
            del options["requests_per_target"]
        draft.arguments["scaling"] = Call("Scaling", tuple(options.items()))


OF_ROUTE = {"requests", "response_time"}
METRICS = ("cpu_percentage", "memory_percentage", "requests", "response_time")
ARGUMENTS = {
    "cpu_percentage": "cpu_percent",
    "memory_percentage": "memory_percent",
    "requests": "requests_per_target",
}


def _spot(base: int) -> Call:
    return call("Capacity.spot", on_demand_base=str(base))


def _range(section: Section) -> tuple[int, int, int | None]:
    if section.is_map("range"):
        inner = section.section("range")
        return inner.number("min") or 0, inner.number("max") or 0, inner.number("spot_from")
    found = section.text("range")
    if found is None:
        return 1, 1, None
    match = re.fullmatch(r"(\d+)-(\d+)", found)
    if match is None:
        raise section.wrong("range", "a range such as 1-10", found)
    return int(match[1]), int(match[2]), None


def _metric(section: Section, key: str) -> Metric:
    common = section.section("cooldown")
    times = {name: common.milliseconds(name) for name in ("in", "out")}
    inner = section.section(key) if section.is_map(key) else None
    value = inner.text("value") if inner else section.text(key)
    if inner:
        own = inner.section("cooldown")
        times |= {name: own.milliseconds(name) for name in ("in", "out") if name in own}
    is_known = milliseconds(value or "") if key == "response_time" else (value or "").isdecimal()
    if not is_known:
        expected = "a duration such as 2s" if key == "response_time" else "a whole number"
        raise section.wrong(key, expected, value)
    return Metric(value or "", times["in"], times["out"])


def _track(draft: Draft, key: str, metric: Metric, options: dict[str, Expression], group: str) -> None:
    """Add a metric to `Scaling`, or as a call of CDK's if it has times of its own."""
    cooldowns = metric.cooldowns()
    if options and not cooldowns and key in ARGUMENTS:
        options[ARGUMENTS[key]] = metric.value
        return
    tasks = draft.of_service("scalable_task_count")
    percent = {"target_utilization_percent": metric.value}
    calls = {
        "cpu_percentage": lambda: call(f"{tasks}.scale_on_cpu_utilization", text("Cpu"), **percent, **cooldowns),
        "memory_percentage": lambda: call(
            f"{tasks}.scale_on_memory_utilization", text("Memory"), **percent, **cooldowns
        ),
        "requests": lambda: call(
            f"{tasks}.scale_on_request_count",
            text("RequestsPerTask"),
            requests_per_target=metric.value,
            target_group=group,
            **cooldowns,
        ),
        "response_time": lambda: call(
            f"{tasks}.scale_to_track_custom_metric",
            text("ResponseTime"),
            metric=call(f"{group}.metrics.target_response_time"),
            target_value=_seconds(metric.value),
            **cooldowns,
        ),
    }
    draft.do(f"scale {key}", calls[key](), owns=f"count.{key}")


def _seconds(duration: str) -> str:
    length = (milliseconds(duration) or 0) / 1_000
    return str(int(length)) if length == int(length) else str(length)


def deployment(draft: Draft, *, queue: str = "") -> None:
    """Add the strategy, and the alarms that roll back."""
    section = draft.root.section("deployment")
    rolling = section.choice("rolling", ("default", "recreate"))
    has_alarms = "rollback_alarms" in section
    strategy = "recreate" if rolling == "recreate" else "rolling"
    if rolling == "recreate" or has_alarms:
        bake_time = BAKE_TIME if has_alarms else None
        draft.arguments["deployment"] = call(f"Deployment.{strategy}", bake_time=bake_time)
    if not has_alarms:
        return
    if not section.is_map("rollback_alarms"):
        names = section.texts("rollback_alarms") or []
        alarms = [
            draft.imported(f"{name}_alarm", made("cloudwatch.Alarm.from_alarm_name", construct_id(name), text(name)))
            for name in names
        ]
        draft.arguments["rollback"] = call("Rollback", alarms=Listed(tuple(alarms)))
        return
    inner = section.section("rollback_alarms")
    for key, (name, metric) in ALARMS.items():
        if (threshold := inner.text(key)) is not None:
            _alarm(draft, name, draft.of_service(metric), threshold)
    if queue and (threshold := inner.text("messages_delayed")) is not None:
        _alarm(draft, "Delayed", f"{queue}.metric_approximate_number_of_messages_delayed", threshold)


def _alarm(draft: Draft, name: str, metric: str, threshold: str) -> None:
    variable = f"{name.lower()}_alarm"
    alarm = made(
        "cloudwatch.Alarm",
        f"{name}Alarm",
        alarm_name=text(f"{draft.application}-{ENVIRONMENT}-{draft.name}-{name.lower()}-rollback"),
        metric=call(metric, period="Duration.minutes(1)"),
        threshold=threshold,
        evaluation_periods="3",
        datapoints_to_alarm="2",
        comparison_operator="cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD",
    )
    draft.do(f"alarm {name}", alarm, target=variable, owns="deployment.rollback_alarms")
    draft.do(f"rollback {name}", call(draft.of_service("rollback_on"), variable))
