"""What callers see: the metrics and alarms of load balancers.

AWS recommends no alarms for load balancers. These are chosen by
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html: counters have
data only if they are not zero, so a period without data is one without errors. A percentage counts from five errors on,
because of two requests a minute one error is half.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from aws_cdk import Duration, Fn
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from fargate_constructs._core.construct_paths import node_of, path_of
from fargate_constructs._core.validation import seconds_of, validate_range
from fargate_constructs.monitoring.watched import FIVE_MINUTES, MINUTE, PERCENTILES, Section, Severity, Watched
from fargate_constructs.service.deployments.rollback import MIN_ERRORS
from fargate_constructs.service.targets.health import MAX_GRACE_PERIOD
from fargate_constructs.service.targets.target_group_metrics import aggregate, error_percent, expression

if TYPE_CHECKING:
    from aws_cdk import aws_certificatemanager as acm
    from constructs import Construct

    from fargate_constructs.endpoint.accelerator import Accelerator
    from fargate_constructs.endpoint.cloud_front_distribution import CloudFrontDistribution
    from fargate_constructs.endpoint.http_endpoint import HttpEndpoint
    from fargate_constructs.endpoint.tcp_endpoint import TcpEndpoint
    from fargate_constructs.service.fargate_service import FargateService
    from fargate_constructs.service.targets.target_groups import ServiceRoutes, TargetGroups

CALLERS = Section.CALLERS
QUARTER_HOUR, DAY = Duration.minutes(15), Duration.days(1)
# ACM renews a certificate 45 days before its end, or earlier
# (https://docs.aws.amazon.com/acm/latest/userguide/managed-renewal.html).
MIN_DAYS = 30
PERCENT = 5
# Requests in five minutes. Of fewer, the slowest tenth is one or two requests.
MIN_REQUESTS = 20
# A load balancer's longest idle time-out
# (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html).
MAX_IDLE_SECONDS = 4000
TARGET = elbv2.HttpCodeTarget
ELB = elbv2.HttpCodeElb


def validate_latency(latency: Duration | None) -> None:
    """Refuse a time that a load balancer never measures, or that is known only when deployed."""
    seconds = seconds_of(latency) if latency else 1
    if seconds is None:
        raise ValueError("latency must be known at synthesis, got a token; write Duration.seconds(...)")
    validate_range("latency", seconds, 0.001, MAX_IDLE_SECONDS, unit=" seconds")


def watch_http_endpoint(watched: Watched, endpoint: HttpEndpoint) -> None:
    """Watch what the load balancer answers itself: 502, 503 and 504, and connections that it refuses."""
    path = path_of(endpoint)
    watched.balances.add(path_of(endpoint.load_balancer))
    errors = endpoint.metric_http_code_elb(ELB.ELB_5XX_COUNT, period=MINUTE)
    # Requests for which there is no target, with status 503, are not in RequestCount.
    percent = expression(
        f"IF(errors >= {MIN_ERRORS}, 100 * errors / SUM([errors, requests]), 0)",
        {"errors": errors, "requests": endpoint.metric_request_count(period=MINUTE)},
        label="percentage of 5xx of the load balancer",
        period=MINUTE,
    )
    watched.add_alarm(
        "BalancerErrors",
        percent,
        f"{path}: the load balancer itself answers {PERCENT} % of requests with 5xx for 3 minutes. 503: no task is "
        "registered, look at the service's events. 502: tasks end connections, look at their logs and at "
        "idle_timeout. 504: tasks are too slow or unreachable, look at CPU and security groups.",
        severity=Severity.PAGE,
        threshold=PERCENT,
        periods=3,
    )
    watched.add_alarm(
        "Rejected",
        endpoint.metric_rejected_connection_count(period=FIVE_MINUTES),
        f"{path}: the load balancer refused connections, because it had its maximum. Ask AWS for a larger quota, or "
        "reserve capacity units before an event.",
        severity=Severity.TICKET,
    )
    _watch_certificates(watched, endpoint)
    _show_address(watched, endpoint, endpoint.url)
    _graph_responses(watched, endpoint, own={"5xx of the load balancer": errors})
    name, metrics = endpoint.node.id, endpoint.load_balancer.metrics
    connections = {
        "open": metrics.active_connection_count(period=MINUTE),
        "refused": endpoint.metric_rejected_connection_count(period=MINUTE),
        "errors to targets": metrics.target_connection_error_count(period=MINUTE),
    }
    cost = {"LCU": metrics.consumed_lc_us(period=MINUTE)}
    watched.graph(CALLERS, f"{name}: connections, cost (LCU)", connections, cost)


def watch_tcp_endpoint(watched: Watched, endpoint: TcpEndpoint) -> None:
    """Watch connections that the load balancer could not open."""
    path, name, metrics = path_of(endpoint), endpoint.node.id, endpoint.load_balancer.metrics
    watched.add_alarm(
        "PortAllocation",
        metrics.custom("PortAllocationErrorCount", statistic="Sum", period=FIVE_MINUTES),
        f"{path}: the load balancer could not open connections to tasks, because it has no free ports for them. Start "
        "more tasks (https://docs.aws.amazon.com/elasticloadbalancing/latest/network/"
        "load-balancer-target-groups.html).",
        severity=Severity.TICKET,
    )
    _watch_certificates(watched, endpoint)
    _show_address(watched, endpoint, endpoint.host)
    flows = {"open": metrics.active_flow_count(period=MINUTE), "new": metrics.new_flow_count(period=MINUTE)}
    watched.graph(CALLERS, f"{name}: connections", flows)
    resets = {
        "by callers": metrics.tcp_client_reset_count(period=MINUTE),
        "by tasks": metrics.tcp_target_reset_count(period=MINUTE),
        "by the load balancer": metrics.tcp_elb_reset_count(period=MINUTE),
    }
    watched.graph(CALLERS, f"{name}: resets", resets)
    watched.graph(CALLERS, f"{name}: bytes", {"bytes": metrics.processed_bytes(period=MINUTE)}, unit="bytes a minute")


def certificates_of(endpoint: Construct) -> Sequence[acm.Certificate]:
    """Return the certificates that an endpoint made."""
    # By the name of the class, so that an endpoint without TLS does not load its module.
    made = (each for each in node_of(endpoint).find_all() if type(each).__name__ == "Certificate")
    return [cast("acm.Certificate", each) for each in made]


def _watch_certificates(watched: Watched, endpoint: HttpEndpoint | TcpEndpoint) -> None:
    """Watch that certificates are renewed: ACM cannot, after their validation records or CAA records changed."""
    for number, each in enumerate(certificates_of(endpoint), 1):
        days = each.metric_days_to_expiry(statistic="Minimum", period=DAY)
        watched.add_alarm(
            f"Certificate{number if number > 1 else ''}",
            expression(f"IF(days < {MIN_DAYS}, 1, 0)", {"days": days}, label="ends soon", period=DAY),
            f"{path_of(each)}: this certificate ends in less than {MIN_DAYS} days, and ACM should have renewed it by "
            "now. After its end browsers refuse the endpoint. Look at its validation record (CNAME) in public DNS, at "
            f"CAA records, and at: aws acm describe-certificate --certificate-arn {each.certificate_arn}",
            severity=Severity.TICKET,
        )


def _graph_responses(
    watched: Watched,
    part: HttpEndpoint | FargateService,
    *,
    own: Mapping[str, cloudwatch.Metric] = {},
    limit: float | None = None,
) -> None:
    """Show requests, errors and response times; *own* are the errors that targets do not make."""
    name, of = part.node.id, " of targets" if own else ""
    codes = {
        **own,
        f"4xx{of}": part.metric_http_code_target(TARGET.TARGET_4XX_COUNT, period=MINUTE),
        f"5xx{of}": part.metric_http_code_target(TARGET.TARGET_5XX_COUNT, period=MINUTE),
    }
    requests = {"requests": part.metric_request_count(period=MINUTE)}
    watched.graph(CALLERS, f"{name}: requests and errors", codes, requests, unit="errors a minute")
    times = {each: part.metric_target_response_time(statistic=each, period=MINUTE) for each in PERCENTILES}
    watched.graph(CALLERS, f"{name}: response time", times, unit="seconds", limit=limit)


def _show_address(watched: Watched, endpoint: HttpEndpoint | TcpEndpoint, address: str) -> None:
    """Show where callers reach an endpoint."""
    fixed = ", ".join(endpoint.ingress_ips)
    watched.text(CALLERS, f"**{path_of(endpoint)}** {address}" + (f" · fixed addresses: {fixed}" if fixed else ""))


def watch_distribution(watched: Watched, distribution: CloudFrontDistribution) -> None:
    """Show the metrics of CloudFront, which are in us-east-1: alarms of another region cannot read them."""
    metrics = distribution.distribution
    name = distribution.node.id
    # CDK asks for additional metrics, which cost more, only where those are turned on.
    rates = {"4xx": metrics.metric4xx_error_rate(), "5xx": metrics.metric5xx_error_rate()}
    watched.graph(CALLERS, f"{name}: requests", {"requests": metrics.metric_requests()}, region="us-east-1")
    watched.graph(CALLERS, f"{name}: errors", rates, unit="%", region="us-east-1")


def watch_accelerator(watched: Watched, accelerator: Accelerator) -> None:
    """Show the metrics of Global Accelerator, which are in us-west-2: alarms of another region cannot read them.

    https://docs.aws.amazon.com/global-accelerator/latest/dg/cloudwatch-monitoring.html
    """
    id_ = Fn.select(1, Fn.split("accelerator/", accelerator.accelerator.accelerator_arn))
    flows, bytes_ = (
        cloudwatch.Metric(
            namespace="AWS/GlobalAccelerator",
            metric_name=name,
            dimensions_map={"Accelerator": id_},
            statistic="Sum",
            period=MINUTE,
            region="us-west-2",
        )
        for name in ("NewFlowCount", "ProcessedBytesIn")
    )
    watched.graph(CALLERS, f"{accelerator.node.id}: flows", {"new": flows}, {"bytes": bytes_}, region="us-west-2")


def watch_routes(watched: Watched, service: FargateService, *, latency: Duration | None) -> None:
    """Watch the responses of a service's routes, and the health of its tasks at each load balancer and port."""
    routes = service._routes
    if routes is None or not service.target_groups:
        return
    watched.is_behind |= routes.targets.keys()
    for suffix, target in targets_of(routes).items():
        _watch_target(watched, service, target, suffix)
    watched.add_alarm(
        "FewErrors",
        error_percent([each.metrics for each in service.target_groups], min_errors=MIN_ERRORS, period=QUARTER_HOUR),
        f"{path_of(service)}: {PERCENT} % of the answers of a quarter of an hour are 5xx. It is too little, or there "
        "are too few requests, for the alarm that pages. Look at the last errors in its log.",
        severity=Severity.TICKET,
        threshold=PERCENT,
    )
    if latency:
        _watch_latency(watched, service, latency)
    _graph_responses(watched, service, limit=seconds_of(latency) if latency else None)
    hosts = {
        "healthy": service.metric_healthy_host_count(statistic="Maximum", period=MINUTE),
        "unhealthy": service.metric_unhealthy_host_count(statistic="Maximum", period=MINUTE),
    }
    watched.graph(CALLERS, f"{service.node.id}: healthy and unhealthy tasks", hosts)


