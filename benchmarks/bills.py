"""What stands in a template and is billed, used or not.

```
template ──> [what stands] * list price ──> USD a month
```
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

Template = Mapping[str, Any]

HOURS = 730  # in a month, as AWS's calculator counts
# USD in us-east-1, as listed in November 2026.
BY_THE_HOUR = {
    "load balancer": 0.0225,  # https://aws.amazon.com/elasticloadbalancing/pricing/
    "NAT gateway": 0.045,  # https://aws.amazon.com/vpc/pricing/
    "public IPv4 address": 0.005,  # in use or not: https://aws.amazon.com/vpc/pricing/
}
BY_THE_MONTH = {
    "alarm": 0.10,  # for each metric that it reads: https://aws.amazon.com/cloudwatch/pricing/
}
# A policy that tracks a target keeps two alarms
# (https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-target-tracking.html).
ALARMS_OF_A_POLICY = 2
# Billed by use, or not at all. A type that is in neither list is refused, so that none is forgotten.
NOT_STANDING = {
    "AWS::ApplicationAutoScaling::ScalableTarget",
    "AWS::Athena::NamedQuery",
    "AWS::Athena::WorkGroup",
    "AWS::EC2::FlowLog",
    "AWS::EC2::InternetGateway",
    "AWS::EC2::Route",
    "AWS::EC2::RouteTable",
    "AWS::EC2::SecurityGroup",
    "AWS::EC2::SecurityGroupEgress",
    "AWS::EC2::SecurityGroupIngress",
    "AWS::EC2::Subnet",
    "AWS::EC2::SubnetRouteTableAssociation",
    "AWS::EC2::VPC",
    "AWS::EC2::VPCGatewayAttachment",
    "AWS::ECS::Cluster",
    "AWS::ECS::Service",  # its tasks are billed; both run the same
    "AWS::ECS::TaskDefinition",
    "AWS::ElasticLoadBalancingV2::Listener",
    "AWS::ElasticLoadBalancingV2::ListenerRule",
    "AWS::ElasticLoadBalancingV2::TargetGroup",
    "AWS::Events::Rule",
    "AWS::Glue::Database",
    "AWS::Glue::Table",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::Function",
    "AWS::Lambda::Permission",
    "AWS::Logs::LogGroup",
    "AWS::Logs::SubscriptionFilter",
    "AWS::S3::Bucket",
    "AWS::S3::BucketPolicy",
    "AWS::Scheduler::Schedule",
    "Custom::VpcRestrictDefaultSG",
}


def standing(template: Template) -> Counter[str]:
    """Return how much of what is billed stands in a template.

    Raises:
        ValueError: If it has a resource of which it is not known how it is billed.
    """
    counts: Counter[str] = Counter()
    for name, resource in template["Resources"].items():
        counts.update(_parts(name, resource["Type"], resource.get("Properties", {})))
    return counts


def _parts(name: str, type_: str, properties: Mapping[str, Any]) -> Mapping[str, int]:
    match type_:
        case "AWS::ElasticLoadBalancingV2::LoadBalancer":
            is_public = properties.get("Scheme") == "internet-facing"  # with an address in each zone
            parts = {"load balancer": 1, "public IPv4 address": len(properties["Subnets"]) if is_public else 0}
        case "AWS::EC2::NatGateway":
            parts = {"NAT gateway": 1}
        case "AWS::EC2::EIP":
            parts = {"public IPv4 address": 1}
        case "AWS::CloudWatch::Alarm":
            metrics = properties.get("Metrics", [{"MetricStat": {}}])
            parts = {"alarm": sum("MetricStat" in metric for metric in metrics)}
        case "AWS::ApplicationAutoScaling::ScalingPolicy":
            parts = {"alarm": ALARMS_OF_A_POLICY}
        case _ if type_ in NOT_STANDING or properties.get("VpcEndpointType") == "Gateway":
            parts = {}
        case _:
            raise ValueError(f"how {name} is billed is not known, got a {type_}: add it to BY_THE_HOUR or NOT_STANDING")
    return parts


def hourly_usd_a_month(template: Template) -> float:
    """Return what is billed by the hour, for a month."""
    counts = standing(template)
    return sum(counts[name] * price * HOURS for name, price in BY_THE_HOUR.items())


def standing_usd_a_month(template: Template) -> float:
    """Return everything that is billed without being used, for a month."""
    counts = standing(template)
    return hourly_usd_a_month(template) + sum(counts[name] * price for name, price in BY_THE_MONTH.items())
