"""What a service needs a route for, checked when all routes, listeners and links are known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fargate_constructs.service.fargate_service import FargateService


def shifted_requests(service: FargateService) -> Iterator[str]:
    """Refuse a deployment that shifts requests if the service gets none."""
    deployment, path = service.deployment, service.node.path
    gets_requests = service._own_target_groups() or (service.port is not None and service._links.has_joined)
    if not service.target_groups and deployment.test_header:
        yield f"test_header needs a route for the requests that carry it, and {path} has none"
    elif deployment.percent and not gets_requests:
        strategy = deployment.strategy.value.lower()
        yield f"{strategy} deployments shift requests, and {path} gets none: add a route or a link"


def flows(service: FargateService) -> Iterator[str]:
    """Refuse to scale on flows if the service gets none."""
    if not service.network_target_groups:
        yield f"flows_per_target needs a listener of a TcpEndpoint, and {service.node.path} has none: add one"


def options_of_ports(service: FargateService) -> Iterator[str]:
    """Refuse options of target groups that a service without a route does not have, or of ports that it has not."""
    options, path = service._options, service.node.path
    ports = [*service._ports.main, *service._ports.of_sidecars()]
    named = ", ".join(map(repr, filter(None, ports))) or "none"
    only = "; its only port has no name, so write one value for it" if ports == [""] else ""
    for name, argument in options.named.items():
        if name not in ports:
            yield f"{argument} must name ports of {path} ({named}), got: {name!r}{only}"
    if options.all_load_balancing and not service.target_groups:
        yield (
            f"load_balancing needs a route, and {path} has none: add one, or leave load_balancing out, which a "
            "listener of a TcpEndpoint does not have"
        )