def targets_of(routes: ServiceRoutes) -> dict[str, TargetGroups]:
    """Return the target groups of each port at each load balancer, by what the IDs of their alarms end with."""
    targets = [each for targets in routes.targets.values() for each in targets]
    return {f" at {' '.join(each.place).removeprefix('At ')}" if each.place else "": each for each in targets}


def watch_listeners(watched: Watched, service: FargateService) -> None:
    """Watch the health of tasks behind network load balancers."""
    groups = service.network_target_groups
    if not groups:
        return
    own = _rollback_alarms(service)
    listeners = {each.node.id for each in service._listeners.node.children} if service._listeners else set()
    watched.adopt([own[each] for each in own if each.removeprefix("Unhealthy") in listeners], Severity.TICKET)
    healthy = [each.metrics.healthy_host_count(statistic="Maximum", period=MINUTE) for each in groups]
    unhealthy = [each.metrics.un_healthy_host_count(statistic="Maximum", period=MINUTE) for each in groups]
    watched.add_alarm(
        "NoHealthyListener",
        _lack_of(healthy, "MIN"),
        f"{path_of(service)}: a listener has no healthy task, so that its callers are not served. Look at the reasons "
        "of stopped tasks, and at the health checks of the target group.",
        severity=Severity.PAGE,
        periods=_start_minutes(service),
    )
    hosts = {f"healthy {number}": each for number, each in enumerate(healthy, 1)}
    hosts |= {f"unhealthy {number}": each for number, each in enumerate(unhealthy, 1)}
    watched.graph(CALLERS, f"{service.node.id}: healthy and unhealthy tasks", hosts)


