"""Lists what a proof has left: resources of its stack that exist, and those with its tag or its name.

The index of tags may name deleted resources for minutes, and it does not have all types. So what costs money, and what
may stay after the deletion of a stack, is asked of its own service.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from fargate_constructs.cli.aws import aws_errors, one_line, paged
from fargate_constructs.cli.prove.outcomes import DisprovedError, Waiting
from fargate_constructs.cli.prove.proof_state import TAG
from fargate_constructs.cli.prove.stack_operations import StackOperations

SETTLE_SECONDS = 3 * 60
# Types of EC2 that cost money or keep a VPC, with the call that lists them and the key of the ID.
EC2_TYPES = {
    "Elastic IP": ("describe_addresses", "Addresses", "AllocationId"),
    "NAT gateway": ("describe_nat_gateways", "NatGateways", "NatGatewayId"),
    "VPC": ("describe_vpcs", "Vpcs", "VpcId"),
}
# These services are asked themselves, and they show deleted resources for some time.
ASKED = ("ec2", "ecs", "logs", "s3", "cloudformation")


class Leftover(NamedTuple):
    """A resource that a proof has left."""

    type: str
    id: str
    found_by: str


class Leftovers(NamedTuple):
    """What a proof has left."""

    found: list[Leftover]
    not_shown: list[str]
    """What AWS did not answer, and why."""


def find_leftovers(operations: StackOperations, waiting: Waiting) -> Leftovers:
    """Return what the proof has left. AWS has some minutes to delete it."""
    answers = []

    def ask() -> Leftovers | None:
        answers.append(_ask(operations))
        return None if answers[-1].found else answers[-1]

    try:
        return waiting.until(ask, limit=SETTLE_SECONDS, every=20, missing="resources are left")
    except DisprovedError:
        return answers[-1]


def _ask(operations: StackOperations) -> Leftovers:
    """Ask each service once."""
    found: dict[str, Leftover] = {}
    not_shown = []
    for name, ask in QUESTIONS.items():
        try:
            for each in ask(operations):
                found.setdefault(each.id, each)
        except aws_errors() as error:
            not_shown.append(f"{name}: {one_line(error)}")
    return Leftovers(list(found.values()), not_shown)


def _of_stack(operations: StackOperations) -> Iterator[Leftover]:
    """Yield resources of the stack that exist, such as those with the deletion policy Retain."""
    for each in operations.not_deleted():
        yield Leftover(each["ResourceType"], each["PhysicalResourceId"], f"stack: {each['ResourceStatus']}")


def _of_ec2(operations: StackOperations) -> Iterator[Leftover]:
    client, state = operations.client("ec2"), operations.state
    tagged = [{"Name": f"tag:{TAG}", "Values": [state.id]}]
    for type_, (operation, key, id_) in EC2_TYPES.items():
        name = "Filter" if type_ == "NAT gateway" else "Filters"
        for each in paged(client, operation, key, **{name: tagged}):
            if each.get("State") not in ("deleted", "deleting"):
                yield Leftover(type_, each[id_], "tag")
    # Those of AWS's own services do not have the tags of the stack.
    in_vpc = [{"Name": "vpc-id", "Values": [state.vpc]}]
    for each in paged(client, "describe_network_interfaces", "NetworkInterfaces", Filters=in_vpc) if state.vpc else ():
        yield Leftover("network interface", each["NetworkInterfaceId"], "VPC")


def _of_logs(operations: StackOperations) -> Iterator[Leftover]:
    """Yield log groups, also those that a service of AWS made again."""
    for name in operations.log_groups():
        yield Leftover("log group", name, "name")


def _of_s3(operations: StackOperations) -> Iterator[Leftover]:
    state = operations.state
    # Names of buckets have small letters only.
    prefix = state.stack_name.lower()
    for each in paged(operations.client("s3"), "list_buckets", "Buckets", Prefix=prefix):
        if each["Name"].startswith(prefix):
            yield Leftover("bucket", each["Name"], "name")


def _of_ecs(operations: StackOperations) -> Iterator[Leftover]:
    """Yield clusters, and families with active task definitions, with the name of the stack."""
    client, name = operations.client("ecs"), operations.state.stack_name
    for arn in paged(client, "list_clusters", "clusterArns"):
        if f":cluster/{name}" in arn:
            yield Leftover("cluster", arn, "name")
    for family in paged(client, "list_task_definition_families", "families", familyPrefix=name, status="ACTIVE"):
        yield Leftover("task definition", family, "name")


def _by_tag(operations: StackOperations) -> Iterator[Leftover]:
    """Yield other resources that the index of tags names."""
    client, state = operations.client("resourcegroupstaggingapi"), operations.state
    tags = [{"Key": TAG, "Values": [state.id]}]
    for each in paged(client, "get_resources", "ResourceTagMappingList", TagFilters=tags):
        arn = each["ResourceARN"]
        service = arn.split(":")[2]
        if service not in ASKED:
            yield Leftover(service, arn, "index of tags; it may be deleted already")


QUESTIONS: Mapping[str, Any] = {
    "CloudFormation": _of_stack,
    "EC2": _of_ec2,
    "CloudWatch Logs": _of_logs,
    "S3": _of_s3,
    "ECS": _of_ecs,
    "tags": _by_tag,
}
