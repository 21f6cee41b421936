"""Where logs go: out of CloudWatch, into S3."""

import re
from functools import partial

import pytest
from aws_cdk import App, Duration, Environment, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler
from aws_cdk.assertions import Template

from fargate_constructs.logs.archive_format import ArchiveFormat
from fargate_constructs.logs.bucket_owner import bucket_owner
from fargate_constructs.logs.delivery import Delivery
from fargate_constructs.logs.log_archive import LogArchive
from fargate_constructs.logs.log_compaction import decide_compaction
from fargate_constructs.logs.retention import Retention
from tests.logs.archives import archive_of, environment, resources, stack_of, template_of
from tests.templates import properties, properties_of


@pytest.fixture(scope="module")
def stack() -> Stack:
    """The stack of a direct archive of one log group."""
    return stack_of("direct")


@pytest.fixture(scope="module")
def template() -> Template:
    """Its template."""
    return template_of("direct")


@pytest.fixture(scope="module")
def archive() -> LogArchive:
    """It."""
    return archive_of("direct")


def test_both_buckets_are_kept(template: Template) -> None:
    """They stay when the stack is gone; the audits of all modes see that they are private and encrypted."""
    for bucket in template.find_resources("AWS::S3::Bucket").values():
        assert bucket["DeletionPolicy"] == bucket["UpdateReplacePolicy"] == "Retain"


def test_logs_grow_cold_and_expire(template: Template) -> None:
    """Glacier Instant Retrieval after 90 days, gone after 400."""
    assert lifecycles(template)[0] == {
        "Status": "Enabled",
        "ExpirationInDays": 400,
        "Transitions": [{"StorageClass": "GLACIER_IR", "TransitionInDays": 90}],
        "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
    }


def test_the_shipper(stack: Stack, template: Template, archive: LogArchive) -> None:
    """It knows where to write, and what it could not write goes into the failure bucket when Lambda gives up.

    It drops what the archive's own functions log, also those that maintain it.
    """
    assert archive.catalog
    assert archive.compaction
    functions = (archive.function, archive.replay.function, archive.catalog.log_groups.function)
    own = [each.own_log_group.log_group_name for each in (*functions, archive.compaction.function)]
    shipper = properties_of(template, archive.function)

    assert (shipper["Handler"], shipper["MemorySize"], shipper["Timeout"]) == ("shipper.handler.handler", 512, 60)
    variables = shipper["Environment"]["Variables"]
    assert variables == {
        "IGNORED_LOG_GROUPS": stack.resolve(",".join(own)),
        "ARCHIVE_BUCKET": stack.resolve(archive.bucket.bucket_name),
        "ARCHIVE_BUCKET_OWNER": {"Ref": "AWS::AccountId"},
        "FAILURE_BUCKET": stack.resolve(archive.failure_bucket.bucket_name),
        "FAILURE_BUCKET_OWNER": {"Ref": "AWS::AccountId"},
        "ARCHIVE_FORMAT": "ndjson",
    }
    template.has_resource_properties(
        "AWS::Lambda::EventInvokeConfig",
        {
            "MaximumRetryAttempts": 2,
            "MaximumEventAgeInSeconds": 21600,
            "DestinationConfig": {"OnFailure": {"Destination": stack.resolve(archive.failure_bucket.bucket_arn)}},
        },
    )
    assert archive.failure_queue is None


def test_one_permission_serves_every_group(stack: Stack, template: Template) -> None:
    """For the account's own log groups alone, and each subscription waits for it."""
    is_of_logs = {"Properties": {"Principal": "logs.amazonaws.com", "SourceAccount": {"Ref": "AWS::AccountId"}}}
    [(id_, permission)] = template.find_resources("AWS::Lambda::Permission", is_of_logs).items()
    [subscription] = template.find_resources("AWS::Logs::SubscriptionFilter").values()

    groups = stack.format_arn(service="logs", resource="log-group:*")
    assert permission["Properties"]["SourceArn"] == stack.resolve(groups)
    assert id_ in subscription["DependsOn"]
    assert subscription["Properties"]["FilterPattern"] == ""


def test_failures_are_replayed_every_hour(stack: Stack, template: Template, archive: LogArchive) -> None:
    """By the scheduler, and by hand."""
    [schedule] = properties(template, "AWS::Scheduler::Schedule")

    assert schedule["ScheduleExpression"] == "rate(1 hour)"
    assert schedule["Target"]["Arn"] == stack.resolve(archive.replay.function.function_arn)
    assert schedule["Target"]["RetryPolicy"] == {"MaximumEventAgeInSeconds": 1800, "MaximumRetryAttempts": 2}
    function = properties_of(template, archive.replay.function)
    assert function["Timeout"] == 900
    assert function["Environment"]["Variables"] == {
        "SHIPPER": stack.resolve(archive.function.function_name),
        "FAILURE_BUCKET": stack.resolve(archive.failure_bucket.bucket_name),
        "FAILURE_BUCKET_OWNER": {"Ref": "AWS::AccountId"},
        "STREAM_FAILURE_BUCKET": stack.resolve(archive.bucket.bucket_name),
        "STREAM_FAILURE_BUCKET_OWNER": {"Ref": "AWS::AccountId"},
    }
    assert re.fullmatch(
        r"aws lambda invoke --function-name \S+ --cli-read-timeout 900 /dev/stdout", archive.replay_command
    )


