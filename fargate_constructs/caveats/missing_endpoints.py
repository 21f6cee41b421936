"""Rules about callers: whether they have an address that stays, and whether security groups allow them."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

from fargate_constructs.caveats.fargate_app import FargateApp
from fargate_constructs.caveats.rules import Finding, Rule, judge, undecided
from fargate_constructs.synthesized.intrinsics import Unresolved, items, lookup, number, unresolved_in
from fargate_constructs.synthesized.task_launchers import TaskLauncher
from fargate_constructs.synthesized.templates import Place, Templates

ENDPOINT_PROPERTIES = ("LoadBalancers", "ServiceRegistries", "VpcLatticeConfigurations", "GatewayConnectors")
TARGET_GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"
TCP = ("tcp", "6", 6)
ANY = ("-1", -1)

IngressRules = defaultdict[Place | None, list[tuple[Place | None, dict[str, Any]]]]


class ServiceEndpoints(NamedTuple):
    """What callers find a service by: load balancers, Cloud Map, Service Connect, VPC Lattice."""

    known: bool
    """Whether there is one."""
    unknown: list[Unresolved]
    """The values that may be one; only the deployment knows."""


def find_missing_endpoints(app: FargateApp) -> Iterator[Finding]:
    """Yield the services that callers cannot find, or that a load balancer cannot reach.

    A service has callers if a container maps a TCP port and a security group of the app allows others there. Without
    such a port, or if only the tasks themselves are allowed, it is a worker. Behind a load balancer, the security
    groups must allow the port that it registers and the port that it checks.
    """
    ingress = _ingress(app.templates)
    for service in app.services:
        groups = _SecurityGroups(app.templates, service, ingress)
        yield from _find_blocked(app.templates, service, groups)
        endpoints = endpoints_of(service.settings)
        # Task sets have load balancers of their own.
        controller = lookup(service.settings, "DeploymentController", "Type")
        if endpoints.known or controller == "EXTERNAL":
            continue
        unknown = [*endpoints.unknown, *unresolved_in(controller)]
        for port, protocol in _ports(app, service):
            is_open = groups.allows(port)
            if is_open is False or (protocol not in (None, *TCP) and not unresolved_in(protocol)):
                continue
            depends_on = [
                *unknown,
                *unresolved_in(port),
                *unresolved_in(protocol),
                *(() if is_open else groups.unknown()),
            ]
            got = f"callers allowed at port {port}"
            yield from judge(Rule.NoFixedEndpoint, service.place, got, broken=not depends_on, callers=depends_on)


def endpoints_of(service: dict[str, Any]) -> ServiceEndpoints:
    """Return what callers find a service by."""
    values = [
        *(lookup(service, name) for name in ENDPOINT_PROPERTIES),
        lookup(service, "ServiceConnectConfiguration", "Services"),
    ]
    unknown = [each for value in values for each in unresolved_in(value)]
    return ServiceEndpoints(any(value and not unresolved_in(value) for value in values), unknown)


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


def _find_blocked(templates: Templates, service: TaskLauncher, groups: "_SecurityGroups") -> Iterator[Finding]:
    """Yield a finding if a load balancer cannot reach the tasks' port or health check."""
    yield from undecided(service.place, Rule.NoIngress, LoadBalancers=service.settings.get("LoadBalancers"))
    for balancer in items(service.settings, "LoadBalancers"):
        traffic = lookup(balancer, "ContainerPort")
        reference = balancer.get("TargetGroupArn")
        target_group = templates.locate(service.place.stack, reference, TARGET_GROUP)
        check = lookup(templates.properties(target_group), "HealthCheckPort")
        if target_group is None:
            yield from undecided(service.place, Rule.NoIngress, TargetGroup=Unresolved(reference))
        ports = dict.fromkeys([traffic, traffic if check in (None, "traffic-port") else check])
        blocked = [str(port) for port in ports if groups.allows(port, peers=True) is False]
        undecided_ports = [port for port in ports if groups.allows(port, peers=True) is None]
        unknown = [each for port in undecided_ports for each in (*unresolved_in(port), *groups.unknown())]
        got = f"no caller allowed at port {' and '.join(blocked)}"
        yield from judge(Rule.NoIngress, service.place, got, broken=bool(blocked), callers=unknown)


def _ingress(templates: Templates) -> IngressRules:
    """Return the ingress rules that are resources of their own, by security group, with the group that each allows."""
    rules: IngressRules = defaultdict(list)
    for place in templates.of_type["AWS::EC2::SecurityGroupIngress"]:
        target, source = (templates.target(place, name) for name in ("GroupId", "SourceSecurityGroupId"))
        rules[target].append((source, templates.properties(place)))
    return rules


class _SecurityGroups:
    """The ingress rules of a service's tasks."""

    def __init__(self, templates: Templates, service: TaskLauncher, ingress: IngressRules) -> None:
        stack, references = service.place.stack, service.security_groups
        found = [templates.locate(stack, each, "AWS::EC2::SecurityGroup") for each in references]
        # A group of another app, or an unresolved one, may allow all sources, as the VPC's default may.
        self._unknown = [
            *(each for each in (service.network, lookup(service.network, "SecurityGroups")) if _is_unresolved(each)),
            *(Unresolved(each) for each, group in zip(references, found, strict=True) if not group),
        ]
        if not references and not self._unknown:
            self._unknown = [Unresolved("the default of the VPC")]
        groups = dict.fromkeys(filter(None, found))
        self._rules: list[tuple[bool, Any]] = []
        """Each rule, and whether it allows the tasks themselves."""
        for group in groups:
            rules = lookup(templates.properties(group), "SecurityGroupIngress")
            self._unknown += unresolved_in(rules)
            for rule in items(rules):
                source = templates.locate(group.stack, rule.get("SourceSecurityGroupId"))
                self._rules.append((source in groups, rule))
            self._rules += [(source in groups, rule) for source, rule in ingress[group]]
        self._unknown += [each for _, rule in ingress[None] for each in unresolved_in(rule.get("GroupId"))]

    def unknown(self) -> list[Unresolved]:
        """Return the unresolved values that may allow a caller."""
        values = (lookup(rule, name) for _, rule in self._rules for name in ("IpProtocol", "FromPort", "ToPort"))
        return [*self._unknown, *(each for value in values for each in unresolved_in(value))]

    def allows(self, ports: Any, *, peers: bool = False) -> bool | None:  # noqa: ANN401 - a piece of a template
        """Whether callers are allowed at a port, or at one of a range such as `8080-8090`; `None` if unresolved.

        With *peers*, the tasks themselves count as callers, too, and any protocol.
        """
        answers = {_allows(rule, ports, any_protocol=peers) for is_peer, rule in self._rules if peers or not is_peer}
        if True in answers:
            return True
        return None if None in answers or self._unknown else False


def _is_unresolved(value: Any) -> bool:  # noqa: ANN401 - a piece of a template
    return isinstance(value, Unresolved)


def _allows(rule: dict[str, Any], ports: Any, *, any_protocol: bool) -> bool | None:  # noqa: ANN401 - a piece of a template
    """Whether a rule allows a caller at a port, or at one of a range; `None` if only the deployment knows."""
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
