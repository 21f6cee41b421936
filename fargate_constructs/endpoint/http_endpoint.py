"""The one fixed address at which callers reach many services.

```
caller ──> [HttpEndpoint] ──> FargateService ──> FixedEgressNetwork ──> the world
           (ALB, TLS, routes)
```
"""

from collections.abc import Mapping, Sequence

import jsii
from aws_cdk import Acknowledgment, Annotations, Duration, Validations
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_route53_targets as targets
from constructs import Construct

from fargate_constructs.endpoint.access_logs import AccessLogBucket
from fargate_constructs.endpoint.conditions import Conditions
from fargate_constructs.endpoint.routes import RouteTable, RouteTarget
from fargate_constructs.endpoint.sign_in import SignIn
from fargate_constructs.hosted_zone import validate_in_zone
from fargate_constructs.network import Network, validate_network


@jsii.implements(ec2.IConnectable)
class HttpEndpoint(Construct):
    """An internet-facing load balancer with one listener that serves many services.

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
        network: The network whose public subnets the load balancer stands in.
        certificate: The certificate to serve. By default one is made for *domain_name*, validated by DNS.
        domain_name: The name callers use, such as `shop.example.com`. By default the load balancer's own.
        hosted_zone: The zone of *domain_name*; an alias record is made in it. By default no record is made.
        deletion_protection: Whether AWS refuses to delete the load balancer. By default it does: its DNS name cannot
            be had back. Deploy with `False` before you destroy the stack.
        access_log_expiration: After how long access logs are deleted from S3. By default 90 days.

    Raises:
        ValueError: If a domain name has neither a hosted zone nor a certificate, a hosted zone has no domain name,
            or the domain name lies outside the zone.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        network: Network,
        certificate: acm.ICertificate | None = None,
        domain_name: str | None = None,
        hosted_zone: route53.IHostedZone | None = None,
        deletion_protection: bool = True,
        access_log_expiration: Duration | None = None,
    ) -> None:
        validate_network(network)
        _validate_domain(certificate, domain_name, hosted_zone)
        super().__init__(scope, id)

        self._routes = RouteTable(self)
        self.load_balancer = elbv2.ApplicationLoadBalancer(
            self,
            "LoadBalancer",
            vpc=network.vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC),
            internet_facing=True,
            deletion_protection=deletion_protection,
            drop_invalid_header_fields=True,
            desync_mitigation_mode=elbv2.DesyncMitigationMode.STRICTEST,
        )
        self.access_log_bucket = AccessLogBucket(
            self, "AccessLogs", expiration=access_log_expiration or Duration.days(90)
        )
        self.access_log_bucket.receive_from(self.load_balancer)

        if certificate is None and domain_name and hosted_zone:
            certificate = acm.Certificate(
                self,
                "Certificate",
                domain_name=domain_name,
                validation=acm.CertificateValidation.from_dns(hosted_zone),
            )
        if domain_name and hosted_zone:
            route53.ARecord(
                self,
                "AliasRecord",
                zone=hosted_zone,
                # The closing dot says that the name is whole: a zone imported by its ID does not know its own name.
                record_name=f"{domain_name}.",
                target=route53.RecordTarget.from_alias(targets.LoadBalancerTarget(self.load_balancer)),
            )
        self.listener = self._listen_https(certificate) if certificate else self._listen_http()
        host = domain_name or self.load_balancer.load_balancer_dns_name
        self._url = f"{'https' if certificate else 'http'}://{host}"
        self._acknowledge()

    @property
    def connections(self) -> ec2.Connections:
        """The load balancer's side of security group rules."""
        return self.load_balancer.connections

    @property
    def url(self) -> str:
        """Where callers find the endpoint, such as `https://shop.example.com` (a token without a domain name)."""
        return self._url

    def add_route(
        self,
        id: str,
        *,
        service: RouteTarget,
        hosts: Sequence[str] = (),
        paths: Sequence[str] = (),
        headers: Mapping[str, Sequence[str]] | None = None,
        methods: Sequence[str] = (),
        query: Mapping[str, Sequence[str]] | None = None,
        source_ips: Sequence[str] = (),
        sign_in: SignIn | None = None,
        priority: int | None = None,
    ) -> elbv2.ApplicationListenerRule:
        """Send requests to a service. Of the routes that claim a request, the most specific one gets it.

        An exact host comes before a host pattern before none; then an exact path before a path pattern before none;
        then more conditions of the other kinds before fewer; docs/routes.md states the order in full. A listener rule
        holds at most 5 values, of all conditions together, and 5 wildcards: `*` for any characters, `?` for one.

        Args:
            id: The route's ID; unique among the service's routes.
            service: Who answers. The rule and its target group become the service's children, so that a stack
                with a service depends on the endpoint's stack and never the other way round.
            hosts: Host names or patterns, such as `*.example.com`. By default every host.
            paths: Path patterns, such as `/api/*` (which `/api` itself does not match). By default every path.
            headers: Values or patterns by header, such as `{"x-version": ["next"]}`. By default any, or none.
            methods: Methods, such as `GET`. By default every method.
            query: Values or patterns by key of the query string, such as `{"version": ["2"]}`. By default any, or none.
            source_ips: CIDR blocks that callers (or the last proxy before the endpoint) have their address in. By
                default every address.
            sign_in: How callers prove who they are, which needs an endpoint that speaks HTTPS. By default not at all.
            priority: The listener rule's number, 2 to 50,000, lower first. By default it is computed from the
                conditions, so that no route changes another's.

        Raises:
            TypeError: If a list of values is a string, or headers or query are not by name.
            ValueError: If a value is malformed, or known only when deployed and without *priority*; if one rule
                cannot hold them all; if a route of this endpoint has the same priority or the same conditions, or is
                as specific and claims a request that this one claims; or if *sign_in* meets plain HTTP.
        """
        return self._routes.add(
            id,
            listener=self.listener,
            service=service,
            conditions=Conditions(
                hosts=hosts,
                paths=paths,
                headers=headers or {},
                methods=methods,
                query=query or {},
                source_ips=source_ips,
            ),
            sign_in=sign_in,
            priority=priority,
        )

    def _listen_https(self, certificate: acm.ICertificate) -> elbv2.ApplicationListener:
        self.load_balancer.add_listener(
            "Redirect",
            port=80,
            protocol=elbv2.ApplicationProtocol.HTTP,
            open=True,
            default_action=elbv2.ListenerAction.redirect(protocol="HTTPS", port="443", permanent=True),
        )
        return self.load_balancer.add_listener(
            "Listener",
            port=443,
            protocol=elbv2.ApplicationProtocol.HTTPS,
            open=True,
            certificates=[certificate],
            # TLS 1.3 with the post-quantum key exchange, TLS 1.2 with forward secrecy, nothing older:
            # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html
            ssl_policy=elbv2.SslPolicy.TLS13_12_RES_PQ,
            default_action=_not_found(),
        )

    def _listen_http(self) -> elbv2.ApplicationListener:
        Annotations.of(self).add_warning_v2(
            "fargate-constructs:plainHttp",
            "callers reach this endpoint over plain HTTP: pass domain_name and hosted_zone, or a certificate",
        )
        return self.load_balancer.add_listener(
            "HttpListener",
            port=80,
            protocol=elbv2.ApplicationProtocol.HTTP,
            open=True,
            default_action=_not_found(),
        )

    def _acknowledge(self) -> None:
        for security_group in self.load_balancer.connections.security_groups:
            Validations.of(security_group).acknowledge(
                Acknowledgment(id="AwsSolutions-EC23", reason="The endpoint is meant to be reached from anywhere."),
            )


def _not_found() -> elbv2.ListenerAction:
    return elbv2.ListenerAction.fixed_response(404, content_type="text/plain", message_body="no route\n")


def _validate_domain(
    certificate: acm.ICertificate | None,
    domain_name: str | None,
    hosted_zone: route53.IHostedZone | None,
) -> None:
    if hosted_zone and not domain_name:
        raise ValueError("hosted_zone is given without domain_name: say which name in the zone callers use")
    if domain_name and not hosted_zone and not certificate:
        raise ValueError(
            f"domain_name {domain_name!r} needs hosted_zone, to make its certificate and record, or a certificate",
        )
    if domain_name and hosted_zone:
        validate_in_zone("domain_name", domain_name, hosted_zone)
