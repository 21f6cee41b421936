"""Jobs that CloudFormation deployed, and how their tasks start."""

import json
from typing import Any

import pytest

from fargate_constructs.cli.deployed.deployed_jobs import DeployedJob, find_service_or_job, launch_of
from tests.cli.recorded_aws import ACCOUNT, NOW, REGION, SERVICE_ARN, RecordedAws, stack_resource

CLUSTER_ARN = f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/shop"
FAMILY = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/Shop-Report-1A2B"
NETWORK = {"subnets": ["subnet-1"], "securityGroups": ["sg-9"], "assignPublicIp": "DISABLED"}
SPOT = [{"capacityProvider": "FARGATE_SPOT", "weight": 1, "base": 0}]
MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:Report"
REQUEST = {
    "cluster": "shop",
    "networkConfiguration": {"awsvpcConfiguration": NETWORK},
    "capacityProviderStrategy": SPOT,
    "enableECSManagedTags": True,
    "propagateTags": "TASK_DEFINITION",
}
CAPITALS: dict[str, Any] = {
    "NetworkConfiguration": {"awsvpcConfiguration": {key[0].upper() + key[1:]: each for key, each in NETWORK.items()}},
    "CapacityProviderStrategy": SPOT,
    "EnableECSManagedTags": True,
    "PropagateTags": "TASK_DEFINITION",
}
# The resources of the job by type: its ID, its path, and its physical ID.
OF_JOB = {
    "AWS::ECS::TaskDefinition": ("Report", "Shop/Report/TaskDefinition/Resource", f"{FAMILY}:3"),
    "AWS::EC2::SecurityGroup": ("Group", "Shop/Report/SecurityGroup/Resource", "sg-9"),
    "AWS::ECS::Cluster": ("Cluster", "Shop/Cluster/Resource", "shop"),
    "AWS::Scheduler::Schedule": ("Schedule", "Shop/Report/Schedule/Resource", "Shop-Report"),
    "AWS::StepFunctions::StateMachine": ("Machine", "Shop/Report/Launcher/Machine/Resource", MACHINE),
    "AWS::Lambda::Function": ("Function", "Shop/Report/Run/Function/Function/Resource", "Shop-Run"),
    "AWS::Events::Rule": ("Rule", "Shop/Nightly/Resource", "Shop-Nightly"),
}
PARTS = ("AWS::ECS::TaskDefinition", "AWS::EC2::SecurityGroup", "AWS::ECS::Cluster")


@pytest.fixture
def aws(clients: RecordedAws) -> RecordedAws:
    """An AWS with the service `Shop/Web`, and the job `Shop/Report` that only people start."""
    deploy(clients)
    return clients


def deploy(aws: RecordedAws, *types: str, **changes: Any) -> None:  # noqa: ANN401 - properties
    """Let the stack have the job with resources of some types, with properties by ID."""
    ids = {"Web": ("AWS::ECS::Service", "Shop/Web/Service/Service", SERVICE_ARN)}
    ids |= {OF_JOB[each][0]: (each, *OF_JOB[each][1:]) for each in (*PARTS, *types)}
    resources = [stack_resource(logical_id, each[0], each[2]) for logical_id, each in ids.items()]
    aws.answers["ListStackResources"] = {"StackResourceSummaries": resources}
    template = {
        logical_id: {"Type": each[0], "Metadata": {"aws:cdk:path": each[1]}, "Properties": changes.get(logical_id, {})}
        for logical_id, each in ids.items()
    }
    aws.answers["GetTemplate"] = {"TemplateBody": {"Resources": template}}


def job(aws: RecordedAws, name: str = "Report") -> DeployedJob:
    """Return the job with a name."""
    found = find_service_or_job(aws, name)  # type: ignore[arg-type] # as a session
    assert isinstance(found, DeployedJob)
    return found


def test_a_job_is_found_by_its_path(aws: RecordedAws) -> None:
    """So is a service; a task definition of a service is no job."""
    found = job(aws)

    assert (found.name, found.region, found.task_definition) == ("Shop/Report", REGION, f"{FAMILY}:3")
    assert find_service_or_job(aws, "Web").name == "Shop/Web"  # type: ignore[arg-type] # as a session
    aws.answers["DescribeStacks"] = {"Stacks": []}
    assert find_service_or_job(aws, "shop/web").name == "shop/web"  # type: ignore[arg-type] # as a session


