"""Health checks of services: those of the load balancer for each port, and that of the container."""

from fargate_constructs.adoption.copilot.code import Call, Expression, Raw, text, texts
from fargate_constructs.adoption.copilot.container_ports import PortOf, Ports, Target
from fargate_constructs.adoption.copilot.containers import health_check
from fargate_constructs.adoption.copilot.draft import Draft, durations
from fargate_constructs.adoption.copilot.sections import Section
from fargate_constructs.adoption.copilot.values import duration_code

TIMES = {key: key for key in ("interval", "timeout", "grace_period")}
COUNTS = {"healthy_threshold": "healthy_threshold_count", "unhealthy_threshold": "unhealthy_threshold_count"}
MAX_GRACE_PERIOD = 300_000
# ECS accepts one failed check, the load balancer two (docs/service.md).
MIN_COUNT = 2


def target_health(section: Section, ports: Ports) -> dict[str, Expression]:
    """Return what a rule says about the health of its target, as arguments of `Health`."""
    options: dict[str, Expression] = {}
    if not section.is_map("healthcheck"):
        if path := section.text("healthcheck"):
            options["path"] = text(_path(path))
    else:
        options |= _check(section.section("healthcheck"), ports)
    return options | durations(section, {"deregistration_delay": "deregistration_delay"})


def _check(check: Section, ports: Ports) -> dict[str, Expression]:
    options: dict[str, Expression] = {}
    if path := check.text("path"):
        options["path"] = text(_path(path))
    if (port := check.number("port")) is not None:
        target = ports.at(port)
        ports.use(target)
        options["port"] = PortOf("", target)
    if codes := check.text("success_codes"):
        options["healthy_http_codes"] = text(codes)
    for key, name in COUNTS.items():
        if (number := check.number(key)) is not None:
            options[name] = Raw(str(number))
    options |= durations(check, TIMES)
    if (check.milliseconds("grace_period") or 0) > MAX_GRACE_PERIOD:
        check.differ("grace_period", "at most 5 minutes here; let the application start faster")
        options["grace_period"] = Raw(duration_code(MAX_GRACE_PERIOD))
    return options


def _path(path: str) -> str:
    return path if path.startswith("/") else f"/{path}"


def service_health(draft: Draft, ports: Ports) -> None:
    """Add the container's check, and the grace period of `nlb`, to the health of the first port."""
    first = Target("", ports.numbers[0] if ports.numbers else 0)
    known = ports.options.get(first, {}).get("health")
    old = dict(known.arguments) if isinstance(known, Call) else {}
    if draft.kind == "L" and draft.root.is_map("nlb"):
        check = draft.root.section("nlb").section("healthcheck")
        grace = check.milliseconds("grace_period")
        if grace is not None and "grace_period" in old:
            check.differ("grace_period", "a service has one grace period, and http.healthcheck has it")
        elif grace is not None:
            old["grace_period"] = Raw(duration_code(min(grace, MAX_GRACE_PERIOD)))
            ports.add_health(first, old)
    section = draft.root.section("image").section("healthcheck")
    if (command := section.texts("command")) is not None:
        ports.add_health(first, _container_check(section, old) | {"command": texts(command)})


def _container_check(section: Section, old: dict[str, Expression]) -> dict[str, Expression]:
    """Return the times of the container's check; where the load balancer's has a time, that one is used."""
    options: dict[str, Expression] = {}
    for key, name in (("interval", "interval"), ("timeout", "timeout"), ("start_period", "grace_period")):
        if (length := section.milliseconds(key)) is not None:
            options[key] = Raw(duration_code(length))
            options[name] = options.pop(key)
            _prefer(section, key, name, options, old)
    if (retries := section.number("retries")) is not None:
        options["unhealthy_threshold_count"] = Raw(str(max(retries, MIN_COUNT)))
        _prefer(section, "retries", "unhealthy_threshold_count", options, old)
    return options


def _prefer(section: Section, key: str, name: str, options: dict[str, Expression], old: dict[str, Expression]) -> None:
    if name in old and old[name] != options[name]:
        section.differ(key, f"the container's check has the same {name} as the load balancer's")
        options[name] = old[name]


def job_check(draft: Draft) -> None:
    """Add the argument `health_check` of a job."""
    if check := health_check(draft.root.section("image").section("healthcheck")):
        draft.arguments["health_check"] = check
