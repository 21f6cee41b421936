"""The listeners of the load balancer: HTTP on port 80 and, with a certificate, HTTPS on port 443."""

from __future__ import annotations

from functools import cache

from aws_cdk import Annotations
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct

from fargate_constructs._core.construct_paths import keep_place
from fargate_constructs._core.lazy_cdk import aws_certificatemanager as acm
from fargate_constructs._core.nag_suppressions import acknowledge

NOT_FOUND = "no route\n"
# The ID by which the warning can be acknowledged.
PLAIN_HTTP = "fargate-constructs:plainHttp"


def make_listeners(
    endpoint: Construct,
    load_balancer: elbv2.ApplicationLoadBalancer,
    certificate: acm.ICertificate | None,
    *,
    mutual_authentication: elbv2.MutualAuthentication | None,
    ssl_policy: elbv2.SslPolicy | None,
) -> list[elbv2.ApplicationListener]:
    """Make a listener on 80 and, with a certificate, one on 443. The last one is for the routes; another redirects."""
    http = load_balancer.add_listener(
        "HttpListener",
        port=80,
        protocol=elbv2.ApplicationProtocol.HTTP,
        open=False,
        default_action=_to_https() if certificate else _not_found(),
    )
    keep_place(http, load_balancer, "HttpListener")
    if not certificate:
        Annotations.of(endpoint).add_warning_v2(
            PLAIN_HTTP,
            "callers reach this endpoint over plain HTTP: pass domain_name and hosted_zone, or a certificate",
        )
        reason = "Without a domain_name or a certificate there is no TLS; synthesis warns, or CloudFront is in front."
        acknowledge(http, dict.fromkeys(("ELBv2ACMCertificateRequired", "ALBHttpToHttpsRedirection"), reason))
        return [http]
    acknowledge(http, {"ELBv2ACMCertificateRequired": "It only redirects callers to HTTPS."})
    https = load_balancer.add_listener(
        "Listener",
        port=443,
        protocol=elbv2.ApplicationProtocol.HTTPS,
        open=False,
        certificates=[certificate],
        # TLS 1.3 with the post-quantum key exchange, TLS 1.2 with forward secrecy, nothing older:
        # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html
        ssl_policy=ssl_policy or elbv2.SslPolicy.TLS13_12_RES_PQ,
        mutual_authentication=mutual_authentication,
        default_action=_not_found(),
    )
    keep_place(https, load_balancer, "Listener")
    return [http, https]


@cache
def _not_found() -> elbv2.ListenerAction:
    return elbv2.ListenerAction.fixed_response(404, content_type="text/plain", message_body=NOT_FOUND)


@cache
def _to_https() -> elbv2.ListenerAction:
    return elbv2.ListenerAction.redirect(protocol="HTTPS", port="443", permanent=True)


def validate_tls_options(
    *,
    has_tls: bool,
    mutual_authentication: elbv2.MutualAuthentication | None,
    ssl_policy: elbv2.SslPolicy | None,
    connection_logs: bool,
) -> None:
    """Refuse what plain HTTP cannot do."""
    given = {
        "mutual_authentication": mutual_authentication,
        "ssl_policy": ssl_policy,
        "connection_logs": connection_logs,
    }
    if not has_tls and (name := next((name for name, value in given.items() if value), None)):
        raise ValueError(f"{name} needs TLS: pass domain_name and hosted_zone, or a certificate")


def asks_for_certificates(mutual_authentication: elbv2.MutualAuthentication | None) -> bool:
    """Whether callers may or must show a certificate."""
    mode = mutual_authentication.mutual_authentication_mode if mutual_authentication else None
    return mode not in {None, elbv2.MutualAuthenticationMode.OFF}
