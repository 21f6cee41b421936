"""Which service answers at which port of a network load balancer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Protocol

from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct, Node

from fargate_constructs._core.app_singleton import app_singleton
from fargate_constructs._core.arguments import checked
from fargate_constructs._core.construct_paths import path_of
from fargate_constructs._core.lazy_cdk import aws_certificatemanager as acm
from fargate_constructs._core.unresolved import is_dummy, is_known, is_unresolved
from fargate_constructs._core.validation import validate_range, validate_seconds
from fargate_constructs.endpoint.ingress import IPV4, IPV6, TCP, UDP, CallerGroups, Ingress

NetworkProtocol = elbv2.Protocol
PROTOCOLS = (NetworkProtocol.TCP, NetworkProtocol.TLS, NetworkProtocol.UDP, NetworkProtocol.TCP_UDP)
WITH_UDP = (NetworkProtocol.UDP, NetworkProtocol.TCP_UDP)
MAX_PORT = 65535
# https://docs.aws.amazon.com/elasticloadbalancing/latest/network/update-idle-timeout.html
MIN_IDLE_SECONDS, MAX_IDLE_SECONDS = 60, 6000
# https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-limits.html; AWS does not raise it.
MAX_LISTENERS = 50


class ListenerTarget(Protocol):
    """What a listener needs of a service. `FargateService` has it."""

    @property
    def node(self) -> Node:
        """The service's node in the construct tree."""

    @property
    def add_network_listener(self) -> Callable[..., elbv2.NetworkListener]:
        """Makes the listener and its target group: `FargateService.add_network_listener`."""


