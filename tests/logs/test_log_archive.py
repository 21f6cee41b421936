"""Where logs go: out of CloudWatch, into S3."""

import re

import pytest
from aws_cdk import App, Duration, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Match, Template

from fargate_constructs import LogArchive


@pytest.fixture(scope="module")
def stack() -> Stack:
    """A stack with an archive of one log group."""
    stack = Stack(App(), "Test")
    archive = LogArchive(stack, "LogArchive")
    archive.add_log_group(logs.LogGroup(stack, "Logs"))
    return stack


@pytest.fixture(scope="module")
def template(stack: Stack) -> Template:
    """The template of the default archive."""
    return Template.from_stack(stack)


def test_both_buckets_are_private_and_kept(template: Template) -> None:
    """Encrypted, closed to the public, and there when the stack is gone."""
    for bucket in template.find_resources("AWS::S3::Bucket").values():
        assert bucket["DeletionPolicy"] == bucket["UpdateReplacePolicy"] == "Retain"
        assert all(bucket["Properties"]["PublicAccessBlockConfiguration"].values())
        assert bucket["Properties"]["BucketEncryption"]
    template.resource_count_is("AWS::S3::Bucket", 3)  # one is for the catalog's results
    template.all_resources_properties(
        "AWS::S3::BucketPolicy",
        {
            "PolicyDocument": Match.object_like(
                {
                    "Statement": Match.array_with(
                        [Match.object_like({"Effect": "Deny", "Condition": {"Bool": {"aws:SecureTransport": "false"}}})]
                    )
                }
            )
        },
    )


def test_logs_grow_cold_and_expire(template: Template) -> None:
    """Glacier Instant Retrieval after 90 days, gone after 400."""
    template.has_resource_properties(
        "AWS::S3::Bucket",
        {
            "LifecycleConfiguration": {
                "Rules": [
                    {
                        "Status": "Enabled",
                        "ExpirationInDays": 400,
                        "Transitions": [{"StorageClass": "GLACIER_IR", "TransitionInDays": 90}],
                    }
                ]
            }
        },
    )


def test_the_shipper_is_newest_python_on_arm(template: Template) -> None:
    """It knows where to write, and logs nothing about its own comings and goings."""
    template.has_resource_properties(
        "AWS::Lambda::Function",
        {
            "Runtime": "python3.14",
            "Architectures": ["arm64"],
            "Handler": "handler.handler",
            "MemorySize": 512,
            "Timeout": 60,
            "Environment": {
                "Variables": {
                    "ARCHIVE_BUCKET": Match.any_value(),
                    "ARCHIVE_BUCKET_OWNER": {"Ref": "AWS::AccountId"},
                    "FAILURE_BUCKET": Match.any_value(),
                    "FAILURE_BUCKET_OWNER": {"Ref": "AWS::AccountId"},
                }
            },
            "LoggingConfig": Match.object_like({"LogFormat": "JSON", "SystemLogLevel": "WARN"}),
        },
    )


def test_what_failed_for_good_is_kept(stack: Stack, template: Template) -> None:
    """Lambda tries as long as it can, and then puts the batch into the failure bucket."""
    archive = stack.node.find_child("LogArchive")
    assert isinstance(archive, LogArchive)

    template.has_resource_properties(
        "AWS::Lambda::EventInvokeConfig",
        {
            "MaximumRetryAttempts": 2,
            "MaximumEventAgeInSeconds": 21600,
            "DestinationConfig": {"OnFailure": {"Destination": stack.resolve(archive.failure_bucket.bucket_arn)}},
        },
    )


def test_the_shipper_may_do_no_more_than_it_must(template: Template) -> None:
    """It writes lines, failures and its own log; it reads and deletes nothing."""
    (policy,) = (each for name, each in template.find_resources("AWS::IAM::Policy").items() if "ShipperRole" in name)
    statements = policy["Properties"]["PolicyDocument"]["Statement"]
    allowed = [
        action
        for each in statements
        for action in ([each["Action"]] if isinstance(each["Action"], str) else each["Action"])
    ]

    assert set(allowed) == {"s3:PutObject", "s3:ListBucket", "logs:CreateLogStream", "logs:PutLogEvents"}
    assert "*" not in [each["Resource"] for each in statements]


