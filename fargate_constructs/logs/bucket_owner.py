"""The account that owns the archive's bucket, and the settings that only an owner can make."""

from aws_cdk import Resource, Stack
from aws_cdk import aws_s3 as s3

from fargate_constructs._core.unresolved import is_unresolved


def bucket_owner(bucket: s3.IBucket, stack: Stack) -> str | None:
    """Return the account of a bucket, if it is known: a bucket imported by its name has the stack's account."""
    account = bucket.env.account
    if Resource.is_owned_resource(bucket):
        return account
    return None if is_unresolved(account) or account == stack.account else account


def validate_owner_settings(bucket: s3.IBucket | None, **settings: object) -> None:
    """Refuse settings that only the owner of an imported bucket can make."""
    names = [name for name, value in settings.items() if value]
    if bucket and names:
        raise ValueError(f"{' and '.join(names)} must be set on the bucket you give, got: bucket beside them")
