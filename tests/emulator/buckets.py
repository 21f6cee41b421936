"""Buckets as CloudFormation deletes them: only when they are empty.

template ──> MiniStack's CloudFormation ──> the handlers here ──> MiniStack's S3
"""

from collections.abc import Callable
from functools import partial

from ministack.services import s3
from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS

from tests.emulator.api import ApiError, Created, Props


def _delete(physical_id: str, props: Props, *, delete: Callable[[str, Props], None]) -> None:
    """AWS::S3::Bucket, which MiniStack deletes with all that is in it."""
    if s3._buckets.get(physical_id, {}).get("objects"):  # noqa: SLF001 - as its CloudFormation does
        raise ApiError("BucketNotEmpty", f"the bucket {physical_id} you tried to delete is not empty")
    delete(physical_id, props)


def _create_emptying(logical_id: str, _props: Props, _stack_name: str) -> Created:
    """Custom::S3AutoDeleteObjects; CDK's own function for it needs an SDK that is not installed here."""
    return logical_id, {}


def _empty(_physical_id: str, props: Props) -> None:
    """Do what that function does when the resource is deleted."""
    s3._buckets[props["BucketName"]]["objects"].clear()  # noqa: SLF001 - there is no other way in


def register() -> None:
    """Enter both in MiniStack's tables."""
    bucket = _RESOURCE_HANDLERS["AWS::S3::Bucket"]
    bucket["delete"] = partial(_delete, delete=bucket["delete"])
    _RESOURCE_HANDLERS["Custom::S3AutoDeleteObjects"] = {"create": _create_emptying, "delete": _empty}
