"""Whether what tasks say is kept, paid for, and complete.

```
task ── stdout ──> [log driver] ──> [log group] ──> subscription
```
"""

from collections.abc import Iterator
from typing import Any

from fargate_constructs.caveats.fargate_app import FargateApp
from fargate_constructs.caveats.rules import Finding, Rule
from fargate_constructs.log_groups import LogGroups
from fargate_constructs.templates import Place, is_true, seen


def find_logs(app: FargateApp) -> Iterator[Finding]:
    """Yield containers whose lines are lost or may be, and log groups that keep them for ever or nowhere else."""
    groups = LogGroups(app.templates)
    used: dict[Place, None] = {}
    for definition in app.definitions:
        for name, container in app.applications(definition):
            if seen(container, "LogConfiguration") is None and seen(container, "Essential") in (None, True, "true"):
                yield Finding(Rule.NoLogs, definition, f"no LogConfiguration of {name}")
    for place, name, options in _awslogs(app):
        yield from _find_losses(place, name, options)
        group = groups.find(place.stack, options.get("awslogs-group"))
        if group:
            used[group] = None
        elif is_true(seen(options, "awslogs-create-group")):
            yield Finding(Rule.LogsNeverExpire, place, f"a log group made by ECS, for {name}")
    # CDK's logs.LogRetention sets it when deployed.
    retained = {
        groups.find(place.stack, properties.get("LogGroupName"))
        for place in app.templates.of_type["Custom::LogRetention"]
        if seen(properties := app.templates.properties(place), "RetentionInDays") is not None
    }
    for group in used:
        if seen(app.templates.properties(group), "RetentionInDays") is None and group not in retained:
            yield Finding(Rule.LogsNeverExpire, group, "no RetentionInDays")
        if not groups.is_subscribed(group):
            yield Finding(
                Rule.LogsStayInCloudWatch, group, "no subscription to all of it, and no account policy that has one"
            )


def _find_losses(place: Place, name: str, options: dict[str, Any]) -> Iterator[Finding]:
    mode = seen(options, "mode")
    if mode is None:
        yield Finding(Rule.LogsMayDrop, place, f"no mode for {name}")
    elif mode == "non-blocking" and seen(options, "max-buffer-size") is None:
        yield Finding(Rule.LogsMayDrop, place, f"mode non-blocking without max-buffer-size for {name}")


def _awslogs(app: FargateApp) -> Iterator[tuple[Place, str, dict[str, Any]]]:
    """Yield the options by which containers log to CloudWatch, and where each stands."""
    for place, name, configuration in _configurations(app):
        options = seen(configuration, "Options")
        if seen(configuration, "LogDriver") == "awslogs" and isinstance(options, dict):
            yield place, name, options


def _configurations(app: FargateApp) -> Iterator[tuple[Place, str, Any]]:
    """Yield the log configurations of all containers and Service Connect proxies, and where each stands."""
    for definition in app.definitions:
        for name, container in app.applications(definition):
            yield definition, name, seen(container, "LogConfiguration")
    for service in app.services:
        yield (
            service.place,
            "Service Connect",
            seen(service.settings, "ServiceConnectConfiguration", "LogConfiguration"),
        )
