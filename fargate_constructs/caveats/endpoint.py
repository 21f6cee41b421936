"""Whether callers have an address that stays.

```
caller ──> [load balancer, Service Connect, Cloud Map] ──> task
```
"""

from collections.abc import Iterator
from typing import Any

from fargate_constructs.caveats.fargate_app import FargateApp
from fargate_constructs.caveats.rules import Finding, Rule
from fargate_constructs.launches import Launch
from fargate_constructs.templates import UNSEEN, Templates, items, number, seen

ENDPOINTS = ("LoadBalancers", "ServiceRegistries", "VpcLatticeConfigurations", "GatewayConnectors")
TCP = ("tcp", "6", 6)
ANY = ("-1", -1)


def find_missing_endpoints(app: FargateApp) -> Iterator[Finding]:
    """Yield the services that are meant to be called and cannot be found.

    A service is meant to be called if a container maps a TCP port and a security group of the app lets somebody else in
    there. What maps a port that nobody may reach is a worker, as is what maps none; and so are tasks that let only
    each other in.
    """
    for service in app.services:
        definition = app.definition(service)
        if _has_endpoint(service.settings) or definition is None:
            continue
        ports = [
            number(seen(mapping, "ContainerPort"))
            for _, container in app.containers(definition)
            for mapping in items(container, "PortMappings")
            if seen(mapping, "Protocol") in (None, *TCP)
        ]
        rules = list(_ingress(app.templates, service))
        for port in filter(None, ports):
            if any(_lets_in(rule, port) for rule in rules):
                yield Finding(Rule.NoFixedEndpoint, service.place, f"callers let in at port {port:g}")


def _has_endpoint(service: dict[str, Any]) -> bool:
    if any(seen(service, name) for name in ENDPOINTS) or seen(service, "ServiceConnectConfiguration", "Services"):
        return True
    # Task sets have load balancers of their own.
    return seen(service, "DeploymentController", "Type") in ("EXTERNAL", UNSEEN)


def _ingress(templates: Templates, service: Launch) -> Iterator[dict[str, Any]]:
    """Yield the rules by which others than the service's own tasks come in."""
    stack = service.place.stack
    groups = {templates.locate(stack, each) for each in service.security_groups} - {None}
    for group in groups:
        yield from items(templates.properties(group), "SecurityGroupIngress")
    for place in templates.of_type["AWS::EC2::SecurityGroupIngress"]:
        if (
            templates.target(place, "GroupId") in groups
            and templates.target(place, "SourceSecurityGroupId") not in groups
        ):
            yield templates.properties(place)


def _lets_in(rule: dict[str, Any], port: float) -> bool:
    if seen(rule, "IpProtocol") in ANY:
        return True
    first, last = number(seen(rule, "FromPort")), number(seen(rule, "ToPort"))
    return seen(rule, "IpProtocol") in TCP and first is not None and last is not None and first <= port <= last
