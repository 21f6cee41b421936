"""Whose bucket the archive is in, and what follows from that.

```
shipper Lambda ──> [a bucket made here, or one that is given] ──> S3
```
"""

from aws_cdk import Resource, Stack
from aws_cdk import aws_s3 as s3

from fargate_constructs._core.unresolved import is_unresolved


def owner_of(bucket: s3.IBucket, stack: Stack) -> str | None:
    """Return the account of a given bucket, if it is known: one imported by its name says it is the stack's own."""
    account = bucket.env.account
    if Resource.is_owned_resource(bucket):
        return account
    return None if is_unresolved(account) or account == stack.account else account


def validate_bucket(bucket: s3.IBucket | None, **settings: object) -> None:
    """Refuse settings that only the owner of a given bucket can make."""
    given = [name for name, value in settings.items() if value]
    if bucket and given:
        raise ValueError(f"{' and '.join(given)} must be set on the bucket you give, got: bucket beside them")