def test_one_permission_serves_every_group(template: Template) -> None:
    """For the account's own log groups alone, and each subscription waits for it."""
    template.has_resource_properties(
        "AWS::Lambda::Permission",
        {
            "Principal": "logs.amazonaws.com",
            "SourceAccount": {"Ref": "AWS::AccountId"},
            "SourceArn": {
                "Fn::Join": [
                    "",
                    [
                        "arn:",
                        {"Ref": "AWS::Partition"},
                        ":logs:",
                        {"Ref": "AWS::Region"},
                        ":",
                        {"Ref": "AWS::AccountId"},
                        ":log-group:*",
                    ],
                ]
            },
        },
    )
    (permission,) = template.find_resources(
        "AWS::Lambda::Permission", {"Properties": {"Principal": "logs.amazonaws.com"}}
    )
    (subscription,) = template.find_resources("AWS::Logs::SubscriptionFilter").values()
    assert permission in subscription["DependsOn"]
    assert subscription["Properties"]["FilterPattern"] == ""


def test_every_way_to_fail_has_an_alarm(stack: Stack, template: Template) -> None:
    """Each goes off at the first occurrence, and says whose it is."""
    archive = stack.node.find_child("LogArchive")
    assert isinstance(archive, LogArchive)
    alarms = [alarm["Properties"] for alarm in template.find_resources("AWS::CloudWatch::Alarm").values()]

    assert {alarm["MetricName"] for alarm in alarms} == {
        "Errors",
        "Throttles",
        "AsyncEventsDropped",
        "DestinationDeliveryFailures",
        "QuarantinedBatches",
    }
    assert {alarm["Threshold"] for alarm in alarms} == {1}
    assert all(alarm["AlarmDescription"].startswith("Test/LogArchive") for alarm in alarms)
    assert len(archive.alarms) == len(alarms)


def test_many_groups_still_need_one_permission() -> None:
    """Two hundred subscriptions do not fill the function's policy."""
    stack = Stack(App(), "Test")
    archive = LogArchive(stack, "LogArchive")
    for number in range(200):
        archive.add_log_group(logs.LogGroup.from_log_group_name(stack, f"Logs{number}", f"/app/{number}"))

    template = Template.from_stack(stack)
    template.resource_count_is("AWS::Logs::SubscriptionFilter", 200)
    template.resource_properties_count_is("AWS::Lambda::Permission", {"Principal": "logs.amazonaws.com"}, 1)


def test_a_bucket_of_ones_own() -> None:
    """A given bucket is written to, with its key, and only what failed has a bucket made for it."""
    stack = Stack(App(), "Test")
    key = kms.Key(stack, "Key")
    bucket = s3.Bucket.from_bucket_attributes(stack, "Bucket", bucket_name="logs-of-all", encryption_key=key)

    archive = LogArchive(stack, "LogArchive", bucket=bucket)

    template = Template.from_stack(stack)
    template.resource_count_is("AWS::S3::Bucket", 2)
    template.has_resource_properties(
        "AWS::Lambda::Function",
        {
            "Environment": {
                "Variables": Match.object_like(
                    {"ARCHIVE_BUCKET": "logs-of-all", "ARCHIVE_BUCKET_OWNER": Match.absent()}
                )
            }
        },
    )
    template.has_resource_properties(
        "AWS::IAM::Policy",
        {
            "PolicyDocument": Match.object_like(
                {
                    "Statement": Match.array_with(
                        [Match.object_like({"Action": Match.array_with(["kms:GenerateDataKey*"])})]
                    )
                }
            )
        },
    )
    assert archive.bucket is bucket


def test_an_expiration_of_ones_own() -> None:
    """Logs that go before they would grow cold are not moved first."""
    stack = Stack(App(), "Test")
    LogArchive(stack, "LogArchive", expiration=Duration.days(30))

    Template.from_stack(stack).resource_properties_count_is(
        "AWS::S3::Bucket",
        {
            "LifecycleConfiguration": {
                "Rules": [{"Status": "Enabled", "ExpirationInDays": 30, "Transitions": Match.absent()}]
            }
        },
        2,
    )


def test_an_expiration_of_a_given_bucket_is_refused() -> None:
    """The bucket's owner decides that."""
    stack = Stack(App(), "Test")
    bucket = s3.Bucket.from_bucket_name(stack, "Bucket", "logs-of-all")

    with pytest.raises(ValueError, match=re.escape("got: 30 days beside a bucket")):
        LogArchive(stack, "LogArchive", bucket=bucket, expiration=Duration.days(30))

    assert stack.node.try_find_child("LogArchive") is None


def test_the_shippers_own_log_is_refused() -> None:
    """It would ship what it logs about shipping, for ever."""
    archive = LogArchive(Stack(App(), "Test"), "LogArchive")

    with pytest.raises(ValueError, match="log_group must not be the shipper's own, got: Test/LogArchive/ShipperLogs"):
        archive.add_log_group(archive.log_group)
