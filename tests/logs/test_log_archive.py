"""Where logs go: out of CloudWatch, into S3."""

import re

import pytest
from aws_cdk import App, CfnParameter, Duration, Environment, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler
from aws_cdk.assertions import Match, Template

from fargate_constructs.logs import ArchiveFormat, Delivery, LogArchive, Retention


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
                        "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
                        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
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
            "Handler": "shipper.handler.handler",
            "MemorySize": 512,
            "Timeout": 60,
            "Environment": {
                "Variables": {
                    "ARCHIVE_BUCKET": Match.any_value(),
                    "ARCHIVE_BUCKET_OWNER": {"Ref": "AWS::AccountId"},
                    "FAILURE_BUCKET": Match.any_value(),
                    "FAILURE_BUCKET_OWNER": {"Ref": "AWS::AccountId"},
                    "ARCHIVE_FORMAT": "ndjson",
                    "IGNORED_LOG_GROUPS": Match.any_value(),
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


def allowed(template: Template, name: str) -> set[str]:
    """The actions that the policies whose name begins so allow."""
    statements = [
        statement
        for policy in template.find_resources("AWS::IAM::Policy").values()
        if policy["Properties"]["PolicyName"].startswith(name)
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]
    assert "*" not in [each["Resource"] for each in statements]
    return {
        action
        for each in statements
        for action in ([each["Action"]] if isinstance(each["Action"], str) else each["Action"])
    }


def test_functions_may_do_no_more_than_they_must(stack: Stack, template: Template) -> None:
    """The shipper reads and deletes nothing; the replay reads, deletes and puts back failures alone."""
    own_log = {"logs:CreateLogStream", "logs:PutLogEvents"}

    assert allowed(template, "LogArchiveShipperRole") == own_log | {"s3:PutObject", "s3:ListBucket"}
    assert allowed(template, "LogArchiveReplayFunctionRole") == own_log | {
        "s3:GetObject",
        "s3:DeleteObject",
        "s3:PutObject",
        "s3:ListBucket",
        "lambda:InvokeFunction",
    }
    archive = stack.node.find_child("LogArchive")
    assert isinstance(archive, LogArchive)
    on = [
        statement["Resource"]
        for policy in template.find_resources("AWS::IAM::Policy").values()
        if policy["Properties"]["PolicyName"].startswith("LogArchiveReplayFunctionRole")
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if "s3:PutObject" in statement["Action"]
    ]
    failures = archive.failure_bucket.arn_for_objects("aws/lambda/async/*")
    assert on == stack.resolve([failures, archive.bucket.arn_for_objects("firehose-failures/*")])


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


def test_many_groups_still_need_one_permission() -> None:
    """Two hundred subscriptions do not fill the function's policy."""
    stack = Stack(App(), "Test")
    archive = LogArchive(stack, "LogArchive")
    for number in range(200):
        archive.add_log_group(logs.LogGroup.from_log_group_name(stack, f"Logs{number}", f"/app/{number}"))

    template = Template.from_stack(stack)
    template.resource_count_is("AWS::Logs::SubscriptionFilter", 200)
    template.resource_properties_count_is("AWS::Lambda::Permission", {"Principal": "logs.amazonaws.com"}, 1)


def test_failures_are_replayed_every_hour(stack: Stack, template: Template) -> None:
    """By the scheduler, in a role that may call the one function; and by hand."""
    archive = stack.node.find_child("LogArchive")
    assert isinstance(archive, LogArchive)
    function = stack.resolve(archive.replayer.function.function_arn)
    invoke = Match.object_like({"Action": "lambda:InvokeFunction", "Resource": function})

    template.has_resource_properties(
        "AWS::Scheduler::Schedule",
        {
            "ScheduleExpression": "rate(1 hour)",
            "Target": Match.object_like(
                {"Arn": function, "RetryPolicy": {"MaximumEventAgeInSeconds": 1800, "MaximumRetryAttempts": 2}}
            ),
        },
    )
    template.has_resource_properties(
        "AWS::IAM::Role",
        {
            "AssumeRolePolicyDocument": Match.object_like(
                {
                    "Statement": [
                        Match.object_like(
                            {
                                "Principal": {"Service": "scheduler.amazonaws.com"},
                                "Condition": {
                                    "StringEquals": Match.object_like({"aws:SourceAccount": {"Ref": "AWS::AccountId"}})
                                },
                            }
                        )
                    ]
                }
            ),
            "Policies": [Match.object_like({"PolicyDocument": Match.object_like({"Statement": [invoke]})})],
        },
    )
    template.has_resource_properties(
        "AWS::Lambda::Function",
        {
            "Timeout": 900,
            "Environment": {
                "Variables": {
                    "SHIPPER": stack.resolve(archive.function.function_name),
                    "FAILURE_BUCKET": stack.resolve(archive.failure_bucket.bucket_name),
                    "FAILURE_BUCKET_OWNER": {"Ref": "AWS::AccountId"},
                    "STREAM_FAILURE_BUCKET": stack.resolve(archive.bucket.bucket_name),
                    "STREAM_FAILURE_BUCKET_OWNER": {"Ref": "AWS::AccountId"},
                }
            },
        },
    )
    assert re.fullmatch(
        r"aws lambda invoke --function-name \S+ --cli-read-timeout 900 /dev/stdout", archive.replay_command
    )


def test_replayed_when_you_say() -> None:
    """The schedule is yours to choose."""
    stack = Stack(App(), "Test")
    crontab = scheduler.ScheduleExpression.expression("*/10 * * * *")
    with pytest.raises(ValueError, match="replay_schedule must be a cron"):
        LogArchive(stack, "LogArchive", replay_schedule=crontab)
    LogArchive(stack, "LogArchive", replay_schedule=scheduler.ScheduleExpression.rate(Duration.minutes(10)))

    Template.from_stack(stack).has_resource_properties(
        "AWS::Scheduler::Schedule", {"ScheduleExpression": "rate(10 minutes)"}
    )


# --- Whose bucket, and how it is kept ---


def test_a_bucket_of_ones_own() -> None:
    """A given bucket is written to, with its key, and only what failed has a bucket made for it."""
    stack = Stack(App(), "Test")
    key = kms.Key(stack, "Key")
    bucket = s3.Bucket.from_bucket_attributes(stack, "Bucket", bucket_name="logs-of-all", encryption_key=key)

    archive = LogArchive(stack, "LogArchive", bucket=bucket)

    template = Template.from_stack(stack)
    assert archive.node.try_find_child("Bucket") is None
    assert archive.node.try_find_child("Failures") is archive.failure_bucket
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
    assert "kms:GenerateDataKey" in allowed(template, "LogArchiveShipperRole")
    assert archive.bucket is bucket


def archive_owner(bucket: s3.IBucket) -> object:
    """The account that the shipper is told a given bucket has."""
    stack = Stack(App(), "Test", env=Environment(account="111111111111"))
    template = Template.from_stack(Stack.of(LogArchive(stack, "LogArchive", bucket=bucket)))
    (shipper,) = template.find_resources(
        "AWS::Lambda::Function", {"Properties": {"Environment": {"Variables": {"ARCHIVE_FORMAT": "ndjson"}}}}
    ).values()
    return shipper["Properties"]["Environment"]["Variables"].get("ARCHIVE_BUCKET_OWNER")


def test_the_owner_of_a_given_bucket() -> None:
    """S3 is told whose bucket it must be where that is known: of one imported by its name it is not."""
    elsewhere = Stack(App(), "Elsewhere", env=Environment(account="111111111111"))
    named = s3.Bucket.from_bucket_name(elsewhere, "Named", "logs-of-all")
    foreign = s3.Bucket.from_bucket_attributes(elsewhere, "Foreign", bucket_name="logs", account="222222222222")

    assert archive_owner(named) is None
    assert archive_owner(foreign) == "222222222222"


def test_a_bucket_of_the_same_app() -> None:
    """A bucket made in the app has a known owner, and Data Firehose's failures in it are not looked for."""
    stack = Stack(App(), "Test")

    LogArchive(stack, "LogArchive", bucket=s3.Bucket(stack, "Bucket"))

    template = Template.from_stack(stack)
    template.has_resource_properties(
        "AWS::Lambda::Function",
        {"Environment": {"Variables": Match.object_like({"ARCHIVE_BUCKET_OWNER": {"Ref": "AWS::AccountId"}})}},
    )
    template.has_resource_properties(
        "AWS::Lambda::Function",
        {"Environment": {"Variables": Match.object_like({"STREAM_FAILURE_BUCKET": Match.absent()})}, "Timeout": 900},
    )


def test_what_the_owner_of_a_foreign_bucket_must_allow() -> None:
    """The bucket policy to add lets the shipper's role put lines, the catalog's list log groups, and nothing else."""
    stack = Stack(App(), "Test")
    bucket = s3.Bucket.from_bucket_attributes(stack, "Bucket", bucket_name="logs-of-all", account="222222222222")
    archive = LogArchive(stack, "LogArchive", bucket=bucket)
    assert archive.catalog

    statements = stack.resolve([each.to_statement_json() for each in archive.bucket_policy_statements])

    assert statements == [
        {
            "Effect": "Allow",
            "Principal": {"AWS": stack.resolve(archive.function.execution_role.role_arn)},
            "Action": "s3:PutObject",
            "Resource": {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":s3:::logs-of-all/log_group=*"]]},
        },
        {
            "Effect": "Allow",
            "Principal": {"AWS": stack.resolve(archive.catalog.log_groups.function.execution_role.role_arn)},
            "Action": "s3:ListBucket",
            "Resource": {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":s3:::logs-of-all"]]},
            "Condition": {"StringEquals": {"s3:prefix": "log_group="}},
        },
    ]


