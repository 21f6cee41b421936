"""The metrics of a service: of ECS, of Container Insights, and of its target groups."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, cast

from aws_cdk import Duration
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from fargate_constructs._core.arguments import checked
from fargate_constructs._core.construct_paths import Placed, path_of
from fargate_constructs._core.lazy_cdk import aws_cloudwatch as cloudwatch
from fargate_constructs.service.targets.target_group_metrics import expression, total

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-metrics-ECS.html
INSIGHTS = "ECS/ContainerInsights"


class ServiceMetrics:
    """The `metric_*` methods of a service, in CDK's names; `metric.with_(...)` changes what they have no argument for.

    The metrics of two target groups, between which deployments move requests, are one number. `period` is 5 minutes by
    default, as CDK's.
    """

    if TYPE_CHECKING:
        service: ecs.FargateService
        cluster: ecs.ICluster
        name: str

        @property
        def target_groups(self) -> Sequence[elbv2.ApplicationTargetGroup]:
            """The target groups of the routes."""

    @checked
    def metric_cpu_utilization(
        self, *, statistic: str | None = None, period: Duration | None = None
    ) -> cloudwatch.Metric:
        """How much of the tasks' CPU is used, in percent. ECS reports it while tasks run.

        Args:
            statistic: The statistic of each period, such as `"Average"` or `"p99"`. By default `"Average"`.
            period: The length of a period. By default 5 minutes.
        """
        return self.service.metric_cpu_utilization(statistic=statistic, period=period)

    @checked
    def metric_memory_utilization(
        self, *, statistic: str | None = None, period: Duration | None = None
    ) -> cloudwatch.Metric:
        """How much of the tasks' memory is used, in percent. ECS reports it while tasks run.

        Args:
            statistic: The statistic of each period, such as `"Average"` or `"p99"`. By default `"Average"`.
            period: The length of a period. By default 5 minutes.
        """
        return self.service.metric_memory_utilization(statistic=statistic, period=period)

    @checked
    def metric_running_task_count(
        self, *, statistic: str = "Average", period: Duration | None = None
    ) -> cloudwatch.Metric:
        """How many tasks run. The cluster must have Container Insights.

        Args:
            statistic: The statistic of each period, such as `"Average"` or `"p99"`. By default `"Average"`.
            period: The length of a period. By default 5 minutes.
        """
        return self._insight("RunningTaskCount", statistic, period)

    @checked
    def metric_desired_task_count(
        self, *, statistic: str = "Average", period: Duration | None = None
    ) -> cloudwatch.Metric:
        """How many tasks should run. The cluster must have Container Insights.

        Args:
            statistic: The statistic of each period, such as `"Average"` or `"p99"`. By default `"Average"`.
            period: The length of a period. By default 5 minutes.
        """
        return self._insight("DesiredTaskCount", statistic, period)

    @checked
    def metric_deployment_count(
        self, *, statistic: str = "Maximum", period: Duration | None = None
    ) -> cloudwatch.Metric:
        """How many deployments are in progress, the current one included. The cluster must have Container Insights.

        Args:
            statistic: The statistic of each period, such as `"Average"` or `"p99"`. By default `"Maximum"`.
            period: The length of a period. By default 5 minutes.
        """
        return self._insight("DeploymentCount", statistic, period)

    @checked
    def metric_restart_count(self, *, statistic: str = "Sum", period: Duration | None = None) -> cloudwatch.Metric:
        """How often containers with a restart policy were restarted. The cluster must have Container Insights.

        Args:
            statistic: The statistic of each period, such as `"Average"` or `"p99"`. By default `"Sum"`.
            period: The length of a period. By default 5 minutes.
        """
        return self._insight("RestartCount", statistic, period)

    @checked
    def metric_ephemeral_storage_utilization(
        self, *, statistic: str = "Average", period: Duration | None = None
    ) -> cloudwatch.MathExpression:
        """How much of the tasks' disks is used, in percent. The cluster must have Container Insights.

        Args:
            statistic: The statistic of each period, such as `"Average"` or `"p99"`. By default `"Average"`.
            period: The length of a period. By default 5 minutes.
        """
        names = {"used": "EphemeralStorageUtilized", "reserved": "EphemeralStorageReserved"}
        return expression(
            "100 * used / reserved",
            {id_: self._insight(name, statistic, period) for id_, name in names.items()},
            label="EphemeralStorageUtilization",
            period=period or Duration.minutes(5),
        )

    @checked
    def metric_request_count(
        self, *, statistic: str = "Sum", period: Duration | None = None
    ) -> cloudwatch.Metric | cloudwatch.MathExpression:
        """How many requests reached the tasks by routes.

        Args:
            statistic: The statistic of each period, such as `"Average"` or `"p99"`. By default `"Sum"`.
            period: The length of a period. By default 5 minutes.

        Raises:
            ValueError: If the service has no route.
        """
        return self._of_groups("request_count", statistic, period)

    @checked
    def metric_http_code_target(
        self, code: elbv2.HttpCodeTarget, *, statistic: str = "Sum", period: Duration | None = None
    ) -> cloudwatch.Metric | cloudwatch.MathExpression:
        """How many responses of the tasks had a status of this kind, by routes.

        Args:
            code: The kind of status, such as `elbv2.HttpCodeTarget.TARGET_5XX_COUNT`.
            statistic: The statistic of each period, such as `"Average"` or `"p99"`. By default `"Sum"`.
            period: The length of a period. By default 5 minutes.

        Raises:
            ValueError: If the service has no route.
        """
        return self._of_groups("http_code_target", statistic, period, code)

    @checked
    def metric_target_response_time(
        self, *, statistic: str = "Average", period: Duration | None = None
    ) -> cloudwatch.Metric | cloudwatch.MathExpression:
        """After how many seconds the tasks answered, by routes: on average, or as `p90` says.

        Args:
            statistic: The statistic of each period, such as `"Average"` or `"p99"`. By default `"Average"`.
            period: The length of a period. By default 5 minutes.

        Raises:
            ValueError: If the service has no route.
        """
        return self._of_groups("target_response_time", statistic, period, of="MAX")

    @checked
    def metric_healthy_host_count(
        self, *, statistic: str = "Average", period: Duration | None = None
    ) -> cloudwatch.Metric | cloudwatch.MathExpression:
        """How many tasks are healthy for the load balancer. It has no data while no task is registered.

        Args:
            statistic: The statistic of each period, such as `"Average"` or `"p99"`. By default `"Average"`.
            period: The length of a period. By default 5 minutes.

        Raises:
            ValueError: If the service has no route.
        """
        return self._of_groups("healthy_host_count", statistic, period)

    @checked
    def metric_unhealthy_host_count(
        self, *, statistic: str = "Average", period: Duration | None = None
    ) -> cloudwatch.Metric | cloudwatch.MathExpression:
        """How many tasks are unhealthy for the load balancer.

        Args:
            statistic: The statistic of each period, such as `"Average"` or `"p99"`. By default `"Average"`.
            period: The length of a period. By default 5 minutes.

        Raises:
            ValueError: If the service has no route.
        """
        return self._of_groups("unhealthy_host_count", statistic, period)

    def _insight(self, name: str, statistic: str, period: Duration | None) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace=INSIGHTS,
            metric_name=name,
            dimensions_map=self._dimensions,
            statistic=statistic,
            period=period,
        )

    @cached_property
    def _dimensions(self) -> dict[str, str]:
        return {"ClusterName": self.cluster.cluster_name, "ServiceName": self.service.service_name}

    def _of_groups(
        self, name: str, statistic: str, period: Duration | None, *code: elbv2.HttpCodeTarget, of: str = "SUM"
    ) -> cloudwatch.Metric | cloudwatch.MathExpression:
        """Return a metric of the target groups: of two, the sum or what else *of* makes of them."""
        if not self.target_groups:
            path = path_of(cast(Placed, self))
            raise ValueError(f"metric_{name} needs a route, and {path} has none: add one first")
        metrics: list[cloudwatch.Metric] = [
            getattr(each.metrics, name)(*code, statistic=statistic, period=period) for each in self.target_groups
        ]
        if len(metrics) == 1:
            return metrics[0]
        # The IDs of metrics must differ on a graph with several services or statistics.
        parts = (name, statistic, *(each.value for each in code), self.name, "")
        id_ = re.sub(r"\W", "_", "_".join(parts)).lower()
        label = f"{metrics[0].metric_name} {statistic}"
        return total(id_, metrics, label=label, period=period or Duration.minutes(5), of=of)
