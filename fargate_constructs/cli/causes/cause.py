"""One cause of a failure, as an entry of the table."""

import re
from typing import NamedTuple

ECS = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/"
ELB = "https://docs.aws.amazon.com/elasticloadbalancing/latest/"
REPOST = "https://repost.aws/knowledge-center/"


class Cause(NamedTuple):
    """A cause of a failure."""

    id: str
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

    def matches(self, text: str) -> bool:
        """Whether a text of AWS has this cause."""
        return re.search(self.pattern, text, re.IGNORECASE | re.DOTALL) is not None
