"""What callers are told while nothing serves.

```
caller ──> HttpEndpoint ──> [503 and a page]     routes
```
"""

from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct

from fargate_constructs._core.unresolved import is_known
from fargate_constructs.endpoint.priorities import MAINTENANCE_PRIORITY

# https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_FixedResponseActionConfig.html
MAX_PAGE_BYTES = 1024
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


def answer_503(scope: Construct, listener: elbv2.IApplicationListener, html: str) -> elbv2.ApplicationListenerRule:
    """Answer every request of a listener with a page; see `Endpoint.maintenance`."""
    return elbv2.ApplicationListenerRule(
        scope,
        "Maintenance",
        listener=listener,
        priority=MAINTENANCE_PRIORITY,
        conditions=[elbv2.ListenerCondition.path_patterns(["/*"])],
        action=elbv2.ListenerAction.fixed_response(503, content_type="text/html", message_body=html),
    )


def validate_page(html: str) -> None:
    """Refuse a page that AWS would refuse.

    Raises:
        ValueError: If the page is empty or longer than 1,024 bytes.
    """
    if not is_known(html):
        return
    size = len(html.encode())
    if not 1 <= size <= MAX_PAGE_BYTES:
        raise ValueError(
            f"html must be 1 to {MAX_PAGE_BYTES} bytes, as much as a load balancer answers by itself, got: {size}; "
            "keep pictures and styles elsewhere",
        )
