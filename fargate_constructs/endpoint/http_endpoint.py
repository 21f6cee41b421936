"""The one fixed address at which callers reach many services.

```
caller ──> [HttpEndpoint] ──> FargateService ──> FixedEgressNetwork ──> the world
           (ALB, TLS, routes)
```
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import jsii
from aws_cdk import Annotations, Duration, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_route53_targets as targets
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from fargate_constructs._core.argument_messages import refuse_attribute
from fargate_constructs._core.arguments import checked
from fargate_constructs._core.nag_suppressions import acknowledge
from fargate_constructs._core.unresolved import is_unresolved
from fargate_constructs.endpoint.access_logs import log_to, validate_access_logs
from fargate_constructs.endpoint.domains import Domains, validate_domain
from fargate_constructs.endpoint.ingress import Callers
from fargate_constructs.endpoint.listeners import listen_http, listen_https, validate_tls_options
from fargate_constructs.endpoint.load_balancer import make_load_balancer, subnets_of, validate_load_balancer
from fargate_constructs.endpoint.routes import RoutedEndpoint
from fargate_constructs.endpoint.static_ips import StaticIps, validate_static_ips
from fargate_constructs.endpoint.web_acl import WebAcl
from fargate_constructs.network.network import Network

# The ID by which the warning of it can be acknowledged.
PLAIN_HTTP = "fargate-constructs:plainHttp"


@jsii.implements(ec2.IConnectable)
class HttpEndpoint(RoutedEndpoint):
    """A load balancer with one listener that serves many services.

    With a certificate, or a domain name and its hosted zone, it speaks HTTPS (TLS 1.2 and 1.3) and redirects HTTP;
    with neither it speaks plain HTTP, and synthesis warns. Requests that no route claims are answered 404. Headers
    with invalid names are dropped, and requests that could be read in two ways are refused. Access logs are kept.

    ```python
    endpoint = HttpEndpoint(stack, "Endpoint", network=network, domain_name="shop.example.com", hosted_zone=zone)
    endpoint.add_route("Web", service=web)
    endpoint.add_route("Api", service=api, paths=["/api/*"])
    ```

    Args:
        scope: The construct that owns the endpoint.
        id: The construct's ID.
        network: The network whose public subnets, or task subnets if internal, the load balancer stands in, in the
            first of each zone.
        certificate: The certificate to serve. By default one is made for *domain_name*, validated by public DNS.
        domain_name: The name callers use, such as `shop.example.com`. By default the load balancer's own.
        hosted_zone: The zone of *domain_name*; alias records are made in it. By default no record is made.
        mutual_authentication: Which certificates callers must show; docs/endpoint.md has an example. By default none.
        internal: Whether the load balancer is reached from within the VPC, and from what is joined to it, only. By
            default it faces the internet. AWS cannot change this of a load balancer that has routes.
        allow_cidrs: The address ranges that may call. By default everybody if it faces the internet and *allow_from*
            names nobody either; nobody if it is internal.
        allow_from: Who else may call: security groups, `ec2.Peer.prefix_list(...)`, or constructs with `connections`.
        web_acl: Which requests are refused. `WebAcl.managed()` has AWS's rules. By default no web ACL.
        static_ips: Whether callers reach it at Elastic IPs that stay, one for each zone, on a network load balancer
            before this one; see `ingress_ips`. Or the allocation IDs (`eipalloc-…`) of those that you have, zone by
            zone. By default not: the addresses change.
        ip_address_type: `elbv2.IpAddressType.DUAL_STACK` for callers with IPv6, in a VPC that has it. By default IPv4.
        idle_timeout: How long a connection may be silent, 1 to 4,000 s. By default 60 s; a service should keep its
            side of an idle connection open for longer, or callers now and then get a 502.
        deletion_protection: Whether AWS refuses to delete the load balancer. By default it does: its DNS name cannot
            be had back. Deploy with `False` before you destroy the stack.
        access_log_bucket: Where access logs go, encrypted with SSE-S3: `archive.access_log_bucket` for example. By
            default a private bucket is made.
        access_log_prefix: What their keys begin with, before `AWSLogs/`. By default nothing.
        access_log_expiration: After how long access logs are deleted from the bucket made here. By default 90 days.
        connection_logs: Whether each TLS connection is logged there too, refused ones with the reason. By default not.

    Raises:
        TypeError: If an argument has another type than its annotation.
        ValueError: If a domain name has neither a hosted zone nor a certificate, a hosted zone has no domain name or
            is private and has no certificate beside it, or the domain name lies outside the zone; if *static_ips*,
            which are public IPv4 addresses, are wanted of an internal or dual-stack endpoint; if
            *mutual_authentication* or *connection_logs* is given without TLS; if the access logs could not be written;
            if there are not subnets of two zones for the load balancer; or if what is given is in another region or
            account than the stack (the bucket may be another account's).
    """

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
        internal: bool = False,
        allow_cidrs: Sequence[str] | None = None,
        allow_from: Sequence[ec2.IConnectable] | None = None,
        web_acl: WebAcl | None = None,
        static_ips: bool | Sequence[str] = False,
        ip_address_type: elbv2.IpAddressType = elbv2.IpAddressType.IPV4,
        idle_timeout: Duration | None = None,
        deletion_protection: bool = True,
        access_log_bucket: s3.IBucket | None = None,
        access_log_prefix: str | None = None,
        access_log_expiration: Duration | None = None,
        connection_logs: bool = False,
    ) -> None:
        idle_timeout = Duration.seconds(60) if idle_timeout is None else idle_timeout
        is_dual_stack = ip_address_type is elbv2.IpAddressType.DUAL_STACK
        subnets = subnets_of(network, internal=internal)
        validate_load_balancer(
            network.vpc, subnets, internal=internal, ip_address_type=ip_address_type, idle_timeout=idle_timeout
        )
        validate_domain(certificate, domain_name, hosted_zone)
        validate_access_logs(access_log_bucket, access_log_prefix, access_log_expiration, load_balancer=id)
        validate_tls_options(
            has_tls=bool(certificate or hosted_zone),
            mutual_authentication=mutual_authentication,
            connection_logs=connection_logs,
        )
        validate_static_ips(static_ips, subnets=subnets, internal=internal, is_dual_stack=is_dual_stack)
        callers = Callers.of(
            allow_cidrs=allow_cidrs,
            allow_from=allow_from,
            ports=(80, 443) if certificate or hosted_zone else (80,),
            internal=internal,
            is_dual_stack=is_dual_stack,
        )
        super().__init__(scope, id)

        self.domain_name = domain_name
        self.is_internal = internal
        off = elbv2.MutualAuthenticationMode.OFF
        self.asks_for_certificates = (
            mutual_authentication is not None and mutual_authentication.mutual_authentication_mode not in {None, off}
        )
        """Whether callers may or must show a certificate (mutual TLS)."""
        self.load_balancer = make_load_balancer(
            self,
            vpc=network.vpc,
            subnets=subnets,
            internal=internal,
            ip_address_type=ip_address_type,
            idle_timeout=idle_timeout,
            deletion_protection=deletion_protection,
        )
        self.access_log_bucket = log_to(
            self,
            access_log_bucket,
            load_balancer=self.load_balancer,
            prefix=access_log_prefix,
            expiration=access_log_expiration,
            connection_logs=connection_logs,
        )
        self._domains = Domains(targets.LoadBalancerTarget(self.load_balancer), has_ipv6=is_dual_stack)
        if domain_name:
            certificate = self._domains.add(self, domain_name, hosted_zone=hosted_zone, certificate=certificate)
        if certificate:
            self.listeners = listen_https(self.load_balancer, certificate, mutual_authentication)
        else:
            self.listeners = listen_http(self.load_balancer)
            Annotations.of(self).add_warning_v2(
                PLAIN_HTTP,
                "callers reach this endpoint over plain HTTP: pass domain_name and hosted_zone, or a certificate",
            )
        self.listener: elbv2.ApplicationListener = self.listeners[-1]
        self.static_ips = self._make_static_ips(network, static_ips, deletion_protection) if static_ips else None
        """The network load balancer before this one, with its Elastic IPs, if there is one."""
        self._front: Construct | None = self.static_ips
        self._front_has_records = bool(static_ips)
        # Always the same object: CDK notes on it, while it makes a rule, whose stack the rule is for.
        self._connections = ec2.Connections(
            security_groups=(self.static_ips or self.load_balancer).connections.security_groups[:1],
            default_port=ec2.Port.tcp(self.listener.port),
        )
        self.callers = callers
        callers.may_reach(
            self, self.static_ips.network_load_balancer if self.static_ips else self.load_balancer, network.vpc
        )
        self.web_acl = web_acl.protect(self, self.load_balancer) if web_acl else None
        """The web ACL, if one was made."""
        if not web_acl:
            reason = (
                "A web ACL costs 5 USD a month, and more for rules and requests. web_acl=WebAcl.managed() makes one."
            )
            acknowledge(self.load_balancer, {"ALBWAFEnabled": reason})

    @staticmethod
    @checked
    def from_listener(scope: Construct, id: str, listener: elbv2.IApplicationListener) -> "ImportedEndpoint":
        """Use a listener made elsewhere, so that routes can be added to it.

        Find it by `elbv2.ApplicationListener.from_lookup(...)`, or name it and its load balancer's security group by
        `elbv2.ApplicationListener.from_application_listener_attributes(...)`. The rules that others gave it are not
        known here: AWS refuses a number twice, so give `priority` to a route that meets one of theirs.
        """
        return ImportedEndpoint(scope, id, listener)

    @property
    def connections(self) -> ec2.Connections:
        """The callers' side of security group rules: the network load balancer's, if there are static IPs."""
        return self._connections

    @property
    def has_tls(self) -> bool:
        """Whether it speaks HTTPS."""
        return len(self.listeners) > 1

    @property
    def domain_names(self) -> Sequence[str]:
        """All names that it serves so far."""
        return tuple(self._domains.names)

    @property
    def has_records(self) -> bool:
        """Whether names lead here by records of the endpoint's own."""
        return self._domains.has_records

    @property
    def url(self) -> str:
        """Where callers find the endpoint, such as `https://shop.example.com` (a token without a domain name)."""
        front = self.static_ips.network_load_balancer if self.static_ips else self.load_balancer
        return f"{'https' if self.has_tls else 'http'}://{self.domain_name or front.load_balancer_dns_name}"

    @property
    def ingress_ips(self) -> Sequence[str]:
        """The IPv4 addresses of *static_ips* (tokens until deployed); none without, and none of those you have."""
        pool = self.static_ips.elastic_ip_pool if self.static_ips else None
        return pool.public_ips if pool else ()

    @checked
    def publish(self, *, parameter_name: str) -> ssm.StringListParameter:
        """Write `ingress_ips` to a parameter of SSM, for other teams' stacks to read.

        Args:
            parameter_name: The parameter's name, such as `/endpoint/ingress-ips`.

        Raises:
            ValueError: If there are none, or they are published already.
        """
        if not self.ingress_ips:
            raise ValueError("publish needs fixed addresses made here, got none: pass static_ips=True")
        if published := self.node.try_find_child("IngressIpsParameter"):
            raise ValueError(
                f"publish writes one parameter, got {parameter_name!r} beside {published.node.path}; make another by "
                "ssm.StringListParameter(..., string_list_value=endpoint.ingress_ips)",
            )
        return ssm.StringListParameter(
            self,
            "IngressIpsParameter",
            parameter_name=parameter_name,
            description=f"The addresses at which callers reach {self.node.path}",
            string_list_value=list(self.ingress_ips),
        )

    @checked
    def add_domain(
        self,
        domain_name: str,
        *,
        hosted_zone: route53.IHostedZone | None = None,
        certificate: acm.ICertificate | None = None,
    ) -> acm.ICertificate:
        """Serve another name, with a certificate of its own, chosen by the name that the caller asks for (SNI).

        All names share the routes; tell them apart by `hosts`. A load balancer takes 25 certificates beside its first.

        Args:
            domain_name: The name, such as `shop.example.org` or `*.example.org`.
            hosted_zone: Its zone, in which records are made. By default none is.
            certificate: Its certificate. By default one is made, validated by public DNS.

        Raises:
            ValueError: If the endpoint speaks plain HTTP, the name is known only when deployed, was added before, or
                cannot be served; or if its records would lead to a front in another stack.
        """
        if not self.has_tls:
            raise ValueError(f"{self.node.path} has no TLS to serve {domain_name!r} with: give it a first domain_name")
        if is_unresolved(domain_name):
            raise ValueError("domain_name must be known at synth: the certificate's place in the stack is named by it")
        validate_domain(certificate, domain_name, hosted_zone, may_be_wildcard=True)
        if self._front and self._front_has_records and hosted_zone:
            self._validate_records_beside(self._front)
        # A tag holds the certificate's path, and may hold no asterisk.
        child_id = domain_name.replace("*.", "Wildcard ")
        if domain_name == self.domain_name or self.node.try_find_child(child_id):
            raise ValueError(f"domain_name must be a further name, got {domain_name!r} again")
        made = self._domains.add(
            Construct(self, child_id), domain_name, hosted_zone=hosted_zone, certificate=certificate
        )
        self.listener.add_certificates(child_id, [made])
        return made

    def stand_behind(
        self, front: Construct, target: route53.IAliasRecordTarget | None, *, has_ipv6: bool = False
    ) -> None:
        """Note what callers come by from now on; an `Accelerator` or a `CloudFrontDistribution` says so itself.

        Args:
            front: What stands before the load balancer.
            target: Where the names' records, those to come too, lead from now on. By default where they led.
            has_ipv6: Whether callers find IPv6 addresses there. By default not.
        """
        self._front = front
        self._front_has_records = target is not None
        if target:
            self._domains.point_at(target, has_ipv6=has_ipv6)

    def wait_for_internet_gateway(self, front: Construct) -> None:
        """Make a front after the attachment of the VPC's internet gateway, and delete it before.

        A front that leads into the VPC from outside needs one, also to an internal endpoint. That of an imported VPC is
        there.
        """
        vpc = self.load_balancer.vpc
        subnets = vpc.public_subnets if vpc else ()
        front.node.add_dependency(*(subnet.internet_connectivity_established for subnet in subnets))

    def validate_front(self, scope: Construct, *, moves_records: bool) -> None:
        """Refuse a further front, and one that the records cannot lead to.

        Args:
            scope: Where the front is about to be made.
            moves_records: Whether the names' records are to lead there.

        Raises:
            ValueError: If there is a front already, or the records lie in another stack than the front: each stack
                would depend on the other.
        """
        path = self.node.path
        if self._front:
            raise ValueError(f"{path} stands behind {self._front.node.path} already, got a second front; use one")
        if moves_records and self.has_records:
            self._validate_records_beside(scope)

    def _validate_records_beside(self, front: Construct) -> None:
        """Refuse records that would have to lead to a front in another stack, which depends on this one already."""
        if Stack.of(front) is not Stack.of(self):
            raise ValueError(
                f"the records of {self.node.path} lie in stack {Stack.of(self).stack_name!r} and must lead to the "
                f"front, got it in stack {Stack.of(front).stack_name!r}; make it in the same",
            )

    def _make_static_ips(
        self,
        network: Network,
        static_ips: bool | Sequence[str],  # noqa: FBT001 - private
        deletion_protection: bool,  # noqa: FBT001 - private
    ) -> StaticIps:
        made = StaticIps(
            self,
            "StaticIps",
            vpc=network.vpc,
            subnets=subnets_of(network, internal=False),
            allocation_ids=() if isinstance(static_ips, bool) else static_ips,
            listeners=self.listeners,
            deletion_protection=deletion_protection,
        )
        self._domains.point_at(targets.LoadBalancerTarget(made.network_load_balancer), has_ipv6=False)
        return made


class ImportedEndpoint(RoutedEndpoint):
    """A listener made elsewhere. Made by `HttpEndpoint.from_listener`."""

    def __init__(self, scope: Construct, id: str, listener: elbv2.IApplicationListener) -> None:
        super().__init__(scope, id)
        self.listener = listener
