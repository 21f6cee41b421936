"""One line for where the logs of tasks go.

```
container ──> log driver ──> log group ──> subscription ──> [assert_logs_archived]
```
"""

from collections.abc import Iterator
from typing import Any

from aws_cdk import Stack, Stage
from constructs import IConstruct

from fargate_constructs._core.arguments import checked
from fargate_constructs.synthesized.assembly import app_templates
from fargate_constructs.synthesized.intrinsics import Unresolved, lookup
from fargate_constructs.synthesized.log_groups import LogGroups
from fargate_constructs.synthesized.templates import Place, Templates

SUBSCRIBE = "subscribe to it by LogArchive.add_log_group(...) or a logs.SubscriptionFilter"
UNTOLD = "logs to where only the deployment knows; write its log driver into the template"


@checked
def assert_logs_archived(scope: Stack | Stage) -> None:
    """Fail if what a container of a stack says stays in CloudWatch Logs, or is lost.

    The whole app is read: the subscription may stand in another of its stacks. A log group goes on to elsewhere if it
    has a subscription filter without a pattern, for one with a pattern picks lines, or if its account and region have a
    subscription policy, whose text is not read; what the subscriber does with the lines is not looked at. Containers
    with another log driver than `awslogs`, such as FireLens, are taken at their word, and FireLens' router itself is
    left out. Proxies of Service Connect count as containers if they log. What hangs on a condition is not archived.

    ```python
    def test_logs_are_archived():
        assert_logs_archived(Shop(App(), "Shop"))
    ```

    Args:
        scope: The stack, or an app or stage for all stacks in it.

    Raises:
        AssertionError: With the construct path of each such container's task and what to change, or if there is none.
        RuntimeError: If the app does not synthesize.
        TypeError: If *scope* is of another type.
    """
    templates = app_templates(scope)
    drivers = list(_log_drivers(templates, scope))
    if not drivers:
        raise AssertionError(f"there is nothing to assert: {scope.node.path or 'the app'} has no containers")
    groups = LogGroups(templates)
    faults = [
        f"{name} of {templates.path(place)} {fault}"
        for place, name, configuration in drivers
        if (fault := _judge(groups, place, configuration))
    ]
    if faults:
        raise AssertionError("\n".join(faults))


def _log_drivers(templates: Templates, scope: IConstruct) -> Iterator[tuple[Place, str, Any]]:
    """Yield what each container logs by, and where it stands."""
    for place in _places(templates, "AWS::ECS::TaskDefinition", scope):
        containers = lookup(templates.properties(place), "ContainerDefinitions") or []
        for container in containers if isinstance(containers, list) else [containers]:
            if isinstance(lookup(container), Unresolved):
                yield place, "a container", container
            elif lookup(container, "FirelensConfiguration") is None:
                yield place, f"container {lookup(container, 'Name')}", lookup(container, "LogConfiguration")
    for place in _places(templates, "AWS::ECS::Service", scope):
        proxy = lookup(templates.properties(place), "ServiceConnectConfiguration", "LogConfiguration")
        if proxy:
            yield place, "the Service Connect proxy", proxy


def _places(templates: Templates, type_: str, scope: IConstruct) -> list[Place]:
    return [each for each in templates.of_type[type_] if scope in each.stack.node.scopes]


def _judge(groups: LogGroups, place: Place, configuration: Any) -> str | None:  # noqa: ANN401 - a piece of a template
    """Return what is wrong with a log driver, and what to change."""
    if configuration is None:
        return "has no log driver, so what it says is lost; give it logging=ecs.LogDrivers.aws_logs(...)"
    driver, options = lookup(configuration, "LogDriver"), lookup(configuration, "Options")
    if isinstance(driver, Unresolved) or isinstance(options, Unresolved):
        return UNTOLD
    if driver != "awslogs":
        return None
    group = (options or {}).get("awslogs-group")
    if groups.goes_on(place.stack, group):
        return None
    picked = " and ".join(repr(str(each)) for each in groups.patterns(place.stack, group))
    rest = f"from where only what matches {picked} goes on" if picked else "from where nothing goes on"
    return f"logs to {groups.describe(place.stack, group)}, {rest}; {SUBSCRIBE}"