@pytest.fixture(scope="module")
def custom() -> dict[str, Stack]:
    """A stack for each archive that no mode has; in the raw format, which has no more than they need."""
    app = App()
    short, mine, same = (Stack(app, name) for name in ("Short", "Mine", "Same"))
    make = partial(LogArchive, archive_format=ArchiveFormat.raw)
    every_ten_minutes = scheduler.ScheduleExpression.rate(Duration.minutes(10))
    make(short, "LogArchive", retention=Retention(expiration=Duration.days(30)), replay_schedule=every_ten_minutes)
    own = s3.Bucket.from_bucket_attributes(mine, "Bucket", bucket_name="logs", encryption_key=kms.Key(mine, "Key"))
    make(mine, "LogArchive", bucket=own)
    make(same, "LogArchive", bucket=s3.Bucket(same, "Bucket"))
    return {stack.node.id: stack for stack in (short, mine, same)}


# --- Whose bucket, and how it is kept ---


def test_a_bucket_of_ones_own(custom: dict[str, Stack]) -> None:
    """A given bucket is written to, and only what failed has a bucket made for it."""
    template = Template.from_stack(custom["Mine"])
    archive = custom["Mine"].node.find_child("LogArchive")

    assert archive.node.try_find_child("Bucket") is None
    assert archive.node.try_find_child("Failures")
    variables = environment(template, "shipper.handler.handler")
    assert variables["ARCHIVE_BUCKET"] == "logs"
    assert "ARCHIVE_BUCKET_OWNER" not in variables


def test_the_owner_of_a_given_bucket() -> None:
    """S3 is told whose bucket it must be where that is known: of one imported by its name it is not."""
    stack = Stack(App(), "Elsewhere", env=Environment(account="111111111111"))
    named = s3.Bucket.from_bucket_name(stack, "Named", "logs-of-all")
    foreign = s3.Bucket.from_bucket_attributes(stack, "Foreign", bucket_name="logs", account="222222222222")

    assert bucket_owner(named, stack) is None
    assert bucket_owner(foreign, stack) == "222222222222"


def test_a_bucket_of_the_same_app(custom: dict[str, Stack]) -> None:
    """A bucket made in the app has a known owner, and Data Firehose's failures in it are not looked for."""
    template = Template.from_stack(custom["Same"])

    assert environment(template, "shipper.handler.handler")["ARCHIVE_BUCKET_OWNER"] == {"Ref": "AWS::AccountId"}
    assert "STREAM_FAILURE_BUCKET" not in environment(template, "replay.handler.handler")


