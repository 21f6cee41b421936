"""Where logs go."""

from collections.abc import Callable
from typing import Any

from aws_cdk import Duration, Stack, Stage
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
    LogExportBucket,
    LogMerger,
    Retention,
)
from tests.modes.made_elsewhere import answer_for, log_group_in


def bucket_of_another_account(stack: Stack) -> s3.IBucket:
    """Return a bucket that other accounts archive in as well."""
    return s3.Bucket.from_bucket_attributes(stack, "Bucket", bucket_name="logs-of-all", account="222222222222")


def with_options(options: Callable[[Stack], dict[str, Any]]) -> Callable[[Stage], None]:
    """Return the mode of an archive of one log group."""

    def build(stage: Stage) -> None:
        stack = Stack(stage, "Test")
        LogArchive(stack, "LogArchive", **options(stack)).add_log_group(log_group_in(stack))

    return build


def of_account(delivery: Delivery) -> Callable[[Stage], None]:
    """Return the mode of an archive of all log groups."""

    def build(stage: Stage) -> None:
        LogArchive(Stack(stage, "Test"), "LogArchive", delivery=delivery).add_all_log_groups()

    return build


def with_actions(stage: Stage) -> None:
    """Alarms that tell somebody."""
    stack = Stack(stage, "Test")
    topic = sns.Topic.from_topic_arn(stack, "Topic", "arn:aws:sns:eu-west-1:123456789012:on-call")
    LogArchive(stack, "LogArchive", alarm_actions=[cloudwatch_actions.SnsAction(topic)])


def read_and_merged(stage: Stage) -> None:
    """A catalog and a merger of somebody's bucket, and who may query."""
    stack = Stack(stage, "Test")
    bucket = s3.Bucket.from_bucket_name(stack, "Bucket", "all-logs")
    LogMerger(stack, "Merger", bucket=bucket)
    role = iam.Role.from_role_arn(stack, "Role", "arn:aws:iam::123456789012:role/reader")
    LogCatalog(stack, "Catalog", bucket=bucket).grant_query(role)
    answer_for(role, "IAMNoInlinePolicy")


def exports(stage: Stage) -> None:
    """A bucket for what was logged before there was an archive."""
    LogExportBucket(Stack(stage, "Test"), "Exports")


MODES = {
    "direct": with_options(lambda _: {}),
    "buffered": with_options(lambda _: {"delivery": Delivery.buffered()}),
    "key": with_options(lambda stack: {"encryption_key": kms.Key(stack, "Key", enable_key_rotation=True)}),
    "key-buffered": with_options(
        lambda stack: {
            "encryption_key": kms.Key(stack, "Key", enable_key_rotation=True),
            "delivery": Delivery.buffered(),
        }
    ),
    "locked": with_options(lambda _: {"object_lock": s3.ObjectLockRetention.compliance(Duration.days(365))}),
    "versioned": with_options(lambda _: {"versioned": True}),
    "for-ever": with_options(lambda _: {"retention": Retention(expiration=None)}),
    "raw": with_options(lambda _: {"archive_format": ArchiveFormat.raw}),
    "given": with_options(lambda stack: {"bucket": bucket_of_another_account(stack)}),
    "given-buffered": with_options(
        lambda stack: {"bucket": bucket_of_another_account(stack), "delivery": Delivery.buffered()}
    ),
    "account": of_account(Delivery.direct()),
    "account-buffered": of_account(Delivery.buffered()),
    "actions": with_actions,
    "read-and-merged": read_and_merged,
    "exports": exports,
}
