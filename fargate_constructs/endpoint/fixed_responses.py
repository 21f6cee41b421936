"""Answers that the load balancer gives itself, and the maintenance page."""

import re
from dataclasses import dataclass

from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from fargate_constructs._core.unresolved import is_known, is_unresolved

# https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_FixedResponseActionConfig.html
STATUS_CODE = re.compile(r"[245]\d\d")
MAX_BODY_BYTES = 1024
CONTENT_TYPES = ("text/plain", "text/css", "text/html", "application/javascript", "application/json")
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


@dataclass(frozen=True, kw_only=True)
class FixedResponse:
    """What the load balancer answers. `HttpEndpoint.add_fixed_response` documents the fields."""

    status_code: int
    content_type: str
    message_body: str

    def validate(self) -> None:
        """Refuse what a load balancer cannot answer."""
        if is_unresolved(self.status_code):
            raise ValueError("status_code must be known at synthesis, got a token")
        if not STATUS_CODE.fullmatch(str(self.status_code)):
            raise ValueError(
                f"status_code must be 200 to 299 or 400 to 599, got: {self.status_code}; "
                "a redirect is made by add_redirect",
            )
        if is_known(self.content_type) and self.content_type not in CONTENT_TYPES:
            raise ValueError(f"content_type must be one of {', '.join(CONTENT_TYPES)}, got: {self.content_type!r}")
        size = len(self.message_body.encode()) if is_known(self.message_body) else 0
        if size > MAX_BODY_BYTES:
            raise ValueError(
                f"message_body must be at most {MAX_BODY_BYTES} bytes, the limit of a load balancer's own response, "
                f"got: {size}; let a service answer",
            )

    def action(self) -> elbv2.ListenerAction:
        """Return the listener rule's action."""
        return elbv2.ListenerAction.fixed_response(
            self.status_code, content_type=self.content_type, message_body=self.message_body
        )


def maintenance_page(html: str) -> FixedResponse:
    """Return a maintenance page, or refuse an empty one, and one that is too long for AWS."""
    size = len(html.encode())
    if is_known(html) and not 1 <= size <= MAX_BODY_BYTES:
        raise ValueError(
            f"html must be 1 to {MAX_BODY_BYTES} bytes, the limit of a load balancer's own response, got: {size}; "
            "serve pictures and styles from another place",
        )
    return FixedResponse(status_code=UNAVAILABLE, content_type="text/html", message_body=html)
