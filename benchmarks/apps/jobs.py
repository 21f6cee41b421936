"""Scheduled jobs of ours, with a timeout, retries of failed runs, and an alarm.

```
schedule ──> [ScheduledTask] * n ──> FixedEgressNetwork ──> internet
```
"""

from aws_cdk import Duration, Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from benchmarks.apps import synthesize
from fargate_constructs import AuditedCluster, FixedEgressNetwork, ScheduledTask


class Services(Stack):
    """As many jobs as *services*."""

    def __init__(self, scope: Construct, construct_id: str, services: int) -> None:
        super().__init__(scope, construct_id)
        network = FixedEgressNetwork(self, "Network")
        cluster = AuditedCluster(self, "Cluster", vpc=network.vpc)
        for number in range(services):
            ScheduledTask(
                self,
                f"Service{number}",
                network=network,
                cluster=cluster,
                image=ecs.ContainerImage.from_registry("public.ecr.aws/nginx/nginx:stable"),
                schedule=scheduler.ScheduleExpression.rate(Duration.days(1)),
                timeout=Duration.hours(1),
                retries=2,
            )


if __name__ == "__main__":
    synthesize(Services)
