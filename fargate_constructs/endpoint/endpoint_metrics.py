"""The metrics of an endpoint's load balancer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from fargate_constructs._core.arguments import checked
from fargate_constructs._core.lazy_cdk import aws_cloudwatch as cloudwatch


class EndpointMetrics:
    """The `metric_*` methods of an endpoint, in CDK's names; `load_balancer.metrics` has more."""

    if TYPE_CHECKING:

        @property
        def load_balancer(self) -> elbv2.IApplicationLoadBalancer:
            """The load balancer; an attribute of each endpoint."""

    @checked
    def metric_request_count(self, *, statistic: str = "Sum", period: Duration | None = None) -> cloudwatch.Metric:
        """How many requests the load balancer sent to a target.

        Args:
            statistic: The statistic of each period, such as `"Average"` or `"p99"`. By default `"Sum"`.
            period: The length of a period. By default 5 minutes.
        """
        return self.load_balancer.metrics.request_count(statistic=statistic, period=period)

    @checked
    def metric_http_code_elb(
        self, code: elbv2.HttpCodeElb, *, statistic: str = "Sum", period: Duration | None = None
    ) -> cloudwatch.Metric:
        """How many responses with a status of this kind the load balancer made itself.

        Args:
            code: The kind of status, such as `elbv2.HttpCodeElb.ELB_5XX_COUNT`.
            statistic: The statistic of each period, such as `"Average"` or `"p99"`. By default `"Sum"`.
            period: The length of a period. By default 5 minutes.
        """
        return self.load_balancer.metrics.http_code_elb(code, statistic=statistic, period=period)

    @checked
    def metric_http_code_target(
        self, code: elbv2.HttpCodeTarget, *, statistic: str = "Sum", period: Duration | None = None
    ) -> cloudwatch.Metric:
        """How many responses of targets had a status of this kind.

        Args:
            code: The kind of status, such as `elbv2.HttpCodeTarget.TARGET_5XX_COUNT`.
            statistic: The statistic of each period, such as `"Average"` or `"p99"`. By default `"Sum"`.
            period: The length of a period. By default 5 minutes.
        """
        return self.load_balancer.metrics.http_code_target(code, statistic=statistic, period=period)

    @checked
    def metric_target_response_time(
        self, *, statistic: str = "Average", period: Duration | None = None
    ) -> cloudwatch.Metric:
        """After how many seconds targets answered: on average, or as `p90` says.

        Args:
            statistic: The statistic of each period, such as `"Average"` or `"p99"`. By default `"Average"`.
            period: The length of a period. By default 5 minutes.
        """
        return self.load_balancer.metrics.target_response_time(statistic=statistic, period=period)

    @checked
    def metric_rejected_connection_count(
        self, *, statistic: str = "Sum", period: Duration | None = None
    ) -> cloudwatch.Metric:
        """How many connections the load balancer refused because it had too many.

        Args:
            statistic: The statistic of each period, such as `"Average"` or `"p99"`. By default `"Sum"`.
            period: The length of a period. By default 5 minutes.
        """
        return self.load_balancer.metrics.rejected_connection_count(statistic=statistic, period=period)
