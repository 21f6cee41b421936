"""The one fixed address at which callers reach many services.

```
caller ──> [HttpEndpoint] ──> FargateService ──> FixedEgressNetwork ──> internet
           (ALB, TLS, routes)
```
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Literal

import jsii
from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct

from fargate_constructs._core.argument_messages import refuse_attribute
from fargate_constructs._core.arguments import checked, forward
from fargate_constructs._core.lazy_cdk import aws_certificatemanager as acm
from fargate_constructs._core.lazy_cdk import aws_route53 as route53
from fargate_constructs._core.lazy_cdk import aws_route53_targets as targets
from fargate_constructs._core.lazy_cdk import aws_s3 as s3
from fargate_constructs._core.lazy_cdk import aws_ssm as ssm
from fargate_constructs._core.rule_ports import tcp_port
from fargate_constructs.endpoint.access_logs import AccessLogs
from fargate_constructs.endpoint.domains import Domains, validate_domain, validate_further
from fargate_constructs.endpoint.endpoint_metrics import EndpointMetrics
from fargate_constructs.endpoint.fronts import Front
from fargate_constructs.endpoint.ingress import CallerGroups, Ingress
from fargate_constructs.endpoint.listeners import asks_for_certificates, make_listeners, validate_tls_options
from fargate_constructs.endpoint.load_balancer import LoadBalancerOptions, default_ip_address_type
from fargate_constructs.endpoint.managed_web_acl import associate_web_acl
from fargate_constructs.endpoint.routes import ImportedEndpoint, RoutedEndpoint
from fargate_constructs.endpoint.shared_endpoint import SharedEndpoint
from fargate_constructs.endpoint.sharing import share_endpoint
from fargate_constructs.endpoint.static_ips import StaticIps, publish_ips, validate_static_ips
from fargate_constructs.endpoint.teams import Team
from fargate_constructs.endpoint.web_acl import WebAcl
from fargate_constructs.network.network import Network

_seconds = cache(Duration.seconds)


@jsii.implements(ec2.IConnectable)
class HttpEndpoint(EndpointMetrics, RoutedEndpoint):
    """A load balancer with one listener that serves many services.

    With a certificate, or a domain name and its hosted zone, it serves HTTPS (TLS 1.2 and 1.3) and redirects HTTP.
    With neither it serves plain HTTP, and synthesis warns. A request that matches no route is answered with 404.
    Headers with invalid names are dropped, and ambiguous requests are refused. Access logs are kept.

    ```python
    endpoint = HttpEndpoint(stack, "Endpoint", network=network, domain_name="shop.example.com", hosted_zone=zone)
    endpoint.add_route("Web", service=web)
    endpoint.add_route("Api", service=api, paths=["/api/*"])
    ```
    """

    load_balancer: elbv2.ApplicationLoadBalancer

    if not TYPE_CHECKING:  # for type checkers no name would be wrong
        __getattr__ = refuse_attribute

    @checked
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        network: Network,
        certificate: acm.ICertificate | None = None,
        domain_name: str | None = None,
        hosted_zone: route53.IHostedZone | None = None,
        mutual_authentication: elbv2.MutualAuthentication | None = None,
        ssl_policy: elbv2.SslPolicy | None = None,
        internal: bool = False,
        allow_cidrs: Sequence[str] | None = None,
        allow_from: Sequence[ec2.IConnectable] | None = None,
        web_acl: WebAcl | None = None,
        static_ips: bool | Sequence[str] = False,
        ip_address_type: elbv2.IpAddressType | None = None,
        idle_timeout: Duration | None = None,
        deletion_protection: bool = True,
        load_balancer_name: str | None = None,
        security_group_description: str | None = None,
        access_log_bucket: s3.IBucket | None = None,
        access_log_prefix: str | None = None,
        access_log_expiration: Duration | None = None,
        connection_logs: bool = False,
    ) -> None:
        """A load balancer with one listener that serves many services.

        Args:
            scope: The construct that owns the endpoint.
            id: The construct's ID.
            network: The network of the load balancer. It is in the first public subnet of each zone, or in the first
                task subnet of each zone if it is internal.
            certificate: The certificate to serve. By default one is made for *domain_name*, validated by public DNS.
            domain_name: The name callers use, such as `shop.example.com`. By default the load balancer's own.
            hosted_zone: The zone of *domain_name*; alias records are made in it. By default no record is made.
            mutual_authentication: Which certificates callers must show; docs/endpoint.md has an example. By default
                none.
            ssl_policy: The TLS versions and ciphers, such as `elbv2.SslPolicy.RECOMMENDED_TLS` for callers that cannot
                do better. By default TLS 1.2 with forward secrecy, and 1.3 with the post-quantum key exchange.
            internal: Whether the load balancer has private addresses only, for callers in the VPC and in networks
                joined to it. By default it faces the internet. AWS cannot change this of a load balancer that has
                routes.
            allow_cidrs: The address ranges of the callers. By default every address if the load balancer faces the
                internet and there is no *allow_from*; none if it is internal.
            allow_from: Further callers: security groups, `ec2.Peer.prefix_list(...)`, or constructs with `connections`.
                By default there are none.
            web_acl: Which requests are refused. `WebAcl.managed()` has AWS's rules. By default no web ACL.
            static_ips: Whether callers reach it at Elastic IPs that stay, one for each zone, on a network load balancer
                in front of this one; see `ingress_ips`. Or the allocation IDs (`eipalloc-…`) of your Elastic IPs, one
                for each zone. By default the addresses change.
            ip_address_type: `elbv2.IpAddressType.DUAL_STACK` for callers with IPv6 too, in a VPC that has it;
                `DUAL_STACK_WITHOUT_PUBLIC_IPV4` for callers with IPv6 only, which saves 3.65 USD a month in each zone.
                By default `DUAL_STACK` if the network has it, `IPV4` if it has not, or with *internal* or *static_ips*.
            idle_timeout: After how long without data a connection is closed, 1 to 4,000 s. By default 60 s. A service
                should keep idle connections open for longer, or callers get some responses with status 502.
            deletion_protection: Whether AWS refuses to delete the load balancer. By default it does, because its DNS
                name is lost with it. Deploy with `False` before you destroy the stack.
            load_balancer_name: The load balancer's name, 1 to 32 letters, digits and hyphens. A change replaces it. By
                default AWS chooses one, so that CloudFormation can replace the load balancer if it must.
            security_group_description: The `GroupDescription` of the load balancer's security group. Only for a load
                balancer that is deployed already: a change replaces the group. By default that of this library.
            access_log_bucket: The bucket for access logs, encrypted with SSE-S3, such as `archive.access_log_bucket`.
                By default a private bucket is made.
            access_log_prefix: The prefix of their keys, before `AWSLogs/`. By default none.
            access_log_expiration: After how long access logs are deleted from the bucket made here. By default 90 days.
            connection_logs: Whether each TLS connection is logged in that bucket, with the reason if it was refused. By
                default not.

        Raises:
            TypeError: If an argument has another type than its annotation.
            ValueError: If a domain name has neither a hosted zone nor a certificate, a hosted zone has no domain name
                or is private and has no certificate beside it, or the domain name is outside the zone; if *static_ips*,
                which are public IPv4 addresses, are given to an internal or dual-stack endpoint; if
                *mutual_authentication*, *ssl_policy* or *connection_logs* is given without TLS; if the access logs
                could not be written; if there are no subnets in two zones for the load balancer; or if an argument is
                in another region or account than the stack (the bucket may be in another account).
        """
        has_tls = bool(certificate or hosted_zone)
        ip_address_type = ip_address_type or default_ip_address_type(
            network, is_public=not internal and static_ips is False
        )
        idle_timeout = idle_timeout or _seconds(60)
        options = LoadBalancerOptions(**forward(LoadBalancerOptions, locals()))
        access_logs = AccessLogs(
            bucket=access_log_bucket,
            prefix=access_log_prefix,
            expiration=access_log_expiration,
            connection_logs=connection_logs,
        )
        options.validate()
        access_logs.validate(id)
        validate_domain(certificate, domain_name, hosted_zone)
        validate_tls_options(**forward(validate_tls_options, locals()))
        validate_static_ips(
            static_ips, subnets=options.subnets, internal=internal, ip_address_type=options.ip_address_type
        )
        ingress = Ingress.of(
            scope,
            allow_cidrs=allow_cidrs,
            allow_from=allow_from,
            ports=(80, 443) if has_tls else (80,),
            internal=internal,
            families=options.families,
        )
        super().__init__(scope, id)

        self.domain_name = domain_name
        self.is_internal = internal
        """Whether only callers inside the VPC reach it."""
        self._asks_for_certificates = asks_for_certificates(mutual_authentication)
        self.load_balancer = options.make(self)
        """The application load balancer."""
        self.access_log_bucket = access_logs.enable(self, self.load_balancer)
        self._families = options.families
        self._domains = Domains(lambda: targets.LoadBalancerTarget(self.load_balancer), options.families)
        if domain_name:
            certificate = self._domains.add(self, domain_name, hosted_zone=hosted_zone, certificate=certificate)
        self.listeners = make_listeners(
            self, self.load_balancer, certificate, mutual_authentication=mutual_authentication, ssl_policy=ssl_policy
        )
        """The listener of HTTP, and that of HTTPS if there is a certificate."""
        self.listener: elbv2.ApplicationListener = self.listeners[-1]
        """The listener that has the routes: the last of *listeners*."""
        self._front = Front(self, self._domains)
        self.static_ips = self._make_static_ips(options, () if static_ips is True else static_ips)
        """The network load balancer in front of this one, with its Elastic IPs, if there is one."""
        callers = CallerGroups(self, self._outer_load_balancer, network.vpc)
        # Always the same object: while CDK makes a rule, it notes on this object the stack that the rule is for.
        self._connections = ec2.Connections(
            security_groups=callers.groups[:1], default_port=tcp_port(ingress.ports[-1])
        )
        callers.allow(ingress)
        self._ingress = ingress
        self.web_acl = associate_web_acl(self, self.load_balancer, web_acl)
        """The web ACL, if one was made."""

    @staticmethod
    @checked
    def from_listener(scope: Construct, id: str, listener: elbv2.IApplicationListener) -> ImportedEndpoint:
        """Use a listener made elsewhere, to add routes to it.

        Look it up with `elbv2.ApplicationListener.from_lookup(...)`, or import it and the security group of its load
        balancer with `elbv2.ApplicationListener.from_application_listener_attributes(...)`. Rules that are not made in
        this app are not known here. AWS refuses a priority that is in use, so give such a route another *priority*.

        Args:
            scope: The construct that owns the endpoint.
            id: The construct's ID.
            listener: The listener.
        """
        return ImportedEndpoint(scope, id, listener)

    @staticmethod
    @checked
    def from_shared(scope: Construct, id: str, *, parameter_name: str, team: Team) -> SharedEndpoint:
        """Use an endpoint that the app of another team shares by `share`, in the same account and region.

        It has `add_route`, `add_redirect`, `add_fixed_response`, `maintenance` and `add_domain`. Routes match only what
        the team owns, and their priorities are the team's. See docs/teams.md.

        Args:
            scope: The construct that owns the endpoint.
            id: The construct's ID.
            parameter_name: What the names of the parameters begin with, as `share` has it.
            team: The team, equal to that in `share`. Else the deployment fails before it changes anything.

        Raises:
            ValueError: If the stack has it already, or *parameter_name* is malformed or known only when deployed.
        """
        return SharedEndpoint(scope, id, parameter_name=parameter_name, team=team)

    @property
    def connections(self) -> ec2.Connections:
        """The security group that callers connect to: of the network load balancer if there are static IPs."""
        return self._connections

    @property
    def has_tls(self) -> bool:
        """Whether it serves HTTPS."""
        return len(self.listeners) > 1

    @property
    def domain_names(self) -> Sequence[str]:
        """All domain names added so far."""
        return tuple(self._domains.names)

    @property
    def url(self) -> str:
        """The endpoint's URL, such as `https://shop.example.com` (a token without a domain name)."""
        host = self.domain_name or self._outer_load_balancer.load_balancer_dns_name
        return f"{'https' if self.has_tls else 'http'}://{host}"

    @property
    def ingress_ips(self) -> Sequence[str]:
        """The IPv4 addresses of *static_ips* (tokens until deployed). Empty without, and for your own Elastic IPs."""
        pool = self.static_ips.elastic_ip_pool if self.static_ips else None
        return pool.public_ips if pool else ()

    @checked
    def publish(self, *, parameter_name: str) -> ssm.StringListParameter:
        """Write `ingress_ips` to an SSM parameter, for other teams' stacks to read.

        Args:
            parameter_name: The parameter's name, such as `/endpoint/ingress-ips`.

        Raises:
            ValueError: If there are no such addresses, or they are published already.
        """
        return publish_ips(self, self.ingress_ips, parameter_name)

    @checked
    def add_domain(
        self,
        domain_name: str,
        *,
        hosted_zone: route53.IHostedZone | None = None,
        certificate: acm.ICertificate | None = None,
    ) -> acm.ICertificate:
        """Serve a further name with its own certificate. The load balancer chooses the certificate by SNI.

        All names share the routes; `hosts` of a route tells them apart. A load balancer takes 25 further certificates.

        Args:
            domain_name: The name, such as `shop.example.org` or `*.example.org`.
            hosted_zone: Its zone, in which records are made. By default no record is made.
            certificate: Its certificate. By default one is made, validated by public DNS.

        Raises:
            ValueError: If the endpoint serves plain HTTP; if the name is known only when deployed, was added before, or
                cannot be served; or if its records would point at a front in another stack.
        """
        if not self.has_tls:
            raise ValueError(
                f"{self.node.path} has no TLS, got domain_name {domain_name!r}; give it a first domain_name"
            )
        validate_further(domain_name, hosted_zone, certificate)
        if hosted_zone:
            self._front.validate_records()
        return self._domains.add_further(
            self,
            self.listener,
            domain_name,
            hosted_zone=hosted_zone,
            certificate=certificate,
        )

    @checked
    def share(self, *, parameter_name: str, teams: Sequence[Team]) -> Sequence[ssm.StringParameter]:
        """Let teams add routes and certificates in apps of their own, by `HttpEndpoint.from_shared`.

        Call it once, after a front in place of the load balancer was made. It writes SSM parameters that the stacks of
        the teams read; see docs/teams.md. Routes of this app leave out the priorities of the teams.

        Args:
            parameter_name: What the names of the parameters begin with, such as `/platform/endpoint`.
            teams: The teams. Each has requests and priorities of its own.

        Raises:
            ValueError: If two teams have the same name, priorities or requests; if a team may use TLS or sign-in and
                the endpoint has plain HTTP; or if it, or another one of the stack by this *parameter_name*, is shared
                already. Synthesis fails if a route of this app has a team's priority, or takes a team's requests by a
                computed priority; or if all rules or certificates together exceed what AWS allows.
        """
        return share_endpoint(self, parameter_name=parameter_name, teams=teams)

    def _origin(self) -> Mapping[str, str]:
        if self.has_tls:
            return {}
        return {
            "protocol": self._front.of_callers("HTTPS", "#{protocol}"),
            "port": self._front.of_callers("443", "#{port}"),
        }

    def _make_static_ips(
        self, options: LoadBalancerOptions, allocation_ids: Literal[False] | Sequence[str]
    ) -> StaticIps | None:
        if allocation_ids is False:
            return None
        made = StaticIps(self, "StaticIps", options=options, allocation_ids=allocation_ids, listeners=self.listeners)
        self._front.register(made, targets.LoadBalancerTarget(made.network_load_balancer))
        return made

    @property
    def _outer_load_balancer(self) -> elbv2.ApplicationLoadBalancer | elbv2.NetworkLoadBalancer:
        """The load balancer that callers connect to."""
        return self.static_ips.network_load_balancer if self.static_ips else self.load_balancer
