"""The whole way in one construct: endpoint, service, network and archive.

```
caller ──> HttpEndpoint ──> FargateService ──> FixedEgressNetwork ──> the world
                                  │ stdout
                                  v
                              LogArchive
```
"""

from typing import TYPE_CHECKING, TypeVar, Unpack, cast

from constructs import Construct

from fargate_constructs._core.argument_hints import needs, refuse_attribute
from fargate_constructs._core.arguments import checked
from fargate_constructs.endpoint.endpoint_arguments import EndpointArguments
from fargate_constructs.endpoint.http_endpoint import HttpEndpoint
from fargate_constructs.logs.log_archive import LogArchive
from fargate_constructs.network.fixed_egress_network import FixedEgressNetwork
from fargate_constructs.network.network import Network
from fargate_constructs.service.fargate_service import FargateService, ServiceArguments
from fargate_constructs.service.service_connect_links import name_of

Part = TypeVar("Part", ServiceArguments, EndpointArguments)


class WebServiceArguments(ServiceArguments, EndpointArguments, total=False):
    """The arguments of `FargateWebService`'s service and endpoint; documented there."""

    network: Network | None  # type: ignore[misc]  # without one it makes one, as its parts cannot


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
        archive: Where to keep the logs, the load balancer's too where it can write there. By default one is made.
        arguments: What runs: `image`, and the other arguments of `FargateService`, from `port` and `cpu` to
            `deployment`. And how callers reach it: those of `HttpEndpoint`, from `domain_name` and `hosted_zone` to
            `static_ips`; without any, plain HTTP at the load balancer's own name, and synthesis warns.
            Without `network`, or with `None`, one is made, with a NAT gateway in each of two zones.

    Raises:
        TypeError: If an argument has another type than its annotation.
        ValueError: As `FargateService` and `HttpEndpoint` do.
    """

    if not TYPE_CHECKING:  # for type checkers no name would be wrong
        __getattr__ = refuse_attribute

    @checked
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        archive: LogArchive | None = None,
        **arguments: Unpack[WebServiceArguments],
    ) -> None:
        if "image" not in arguments:  # before the parts that come first are made
            raise TypeError(needs("FargateWebService", "image"))
        super().__init__(scope, id)
        try:
            self.archive = archive or LogArchive(self, "LogArchive")
            self.network = arguments.get("network") or FixedEgressNetwork(self, "Network")
            arguments = {**arguments, "network": self.network, "name": arguments.get("name") or name_of(id)}
            if not arguments.get("access_log_expiration"):  # that is of a bucket of the endpoint's own
                bucket = arguments.get("access_log_bucket") or self.archive.access_log_bucket
                arguments = {**arguments, "access_log_bucket": bucket}
            self.endpoint = HttpEndpoint(self, "Endpoint", **_those_of(EndpointArguments, arguments))
            self.service = FargateService(self, "Service", **_those_of(ServiceArguments, arguments))

            self.archive.add_log_group(self.service.log_group)
            self.endpoint.add_route("Default", service=self.service)
        except (TypeError, ValueError):
            # The parts refuse their own arguments; a refusal leaves the tree as it was.
            scope.node.try_remove_child(id)
            raise


def _those_of(part: type[Part], arguments: WebServiceArguments) -> Part:
    """Return the arguments that belong to a part."""
    return cast("Part", {name: value for name, value in arguments.items() if name in part.__annotations__})