def test_a_task_definition_of_a_service_is_no_job(aws: RecordedAws) -> None:
    """The service has it."""
    deploy(aws, Web={"TaskDefinition": {"Ref": "Report"}})

    assert find_service_or_job(aws, "Shop").name == "Shop/Web"  # type: ignore[arg-type] # as a session


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Reprot", r"must be one of those in region us-east-1 of the account \d+: Shop/Report, Shop/Web, got: Reprot"),
        ("Shop", "Shop must fit one service or job, got 2: Shop/Report, Shop/Web; write more of the path"),
    ],
)
def test_a_name_that_fits_not_one_is_refused(name: str, text: str, aws: RecordedAws) -> None:
    """The message has the names that are there."""
    with pytest.raises(ValueError, match=text):
        job(aws, name)


def test_an_account_with_nothing_is_named(aws: RecordedAws) -> None:
    """There is neither a stack nor a cluster."""
    aws.answers |= {"DescribeStacks": {"Stacks": []}, "ListClusters": {"clusterArns": []}}
    with pytest.raises(ValueError, match="has no ECS service or job; correct --profile or --region"):
        job(aws)


def start_by(aws: RecordedAws, type_: str) -> None:
    """Let a resource of the stack start the job."""
    settings = {**CAPITALS, "TaskDefinitionArn": f"{FAMILY}:3"}
    other = {**settings, "TaskDefinitionArn": f"{FAMILY}2:1"}
    target = {"Id": "1", "Arn": CLUSTER_ARN, "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/r"}
    deploy(aws, type_)
    run = {
        "Type": "Task",
        "Parameters": {
            **CAPITALS,
            "NetworkConfiguration": {"AwsvpcConfiguration": CAPITALS["NetworkConfiguration"]["awsvpcConfiguration"]},
            "Cluster": "shop",
            "TaskDefinition": f"{FAMILY}:3",
        },
    }
    definition = {"States": {"First": {"Type": "Pass"}, "Both": {"Branches": [{"States": {"Run": run}}]}}}
    aws.answers |= {
        "GetSchedule": {"Target": {**{key: target[key] for key in ("Arn", "RoleArn")}, "EcsParameters": settings}},
        "ListTargetsByRule": {
            "Targets": [
                {"Id": "0", "Arn": "arn:aws:sqs:us-east-1:111122223333:q"},
                {**target, "EcsParameters": other},
                {**target, "EcsParameters": settings},
            ]
        },
        "DescribeStateMachine": {
            "stateMachineArn": MACHINE,
            "name": "Report",
            "definition": json.dumps(definition),
            "roleArn": target["RoleArn"],
            "type": "STANDARD",
            "creationDate": NOW,
        },
        "GetFunctionConfiguration": {"Environment": {"Variables": {"REQUEST": json.dumps(REQUEST)}}},
    }


@pytest.mark.parametrize("type_", [each for each in OF_JOB if each not in PARTS])
def test_a_job_starts_as_its_stack_starts_it(type_: str, aws: RecordedAws) -> None:
    """A schedule, a state machine, a rule and the function of a run before deployments have the same settings."""
    start_by(aws, type_)
    launch = launch_of(job(aws))

    assert launch.cluster.rpartition("/")[2] == "shop"
    assert launch.task_definition == f"{FAMILY}:3"
    assert launch.parameters == {key: each for key, each in REQUEST.items() if key != "cluster"}


