"""What AWS bills for a template's resources without any use.

```
template ──> [billed resources] * list price ──> USD a month
```
"""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

Template = Mapping[str, Any]

HOURS = 730  # in a month, as AWS's calculator counts
# USD in us-east-1, as listed in November 2026.
BY_THE_HOUR = {
    "load balancer": 0.0225,  # https://aws.amazon.com/elasticloadbalancing/pricing/
    "NAT gateway": 0.045,  # https://aws.amazon.com/vpc/pricing/
    "public IPv4 address": 0.005,  # used or unused: https://aws.amazon.com/vpc/pricing/
    "interface endpoint": 0.01,  # in each zone: https://aws.amazon.com/privatelink/pricing/
    "accelerator": 0.025,  # https://aws.amazon.com/global-accelerator/pricing/
    "t4g.nano": 0.0042,  # https://aws.amazon.com/ec2/pricing/on-demand/
    # Linux on x86-64: https://aws.amazon.com/fargate/pricing/
    "CPU unit": 0.04048 / 1024,
    "MiB of memory": 0.004445 / 1024,
}
BY_THE_MONTH = {
    "alarm": 0.10,  # for each metric that it reads: https://aws.amazon.com/cloudwatch/pricing/
    "composite alarm": 0.50,
    "dashboard": 3.00,  # the first three of an account are free
    "GB of gp3": 0.08,  # https://aws.amazon.com/ebs/pricing/
}
# What is billed once for each resource of a type.
SINGLE = {
    "AWS::CloudWatch::CompositeAlarm": "composite alarm",
    "AWS::CloudWatch::Dashboard": "dashboard",
    "AWS::EC2::EIP": "public IPv4 address",
    "AWS::GlobalAccelerator::Accelerator": "accelerator",
}
TASKS = ("CPU unit", "MiB of memory")
# A target tracking policy has two alarms
# (https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-target-tracking.html).
ALARMS_OF_A_POLICY = 2
# The size of Amazon Linux's image: https://docs.aws.amazon.com/linux/al2023/ug/AMI-minimal-and-standard-differences.html
IMAGE_GB = 8
# Billed by use, or free. A type in neither list raises an error, so that none is forgotten.
NOT_STANDING = {
    "AWS::ApplicationAutoScaling::ScalableTarget",
    "AWS::Athena::NamedQuery",
    "AWS::Athena::WorkGroup",
    "AWS::CloudFront::Distribution",
    "AWS::CloudFront::VpcOrigin",
    "AWS::EC2::EIPAssociation",
    "AWS::EC2::EgressOnlyInternetGateway",
    "AWS::EC2::FlowLog",
    "AWS::EC2::InternetGateway",
    "AWS::EC2::NetworkInterface",
    "AWS::EC2::Route",
    "AWS::EC2::RouteTable",
    "AWS::EC2::SecurityGroup",
    "AWS::EC2::SecurityGroupEgress",
    "AWS::EC2::SecurityGroupIngress",
    "AWS::EC2::Subnet",
    "AWS::EC2::SubnetRouteTableAssociation",
    "AWS::EC2::VPC",
    "AWS::EC2::VPCCidrBlock",
    "AWS::EC2::VPCGatewayAttachment",
    "AWS::ECS::Cluster",
    "AWS::ECS::TaskDefinition",
    "AWS::ElasticLoadBalancingV2::Listener",
    "AWS::ElasticLoadBalancingV2::ListenerRule",
    "AWS::ElasticLoadBalancingV2::TargetGroup",
    "AWS::Events::Rule",
    "AWS::Glue::Database",
    "AWS::Glue::Table",
    "AWS::GlobalAccelerator::EndpointGroup",
    "AWS::GlobalAccelerator::Listener",
    "AWS::IAM::InstanceProfile",
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
    "AWS::SQS::Queue",
    "AWS::SQS::QueuePolicy",
    "AWS::StepFunctions::StateMachine",
    "AWS::SSM::Parameter",
    "Custom::VpcOriginSecurityGroup",
    "Custom::VpcRestrictDefaultSG",
}


