"""What AWS bills for resources."""

from collections.abc import Mapping
from typing import Any

import pytest

from fargate_constructs.costs.bill import Bill, bill_of
from fargate_constructs.costs.billed_types import BY_USE, FREE, SINGLE
from fargate_constructs.costs.comparison import compare_costs
from fargate_constructs.costs.price_list import DEFAULT, STANDING, USAGE
from fargate_constructs.synthesized.comparable_template import TemplateTree
from fargate_constructs.synthesized.stored_sources import read_stored
from fargate_constructs.synthesized.stored_templates import StoredStack

TASK = {"Cpu": "512", "Memory": "1024"}
ARM = {"CpuArchitecture": "ARM64"}
SERVICE = {"LaunchType": "FARGATE", "TaskDefinition": {"Ref": "Task"}}


def stack(resources: Mapping[str, tuple[str, Mapping[str, Any]]], region: str = "") -> StoredStack:
    """Return a stack with resources: the type of each without `AWS::`, and its properties."""
    template = {key: {"Type": f"AWS::{type_}", "Properties": each} for key, (type_, each) in resources.items()}
    return StoredStack("Shop", TemplateTree({"Resources": template}), region=region)


def billed(type_: str, **properties: Any) -> Bill:  # noqa: ANN401 - pieces of a template
    """Return the bill of one resource, and of a task definition."""
    return bill_of(read_stored([stack({"It": (type_, properties), "Task": ("ECS::TaskDefinition", TASK)})]))


def service(task: Mapping[str, Any] = TASK, **properties: Any) -> Bill:  # noqa: ANN401 - pieces of a template
    """Return the bill of a service."""
    resources = {"Web": ("ECS::Service", {**SERVICE, **properties}), "Task": ("ECS::TaskDefinition", task)}
    return bill_of(read_stored([stack(resources)]))


@pytest.mark.parametrize(
    ("type_", "properties", "counts"),
    [
        ("EC2::EIP", {}, {"public IPv4 address": 1}),
        ("EC2::NatGateway", {"SubnetId": "a"}, {"NAT gateway": 1}),
        ("EC2::NatGateway", {"AvailabilityZoneAddresses": [{"Zone": 1}, {"Zone": 2}]}, {"NAT gateway": 2}),
        ("EC2::VPCEndpoint", {"VpcEndpointType": "Interface", "SubnetIds": ["a", "b"]}, {"interface endpoint": 2}),
        ("EC2::VPCEndpoint", {"VpcEndpointType": "Interface", "SubnetIds": {"Ref": "P"}}, {"interface endpoint": 1}),
        ("EC2::VPCEndpoint", {"ServiceName": "s3"}, {}),
        ("ElasticLoadBalancingV2::LoadBalancer", {"Scheme": "internal", "Subnets": ["a"]}, {"load balancer": 1}),
        (
            "ElasticLoadBalancingV2::LoadBalancer",
            {"Scheme": "internet-facing", "Subnets": ["a", "b", "c"]},
            {"load balancer": 1, "public IPv4 address": 3},
        ),
        (
            "ElasticLoadBalancingV2::LoadBalancer",
            {
                "Type": "network",
                "Scheme": "internet-facing",
                "SubnetMappings": [{"SubnetId": "a", "AllocationId": "e"}, {"SubnetId": "b"}],
            },
            {"load balancer": 1, "public IPv4 address": 1},
        ),
        ("CloudWatch::Alarm", {"MetricName": "a"}, {"alarm": 1}),
        (
            "CloudWatch::Alarm",
            {"Metrics": [{"MetricStat": {}}, {"MetricStat": {}}, {"Expression": "ANOMALY_DETECTION_BAND(a)"}]},
            {"alarm": 4},
        ),
        ("CloudWatch::Alarm", {"MetricName": "a", "Period": 60}, {"alarm": 1}),
        ("CloudWatch::Alarm", {"MetricName": "a", "Period": 10}, {"high-resolution alarm": 1}),
        (
            "CloudWatch::Alarm",
            {"Metrics": [{"MetricStat": {"Period": 30}}, {"Expression": "a * 2"}]},
            {"high-resolution alarm": 1},
        ),
        ("ApplicationAutoScaling::ScalingPolicy", {"StepScalingPolicyConfiguration": {}}, {}),
        (
            "ApplicationAutoScaling::ScalingPolicy",
            {"TargetTrackingScalingPolicyConfiguration": {"TargetValue": 1}},
            {"alarm": 2},
        ),
        (
            "EC2::Instance",
            {"InstanceType": "t4g.small", "BlockDeviceMappings": [{"Ebs": {"VolumeSize": 20}}, {"Ebs": {}}]},
            {"t4g.small": 1, "GB of gp3": 28},
        ),
        ("EC2::LaunchTemplate", {"LaunchTemplateData": {"InstanceType": "t4g.nano"}}, {}),
        (
            "EC2::Instance",
            {"InstanceType": "t4g.nano", "NetworkInterfaces": [{"AssociatePublicIpAddress": True}, {}]},
            {"t4g.nano": 1, "GB of gp3": 8, "public IPv4 address": 1},
        ),
        ("ServiceDiscovery::PrivateDnsNamespace", {}, {"hosted zone": 1}),
        ("WAFv2::WebACL", {"Rules": [{"Name": "a"}, {"Name": "b"}]}, {"web ACL": 1, "web ACL rule": 2}),
        ("SecretsManager::Secret", {}, {"secret": 1}),
        ("IAM::Role", {}, {}),
    ],
)
def test_resources(type_: str, properties: Mapping[str, Any], counts: Mapping[str, int]) -> None:
    """What is billed while they exist, and how many."""
    bill = billed(type_, **properties)

    assert {name: count for name, count in bill.counts.items() if count} == counts
    assert bill.unknown == []


