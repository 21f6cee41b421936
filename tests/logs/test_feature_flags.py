"""Every way to keep an archive, compared."""

import pytest
from aws_cdk import App, Duration, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Template

from fargate_constructs.logs import ArchiveFormat, Delivery, LogArchive, Retention
from tests.audit import all_feature_flags, spread_policies

# Options by name; the values "key" and "bucket" stand for a resource of the stack.
OPTIONS: dict[str, dict[str, object]] = {
    "default": {},
    "buffered": {"delivery": Delivery.buffered()},
    "key": {"encryption_key": "key"},
    "key-buffered": {"encryption_key": "key", "delivery": Delivery.buffered()},
    "locked": {"object_lock": s3.ObjectLockRetention.compliance(Duration.days(365))},
    "versioned": {"versioned": True},
    "for-ever": {"retention": Retention(expiration=None)},
    "raw": {"archive_format": ArchiveFormat.raw},
    "given": {"bucket": "bucket"},
    "given-buffered": {"bucket": "bucket", "delivery": Delivery.buffered()},
}


def stack_with(option: str, flags: dict[str, object]) -> Stack:
    """A stack with an archive, one log group with a subscription, and the account's others."""
    stack = Stack(App(context=flags), "Test")
    arguments = dict(OPTIONS[option])
    if arguments.get("encryption_key"):
        arguments["encryption_key"] = kms.Key(stack, "Key", enable_key_rotation=True)
    if arguments.get("bucket"):
        arguments["bucket"] = s3.Bucket.from_bucket_attributes(
            stack, "Bucket", bucket_name="logs-of-all", account="222222222222"
        )
    archive = LogArchive(stack, "LogArchive", **arguments)  # type: ignore[arg-type]
    archive.add_log_group(logs.LogGroup(stack, "Logs"))
    LogArchive(stack, "Account", **arguments).add_all_log_groups()  # type: ignore[arg-type]
    return stack


@pytest.mark.parametrize("option", OPTIONS)
def test_feature_flags_change_nothing(option: str) -> None:
    """A team's flags replace nothing and allow nothing."""
    off, on = (dict(Template.from_stack(stack_with(option, flags)).to_json()) for flags in ({}, all_feature_flags()))
    assert spread_policies(off) == spread_policies(on)
