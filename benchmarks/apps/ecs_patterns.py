"""Services by CDK's own aws_ecs_patterns: one VPC and one cluster, a load balancer for each service.

```
caller ──> [load balancer ──> service] * n ──> NAT gateways ──> internet
                               │ stdout
                               v
                           log group ──> Lambda ──> S3
```
"""

from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_ecs_patterns as ecs_patterns
from aws_cdk import aws_logs as logs
from constructs import Construct

from benchmarks.apps import synthesize
from benchmarks.apps.plain_shipper import PlainShipper


class Services(Stack):
    """As many services as *services*."""

    def __init__(self, scope: Construct, construct_id: str, services: int) -> None:
        super().__init__(scope, construct_id)
        vpc = ec2.Vpc(self, "Vpc", max_azs=2)
        self.cluster = ecs.Cluster(self, "Cluster", vpc=vpc)
        self.image = ecs.ContainerImage.from_registry("public.ecr.aws/nginx/nginx:stable")
        self.shipper = PlainShipper(self, "Shipper")
        for number in range(services):
            self.add_service(f"Service{number}")

    def add_service(self, name: str) -> None:
        """Add a service."""
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
        self.shipper.add_log_group(log_group)


if __name__ == "__main__":
    synthesize(Services)
