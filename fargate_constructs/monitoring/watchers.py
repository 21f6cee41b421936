"""What is watched of each kind of part.

The name of its class says what a part is, so that no module is loaded that an app does not use.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import Duration
from constructs import Construct

from fargate_constructs._core.construct_paths import path_of
from fargate_constructs.monitoring.anomalies import watch_anomalies
from fargate_constructs.monitoring.burn_rate import watch_slo
from fargate_constructs.monitoring.watched import Watched
from fargate_constructs.monitoring.watched_callers import (
    certificates_of,
    watch_accelerator,
    watch_distribution,
    watch_http_endpoint,
    watch_listeners,
    watch_routes,
    watch_tcp_endpoint,
)
from fargate_constructs.monitoring.watched_egress import watch_network
from fargate_constructs.monitoring.watched_links import watch_links
from fargate_constructs.monitoring.watched_logs import watch_archive
from fargate_constructs.monitoring.watched_tasks import watch_tasks
from fargate_constructs.monitoring.watched_work import watch_job, watch_queue

Watcher = Callable[[Watched, Any, "Options"], None]


@dataclass(frozen=True)
class Options:
    """What a call of `watch` asks for services."""

    slo: float | None
    latency: Duration | None
    anomalies: bool

    def validate(self, parts: Sequence[Construct]) -> None:
        """Refuse options that no part has a use for."""
        given = [name for name in ("slo", "latency", "anomalies") if getattr(self, name)]
        routed: list[Any] = [each for each in parts if getattr(each, "target_groups", ())]
        if given and not routed:
            got = ", ".join(map(path_of, parts))
            raise ValueError(f"{given[0]} needs a service with a route, got: {got}; add the route before the call")
        shifting = [path_of(each) for each in routed if self.anomalies and each.deployment._has_two_target_groups]
        if shifting:
            raise ValueError(
                "anomalies needs services with one target group for each port, because deployments move requests "
                f"between two, got: {', '.join(shifting)}; leave it out for them"
            )


def _service(watched: Watched, service: Any, options: Options) -> None:  # noqa: ANN401 - a FargateService
    watch_routes(watched, service, latency=options.latency)
    watch_listeners(watched, service)
    if options.slo and service.target_groups:
        watch_slo(watched, service, options.slo)
    if options.anomalies and service.target_groups:
        watch_anomalies(watched, service)
    watch_tasks(watched, service)
    watch_links(watched, service)


def _worker(watched: Watched, worker: Any, options: Options) -> None:  # noqa: ANN401 - a QueueWorker
    watch_queue(watched, worker)
    _service(watched, worker, options)


def _plain(watch: Callable[[Watched, Any], None]) -> Watcher:
    """Return a watcher of a part that has no options."""
    return lambda watched, part, _: watch(watched, part)


# By the name of the class, the narrowest first. A web service is watched as its parts.
WATCHERS: Mapping[str, Watcher] = {
    "FargateWebService": _service,
    "QueueWorker": _worker,
    "FargateService": _service,
    "Job": _plain(watch_job),
    "HttpEndpoint": _plain(watch_http_endpoint),
    "TcpEndpoint": _plain(watch_tcp_endpoint),
    "CloudFrontDistribution": _plain(watch_distribution),
    "Accelerator": _plain(watch_accelerator),
    "FixedEgressNetwork": _plain(watch_network),
    "ImportedNetwork": _plain(watch_network),
    "LogArchive": _plain(watch_archive),
}
PACKAGE = "fargate_constructs."
_OF_ENDPOINTS = {WATCHERS[each] for each in ("HttpEndpoint", "TcpEndpoint")}


def watcher_of(part: Construct) -> Watcher | None:
    """Return what watches a part, or None if nothing does."""
    names = [each.__name__ for each in type(part).__mro__ if each.__module__.startswith(PACKAGE)]
    return next((WATCHERS[each] for each in names if each in WATCHERS), None)


def describe_parts() -> str:
    """Return the classes of parts for a message."""
    return ", ".join(name for name in WATCHERS if name != "ImportedNetwork")


def describe_part(part: Construct) -> str:
    """Return a part that is not watched for a message."""
    name = type(part).__name__
    reason = "; the metrics of its load balancer are known where that is made" if name.startswith("Imported") else ""
    return f"{name} {path_of(part)}{reason}"


def parts_of(part: Any) -> Sequence[Construct]:  # noqa: ANN401 - any part
    """Return what is watched of a part: of a web service its parts, in the order in which data flows."""
    if watcher_of(part) is WATCHERS["FargateWebService"] and hasattr(part, "endpoint"):
        return [part.endpoint, part.service, part.network, part.archive]
    return [part]


def state_of(part: Any) -> object:  # noqa: ANN401 - any part
    """Return what alarms were made for: it must not grow later."""
    groups = (getattr(part, name, ()) for name in ("target_groups", "network_target_groups"))
    links = getattr(getattr(part, "_links", None), "http_links", ())
    alarms = part.alarms if watcher_of(part) is WATCHERS["LogArchive"] else ()
    certificates = certificates_of(part) if watcher_of(part) in _OF_ENDPOINTS else ()
    return [len(each) for each in (*groups, links, alarms, certificates)]
