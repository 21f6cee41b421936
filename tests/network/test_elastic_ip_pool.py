"""The Elastic IPs that outlive the stack."""

from collections.abc import Mapping
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk.assertions import Template

from fargate_constructs.network.elastic_ip_pool import ElasticIpPool


def elastic_ips_of(stack: Stack) -> Mapping[str, Mapping[str, Any]]:
    """Return the template's Elastic IPs by logical ID."""
    return Template.from_stack(stack).find_resources("AWS::EC2::EIP")


def test_addresses_are_retained(stack: Stack) -> None:
    """A deleted stack or a replacement does not release an address; a first deployment that fails does."""
    ElasticIpPool(stack, "Pool", zones=3)

    policies = [(ip["DeletionPolicy"], ip["UpdateReplacePolicy"]) for ip in elastic_ips_of(stack).values()]

    assert policies == [("RetainExceptOnCreate", "Retain")] * 3


def test_growing_the_pool_keeps_its_addresses() -> None:
    """A pool for three zones holds the two addresses of a pool for two under the same logical IDs."""
    two, three = Stack(App(), "Test"), Stack(App(), "Test")
    ElasticIpPool(two, "Pool", zones=2)
    ElasticIpPool(three, "Pool", zones=3, addresses_per_az=2)

    assert elastic_ips_of(two).items() <= elastic_ips_of(three).items()


def test_addresses_are_named_by_their_place(stack: Stack) -> None:
    """The console shows which construct an address belongs to."""
    ElasticIpPool(stack, "Pool")

    Template.from_stack(stack).has_resource_properties(
        "AWS::EC2::EIP",
        {"Domain": "vpc", "Tags": [{"Key": "Name", "Value": "Test/Pool/1"}]},
    )


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"zones": 0}, "zones must be 1 to 6, got: 0"),
        ({"zones": 7}, "zones must be 1 to 6, got: 7"),
        ({"addresses_per_az": 0}, "addresses_per_az must be at least 1, got: 0"),
    ],
)
def test_a_pool_that_cannot_be_is_refused(stack: Stack, sizes: dict[str, int], message: str) -> None:
    """Nothing is left in the tree."""
    with pytest.raises(ValueError, match=message):
        ElasticIpPool(stack, "Pool", **sizes)  # type: ignore[arg-type]  # one of the two sizes

    assert stack.node.try_find_child("Pool") is None
