"""The listeners of the load balancer: HTTP on port 80 and, with a certificate, HTTPS on port 443."""

from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from fargate_constructs._core.nag_suppressions import acknowledge

NOT_FOUND = "no route\n"


def listen_https(
    load_balancer: elbv2.ApplicationLoadBalancer,
    certificate: acm.ICertificate,
    mutual_authentication: elbv2.MutualAuthentication | None,
) -> list[elbv2.ApplicationListener]:
    """Make a listener on 80 that redirects, and one on 443 for the routes. The last one is for the routes."""
    redirect = _listen_on_80(load_balancer, elbv2.ListenerAction.redirect(protocol="HTTPS", port="443", permanent=True))
    acknowledge(redirect, {"ELBv2ACMCertificateRequired": "It only redirects callers to HTTPS."})
    listener = load_balancer.add_listener(
        "Listener",
        port=443,
        protocol=elbv2.ApplicationProtocol.HTTPS,
        open=False,
        certificates=[certificate],
        # TLS 1.3 with the post-quantum key exchange, TLS 1.2 with forward secrecy, nothing older:
        # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html
        ssl_policy=elbv2.SslPolicy.TLS13_12_RES_PQ,
        mutual_authentication=mutual_authentication,
        default_action=_not_found(),
    )
    return [redirect, listener]


def listen_http(load_balancer: elbv2.ApplicationLoadBalancer) -> list[elbv2.ApplicationListener]:
    """Make a listener on 80 for the routes."""
    listener = _listen_on_80(load_balancer, _not_found())
    reason = "Without a domain_name or a certificate there is no TLS; synthesis warns, or CloudFront is in front."
    acknowledge(listener, dict.fromkeys(("ELBv2ACMCertificateRequired", "ALBHttpToHttpsRedirection"), reason))
    return [listener]


def validate_tls_options(
    *, has_tls: bool, mutual_authentication: elbv2.MutualAuthentication | None, connection_logs: bool
) -> None:
    """Refuse what plain HTTP cannot do."""
    if not has_tls and (mutual_authentication or connection_logs):
        name = "mutual_authentication" if mutual_authentication else "connection_logs"
        raise ValueError(f"{name} needs TLS: pass domain_name and hosted_zone, or a certificate")


def asks_for_certificates(mutual_authentication: elbv2.MutualAuthentication | None) -> bool:
    """Whether callers may or must show a certificate."""
    mode = mutual_authentication.mutual_authentication_mode if mutual_authentication else None
    return mode not in {None, elbv2.MutualAuthenticationMode.OFF}


def _listen_on_80(
    load_balancer: elbv2.ApplicationLoadBalancer, default_action: elbv2.ListenerAction
) -> elbv2.ApplicationListener:
    """Make the listener on 80. It has the same ID with and without TLS: AWS refuses two listeners on one port."""
    return load_balancer.add_listener(
        "HttpListener", port=80, protocol=elbv2.ApplicationProtocol.HTTP, open=False, default_action=default_action
    )


def _not_found() -> elbv2.ListenerAction:
    return elbv2.ListenerAction.fixed_response(404, content_type="text/plain", message_body=NOT_FOUND)
