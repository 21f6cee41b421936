"""One cause of a failure, as an entry of the table."""

import re
from typing import NamedTuple

ECS = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/"
ELB = "https://docs.aws.amazon.com/elasticloadbalancing/latest/"
REPOST = "https://repost.aws/knowledge-center/"
CONNECTIVITY = f"{ECS}verify-connectivity.html"
# What several causes have in common, in AWS's texts and in the answers.
NETWORK = r"connection issue|i/o timeout|context (?:deadline exceeded|cancell?ed)|request cancell?ed|no such host"
DENIED = r"AccessDenied|not authorized|status ?code: 403|\b403 Forbidden|api error Forbidden"
NO_ROUTE = "The subnet has no route to it, a security group or network ACL blocks port 443, or DNS is off in the VPC."
OPEN_ROUTE = (
    "Give the subnet a default route to a NAT gateway, or VPC endpoints (ecr.api, ecr.dkr, s3, logs, secretsmanager, "
    "ssm). Allow port 443 out of the tasks, and into the endpoints."
)


class Cause(NamedTuple):
    """A cause of a failure."""

    pattern: str
    """A regular expression. Case does not matter, because AWS writes the same text in both."""
    what: str
    why: str
    todo: str
    page: str
    """The page of AWS that explains it."""
    is_normal: bool = False
    """Whether the text reports something that also happens in a healthy service."""
    is_result: bool = False
    """Whether it is the result of other causes, so that it is shown after them."""
    id: str = ""
    """The name by which programs know it."""

    def matches(self, text: str) -> bool:
        """Whether a text of AWS has this cause."""
        return re.search(self.pattern, text, re.IGNORECASE | re.DOTALL) is not None


def causes(**by_id: Cause) -> tuple[Cause, ...]:
    """Return causes, each with its ID."""
    return tuple(each._replace(id=id_) for id_, each in by_id.items())


def unreachable(what: str, pattern: str) -> Cause:
    """Return the cause that a task cannot reach a service of AWS, or its registry."""
    return Cause(pattern, f"The task cannot reach {what}.", NO_ROUTE, OPEN_ROUTE, CONNECTIVITY)
