"""Data Firehose between CloudWatch and S3."""

import json
import re
from collections import Counter

import pytest
from aws_cdk import App, CfnParameter, Duration, Environment, Size, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Match, Template

from fargate_constructs.logs import ArchiveFormat, Delivery, LogArchive


def make(**options: object) -> LogArchive:
    """A buffered archive of one log group."""
    stack = Stack(App(), "Test")
    archive = LogArchive(stack, "LogArchive", delivery=Delivery.buffered(**options))  # type: ignore[arg-type]
    archive.add_log_group(logs.LogGroup(stack, "Logs"))
    return archive


@pytest.fixture(scope="module")
def archive() -> LogArchive:
    """A buffered archive."""
    return make()


@pytest.fixture(scope="module")
def template(archive: LogArchive) -> Template:
    """Its template."""
    return Template.from_stack(Stack.of(archive))


def test_the_stream_writes_where_the_shipper_would(archive: LogArchive, template: Template) -> None:
    """Under the same partitions, gzip with the same ending; what fails lies where the replay looks."""
    template.has_resource_properties(
        "AWS::KinesisFirehose::DeliveryStream",
        {
            "DeliveryStreamEncryptionConfigurationInput": {"KeyType": "AWS_OWNED_CMK"},
            "ExtendedS3DestinationConfiguration": Match.object_like(
                {
                    "BucketARN": Stack.of(archive).resolve(archive.bucket.bucket_arn),
                    "Prefix": "log_group=!{partitionKeyFromLambda:log_group}/dt=!{partitionKeyFromLambda:dt}/"
                    "hour=!{partitionKeyFromLambda:hour}/!{timestamp:yyyyMMddHH}-",
                    "ErrorOutputPrefix": "firehose-failures/!{firehose:error-output-type}/",
                    "FileExtension": ".ndjson.gz",
                    "CompressionFormat": Match.absent(),
                    "BufferingHints": {"IntervalInSeconds": 900, "SizeInMBs": 128},
                    "DynamicPartitioningConfiguration": {"Enabled": True, "RetryOptions": {"DurationInSeconds": 7200}},
                }
            ),
        },
    )


def test_the_function_prepares_batches(archive: LogArchive, template: Template) -> None:
    """It knows the same buckets as the shipper, and drops the same log groups."""
    assert archive.buffer
    stack = Stack.of(archive)
    template.has_resource_properties(
        "AWS::Lambda::Function",
        {
            "Handler": "shipper.transform.handler",
            "Timeout": 300,
            "Environment": {
                "Variables": {
                    "ARCHIVE_BUCKET": stack.resolve(archive.bucket.bucket_name),
                    "ARCHIVE_BUCKET_OWNER": {"Ref": "AWS::AccountId"},
                    "FAILURE_BUCKET": stack.resolve(archive.failure_bucket.bucket_name),
                    "FAILURE_BUCKET_OWNER": {"Ref": "AWS::AccountId"},
                    "ARCHIVE_FORMAT": "ndjson",
                    "IGNORED_LOG_GROUPS": Match.any_value(),
                }
            },
        },
    )
    for group in (archive.buffer.own_logs, archive.buffer.function.own_logs):
        with pytest.raises(ValueError, match="one of the archive's own"):
            archive.add_log_group(group)


def listed(actions: str | list[str]) -> list[str]:
    """The actions of a statement; the template writes a single one without a list."""
    return [actions] if isinstance(actions, str) else actions


