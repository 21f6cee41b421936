"""The Elastic IPs that outlive the stack."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk.assertions import Template

from fargate_constructs.network.elastic_ip_pool import ElasticIpPool


@cache
def elastic_ips_of(**sizes: int) -> Mapping[str, Mapping[str, Any]]:
    """Return the Elastic IPs of a stack that holds nothing but a pool, by logical ID."""
    stack = Stack(App(), "Test")
    ElasticIpPool(stack, "Pool", **sizes)  # type: ignore[arg-type]  # no other arguments
    return Template.from_stack(stack).find_resources("AWS::EC2::EIP")


def test_addresses_are_retained_and_named() -> None:
    """A deleted stack or a replacement does not release an address; a first deployment that fails does.

    The console shows which construct an address belongs to.
    """
    assert [*elastic_ips_of(zones=2).values()] == [
        {
            "Type": "AWS::EC2::EIP",
            "Properties": {"Domain": "vpc", "Tags": [{"Key": "Name", "Value": f"Test/Pool/{number}"}]},
            "DeletionPolicy": "RetainExceptOnCreate",
            "UpdateReplacePolicy": "Retain",
        }
        for number in (1, 2)
    ]


def test_growing_the_pool_keeps_its_addresses() -> None:
    """A pool for three zones holds the two addresses of a pool for two under the same logical IDs."""
    six = elastic_ips_of(zones=3, addresses_per_az=2)

    assert elastic_ips_of(zones=2).items() <= six.items()
    assert len(six) == 6


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
