"""Which tasks run on demand, and which on Spot."""

import pytest
from aws_cdk import aws_ecs as ecs

from fargate_constructs import Capacity
from tests.shared_stack import Part, Steps, in_shared_stack


@in_shared_stack
@pytest.mark.parametrize(
    ("capacity", "shares"),
    [
        (None, {"FARGATE": (0, 100)}),
        (Capacity.spot(), {"FARGATE": (2, 0), "FARGATE_SPOT": (None, 100)}),
        (Capacity.spot(on_demand_base=1, on_demand_percent=25), {"FARGATE": (1, 25), "FARGATE_SPOT": (None, 75)}),
    ],
    ids=["on demand", "spot", "mixed"],
)
def test_capacity_is_always_a_strategy(
    part: Part, capacity: Capacity | None, shares: dict[str, tuple[int | None, int]]
) -> Steps:
    """A change from a launch type to a strategy would replace the service."""
    web = part.service("Web", cluster=None, capacity=capacity)
    yield
    (service,) = part.properties("AWS::ECS::Service")
    assert "LaunchType" not in service
    strategy = service["CapacityProviderStrategy"]
    assert {each["CapacityProvider"]: (each.get("Base"), each["Weight"]) for each in strategy} == shares
    assert part.of(web.cluster)["CapacityProviders"] == ["FARGATE", "FARGATE_SPOT"]


@in_shared_stack
def test_another_cluster_may_have_no_capacity_providers(part: Part) -> Steps:
    """There a service has a launch type by default."""
    cluster = ecs.Cluster(part, "Shared", vpc=part.network.vpc, enable_fargate_capacity_providers=True)
    web = part.service("Web", cluster=cluster)
    api = part.service("Api", cluster=cluster, capacity=Capacity.spot())
    yield
    plain, spot = (part.of(each.service.node.find_child("Service")) for each in (web, api))
    assert (plain["LaunchType"], "CapacityProviderStrategy" in plain) == ("FARGATE", False)
    assert ("LaunchType" in spot, "CapacityProviderStrategy" in spot) == (False, True)