def test_the_stream_may_do_no_more_than_it_must(archive: LogArchive, template: Template) -> None:
    """It writes, and calls the one function; it deletes nothing."""
    assert archive.buffer
    stack = Stack.of(archive)
    (role,) = template.find_resources(
        "AWS::IAM::Role",
        {"Properties": {"Policies": [{"PolicyName": "Deliver"}]}},
    ).values()
    (policy,) = role["Properties"]["Policies"]
    statements = policy["PolicyDocument"]["Statement"]
    actions = {action for each in statements for action in listed(each["Action"])}
    assert actions == {
        "s3:PutObject",
        "s3:GetObject",
        "s3:AbortMultipartUpload",
        "s3:GetBucketLocation",
        "s3:ListBucket",
        "s3:ListBucketMultipartUploads",
        "lambda:InvokeFunction",
        "lambda:GetFunctionConfiguration",
        "logs:PutLogEvents",
    }
    assert role["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]["Condition"] == {
        "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    }
    template.has_resource_properties(
        "AWS::Logs::SubscriptionFilter",
        {
            "DestinationArn": stack.resolve(archive.buffer.stream.delivery_stream_arn),
            "RoleArn": Match.any_value(),
        },
    )


def test_switching_moves_nothing(template: Template) -> None:
    """What a direct archive has, a buffered one has, too, but for the permission to call the shipper."""
    stack = Stack(App(), "Test")
    LogArchive(stack, "LogArchive").add_log_group(logs.LogGroup(stack, "Logs"))
    direct, buffered = Template.from_stack(stack).to_json()["Resources"], template.to_json()["Resources"]

    gone = direct.keys() - buffered.keys()
    assert [direct[id_]["Type"] for id_ in gone] == ["AWS::Lambda::Permission"]
    kept = [id_ for id_, each in direct.items() if each["Type"] in ("AWS::S3::Bucket", "AWS::Logs::LogGroup")]
    assert {id_: direct[id_] for id_ in kept} == {id_: buffered[id_] for id_ in kept}
    (name,) = (id_ for id_, each in direct.items() if each["Type"] == "AWS::Logs::SubscriptionFilter")
    # What CloudFormation would replace the subscription for.
    for replaces in ("FilterName", "LogGroupName"):
        assert direct[name]["Properties"][replaces] == buffered[name]["Properties"][replaces]


def test_sizes_of_ones_own() -> None:
    """As Data Firehose allows."""
    archive = make(buffering_size=Size.mebibytes(64), buffering_interval=Duration.minutes(1))

    Template.from_stack(Stack.of(archive)).has_resource_properties(
        "AWS::KinesisFirehose::DeliveryStream",
        {
            "ExtendedS3DestinationConfiguration": Match.object_like(
                {"BufferingHints": {"IntervalInSeconds": 60, "SizeInMBs": 64}}
            )
        },
    )


def test_sizes_that_only_cloudformation_knows() -> None:
    """They pass, and reach the template."""
    stack = Stack(App(), "Test")
    size, interval = (CfnParameter(stack, name, type="Number").value_as_number for name in ("Size", "Interval"))
    delivery = Delivery.buffered(buffering_size=Size.mebibytes(size), buffering_interval=Duration.seconds(interval))
    LogArchive(stack, "LogArchive", delivery=delivery)

    hints = {"IntervalInSeconds": {"Ref": "Interval"}, "SizeInMBs": {"Ref": "Size"}}
    Template.from_stack(stack).has_resource_properties(
        "AWS::KinesisFirehose::DeliveryStream",
        {"ExtendedS3DestinationConfiguration": Match.object_like({"BufferingHints": hints})},
    )


@pytest.mark.parametrize(
    ("size", "got"),
    [(Size.mebibytes(63), "63"), (Size.mebibytes(129), "129"), (Size.kibibytes(100_000), "97.65625")],
    ids=["small", "large", "broken"],
)
def test_sizes_out_of_range_are_refused(size: Size, got: str) -> None:
    """Data Firehose, or CDK, would refuse them later."""
    with pytest.raises(ValueError, match=f"buffering_size must be (64 to 128|whole) MiB, got: {got}$"):
        Delivery.buffered(buffering_size=size)


@pytest.mark.parametrize("seconds", [59, 901])
def test_intervals_out_of_range_are_refused(seconds: int) -> None:
    """Data Firehose would refuse them while deploying."""
    message = f"buffering_interval must be 60 to 900 seconds, got: {seconds}"
    with pytest.raises(ValueError, match=message):
        Delivery.buffered(buffering_interval=Duration.seconds(seconds))


def test_a_key_of_ones_own() -> None:
    """The stream may encrypt with the archive's key."""
    stack = Stack(App(), "Test")
    key = kms.Key(stack, "Key")
    LogArchive(stack, "LogArchive", encryption_key=key, delivery=Delivery.buffered())

    may = {"Action": ["kms:GenerateDataKey", "kms:Decrypt"], "Effect": "Allow", "Resource": stack.resolve(key.key_arn)}
    Template.from_stack(stack).has_resource_properties(
        "AWS::IAM::Role",
        {
            "Policies": [
                Match.object_like({"PolicyDocument": Match.object_like({"Statement": Match.array_with([may])})})
            ]
        },
    )


def test_a_given_bucket_without_a_known_owner() -> None:
    """Failures of the stream are looked for there all the same; only S3 is not told whose it must be."""
    stack = Stack(App(), "Test")
    bucket = s3.Bucket.from_bucket_name(stack, "Bucket", "logs-of-all")
    LogArchive(stack, "LogArchive", bucket=bucket, delivery=Delivery.buffered())

    expected = {"STREAM_FAILURE_BUCKET": "logs-of-all", "STREAM_FAILURE_BUCKET_OWNER": Match.absent()}
    Template.from_stack(stack).has_resource_properties(
        "AWS::Lambda::Function", {"Timeout": 900, "Environment": {"Variables": Match.object_like(expected)}}
    )


def test_what_the_owner_of_a_foreign_bucket_must_allow() -> None:
    """Six roles need the bucket: shipper, transform, stream, replay, catalog and, if it is told to merge, merger."""
    stack = Stack(App(), "Test")
    bucket = s3.Bucket.from_bucket_attributes(stack, "Bucket", bucket_name="logs-of-all", account="222222222222")
    archive = LogArchive(stack, "LogArchive", bucket=bucket, delivery=Delivery.buffered(), merging=True)

    statements = [stack.resolve(each.to_statement_json()) for each in archive.bucket_policy_statements]
    roles = [re.sub(r"[0-9A-F]{8}$", "", each["Principal"]["AWS"]["Fn::GetAtt"][0]) for each in statements]
    assert roles == [
        "LogArchiveShipperRole",
        "LogArchiveBufferTransformRole",
        "LogArchiveBufferRole",
        "LogArchiveBufferRole",
        "LogArchiveReplayFunctionRole",
        "LogArchiveReplayFunctionRole",
        "LogArchiveCatalogLogGroupsFunctionRole",
        *["LogArchiveMergerFunctionRole"] * 4,
    ]
    Template.from_stack(stack).has_resource_properties(
        "AWS::Lambda::Function",
        {
            "Timeout": 900,
            "Environment": {
                "Variables": Match.object_like(
                    {"STREAM_FAILURE_BUCKET": "logs-of-all", "STREAM_FAILURE_BUCKET_OWNER": "222222222222"}
                )
            },
        },
    )


@pytest.mark.parametrize("delivery", [Delivery.direct(), Delivery.buffered()], ids=["direct", "buffered"])
def test_a_bucket_in_another_accounts_stack(delivery: Delivery) -> None:
    """In one app, the bucket's stack lets the archive's roles in, and neither stack waits for the other."""
    app = App()
    theirs = Stack(app, "Theirs", env=Environment(account="222222222222", region="eu-west-1"))
    ours = Stack(app, "Ours", env=Environment(account="111111111111", region="eu-west-1"))
    bucket = s3.Bucket(theirs, "Bucket", bucket_name="logs-of-all")
    archive = LogArchive(ours, "LogArchive", bucket=bucket, delivery=delivery)

    for statement in archive.bucket_policy_statements:
        bucket.add_to_resource_policy(statement)

    (policy,) = Template.from_stack(theirs).find_resources("AWS::S3::BucketPolicy").values()
    roles = json.dumps(policy["Properties"]["PolicyDocument"])
    Template.from_stack(ours).has_resource_properties(
        "AWS::Lambda::Function",
        {"Environment": {"Variables": Match.object_like({"ARCHIVE_BUCKET_OWNER": "222222222222"})}},
    )
    named = Template.from_stack(ours).find_resources("AWS::IAM::Role", {"Properties": {"RoleName": Match.any_value()}})
    assert len(named) == (5 if delivery.is_buffered else 2)
    assert all(f"iam::111111111111:role/{role['Properties']['RoleName']}" in roles for role in named.values())


def test_between_buffered_and_direct() -> None:
    """The stream stays, with all that belongs to it, to write what it holds; the shipper gets what comes."""
    buffered, draining = (
        LogArchive(Stack(), "LogArchive", delivery=delivery) for delivery in (Delivery.buffered(), Delivery.draining())
    )
    for archive in (buffered, draining):
        archive.add_log_group(logs.LogGroup(Stack.of(archive), "Logs"))
    before, after = (Template.from_stack(Stack.of(archive)) for archive in (buffered, draining))

    fed, left = (
        Counter(each["Type"] for each in template.to_json()["Resources"].values()) for template in (before, after)
    )
    assert fed - left == {}
    assert left - fed == {"AWS::Lambda::Permission": 1}
    after.has_resource_properties(
        "AWS::Logs::SubscriptionFilter",
        {"DestinationArn": Stack.of(draining).resolve(draining.function.function_arn), "RoleArn": Match.absent()},
    )
    assert draining.buffer
    with pytest.raises(ValueError, match="one of the archive's own"):
        draining.add_log_group(draining.buffer.own_logs)
    with pytest.raises(ValueError, match=r"got: Delivery.draining\(\)"):
        LogArchive(Stack(), "LogArchive", delivery=Delivery.draining(), archive_format=ArchiveFormat.raw)


def test_no_export_goes_while_log_groups_of_other_stacks_import_it() -> None:
    """From buffered to draining: CloudFormation would refuse to take away what another stack still imports."""

    def exports(delivery: Delivery) -> set[str]:
        app = App()
        base = Stack(app, "Base")
        archive = LogArchive(base, "LogArchive", delivery=delivery)
        archive.add_log_group(logs.LogGroup(Stack(app, "Shop"), "Logs"))
        return {output["Export"]["Name"] for output in Template.from_stack(base).find_outputs("*").values()}

    buffered = exports(Delivery.buffered())
    assert len(buffered) == 2
    assert buffered < exports(Delivery.draining())