def _watch_target(watched: Watched, service: FargateService, target: TargetGroups, suffix: str) -> None:
    """Let the rollback alarms of target groups call, and watch whether any task is healthy."""
    groups = [each.metrics for each in target.all]
    own = _rollback_alarms(service)
    if made := own.get(f"Errors{suffix}"):
        watched.adopt([made], Severity.PAGE)
    else:
        watched.add_alarm(
            f"Errors{suffix}",
            error_percent(groups, min_errors=MIN_ERRORS, period=MINUTE),
            f"{path_of(service)}: {PERCENT} % of answers{suffix} are 5xx for 2 minutes. Look at the last errors in its "
            "log.",
            severity=Severity.PAGE,
            threshold=PERCENT,
            periods=2,
        )
    watched.adopt([own[f"Unhealthy{suffix}"]], Severity.TICKET)
    watched.add_alarm(
        f"NoHealthyTask{suffix}",
        # Of two target groups, only the one that gets requests has tasks.
        _lack_of([each.healthy_host_count(statistic="Maximum", period=MINUTE) for each in groups]),
        f"{path_of(service)}: tasks are registered{suffix}, and none is healthy. The load balancer then sends requests "
        "to all. Look at the path and status of the health check, and at the service's last errors.",
        severity=Severity.PAGE,
        periods=_start_minutes(service),
    )