class ListeningEndpoint(Construct):
    """A network load balancer, and the services at its ports."""

    load_balancer: elbv2.INetworkLoadBalancer
    """The network load balancer."""

    @checked
    def add_listener(
        self,
        id: str,
        *,
        port: int,
        service: ListenerTarget,
        protocol: elbv2.Protocol | None = None,
        certificate: acm.ICertificate | None = None,
        allow_cidrs: Sequence[str] | None = None,
        allow_from: Sequence[ec2.IConnectable] | None = None,
        preserve_client_ip: bool | None = None,
        # From NetworkListenerOptions without load_balancer, by make signatures:
        ssl_policy: elbv2.SslPolicy | None = None,
        idle_timeout: Duration | None = None,
        target_port: str = "",
        alpn_policy: elbv2.AlpnPolicy | None = None,
        test_port: int | None = None,
        health_check_port: str | None = None,
        health_check_protocol: elbv2.Protocol = elbv2.Protocol.TCP,
        deregistration_delay: Duration | None = None,
        proxy_protocol_v2: bool = False,
        target_group_port: int = 1,
    ) -> elbv2.NetworkListener:
        """Send the connections to a port to a service.

        Args:
            id: The listener's ID; unique among the service's listeners.
            port: The port that callers connect to, 1 to 65,535; unique at the load balancer.
            service: The service that answers. The listener and its target group become the service's children, so a
                stack with a service depends on the endpoint's stack and never the other way round.
            protocol: `elbv2.Protocol.TCP`, `TLS`, `UDP` or `TCP_UDP` (both at one port, for DNS). By default TLS if
                there is a *certificate*, and else TCP, which passes encrypted connections through unopened.
            certificate: The certificate of a TLS listener. By default one is made for the endpoint's domain name.
            allow_cidrs: The address ranges of this listener's callers. By default those of the endpoint.
            allow_from: Further callers of this listener. By default those of the endpoint.
            preserve_client_ip: Whether tasks see the addresses of callers. By default they do, except over TCP and TLS
                at an internal load balancer, where a task could then not connect to its own service.
            ssl_policy: The TLS versions and ciphers of a TLS listener. By default TLS 1.2 with forward secrecy, and 1.3
                with the post-quantum key exchange.
            idle_timeout: After how long without data a TCP connection is closed, 60 to 6,000 s. By default 350 s. AWS
                does not change the time of TLS (350 s) and UDP (120 s).
            target_port: The name of the port that gets the connections, of a service that has several, or of a
                sidecar's port mapping. By default its first port.
            alpn_policy: The protocols of the application that a TLS listener offers callers (ALPN), such as
                `elbv2.AlpnPolicy.HTTP2_PREFERRED`. By default none.
            test_port: A second port at which callers reach the new tasks of a deployment that shifts traffic, before
                others do, with the same protocol, certificate and callers. By default there is none.
            health_check_port: The name of the port whose health is checked, by TCP or HTTP. By default that of the
                port's `Health`, and else *target_port*. UDP needs one; the empty name is the first port.
            health_check_protocol: `elbv2.Protocol.TCP` (default): a task is healthy if it accepts a connection. `HTTP`
                or `HTTPS`: if it answers the path of the service's `Health`.
            deregistration_delay: How long the connections of an old task may go on, 0 to 3,600 s; then they are closed.
                By default that of the port's `Health`, but at least the 120 s that AWS recommends: for so long some
                nodes of the load balancer may send it new connections.
            proxy_protocol_v2: Whether each connection begins with a header of the PROXY protocol, version 2, with the
                caller's address, also that of a health check. The service must read it. By default not.
            target_group_port: The `Port` of the target group. It has no effect, because ECS registers each task with
                its own port
                (https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html). A
                change replaces the group: keep that of a target group that is deployed. By default 1.

        Raises:
            TypeError: If an argument has another type than its annotation.
            ValueError: If a port is in use or the load balancer has 50 listeners; if a certificate is given without
                TLS, or TLS has none; if UDP is given at a dual-stack endpoint, or with what it does not have; if
                the callers do not fit into the security groups; or if the service refuses the listener.
        """
        protocol = protocol or (NetworkProtocol.TLS if certificate else NetworkProtocol.TCP)
        ports = [port] if test_port is None else [port, test_port]
        self._validate_ports(id, ports)
        self._validate_listener(id, protocol, certificate, idle_timeout)
        ingress = self._callers_of(ports, protocol, allow_cidrs, allow_from)
        if protocol is NetworkProtocol.TLS:
            certificate = certificate or self._domain_certificate()
        made = service.add_network_listener(
            id,
            load_balancer=self.load_balancer,
            port=port,
            protocol=protocol,
            certificate=certificate,
            ssl_policy=ssl_policy,
            idle_timeout=idle_timeout,
            alpn_policy=alpn_policy,
            test_port=test_port,
            target_port=target_port,
            health_check_port=health_check_port,
            health_check_protocol=health_check_protocol,
            deregistration_delay=deregistration_delay,
            preserve_client_ip=(
                self._preserves_client_ip or protocol in WITH_UDP if preserve_client_ip is None else preserve_client_ip
            ),
            proxy_protocol_v2=proxy_protocol_v2,
            target_group_port=target_group_port,
        )
        self._names.update(dict.fromkeys(ports, f"{id!r} of {path_of(service)}"))
        if ingress:
            self._callers.allow(ingress)
        if protocol is NetworkProtocol.TLS:
            self._log_connections()
        return made

    def _validate_ports(self, id: str, ports: Sequence[int]) -> None:
        """Refuse ports that AWS would refuse."""
        for name, port in zip(("port", "test_port"), ports, strict=False):
            if is_unresolved(port):
                raise ValueError(f"{name} must be known at synthesis, got a token: listeners must not share one")
            validate_range(name, port, 1, MAX_PORT)
            if port in self._names:
                raise ValueError(
                    f"{name} must differ from those of other listeners, got: {port} for {id!r}, which "
                    f"{self._names[port]} has; protocol=elbv2.Protocol.TCP_UDP serves TCP and UDP at one port",
                )
        if len({*ports}) < len(ports):
            raise ValueError(f"test_port must differ from port, got: {ports[0]} for both of {id!r}")
        if len(self._names) + len(ports) > MAX_LISTENERS:
            raise ValueError(
                f"a network load balancer has at most {MAX_LISTENERS} listeners, got another: {id!r}; make a second "
                "TcpEndpoint",
            )

    def _validate_listener(
        self, id: str, protocol: elbv2.Protocol, certificate: acm.ICertificate | None, idle_timeout: Duration | None
    ) -> None:
        """Refuse what AWS would refuse."""
        if protocol not in PROTOCOLS:
            raise ValueError(
                f"protocol must be {', '.join(each.name for each in PROTOCOLS)}, got: {protocol.name}; HTTP has routes "
                "at an HttpEndpoint, or passes through with TCP",
            )
        if certificate and protocol is not NetworkProtocol.TLS:
            raise ValueError(f"certificate needs protocol TLS, got it for listener {id!r} with {protocol.name}")
        if protocol is NetworkProtocol.TLS and not certificate:
            self._validate_domain_certificate(id)
        if idle_timeout and protocol is not NetworkProtocol.TCP:
            raise ValueError(
                f"idle_timeout can be set for TCP only, got it for listener {id!r} with {protocol.name}; AWS closes "
                "TLS connections after 350 s without data, and forgets UDP flows after 120 s",
            )
        validate_seconds("idle_timeout", idle_timeout, MIN_IDLE_SECONDS, MAX_IDLE_SECONDS)
        if protocol in WITH_UDP and self._is_dual_stack:
            # AWS wants IPv6 target groups for it, into which ECS registers tasks of IPv6-only subnets
            # (https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-listeners.html and
            # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-networking.html).
            raise ValueError(
                f"a dual-stack TcpEndpoint serves TCP and TLS only, got listener {id!r} with {protocol.name}; make "
                "an endpoint with ip_address_type=elbv2.IpAddressType.IPV4 for it",
            )

    @cached_property
    def _names(self) -> dict[int, str]:
        """The listener at each port of the load balancer, and its service. All endpoints of it share them."""
        arn = self.load_balancer.load_balancer_arn
        return app_singleton(self, _NamesByLoadBalancer)[arn if is_known(arn) else path_of(self.load_balancer)]

    @cached_property
    def _callers(self) -> CallerGroups:
        return CallerGroups(self, self.load_balancer)

    def _callers_of(
        self,
        ports: Sequence[int],
        protocol: elbv2.Protocol,
        allow_cidrs: Sequence[str] | None,
        allow_from: Sequence[ec2.IConnectable] | None,
    ) -> Ingress | None:
        """Return the callers of a listener, if there is room for their rules; `None` if they are not managed here."""
        if allow_cidrs is None and allow_from is None:
            allow_cidrs, allow_from = self._allow_cidrs, self._allow_from
        ingress = Ingress.of(
            self,
            allow_cidrs=allow_cidrs,
            allow_from=allow_from,
            ports=ports,
            protocols=[TCP, UDP] if protocol is NetworkProtocol.TCP_UDP else [UDP if protocol in WITH_UDP else TCP],
            internal=self._allows_none,
            families=[IPV4] if self._is_dual_stack is False else [IPV4, IPV6],
        )
        if ingress.is_empty:
            return None
        self._callers.validate(ingress)
        return ingress

    # What differs between an endpoint made here and an imported load balancer.

    _allow_cidrs: Sequence[str] | None = None
    _allow_from: Sequence[ec2.IConnectable] | None = None
    _allows_none: bool = True
    """Whether no address may call if callers are not given."""
    _is_dual_stack: bool | None = None
    """Whether callers have IPv6 too; `None` if that is not known here."""
    _preserves_client_ip: bool = False

    def _validate_domain_certificate(self, id: str) -> None:
        raise ValueError(f"protocol TLS needs a certificate, got none for listener {id!r}; pass certificate=...")

    def _domain_certificate(self) -> acm.ICertificate | None:
        """Return the certificate of the endpoint's domain name."""

    def _log_connections(self) -> None:
        """Turn on the access logs, which AWS has for TLS only."""


class ImportedTcpEndpoint(ListeningEndpoint):
    """A network load balancer made elsewhere. Made by `TcpEndpoint.from_load_balancer`."""

    def __init__(self, scope: Construct, id: str, load_balancer: elbv2.INetworkLoadBalancer) -> None:
        super().__init__(scope, id)
        self.load_balancer = load_balancer
        # An import by attributes does not say it, and before a look-up CDK only guesses.
        if load_balancer.ip_address_type and not is_dummy(load_balancer.load_balancer_arn):
            self._is_dual_stack = load_balancer.ip_address_type is elbv2.IpAddressType.DUAL_STACK


class _NamesByLoadBalancer(defaultdict[str, dict[int, str]]):
    """The listeners of each load balancer of an app by port; the key is its ARN if that is known, or else its path."""

    def __init__(self) -> None:
        super().__init__(dict)