def standing(template: Template) -> Counter[str]:
    """Return the number of each billed thing in a template; of services, the tasks that always run.

    Raises:
        ValueError: If it is not known how a resource is billed.
    """
    resources = template["Resources"]
    types = Counter(each["Type"] for each in resources.values())
    counts: Counter[str] = Counter()
    for name, resource in resources.items():
        properties = resource.get("Properties", {})
        match resource["Type"]:
            case "AWS::CloudWatch::Alarm":
                metrics = properties.get("Metrics", [{"MetricStat": {}}])
                # A query reads a metric for each subscription of a log group.
                is_query = any(metric.get("Expression", "").startswith("SELECT ") for metric in metrics)
                subscriptions = types["AWS::Logs::SubscriptionFilter"] if is_query else 0
                # A band of usual values is two more metrics.
                band = 2 * any(metric.get("Expression", "").startswith("ANOMALY_") for metric in metrics)
                counts["alarm"] += sum("MetricStat" in metric for metric in metrics) + subscriptions + band
            case "AWS::ECS::Service":
                counts.update(_tasks(resources, name, properties))
            case type_:
                counts.update(_parts(name, type_, properties))
    return counts


def _tasks(resources: Mapping[str, Any], service: str, properties: Mapping[str, Any]) -> Counter[str]:
    (least,) = (
        each["Properties"]["MinCapacity"]
        for each in resources.values()
        if each["Type"] == "AWS::ApplicationAutoScaling::ScalableTarget"
        and f'"{service}"' in json.dumps(each["Properties"]["ResourceId"])
    )
    task = resources[properties["TaskDefinition"]["Ref"]]["Properties"]
    return Counter({"CPU unit": least * int(task["Cpu"]), "MiB of memory": least * int(task["Memory"])})


def _parts(name: str, type_: str, properties: Mapping[str, Any]) -> Mapping[str, int]:
    match type_:
        case _ if type_ in SINGLE:
            parts = {SINGLE[type_]: 1}
        case "AWS::ElasticLoadBalancingV2::LoadBalancer":
            has_public_ipv4 = (
                properties.get("Scheme") == "internet-facing"
                and properties.get("IpAddressType") != "dualstack-without-public-ipv4"
            )  # with an address in each zone, unless the template has them
            parts = {
                "load balancer": 1,
                "public IPv4 address": len(properties.get("Subnets", [])) if has_public_ipv4 else 0,
            }
        case "AWS::EC2::NatGateway":  # a regional one is billed in each zone
            parts = {"NAT gateway": len(properties.get("AvailabilityZoneAddresses", [1]))}
        case "AWS::EC2::VPCEndpoint" if properties.get("VpcEndpointType") == "Interface":
            parts = {"interface endpoint": len(properties["SubnetIds"])}
        case "AWS::AutoScaling::AutoScalingGroup":  # of one NAT instance
            parts = {}
        case "AWS::EC2::LaunchTemplate":
            machine = properties["LaunchTemplateData"]
            disks = sum(each["Ebs"].get("VolumeSize", IMAGE_GB) for each in machine["BlockDeviceMappings"])
            parts = {machine["InstanceType"]: 1, "GB of gp3": disks}
        case "AWS::ApplicationAutoScaling::ScalingPolicy":
            parts = {"alarm": _alarms(properties)}
        case _ if type_ in NOT_STANDING or properties.get("VpcEndpointType") == "Gateway":
            parts = {}
        case _:
            raise ValueError(f"price of {name} must be known, got a {type_}: add it to BY_THE_HOUR or NOT_STANDING")
    return parts


def _alarms(policy: Mapping[str, Any]) -> int:
    """Return how many metrics the alarms read that a policy makes; a step has an alarm of the template."""
    tracking = policy.get("TargetTrackingScalingPolicyConfiguration")
    if tracking is None:
        return 0
    metrics = tracking.get("CustomizedMetricSpecification", {}).get("Metrics", [{"MetricStat": {}}])
    return ALARMS_OF_A_POLICY * sum("MetricStat" in each for each in metrics)


def hourly_usd_a_month(template: Template) -> float:
    """Return what AWS bills by the hour, without tasks, for a month."""
    return _usd_a_month(standing(template), *(name for name in BY_THE_HOUR if name not in TASKS))


def tasks_usd_a_month(template: Template) -> float:
    """Return the cost of the tasks that always run, for a month."""
    return _usd_a_month(standing(template), *TASKS)


def standing_usd_a_month(template: Template) -> float:
    """Return what AWS bills without use, and without tasks, for a month."""
    counts = standing(template)
    return hourly_usd_a_month(template) + sum(counts[name] * price for name, price in BY_THE_MONTH.items())


def _usd_a_month(counts: Counter[str], *names: str) -> float:
    return sum(counts[name] * BY_THE_HOUR[name] * HOURS for name in names)
