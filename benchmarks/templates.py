"""Figures from the templates of the same services: resources, seconds of a deployment, costs without use.

```
ours, ecs_patterns ──> templates ──> [rows]
```
"""

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.apps import tcp, template_in
from benchmarks.bills import hourly_usd_a_month, standing, standing_usd_a_month, tasks_usd_a_month
from benchmarks.measure import run
from benchmarks.table import Row

Template = Mapping[str, Any]

OTHER = "aws_ecs_patterns"
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
MAX_RESOURCES = 500
SLOWEST_DEPLOYMENT, SLOWEST_NETWORK_DEPLOYMENT = 60, 150  # seconds
MOST_OF_THE_BILL = 0.33
MANY = 10


def rows() -> Iterator[Row]:
    """Read the templates of one service and of ten."""
    one, many = ({name: synthesized(name, services) for name in ("ours", "ecs_patterns")} for services in (1, MANY))
    added, fitting = (
        {name: count(one[name], many[name]) for name in one} for count in (resources_per_service, services_per_stack)
    )
    yield Row(
        what="resources per added service",
        ours=f"{added['ours']:g}",
        other=f"{added['ecs_patterns']:g} {OTHER}",
        ratio=added["ours"] / added["ecs_patterns"],
        at_most=0.99,  # fewer resources
    )
    yield Row(
        what=f"services in one stack of at most {MAX_RESOURCES} resources",
        ours=f"{fitting['ours']}",
        other=f"{fitting['ecs_patterns']} {OTHER}",
        ratio=fitting["ours"] / fitting["ecs_patterns"],
    )
    ours, theirs = (checks_and_drain(one[name]) for name in one)
    yield Row(
        what="seconds of checks and drain in a rolling deployment, at most",
        ours=f"{ours} s",
        other=f"{theirs} s {OTHER}",
        ratio=ours / theirs,
        at_most=round(SLOWEST_DEPLOYMENT / theirs, 2),
    )
    for services, templates in ((1, one), (MANY, many)):
        yield from _bills(f"{services} service{'s' if services > 1 else ''}", templates, goal=services == MANY)
    yield from _workers()
    yield from _tcp()
    yield from _jobs()
    yield from _monitoring()


def _monitoring() -> Iterator[Row]:
    """Compare what watches a web service with what it watches."""
    alone, watched = (synthesized("monitored", number) for number in (0, 1))
    counts = standing(watched)
    counts.subtract(standing(alone))
    bill, watched_bill = (standing_usd_a_month(each) for each in (alone, watched))
    yield Row(
        what="FargateMonitoring of a web service: alarms and a dashboard",
        ours=f"{watched_bill - bill:.2f} USD a month ({counts['alarm']} metrics)",
        other=f"{bill:.2f} USD a month without it",
        ratio=(watched_bill - bill) / bill,
    )


def _workers() -> Iterator[Row]:
    """Compare workers that have no message: what each adds to its network and cluster."""
    added = {}
    for name in ("queue_workers", "ecs_patterns_queue_workers"):
        one, many = synthesized(name, 1), synthesized(name, MANY)
        bills = [tasks_usd_a_month(each) + standing_usd_a_month(each) for each in (one, many)]
        added[name] = resources_per_service(one, many), (bills[1] - bills[0]) / (MANY - 1)
    (resources, bill), (their_resources, their_bill) = added.values()
    yield Row(
        what="resources per added queue worker, ours with alarms, steps from zero and ECS Exec",
        ours=f"{resources:g}",
        other=f"{their_resources:g} {OTHER}",
        ratio=resources / their_resources,
    )
    yield Row(
        what="a queue worker without messages: tasks and alarms, also those of scaling",
        ours=f"{bill:.2f} USD a month (0 tasks)",
        other=f"{their_bill:.2f} USD a month {OTHER} (1 task)",
        ratio=bill / their_bill,
        at_most=MOST_OF_THE_BILL,
    )


def _tcp() -> Iterator[Row]:
    """Compare services behind a network load balancer."""
    by_tcp = tcp.templates()
    ours, theirs = (checks_and_drain(by_tcp[name]) for name in ("ours", "ecs_patterns"))
    yield Row(
        what="seconds of checks and drain behind a network load balancer, at most",
        ours=f"{ours} s",
        other=f"{theirs} s {OTHER}",
        ratio=ours / theirs,
        at_most=round(SLOWEST_NETWORK_DEPLOYMENT / theirs, 2),
    )
    yield from _bills("behind a network load balancer", by_tcp)


