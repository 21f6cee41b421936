"""Which tasks run on demand, and which on Spot."""

import pytest
from aws_cdk import Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk.assertions import Template

from fargate_constructs import Capacity, FargateService
from fargate_constructs.network.network import Network
from tests.templates import properties, properties_of


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
    stack: Stack,
    network: Network,
    image: ecs.ContainerImage,
    capacity: Capacity | None,
    shares: dict[str, tuple[int | None, int]],
) -> None:
    """A change from a launch type to a strategy would replace the service."""
    FargateService(stack, "Web", network=network, image=image, capacity=capacity)

    template = Template.from_stack(stack)
    (service,) = properties(template, "AWS::ECS::Service")
    assert "LaunchType" not in service
    strategy = service["CapacityProviderStrategy"]
    assert {each["CapacityProvider"]: (each.get("Base"), each["Weight"]) for each in strategy} == shares
    template.has_resource_properties("AWS::ECS::Cluster", {"CapacityProviders": ["FARGATE", "FARGATE_SPOT"]})


def test_another_cluster_may_have_no_capacity_providers(
    stack: Stack, network: Network, image: ecs.ContainerImage
) -> None:
    """There a service has a launch type by default."""
    cluster = ecs.Cluster(stack, "Shared", vpc=network.vpc, enable_fargate_capacity_providers=True)
    web = FargateService(stack, "Web", network=network, image=image, cluster=cluster)
    api = FargateService(stack, "Api", network=network, image=image, cluster=cluster, capacity=Capacity.spot())

    template = Template.from_stack(stack)
    plain, spot = (properties_of(template, each.service.node.find_child("Service")) for each in (web, api))
    assert (plain["LaunchType"], "CapacityProviderStrategy" in plain) == ("FARGATE", False)
    assert ("LaunchType" in spot, "CapacityProviderStrategy" in spot) == (False, True)
