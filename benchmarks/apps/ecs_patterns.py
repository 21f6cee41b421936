"""Services by CDK's own aws_ecs_patterns: one VPC and one cluster, a load balancer for each service.

```
caller ──> [load balancer ──> service] * n ──> NAT gateways ──> the world
                               │ stdout
                               v
                           log group ──> Lambda ──> S3
```
"""

from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_ecs_patterns as ecs_patterns
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_logs_destinations as logs_destinations
from aws_cdk import aws_s3 as s3
from constructs import Construct

from benchmarks.apps import synthesize


class Services(Stack):
    """So many services."""

    def __init__(self, scope: Construct, construct_id: str, services: int) -> None:
        super().__init__(scope, construct_id)
        vpc = ec2.Vpc(self, "Vpc", max_azs=2)
        self.cluster = ecs.Cluster(self, "Cluster", vpc=vpc)
        self.image = ecs.ContainerImage.from_registry("public.ecr.aws/nginx/nginx:stable")
        bucket = s3.Bucket(self, "Logs")
        self.shipper = lambda_.Function(
            self,
            "Shipper",
            runtime=lambda_.Runtime.PYTHON_3_13,
            handler="index.handler",
            code=lambda_.Code.from_inline("def handler(event, context): ..."),
        )
        bucket.grant_put(self.shipper)
        for number in range(services):
            self.add_service(f"Service{number}")

    def add_service(self, name: str) -> None:
        """Add one."""
        log_group = logs.LogGroup(self, f"{name}Logs", retention=logs.RetentionDays.ONE_MONTH)
        pattern = ecs_patterns.ApplicationLoadBalancedFargateService(
            self,
            name,
            cluster=self.cluster,
            task_image_options=ecs_patterns.ApplicationLoadBalancedTaskImageOptions(
                image=self.image,
                log_driver=ecs.LogDrivers.aws_logs(stream_prefix=name, log_group=log_group),
            ),
            min_healthy_percent=100,
        )
        scaling = pattern.service.auto_scale_task_count(min_capacity=2, max_capacity=10)
        scaling.scale_on_cpu_utilization("Cpu", target_utilization_percent=60)
        scaling.scale_on_request_count("Requests", requests_per_target=1000, target_group=pattern.target_group)
        log_group.add_subscription_filter(
            "Shipper",
            destination=logs_destinations.LambdaDestination(self.shipper),
            filter_pattern=logs.FilterPattern.all_events(),
        )


if __name__ == "__main__":
    synthesize(Services)
