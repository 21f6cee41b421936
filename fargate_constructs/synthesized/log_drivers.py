"""Reads an app's templates; returns the log driver of each container, and those whose lines are not archived."""

from typing import Any, NamedTuple

from constructs import IConstruct

from fargate_constructs.synthesized.intrinsics import Unresolved, lookup
from fargate_constructs.synthesized.log_groups import LogGroups
from fargate_constructs.synthesized.templates import Place, Templates

HOW_TO_SUBSCRIBE = "subscribe to it by LogArchive.add_log_group(...) or a logs.SubscriptionFilter"
UNKNOWN_DRIVER = "logs to where only the deployment knows; write its log driver into the template"


class LogDriver(NamedTuple):
    """The log driver of a container or a Service Connect proxy."""

    place: Place
    """The task definition or the service."""
    container: str
    configuration: Any


def log_drivers(templates: Templates, scope: IConstruct) -> list[LogDriver]:
    """Return the log driver of each container and proxy in the stacks at and below a construct."""

    def places(type_: str) -> list[Place]:
        return [each for each in templates.of_type[type_] if scope in each.stack.node.scopes]

    drivers = []
    for place in places("AWS::ECS::TaskDefinition"):
        containers = lookup(templates.properties(place), "ContainerDefinitions") or []
        for container in containers if isinstance(containers, list) else [containers]:
            if isinstance(lookup(container), Unresolved):
                drivers.append(LogDriver(place, "a container", container))
            elif lookup(container, "FirelensConfiguration") is None:
                name = f"container {lookup(container, 'Name')}"
                drivers.append(LogDriver(place, name, lookup(container, "LogConfiguration")))
    for place in places("AWS::ECS::Service"):
        proxy = lookup(templates.properties(place), "ServiceConnectConfiguration", "LogConfiguration")
        if proxy:
            drivers.append(LogDriver(place, "the Service Connect proxy", proxy))
    return drivers


def find_unarchived(templates: Templates, drivers: list[LogDriver]) -> list[str]:
    """Return a message for each log driver whose lines are lost, or stay in CloudWatch Logs."""
    groups = LogGroups(templates)
    return [
        f"{each.container} of {templates.path(each.place)} {fault}"
        for each in drivers
        if (fault := _find_fault(groups, each))
    ]


def _find_fault(groups: LogGroups, driver: LogDriver) -> str | None:
    """Return what is wrong with a log driver, and what to change."""
    if driver.configuration is None:
        return "has no log driver, so its lines are lost; give it logging=ecs.LogDrivers.aws_logs(...)"
    name, options = (lookup(driver.configuration, key) for key in ("LogDriver", "Options"))
    if isinstance(name, Unresolved) or isinstance(options, Unresolved):
        return UNKNOWN_DRIVER
    if name != "awslogs":
        return None
    stack, group = driver.place.stack, (options or {}).get("awslogs-group")
    if groups.is_archived(stack, group):
        return None
    selected = " and ".join(repr(str(each)) for each in groups.patterns(stack, group))
    rest = f"and only lines that match {selected} are archived" if selected else "which has no subscription"
    return f"logs to {groups.describe(stack, group)}, {rest}; {HOW_TO_SUBSCRIBE}"
