"""Queue workers of ours, which have no task without messages.

```
queue ──> [QueueWorker] * n ──> FixedEgressNetwork ──> internet
```
"""

from aws_cdk import Duration, Stack
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from benchmarks.apps import synthesize
from fargate_constructs import AuditedCluster, FixedEgressNetwork, QueueWorker


class Services(Stack):
    """As many workers as *services*."""

    def __init__(self, scope: Construct, construct_id: str, services: int) -> None:
        super().__init__(scope, construct_id)
        network = FixedEgressNetwork(self, "Network")
        cluster = AuditedCluster(self, "Cluster", vpc=network.vpc)
        for number in range(services):
            QueueWorker(
                self,
                f"Service{number}",
                network=network,
                cluster=cluster,
                image=ecs.ContainerImage.from_registry("public.ecr.aws/nginx/nginx:stable"),
                message_duration=Duration.seconds(10),
                acceptable_wait=Duration.minutes(30),
            )


if __name__ == "__main__":
    synthesize(Services)
