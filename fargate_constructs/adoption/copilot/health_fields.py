"""Health checks of services: those of the load balancer for each port, and that of the container."""

from fargate_constructs.adoption.copilot.code import Expression, text, texts
from fargate_constructs.adoption.copilot.container_ports import Ports, Target
from fargate_constructs.adoption.copilot.draft import Draft, durations, numbers
from fargate_constructs.adoption.copilot.sections import Section
from fargate_constructs.adoption.copilot.values import absolute_path, duration_code

TIMES = {key: key for key in ("interval", "timeout", "grace_period")}
COUNTS = {"healthy_threshold": "healthy_threshold_count", "unhealthy_threshold": "unhealthy_threshold_count"}
MAX_GRACE_PERIOD = 300_000
# ECS accepts one failed check, the load balancer two (docs/service.md).
MIN_COUNT = 2


def target_health(section: Section, ports: Ports, target: Target) -> None:
    """Add what a rule says about the health of its target, as arguments of `Health`."""
    health = ports.health[target]
    if section.is_map("healthcheck"):
        _check(section.section("healthcheck"), ports, target)
    elif path := section.text("healthcheck"):
        health["path"] = text(absolute_path(path))
    health |= durations(section, {"deregistration_delay": "deregistration_delay"})


def _check(check: Section, ports: Ports, target: Target) -> None:
    health = ports.health[target]
    if path := check.text("path"):
        health["path"] = text(absolute_path(path))
    if (port := check.number("port")) is not None:
        ports.checked[target] = ports.at(port)
        ports.use(ports.checked[target])
        health["port"] = ""  # its name is known when all ports are
    if codes := check.text("success_codes"):
        health["healthy_http_codes"] = text(codes)
    health |= numbers(check, COUNTS) | durations(check, TIMES)
    if (check.milliseconds("grace_period") or 0) > MAX_GRACE_PERIOD:
        check.differ("grace_period", "at most 5 minutes here; let the application start faster")
        health["grace_period"] = duration_code(MAX_GRACE_PERIOD)


def service_health(draft: Draft, ports: Ports) -> None:
    """Add the container's check, and the grace period of `nlb`, to the health of the first port."""
    health = ports.health[Target("", ports.numbers[0] if ports.numbers else 0)]
    if draft.kind == "L" and draft.root.is_map("nlb"):
        check = draft.root.section("nlb").section("healthcheck")
        grace = check.milliseconds("grace_period")
        if grace is not None and "grace_period" in health:
            check.differ("grace_period", "a service has one grace period, and http.healthcheck has it")
        elif grace is not None:
            health["grace_period"] = duration_code(min(grace, MAX_GRACE_PERIOD))
    section = draft.root.section("image").section("healthcheck")
    if (command := section.texts("command")) is not None:
        _container_check(section, health)
        health["command"] = texts(command)


def _container_check(section: Section, health: dict[str, Expression]) -> None:
    """Add the times of the container's check; where the load balancer's has a time, that one is used."""
    names = {"interval": "interval", "timeout": "timeout", "start_period": "grace_period"}
    found = durations(section, {key: key for key in names})
    if (retries := section.number("retries")) is not None:
        found["retries"] = str(max(retries, MIN_COUNT))
    for key, value in found.items():
        name = names.get(key, "unhealthy_threshold_count")
        if health.setdefault(name, value) != value:
            section.differ(key, f"the container's check has the same {name} as the load balancer's")
