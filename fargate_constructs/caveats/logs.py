"""Whether what tasks say is kept, paid for, and complete.

```
task ── stdout ──> [log driver] ──> [log group] ──> subscription
```
"""

import json
from collections.abc import Iterator
from typing import Any

from aws_cdk import Stack

from fargate_constructs.caveats.fargate_app import FargateApp
from fargate_constructs.caveats.rules import Finding, Rule
from fargate_constructs.templates import UNSEEN, Place, Templates, is_true, seen


def find_logs(app: FargateApp) -> Iterator[Finding]:
    """Yield containers whose lines are lost or may be, and log groups that keep them for ever or nowhere else."""
    groups = _LogGroups(app.templates)
    used: dict[Place, None] = {}
    for definition in app.definitions:
        for name, container in app.containers(definition):
            if seen(container, "LogConfiguration") is None and seen(container, "Essential") in (None, True, "true"):
                yield Finding(Rule.NoLogs, definition, f"no LogConfiguration of {name}")
    for place, name, options in _awslogs(app):
        yield from _find_losses(place, name, options)
        group = groups.find(place.stack, options.get("awslogs-group"))
        if group:
            used[group] = None
        elif is_true(seen(options, "awslogs-create-group")):
            yield Finding(Rule.LogsNeverExpire, place, f"a log group made by ECS, for {name}")
    for group in used:
        if seen(app.templates.properties(group), "RetentionInDays") is None:
            yield Finding(Rule.LogsNeverExpire, group, "no RetentionInDays")
        if not groups.is_subscribed(group):
            yield Finding(
                Rule.LogsStayInCloudWatch, group, "no subscription filter, and no account policy that has one"
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
        for name, container in app.containers(definition):
            yield definition, name, seen(container, "LogConfiguration")
    for service in app.services:
        yield (
            service.place,
            "Service Connect",
            seen(service.settings, "ServiceConnectConfiguration", "LogConfiguration"),
        )


class _LogGroups:
    """The log groups of an app, and which of them something subscribes to."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates
        self._by_name = {
            self._key(place.stack, templates.properties(place)["LogGroupName"]): place
            for place in templates.of_type["AWS::Logs::LogGroup"]
            if "LogGroupName" in templates.properties(place)
        }
        self._subscribed = {
            self.find(place.stack, templates.properties(place).get("LogGroupName"))
            for place in templates.of_type["AWS::Logs::SubscriptionFilter"]
        }
        # Which groups a policy leaves out is a matter of its text, and taken for deliberate.
        self._policies = {
            templates.environment(place.stack)
            for place in templates.of_type["AWS::Logs::AccountPolicy"]
            if seen(templates.properties(place), "PolicyType") in ("SUBSCRIPTION_FILTER_POLICY", UNSEEN)
        }

    def find(self, stack: Stack, name: Any) -> Place | None:  # noqa: ANN401 - a piece of a template
        """Return the log group that is referred to, or named; `None` if it is not of the app."""
        place = self._templates.locate(stack, name) or self._by_name.get(self._key(stack, name))
        return place if place in self._templates.of_type["AWS::Logs::LogGroup"] else None

    def is_subscribed(self, group: Place) -> bool:
        """Whether its lines go on to elsewhere."""
        return group in self._subscribed or self._templates.environment(group.stack) in self._policies

    def _key(self, stack: Stack, name: Any) -> tuple[Stack | str, str]:  # noqa: ANN401 - a piece of a template
        return self._templates.environment(stack) if isinstance(name, str) else stack, json.dumps(name)
