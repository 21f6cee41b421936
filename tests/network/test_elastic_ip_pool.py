"""The Elastic IPs that outlive the stack."""

import re
from collections.abc import Mapping
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk.assertions import Template

from fargate_constructs.network import ElasticIpPool


def elastic_ips_of(stack: Stack) -> Mapping[str, Mapping[str, Any]]:
    """Return the template's Elastic IPs by logical ID."""
    return Template.from_stack(stack).find_resources("AWS::EC2::EIP")


def test_addresses_are_retained(stack: Stack) -> None:
    """Neither deleting the stack nor replacing an address releases it."""
    ElasticIpPool(stack, "Pool", size=3)

    policies = [(ip["DeletionPolicy"], ip["UpdateReplacePolicy"]) for ip in elastic_ips_of(stack).values()]

    assert policies == [("Retain", "Retain")] * 3


def test_growing_the_pool_keeps_its_addresses() -> None:
    """A pool of three holds the two addresses of a pool of two under the same logical IDs."""
    two, three = Stack(App(), "Test"), Stack(App(), "Test")
    ElasticIpPool(two, "Pool", size=2)
    ElasticIpPool(three, "Pool", size=3)

    assert elastic_ips_of(two).items() <= elastic_ips_of(three).items()


def test_addresses_are_named_by_their_place(stack: Stack) -> None:
    """The console shows which construct an address belongs to."""
    ElasticIpPool(stack, "Pool", size=1)

    Template.from_stack(stack).has_resource_properties(
        "AWS::EC2::EIP",
        {"Domain": "vpc", "Tags": [{"Key": "Name", "Value": "Test/Pool/1"}]},
    )


def test_an_empty_pool_is_refused(stack: Stack) -> None:
    """A pool without addresses is a mistake, and leaves nothing half built in the tree."""
    with pytest.raises(ValueError, match=re.escape("size must be at least 1 address, got: 0")):
        ElasticIpPool(stack, "Pool", size=0)

    assert stack.node.try_find_child("Pool") is None
