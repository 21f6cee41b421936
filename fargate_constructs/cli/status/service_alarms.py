"""Finds the alarms in ALARM that are about a service."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from fargate_constructs.cli.aws import Answer

ALARM_TYPES = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")


class Alarmed(NamedTuple):
    """What alarms of a service are about."""

    cluster: str
    service: str
    target_groups: Sequence[str]
    """ARNs."""
    queues: Sequence[str] = ()
    """Names."""
    names: Collection[str] = ()
    """The alarms that watch its deployments, and those of its stack that are below its construct."""


def alarms_in_alarm(client: Any) -> list[Answer]:  # noqa: ANN401 - of boto3
    """Return all alarms of a region that are in ALARM, also composite ones."""
    pages = client.get_paginator("describe_alarms").paginate(
        StateValue="ALARM", AlarmTypes=["MetricAlarm", "CompositeAlarm"], PaginationConfig={"PageSize": 100}
    )
    return [each for page in pages for key in ("MetricAlarms", "CompositeAlarms") for each in page.get(key, [])]


def alarms_of(alarms: Sequence[Answer], about: Alarmed) -> list[str]:
    """Return the names of alarms that are about a service: by their dimensions, by name, or as a part of another."""
    own = {each["AlarmName"] for each in alarms if _is_about(each, about)}
    # A composite alarm names its parts as ALARM(name) or ALARM("name").
    whole = {
        each["AlarmName"]
        for each in alarms
        if any(f"({name})" in each.get("AlarmRule", "").replace('"', "") for name in own)
    }
    return sorted(own | whole)


def _is_about(alarm: Answer, about: Alarmed) -> bool:
    if alarm["AlarmName"] in about.names:
        return True
    # The alarms of scaling policies are in ALARM in quiet hours.
    actions = alarm.get("AlarmActions", [])
    if actions and all(":scalingPolicy:" in each for each in actions):
        return False
    groups = {each.rpartition(":")[2] for each in about.target_groups}
    for dimensions in _dimensions(alarm):
        is_service = dimensions.get("ServiceName") == about.service
        if is_service and dimensions.get("ClusterName", about.cluster) == about.cluster:
            return True
        if dimensions.get("TargetGroup") in groups or dimensions.get("QueueName") in about.queues:
            return True
    return False


def _dimensions(alarm: Answer) -> Iterator[dict[str, str]]:
    """Yield the dimensions of each metric of an alarm."""
    metrics = [each["MetricStat"]["Metric"] for each in alarm.get("Metrics", []) if "MetricStat" in each]
    for each in (alarm, *metrics):
        yield {dimension["Name"]: dimension["Value"] for dimension in each.get("Dimensions", [])}
