"""Fixed addresses at which callers reach services by TCP, TLS and UDP.

```
caller ──> [TcpEndpoint] ──> FargateService ──> FixedEgressNetwork ──> internet
           (NLB, Elastic IPs,
            TLS, listeners)
```
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import jsii
from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct

from fargate_constructs._core.argument_messages import refuse_attribute
from fargate_constructs._core.arguments import checked
from fargate_constructs._core.lazy_cdk import aws_certificatemanager as acm
from fargate_constructs._core.lazy_cdk import aws_route53 as route53
from fargate_constructs._core.lazy_cdk import aws_route53_targets as targets
from fargate_constructs._core.lazy_cdk import aws_s3 as s3
from fargate_constructs._core.lazy_cdk import aws_ssm as ssm
from fargate_constructs._core.nag_suppressions import acknowledge
from fargate_constructs.endpoint.access_logs import AccessLogs
from fargate_constructs.endpoint.domains import Domains, make_certificate, validate_certificate_name, validate_name
from fargate_constructs.endpoint.ingress import CallerGroups, Ingress
from fargate_constructs.endpoint.load_balancer_limits import check_limits
from fargate_constructs.endpoint.network_load_balancer import NetworkLoadBalancerOptions
from fargate_constructs.endpoint.static_ips import publish_ips, validate_static_ips
from fargate_constructs.endpoint.tcp_listeners import ImportedTcpEndpoint, ListeningEndpoint
from fargate_constructs.network.elastic_ip_pool import ElasticIpPool
from fargate_constructs.network.network import Network


@jsii.implements(ec2.IConnectable)
class TcpEndpoint(ListeningEndpoint):
    """A network load balancer whose listeners send connections to services: mail, MQTT, DNS, games, databases.

    It has an Elastic IP in each zone, which stays when the stack is deleted. Tasks see the addresses of callers. A
    caller reaches tasks in each zone by each of the addresses.

    ```python
    mail = TcpEndpoint(stack, "Mail", network=network)
    mail.add_listener("Smtp", port=25, service=smtp)
    mail.add_listener("Mqtts", port=8883, service=mqtt, certificate=certificate)  # TLS ends at the load balancer
    mail.add_listener("Dns", port=53, service=dns, protocol=elbv2.Protocol.TCP_UDP)
    ```
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
        domain_name: str | None = None,
        hosted_zone: route53.IHostedZone | None = None,
        internal: bool = False,
        static_ips: bool | Sequence[str] | None = None,
        allow_cidrs: Sequence[str] | None = None,
        allow_from: Sequence[ec2.IConnectable] | None = None,
        cross_zone_enabled: bool = True,
        ip_address_type: elbv2.IpAddressType = elbv2.IpAddressType.IPV4,
        deletion_protection: bool = True,
        load_balancer_name: str | None = None,
        security_group_description: str | None = None,
        access_log_bucket: s3.IBucket | None = None,
        access_log_prefix: str | None = None,
        access_log_expiration: Duration | None = None,
    ) -> None:
        """A network load balancer whose listeners send connections to services: mail, MQTT, DNS, games, databases.

        Args:
            scope: The construct that owns the endpoint.
            id: The construct's ID.
            network: The network of the load balancer. It is in the first public subnet of each zone, or in the first
                task subnet of each zone if it is internal.
            domain_name: The name callers use, such as `mail.example.com`. By default the load balancer's own.
            hosted_zone: The zone of *domain_name*, in which alias records are made.
            internal: Whether the load balancer has private addresses only, for callers in the VPC and in networks
                joined to it. By default it faces the internet. AWS cannot change this of a load balancer that has
                listeners.
            static_ips: Whether it has Elastic IPs that stay, one for each zone; see `ingress_ips`. Or the allocation
                IDs (`eipalloc-…`) of yours, one for each zone. By default Elastic IPs are made, unless it is internal.
                They cost as much as the addresses that AWS gives without. Choose at the start: AWS gives a zone its
                address when the load balancer is made.
            allow_cidrs: The address ranges of the callers. By default every address if the load balancer faces the
                internet and there is no *allow_from*; none if it is internal. A listener may have its own.
            allow_from: Further callers: security groups, `ec2.Peer.prefix_list(...)`, or constructs with `connections`.
                By default there are none.
            cross_zone_enabled: Whether each address reaches the tasks of all zones. By default it does, so that an
                address answers while there is a task in any zone. AWS bills the traffic between zones, 0.01 USD/GB in
                each direction (https://aws.amazon.com/ec2/pricing/on-demand/). With `False` there must be a healthy
                task in each zone, and callers of the address of a zone without get no answer.
            ip_address_type: `elbv2.IpAddressType.DUAL_STACK` for callers with IPv6, in a VPC that has it, without UDP;
                of IPv6 callers tasks see an address of the load balancer. By default IPv4.
            deletion_protection: Whether AWS refuses to delete the load balancer. By default it does. Deploy with
                `False` before you destroy the stack.
            load_balancer_name: The load balancer's name, 1 to 32 letters, digits and hyphens. A change replaces it. By
                default AWS chooses one, so that CloudFormation can replace the load balancer if it must.
            security_group_description: The `GroupDescription` of the load balancer's security group. Only for a load
                balancer that is deployed already: a change replaces the group. By default that of this library.
            access_log_bucket: The bucket for the access logs of TLS listeners, encrypted with SSE-S3, such as
                `archive.access_log_bucket`. AWS logs no other connections. By default a private bucket is made with the
                first TLS listener.
            access_log_prefix: The prefix of their keys, before `AWSLogs/`. By default none.
            access_log_expiration: After how long access logs are deleted from the bucket made here. By default 90 days.

        Raises:
            TypeError: If an argument has another type than its annotation.
            ValueError: If one of *domain_name* and *hosted_zone* is given without the other, or the name is outside the
                zone; if *static_ips* are given to an internal endpoint, or others than one for each zone; if the access
                logs could not be written; if there are no subnets for the load balancer; or if an argument is in
                another region or account than the stack (the bucket may be in another account).
        """
        static_ips = not internal if static_ips is None else static_ips
        options = NetworkLoadBalancerOptions(
            network=network,
            internal=internal,
            ip_address_type=ip_address_type,
            deletion_protection=deletion_protection,
            load_balancer_name=load_balancer_name,
            security_group_description=security_group_description,
            cross_zone_enabled=cross_zone_enabled,
            elastic_ips=static_ips,
        )
        access_logs = AccessLogs(
            bucket=access_log_bucket, prefix=access_log_prefix, expiration=access_log_expiration, connection_logs=False
        )
        options.validate()
        access_logs.validate(id)
        _validate_domain(domain_name, hosted_zone)
        validate_static_ips(static_ips, subnets=options.subnets, internal=internal)
        Ingress.of(
            scope,
            allow_cidrs=allow_cidrs,
            allow_from=allow_from,
            ports=(1,),
            internal=internal,
            families=options.families,
        )
        super().__init__(scope, id)

        self.domain_name = domain_name
        self.is_internal = internal
        """Whether only callers inside the VPC reach it."""
        load_balancer, pool = options.make(self, description="Callers of the endpoint")
        self.load_balancer: elbv2.NetworkLoadBalancer = load_balancer
        """The network load balancer."""
        self.elastic_ip_pool: ElasticIpPool | None = pool
        """The Elastic IPs, if they were made here."""
        self.access_log_bucket: s3.IBucket | None = access_log_bucket
        """The bucket of the access logs, once there is a TLS listener."""
        self._access_logs = access_logs
        self._is_logged = False
        self._allow_cidrs, self._allow_from, self._allows_none = allow_cidrs, allow_from, internal
        self._is_dual_stack = options.is_dual_stack
        self._preserves_client_ip = not internal
        self._callers = CallerGroups(self, load_balancer, network.vpc)
        # Always the same object: while CDK makes a rule, it notes on this object the stack that the rule is for.
        self._connections = ec2.Connections(security_groups=self._callers.groups[:1])
        self._hosted_zone = hosted_zone
        self._certificate: acm.ICertificate | None = None
        if domain_name and hosted_zone:
            domains = Domains(lambda: targets.LoadBalancerTarget(load_balancer), options.families)
            domains.add_records(self, domain_name, hosted_zone)
        check_limits(self, "noListener")
        reason = "A network load balancer logs TLS connections only, and there is no TLS listener here."
        acknowledge(load_balancer, {"AwsSolutions-ELB2": reason, "ELBLoggingEnabled": reason})

    @staticmethod
    @checked
    def from_load_balancer(scope: Construct, id: str, load_balancer: elbv2.INetworkLoadBalancer) -> ImportedTcpEndpoint:
        """Use a network load balancer made elsewhere, to add listeners to it.

        Import it and its security groups with
        `elbv2.NetworkLoadBalancer.from_network_load_balancer_attributes(...)`, or look it up. Listeners that are not
        made in this app are not known here. Callers are allowed if a listener says so (`allow_cidrs`, `allow_from`).

        Args:
            scope: The construct that owns the endpoint.
            id: The construct's ID.
            load_balancer: The load balancer.
        """
        return ImportedTcpEndpoint(scope, id, load_balancer)

    @property
    def connections(self) -> ec2.Connections:
        """The security group that callers connect to. There is no default port."""
        return self._connections

    @property
    def host(self) -> str:
        """The name callers connect to, such as `mail.example.com` (a token without a domain name)."""
        return self.domain_name or self.load_balancer.load_balancer_dns_name

    @property
    def ingress_ips(self) -> Sequence[str]:
        """The IPv4 addresses of *static_ips* (tokens until deployed). Empty without, and for your own Elastic IPs."""
        return self.elastic_ip_pool.public_ips if self.elastic_ip_pool else ()

    @checked
    def publish(self, *, parameter_name: str) -> ssm.StringListParameter:
        """Write `ingress_ips` to an SSM parameter, for other teams' stacks to read.

        Args:
            parameter_name: The parameter's name, such as `/mail/ingress-ips`.

        Raises:
            ValueError: If there are no such addresses, or they are published already.
        """
        return publish_ips(self, self.ingress_ips, parameter_name)

    def _validate_domain_certificate(self, id: str) -> None:
        if not self.domain_name or not self._hosted_zone:
            raise ValueError(
                f"protocol TLS needs a certificate, got none for listener {id!r}; pass certificate=..., or give the "
                "endpoint domain_name and hosted_zone",
            )
        if not self._certificate:
            validate_certificate_name(self.domain_name, self._hosted_zone)

    def _domain_certificate(self) -> acm.ICertificate | None:
        if not self._certificate and self.domain_name and self._hosted_zone:
            self._certificate = make_certificate(self, self.domain_name, self._hosted_zone)
        return self._certificate

    def _log_connections(self) -> None:
        if not self._is_logged:
            self._is_logged = True
            self.access_log_bucket = self._access_logs.enable_tls_logs(self, self.load_balancer)


def _validate_domain(domain_name: str | None, hosted_zone: route53.IHostedZone | None) -> None:
    """Refuse a name without a zone for its records, and a zone without a name."""
    if domain_name and hosted_zone:
        validate_name(domain_name, hosted_zone)
    elif domain_name or hosted_zone:
        given, missing = ("domain_name", "hosted_zone") if domain_name else ("hosted_zone", "domain_name")
        raise ValueError(
            f"{given} is given without {missing}; records are made with both, and callers may use a name whose records "
            "you make yourself without either",
        )
