"""Services of ours: one network, one endpoint, one archive for all.

```
caller ──> HttpEndpoint ──> [FargateService] * n ──> FixedEgressNetwork ──> the world
                                  │ stdout
                                  v
                              LogArchive
```
"""

from aws_cdk import Stack
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from benchmarks.apps import synthesize
from benchmarks.apps.plain_shipper import PlainShipper
from fargate_constructs import AuditedCluster, FargateService, FixedEgressNetwork, HttpEndpoint, LogArchive


class Services(Stack):
    """So many services."""

    make_archive: type[LogArchive | PlainShipper] = LogArchive

    def __init__(self, scope: Construct, construct_id: str, services: int) -> None:
        super().__init__(scope, construct_id)
        self.network = FixedEgressNetwork(self, "Network")
        self.endpoint = HttpEndpoint(self, "Endpoint", network=self.network)
        self.archive = self.make_archive(self, "LogArchive")
        self.cluster = AuditedCluster(self, "Cluster", vpc=self.network.vpc)
        self.image = ecs.ContainerImage.from_registry("public.ecr.aws/nginx/nginx:stable")
        for number in range(services):
            self.add_service(f"Service{number}")

    def add_service(self, name: str) -> None:
        """Add one."""
        service = FargateService(self, name, network=self.network, cluster=self.cluster, image=self.image)
        self.endpoint.add_route(name, service=service, paths=[f"/{name}/*"])
        self.archive.add_log_group(service.log_group)


if __name__ == "__main__":
    synthesize(Services)