def test_a_retention_of_ones_own() -> None:
    """Both buckets expire with it; logs that go before they would grow cold are not moved first."""
    stack = Stack(App(), "Test")
    LogArchive(stack, "LogArchive", retention=Retention(expiration=Duration.days(30)))

    Template.from_stack(stack).resource_properties_count_is(
        "AWS::S3::Bucket",
        {
            "LifecycleConfiguration": {
                "Rules": [Match.object_like({"ExpirationInDays": 30, "Transitions": Match.absent()})]
            }
        },
        2,
    )


def test_kept_for_ever() -> None:
    """Without expiration, nothing but remains of uploads and deletions ever goes."""
    stack = Stack(App(), "Test")
    LogArchive(stack, "LogArchive", retention=Retention(expiration=None))

    template = Template.from_stack(stack)
    template.resource_properties_count_is(
        "AWS::S3::Bucket",
        {"LifecycleConfiguration": {"Rules": [Match.object_like({"ExpirationInDays": Match.absent()})]}},
        2,
    )
    template.resource_properties_count_is(
        "AWS::S3::Bucket",
        {"LifecycleConfiguration": {"Rules": [Match.object_like({"Transitions": Match.any_value()})]}},
        1,
    )


def test_a_key_of_ones_own() -> None:
    """All buckets are encrypted with it, by way of bucket keys, and each function may do with it what it must."""
    stack = Stack(App(), "Test")
    key = kms.Key(stack, "Key")

    LogArchive(stack, "LogArchive", encryption_key=key)

    template = Template.from_stack(stack)
    template.resource_properties_count_is(
        "AWS::S3::Bucket",
        {
            "BucketEncryption": {
                "ServerSideEncryptionConfiguration": [
                    {
                        "BucketKeyEnabled": True,
                        "ServerSideEncryptionByDefault": {
                            "SSEAlgorithm": "aws:kms",
                            "KMSMasterKeyID": stack.resolve(key.key_arn),
                        },
                    }
                ]
            }
        },
        3,
    )
    assert {action for action in allowed(template, "LogArchiveShipperRole") if action.startswith("kms")} == {
        "kms:GenerateDataKey"
    }
    assert {action for action in allowed(template, "LogArchiveReplayFunctionRole") if action.startswith("kms")} == {
        "kms:Decrypt",
        "kms:GenerateDataKey",
    }


