"""What tasks do: CPU, memory, disk, and how many run.

The source is AWS's list of recommended alarms
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Best_Practice_Recommended_Alarms_AWS_Services.html), but
some differ. Missing CPU data counts as no fault, because a service with zero tasks has none. The disk is measured
in percent, because `EphemeralStorageUtilized` above 90 GB cannot be on a disk of 20 GB. Alarms on load last for a
quarter of an hour, so that scaling may act first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from aws_cdk import Annotations, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ecs as ecs

from fargate_constructs._core.construct_paths import path_of
from fargate_constructs._core.unresolved import is_unresolved
from fargate_constructs.monitoring.watched import FIVE_MINUTES, MINUTE, Section, Severity, Watched
from fargate_constructs.service.targets.target_group_metrics import expression

if TYPE_CHECKING:
    from fargate_constructs.service.fargate_service import FargateService

TASKS = Section.TASKS
CPU_PERCENT, MEMORY_PERCENT, DISK_PERCENT = 80, 90, 80
LOAD_MINUTES = 15
# Minutes without a task; and where a service stops all tasks on purpose, by `Deployment.recreate()` or a minimum of 0,
# until an image is pulled and a task runs.
DOWN_MINUTES, START_MINUTES = 3, 10
# Periods of five minutes.
FULL_PERIODS = 6
# The ID by which the warning can be acknowledged.
NO_INSIGHTS = "fargate-constructs:noContainerInsights"


def watch_tasks(watched: Watched, service: FargateService) -> None:
    """Watch the tasks of a service."""
    watched.text(TASKS, f"**{path_of(service)}**\n\nlines: `{service.logs_command}`\n\nshell: `{service.exec_command}`")
    _watch_load(watched, service)
    name = service.node.id
    if may_have_insights(service.cluster):
        _watch_count(watched, service)
        counts = {
            "running": service.metric_running_task_count(period=MINUTE),
            "desired": service.metric_desired_task_count(period=MINUTE),
        }
        deployments = {"deployments": service.metric_deployment_count(period=MINUTE)}
        watched.graph(TASKS, f"{name}: tasks and deployments", counts, deployments)
        disk = {"disk": service.metric_ephemeral_storage_utilization(period=MINUTE)}
        restarts = {"restarts": service.metric_restart_count(period=MINUTE)}
        watched.graph(TASKS, f"{name}: disk, restarts", disk, restarts, unit="%", limit=DISK_PERCENT)
    else:
        Annotations.of(watched).add_warning_v2(
            NO_INSIGHTS,
            f"the cluster of {path_of(service)} has no Container Insights, so no alarm knows how many of its tasks "
            "run; make the cluster with container_insights_v2=ecs.ContainerInsights.ENABLED",
        )
    group = service.log_group.log_group_name
    query = cloudwatch.LogQueryWidget(
        title=f"{name}: last errors",
        log_group_names=[group],
        query_lines=[
            "fields @timestamp, @message",
            "filter @message like /(?i)error|exception|fatal|panic/",
            "sort @timestamp desc",
            "limit 20",
        ],
        width=24,
        height=6,
    )
    watched.add_panel(Section.LOGS, cast(cloudwatch.IWidget, query))


def may_have_insights(cluster: ecs.ICluster) -> bool:
    """Whether a cluster has Container Insights; that of an imported one is not known, and expected."""
    resource = cluster.node.default_child
    if not isinstance(resource, ecs.CfnCluster):
        return True
    settings = Stack.of(cluster).resolve(resource.cluster_settings) or []
    return any(each.get("name") == "containerInsights" and each.get("value") != "disabled" for each in settings)


def _watch_load(watched: Watched, service: FargateService) -> None:
    path, name = path_of(service), service.node.id
    cpu = service.metric_cpu_utilization(statistic="Average", period=MINUTE)
    memory = service.metric_memory_utilization(statistic="Maximum", period=MINUTE)
    if service.scaling.cpu_percent is not None:  # otherwise a full CPU may be what the service is for
        watched.add_alarm(
            "Cpu",
            cpu,
            f"{path}: the CPU of the tasks has been at {CPU_PERCENT} % or more for {LOAD_MINUTES} minutes, also after "
            "scaling. Raise the maximum of its scaling or its CPU, or look at what the last deployment changed.",
            severity=Severity.TICKET,
            threshold=CPU_PERCENT,
            periods=LOAD_MINUTES,
        )
    watched.add_alarm(
        "Memory",
        memory,
        f"{path}: a task has used {MEMORY_PERCENT} % of its memory for {LOAD_MINUTES} minutes. At 100 % ECS stops it "
        "with OutOfMemoryError. Raise memory_limit_mib, or look for a leak if the line only rises.",
        severity=Severity.TICKET,
        threshold=MEMORY_PERCENT,
        periods=LOAD_MINUTES,
    )
    average = service.metric_memory_utilization(statistic="Average", period=MINUTE)
    load = {"CPU": cpu, "memory, fullest task": memory, "memory": average}
    watched.graph(TASKS, f"{name}: CPU and memory", load, unit="%")


def _watch_count(watched: Watched, service: FargateService) -> None:
    path, low, high = path_of(service), service.scaling.min, service.scaling.max
    is_often_down = low == 0 or is_unresolved(low) or service.deployment.min_healthy_percent == 0
    minutes = START_MINUTES if is_often_down else DOWN_MINUTES
    counts = {
        "running": service.metric_running_task_count(period=MINUTE),
        "desired": service.metric_desired_task_count(period=MINUTE),
    }
    watched.add_alarm(
        "NoTask",
        expression("IF(desired > 0 AND running < 1, 1, 0)", counts, label="no task runs", period=MINUTE),
        f"{path}: tasks should run, and none has for {minutes} minutes. The service's events and the reasons of "
        "stopped tasks say why: an image that cannot be pulled, a secret that cannot be read, or a program that ends.",
        severity=Severity.PAGE,
        periods=minutes,
    )
    watched.add_alarm(
        "MissingTasks",
        expression("desired - running", counts, label="missing tasks", period=MINUTE),
        f"{path}: fewer tasks than desired have run for {LOAD_MINUTES} minutes. The service's events say why: no "
        "capacity, no free address in a subnet, a quota, or tasks that end.",
        severity=Severity.TICKET,
        periods=LOAD_MINUTES,
    )
    if is_unresolved(low) or is_unresolved(high) or max(low, 1) < high:
        watched.add_alarm(
            "AtMaximum",
            service.metric_desired_task_count(statistic="Minimum", period=FIVE_MINUTES),
            f"{path}: the number of tasks has been at the maximum of its scaling for 30 minutes, so more load would "
            "not be served. Raise the maximum, if the database and other dependencies allow it.",
            severity=Severity.TICKET,
            threshold=high,
            periods=FULL_PERIODS,
        )
    watched.add_alarm(
        "Disk",
        service.metric_ephemeral_storage_utilization(period=MINUTE),
        f"{path}: the disks of the tasks are {DISK_PERCENT} % full. Tasks fail when a disk is full: delete temporary "
        "files, or raise ephemeral_storage_gib.",
        severity=Severity.TICKET,
        threshold=DISK_PERCENT,
        periods=5,
    )
