"""Queue workers by CDK's own aws_ecs_patterns, with as few tasks as it can scale to.

```
queue ──> [QueueProcessingFargateService] * n ──> NAT gateways ──> internet
```

One task always runs: its default steps start another at 100 messages, and stop one when no message is visible, so that
with a minimum of 0 fewer messages would start none, and the task at work on the last one would be stopped.
"""

from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_ecs_patterns as ecs_patterns
from constructs import Construct

from benchmarks.apps import synthesize


class Services(Stack):
    """As many workers as *services*."""

    def __init__(self, scope: Construct, construct_id: str, services: int) -> None:
        super().__init__(scope, construct_id)
        cluster = ecs.Cluster(self, "Cluster", vpc=ec2.Vpc(self, "Vpc", max_azs=2))
        for number in range(services):
            ecs_patterns.QueueProcessingFargateService(
                self,
                f"Service{number}",
                cluster=cluster,
                image=ecs.ContainerImage.from_registry("public.ecr.aws/nginx/nginx:stable"),
                min_healthy_percent=100,
                max_scaling_capacity=10,
            )


if __name__ == "__main__":
    synthesize(Services)
