"""The maintenance page of an endpoint."""

from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct

from fargate_constructs._core.unresolved import is_known
from fargate_constructs.endpoint.conditions import Conditions

# https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_FixedResponseActionConfig.html
MAX_PAGE_BYTES = 1024
UNAVAILABLE = 503
PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Back soon</title>
<body style="font: 18px/1.5 sans-serif; max-width: 32em; margin: 20vh auto; padding: 0 1em">
<h1>Back soon</h1>
<p>We are working on it. Please try again in a few minutes.</p>
</body>
</html>
"""


def answer_503(
    scope: Construct, listener: elbv2.IApplicationListener, html: str, conditions: Conditions, priority: int
) -> elbv2.ApplicationListenerRule:
    """Answer requests with a page; see `HttpEndpoint.maintenance`."""
    return elbv2.ApplicationListenerRule(
        scope,
        "Maintenance",
        listener=listener,
        priority=priority,
        conditions=conditions.render(),
        action=elbv2.ListenerAction.fixed_response(UNAVAILABLE, content_type="text/html", message_body=html),
    )


def validate_page(html: str) -> None:
    """Refuse an empty page, and a page that is too long for AWS."""
    if not is_known(html):
        return
    size = len(html.encode())
    if not 1 <= size <= MAX_PAGE_BYTES:
        raise ValueError(
            f"html must be 1 to {MAX_PAGE_BYTES} bytes, the limit of a load balancer's own response, got: {size}; "
            "serve pictures and styles from another place",
        )
