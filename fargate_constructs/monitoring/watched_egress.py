"""How tasks reach the internet: NAT gateways and instances.

https://docs.aws.amazon.com/vpc/latest/userguide/metrics-dimensions-nat-gateway.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch

from fargate_constructs._core.construct_paths import path_of
from fargate_constructs.monitoring.watched import FIVE_MINUTES, MINUTE, Section, Severity, Watched
from fargate_constructs.service.targets.target_group_metrics import expression, total

if TYPE_CHECKING:
    from fargate_constructs.network.fixed_egress_network import FixedEgressNetwork
    from fargate_constructs.network.imported_network import ImportedNetwork
    from fargate_constructs.network.nat_instance import NatInstance

EGRESS = Section.EGRESS
# AWS's number: more is a sign of a fault of the NAT gateway.
DROPPED_PERCENT = 0.01
# Packets a minute. A few dropped ones of a quiet network are more than 0.01 %.
MIN_DROPPED = 10
IN_SERVICE = "GroupInServiceInstances"


def watch_network(watched: Watched, network: FixedEgressNetwork | ImportedNetwork) -> None:
    """Watch each NAT gateway and instance, and show the addresses."""
    addresses = ", ".join(network.egress_ips) or "not known: this egress, or imported VPC, has no addresses of its own"
    watched.text(EGRESS, f"**{path_of(network)}** tasks reach the internet from: {addresses}")
    if network.nat_gateways:
        _watch_gateways(watched, network)
    instances: Sequence[NatInstance] = getattr(network, "nat_instances", ())
    for each in instances:
        _watch_instance(watched, each)


def _watch_gateways(watched: Watched, network: FixedEgressNetwork | ImportedNetwork) -> None:
    path, name = path_of(network), network.node.id
    watched.add_alarm(
        "Ports",
        total("errors", network.metric_error_port_allocation(period=MINUTE), label="port errors", period=MINUTE),
        f"{path}: tasks cannot open connections, because an address has no free port to one destination (55,000 for "
        "each address). Reuse connections, or give the network more addresses: Egress.per_az(addresses_per_az=2).",
        severity=Severity.PAGE,
        periods=15,
        # AWS advises 15 of 15, which misses bursts.
        datapoints_to_alarm=3,
    )
    traffic = [
        network._nat_gateway_metrics(each, period=MINUTE)
        for each in ("PacketsInFromSource", "PacketsInFromDestination")
    ]
    dropped = network.metric_packets_drop_count(period=MINUTE)
    for number, (gateway, drops, out, in_) in enumerate(zip(network.nat_gateways, dropped, *traffic, strict=True), 1):
        watched.add_alarm(
            f"Dropped{number if len(network.nat_gateways) > 1 else ''}",
            expression(
                f"IF(dropped >= {MIN_DROPPED}, 100 * dropped / (outbound + inbound), 0)",
                {"dropped": drops, "outbound": out, "inbound": in_},
                label="percentage of dropped packets",
                period=MINUTE,
            ),
            f"{path}: {gateway.node.id} dropped packets for 5 minutes. AWS advises to look at the AWS Health Dashboard "
            "for a fault of its zone, and at its bytes on the dashboard for a limit (100 Gbit/s).",
            severity=Severity.TICKET,
            threshold=DROPPED_PERCENT,
            periods=5,
        )
    bytes_ = {
        **_by_gateway(network, "out", network.metric_bytes_out_to_destination(period=MINUTE)),
        **_by_gateway(network, "in", network.metric_bytes_in_from_destination(period=MINUTE)),
    }
    watched.graph(EGRESS, f"{name}: bytes (cost)", bytes_, unit="bytes a minute", stacked=True)
    faults = {
        **_by_gateway(network, "port errors", network.metric_error_port_allocation(period=MINUTE)),
        **_by_gateway(network, "drops", dropped),
    }
    watched.graph(EGRESS, f"{name}: port errors, drops", faults)
    connections = _by_gateway(network, "open", network._nat_gateway_metrics("ActiveConnectionCount", "Maximum", MINUTE))
    idle = _by_gateway(network, "idle time-outs", network.metric_idle_timeout_count(period=MINUTE))
    watched.graph(EGRESS, f"{name}: connections", connections, idle)


def _by_gateway(
    network: FixedEgressNetwork | ImportedNetwork, what: str, metrics: Sequence[cloudwatch.Metric]
) -> dict[str, cloudwatch.Metric]:
    names = (each.node.id.replace("NatGateway", "") for each in network.nat_gateways)
    return {f"{what} {name}".strip(): metric for name, metric in zip(names, metrics, strict=True)}


def _watch_instance(watched: Watched, instance: NatInstance) -> None:
    """Watch whether the machine is there: its group reports that if it is asked to, at no cost.

    https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-metrics.html
    """
    group, name = instance.auto_scaling_group, instance.node.id
    collection = autoscaling.CfnAutoScalingGroup.MetricsCollectionProperty(granularity="1Minute", metrics=[IN_SERVICE])
    group.metrics_collection = [collection]

    def metric(namespace: str, metric_name: str, statistic: str) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace=namespace,
            metric_name=metric_name,
            dimensions_map={"AutoScalingGroupName": group.ref},
            statistic=statistic,
            period=MINUTE if namespace == "AWS/AutoScaling" else FIVE_MINUTES,
        )

    in_service = metric("AWS/AutoScaling", IN_SERVICE, "Maximum")
    watched.add_alarm(
        name,
        expression("IF(machines < 1, 1, 0)", {"machines": in_service}, label="no machine", period=MINUTE),
        f"{path_of(instance)}: the NAT instance has been gone for 10 minutes, so tasks of its zone have no egress. The "
        "activity history of its Auto Scaling group says why no other one starts.",
        severity=Severity.PAGE,
        periods=10,
    )
    bytes_ = {"out": metric("AWS/EC2", "NetworkOut", "Sum"), "in": metric("AWS/EC2", "NetworkIn", "Sum")}
    watched.graph(EGRESS, f"{name}: bytes", bytes_, unit="bytes in 5 minutes")
    load = {
        "CPU, %": metric("AWS/EC2", "CPUUtilization", "Average"),
        "CPU credits": metric("AWS/EC2", "CPUCreditBalance", "Minimum"),
    }
    watched.graph(EGRESS, f"{name}: machines, CPU", {"machines": in_service}, load)
