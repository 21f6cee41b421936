"""`fargate-constructs explain` with the real boto3, on a local AWS."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.emulator.commands import run_here
from tests.emulator.emulator import ROOT, Emulator


@pytest.fixture(scope="module")
def service(aws: Emulator) -> str:
    """The ARN of a service that CloudFormation deployed, and that has the construct path `Shop/Web`."""
    container = {"Name": "web", "Image": "example.com/shop:1", "Essential": True}
    network = {"AwsvpcConfiguration": {"Subnets": [subnet(aws)], "AssignPublicIp": "DISABLED"}}
    resources: dict[str, Any] = {
        "Cluster": {"Type": "AWS::ECS::Cluster"},
        "Definition": {
            "Type": "AWS::ECS::TaskDefinition",
            "Properties": {
                "Family": "shop",
                "Cpu": "256",
                "Memory": "512",
                "NetworkMode": "awsvpc",
                "RequiresCompatibilities": ["FARGATE"],
                "ContainerDefinitions": [container],
            },
        },
        "Web": {
            "Type": "AWS::ECS::Service",
            "Metadata": {"aws:cdk:path": "Shop/Web/Service/Service"},
            "Properties": {
                "Cluster": {"Ref": "Cluster"},
                "TaskDefinition": {"Ref": "Definition"},
                "DesiredCount": 1,
                "LaunchType": "FARGATE",
                "NetworkConfiguration": network,
            },
        },
    }
    cloudformation = aws.client("cloudformation")
    cloudformation.create_stack(StackName="Shop", TemplateBody=json.dumps({"Resources": resources}))
    cloudformation.get_waiter("stack_create_complete").wait(StackName="Shop", WaiterConfig={"Delay": 1})
    found = cloudformation.describe_stack_resource(StackName="Shop", LogicalResourceId="Web")
    return str(found["StackResourceDetail"]["PhysicalResourceId"])


def subnet(aws: Emulator) -> str:
    """Return a new subnet, whose tasks have no egress."""
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    made = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.0.0/24")["Subnet"]["SubnetId"]
    return str(made)


def test_a_stopped_task_is_explained(aws: Emulator, service: str) -> None:
    """The command finds the service by its construct path, and the exit code of its task."""
    ecs = aws.client("ecs")
    _, cluster, name = service.split("/")
    (task,) = ecs.list_tasks(cluster=cluster, serviceName=name)["taskArns"]
    ecs.stop_task(cluster=cluster, task=task, reason="exit 3")
    result = run_here(aws, "explain", "Shop/Web", "--json")

    assert result.exit_code == 1, result.stderr
    document = json.loads(result.stdout)
    assert document["service"]["name"] == "Shop/Web"
    causes = {each["cause"]: each for each in document["findings"]}
    assert causes.keys() == {"appFailed", "noDefaultRoute"}
    assert "web exited with code 3" in causes["appFailed"]["seen"][0]["text"]


def test_without_aws_an_error_is_one_line(aws: Emulator) -> None:
    """No server listens on that port. The command runs as a person runs it, in a process of its own."""
    closed = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1"}
    program = [sys.executable, "-m", "fargate_constructs", "explain", "Shop/Web"]
    environment = {**os.environ, **aws.environment, **closed, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(program, cwd=aws.folder, env=environment, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "AWS: there is no answer" in done.stderr
