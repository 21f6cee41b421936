"""What parts know of each other in a stack that CDK makes an app for."""

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ecs as ecs

from fargate_constructs import Egress, FargateService, FixedEgressNetwork, HttpEndpoint
from fargate_constructs.testing import assert_fixed_egress


def test_a_stack_needs_no_app(image: ecs.ContainerImage) -> None:
    """Addresses are known, and two endpoints on one listener get different priorities, as in an app."""
    stack = Stack()
    egress = Egress.per_az(eip_allocation_ids=["eipalloc-0a1b2c3d4e5f60718", "eipalloc-1a1b2c3d4e5f60718"])
    network = FixedEgressNetwork(stack, "Network", egress=egress)
    web = FargateService(stack, "Web", network=network, image=image)
    api = FargateService(stack, "Api", network=network, image=image)
    endpoint = HttpEndpoint(stack, "Endpoint", network=network)
    same = HttpEndpoint.from_listener(stack, "Same", endpoint.listener)

    endpoint.add_route("Web", service=web, paths=["/shop/*"])
    with pytest.raises(ValueError, match="the same conditions"):
        same.add_route("Api", service=api, paths=["/shop/*"])
    assert_fixed_egress(stack)


@pytest.mark.parametrize("name", ["FargateConstructs", "fargate-constructs"])
def test_a_stack_may_have_any_name(image: ecs.ContainerImage, name: str) -> None:
    """What is kept below the app is in no stack's way."""
    app = App()
    network = FixedEgressNetwork(Stack(app, "Network"), "Network")
    FargateService(Stack(app, name), "Web", network=network, image=image)

    app.synth()
