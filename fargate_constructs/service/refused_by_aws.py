"""What synthesis would let pass and only AWS refuses, found in the templates of tasks: overrides count, too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from aws_cdk import PolicyViolation
from aws_cdk import aws_ecs as ecs
from constructs import IConstruct

from fargate_constructs._core import fluent_bit
from fargate_constructs._core.app_singleton import app_singleton
from fargate_constructs._core.construct_paths import path_of
from fargate_constructs._core.time_zones import wrong_time_zone
from fargate_constructs.service.cluster import AuditedCluster
from fargate_constructs.service.containers import opentelemetry
from fargate_constructs.service.containers.task_containers import MAX_CONTAINERS, too_many
from fargate_constructs.synthesized.intrinsics import items, lookup, number
from fargate_constructs.synthesized.template_checks import TemplateChecks, violation
from fargate_constructs.synthesized.templates import Templates

# Where the sidecars of this library listen, without a port mapping: OTLP, X-Ray and the health check
# (opentelemetry.py); what FireLens adds to Fluent Bit
# (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/firelens-taskdef.html), and its health check.
LISTENS_AT = {opentelemetry.CONTAINER: (4317, 4318, 13133, 2000), fluent_bit.CONTAINER: (24224, 2020)}


class _Task(NamedTuple):
    """Where a task runs."""

    cluster: ecs.ICluster
    providers: frozenset[str]
    """The capacity providers that it needs in a cluster made by CDK's `ecs.Cluster`."""


class _Tasks(dict[str, _Task]):
    """All tasks of an app, by their paths."""


def refuse_early(task: IConstruct, cluster: ecs.ICluster, strategies: Sequence[ecs.CapacityProviderStrategy]) -> None:
    """Make synthesis fail if AWS would refuse the task or its scheduled actions, or if its cluster has no capacity."""
    tasks = app_singleton(task, _Tasks)
    if not tasks:
        TemplateChecks.add(task, partial(_violations, tasks))
    is_plain = isinstance(cluster, ecs.Cluster) and not isinstance(cluster, AuditedCluster)
    needed = frozenset(each.capacity_provider for each in strategies) if is_plain else frozenset[str]()
    tasks[path_of(task)] = _Task(cluster, needed)


def _violations(tasks: Mapping[str, _Task], templates: Templates) -> Iterator[PolicyViolation]:
    for place in templates.of_type["AWS::ECS::TaskDefinition"]:
        path = templates.path(place).removesuffix("/TaskDefinition/Resource")
        if task := tasks.get(path):
            containers = items(templates.properties(place), "ContainerDefinitions")
            if len(containers) > MAX_CONTAINERS:
                message = too_many([str(lookup(each, "Name")) for each in containers])
                yield violation("tooManyContainers", path, message, fix="run some of them in a task of their own")
            yield from _shared_ports(path, containers)
            yield from _missing_providers(path, task, templates)
    for place in templates.of_type["AWS::ApplicationAutoScaling::ScalableTarget"]:
        path = templates.path(place).removesuffix("/Service/TaskCount/Target/Resource")
        zones = [lookup(each, "Timezone") for each in items(templates.properties(place), "ScheduledActions")]
        for wrong in (wrong_time_zone(zone) for zone in zones if path in tasks and isinstance(zone, str)):
            if wrong:
                yield violation("unknownTimeZone", path, wrong, fix="correct it in scale_on_schedule(...)")


def _shared_ports(path: str, containers: Sequence[Mapping[str, Any]]) -> Iterator[PolicyViolation]:
    """Yield what is wrong if a port is there twice: all containers of a task share its network interface.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-networking-awsvpc.html. ECS refuses two mappings of
    one port (https://github.com/aws/copilot-cli/issues/3768), also with two protocols
    (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PortMapping.html).
    """
    used: dict[int, str] = {}
    for container in containers:
        name = str(lookup(container, "Name"))
        mapped = [port for mapping in items(container, "PortMappings") for port in _ports(mapping)]
        ports = sorted([*mapped, *{*LISTENS_AT.get(name, ())}.difference(mapped)])
        shared = [port for index, port in enumerate(ports) if port in used or port in ports[:index]]
        if shared:
            yield violation(
                "sharedPort",
                path,
                f"containers of a task must listen on different ports, got: {_twice(shared[0], used, name)}",
                fix="let one of them listen on another port, or map it once",
            )
        used |= {port: name for port in ports if port not in used}


def _twice(port: int, used: Mapping[int, str], name: str) -> str:
    if port in used:
        return f"{port} for {used[port]!r} and {name!r}, which share one network interface"
    return f"{port} twice for {name!r}; ECS takes a port once, also with two protocols"


def _ports(mapping: Mapping[str, Any]) -> range:
    """Return the ports of a port mapping: one, or a range such as `5000-5010`."""
    ports = lookup(mapping, "ContainerPortRange")
    first, _, last = ports.partition("-") if isinstance(ports, str) else [mapping.get("ContainerPort")] * 3
    low, high = number(first), number(last)
    return range(0) if low is None or high is None else range(int(low), int(high) + 1)


def _missing_providers(path: str, task: _Task, templates: Templates) -> Iterator[PolicyViolation]:
    """Yield what is wrong if the cluster, of this app, is not associated with a capacity provider of the task."""
    if not task.providers:
        return
    path_of_cluster = f"{path_of(task.cluster)}/Resource"
    clusters = templates.of_type["AWS::ECS::Cluster"]
    place = next((each for each in clusters if templates.path(each) == path_of_cluster), None)
    associations = [
        templates.properties(each)
        for each in templates.of_type["AWS::ECS::ClusterCapacityProviderAssociations"]
        if templates.target(each, "Cluster") == place
    ]
    lists = [lookup(each, "CapacityProviders") for each in (templates.properties(place), *associations)]
    if not all(isinstance(each, list | None) for each in lists):
        return  # only the deployment knows them
    if missing := sorted(task.providers - {str(name) for each in lists for name in each or ()}):
        yield violation(
            "missingCapacityProvider",
            path,
            f"{path} must run on capacity providers of its cluster, got: {', '.join(missing)}, which "
            f"{path_of(task.cluster)} does not have",
            fix="make an AuditedCluster, or write ecs.Cluster(..., enable_fargate_capacity_providers=True); if they "
            "are added elsewhere, acknowledge this finding",
        )
