"""A service behind a network load balancer, by our TcpEndpoint and by aws_ecs_patterns.

```
caller ──> network load balancer ──> service ──> NAT gateways ──> internet
```
"""

from collections.abc import Mapping
from typing import Any

from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_ecs_patterns as ecs_patterns
from constructs import Construct

from fargate_constructs import FargateService, FixedEgressNetwork, TcpEndpoint

IMAGE = ecs.ContainerImage.from_registry("public.ecr.aws/nginx/nginx:stable")


class Ours(Stack):
    """A mail server at fixed addresses."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        network = FixedEgressNetwork(self, "Network")
        service = FargateService(self, "Smtp", network=network, image=IMAGE, port=2525)
        TcpEndpoint(self, "Mail", network=network).add_listener("Smtp", port=25, service=service)


class Theirs(Stack):
    """The same without what the pattern has no arguments for."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        options = ecs_patterns.NetworkLoadBalancedTaskImageOptions(image=IMAGE, container_port=2525)
        pattern = ecs_patterns.NetworkLoadBalancedFargateService(
            self,
            "Smtp",
            vpc=ec2.Vpc(self, "Vpc", max_azs=2),
            task_image_options=options,
            listener_port=25,
            min_healthy_percent=100,
        )
        pattern.service.auto_scale_task_count(min_capacity=2, max_capacity=10).scale_on_cpu_utilization(
            "Cpu", target_utilization_percent=60
        )


def templates() -> dict[str, Mapping[str, Any]]:
    """Return the template of each."""
    app = App()
    stacks = {"ours": Ours(app, "Ours"), "ecs_patterns": Theirs(app, "Theirs")}
    assembly = app.synth()
    return {name: assembly.get_stack_by_name(stack.stack_name).template for name, stack in stacks.items()}
