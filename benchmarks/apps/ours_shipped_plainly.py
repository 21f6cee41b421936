"""Services of ours with just what those of aws_ecs_patterns have: one network, one endpoint, the same plain shipper.

```
caller ──> HttpEndpoint ──> [FargateService] * n ──> FixedEgressNetwork ──> the world
                                  │ stdout
                                  v
                              log group ──> Lambda ──> S3
```
"""

from typing import Protocol

from aws_cdk import Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from constructs import Construct

from benchmarks.apps import synthesize
from benchmarks.apps.plain_shipper import PlainShipper
from fargate_constructs import AuditedCluster, FargateService, FixedEgressNetwork, HttpEndpoint


class Archive(Protocol):
    """What takes the lines."""

    def add_log_group(self, log_group: logs.ILogGroup) -> object:
        """Take a log group's."""


class Services(Stack):
    """So many services."""

    def __init__(self, scope: Construct, construct_id: str, services: int) -> None:
        super().__init__(scope, construct_id)
        self.network = FixedEgressNetwork(self, "Network")
        self.endpoint = HttpEndpoint(self, "Endpoint", network=self.network)
        self.archive = self.make_archive("LogArchive")
        self.cluster = AuditedCluster(self, "Cluster", vpc=self.network.vpc)
        self.image = ecs.ContainerImage.from_registry("public.ecr.aws/nginx/nginx:stable")
        for number in range(services):
            self.add_service(f"Service{number}")

    def make_archive(self, construct_id: str) -> Archive:
        """Make what takes the lines of all."""
        return PlainShipper(self, construct_id)

    def add_service(self, name: str) -> None:
        """Add one."""
        service = FargateService(self, name, network=self.network, cluster=self.cluster, image=self.image)
        self.endpoint.add_route(name, service=service, paths=[f"/{name}/*"])
        self.archive.add_log_group(service.log_group)


if __name__ == "__main__":
    synthesize(Services)
