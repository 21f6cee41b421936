"""Whether callers have an address that stays, and come in.

```
caller ──> [load balancer, Service Connect, Cloud Map] ──> task
```
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

from fargate_constructs.caveats.fargate_app import FargateApp
from fargate_constructs.caveats.rules import Finding, Rule, judge, undecided
from fargate_constructs.synthesized.intrinsics import Unresolved, items, lookup, number, unresolved_in
from fargate_constructs.synthesized.task_launchers import TaskLauncher
from fargate_constructs.synthesized.templates import Place, Templates

ENDPOINTS = ("LoadBalancers", "ServiceRegistries", "VpcLatticeConfigurations", "GatewayConnectors")
TARGET_GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"
TCP = ("tcp", "6", 6)
ANY = ("-1", -1)

Ingress = defaultdict[Place | None, list[tuple[Place | None, dict[str, Any]]]]


class Endpoints(NamedTuple):
    """By what callers find a service."""

    known: bool
    """Whether there is something."""
    unknown: list[Unresolved]
    """What may be something, and only the deployment knows."""


def find_missing_endpoints(app: FargateApp) -> Iterator[Finding]:
    """Yield the services that callers cannot find, or cannot come in to.

    A service is meant to be called if a container maps a TCP port and a security group of the app lets somebody else in
    there. What maps a port that nobody may reach is a worker, as is what maps none; and so are tasks that let only
    each other in. Behind a load balancer, somebody must be let in at the port that it registers and checks.
    """
    ingress = _ingress(app.templates)
    for service in app.services:
        doors = _Doors(app.templates, service, ingress)
        yield from _find_closed(app.templates, service, doors)
        endpoints = endpoints_of(service.settings)
        # Task sets have load balancers of their own.
        controller = lookup(service.settings, "DeploymentController", "Type")
        if endpoints.known or controller == "EXTERNAL":
            continue
        unknown = [*endpoints.unknown, *unresolved_in(controller)]
        for port, protocol in _ports(app, service):
            is_open = doors.let_in(port)
            if is_open is False or (protocol not in (None, *TCP) and not unresolved_in(protocol)):
                continue
            hanging = [*unknown, *unresolved_in(port), *unresolved_in(protocol), *(() if is_open else doors.unknown())]
            got = f"callers let in at port {port}"
            yield from judge(Rule.NoFixedEndpoint, service.place, got, broken=not hanging, callers=hanging)


def endpoints_of(service: dict[str, Any]) -> Endpoints:
    """Return by what callers find a service: load balancers, names in Cloud Map or Service Connect, VPC Lattice."""
    values = [
        *(lookup(service, name) for name in ENDPOINTS),
        lookup(service, "ServiceConnectConfiguration", "Services"),
    ]
    unknown = [each for value in values for each in unresolved_in(value)]
    return Endpoints(any(value and not unresolved_in(value) for value in values), unknown)


def _ports(app: FargateApp, service: TaskLauncher) -> Iterator[tuple[Any, Any]]:
    """Yield the ports, or ranges such as `8080-8090`, that containers map, and the protocol of each."""
    if service.definition is None:
        yield Unresolved(service.task_definition), None
        return
    containers = app.templates.properties(service.definition).get("ContainerDefinitions")
    yield from ((unknown, None) for unknown in unresolved_in(containers))
    for _, container in app.containers(service.definition):
        yield from ((unknown, None) for unknown in unresolved_in(container.get("PortMappings")))
        for mapping in items(container, "PortMappings"):
            port = lookup(mapping, "ContainerPortRange") or lookup(mapping, "ContainerPort")
            yield port, lookup(mapping, "Protocol")


def _find_closed(templates: Templates, service: TaskLauncher, doors: "_Doors") -> Iterator[Finding]:
    """Yield a finding if a load balancer cannot reach the tasks, or not their health check."""
    yield from undecided(service.place, Rule.NoIngress, LoadBalancers=service.settings.get("LoadBalancers"))
    for balancer in items(service.settings, "LoadBalancers"):
        traffic = lookup(balancer, "ContainerPort")
        group = templates.locate(service.place.stack, balancer.get("TargetGroupArn"), TARGET_GROUP)
        check = lookup(templates.properties(group), "HealthCheckPort")
        if group is None:
            unseen = Unresolved(balancer.get("TargetGroupArn"))
            yield from undecided(service.place, Rule.NoIngress, TargetGroup=unseen)
        ports = dict.fromkeys([traffic, traffic if check in (None, "traffic-port") else check])
        closed = [str(port) for port in ports if doors.let_in(port, peers=True) is False]
        vague = [port for port in ports if doors.let_in(port, peers=True) is None]
        unknown = [each for port in vague for each in (*unresolved_in(port), *doors.unknown())]
        got = f"nobody let in at port {' and '.join(closed)}"
        yield from judge(Rule.NoIngress, service.place, got, broken=bool(closed), callers=unknown)


def _ingress(templates: Templates) -> Ingress:
    """Return the rules that stand beside their security groups, by group and with the group that each lets in."""
    rules: Ingress = defaultdict(list)
    for place in templates.of_type["AWS::EC2::SecurityGroupIngress"]:
        target, source = (templates.target(place, name) for name in ("GroupId", "SourceSecurityGroupId"))
        rules[target].append((source, templates.properties(place)))
    return rules


class _Doors:
    """Where the tasks of a service are called."""

    def __init__(self, templates: Templates, service: TaskLauncher, ingress: Ingress) -> None:
        stack, references = service.place.stack, service.security_groups
        found = [templates.locate(stack, each, "AWS::EC2::SecurityGroup") for each in references]
        # What only the deployment, or another app, knows may let in anybody; so may the VPC's default.
        self._unknown = [
            *(each for each in (service.network, lookup(service.network, "SecurityGroups")) if _is_unresolved(each)),
            *(Unresolved(each) for each, group in zip(references, found, strict=True) if not group),
        ]
        if not references and not self._unknown:
            self._unknown = [Unresolved("the default of the VPC")]
        groups = dict.fromkeys(filter(None, found))
        self._rules: list[tuple[bool, Any]] = []
        """Each rule, and whether it is for the tasks themselves."""
        for group in groups:
            rules = lookup(templates.properties(group), "SecurityGroupIngress")
            self._unknown += unresolved_in(rules)
            for rule in items(rules):
                source = templates.locate(group.stack, rule.get("SourceSecurityGroupId"))
                self._rules.append((source in groups, rule))
            self._rules += [(source in groups, rule) for source, rule in ingress[group]]
        self._unknown += [each for _, rule in ingress[None] for each in unresolved_in(rule.get("GroupId"))]

    def unknown(self) -> list[Unresolved]:
        """Return what may let somebody in, and only the deployment knows."""
        values = (lookup(rule, name) for _, rule in self._rules for name in ("IpProtocol", "FromPort", "ToPort"))
        return [*self._unknown, *(each for value in values for each in unresolved_in(value))]

    def let_in(self, ports: Any, *, peers: bool = False) -> bool | None:  # noqa: ANN401 - a piece of a template
        """Whether somebody else is let in at a port, or at one of a range such as `8080-8090`.

        Args:
            ports: The port or range.
            peers: Whether it may be the tasks themselves, or what shares a security group with them, by any protocol.

        Returns:
            `None` if only the deployment knows.
        """
        answers = {_lets_in(rule, ports, any_protocol=peers) for is_peer, rule in self._rules if peers or not is_peer}
        if True in answers:
            return True
        return None if None in answers or self._unknown else False


def _is_unresolved(value: Any) -> bool:  # noqa: ANN401 - a piece of a template
    return isinstance(value, Unresolved)


def _lets_in(rule: dict[str, Any], ports: Any, *, any_protocol: bool) -> bool | None:  # noqa: ANN401 - a piece of a template
    """Whether a rule lets anybody in at a port, or at one of a range; `None` if only the deployment knows."""
    protocol = lookup(rule, "IpProtocol")
    if protocol in ANY:
        return True
    low, _, high = str(ports).partition("-")
    bounds = [lookup(rule, "FromPort"), lookup(rule, "ToPort"), number(low), number(high or low)]
    if protocol not in TCP and not any_protocol and not isinstance(protocol, Unresolved):
        return False
    if any(map(_is_unresolved, (protocol, ports, *bounds))):
        return None
    first, last, lowest, highest = map(number, bounds)
    return None not in (first, last, lowest, highest) and first <= highest and lowest <= last  # type: ignore[operator] # none is None
