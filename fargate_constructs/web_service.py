"""The whole way in one construct: endpoint, service, network and archive.

```
caller ──> HttpEndpoint ──> FargateService ──> FixedEgressNetwork ──> the world
                                  │ stdout
                                  v
                              LogArchive
```
"""

from collections.abc import Mapping

from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_route53 as route53
from constructs import Construct

from fargate_constructs.endpoint import HttpEndpoint
from fargate_constructs.logs import LogArchive
from fargate_constructs.network import FixedEgressNetwork, Network
from fargate_constructs.service import Deployment, FargateService, Health, Scaling
from fargate_constructs.service.links import name_of


class FargateWebService(Construct):
    """A web service on Fargate with everything around it.

    Callers reach it at one fixed endpoint, it reaches the world from fixed Elastic IPs, and its logs are kept in S3.
    The four parts are attributes; add routes, services and log groups to them.

    ```python
    shop = FargateWebService(stack, "Shop", image=ecs.ContainerImage.from_registry("nginx"))
    CfnOutput(stack, "Url", value=shop.endpoint.url)
    ```

    Args:
        scope: The construct that owns the web service.
        id: The construct's ID.
        image: The image of the main container.
        port: The TCP port on which it listens. By default 80.
        cpu: The task's CPU units, 1,024 being one vCPU. By default 256.
        memory_limit_mib: The task's memory in MiB. By default 512.
        cpu_architecture: `ecs.CpuArchitecture.X86_64` or `ARM64`. By default x86-64.
        environment: Plain configuration by name.
        secrets: Secrets by the name of the variable that gets each.
        scaling: Between how many tasks the service scales, and on what. By default 2 to 10, on CPU and requests.
        health: How it is told that a task can serve. By default `Health()`: `/` answers 2xx.
        deployment: How a new version takes over. By default `Deployment.rolling()`.
        domain_name: The name callers use. By default the load balancer's own, over plain HTTP, and synthesis warns.
        hosted_zone: The zone of *domain_name*, in which its certificate is validated and its record made.
        certificate: The certificate to serve. By default one is made for *domain_name*.
        network: Where to run. By default a network is made, with a NAT gateway in each of two zones.
        archive: Where to keep the logs. By default an archive is made.

    Raises:
        ValueError: As `FargateService` and `HttpEndpoint` do.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        image: ecs.ContainerImage,
        port: int = 80,
        cpu: int = 256,
        memory_limit_mib: int = 512,
        cpu_architecture: ecs.CpuArchitecture | None = None,
        environment: Mapping[str, str] | None = None,
        secrets: Mapping[str, ecs.Secret] | None = None,
        scaling: Scaling | None = None,
        health: Health | None = None,
        deployment: Deployment | None = None,
        domain_name: str | None = None,
        hosted_zone: route53.IHostedZone | None = None,
        certificate: acm.ICertificate | None = None,
        network: Network | None = None,
        archive: LogArchive | None = None,
    ) -> None:
        super().__init__(scope, id)
        try:
            self.network = network or FixedEgressNetwork(self, "Network")
            self.endpoint = HttpEndpoint(
                self,
                "Endpoint",
                network=self.network,
                certificate=certificate,
                domain_name=domain_name,
                hosted_zone=hosted_zone,
            )
            self.service = FargateService(
                self,
                "Service",
                network=self.network,
                image=image,
                port=port,
                cpu=cpu,
                memory_limit_mib=memory_limit_mib,
                cpu_architecture=cpu_architecture,
                environment=environment,
                secrets=secrets,
                scaling=scaling,
                health=health,
                deployment=deployment,
                name=name_of(id),
            )
            self.archive = archive or LogArchive(self, "LogArchive")

            self.endpoint.add_route("Default", service=self.service)
            self.archive.add_log_group(self.service.log_group)
        except (TypeError, ValueError):
            # The parts refuse their own arguments; a refusal leaves the tree as it was.
            scope.node.try_remove_child(id)
            raise
