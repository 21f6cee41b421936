"""The whole way in one construct: endpoint, service, network and archive.

```
caller ──> HttpEndpoint ──> FargateService ──> FixedEgressNetwork ──> the world
                                  │ stdout
                                  v
                              LogArchive
```
"""

from typing import Unpack

from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_route53 as route53
from constructs import Construct

from fargate_constructs.arguments import checked
from fargate_constructs.endpoint import HttpEndpoint
from fargate_constructs.logs import LogArchive
from fargate_constructs.network import FixedEgressNetwork
from fargate_constructs.service import FargateService
from fargate_constructs.service.fargate_service import ServiceArguments
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
        domain_name: The name callers use. By default the load balancer's own, over plain HTTP, and synthesis warns.
        hosted_zone: The zone of *domain_name*, in which its certificate is validated and its record made.
        certificate: The certificate to serve. By default one is made for *domain_name*.
        archive: Where to keep the logs. By default an archive is made.
        service: What runs: `image`, and the other arguments of `FargateService`, from `port` and `cpu` to `deployment`.
            Without `network` one is made, with a NAT gateway in each of two zones.

    Raises:
        ValueError: As `FargateService` and `HttpEndpoint` do.
    """

    @checked
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        domain_name: str | None = None,
        hosted_zone: route53.IHostedZone | None = None,
        certificate: acm.ICertificate | None = None,
        archive: LogArchive | None = None,
        **service: Unpack[ServiceArguments],
    ) -> None:
        super().__init__(scope, id)
        try:
            self.network = service.get("network") or FixedEgressNetwork(self, "Network")
            self.endpoint = HttpEndpoint(
                self,
                "Endpoint",
                network=self.network,
                certificate=certificate,
                domain_name=domain_name,
                hosted_zone=hosted_zone,
            )
            name = service.get("name") or name_of(id)
            self.service = FargateService(self, "Service", **service | {"network": self.network, "name": name})
            self.archive = archive or LogArchive(self, "LogArchive")

            self.endpoint.add_route("Default", service=self.service)
            self.archive.add_log_group(self.service.log_group)
        except (TypeError, ValueError):
            # The parts refuse their own arguments; a refusal leaves the tree as it was.
            scope.node.try_remove_child(id)
            raise
