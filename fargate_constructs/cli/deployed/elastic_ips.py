"""Reads who owns each Elastic IP: its tags, its stack and construct path, its pool and its reverse DNS name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from fargate_constructs.cli.aws import noting, paged
from fargate_constructs.cli.deployed.deployed_networks import STACK_TAG, tags_of
from fargate_constructs.cli.deployed.deployed_resources import DeployedStack

if TYPE_CHECKING:
    from boto3 import Session

TYPE = "AWS::EC2::EIP"
LOGICAL_ID_TAG = "aws:cloudformation:logical-id"
AMAZON_POOL = "amazon"


class ElasticIp(NamedTuple):
    """An Elastic IP of the account."""

    address: str
    allocation_id: str
    name: str = ""
    """Its tag Name."""
    owner: str = ""
    """Its construct path; the stack and the logical ID if CDK wrote no path; empty if no stack has it."""
    stack: str = ""
    is_stack_gone: bool = False
    """Whether the stack that made it is deleted, or does not have it any more."""
    pool: str = AMAZON_POOL
    """The pool that it is from; `amazon`, or that of addresses that the company brought to AWS."""
    reverse_dns: str = ""
    is_used: bool = False
    """Whether something holds it."""


def read_elastic_ips(ec2: Any, stacks: Sequence[DeployedStack]) -> list[ElasticIp]:  # noqa: ANN401 - of boto3
    """Return the Elastic IPs of a region. The owner of one in a stack that was not read is its logical ID."""
    # CloudFormation's own ID is the address, alone or with the allocation ID.
    owners = {
        each.physical_id.partition("|")[0]: (stack.title, stack.name_of(each.logical_id))
        for stack in stacks
        for each in stack.of_type(TYPE)
    }
    found, read = [], {each.title for each in stacks}
    # A carrier IP of a Wavelength Zone is no public IPv4 address.
    for each in (each for each in ec2.describe_addresses()["Addresses"] if each.get("PublicIp")):
        tags = tags_of(each)
        by_tags = (tags.get(STACK_TAG, ""), f"{tags[STACK_TAG]}/{tags[LOGICAL_ID_TAG]}" if STACK_TAG in tags else "")
        stack, owner = owners.get(each["PublicIp"], by_tags)
        is_gone = stack in read and each["PublicIp"] not in owners
        found.append(
            ElasticIp(
                each["PublicIp"],
                each["AllocationId"],
                name=tags.get("Name", ""),
                owner=owner,
                stack=stack,
                is_stack_gone=is_gone,
                pool=each.get("PublicIpv4Pool", AMAZON_POOL),
                is_used=bool(each.get("AssociationId")),
            )
        )
    return found


def with_owners(
    session: Session, region: str, found: Sequence[ElasticIp], stacks: Sequence[DeployedStack], gaps: list[str]
) -> list[ElasticIp]:
    """Return Elastic IPs with their reverse DNS names, and with the construct paths of stacks that were not read.

    What cannot be read is noted in `gaps`.
    """
    ec2: Any = session.client("ec2", region_name=region)
    names: dict[str, str] = {}
    if found:
        with noting(gaps, "the reverse DNS names"):
            ids = [each.allocation_id for each in found]
            answers = paged(
                ec2, "describe_addresses_attribute", "Addresses", AllocationIds=ids, Attribute="domain-name"
            )
            names = {each["PublicIp"]: each.get("PtrRecord", "") for each in answers}
    others = {each.stack for each in found} - {"", *(each.title for each in stacks)}
    owners: dict[str, dict[str, str] | None] = {each: _owners(session, each, region, gaps) for each in sorted(others)}
    completed = []
    for each in found:
        owner, is_gone = each.owner, each.is_stack_gone
        if (known := owners.get(each.stack)) is not None:
            owner, is_gone = known.get(each.address, owner), each.address not in known
        name = names.get(each.address, "").rstrip(".")
        completed.append(each._replace(owner=owner, is_stack_gone=is_gone, reverse_dns=name))
    return completed


def _owners(session: Session, stack: str, region: str, gaps: list[str]) -> dict[str, str] | None:
    """Return the construct paths of a stack's Elastic IPs by address; `None` if the stack cannot be read."""
    with noting(gaps, f"the stack {stack}"):
        found = DeployedStack(session, stack, region)
        return {each.physical_id.partition("|")[0]: found.name_of(each.logical_id) for each in found.of_type(TYPE)}
    return None