def _jobs() -> Iterator[Row]:
    """Compare scheduled jobs: what each adds to its network and cluster, without the time of its tasks."""
    added = {}
    for name in ("jobs", "ecs_patterns_jobs"):
        one, many = synthesized(name, 1), synthesized(name, MANY)
        bill = (standing_usd_a_month(many) - standing_usd_a_month(one)) / (MANY - 1)
        added[name] = resources_per_service(one, many), bill
    (resources, bill), (their_resources, their_bill) = added.values()
    yield Row(
        what="resources and bill of a scheduled job, ours with a timeout, retries and an alarm",
        ours=f"{resources:g}, {bill:.2f} USD a month",
        other=f"{their_resources:g}, {their_bill:.2f} USD a month {OTHER}",
        ratio=resources / their_resources,
    )


def _bills(what: str, templates: Mapping[str, Template], *, goal: bool = False) -> Iterator[Row]:
    ours, theirs = templates["ours"], templates["ecs_patterns"]
    our_bill, their_bill = hourly_usd_a_month(ours), hourly_usd_a_month(theirs)
    yield Row(
        what=f"{what}: billed by the hour, without tasks",
        ours=f"{our_bill:.2f} USD a month ({_hourly(ours)})",
        other=f"{their_bill:.2f} USD a month {OTHER} ({_hourly(theirs)})",
        ratio=our_bill / their_bill,
        at_most=MOST_OF_THE_BILL if goal else None,
    )
    our_bill, their_bill = standing_usd_a_month(ours), standing_usd_a_month(theirs)
    yield Row(
        what=f"{what}: the same with alarms, also those of scaling",
        ours=f"{our_bill:.2f} USD a month ({standing(ours)['alarm']} metrics)",
        other=f"{their_bill:.2f} USD a month {OTHER} ({standing(theirs)['alarm']} metrics)",
        ratio=our_bill / their_bill,
    )


def _hourly(template: Template) -> str:
    counts = standing(template)
    names = {"load balancer": "LB", "NAT gateway": "NAT", "public IPv4 address": "IPv4"}
    return ", ".join(f"{counts[name]} {short}" for name, short in names.items())


def synthesized(name: str, services: int) -> Template:
    """Return the template of an app with this number of services."""
    with tempfile.TemporaryDirectory() as folder:
        run(f"benchmarks.apps.{name}", str(services), CDK_OUTDIR=folder)
        return template_in(Path(folder))


def resources_per_service(one: Template, many: Template) -> float:
    """Return how many resources each service adds, by the templates of one service and of ten."""
    return (len(many["Resources"]) - len(one["Resources"])) / (MANY - 1)


def services_per_stack(one: Template, many: Template) -> int:
    """Return how many services fit into one stack with their shared resources."""
    added = resources_per_service(one, many)
    return int((MAX_RESOURCES - len(one["Resources"])) / added) + 1


def checks_and_drain(template: Template) -> int:
    """Return the most seconds from the start of new tasks to SIGTERM of the old ones, if nothing else takes time."""
    return sum(deployment_seconds(template))


def deployment_seconds(template: Template) -> tuple[int, int, int]:
    """Return the most seconds of the checks of new tasks, of the drain of old ones, and of the bake time.

    A new task gets requests after its first good check, within one interval. Behind a network load balancer it passes
    the initial checks first, as many as an unhealthy task
    (https://docs.aws.amazon.com/elasticloadbalancing/latest/network/target-group-health-checks.html). Else only an
    unhealthy task needs several good checks (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/load-balancer-healthcheck.html,
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html). An old task
    stops when it is drained, or earlier if it has no connections
    (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/load-balancer-connection-draining.html).
    Missing values are the load balancer's defaults
    (https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html). The time
    for which alarms are watched is extra, and so is a container's stop timeout after SIGTERM.
    """
    resources = template["Resources"].values()
    target_group, service = (
        next(each["Properties"] for each in resources if each["Type"] == type_)
        for type_ in ("AWS::ElasticLoadBalancingV2::TargetGroup", "AWS::ECS::Service")
    )
    attributes = {each["Key"]: each["Value"] for each in target_group.get("TargetGroupAttributes", [])}
    check = target_group.get("HealthCheckIntervalSeconds", 30)
    if target_group["Protocol"] in {"TCP", "TLS", "UDP", "TCP_UDP"}:
        check *= target_group.get("HealthyThresholdCount", 5)
    drain = int(attributes.get("deregistration_delay.timeout_seconds", 300))
    bake = service.get("DeploymentConfiguration", {}).get("BakeTimeInMinutes", 0) * 60
    return int(check), drain, int(bake)