@pytest.mark.parametrize(
    ("type_", "properties", "what"),
    [
        ("RDS::DBInstance", {}, "AWS::RDS::DBInstance"),
        ("EC2::Instance", {"InstanceType": "m7i.large"}, "AWS::EC2::Instance m7i.large"),
        ("EC2::Instance", {"LaunchTemplate": {}}, "AWS::EC2::Instance of an unknown type"),
        (
            "EC2::Instance",
            {"InstanceType": "t4g.nano", "BlockDeviceMappings": [{"Ebs": {"VolumeType": "io2", "VolumeSize": 9}}]},
            "AWS::EC2::Instance GB of io2",
        ),
    ],
)
def test_what_has_no_price_is_said(type_: str, properties: Mapping[str, Any], what: str) -> None:
    """It is not counted, and not forgotten."""
    assert billed(type_, **properties).unknown == [("Shop/It", what)]


@pytest.mark.parametrize(
    ("task", "properties", "counts"),
    [
        (TASK, {}, {"CPU unit": 512, "MiB of memory": 1024}),
        (TASK, {"DesiredCount": 3}, {"CPU unit": 1536, "MiB of memory": 3072}),
        (TASK, {"DesiredCount": 0}, {}),
        (
            {**TASK, "RuntimePlatform": ARM, "EphemeralStorage": {"SizeInGiB": 50}},
            {"DesiredCount": 2},
            {"CPU unit (Arm)": 1024, "MiB of memory (Arm)": 2048, "GB of task storage": 60},
        ),
        (
            {**TASK, "RuntimePlatform": {"OperatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}},
            {"NetworkConfiguration": {"AwsvpcConfiguration": {"AssignPublicIp": "ENABLED"}}},
            {"CPU unit (Windows)": 512, "MiB of memory (Windows)": 1024, "public IPv4 address": 1},
        ),
    ],
)
def test_tasks(task: Mapping[str, Any], properties: Mapping[str, Any], counts: Mapping[str, int]) -> None:
    """The tasks of a service that always run, by platform."""
    assert {name: count for name, count in service(task, **properties).counts.items() if count} == counts


def test_instances_of_groups() -> None:
    """As many as their auto scaling groups start from the launch template: in all, with the disks of each."""
    reference = {"LaunchTemplate": {"LaunchTemplateId": {"Ref": "Template"}}}
    resources: dict[str, tuple[str, Mapping[str, Any]]] = {
        "Template": ("EC2::LaunchTemplate", {"LaunchTemplateData": {"InstanceType": "t4g.small"}}),
        "One": ("AutoScaling::AutoScalingGroup", {**reference, "MinSize": "1", "DesiredCapacity": "3"}),
        "Two": ("AutoScaling::AutoScalingGroup", {**reference, "MinSize": "2"}),
        "None": ("AutoScaling::AutoScalingGroup", {**reference, "MinSize": {"Ref": "Size"}}),
        "Other": ("AutoScaling::AutoScalingGroup", {"MinSize": "7"}),
    }

    assert dict(bill_of(read_stored([stack(resources)])).counts) == {"t4g.small": 5, "GB of gp3": 40}


def test_tasks_that_scale() -> None:
    """The least number counts, also if it is in another stack."""
    target = {"ResourceId": {"Fn::Sub": "service/a/${Web.Name}"}, "MinCapacity": "2"}
    other = {"ResourceId": "service/a/b", "MinCapacity": 9}
    resources: dict[str, tuple[str, Mapping[str, Any]]] = {
        "Web": ("ECS::Service", SERVICE),
        "Task": ("ECS::TaskDefinition", TASK),
        "Other": ("ApplicationAutoScaling::ScalableTarget", other),
        "Target": ("ApplicationAutoScaling::ScalableTarget", target),
    }

    assert bill_of(read_stored([stack(resources)])).counts["CPU unit"] == 1024


@pytest.mark.parametrize(
    ("task", "properties", "what"),
    [
        (TASK, {"LaunchType": "EC2"}, "tasks that are not on Fargate"),
        (TASK, {"LaunchType": None}, "tasks that are not on Fargate"),
        (TASK, {"DesiredCount": {"Ref": "Count"}}, "tasks whose count or size is known at deployment"),
        ({}, {}, "tasks whose count or size is known at deployment"),
    ],
)
def test_tasks_that_are_not_counted(task: Mapping[str, Any], properties: Mapping[str, Any], what: str) -> None:
    """Tasks on instances, and those of a count or size that the template does not have."""
    assert service(task, **properties).unknown == [("Shop/Web", what)]


def test_spot_is_an_upper_bound() -> None:
    """Its price changes, so the full price counts, and a note says so."""
    strategy = [{"CapacityProvider": "FARGATE_SPOT", "Weight": 1}]
    bill = service(LaunchType=None, CapacityProviderStrategy=strategy)

    assert bill.counts["CPU unit"] == 512
    assert bill.notes == ["Shop/Web: tasks on Fargate Spot are counted at the full price; they cost up to 70 % less"]


def test_the_cluster_may_decide() -> None:
    """Without a launch type of its own, a service counts if its tasks can run on Fargate."""
    assert service({**TASK, "RequiresCompatibilities": ["FARGATE"]}, LaunchType=None).counts["CPU unit"] == 512


def test_a_condition_is_said() -> None:
    """What is there only under a condition counts, and a note names it."""
    tree = TemplateTree({"Resources": {"Ip": {"Type": "AWS::EC2::EIP", "Condition": "IsProd"}}})
    bill = bill_of(read_stored([StoredStack("Shop", tree)]))

    assert bill.counts["public IPv4 address"] == 1
    assert bill.notes == ["Shop/Ip: counted, and only there under a condition"]


def test_what_depends_on_use() -> None:
    """It is listed, and not guessed."""
    schedule = {"Target": {"EcsParameters": {"TaskDefinitionArn": {"Ref": "Task"}}}}
    on_instance = {"Target": {"EcsParameters": {"TaskDefinitionArn": {"Ref": "Task"}, "LaunchType": "EC2"}}}

    assert list(billed("Logs::LogGroup").usage) == ["log lines to CloudWatch", "log lines kept in CloudWatch"]
    assert list(billed("ElasticLoadBalancingV2::LoadBalancer").usage) == ["load balancer capacity"]
    assert list(billed("SQS::Queue").usage) == ["requests to queues"]
    assert list(billed("SQS::Queue", FifoQueue=True).usage) == ["requests to FIFO queues"]
    assert list(billed("StepFunctions::StateMachine").usage) == ["transitions of state machines"]
    express = billed("StepFunctions::StateMachine", StateMachineType="EXPRESS")
    assert list(express.usage) == ["starts of express state machines"]
    assert "tasks while they run: CPU" in billed("Scheduler::Schedule", **schedule).usage
    arm: dict[str, tuple[str, Mapping[str, Any]]] = {
        "It": ("Scheduler::Schedule", schedule),
        "Task": ("ECS::TaskDefinition", {"RuntimePlatform": ARM}),
    }
    assert "tasks while they run: CPU (Arm)" in bill_of(read_stored([stack(arm)])).usage
    by_hand = {"It": ("ECS::TaskDefinition", {"RequiresCompatibilities": ["FARGATE"], "RuntimePlatform": ARM})}
    assert "tasks while they run: CPU (Arm)" in bill_of(read_stored([stack(by_hand)])).usage
    assert "tasks while they run: CPU" not in billed("Scheduler::Schedule", **on_instance).usage


def test_each_type_is_in_one_list() -> None:
    """And each name of a list has a price with AWS's page and with where the number was found."""
    assert not FREE & {*SINGLE, *BY_USE}
    assert set(SINGLE.values()) <= STANDING.keys()
    assert {name for names in BY_USE.values() for name in names} <= USAGE.keys()
    assert all(each.source.startswith("https://aws.amazon.com/") for each in (*STANDING.values(), *USAGE.values()))
    assert all(each.checked for each in (*STANDING.values(), *USAGE.values()))
    assert {each.unit for each in STANDING.values()} == {"hour", "month"}


def test_the_difference() -> None:
    """What a month costs before and after, by thing; a note if the stack is in another region."""
    one = stack({"Nat": ("EC2::NatGateway", {})})
    two = stack({"Nat": ("EC2::NatGateway", {}), "Two": ("EC2::NatGateway", {})}, "eu-west-1")
    costs = compare_costs([one], [two], DEFAULT)
    (line,) = costs.lines

    assert (line.name, line.before, line.after, line.is_changed) == ("NAT gateway", 1, 2, True)
    assert costs.summary() == "Costs without any use: 32.85 -> 65.70 USD a month (+32.85)"
    assert costs.notes == ["the stacks are in eu-west-1, where prices differ: pass --prices"]
    assert compare_costs([one], [one], DEFAULT).summary().endswith("32.85 -> 32.85 USD a month (no change)")
    assert compare_costs([], [one], DEFAULT).summary() == "Costs without any use: 32.85 USD a month"


def test_sizes_are_shown_in_units_that_people_know() -> None:
    """CPU in vCPU and memory in GB, with the platform."""
    platform = {"RuntimePlatform": ARM}
    web = {"Web": ("ECS::Service", SERVICE), "Task": ("ECS::TaskDefinition", {**TASK, **platform})}

    lines = compare_costs([], [stack(web)], DEFAULT).lines
    assert [(line.name, line.after) for line in lines] == [("vCPU (Arm)", 0.5), ("GB of memory (Arm)", 1)]