def _rollback_alarms(service: FargateService) -> dict[str, cloudwatch.Alarm]:
    """Return the alarms that the service made for its deployments, by ID, without those that were passed to it."""
    children = service._rollback_alarms.node.children
    return {each.node.id: each for each in children if isinstance(each, cloudwatch.Alarm)}


def _lack_of(healthy: Sequence[cloudwatch.Metric], of: str = "SUM") -> cloudwatch.MathExpression:
    """Return 1 while the sum, or the minimum, of counts is 0, and 0 otherwise.

    A target group without tasks has no data: the alarm on running tasks knows whether any should run.
    """
    metrics = {f"healthy{number}": each for number, each in enumerate(healthy)}
    return expression(f"IF({aggregate([*metrics], of)} < 1, 1, 0)", metrics, label="none is healthy", period=MINUTE)


def _start_minutes(service: FargateService) -> int:
    """Return how many minutes tasks may be unhealthy: the grace period, and the time of a replacement."""
    seconds = seconds_of(service._options.grace_period)
    return max(3, math.ceil((MAX_GRACE_PERIOD if seconds is None else seconds) / 60) + 1)


def _watch_latency(watched: Watched, service: FargateService, latency: Duration) -> None:
    times = [each.metrics.target_response_time(statistic="p90", period=FIVE_MINUTES) for each in service.target_groups]
    requests = [each.metrics.request_count(period=FIVE_MINUTES) for each in service.target_groups]
    named = {f"seconds{number}": each for number, each in enumerate(times)}
    named |= {f"requests{number}": each for number, each in enumerate(requests)}
    slowest = aggregate([name for name in named if name.startswith("seconds")], "MAX")
    requested = aggregate([name for name in named if name.startswith("requests")])
    watched.add_alarm(
        "Latency",
        expression(
            f"IF({requested} >= {MIN_REQUESTS}, {slowest}, 0)",
            named,
            label="p90 of the response time",
            period=FIVE_MINUTES,
        ),
        f"{path_of(service)}: one request of ten takes {latency.to_human_string()} or more for 15 minutes. Look at "
        "CPU, the number of tasks, and what the tasks wait for, such as a database or a linked service.",
        severity=Severity.TICKET,
        threshold=latency.to_milliseconds() / 1000,
        periods=3,
    )
