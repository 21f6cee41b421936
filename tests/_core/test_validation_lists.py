"""Lists whose length is known at synth."""

import re
from collections.abc import Callable, Sequence

import pytest
from aws_cdk import App, CfnParameter, Fn, Stack
from aws_cdk import aws_ec2 as ec2

from fargate_constructs import Egress, FixedEgressNetwork
from fargate_constructs.endpoint.conditions import Conditions
from fargate_constructs.endpoint.ingress import Ingress
from fargate_constructs.endpoint.static_ips import validate_static_ips


def given() -> CfnParameter:
    """Return a parameter of the stack that is a list."""
    return CfnParameter(Stack(App(), "Test"), "Given", type="CommaDelimitedList")


def may_call(allow_cidrs: Sequence[str]) -> None:
    """Let address ranges call."""
    Ingress.of(Stack(App(), "Test"), allow_cidrs=allow_cidrs, allow_from=None, ports=[80], internal=False, families=[4])


def leave_from(egress_ips: Sequence[str] = (), egress_ipv6_cidrs: Sequence[str] = ()) -> None:
    """Leave an imported VPC from known addresses and ranges."""
    stack = Stack(App(), "Test")
    vpc = ec2.Vpc.from_vpc_attributes(
        stack, "Vpc", vpc_id="vpc-1", availability_zones=["a"], private_subnet_ids=["subnet-1"]
    )
    FixedEgressNetwork.from_vpc(stack, "Network", vpc, egress_ips=egress_ips, egress_ipv6_cidrs=egress_ipv6_cidrs)


def has_static_ips(allocation_ids: Sequence[str]) -> None:
    """Give an endpoint in one zone these addresses."""
    subnet = ec2.Subnet.from_subnet_id(Stack(), "Subnet", "subnet-1")
    validate_static_ips(allocation_ids, subnets=[subnet], internal=False)


@pytest.mark.parametrize(
    ("name", "use"),
    [
        ("eip_allocation_ids", lambda values: Egress.per_az(eip_allocation_ids=values)),
        ("egress_ips", leave_from),
        ("egress_ipv6_cidrs", lambda values: leave_from(egress_ipv6_cidrs=values)),
        ("allow_cidrs", may_call),
        ("static_ips", has_static_ips),
        *((name, lambda values, name=name: Conditions(**{name: values}).validate()) for name in ("hosts", "paths")),
        ("methods", lambda values: Conditions(methods=values).validate()),
        ("source_ips", lambda values: Conditions(source_ips=values).validate()),
        ("headers", lambda values: Conditions(headers={"X-Tenant": values}).validate()),
        ("query", lambda values: Conditions(query={"tenant": values}).validate()),
    ],
)
def test_a_list_that_only_the_deployment_knows_is_refused(name: str, use: Callable[[Sequence[str]], object]) -> None:
    """Whichever it is, and as it is or with more; what it says to write passes."""
    tokens = given().value_as_list

    for values in (tokens, ["x", *tokens]):
        with pytest.raises(ValueError, match=re.escape(f"{name} must be a list of known length, got a token: write [")):
            use(values)
    use([Fn.select(0, tokens)])
