"""A local AWS for commands that run in this process, and services that several tests look at."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.emulator import REGION, Emulator
from tests.emulator.updates import CloudFormationStack


class EmulatedSession:
    """What the command line takes as a session of boto3; its clients are made once."""

    region_name = REGION

    def __init__(self, aws: Emulator) -> None:
        self._aws = aws

    def client(self, name: str, region_name: str = REGION, config: object = None) -> Any:  # noqa: ANN401  # of boto3
        """Return a client."""
        del config
        assert region_name == REGION
        return self._aws.client(name)


@pytest.fixture
def session(aws: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:  # noqa: ANN401  # as boto3's
    """The session that commands use, in a folder without an app."""
    made = EmulatedSession(aws)
    monkeypatch.setattr("fargate_constructs.cli.options.session_for", lambda *_: made)
    monkeypatch.chdir(tmp_path)
    return made


@pytest.fixture(scope="module")
def cluster(aws: Emulator) -> str:
    """The cluster of two services that CloudFormation deployed: `Blog/Web`, behind a load balancer, and `Blog/Api`."""
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.8.{number}.0/24")["Subnet"]["SubnetId"] for number in (0, 1)]
    service = {
        "Cluster": {"Ref": "Cluster"},
        "TaskDefinition": {"Ref": "Definition"},
        "DesiredCount": 1,
        "LaunchType": "FARGATE",
        "NetworkConfiguration": {"AwsvpcConfiguration": {"Subnets": subnets, "AssignPublicIp": "DISABLED"}},
    }
    target = {"ContainerName": "web", "ContainerPort": 80, "TargetGroupArn": {"Ref": "Group"}}
    forward = {"Type": "forward", "TargetGroupArn": {"Ref": "Group"}}
    path = {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/blog/*"]}}
    options = {"awslogs-group": {"Ref": "Logs"}, "awslogs-region": REGION, "awslogs-stream-prefix": "web"}
    container = {
        "Name": "web",
        "Image": "example.com/blog:7",
        "Essential": True,
        "LogConfiguration": {"LogDriver": "awslogs", "Options": options},
    }
    properties: dict[str, tuple[str, dict[str, Any]]] = {
        "Logs": ("Logs::LogGroup", {"LogGroupName": "/blog/web"}),
        "Cluster": ("ECS::Cluster", {"ClusterName": "blog"}),
        "Definition": (
            "ECS::TaskDefinition",
            {
                "Family": "blog",
                "Cpu": "256",
                "Memory": "512",
                "NetworkMode": "awsvpc",
                "RequiresCompatibilities": ["FARGATE"],
                "ContainerDefinitions": [container],
            },
        ),
        "Web": ("ECS::Service", {**service, "ServiceName": "web", "LoadBalancers": [target]}),
        "Api": ("ECS::Service", {**service, "ServiceName": "api"}),
        "Balancer": ("ElasticLoadBalancingV2::LoadBalancer", {"Type": "application", "Subnets": subnets}),
        "Group": (
            "ElasticLoadBalancingV2::TargetGroup",
            {"VpcId": vpc, "Port": 80, "Protocol": "HTTP", "TargetType": "ip"},
        ),
        "Listener": (
            "ElasticLoadBalancingV2::Listener",
            {
                "LoadBalancerArn": {"Ref": "Balancer"},
                "Port": 80,
                "Protocol": "HTTP",
                "DefaultActions": [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
            },
        ),
        "Rule": (
            "ElasticLoadBalancingV2::ListenerRule",
            {"ListenerArn": {"Ref": "Listener"}, "Priority": 1, "Actions": [forward], "Conditions": [path]},
        ),
        "Alarm": (
            "CloudWatch::Alarm",
            {
                "AlarmName": "blog-web-slow",
                "Namespace": "AWS/ECS",
                "MetricName": "CPUUtilization",
                "Dimensions": [{"Name": "ClusterName", "Value": "blog"}, {"Name": "ServiceName", "Value": "web"}],
                "Period": 60,
                "EvaluationPeriods": 1,
                "Statistic": "Average",
                "Threshold": 90,
                "ComparisonOperator": "GreaterThanThreshold",
            },
        ),
    }
    resources = {
        id_: {"Type": f"AWS::{type_}", "Properties": given, "Metadata": {"aws:cdk:path": f"Blog/{id_}/Service/Service"}}
        for id_, (type_, given) in properties.items()
    }
    stack = CloudFormationStack(aws, "Blog")
    assert stack.deploy(TemplateBody=json.dumps({"Resources": resources})) == "CREATE_COMPLETE", stack.why()
    return "blog"
