"""The listeners of network load balancers that send connections to a service, and their target groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from aws_cdk import Annotations, Duration
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct

from fargate_constructs._core.construct_paths import path_of
from fargate_constructs._core.lazy_cdk import aws_certificatemanager as acm
from fargate_constructs._core.nag_suppressions import acknowledge
from fargate_constructs._core.rule_ports import port_text, tcp_port, udp_port
from fargate_constructs._core.unresolved import is_known
from fargate_constructs._core.validation import seconds_of, validate_range, validate_seconds
from fargate_constructs.service.deployments.deployment import Deployment
from fargate_constructs.service.targets.attached_target_groups import (
    attach,
    validate_number_of_target_groups,
    validate_same_network,
)
from fargate_constructs.service.targets.health import Health
from fargate_constructs.service.targets.port_options import OptionsByPort, PortOptions
from fargate_constructs.service.targets.ports import MAX_PORT, Port, TaskPorts

Protocol = elbv2.Protocol
# The ID by which the warning can be acknowledged.
NO_SECURITY_GROUP = "fargate-constructs:noSecurityGroup"
WITH_UDP = (Protocol.UDP, Protocol.TCP_UDP)
# AWS recommends it: a target may get new connections until each node of the load balancer knows that it leaves
# (https://docs.aws.amazon.com/elasticloadbalancing/latest/network/edit-target-group-attributes.html).
MIN_DRAIN_SECONDS = 120
MAX_DRAIN_SECONDS = 3600
# TLS 1.3 with the post-quantum key exchange, and TLS 1.2 with forward secrecy, as an HttpEndpoint has
# (https://docs.aws.amazon.com/elasticloadbalancing/latest/network/describe-ssl-policies.html).
SSL_POLICY = elbv2.SslPolicy.TLS13_12_RES_PQ


@dataclass(frozen=True, kw_only=True)
class NetworkListenerOptions:
    """How a network load balancer sends connections to a service.

    Args:
        load_balancer: The network load balancer.
        port: The port that callers connect to.
        protocol: `elbv2.Protocol.TCP` (default), `TLS`, `UDP` or `TCP_UDP`.
        certificate: The certificate of a TLS listener. By default none.
        ssl_policy: The TLS versions and ciphers of a TLS listener. By default TLS 1.2 with forward secrecy, and 1.3
            with the post-quantum key exchange.
        idle_timeout: After how long without data a TCP connection is closed, 60 to 6,000 s. By default 350 s. AWS does
            not change the time of TLS (350 s) and UDP (120 s).
        target_port: The name of the port that gets the connections, of a service that has several, or of a sidecar's
            port mapping. By default its first port.
        alpn_policy: The protocols of the application that a TLS listener offers callers (ALPN), such as
            `elbv2.AlpnPolicy.HTTP2_PREFERRED`. By default none.
        test_port: A second port at which callers reach the new tasks of a deployment that shifts traffic, before others
            do, with the same protocol, certificate and callers. By default there is none.
        health_check_port: The name of the port whose health is checked, by TCP or HTTP. By default that of the port's
            `Health`, and else *target_port*. UDP needs one; the empty name is the first port.
        health_check_protocol: `elbv2.Protocol.TCP` (default): a task is healthy if it accepts a connection. `HTTP` or
            `HTTPS`: if it answers the path of the service's `Health`.
        deregistration_delay: How long the connections of an old task may go on, 0 to 3,600 s; then they are closed. By
            default that of the port's `Health`, but at least the 120 s that AWS recommends: for so long some nodes
            of the load balancer may send it new connections.
        preserve_client_ip: Whether tasks see the addresses of callers. By default AWS's own default: for UDP, which AWS
            does not change, and not for TCP and TLS.
        proxy_protocol_v2: Whether each connection begins with a header of the PROXY protocol, version 2, with the
            caller's address, also that of a health check. The service must read it. By default not.
        target_group_port: The `Port` of the target group. It has no effect, because ECS registers each task with its
            own port (https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html).
            A change replaces the group: keep that of a target group that is deployed. By default 1.
    """

    load_balancer: elbv2.INetworkLoadBalancer
    port: int
    protocol: elbv2.Protocol = elbv2.Protocol.TCP
    certificate: acm.ICertificate | None = None
    ssl_policy: elbv2.SslPolicy | None = None
    idle_timeout: Duration | None = None
    target_port: str = ""
    alpn_policy: elbv2.AlpnPolicy | None = None
    test_port: int | None = None
    health_check_port: str | None = None
    health_check_protocol: elbv2.Protocol = elbv2.Protocol.TCP
    deregistration_delay: Duration | None = None
    preserve_client_ip: bool | None = None
    proxy_protocol_v2: bool = False
    target_group_port: int = 1

    def validate(self, id: str, health: Health) -> None:
        """Refuse what AWS would refuse, and checks that no task could pass."""
        if self.health_check_protocol not in {Protocol.TCP, Protocol.HTTP, Protocol.HTTPS}:
            raise ValueError(
                f"health_check_protocol must be TCP, HTTP or HTTPS, got: {self.health_check_protocol.name}"
            )
        if self.protocol is Protocol.UDP and self.health_check_port is None and health.port is None:
            raise ValueError(
                f"a load balancer checks no health over UDP, got listener {id!r} without health_check_port; name the "
                "port of the service that answers TCP or HTTP, also if it has the same number",
            )
        if self.protocol in WITH_UDP and self.preserve_client_ip is False:
            raise ValueError(
                f"preserve_client_ip cannot be False with {self.protocol.name}, got it for listener {id!r}: AWS always "
                "preserves the addresses of UDP callers",
            )
        if self.ssl_policy and self.protocol is not Protocol.TLS:
            raise ValueError(f"ssl_policy needs protocol TLS, got it for listener {id!r} with {self.protocol.name}")
        if self.alpn_policy and self.protocol is not Protocol.TLS:
            raise ValueError(
                f"alpn_policy needs protocol TLS, got it for listener {id!r} with {self.protocol.name}; pass "
                "protocol=elbv2.Protocol.TLS, or let the task offer its protocols"
            )
        validate_range("target_group_port", self.target_group_port, 1, MAX_PORT)
        if self.deregistration_delay:
            validate_seconds("deregistration_delay", self.deregistration_delay, 0, MAX_DRAIN_SECONDS)


class NetworkListeners(Construct):
    """A service's listeners on network load balancers, with one target group each, or two if deployments shift traffic.

    A listener of a Network Load Balancer has one action, and it names the target groups. So it belongs to the service,
    and the service's stack depends on the load balancer's, never the other way.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        service: ecs.FargateService,
        ports: TaskPorts,
        options: OptionsByPort,
        vpc: ec2.IVpc,
        deployment: Deployment,
    ) -> None:
        super().__init__(scope, id)

        self._service = service
        self._ports = ports
        self._options = options
        self._vpc = vpc
        self._deployment = deployment
        self._protocols: dict[int, set[elbv2.Protocol]] = {}
        self.target_groups: list[elbv2.NetworkTargetGroup] = []
        """The target groups of all listeners."""
        self.has_test_listener = False
        """Whether callers of a test port reach new tasks first."""

    @property
    def udp_ports(self) -> list[int]:
        """The ports that are mapped as UDP, because nothing else leads to them."""
        return [port for port, protocols in self._protocols.items() if protocols == {Protocol.UDP}]

    def note_route(self, port: int) -> None:
        """Let the mapping of a port be TCP, because a route leads to it."""
        self._map_udp(port, Protocol.TCP)

    def add(
        self, id: str, options: NetworkListenerOptions, *, other_target_groups: int, is_linked: bool
    ) -> tuple[elbv2.NetworkListener, list[elbv2.NetworkTargetGroup]]:
        """Add a listener. Return it, and its target groups."""
        self._validate(id, options, other_target_groups)
        port = self._ports.find(options.target_port, "a listener", argument="target_port")
        of_port = self._options.of(port.name)
        options.validate(id, of_port.health)
        checked = of_port.health.port if options.health_check_port is None else options.health_check_port
        check_port = port if checked is None else self._ports.find(checked, "a check", argument="health_check_port")
        self._validate_ports(id, options.protocol, port, check_port, is_linked=is_linked)
        scope = Construct(self, id)
        names = ("TargetGroup", "Alternate")[: 1 + self._deployment._has_two_target_groups]
        groups = [
            self._make_target_group(scope, name, options, of_port, None if check_port == port else check_port.number)
            for name in names
        ]
        listener = self._make_listener(scope, "Listener", options, options.port, groups)
        test_listener = None
        if options.test_port is not None:
            test_listener = self._make_listener(scope, "TestListener", options, options.test_port, groups)
            self.has_test_listener = True
        if port.is_main:
            self._map_udp(port.number, options.protocol)
        attach(
            self._service,
            groups,
            port=port,
            production=listener,
            test=test_listener,
            deployment=self._deployment,
        )
        self._allow(options, port.number, check_port.number)
        self.target_groups += groups
        return listener, groups

    def _validate(self, id: str, options: NetworkListenerOptions, other_target_groups: int) -> None:
        service, deployment = path_of(self).rpartition("/")[0], self._deployment
        if self.node.try_find_child(id):
            raise ValueError(f"id must differ from the service's other listeners, got: {id!r} again of {service}")
        if deployment.test_header and options.test_port is None:
            raise ValueError(
                f"test_header needs HTTP, got listener {id!r} of {service}, which reads no headers; give the listener "
                "a test_port, or deploy the service without test_header",
            )
        if options.test_port is not None and not deployment._has_two_target_groups:
            raise ValueError(
                f"test_port needs deployments that shift traffic, got it for listener {id!r} of {service}; write "
                "deployment=Deployment.blue_green(), canary() or linear(), or leave test_port out",
            )
        count = len(self.target_groups) + 1 + deployment._has_two_target_groups
        validate_number_of_target_groups(service, count + other_target_groups)
        balancer = options.load_balancer
        validate_same_network(f"listener {id!r}", service, self._vpc, path_of(balancer), balancer.vpc)

    def _validate_ports(
        self, id: str, protocol: elbv2.Protocol, port: Port, check_port: Port, *, is_linked: bool
    ) -> None:
        if port.is_main and is_linked and protocol is Protocol.UDP and not self._protocols.get(port.number):
            raise ValueError(
                f"a UDP listener must be added before the first link to or from its service, got {id!r} after: links "
                "are TCP, and its port must have no name in them",
            )
        if not port.is_main and port.is_udp is not (protocol is Protocol.UDP):
            mapped, needed = ("UDP", "TCP") if port.is_udp else ("TCP", "UDP")
            raise ValueError(
                f"a listener of {protocol.name} needs a sidecar's port that is mapped as {needed}, got {port.name!r} "
                f"for listener {id!r}, mapped as {mapped}; write protocol=ecs.Protocol.{needed} at its port mapping",
            )
        if not check_port.is_main and check_port.is_udp:
            raise ValueError(
                f"a load balancer checks no health over UDP, got {check_port.name!r} for listener {id!r}; name another "
                "health_check_port",
            )

    def _make_target_group(
        self,
        scope: Construct,
        id: str,
        options: NetworkListenerOptions,
        of_port: PortOptions,
        check_port: int | None,
    ) -> elbv2.NetworkTargetGroup:
        health, checks = of_port.health, options.health_check_protocol
        is_http = checks is not Protocol.TCP
        protocol = options.protocol
        if protocol is Protocol.TLS and of_port.protocol is not elbv2.ApplicationProtocol.HTTPS:
            protocol = Protocol.TCP
        return elbv2.NetworkTargetGroup(
            scope,
            id,
            vpc=self._vpc,
            port=options.target_group_port,
            protocol=protocol,
            target_type=elbv2.TargetType.IP,
            deregistration_delay=options.deregistration_delay or _drain(health),
            # Or connections of callers stay open to a task that has gone, until the idle timeout.
            connection_termination=True,
            preserve_client_ip=options.preserve_client_ip,
            proxy_protocol_v2=options.proxy_protocol_v2,
            health_check=elbv2.HealthCheck(
                protocol=checks,
                port=None if check_port is None else str(check_port),
                path=health.path if is_http else None,
                healthy_http_codes=health.healthy_http_codes if is_http else None,
                interval=health.interval,
                timeout=health.timeout,
                healthy_threshold_count=health.healthy_threshold_count,
                unhealthy_threshold_count=health.unhealthy_threshold_count,
            ),
        )

    def _make_listener(
        self,
        scope: Construct,
        id: str,
        options: NetworkListenerOptions,
        port: int,
        groups: Sequence[elbv2.NetworkTargetGroup],
    ) -> elbv2.NetworkListener:
        is_tls = options.protocol is Protocol.TLS
        weights = [elbv2.NetworkWeightedTargetGroup(target_group=each, weight=0) for each in groups[1:]]
        forward = elbv2.NetworkListenerAction.forward(groups[:1])
        if weights:
            first = elbv2.NetworkWeightedTargetGroup(target_group=groups[0], weight=100)
            forward = elbv2.NetworkListenerAction.weighted_forward([first, *weights])
        listener = elbv2.NetworkListener(
            scope,
            id,
            load_balancer=options.load_balancer,
            port=port,
            protocol=options.protocol,
            certificates=[options.certificate] if options.certificate else None,
            ssl_policy=(options.ssl_policy or SSL_POLICY) if is_tls else None,
            alpn_policy=options.alpn_policy,
            tcp_idle_timeout=options.idle_timeout,
            default_action=forward,
        )
        if not is_tls:
            reason = "It passes connections on unopened: TLS, if the protocol has it, ends at the task."
            acknowledge(listener, {"ELBv2ACMCertificateRequired": reason})
        return listener

    def _map_udp(self, port: int, protocol: elbv2.Protocol) -> None:
        """Map a port for UDP if nothing else leads to it.

        A task has its own network interface, so a mapping neither opens nor closes a port. But ECS makes no service
        with a load balancer on a port that has two mappings (https://github.com/aws/amazon-ecs-agent/issues/3428).
        """
        protocols = self._protocols.setdefault(port, set())
        protocols.add(protocol)
        if Protocol.UDP not in protocols:
            return
        mapping = f"ContainerDefinitions.0.PortMappings.{list(self._ports.main.values()).index(port)}"
        task_definition = cast(ecs.CfnTaskDefinition, self._service.task_definition.node.default_child)
        task_definition.add_property_override(f"{mapping}.Protocol", "udp" if protocols == {Protocol.UDP} else "tcp")
        task_definition.add_property_deletion_override(f"{mapping}.AppProtocol")

    def _allow(self, options: NetworkListenerOptions, port: int, check_port: int) -> None:
        """Let the load balancer reach the tasks, and no one else, also if it preserves the addresses of callers.

        https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-security-groups.html
        """
        groups = options.load_balancer.connections.security_groups
        if not groups:
            Annotations.of(self._service).add_warning_v2(
                NO_SECURITY_GROUP,
                f"{path_of(options.load_balancer)} has no security group that is known here, so tasks are not opened "
                "to it: import it with load_balancer_security_groups; if it has none, open the tasks to its callers "
                "and, for health checks, to its subnets by service.connections.allow_from(...)",
            )
            return
        own = groups[0]
        if not isinstance(own.node.default_child, ec2.CfnSecurityGroup):
            own = self._import(own)
        balancer = ec2.Connections(security_groups=[own])
        ports = [tcp_port(check_port)]
        ports += [tcp_port(port)] if options.protocol is not Protocol.UDP else []
        ports += [udp_port(port)] if options.protocol in WITH_UDP else []
        for each in dict.fromkeys(ports):
            text = f"Allow from the load balancer on port {port_text(each)}"
            self._service.connections.allow_from(balancer, each, text)

    def _import(self, group: ec2.ISecurityGroup) -> ec2.ISecurityGroup:
        """Return a group that was made elsewhere, which CDK takes for one that lets all traffic out.

        All listeners have the same, or CDK would make the rules to a port again, which AWS refuses.
        """
        known = group.security_group_id
        id_ = f"LoadBalancer {known if is_known(known) else path_of(group)}".replace("/", " ")
        if found := self.node.try_find_child(id_):
            return cast(ec2.ISecurityGroup, found)
        return ec2.SecurityGroup.from_security_group_id(self, id_, known, allow_all_outbound=False)


def _drain(health: Health) -> Duration:
    seconds = seconds_of(health.deregistration_delay)
    is_longer = seconds is None or seconds > MIN_DRAIN_SECONDS
    return health.deregistration_delay if is_longer else Duration.seconds(MIN_DRAIN_SECONDS)
