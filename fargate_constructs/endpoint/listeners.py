"""What the load balancer listens to.

```
caller ──> [HTTP 80: redirect] ──> [HTTPS 443: routes, or 404]
```
"""

from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from fargate_constructs._core.nag_suppressions import acknowledge

NOT_FOUND = "no route\n"


def listen_https(
    load_balancer: elbv2.ApplicationLoadBalancer,
    certificate: acm.ICertificate,
    mutual_authentication: elbv2.MutualAuthentication | None,
) -> list[elbv2.ApplicationListener]:
    """Listen on 80 to redirect, and on 443 to answer; the listener with the routes is the last."""
    redirect = _listen_on_80(load_balancer, elbv2.ListenerAction.redirect(protocol="HTTPS", port="443", permanent=True))
    acknowledge(redirect, {"ELBv2ACMCertificateRequired": "It does nothing but send callers to HTTPS."})
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
    """Listen on 80 to answer."""
    listener = _listen_on_80(load_balancer, _not_found())
    reason = "Without a domain_name or a certificate there is no TLS; synthesis warns, or CloudFront stands before it."
    acknowledge(listener, dict.fromkeys(("ELBv2ACMCertificateRequired", "ALBHttpToHttpsRedirection"), reason))
    return [listener]


def validate_tls_options(
    *, has_tls: bool, mutual_authentication: elbv2.MutualAuthentication | None, connection_logs: bool
) -> None:
    """Refuse what plain HTTP cannot do.

    Raises:
        ValueError: If *mutual_authentication* or *connection_logs* is given without TLS.
    """
    if not has_tls and (mutual_authentication or connection_logs):
        wanted = "mutual_authentication" if mutual_authentication else "connection_logs"
        raise ValueError(f"{wanted} needs TLS: pass domain_name and hosted_zone, or a certificate")


def _listen_on_80(
    load_balancer: elbv2.ApplicationLoadBalancer, default_action: elbv2.ListenerAction
) -> elbv2.ApplicationListener:
    """Listen on 80: the same listener with TLS and without, for AWS takes no second one on a port."""
    return load_balancer.add_listener(
        "HttpListener", port=80, protocol=elbv2.ApplicationProtocol.HTTP, open=False, default_action=default_action
    )


def _not_found() -> elbv2.ListenerAction:
    return elbv2.ListenerAction.fixed_response(404, content_type="text/plain", message_body=NOT_FOUND)
