"""The protocol of the proxies between linked services."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from fargate_constructs._core.arguments import checked, forward
from fargate_constructs._core.lazy_cdk import aws_acmpca as acmpca
from fargate_constructs._core.lazy_cdk import aws_servicediscovery as servicediscovery
from fargate_constructs._core.named_constructors import NamedConstructors
from fargate_constructs._core.validation import validate_seconds

# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TimeoutConfiguration.html
TIMEOUTS = (0, 2**31 - 1)


@dataclass(frozen=True, init=False)
class ServiceConnect(NamedConstructors):
    """How other services reach a service by its name. Made by one of the named constructors.

    The protocol is in the task definition from the start. AWS does not change it for a service that others reach by
    name, not even from none to one: such a service must be deleted and made again
    (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PortMapping.html). Everything else can change
    at any time.

    ```python
    FargateService(stack, "Redis", network=network, image=redis, port=6379, service_connect=ServiceConnect.tcp())
    ```
    """

    protocol: str | None
    per_request_timeout: Duration | None = None
    idle_timeout: Duration | None = None
    certificate_authority: acmpca.ICertificateAuthority | None = None
    namespace: servicediscovery.INamespace | None = None

    @classmethod
    @checked
    def http(
        cls,
        *,
        per_request_timeout: Duration | None = None,
        idle_timeout: Duration | None = None,
        certificate_authority: acmpca.ICertificateAuthority | None = None,
        namespace: servicediscovery.INamespace | None = None,
    ) -> ServiceConnect:
        """HTTP/1.1: each request is balanced, counted in CloudWatch, and retried if there is no answer.

        Args:
            per_request_timeout: How long a response may take. By default there is no limit; ECS's own limit of 15 s
                would cut streams and long requests.
            idle_timeout: How long a connection may be silent; 0 s forever. By default 5 minutes, with `tcp` 1 hour.
            certificate_authority: A private CA of AWS's, by whose certificates the proxies encrypt the traffic between
                tasks. URLs still begin with `http`. By default the traffic is not encrypted.
            namespace: The Cloud Map namespace; linked services must have the same. By default the VPC's, which is made
                with the first link.

        Raises:
            ValueError: If a timeout is not whole seconds.
        """
        return cls._of("http", locals())

    @classmethod
    @checked
    def http2(
        cls,
        *,
        # From ServiceConnect.http, by make signatures:
        per_request_timeout: Duration | None = None,
        idle_timeout: Duration | None = None,
        certificate_authority: acmpca.ICertificateAuthority | None = None,
        namespace: servicediscovery.INamespace | None = None,
    ) -> ServiceConnect:
        """HTTP/2 without encryption by the application; otherwise as `http`.

        Args:
            per_request_timeout: How long a response may take. By default there is no limit; ECS's own limit of 15 s
                would cut streams and long requests.
            idle_timeout: How long a connection may be silent; 0 s forever. By default 5 minutes, with `tcp` 1 hour.
            certificate_authority: A private CA of AWS's, by whose certificates the proxies encrypt the traffic between
                tasks. URLs still begin with `http`. By default the traffic is not encrypted.
            namespace: The Cloud Map namespace; linked services must have the same. By default the VPC's, which is made
                with the first link.

        Raises:
            ValueError: If a timeout is not whole seconds.
        """
        return cls._of("http2", locals())

    @classmethod
    @checked
    def grpc(
        cls,
        *,
        # From ServiceConnect.http, by make signatures:
        per_request_timeout: Duration | None = None,
        idle_timeout: Duration | None = None,
        certificate_authority: acmpca.ICertificateAuthority | None = None,
        namespace: servicediscovery.INamespace | None = None,
    ) -> ServiceConnect:
        """gRPC: as `http` for each call, although all calls of a client share one connection.

        Args:
            per_request_timeout: How long a response may take. By default there is no limit; ECS's own limit of 15 s
                would cut streams and long requests.
            idle_timeout: How long a connection may be silent; 0 s forever. By default 5 minutes, with `tcp` 1 hour.
            certificate_authority: A private CA of AWS's, by whose certificates the proxies encrypt the traffic between
                tasks. URLs still begin with `http`. By default the traffic is not encrypted.
            namespace: The Cloud Map namespace; linked services must have the same. By default the VPC's, which is made
                with the first link.

        Raises:
            ValueError: If a timeout is not whole seconds.
        """
        return cls._of("grpc", locals())

    @classmethod
    @checked
    def tcp(
        cls,
        *,
        # From ServiceConnect.http without per_request_timeout, by make signatures:
        idle_timeout: Duration | None = None,
        certificate_authority: acmpca.ICertificateAuthority | None = None,
        namespace: servicediscovery.INamespace | None = None,
    ) -> ServiceConnect:
        """Every protocol: connections are balanced, not requests, and nothing is counted or retried.

        Args:
            idle_timeout: How long a connection may be silent; 0 s forever. By default 5 minutes, with `tcp` 1 hour.
            certificate_authority: A private CA of AWS's, by whose certificates the proxies encrypt the traffic between
                tasks. URLs still begin with `http`. By default the traffic is not encrypted.
            namespace: The Cloud Map namespace; linked services must have the same. By default the VPC's, which is made
                with the first link.

        Raises:
            ValueError: If a timeout is not whole seconds.
        """
        return cls._of(None, locals())

    @classmethod
    def _of(cls, protocol: str | None, given: Mapping[str, Any]) -> ServiceConnect:
        options = forward(cls.http if protocol else cls.tcp, given)
        for name in ("per_request_timeout", "idle_timeout"):
            validate_seconds(name, options.get(name), *TIMEOUTS)
        if protocol:
            options["per_request_timeout"] = options["per_request_timeout"] or _no_limit()
        return cls._make(protocol=protocol, **options)

    @property
    def _app_protocol(self) -> ecs.AppProtocol | None:
        """The protocol of the port mapping; none means TCP."""
        return _cdk_protocol(self.protocol) if self.protocol else None


@cache
def _cdk_protocol(name: str) -> ecs.AppProtocol:
    protocol: ecs.AppProtocol = getattr(ecs.AppProtocol, name)
    return protocol


@cache
def _no_limit() -> Duration:
    return Duration.seconds(0)


@cache
def default_service_connect(
    protocol: elbv2.ApplicationProtocol, version: elbv2.ApplicationProtocolVersion
) -> ServiceConnect:
    """Return how others reach a service with these protocols; no proxy can read what the service encrypts."""
    if protocol is elbv2.ApplicationProtocol.HTTPS:
        return ServiceConnect.tcp()
    names = {"HTTP1": ServiceConnect.http, "HTTP2": ServiceConnect.http2, "GRPC": ServiceConnect.grpc}
    return names[version.name]()


def validate_service_connect(
    service_connect: ServiceConnect | None, protocols: Iterable[elbv2.ApplicationProtocol], *, on_windows: bool
) -> None:
    """Refuse Windows, which has no proxies, and HTTPS that the proxies would have to read."""
    if service_connect is None:
        return
    if on_windows:
        raise ValueError("service_connect must be left out for Windows tasks, for which there are no proxies")
    if service_connect.protocol and elbv2.ApplicationProtocol.HTTPS in protocols:
        raise ValueError(
            "service_connect must be ServiceConnect.tcp(...) for protocol HTTPS, which the proxies cannot read, "
            f"got: ServiceConnect.{service_connect.protocol}(...)"
        )
