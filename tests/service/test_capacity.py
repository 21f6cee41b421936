"""On which of Fargate's two capacities tasks run."""

from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk.assertions import Match, Template

from fargate_constructs import Capacity, FargateService
from fargate_constructs.network.network import Network


@pytest.mark.parametrize(
    ("capacity", "strategy"),
    [
        (None, [{"CapacityProvider": "FARGATE", "Base": 0, "Weight": 100}]),
        (
            Capacity.spot(),
            [
                {"CapacityProvider": "FARGATE", "Base": 2, "Weight": 0},
                {"CapacityProvider": "FARGATE_SPOT", "Weight": 100},
            ],
        ),
        (
            Capacity.spot(on_demand_base=1, on_demand_percent=25),
            [
                {"CapacityProvider": "FARGATE", "Base": 1, "Weight": 25},
                {"CapacityProvider": "FARGATE_SPOT", "Weight": 75},
            ],
        ),
    ],
    ids=["on demand", "spot", "mixed"],
)
def test_one_word_changes_the_capacity(
    stack: Stack,
    network: Network,
    image: ecs.ContainerImage,
    capacity: Capacity | None,
    strategy: list[dict[str, Any]],
) -> None:
    """Always as a strategy: going from a launch type to one would replace the service."""
    FargateService(stack, "Web", network=network, image=image, capacity=capacity)

    template = Template.from_stack(stack)
    template.has_resource_properties(
        "AWS::ECS::Service", {"CapacityProviderStrategy": strategy, "LaunchType": Match.absent()}
    )
    template.has_resource_properties("AWS::ECS::Cluster", {"CapacityProviders": ["FARGATE", "FARGATE_SPOT"]})


def test_another_cluster_may_have_no_capacity_providers(
    stack: Stack, network: Network, image: ecs.ContainerImage
) -> None:
    """There, tasks are launched the old way unless somebody says otherwise."""
    cluster = ecs.Cluster(stack, "Shared", vpc=network.vpc, enable_fargate_capacity_providers=True)

    FargateService(stack, "Web", network=network, image=image, cluster=cluster)
    FargateService(stack, "Api", network=network, image=image, cluster=cluster, capacity=Capacity.spot())

    template = Template.from_stack(stack)
    template.resource_properties_count_is(
        "AWS::ECS::Service", {"LaunchType": "FARGATE", "CapacityProviderStrategy": Match.absent()}, 1
    )
    template.resource_properties_count_is(
        "AWS::ECS::Service", {"LaunchType": Match.absent(), "CapacityProviderStrategy": Match.any_value()}, 1
    )
