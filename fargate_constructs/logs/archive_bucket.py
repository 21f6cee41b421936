"""Whose bucket the archive is in, and what follows from that.

```
shipper Lambda ──> [a bucket made here, or one that is given] ──> S3
```
"""

from aws_cdk import Resource, Stack, Token
from aws_cdk import aws_s3 as s3

from fargate_constructs.logs.retention import Retention


def owner_of(bucket: s3.IBucket, stack: Stack) -> str | None:
    """Return the account of a given bucket, if it is known: one imported by its name says it is the stack's own."""
    account = bucket.env.account
    if Resource.is_owned_resource(bucket):
        return account
    return None if Token.is_unresolved(account) or account == stack.account else account


def validate_bucket(bucket: s3.IBucket | None, **settings: object) -> None:
    """Refuse settings that only the owner of a given bucket can make."""
    given = [name for name, value in settings.items() if value]
    if bucket and given:
        raise ValueError(f"{' and '.join(given)} must be set on the bucket you give, got: bucket beside them")


def validate_lock(object_lock: s3.ObjectLockRetention | None, retention: Retention) -> None:
    """Refuse a lock that would outlast what it locks."""
    if not object_lock or not retention.expiration or retention.expiration.is_unresolved():
        return
    locked, kept = object_lock.duration.to_days(), retention.expiration.to_days()
    if locked > kept:
        raise ValueError(
            f"object_lock must not last longer than retention's expiration, got: {locked:g} days beside {kept:g}",
        )


def decide_merging(*, merging: bool | None, bucket: s3.IBucket | None, **reasons_against: object) -> bool:
    """Tell whether to merge; refuse to where something is set that makes it harmful or useless."""
    against = [name for name, value in reasons_against.items() if value]
    if merging and against:
        raise ValueError(f"merging must be off beside {' and '.join(against)}, got: True")
    return merging if merging is not None else not (bucket or against)