def test_versions() -> None:
    """A versioned archive; failed batches are meant to be deleted."""
    stack = Stack(App(), "Test")
    LogArchive(stack, "LogArchive", versioned=True)

    Template.from_stack(stack).resource_properties_count_is(
        "AWS::S3::Bucket", {"VersioningConfiguration": {"Status": "Enabled"}}, 1
    )


@pytest.mark.parametrize("mode", ["governance", "compliance"])
def test_a_lock(mode: str) -> None:
    """The archive is locked and versioned; failed batches are meant to be deleted."""
    stack = Stack(App(), "Test")
    lock = getattr(s3.ObjectLockRetention, mode)(Duration.days(365))

    archive = LogArchive(stack, "LogArchive", object_lock=lock)

    Template.from_stack(stack).resource_properties_count_is(
        "AWS::S3::Bucket",
        {
            "ObjectLockEnabled": True,
            "ObjectLockConfiguration": {
                "ObjectLockEnabled": "Enabled",
                "Rule": {"DefaultRetention": {"Days": 365, "Mode": mode.upper()}},
            },
            "VersioningConfiguration": {"Status": "Enabled"},
        },
        1,
    )
    assert archive.object_lock is lock


def test_a_lock_on_what_is_kept_for_ever_or_as_deployed() -> None:
    """A lock cannot outlast what is never deleted, nor be known to outlast what only CloudFormation knows."""
    stack = Stack(App(), "Test")
    days = CfnParameter(stack, "Days", type="Number").value_as_number
    lock = s3.ObjectLockRetention.governance(Duration.days(5000))

    LogArchive(stack, "ForEver", object_lock=lock, retention=Retention(expiration=None))
    LogArchive(stack, "AsDeployed", object_lock=lock, retention=Retention(expiration=Duration.days(days)))

    Template.from_stack(stack).resource_properties_count_is("AWS::S3::Bucket", {"ObjectLockEnabled": True}, 2)


