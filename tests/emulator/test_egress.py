"""`fargate-constructs egress` with the real boto3, on a local AWS."""

import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from tests.cli.runner import runner
from tests.emulator.emulator import ROOT, Emulator

GROUP = "/egress-shop/web"
SECONDS = 60


def ref(name: str) -> dict[str, str]:
    """Return a reference of a template."""
    return {"Ref": name}


def resource(kind: str, path: str = "", **properties: Any) -> dict[str, Any]:  # noqa: ANN401 - a template
    """Return a resource with a construct path."""
    metadata = {"Metadata": {"aws:cdk:path": path}} if path else {}
    return {"Type": f"AWS::{kind}", "Properties": properties, **metadata}


def template() -> dict[str, Any]:
    """Return a network with a NAT gateway, an Elastic IP that is not in use, and a service."""
    options = {"awslogs-group": GROUP, "awslogs-region": "us-east-1", "awslogs-stream-prefix": "web"}
    container = {
        "Name": "web",
        "Image": "example.com/shop:1",
        "LogConfiguration": {"LogDriver": "awslogs", "Options": options},
    }
    network = {"AwsvpcConfiguration": {"Subnets": [ref("Private")], "AssignPublicIp": "DISABLED"}}
    zone = {"Fn::Select": [0, {"Fn::GetAZs": ""}]}
    return {
        "Vpc": resource("EC2::VPC", "EgressShop/Network/Vpc/Resource", CidrBlock="10.8.0.0/16"),
        "Public": resource("EC2::Subnet", VpcId=ref("Vpc"), CidrBlock="10.8.0.0/24", AvailabilityZone=zone),
        "Private": resource("EC2::Subnet", VpcId=ref("Vpc"), CidrBlock="10.8.1.0/24", AvailabilityZone=zone),
        "Ip1": resource("EC2::EIP", "EgressShop/Network/EgressIps/1", Domain="vpc"),
        "Ip2": resource("EC2::EIP", "EgressShop/Network/EgressIps/2", Domain="vpc"),
        "Nat": resource(
            "EC2::NatGateway", SubnetId=ref("Public"), AllocationId={"Fn::GetAtt": ["Ip1", "AllocationId"]}
        ),
        "Igw": resource("EC2::InternetGateway"),
        "Attachment": resource("EC2::VPCGatewayAttachment", VpcId=ref("Vpc"), InternetGatewayId=ref("Igw")),
        "OpenTable": resource("EC2::RouteTable", VpcId=ref("Vpc")),
        "OpenLink": resource("EC2::SubnetRouteTableAssociation", SubnetId=ref("Public"), RouteTableId=ref("OpenTable")),
        "OpenRoute": resource(
            "EC2::Route", RouteTableId=ref("OpenTable"), DestinationCidrBlock="0.0.0.0/0", GatewayId=ref("Igw")
        ),
        "Table": resource("EC2::RouteTable", VpcId=ref("Vpc")),
        "Link": resource("EC2::SubnetRouteTableAssociation", SubnetId=ref("Private"), RouteTableId=ref("Table")),
        "Route": resource(
            "EC2::Route", RouteTableId=ref("Table"), DestinationCidrBlock="0.0.0.0/0", NatGatewayId=ref("Nat")
        ),
        "Group": resource("Logs::LogGroup", LogGroupName=GROUP),
        "Cluster": resource("ECS::Cluster", ClusterName="egress-shop"),
        "Definition": resource(
            "ECS::TaskDefinition",
            Family="egress-shop",
            Cpu="256",
            Memory="512",
            NetworkMode="awsvpc",
            RequiresCompatibilities=["FARGATE"],
            ExecutionRoleArn="arn:aws:iam::123456789012:role/shop",
            ContainerDefinitions=[container],
        ),
        "Web": resource(
            "ECS::Service",
            "EgressShop/Web/Service/Service",
            Cluster=ref("Cluster"),
            TaskDefinition=ref("Definition"),
            DesiredCount=1,
            LaunchType="FARGATE",
            NetworkConfiguration=network,
        ),
    }


