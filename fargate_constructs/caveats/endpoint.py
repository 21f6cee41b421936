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
        rules = list(_ingress(app.templates, service))
        for _, container in app.containers(definition):
            for mapping in items(container, "PortMappings"):
                ports = str(seen(mapping, "ContainerPortRange") or seen(mapping, "ContainerPort"))
                if seen(mapping, "Protocol") in (None, *TCP) and any(_lets_in(rule, ports) for rule in rules):
                    yield Finding(Rule.NoFixedEndpoint, service.place, f"callers let in at port {ports}")


def _has_endpoint(service: dict[str, Any]) -> bool:
    if any(seen(service, name) for name in ENDPOINTS) or seen(service, "ServiceConnectConfiguration", "Services"):
        return True
    # Task sets have load balancers of their own.
    return seen(service, "DeploymentController", "Type") in ("EXTERNAL", UNSEEN)


def _ingress(templates: Templates, service: Launch) -> Iterator[dict[str, Any]]:
    """Yield the rules by which others than the service's own tasks come in."""
    stack = service.place.stack
    groups = {templates.locate(stack, each) for each in service.security_groups} - {None}
    inline = [
        (group.stack, rule)
        for group in filter(None, groups)
        for rule in items(templates.properties(group), "SecurityGroupIngress")
    ]
    alone = [
        (place.stack, templates.properties(place))
        for place in templates.of_type["AWS::EC2::SecurityGroupIngress"]
        if templates.target(place, "GroupId") in groups
    ]
    for owner, rule in inline + alone:
        if templates.locate(owner, rule.get("SourceSecurityGroupId")) not in groups:
            yield rule


def _lets_in(rule: dict[str, Any], ports: str) -> bool:
    """Whether a rule lets anybody in at a port, or at one of a range such as `8080-8090`."""
    low, _, high = ports.partition("-")
    lowest, highest = number(low), number(high or low)
    if lowest is None or highest is None:
        return False
    if seen(rule, "IpProtocol") in ANY:
        return True
    first, last = number(seen(rule, "FromPort")), number(seen(rule, "ToPort"))
    is_open = first is not None and last is not None and first <= highest and lowest <= last
    return is_open and seen(rule, "IpProtocol") in TCP
