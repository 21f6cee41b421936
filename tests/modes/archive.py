"""Where logs go."""

from collections.abc import Callable
from typing import Any

from aws_cdk import Duration, Environment, Stack, Stage
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as cloudwatch_actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

from fargate_constructs import (
    ArchiveFormat,
    Delivery,
    LogArchive,
    LogCatalog,
    LogCompaction,
    LogExportBucket,
    Retention,
)
from tests.modes.made_elsewhere import answer_for, log_group_in


def bucket_in(stack: Stack) -> s3.IBucket:
    """Return a bucket of another account, which others archive in as well."""
    return s3.Bucket.from_bucket_attributes(stack, "Bucket", bucket_name="logs-of-all", account="222222222222")


def key_in(stack: Stack) -> kms.Key:
    """Return a key of the caller's."""
    return kms.Key(stack, "Key", enable_key_rotation=True)


def action_in(stack: Stack) -> cloudwatch.IAlarmAction:
    """Return an alarm action."""
    topic = sns.Topic.from_topic_arn(stack, "Topic", "arn:aws:sns:eu-west-1:123456789012:on-call")
    return cloudwatch_actions.SnsAction(topic)


def of_log_group(options: Callable[[Stack], dict[str, Any]]) -> Callable[[Stage], None]:
    """Return the mode of an archive of one log group."""

    def build(stage: Stage) -> None:
        stack = Stack(stage, "Test")
        LogArchive(stack, "LogArchive", **options(stack)).add_log_group(log_group_in(stack))

    return build


def of_account(options: Callable[[Stack], dict[str, Any]]) -> Callable[[Stage], None]:
    """Return the mode of an archive of all log groups but some."""

    def build(stage: Stage) -> None:
        stack = Stack(stage, "Test")
        LogArchive(stack, "LogArchive", **options(stack)).add_all_log_groups(except_for=["/aws/lambda/*", "/noise"])

    return build


def in_china(stage: Stage) -> None:
    """An archive in a region where Lambda cannot put failures into a bucket."""
    stack = Stack(stage, "Test", env=Environment(region="cn-north-1"))
    LogArchive(stack, "LogArchive", encryption_key=key_in(stack)).add_log_group(log_group_in(stack))


def read_and_merged(stage: Stage) -> None:
    """A catalog and a merger of somebody's bucket, and a role that may query."""
    stack = Stack(stage, "Test")
    bucket = s3.Bucket.from_bucket_name(stack, "Bucket", "all-logs")
    LogCompaction(stack, "Merger", bucket=bucket)
    role = iam.Role.from_role_arn(stack, "Role", "arn:aws:iam::123456789012:role/reader")
    LogCatalog(stack, "Catalog", bucket=bucket).grant_query(role)
    answer_for(role, "IAMNoInlinePolicy")


def exports(stage: Stage) -> None:
    """A bucket for what was logged before there was an archive."""
    LogExportBucket(Stack(stage, "Test"), "Exports")


MODES = {
    "direct": of_log_group(lambda _: {}),
    "buffered": of_log_group(lambda _: {"delivery": Delivery.buffered()}),
    "draining": of_log_group(lambda _: {"delivery": Delivery.draining()}),
    "key": of_log_group(lambda stack: {"encryption_key": key_in(stack)}),
    "key-buffered": of_account(lambda stack: {"encryption_key": key_in(stack), "delivery": Delivery.buffered()}),
    "locked": of_log_group(lambda _: {"object_lock": s3.ObjectLockRetention.compliance(Duration.days(365))}),
    "versioned": of_log_group(lambda stack: {"versioned": True, "alarm_actions": [action_in(stack)]}),
    "raw": of_account(lambda _: {"archive_format": ArchiveFormat.raw, "retention": Retention(expiration=None)}),
    "given": of_log_group(lambda stack: {"bucket": bucket_in(stack)}),
    "given-buffered": of_log_group(lambda stack: {"bucket": bucket_in(stack), "delivery": Delivery.buffered()}),
    "china": in_china,
    "read-and-merged": read_and_merged,
    "exports": exports,
}
