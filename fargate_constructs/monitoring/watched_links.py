"""What a service gets from the services that it links to.

Service Connect's proxies report responses by the name that is called and the service that calls
(https://docs.aws.amazon.com/AmazonECS/latest/developerguide/available-metrics.html).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_cloudwatch as cloudwatch

from fargate_constructs._core.construct_paths import path_of
from fargate_constructs.monitoring.watched import MINUTE, PERCENTILES, Section, Severity, Watched
from fargate_constructs.service.deployments.rollback import MIN_ERRORS
from fargate_constructs.service.targets.target_group_metrics import expression

if TYPE_CHECKING:
    from fargate_constructs.service.fargate_service import FargateService

PERCENT = 5
KINDS = ("2XX", "3XX", "4XX", "5XX")


def watch_links(watched: Watched, service: FargateService) -> None:
    """Watch the responses of each linked service: AWS advises 5 % for 5 minutes."""
    for name in dict.fromkeys(service._links.http_links):
        responses = {
            f"responses{each[0]}": _metric(service, name, f"HTTPCode_Target_{each}_Count", "Sum") for each in KINDS
        }
        all_ = f"SUM([{', '.join(responses)}])"
        watched.add_alarm(
            f"LinkTo{name}",
            expression(
                f"IF(responses5 >= {MIN_ERRORS}, 100 * responses5 / {all_}, 0)",
                responses,
                label=f"percentage of 5xx of {name}",
                period=MINUTE,
            ),
            f"{path_of(service)}: {PERCENT} % of the answers of the linked service {name} are 5xx for 5 minutes. Look "
            "at that service's tasks and last errors.",
            severity=Severity.TICKET,
            threshold=PERCENT,
            periods=5,
        )
        title = f"{service.node.id} to {name}"
        errors = {"4xx": responses["responses4"], "5xx": responses["responses5"]}
        watched.graph(Section.LINKS, f"{title}: responses", errors, {"2xx": responses["responses2"]})
        times = {each: _metric(service, name, "TargetResponseTime", each) for each in PERCENTILES}
        watched.graph(Section.LINKS, f"{title}: response time", times, unit="milliseconds")


def _metric(service: FargateService, target: str, name: str, statistic: str) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace="AWS/ECS",
        metric_name=name,
        dimensions_map={
            "TargetDiscoveryName": target,
            "ServiceName": service.service.service_name,
            "ClusterName": service.cluster.cluster_name,
        },
        statistic=statistic,
        period=MINUTE,
    )
