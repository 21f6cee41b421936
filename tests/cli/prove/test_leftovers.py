"""What a proof has left, on recorded answers."""

from typing import Any

from fargate_constructs.cli.prove.leftovers import Leftover, find_leftovers
from fargate_constructs.cli.prove.proof_step import Proof
from tests.cli.prove.conftest import STACK, Sequence, stack
from tests.cli.recorded_aws import ACCOUNT, REGION, RecordedAws, stack_resource

CLUSTER = f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/{STACK}-Web"
ALARM = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{STACK}-Alarm"


def left(aws: RecordedAws) -> None:
    """Let each service have something of the proof, and something of others."""
    tagged = [{"ResourceARN": ALARM}, {"ResourceARN": f"arn:aws:ec2:{REGION}:{ACCOUNT}:natgateway/nat-0"}]
    answers: dict[str, Any] = {
        "DescribeStacks": stack("DELETE_COMPLETE"),
        "ListStackResources": {
            "StackResourceSummaries": [stack_resource("Ip", "AWS::EC2::EIP", "192.0.2.1", "DELETE_SKIPPED")]
        },
        "DescribeAddresses": {"Addresses": [{"AllocationId": "eipalloc-1"}]},
        "DescribeNatGateways": {
            "NatGateways": [
                {"NatGatewayId": "nat-1", "State": "available"},
                {"NatGatewayId": "nat-0", "State": "deleted"},
            ]
        },
        "DescribeNetworkInterfaces": {"NetworkInterfaces": [{"NetworkInterfaceId": "eni-1"}]},
        "DescribeVpcs": {"Vpcs": [{"VpcId": "vpc-1", "State": "available"}]},
        "DescribeLogGroups": lambda request: {"logGroups": [{"logGroupName": request["logGroupNamePrefix"] + "-x"}]},
        "ListBuckets": {"Buckets": [{"Name": f"{STACK.lower()}-logs"}, {"Name": "other"}]},
        "ListClusters": {"clusterArns": [CLUSTER, CLUSTER.replace(STACK, "other")]},
        "ListTaskDefinitionFamilies": {"families": [f"{STACK}-Web"]},
        "GetResources": {"ResourceTagMappingList": tagged},
    }
    aws.answers.update(answers)


def test_each_kind_is_found(proof: Proof, aws: RecordedAws) -> None:
    """Not what others have, and not a NAT gateway that is deleted, which EC2 shows for an hour."""
    left(aws)
    proof.operations.state.vpc = "vpc-1"

    found = find_leftovers(proof.operations, proof.waiting)

    assert found.found == [
        Leftover("AWS::EC2::EIP", "192.0.2.1", "stack: DELETE_SKIPPED"),
        Leftover("Elastic IP", "eipalloc-1", "tag"),
        Leftover("NAT gateway", "nat-1", "tag"),
        Leftover("VPC", "vpc-1", "tag"),
        Leftover("network interface", "eni-1", "VPC"),
        Leftover("log group", f"{STACK}-x", "name"),
        Leftover("log group", f"/aws/lambda/{STACK}-x", "name"),
        Leftover("log group", f"/aws/ecs/containerinsights/{STACK}-x", "name"),
        Leftover("bucket", f"{STACK.lower()}-logs", "name"),
        Leftover("cluster", CLUSTER, "name"),
        Leftover("task definition", f"{STACK}-Web", "name"),
        Leftover("cloudwatch", ALARM, "index of tags; it may be deleted already"),
    ]
    assert found.not_shown == []


def test_aws_has_some_minutes(proof: Proof, aws: RecordedAws) -> None:
    """What is gone then is not listed."""
    aws.answers["DescribeStacks"] = stack("DELETE_COMPLETE")
    one = {"Addresses": [{"AllocationId": "eipalloc-1"}]}
    aws.answers["DescribeAddresses"] = Sequence(one, one, {"Addresses": []})

    assert not any(find_leftovers(proof.operations, proof.waiting))


def test_without_permission_the_gap_is_listed(proof: Proof, aws: RecordedAws) -> None:
    """The other services are asked. Without a VPC, no network interface can be found."""
    aws.answers["GetResources"] = ("AccessDeniedException", "is not authorized")

    found = find_leftovers(proof.operations, proof.waiting)

    (gap,) = found.not_shown
    assert gap.startswith("tags: ")
    assert "is not authorized" in gap
    assert "DescribeNetworkInterfaces" not in [name for name, _ in aws.requests]
