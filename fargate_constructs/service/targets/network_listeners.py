"""The listeners of network load balancers that send connections to a service, and their target groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from aws_cdk import Annotations, Duration
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct

from fargate_constructs._core.construct_paths import path_of
from fargate_constructs._core.environment_checks import may_be_same_vpc
from fargate_constructs._core.lazy_cdk import aws_certificatemanager as acm
from fargate_constructs._core.nag_suppressions import acknowledge
from fargate_constructs._core.validation import seconds_of, validate_seconds
from fargate_constructs.service.adopted_service import AdoptedService
from fargate_constructs.service.deployments.deployment import Deployment
from fargate_constructs.service.targets.attached_target_groups import LISTENER, attach, validate_number_of_target_groups
from fargate_constructs.service.targets.health import Health

Protocol = elbv2.Protocol
# The ID by which the warning can be acknowledged.
NO_SECURITY_GROUP = "fargate-constructs:noSecurityGroup"
WITH_UDP = (Protocol.UDP, Protocol.TCP_UDP)
# Each task is registered with the container's port, and another port here would replace the target group
# (https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html).
UNUSED_PORT = 1
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
        target_port: The name of the service's port that gets the connections, of a service that has several. By default
            its first port.
        health_check_port: The name of the port whose health is checked, by TCP or HTTP. By default *target_port*. UDP
            needs one; the empty name is the first port.
        health_check_protocol: `elbv2.Protocol.TCP` (default): a task is healthy if it accepts a connection. `HTTP` or
            `HTTPS`: if it answers the path of the service's `Health`.
        deregistration_delay: How long the connections of an old task may go on, 0 to 3,600 s; then they are closed. By
            default that of the service's `Health`, but at least the 120 s that AWS recommends: for so long some nodes
            of the load balancer may send it new connections.
        preserve_client_ip: Whether tasks see the addresses of callers. By default AWS's own default: for UDP, which AWS
            does not change, and not for TCP and TLS.
        proxy_protocol_v2: Whether each connection begins with a header of the PROXY protocol, version 2, with the
            caller's address, also that of a health check. The service must read it. By default not.
    """

    load_balancer: elbv2.INetworkLoadBalancer
    port: int
    protocol: elbv2.Protocol = elbv2.Protocol.TCP
    certificate: acm.ICertificate | None = None
    ssl_policy: elbv2.SslPolicy | None = None
    idle_timeout: Duration | None = None
    target_port: str = ""
    health_check_port: str | None = None
    health_check_protocol: elbv2.Protocol = elbv2.Protocol.TCP
    deregistration_delay: Duration | None = None
    preserve_client_ip: bool | None = None
    proxy_protocol_v2: bool = False

    def validate(self, id: str) -> None:
        """Refuse what AWS would refuse, and checks that no task could pass."""
        if self.health_check_protocol not in {Protocol.TCP, Protocol.HTTP, Protocol.HTTPS}:
            raise ValueError(
                f"health_check_protocol must be TCP, HTTP or HTTPS, got: {self.health_check_protocol.name}"
            )
        if self.protocol is Protocol.UDP and self.health_check_port is None:
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
        container: ecs.ContainerDefinition,
        ports: Mapping[str, int],
        is_encrypted: bool,
        vpc: ec2.IVpc,
        health: Health,
        deployment: Deployment,
        adopted: AdoptedService,
    ) -> None:
        super().__init__(scope, id)

        self._service = service
        self._container = container
        self._ports = ports
        self._is_encrypted = is_encrypted
        self._vpc = vpc
        self._health = health
        self._deployment = deployment
        self._group_port = adopted.target_group_port or UNUSED_PORT
        self._protocols: dict[int, set[elbv2.Protocol]] = {}
        self.target_groups: list[elbv2.NetworkTargetGroup] = []
        """The target groups of all listeners."""

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
        options.validate(id)
        self._validate(id, options, other_target_groups)
        port = self._port(options.target_port)
        if is_linked and options.protocol is Protocol.UDP and not self._protocols.get(port):
            raise ValueError(
                f"a UDP listener must be added before the first link to or from its service, got {id!r} after: links "
                "are TCP, and its port must have no name in them",
            )
        check_port = port if options.health_check_port is None else self._port(options.health_check_port)
        scope = Construct(self, id)
        groups = [
            self._make_target_group(scope, name, options, None if check_port == port else check_port)
            for name in ("TargetGroup", "Alternate")[: 1 + self._deployment._has_two_target_groups]
        ]
        listener = self._make_listener(scope, options, groups)
        self._map_udp(port, options.protocol)
        attach(
            self._service,
            groups,
            container_name=self._container.container_name,
            port=port,
            production=ecs.ListenerRuleConfiguration.network_listener(listener),
            path=path_of(listener),
            deployment=self._deployment,
            changes=LISTENER,
        )
        self._allow(scope, options, port, check_port)
        self.target_groups += groups
        return listener, groups

    def _validate(self, id: str, options: NetworkListenerOptions, other_target_groups: int) -> None:
        service, strategy = path_of(self).rpartition("/")[0], self._deployment.strategy.value
        if self.node.try_find_child(id):
            raise ValueError(f"id must differ from the service's other listeners, got: {id!r} again of {service}")
        if self._deployment.test_header:
            raise ValueError(
                f"test_header needs HTTP, got listener {id!r} of {service}, which reads no headers; deploy it without",
            )
        count = len(self.target_groups) + other_target_groups
        if self._deployment._has_two_target_groups and count:
            raise ValueError(
                f"a service deployed {strategy} with two target groups has one route or one listener, got another: "
                f"{id!r}; deploy {service} with Deployment.rolling(), or make a second service",
            )
        validate_number_of_target_groups(service, count + 1)
        vpc = options.load_balancer.vpc
        if vpc and not may_be_same_vpc(self._vpc, vpc):
            raise ValueError(
                f"a service and its endpoint must be in the same network, got listener {id!r} to {service} and "
                f"{path_of(options.load_balancer)} in two; pass the same network to both",
            )
        for name in (options.target_port, options.health_check_port):
            if name is not None:
                self._port(name)

    def _port(self, name: str) -> int:
        """Return the number of a named port; an empty name is the first port."""
        if not name:
            return next(iter(self._ports.values()))
        if name not in self._ports:
            names = ", ".join(repr(each) for each in self._ports if each) or "one port without a name"
            raise ValueError(f"{path_of(self).rpartition('/')[0]} has no port {name!r}, but {names}")
        return self._ports[name]

    def _make_target_group(
        self, scope: Construct, id: str, options: NetworkListenerOptions, check_port: int | None
    ) -> elbv2.NetworkTargetGroup:
        health, checks = self._health, options.health_check_protocol
        is_http = checks is not Protocol.TCP
        protocol = options.protocol
        if protocol is Protocol.TLS and not self._is_encrypted:
            protocol = Protocol.TCP
        return elbv2.NetworkTargetGroup(
            scope,
            id,
            vpc=self._vpc,
            port=self._group_port,
            protocol=protocol,
            target_type=elbv2.TargetType.IP,
            deregistration_delay=options.deregistration_delay or self._drain(),
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

    def _drain(self) -> Duration:
        seconds = seconds_of(self._health.deregistration_delay)
        is_longer = seconds is None or seconds > MIN_DRAIN_SECONDS
        return self._health.deregistration_delay if is_longer else Duration.seconds(MIN_DRAIN_SECONDS)

    def _make_listener(
        self, scope: Construct, options: NetworkListenerOptions, groups: Sequence[elbv2.NetworkTargetGroup]
    ) -> elbv2.NetworkListener:
        is_tls = options.protocol is Protocol.TLS
        weights = [elbv2.NetworkWeightedTargetGroup(target_group=each, weight=0) for each in groups[1:]]
        forward = elbv2.NetworkListenerAction.forward(groups[:1])
        if weights:
            first = elbv2.NetworkWeightedTargetGroup(target_group=groups[0], weight=100)
            forward = elbv2.NetworkListenerAction.weighted_forward([first, *weights])
        listener = elbv2.NetworkListener(
            scope,
            "Listener",
            load_balancer=options.load_balancer,
            port=options.port,
            protocol=options.protocol,
            certificates=[options.certificate] if options.certificate else None,
            ssl_policy=(options.ssl_policy or SSL_POLICY) if is_tls else None,
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
        mapping = f"ContainerDefinitions.0.PortMappings.{list(self._ports.values()).index(port)}"
        task_definition = cast(ecs.CfnTaskDefinition, self._service.task_definition.node.default_child)
        task_definition.add_property_override(f"{mapping}.Protocol", "udp" if protocols == {Protocol.UDP} else "tcp")
        task_definition.add_property_deletion_override(f"{mapping}.AppProtocol")

    def _allow(self, scope: Construct, options: NetworkListenerOptions, port: int, check_port: int) -> None:
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
            # CDK takes an imported one for a group that lets all traffic out. A TcpEndpoint's does not.
            own = ec2.SecurityGroup.from_security_group_id(
                scope, "LoadBalancer", own.security_group_id, allow_all_outbound=False
            )
        balancer = ec2.Connections(security_groups=[own])
        ports = {ec2.Port.tcp(check_port).to_string(): ec2.Port.tcp(check_port)}
        if options.protocol is not Protocol.UDP:
            ports[ec2.Port.tcp(port).to_string()] = ec2.Port.tcp(port)
        if options.protocol in WITH_UDP:
            ports[ec2.Port.udp(port).to_string()] = ec2.Port.udp(port)
        for text, each in ports.items():
            self._service.connections.allow_from(balancer, each, f"Allow from the load balancer on port {text}")
