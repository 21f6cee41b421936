"""Which networks and services a name of `fargate-constructs egress` means."""

import json
from pathlib import Path
from typing import Any

import pytest

from fargate_constructs.cli.deployed.deployed_networks import find_subject
from tests.cli.egress.test_egress import STACK_TAG, filtered, stacks, tags
from tests.cli.recorded_aws import ACCOUNT, REGION, RecordedAws, service

VPCS = {"vpc-shop": "subnet-shop", "vpc-old": "subnet-old", "vpc-blog": "subnet-blog"}


def arn(name: str) -> str:
    """Return the ARN of a service of the cluster `main`."""
    return f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/main/{name}"


SHOP = {
    "Web": ("AWS::ECS::Service", arn("web"), "Shop/Web/Service/Service"),
    "Vpc": ("AWS::EC2::VPC", "vpc-shop", "Shop/Network/Vpc/Resource"),
}
BLOG = {
    "Api": ("AWS::ECS::Service", arn("api"), "Blog/Api/Service"),
    "Vpc": ("AWS::EC2::VPC", "vpc-blog", "Blog/Vpc/Resource"),
}
# The subnet of each service; those of `legacy` and `jobs` are of no stack that is searched.
SERVICES = {"web": "subnet-shop", "api": "subnet-blog", "legacy": "subnet-old", "jobs": "subnet-shop", "gone": ""}


def services(request: Any) -> dict[str, Any]:  # noqa: ANN401 - of botocore
    """Return the services that are asked for."""
    assert len(request["services"]) <= 10
    cluster = f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/main"
    found = []
    for name in (each.rpartition("/")[2] for each in request["services"]):
        configuration = {"awsvpcConfiguration": {"subnets": [SERVICES.get(name, "subnet-old")]}}
        status = "INACTIVE" if name == "gone" else "ACTIVE"
        more = {"tags": [{"key": STACK_TAG, "value": "Jobs"}]} if name == "jobs" else {}
        changes = {"serviceArn": arn(name), "serviceName": name, "clusterArn": cluster, "status": status, **more}
        found.append(service(networkConfiguration=configuration, **changes))
    return {"services": found}


def vpcs(request: Any) -> dict[str, Any]:  # noqa: ANN401 - of botocore
    """Return the VPCs with an ID or a tag Name."""
    [wanted] = request["Filters"]
    tagged = {"vpc-old": tags(Name="old"), "vpc-shop": tags(**{STACK_TAG: "Shop"}), "vpc-blog": []}
    return {
        "Vpcs": [
            {"VpcId": vpc, "Tags": found}
            for vpc, found in tagged.items()
            if vpc in wanted["Values"]
            or (wanted["Name"] == "tag:Name" and wanted["Values"] == [each["Value"] for each in found])
        ]
    }