@pytest.fixture(scope="module")
def addresses(aws: Emulator) -> list[str]:
    """The Elastic IPs of a deployed network; the second one is not in use."""
    cloudformation = aws.client("cloudformation")
    cloudformation.create_stack(StackName="EgressShop", TemplateBody=json.dumps({"Resources": template()}))
    cloudformation.get_waiter("stack_create_complete").wait(StackName="EgressShop", WaiterConfig={"Delay": 1})
    found = cloudformation.describe_stack_resources(StackName="EgressShop")["StackResources"]
    ids = {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in found}
    return [ids["Ip1"], ids["Ip2"]]


def start(aws: Emulator, *arguments: str) -> "subprocess.Popen[str]":
    """Start the command as a person does."""
    program = [sys.executable, "-m", "fargate_constructs", "egress", *arguments]
    environment = {**os.environ, **aws.environment, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        program, cwd=aws.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def task_of(process: "subprocess.Popen[str]", aws: Emulator) -> str:
    """Wait until the command has started its task; return that."""
    end = time.monotonic() + SECONDS
    while process.poll() is None and time.monotonic() < end:
        tasks = aws.client("ecs").list_tasks(cluster="egress-shop", family="fargate-constructs-egress")["taskArns"]
        if tasks:
            return str(tasks[0])
    raise AssertionError(process.communicate())


def definitions(aws: Emulator) -> list[str]:
    """Return the task definitions of the command that are still active."""
    found = aws.client("ecs").list_task_definitions(familyPrefix="fargate-constructs-egress", status="ACTIVE")
    return list(found["taskDefinitionArns"])


@pytest.mark.usefixtures("session")
def test_a_network_has_its_addresses(addresses: list[str]) -> None:
    """The command finds the network, who owns its addresses, and the service that leaves from them."""
    _, output, errors = runner("egress")("EgressShop/Network", "--json")

    document = json.loads(output)
    assert document["findings"] == [], errors
    assert document["allow_list"] == addresses
    assert [each["elastic_ip"]["owner"] for each in document["addresses"]] == ["EgressShop/Network/EgressIps/1"]
    assert [each["address"] for each in document["unused"]] == addresses[1:]
    assert [(each["name"], each["addresses"]) for each in document["services"]] == [("EgressShop/Web", addresses[:1])]


def test_a_task_asks_from_inside(aws: Emulator, addresses: list[str]) -> None:
    """The emulator runs no containers, so this test writes what the task would log. Nothing is left."""
    ecs, logs = aws.client("ecs"), aws.client("logs")
    process = start(aws, "EgressShop/Web", "--prove", "--yes")
    task = task_of(process, aws)
    stream = f"fargate-constructs-egress/egress/{task.rpartition('/')[2]}"
    logs.create_log_stream(logGroupName=GROUP, logStreamName=stream)
    event = {"timestamp": time.time_ns() // 1_000_000, "message": f"ipv4={addresses[0]}"}
    logs.put_log_events(logGroupName=GROUP, logStreamName=stream, logEvents=[event])
    ecs.stop_task(cluster="egress-shop", task=task, reason="exit 0")
    output, errors = process.communicate(timeout=SECONDS)

    assert process.returncode == 0, errors
    assert f"{addresses[0]}: as expected" in output
    assert definitions(aws) == []


@pytest.mark.long
@pytest.mark.usefixtures("addresses")
def test_ctrl_c_leaves_nothing(aws: Emulator) -> None:
    """The task is stopped, and its task definition is removed."""
    process = start(aws, "EgressShop/Web", "--prove", "--yes")
    task = task_of(process, aws)
    line = process.stderr.readline() if process.stderr else ""
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=SECONDS)

    assert process.returncode == 130, errors
    assert "asks from subnet-" in line
    assert "Traceback" not in errors
    [found] = aws.client("ecs").describe_tasks(cluster="egress-shop", tasks=[task])["tasks"]
    assert found["lastStatus"] == "STOPPED"
    assert definitions(aws) == []
