"""How many tasks, on which capacity, and on what they scale; and how a new version takes over."""

import re

from fargate_constructs.adoption.copilot.code import Call, Expression, call, listed, made, text
from fargate_constructs.adoption.copilot.draft import Draft, durations
from fargate_constructs.adoption.copilot.sections import Section
from fargate_constructs.adoption.copilot.source import ENVIRONMENT
from fargate_constructs.adoption.copilot.values import construct_id, milliseconds

# How long ECS watches alarms: Copilot's own alarms need two of three minutes.
BAKE_TIME = "Duration.minutes(3)"
OF_ROUTE = ("requests", "response_time")
METRICS = ("cpu_percentage", "memory_percentage", *OF_ROUTE)
ARGUMENTS = {
    "cpu_percentage": "cpu_percent",
    "memory_percentage": "memory_percent",
    "requests": "requests_per_target",
}
COOLDOWNS = {"in": "scale_in_cooldown", "out": "scale_out_cooldown"}
# A value to keep, and the arguments for how long to wait between two changes.
Metric = tuple[str, dict[str, Expression]]


def scaling(draft: Draft, *, group: str) -> None:
    """Add the number of tasks, capacity, and metrics; *group* is the target group of the main route."""
    if not draft.root.is_map("count"):
        count = draft.root.number("count")
        draft.arguments["scaling"] = _fixed(1 if count is None else count)  # Copilot's default is 1
        return
    section = draft.root.section("count")
    if (spot := section.number("spot")) is not None:
        draft.arguments |= {"scaling": _fixed(spot), "capacity": _spot(0)}
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
        if draft.kind != "W" and draft.arguments["port"] != "None":
            options["requests_per_target"] = "None"
    for key, metric in metrics.items():
        _track(draft, key, metric, options, group)
    if options:
        draft.arguments["scaling"] = call("Scaling", **options)


def _fixed(count: int) -> Call:
    return call("Scaling", min=str(count), max=str(count))


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
    times = durations(section.section("cooldown"), COOLDOWNS)
    if section.is_map(key):
        inner = section.section(key)
        value = inner.text("value") or ""
        times |= durations(inner.section("cooldown"), COOLDOWNS)
    else:
        value = section.text(key) or ""
    is_known = milliseconds(value) if key == "response_time" else value.isdecimal()
    if not is_known:
        expected = "a duration such as 2s" if key == "response_time" else "a whole number"
        raise section.wrong(key, expected, value)
    return value, {name: times[name] for name in COOLDOWNS.values() if name in times}


def _track(draft: Draft, key: str, metric: Metric, options: dict[str, Expression], group: str) -> None:
    """Add a metric to `Scaling`, or as a call of CDK's if it has times of its own."""
    value, cooldowns = metric
    if options and not cooldowns and key in ARGUMENTS:
        options[ARGUMENTS[key]] = value
        return
    calls: dict[str, tuple[str, str, dict[str, Expression]]] = {
        "cpu_percentage": ("scale_on_cpu_utilization", "Cpu", {"target_utilization_percent": value}),
        "memory_percentage": ("scale_on_memory_utilization", "Memory", {"target_utilization_percent": value}),
        "requests": (
            "scale_on_request_count",
            "RequestsPerTask",
            {"requests_per_target": value, "target_group": group},
        ),
        "response_time": (
            "scale_to_track_custom_metric",
            "ResponseTime",
            {"metric": call(f"{group}.metrics.target_response_time"), "target_value": _seconds(value)},
        ),
    }
    method, id_, arguments = calls[key]
    target = draft.of_service(f"scalable_task_count.{method}")
    draft.do(f"scale {key}", call(target, text(id_), **arguments, **cooldowns), owns=f"count.{key}")


def _seconds(duration: str) -> str:
    return f"{(milliseconds(duration) or 0) / 1_000:.15g}"


def deployment(draft: Draft, *, queue: str = "") -> None:
    """Add the strategy, and the alarms that roll back; *queue* is that of a worker."""
    section = draft.root.section("deployment")
    is_recreated = section.choice("rolling", ("default", "recreate")) == "recreate"
    has_alarms = "rollback_alarms" in section
    if is_recreated or has_alarms:
        strategy = "Deployment.recreate" if is_recreated else "Deployment.rolling"
        draft.arguments["deployment"] = call(strategy, bake_time=BAKE_TIME if has_alarms else None)
    if section.is_map("rollback_alarms"):
        _alarms(draft, section.section("rollback_alarms"), queue)
    elif has_alarms:
        method = "cloudwatch.Alarm.from_alarm_name"
        alarms = [
            draft.imported(f"{name}_alarm", made(method, construct_id(name), text(name)))
            for name in section.texts("rollback_alarms") or []
        ]
        draft.arguments["rollback"] = call("Rollback", alarms=listed(alarms))


def _alarms(draft: Draft, section: Section, queue: str) -> None:
    """Add the alarms that Copilot makes."""
    metrics = {
        "cpu_utilization": ("Cpu", draft.of_service("service.metric_cpu_utilization")),
        "memory_utilization": ("Memory", draft.of_service("service.metric_memory_utilization")),
    }
    if queue:
        metrics["messages_delayed"] = ("Delayed", f"{queue}.metric_approximate_number_of_messages_delayed")
    for key, (name, metric) in metrics.items():
        if (threshold := section.text(key)) is None:
            continue
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
        variable = f"{name.lower()}_alarm"
        draft.do(f"alarm {name}", alarm, target=variable, owns="deployment.rollback_alarms")
        draft.do(f"rollback {name}", call(draft.of_service("rollback_on"), variable))
