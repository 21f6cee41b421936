"""Services of ours with the features of aws_ecs_patterns: one network, one endpoint, the same plain shipper.

```
caller ──> HttpEndpoint ──> [FargateService] * n ──> FixedEgressNetwork ──> internet
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
    """A construct that ships log groups."""

    def add_log_group(self, log_group: logs.ILogGroup) -> object:
        """Ship a log group."""


class Services(Stack):
    """As many services as *services*."""

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
        """Make the shipper of all services."""
        return PlainShipper(self, construct_id)

    def add_service(self, name: str) -> None:
        """Add a service."""
        service = FargateService(self, name, network=self.network, cluster=self.cluster, image=self.image)
        self.endpoint.add_route(name, service=service, paths=[f"/{name}/*"])
        self.archive.add_log_group(service.log_group)


if __name__ == "__main__":
    synthesize(Services)
