"""Answers that the load balancer gives itself."""

import re
from dataclasses import dataclass

from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from fargate_constructs._core.unresolved import is_known, is_unresolved
from fargate_constructs.endpoint.maintenance import MAX_PAGE_BYTES

# https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_FixedResponseActionConfig.html
STATUS_CODE = re.compile(r"[245]\d\d")
CONTENT_TYPES = ("text/plain", "text/css", "text/html", "application/javascript", "application/json")


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
        if size > MAX_PAGE_BYTES:
            raise ValueError(
                f"message_body must be at most {MAX_PAGE_BYTES} bytes, the limit of a load balancer's own response, "
                f"got: {size}; let a service answer",
            )

    def action(self) -> elbv2.ListenerAction:
        """Return the listener rule's action."""
        return elbv2.ListenerAction.fixed_response(
            self.status_code, content_type=self.content_type, message_body=self.message_body
        )