@pytest.fixture
def aws(clients: RecordedAws) -> RecordedAws:
    """An AWS with two stacks, a stack with jobs that no name finds, and a VPC and services of no stack."""
    subnets = [{"SubnetId": name, "VpcId": vpc, "AvailabilityZone": "us-east-1a"} for vpc, name in VPCS.items()]
    jobs = {"Jobs": ("AWS::ECS::Service", arn("jobs"), "Jobs/Worker/Service")}
    gateways = [
        {"NatGatewayId": "nat-1", "VpcId": "vpc-old", "State": "available", "NatGatewayAddresses": []},
        {"NatGatewayId": "nat-2", "VpcId": "vpc-blog", "State": "deleted", "NatGatewayAddresses": []},
    ]
    clients.answers |= {
        **stacks(Shop=SHOP, Blog=BLOG, Jobs=jobs),
        "DescribeStacks": stacks(Shop=SHOP, Blog=BLOG)["DescribeStacks"],
        "ListClusters": {"clusterArns": [f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/main"]},
        "ListServices": {"serviceArns": [*map(arn, SERVICES), *(arn(f"job-{number}") for number in range(12))]},
        "DescribeServices": services,
        "DescribeSubnets": filtered("Subnets", "SubnetId", *subnets),
        "DescribeRouteTables": {"RouteTables": []},
        "DescribeNatGateways": {"NatGateways": gateways},
        "DescribeVpcs": vpcs,
    }
    return clients


@pytest.mark.parametrize(
    ("name", "title", "networks", "names"),
    [
        ("Shop/Web", "Shop/Web", ["Shop/Network"], ["Shop/Web"]),
        ("main/web", "Shop/Web", ["Shop/Network"], ["Shop/Web"]),
        ("Shop", "Shop/Network", ["Shop/Network"], ["Jobs/Worker", "Shop/Web"]),
        ("Network", "Shop/Network", ["Shop/Network"], ["Jobs/Worker", "Shop/Web"]),
        ("vpc-shop", "Shop/Network", ["Shop/Network"], ["Jobs/Worker", "Shop/Web"]),
        ("Blog/Vpc", "Blog/Vpc", ["Blog/Vpc"], ["Blog/Api"]),
        ("vpc-blog", "vpc-blog", ["vpc-blog"], ["main/api"]),
        ("main/legacy", "main/legacy", ["old"], ["main/legacy"]),
        ("old", "old", ["old"], ["main/legacy", *sorted(f"main/job-{number}" for number in range(12))]),
    ],
)
def test_names(name: str, title: str, networks: list[str], names: list[str], aws: Any) -> None:  # noqa: ANN401 - boto3
    """A path or a part of it, CLUSTER/SERVICE, the ID or the tag of a VPC; a network has all services in it."""
    found = find_subject(aws, name)

    assert (found.name, [each.name for each in found.networks]) == (title, networks)
    assert sorted(each.name for each, _ in found.services) == sorted(names)
    assert found.scope == ("service" if len(names) == 1 and title == names[0] else "network")
    assert [each.name for each, _ in found.services] == sorted(names)


def test_without_a_name_it_is_the_region(aws: Any) -> None:  # noqa: ANN401 - as boto3
    """VPCs of stacks, and those with NAT gateways that are not deleted; all services with subnets in them."""
    found = find_subject(aws, "")

    assert (found.scope, found.name) == ("region", "Blog/Vpc, Shop/Network, old")
    assert {each.name for each, _ in found.services} >= {"Shop/Web", "Blog/Api", "Jobs/Worker", "main/legacy"}
    assert "main/gone" not in {each.name for each, _ in found.services}


def test_without_a_name_it_is_the_app(aws: Any, tmp_path: Path) -> None:  # noqa: ANN401 - as boto3
    """The stacks of cdk.out, with the services of others in their networks."""
    found = find_subject(aws, "", cdk_out(tmp_path, Shop=REGION))

    assert (found.scope, found.name) == ("app", "Shop/Network")
    assert [each.name for each, _ in found.services] == ["Jobs/Worker", "Shop/Web"]


def cdk_out(folder: Path, **regions: str) -> Path:
    """Write the output of an app that has stacks in regions."""
    artifacts = {
        name: {
            "type": "aws:cloudformation:stack",
            "environment": f"aws://{ACCOUNT}/{region}",
            "properties": {"templateFile": f"{name}.json"},
        }
        for name, region in regions.items()
    }
    (folder / "manifest.json").write_text(json.dumps({"version": "55.0.0", "artifacts": artifacts}))
    for name in regions:
        (folder / f"{name}.json").write_text("{}")
    return folder


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        (
            "Nope",
            f"the service or network must be one of those in region {REGION} of the account {ACCOUNT}: Blog/Api, ",
        ),
        ("vpc-0", f"the VPC must be in region {REGION} of the account {ACCOUNT}, got: vpc-0; correct --profile"),
    ],
)
def test_unknown_names(name: str, pattern: str, aws: Any) -> None:  # noqa: ANN401 - as boto3
    """The message has what is there."""
    with pytest.raises(ValueError, match=pattern):
        find_subject(aws, name)


def test_a_name_that_fits_two(aws: Any) -> None:  # noqa: ANN401 - as boto3
    """It is refused, with both."""
    second = {**SHOP, "Vpc2": ("AWS::EC2::VPC", "vpc-blog", "Shop/Data/Vpc/Resource")}
    aws.answers |= stacks(Shop=second)

    with pytest.raises(ValueError, match="Shop must fit one network, got 2: Shop/Data, Shop/Network; write more"):
        find_subject(aws, "Shop")


def test_an_app_in_two_regions(aws: Any, tmp_path: Path) -> None:  # noqa: ANN401 - as boto3
    """Without a name it needs a region, because addresses belong to one."""
    app = cdk_out(tmp_path, Shop=REGION, Blog="eu-west-1")

    with pytest.raises(ValueError, match="must be in one region, got: eu-west-1, us-east-1; write --region"):
        find_subject(aws, "", app)


def test_nothing_is_there(aws: Any) -> None:  # noqa: ANN401 - as boto3
    """An empty region is named, with the account."""
    aws.answers |= {"DescribeStacks": {"Stacks": []}, "ListClusters": {"clusterArns": []}}
    aws.answers["DescribeNatGateways"] = {"NatGateways": []}

    with pytest.raises(ValueError, match="region us-east-1 of the account 111122223333 has no VPC with egress"):
        find_subject(aws, "")


def test_a_service_that_is_gone(aws: Any) -> None:  # noqa: ANN401 - as boto3
    """CloudFormation still has it, but ECS does not."""
    aws.answers["DescribeServices"] = {"services": []}

    with pytest.raises(ValueError, match="Shop/Web must be a service of ECS, got none in us-east-1"):
        find_subject(aws, "Shop/Web")
