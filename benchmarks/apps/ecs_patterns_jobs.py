"""Scheduled jobs by CDK's own aws_ecs_patterns, which has no timeout, no retries and no alarm for them.

```
rule ──> [ScheduledFargateTask] * n ──> NAT gateways ──> internet
```
"""

from aws_cdk import Duration, Stack
from aws_cdk import aws_applicationautoscaling as appscaling
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_ecs_patterns as ecs_patterns
from constructs import Construct

from benchmarks.apps import synthesize


class Services(Stack):
    """As many jobs as *services*."""

    def __init__(self, scope: Construct, construct_id: str, services: int) -> None:
        super().__init__(scope, construct_id)
        cluster = ecs.Cluster(self, "Cluster", vpc=ec2.Vpc(self, "Vpc", max_azs=2))
        for number in range(services):
            ecs_patterns.ScheduledFargateTask(
                self,
                f"Service{number}",
                cluster=cluster,
                schedule=appscaling.Schedule.rate(Duration.days(1)),
                scheduled_fargate_task_image_options=ecs_patterns.ScheduledFargateTaskImageOptions(
                    image=ecs.ContainerImage.from_registry("public.ecr.aws/nginx/nginx:stable")
                ),
            )


if __name__ == "__main__":
    synthesize(Services)
