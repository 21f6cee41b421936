"""Which VPC and which region things are in, as far as an app knows."""

from collections.abc import Mapping

import pytest
from aws_cdk import App, Environment, Fn, Stack
from aws_cdk import aws_ec2 as ec2

from fargate_constructs.environments import may_be_in_vpc, may_be_same_vpc, validate_region


def imported(stack: Stack, id: str, vpc_id: str, region: str | None = None) -> ec2.IVpc:  # noqa: A002 - as constructs
    """Return a VPC by its ID."""
    return ec2.Vpc.from_vpc_attributes(stack, id, vpc_id=vpc_id, availability_zones=["a"], region=region)


@pytest.fixture(scope="module")
def vpcs() -> Mapping[str, ec2.IVpc]:
    """Two VPCs that an app makes, and others that it has the ID of."""
    app = App()
    here, there = Stack(app, "Here"), Stack(app, "There", env=Environment(region="eu-west-1"))
    ours, other = ec2.Vpc(here, "Vpc"), ec2.Vpc(there, "Vpc")
    resource = ours.node.default_child
    assert isinstance(resource, ec2.CfnVPC)
    return {
        "ours": ours,
        "ours by its reference": imported(there, "Reference", resource.ref),
        "another of ours": other,
        "one": imported(here, "One", "vpc-0123456789abcdef1", region="us-east-1"),
        "one again": imported(there, "One", "vpc-0123456789abcdef1"),
        "another": imported(here, "Another", "vpc-0123456789abcdef2"),
        "not known": imported(here, "Export", Fn.import_value("vpc")),
        "not looked up": imported(here, "LookUp", "vpc-12345"),
    }


OURS, ONE, UNKNOWN = ("ours", "ours by its reference"), ("one", "one again"), ("not known", "not looked up")


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("ours", {*OURS, *UNKNOWN}),
        ("another of ours", {"another of ours", *UNKNOWN}),
        ("one", {*ONE, *UNKNOWN}),
        ("another", {"another", *UNKNOWN}),
    ],
)
def test_what_may_be_one_vpc(vpcs: Mapping[str, ec2.IVpc], name: str, same: set[str]) -> None:
    """One made in the app is no other; nor is an ID another; what the deployment tells may be any."""
    assert {other for other in vpcs if may_be_same_vpc(vpcs[name], vpcs[other])} == same
    assert {other for other in vpcs if may_be_same_vpc(vpcs[other], vpcs[name])} == same


def test_what_may_be_in_a_vpc(vpcs: Mapping[str, ec2.IVpc]) -> None:
    """A security group is of the VPC that it was made in; of an imported one nobody knows."""
    stack = Stack.of(vpcs["ours"])
    made = ec2.SecurityGroup(stack, "Group", vpc=vpcs["ours"])
    elsewhere = ec2.SecurityGroup.from_security_group_id(stack, "Imported", "sg-1")

    assert {other for other in vpcs if may_be_in_vpc(made, vpcs[other])} == {*OURS, *UNKNOWN}
    assert all(may_be_in_vpc(elsewhere, vpc) for vpc in vpcs.values())


def test_a_region_is_told_from_another(vpcs: Mapping[str, ec2.IVpc]) -> None:
    """Where both are known; a stack tied to none may be deployed anywhere."""
    here, there = Stack.of(vpcs["ours"]), Stack.of(vpcs["another of ours"])

    for vpc in vpcs.values():
        validate_region(here, "Web", vpc)
    validate_region(there, "Web", vpcs["another of ours"])
    with pytest.raises(
        ValueError,
        match="'Web' must be in the region of its network, us-east-1, got: eu-west-1, that of stack 'There'; make a",
    ):
        validate_region(there, "Web", vpcs["one"])