@pytest.mark.parametrize("owner", ["Report", "Load"])
def test_what_starts_something_else_says_nothing(owner: str, aws: RecordedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Functions of others are not asked, nor schedules whose group only the deployment knows."""
    monkeypatch.setitem(OF_JOB, "AWS::Lambda::Function", ("Function", f"Shop/{owner}/Function/Resource", "Shop-Run"))
    start_by(aws, "AWS::Lambda::Function")
    types = [each for each in OF_JOB if each not in PARTS]
    deploy(aws, *types, Schedule={"GroupName": {"Ref": "Group"}})
    on_instances = {"TaskDefinitionArn": FAMILY, "LaunchType": "EC2"}
    target = {"Id": "1", "Arn": CLUSTER_ARN, "EcsParameters": on_instances}
    aws.answers["ListTargetsByRule"] = {"Targets": [target]} if owner == "Load" else {}
    aws.answers["GetFunctionConfiguration"] = {}
    machine = dict(aws.answers["DescribeStateMachine"])  # type: ignore[arg-type] # an answer
    machine["definition"] = json.dumps({"States": {"Run": {"Parameters": {"TaskDefinition": FAMILY}}}})
    aws.answers["DescribeStateMachine"] = machine
    name_vpc(aws)

    assert launch_of(job(aws)).parameters["launchType"] == "FARGATE"
    asked = [name for name, _ in aws.requests]
    assert ("GetSchedule" in asked, "GetFunctionConfiguration" in asked) == (False, owner == "Report")


def test_a_rule_of_another_bus_is_asked_by_both_names(aws: RecordedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """CloudFormation has them as one text."""
    kind = "AWS::Events::Rule"
    monkeypatch.setitem(OF_JOB, kind, ("Rule", "Shop/Nightly/Resource", "orders|Shop-Nightly"))
    start_by(aws, kind)

    assert launch_of(job(aws)).parameters["capacityProviderStrategy"] == SPOT
    assert ("ListTargetsByRule", {"Rule": "Shop-Nightly", "EventBusName": "orders"}) in aws.requests


def name_vpc(aws: RecordedAws, **routes: str) -> None:
    """Let the job's security group be in a VPC whose subnets have default routes."""
    routes = routes or {"subnet-a": "nat-1", "subnet-b": "igw-1", "subnet-c": "", "subnet-d": "nat-1"}
    group = {"GroupId": "sg-9", "VpcId": "vpc-1"}
    tables = []
    for subnet, target in routes.items():
        key = "GatewayId" if target.startswith("igw") else "NatGatewayId"
        leaving = [{"DestinationCidrBlock": "0.0.0.0/0", key: target}] if target else []
        link = {"SubnetId": subnet.replace("_", "-")}
        tables.append({"VpcId": "vpc-1", "Associations": [link], "Routes": leaving})
    subnets = [{"SubnetId": each.replace("_", "-"), "VpcId": "vpc-1", "AvailabilityZone": "a"} for each in routes]
    aws.answers |= {
        "DescribeSecurityGroups": {"SecurityGroups": [group]},
        "DescribeSubnets": {"Subnets": subnets},
        "DescribeRouteTables": {"RouteTables": tables},
        "DescribeNatGateways": {"NatGateways": []},
    }


def test_a_job_that_only_people_start_runs_in_private_subnets(
    aws: RecordedAws, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its security group says the VPC, and the message which subnets are taken."""
    name_vpc(aws)
    launch = launch_of(job(aws))

    network = {"subnets": ["subnet-a", "subnet-d"], "securityGroups": ["sg-9"], "assignPublicIp": "DISABLED"}
    assert launch.cluster == "shop"
    assert launch.parameters == {
        "launchType": "FARGATE",
        "networkConfiguration": {"awsvpcConfiguration": network},
    }
    assert "in which subnets Shop/Report runs; takes subnet-a, subnet-d" in capsys.readouterr().err


def test_without_egress_a_job_runs_in_isolated_subnets(aws: RecordedAws) -> None:
    """There are only public subnets beside them."""
    name_vpc(aws, subnet_a="igw-1", subnet_b="")

    launch = launch_of(job(aws))
    assert launch.parameters["networkConfiguration"]["awsvpcConfiguration"]["subnets"] == ["subnet-b"]


def test_a_vpc_without_private_subnets_is_refused(aws: RecordedAws) -> None:
    """A task there would reach nothing."""
    name_vpc(aws, subnet_a="igw-1")
    with pytest.raises(ValueError, match="the VPC vpc-1 must have private subnets for the task, got none"):
        launch_of(job(aws))


def test_a_stack_that_does_not_say_where_asks_for_a_service(aws: RecordedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """The group belongs to something else."""
    kind = "AWS::EC2::SecurityGroup"
    monkeypatch.setitem(OF_JOB, kind, ("Group", "Shop/Shared/Resource", "sg-9"))
    deploy(aws)
    with pytest.raises(ValueError, match=r"that starts Shop/Report, got none; name a service .* --like Shop/Web"):
        launch_of(job(aws))