REFUSED: dict[str, tuple[dict[str, object], type[Exception], str]] = {
    "retention-of-given": (
        {"bucket": "given", "retention": Retention()},
        ValueError,
        "retention must be set on the bucket you give, got: bucket beside them",
    ),
    "all-of-given": (
        {
            "bucket": "given",
            "object_lock": s3.ObjectLockRetention.governance(Duration.days(1)),
            "encryption_key": "key",
            "versioned": True,
        },
        ValueError,
        "object_lock and encryption_key and versioned must be set on the bucket you give",
    ),
    "lock-outlasts": (
        {"object_lock": s3.ObjectLockRetention.governance(Duration.days(401))},
        ValueError,
        "object_lock must not last longer than retention's expiration, got: 401 days beside 400",
    ),
    "lock-buffered": (
        {"object_lock": s3.ObjectLockRetention.governance(Duration.days(1)), "delivery": Delivery.buffered()},
        ValueError,
        "delivery must be Delivery.direct() beside object_lock, got: Delivery.buffered()",
    ),
    "raw-buffered": (
        {"archive_format": ArchiveFormat.raw, "delivery": Delivery.buffered()},
        ValueError,
        "delivery must be Delivery.direct() beside archive_format=ArchiveFormat.raw, got: Delivery.buffered()",
    ),
    "merging-locked": (
        {"object_lock": s3.ObjectLockRetention.governance(Duration.days(1)), "merging": True},
        ValueError,
        "merging must be off beside object_lock, got: True",
    ),
    "merging-versioned": (
        {"versioned": True, "merging": True},
        ValueError,
        "merging must be off beside versioned, got: True",
    ),
    "one-action": (
        {"alarm_actions": object()},
        TypeError,
        "alarm_actions must be a list of aws_cloudwatch.IAlarmAction, got: ",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals(case: str) -> None:
    """What cannot be is refused before anything is made."""
    arguments, kind, message = REFUSED[case]
    stack = Stack(App(), "Test")
    things: dict[object, object] = {
        "given": s3.Bucket.from_bucket_name(stack, "Bucket", "logs-of-all"),
        "key": kms.Key(stack, "Key"),
    }

    with pytest.raises(kind, match=re.escape(message)):
        LogArchive(
            stack,
            "LogArchive",
            **{name: things[value] if isinstance(value, str) else value for name, value in arguments.items()},  # type: ignore[arg-type]
        )

    assert stack.node.try_find_child("LogArchive") is None


def test_raw_batches() -> None:
    """The shipper is told to store batches as they come, and may put them where it does; nothing reads them."""
    stack = Stack(App(), "Test")
    archive = LogArchive(stack, "LogArchive", archive_format=ArchiveFormat.raw)
    assert (archive.catalog, archive.merger) == (None, None)

    template = Template.from_stack(stack)
    template.has_resource_properties(
        "AWS::Lambda::Function", {"Environment": {"Variables": Match.object_like({"ARCHIVE_FORMAT": "raw"})}}
    )
    for reading in ("AWS::Glue::Table", "AWS::Athena::WorkGroup", "AWS::Events::Rule"):
        template.resource_count_is(reading, 0)
    template.resource_count_is("AWS::S3::Bucket", 2)
    objects = stack.resolve(archive.bucket.arn_for_objects("raw/log_group=*"))
    put = Match.object_like({"Action": "s3:PutObject", "Resource": objects})
    template.has_resource_properties(
        "AWS::IAM::Policy", {"PolicyDocument": Match.object_like({"Statement": Match.array_with([put])})}
    )


def test_merging() -> None:
    """Small objects are merged unless there are none, or they would stay; in a bucket of your own if you say so."""
    stack = Stack(App(), "Test")
    lock = s3.ObjectLockRetention.governance(Duration.days(1))
    own = s3.Bucket.from_bucket_name(stack, "Bucket", "logs-of-all")

    assert LogArchive(stack, "Default").merger
    assert LogArchive(stack, "Locked", object_lock=lock).merger is None
    assert LogArchive(stack, "Versioned", versioned=True).merger is None
    assert LogArchive(stack, "Raw", archive_format=ArchiveFormat.raw).merger is None
    assert LogArchive(stack, "Off", merging=False).merger is None
    assert LogArchive(stack, "Own", bucket=own).merger is None
    assert LogArchive(stack, "OwnMerged", bucket=own, merging=True).merger
