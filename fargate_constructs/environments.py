"""Whether two constructs are in one region, or one account.

```
stack ──> [account, region] <── stack
```
"""

from aws_cdk import Token


def may_be_same(one: str, other: str) -> bool:
    """Whether two regions, or two accounts, are the same, as far as that is known at synthesis."""
    return one == other or Token.is_unresolved(one) or Token.is_unresolved(other)
