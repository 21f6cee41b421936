"""Rules about logs: whether lines are lost, kept forever, or only in CloudWatch Logs."""

from collections.abc import Iterator
from typing import Any

from fargate_constructs.caveats.fargate_app import FargateApp
from fargate_constructs.caveats.rules import Finding, Rule, judge, undecided
from fargate_constructs.synthesized.intrinsics import Unresolved, is_true, lookup
from fargate_constructs.synthesized.log_groups import LogGroups
from fargate_constructs.synthesized.templates import Place

OF_AWSLOGS = (Rule.LogsMayDrop, Rule.LogsNeverExpire, Rule.LogsStayInCloudWatch)


def find_logs(app: FargateApp) -> Iterator[Finding]:
    """Yield containers whose lines may be lost, and log groups that keep lines forever or do not archive them."""
    groups = LogGroups(app.templates)
    used: dict[Place, None] = {}
    for definition in app.definitions:
        for name, container in app.applications(definition):
            essential = lookup(container, "Essential")
            if lookup(container, "LogConfiguration") is None and essential not in (False, "false"):
                broken = essential in (None, True, "true")
                got = f"no LogConfiguration of {name}"
                yield from judge(Rule.NoLogs, definition, got, broken=broken, Essential=essential)
    for place, name, configuration in _configurations(app):
        values = {key: lookup(configuration, key) for key in ("LogDriver", "Options")}
        yield from undecided(place, Rule.NoLogs, *OF_AWSLOGS, **values)
        options = values["Options"] or {}
        if values["LogDriver"] == "awslogs" and isinstance(options, dict):
            yield from _find_losses(place, name, options)
            if group := groups.find(place.stack, options.get("awslogs-group")):
                used[group] = None
            elif is_true(lookup(options, "awslogs-create-group")):
                yield Finding(Rule.LogsNeverExpire, place, f"a log group made by ECS, for {name}")
            elif "awslogs-group" in options:
                elsewhere = {"awslogs-group": Unresolved(options["awslogs-group"])}
                yield from undecided(place, Rule.LogsNeverExpire, Rule.LogsStayInCloudWatch, **elsewhere)
    for group in used:
        yield from _find_group(app, groups, group)


def _find_group(app: FargateApp, groups: LogGroups, group: Place) -> Iterator[Finding]:
    """Yield a finding if a log group keeps lines forever, and one if it has no subscription."""
    days = {"RetentionInDays": lookup(app.templates.properties(group), "RetentionInDays")}
    # CDK's logs.LogRetention sets it when deployed.
    for place in app.templates.of_type["Custom::LogRetention"]:
        properties = app.templates.properties(place)
        if groups.find(place.stack, properties.get("LogGroupName")) == group:
            days = {"RetentionInDays": lookup(properties, "RetentionInDays")}
    broken = days["RetentionInDays"] is None
    yield from judge(Rule.LogsNeverExpire, group, "no RetentionInDays", broken=broken, **days)
    if not groups.is_archived(group.stack, {"Ref": group.logical_id}):
        got = "no subscription to all of it, and no account policy that has one"
        unknown = groups.unresolved(group)
        yield from judge(Rule.LogsStayInCloudWatch, group, got, broken=not unknown, SubscriptionFilter=unknown)


def _find_losses(place: Place, name: str, options: dict[str, Any]) -> Iterator[Finding]:
    mode, size = lookup(options, "mode"), lookup(options, "max-buffer-size")
    if mode is None:
        yield Finding(Rule.LogsMayDrop, place, f"no mode for {name}")
    elif mode != "blocking":
        got = f"mode {mode} without max-buffer-size for {name}"
        broken = mode == "non-blocking" and size is None
        yield from judge(Rule.LogsMayDrop, place, got, broken=broken, mode=mode)


def _configurations(app: FargateApp) -> Iterator[tuple[Place, str, Any]]:
    """Yield the log configurations of all containers and Service Connect proxies, with their resource."""
    for definition in app.definitions:
        for name, container in app.applications(definition):
            yield definition, name, lookup(container, "LogConfiguration")
    for service in app.services:
        yield (
            service.place,
            "Service Connect",
            lookup(service.settings, "ServiceConnectConfiguration", "LogConfiguration"),
        )
