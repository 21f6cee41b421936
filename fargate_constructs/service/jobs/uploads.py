"""Uploads to a bucket: how S3 reports them to EventBridge, and how a rule finds them.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventBridge.html
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import cast

from aws_cdk import Resource
from aws_cdk import aws_events as events

from fargate_constructs._core.construct_paths import path_of
from fargate_constructs._core.lazy_cdk import aws_s3 as s3
from fargate_constructs._core.lazy_cdk import aws_stepfunctions as sfn
from fargate_constructs._core.synthesis_checks import check_at_synthesis

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
FIELDS = {"S3_BUCKET": "$.detail.bucket.name", "S3_KEY": "$.detail.object.key"}
# The child of a bucket by which CDK's function configures its notifications, all at once.
NOTIFICATIONS = "Notifications"


def uploaded() -> dict[str, str]:
    """Return the variables that name the uploaded object."""
    return {name: sfn.JsonPath.string_at(field) for name, field in FIELDS.items()}


def upload_pattern(bucket: s3.IBucket, prefix: str, suffix: str) -> events.EventPattern:
    """Return the pattern of events about new objects.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
    """
    detail: dict[str, object] = {"bucket": {"name": [bucket.bucket_name]}}
    if prefix and suffix:
        # Two conditions on one field are alternatives.
        detail["object"] = {"key": [{"wildcard": f"{_escaped(prefix)}*{_escaped(suffix)}"}]}
    elif prefix or suffix:
        detail["object"] = {"key": [{"prefix": prefix} if prefix else {"suffix": suffix}]}
    return events.EventPattern(source=["aws.s3"], detail_type=["Object Created"], detail=detail)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("*", "\\*")


def send_to_event_bridge(bucket: s3.IBucket) -> None:
    """Let a bucket of this app report its events to EventBridge.

    CDK does that by a function, one for the whole stack, that may configure each bucket of the account. The bucket's
    own property needs none. But if the bucket has other notifications, CDK's function writes all of them.
    """
    if not Resource.is_owned_resource(bucket):
        return
    resource = cast("s3.CfnBucket | None", bucket.node.default_child)
    if resource is None or bucket.node.try_find_child(NOTIFICATIONS):
        bucket.enable_event_bridge_notification()
    elif resource.notification_configuration is None:
        resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
        )
        check_at_synthesis(bucket, partial(_other_notifications, bucket))


def _other_notifications(bucket: s3.IBucket) -> Iterator[str]:
    """Refuse notifications that were added later: CDK's function would overwrite the bucket's own property."""
    if bucket.node.try_find_child(NOTIFICATIONS):
        yield (
            "bucket must have event_bridge_enabled=True if it gets other notifications, too, got: "
            f"{path_of(bucket)} without; CDK would turn off the events that run a job"
        )
