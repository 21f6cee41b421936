"""The metrics of a network's NAT gateways."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2

from fargate_constructs._core.arguments import checked
from fargate_constructs._core.lazy_cdk import aws_cloudwatch as cloudwatch


class NetworkMetrics:
    """The `metric_*` methods of a network. Each returns a metric for each NAT gateway, zone by zone.

    https://docs.aws.amazon.com/vpc/latest/userguide/metrics-dimensions-nat-gateway.html
    """

    if TYPE_CHECKING:

        @property
        def nat_gateways(self) -> Sequence[ec2.CfnNatGateway]:
            """The NAT gateways."""

    @checked
    def metric_bytes_out_to_destination(
        self, *, statistic: str = "Sum", period: Duration | None = None
    ) -> Sequence[cloudwatch.Metric]:
        """How many bytes tasks sent to the internet.

        Args:
            statistic: The statistic of each period, such as `"Average"` or `"p99"`. By default `"Sum"`.
            period: The length of a period. By default 5 minutes.
        """
        return self._nat_gateway_metrics("BytesOutToDestination", statistic, period)

    @checked
    def metric_bytes_in_from_destination(
        self, *, statistic: str = "Sum", period: Duration | None = None
    ) -> Sequence[cloudwatch.Metric]:
        """How many bytes came back from the internet.

        Args:
            statistic: The statistic of each period, such as `"Average"` or `"p99"`. By default `"Sum"`.
            period: The length of a period. By default 5 minutes.
        """
        return self._nat_gateway_metrics("BytesInFromDestination", statistic, period)

    @checked
    def metric_error_port_allocation(
        self, *, statistic: str = "Sum", period: Duration | None = None
    ) -> Sequence[cloudwatch.Metric]:
        """How many connections were refused because an address had no port left to one destination.

        Args:
            statistic: The statistic of each period, such as `"Average"` or `"p99"`. By default `"Sum"`.
            period: The length of a period. By default 5 minutes.
        """
        return self._nat_gateway_metrics("ErrorPortAllocation", statistic, period)

    @checked
    def metric_packets_drop_count(
        self, *, statistic: str = "Sum", period: Duration | None = None
    ) -> Sequence[cloudwatch.Metric]:
        """How many packets the NAT gateway dropped.

        Args:
            statistic: The statistic of each period, such as `"Average"` or `"p99"`. By default `"Sum"`.
            period: The length of a period. By default 5 minutes.
        """
        return self._nat_gateway_metrics("PacketsDropCount", statistic, period)

    @checked
    def metric_idle_timeout_count(
        self, *, statistic: str = "Sum", period: Duration | None = None
    ) -> Sequence[cloudwatch.Metric]:
        """How many connections ended because no data passed for 350 seconds.

        Args:
            statistic: The statistic of each period, such as `"Average"` or `"p99"`. By default `"Sum"`.
            period: The length of a period. By default 5 minutes.
        """
        return self._nat_gateway_metrics("IdleTimeoutCount", statistic, period)

    def _nat_gateway_metrics(
        self, name: str, statistic: str = "Sum", period: Duration | None = None
    ) -> list[cloudwatch.Metric]:
        """Return a metric of each NAT gateway by AWS's name."""
        return [
            cloudwatch.Metric(
                namespace="AWS/NATGateway",
                metric_name=name,
                dimensions_map={"NatGatewayId": each.ref},
                label=f"{name} {each.node.id}",
                statistic=statistic,
                period=period,
            )
            for each in self.nat_gateways
        ]
