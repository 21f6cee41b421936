"""The whole way in one construct."""

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk.assertions import Match, Template

from fargate_constructs import FargateWebService, FixedEgressNetwork, Health, LogArchive, Scaling


def test_an_image_is_all_it_needs(stack: Stack, image: ecs.ContainerImage) -> None:
    """One argument makes the network, the endpoint, the service and the archive, and wires them."""
    shop = FargateWebService(stack, "Shop", image=image)

    template = Template.from_stack(stack)
    for type_, count in {
        "AWS::EC2::NatGateway": 2,
        "AWS::ElasticLoadBalancingV2::LoadBalancer": 1,
        "AWS::ElasticLoadBalancingV2::ListenerRule": 1,
        "AWS::ECS::Service": 1,
        "AWS::Logs::SubscriptionFilter": 1,
    }.items():
        template.resource_count_is(type_, count)
    assert shop.service.name == "shop"
    assert len(shop.network.egress_ips) == 2


def test_what_is_given_reaches_its_part(stack: Stack, image: ecs.ContainerImage) -> None:
    """Arguments go to the part they belong to."""
    FargateWebService(
        stack,
        "Shop",
        image=image,
        port=8080,
        cpu=512,
        memory_limit_mib=1024,
        environment={"STAGE": "prod"},
        scaling=Scaling(min=4, max=8),
        health=Health(path="/healthz"),
    )

    template = Template.from_stack(stack)
    template.has_resource_properties(
        "AWS::ECS::TaskDefinition",
        {
            "Cpu": "512",
            "Memory": "1024",
            "ContainerDefinitions": [
                Match.object_like(
                    {
                        "Environment": [{"Name": "STAGE", "Value": "prod"}],
                        "PortMappings": [Match.object_like({"ContainerPort": 8080})],
                    }
                )
            ],
        },
    )
    template.has_resource_properties("AWS::ApplicationAutoScaling::ScalableTarget", {"MinCapacity": 4})
    template.has_resource_properties("AWS::ElasticLoadBalancingV2::TargetGroup", {"HealthCheckPath": "/healthz"})


def test_two_share_a_network_and_an_archive_across_stacks(image: ecs.ContainerImage) -> None:
    """What is made once serves many stacks, and no stack depends on one that uses it."""
    app = App()
    base = Stack(app, "Base")
    network = FixedEgressNetwork(base, "Network")
    archive = LogArchive(base, "LogArchive")
    stacks = [Stack(app, name) for name in ("Shop", "Blog")]

    for stack in stacks:
        FargateWebService(stack, stack.stack_name, image=image, network=network, archive=archive)

    app.synth()
    assert base.dependencies == []
    assert all(stack.dependencies == [base] for stack in stacks)


def test_a_refusal_leaves_nothing_behind(stack: Stack, image: ecs.ContainerImage) -> None:
    """Corrected, the same line works."""
    with pytest.raises(ValueError, match="got: cpu=300"):
        FargateWebService(stack, "Shop", image=image, cpu=300)

    FargateWebService(stack, "Shop", image=image, cpu=512, memory_limit_mib=1024)