def test_what_the_owner_of_a_foreign_bucket_must_allow() -> None:
    """The bucket policy to add lets the shipper's role put lines, the catalog's list log groups, and nothing else."""
    stack, archive = stack_of("given"), archive_of("given")
    assert archive.catalog

    allowances = stack.resolve([each.to_statement_json() for each in archive.bucket_policy_statements])

    assert allowances == [
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


def lifecycles(template: Template) -> list[dict[str, object]]:
    """The one lifecycle rule of each bucket of logs, which is not the one of query results."""
    buckets = resources(template, "AWS::S3::Bucket").items()
    return [each["LifecycleConfiguration"]["Rules"][0] for id_, each in buckets if "Results" not in id_]


def test_a_retention_and_a_schedule_of_ones_own(custom: dict[str, Stack]) -> None:
    """Both buckets expire with it; logs that go before they would grow cold are not moved first."""
    template = Template.from_stack(custom["Short"])
    rules = lifecycles(template)

    assert [(rule["ExpirationInDays"], "Transitions" in rule) for rule in rules] == [(30, False)] * 2
    template.has_resource_properties("AWS::Scheduler::Schedule", {"ScheduleExpression": "rate(10 minutes)"})


def test_kept_for_ever() -> None:
    """Without expiration, nothing but remains of uploads and deletions ever goes; the archive still grows cold."""
    rules = lifecycles(template_of("raw"))

    assert [("ExpirationInDays" in rule, "Transitions" in rule) for rule in rules] == [(False, True), (False, False)]


def test_a_key_of_ones_own() -> None:
    """All buckets are encrypted with it, by way of bucket keys."""
    stack, template = stack_of("key"), template_of("key")
    key = stack.node.find_child("Key")
    assert isinstance(key, kms.Key)

    encrypted = {
        "BucketKeyEnabled": True,
        "ServerSideEncryptionByDefault": {
            "SSEAlgorithm": "aws:kms",
            "KMSMasterKeyID": stack.resolve(key.key_arn),
        },
    }
    buckets = resources(template, "AWS::S3::Bucket").values()
    assert [each["BucketEncryption"]["ServerSideEncryptionConfiguration"] for each in buckets] == [[encrypted]] * 3


def test_versions() -> None:
    """A versioned archive; failed batches are meant to be deleted."""
    template_of("versioned").resource_properties_count_is(
        "AWS::S3::Bucket", {"VersioningConfiguration": {"Status": "Enabled"}}, 1
    )


def test_a_lock() -> None:
    """The archive is locked and versioned, so nothing is merged; failed batches are meant to be deleted."""
    template_of("locked").resource_properties_count_is(
        "AWS::S3::Bucket",
        {
            "ObjectLockEnabled": True,
            "ObjectLockConfiguration": {
                "ObjectLockEnabled": "Enabled",
                "Rule": {"DefaultRetention": {"Days": 365, "Mode": "COMPLIANCE"}},
            },
            "VersioningConfiguration": {"Status": "Enabled"},
        },
        1,
    )
    assert archive_of("locked").object_lock
    assert archive_of("locked").compaction is None


LOCK = s3.ObjectLockRetention.governance(Duration.days(1))
REFUSED: dict[str, tuple[dict[str, object], str]] = {
    "retention-of-given": (
        {"bucket": "given", "retention": Retention()},
        "retention must be set on the bucket you give, got: bucket beside them",
    ),
    "all-of-given": (
        {"bucket": "given", "object_lock": LOCK, "encryption_key": "key", "versioned": True},
        "object_lock and encryption_key and versioned must be set on the bucket you give",
    ),
    "lock-outlasts": (
        {"object_lock": s3.ObjectLockRetention.governance(Duration.days(401))},
        "object_lock must not last longer than retention's expiration, got: 401 days beside 400",
    ),
    "lock-buffered": (
        {"object_lock": LOCK, "delivery": Delivery.buffered()},
        "delivery must be Delivery.direct() beside object_lock, got: Delivery.buffered()",
    ),
    "raw-buffered": (
        {"archive_format": ArchiveFormat.raw, "delivery": Delivery.buffered()},
        "delivery must be Delivery.direct() beside archive_format=ArchiveFormat.raw, got: Delivery.buffered()",
    ),
    "draining-raw": (
        {"archive_format": ArchiveFormat.raw, "delivery": Delivery.draining()},
        "got: Delivery.draining()",
    ),
    "compaction-locked": ({"object_lock": LOCK, "compaction": True}, "compaction must be off beside object_lock"),
    "compaction-versioned": ({"versioned": True, "compaction": True}, "compaction must be off beside versioned"),
    "crontab": (
        {"replay_schedule": scheduler.ScheduleExpression.expression("*/10 * * * *")},
        "replay_schedule must be a cron",
    ),
    "one-action": ({"alarm_actions": object()}, "alarm_actions must be a list of aws_cloudwatch.IAlarmAction"),
}


@pytest.fixture(scope="module")
def things() -> dict[object, object]:
    """What the arguments above stand for, and the stack of it."""
    stack = Stack(App(), "Test")
    bucket = s3.Bucket.from_bucket_name(stack, "Bucket", "logs-of-all")
    return {"stack": stack, "given": bucket, "key": kms.Key(stack, "Key")}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals(case: str, things: dict[object, object]) -> None:
    """What cannot be is refused before anything is made."""
    arguments, message = REFUSED[case]
    stack = things["stack"]
    assert isinstance(stack, Stack)

    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        LogArchive(
            stack,
            "LogArchive",
            **{name: things[value] if isinstance(value, str) else value for name, value in arguments.items()},  # type: ignore[arg-type]
        )

    assert stack.node.try_find_child("LogArchive") is None


def test_raw_batches() -> None:
    """The shipper is told to store batches as they come; nothing reads them."""
    template, archive = template_of("raw"), archive_of("raw")

    assert (archive.catalog, archive.compaction) == (None, None)
    assert environment(template, "shipper.handler.handler")["ARCHIVE_FORMAT"] == "raw"
    for reading in ("AWS::Glue::Table", "AWS::Athena::WorkGroup", "AWS::Events::Rule"):
        template.resource_count_is(reading, 0)
    template.resource_count_is("AWS::S3::Bucket", 2)


@pytest.mark.parametrize(
    ("compaction", "is_given", "against", "expected"),
    [
        (None, False, False, True),
        (None, False, True, False),
        (None, True, False, False),
        (False, False, False, False),
        (True, True, False, True),
    ],
)
def test_compaction(compaction: bool | None, is_given: bool, against: bool, expected: bool) -> None:  # noqa: FBT001
    """Small objects of a bucket made here are merged unless they would stay, and of one of your own if you say so."""
    bucket = archive_of("given").bucket if is_given else None

    assert decide_compaction(compaction=compaction, bucket=bucket, versioned=against) is expected
