"""Data Firehose between CloudWatch and S3."""

import json
import re
from collections import Counter
from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Duration, Environment, Size, Stack
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Match, Template

from fargate_constructs.logs.delivery import Delivery
from fargate_constructs.logs.log_archive import LogArchive
from tests.logs.archives import archive_of, environment, resources, template_of
from tests.templates import properties, properties_of


@pytest.fixture(scope="module")
def archive() -> LogArchive:
    """A buffered archive of one log group."""
    return archive_of("buffered")


@pytest.fixture(scope="module")
def template() -> Template:
    """Its template."""
    return template_of("buffered")


def test_the_stream_writes_where_the_shipper_would(archive: LogArchive, template: Template) -> None:
    """Under the same partitions, gzip with the same ending; failures are where the replay looks."""
    [stream] = properties(template, "AWS::KinesisFirehose::DeliveryStream")

    assert stream["DeliveryStreamEncryptionConfigurationInput"] == {"KeyType": "AWS_OWNED_CMK"}
    destination = stream["ExtendedS3DestinationConfiguration"]
    assert "CompressionFormat" not in destination
    assert (
        destination.items()
        >= {
            "BucketARN": Stack.of(archive).resolve(archive.bucket.bucket_arn),
            "Prefix": "log_group=!{partitionKeyFromLambda:log_group}/dt=!{partitionKeyFromLambda:dt}/"
            "hour=!{partitionKeyFromLambda:hour}/!{timestamp:yyyyMMddHH}-",
            "ErrorOutputPrefix": "firehose-failures/!{firehose:error-output-type}/",
            "FileExtension": ".ndjson.gz",
            "BufferingHints": {"IntervalInSeconds": 900, "SizeInMBs": 128},
            "DynamicPartitioningConfiguration": {"Enabled": True, "RetryOptions": {"DurationInSeconds": 7200}},
        }.items()
    )


def test_the_function_prepares_batches(archive: LogArchive, template: Template) -> None:
    """It knows the same buckets as the shipper, and drops the same log groups; the stream receives all others."""
    assert archive.firehose
    transform, shipper = (properties_of(template, each) for each in (archive.firehose.function, archive.function))

    assert (transform["Handler"], transform["Timeout"]) == ("shipper.transform.handler", 300)
    assert transform["Environment"] == shipper["Environment"]
    [subscription] = properties(template, "AWS::Logs::SubscriptionFilter")
    assert subscription["DestinationArn"] == Stack.of(archive).resolve(archive.firehose.stream.delivery_stream_arn)
    assert "RoleArn" in subscription
    for group in (archive.firehose.own_log_group, archive.firehose.function.own_log_group):
        with pytest.raises(ValueError, match="one that is ignored"):
            archive.add_log_group(group)


def test_switching_moves_nothing(template: Template) -> None:
    """What a direct archive has, a buffered one has, too, but for the permission to call the shipper."""
    direct, buffered = template_of("direct").to_json()["Resources"], template.to_json()["Resources"]

    gone = direct.keys() - buffered.keys()
    assert [direct[id_]["Type"] for id_ in gone] == ["AWS::Lambda::Permission"]
    kept = [id_ for id_, each in direct.items() if each["Type"] in ("AWS::S3::Bucket", "AWS::Logs::LogGroup")]
    assert {id_: direct[id_] for id_ in kept} == {id_: buffered[id_] for id_ in kept}
    (name,) = (id_ for id_, each in direct.items() if each["Type"] == "AWS::Logs::SubscriptionFilter")
    # What CloudFormation would replace the subscription for.
    for replaces in ("FilterName", "LogGroupName"):
        assert direct[name]["Properties"][replaces] == buffered[name]["Properties"][replaces]


@pytest.fixture(scope="module")
def custom() -> dict[str, Stack]:
    """A stack for each buffered archive that no mode has: one in another account's bucket, one in anybody's."""
    app = App()
    small, late = (Stack(app, name) for name in ("Small", "Late"))
    LogArchive(
        small,
        "LogArchive",
        bucket=s3.Bucket.from_bucket_attributes(small, "Bucket", bucket_name="logs-of-all", account="222222222222"),
        delivery=Delivery.buffered(buffering_size=Size.mebibytes(64), buffering_interval=Duration.minutes(1)),
        compaction=True,
    )
    size, interval = (CfnParameter(late, name, type="Number").value_as_number for name in ("Size", "Interval"))
    LogArchive(
        late,
        "LogArchive",
        bucket=s3.Bucket.from_bucket_name(late, "Bucket", "logs-of-all"),
        delivery=Delivery.buffered(buffering_size=Size.mebibytes(size), buffering_interval=Duration.seconds(interval)),
    )
    return {stack.node.id: stack for stack in (small, late)}


@pytest.mark.parametrize(
    ("name", "hints"),
    [
        ("Small", {"IntervalInSeconds": 60, "SizeInMBs": 64}),
        ("Late", {"IntervalInSeconds": {"Ref": "Interval"}, "SizeInMBs": {"Ref": "Size"}}),
    ],
)
def test_sizes_of_ones_own(custom: dict[str, Stack], name: str, hints: object) -> None:
    """As Data Firehose allows, or as only CloudFormation knows."""
    Template.from_stack(custom[name]).has_resource_properties(
        "AWS::KinesisFirehose::DeliveryStream",
        {"ExtendedS3DestinationConfiguration": Match.object_like({"BufferingHints": hints})},
    )


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"buffering_size": Size.mebibytes(63)}, "buffering_size must be 64 to 128 MiB, got: 63\\b"),
        ({"buffering_size": Size.mebibytes(129)}, "buffering_size must be 64 to 128 MiB, got: 129\\b"),
        ({"buffering_size": Size.kibibytes(100_000)}, "buffering_size must be whole MiB, got: 97.65625"),
        ({"buffering_interval": Duration.seconds(59)}, "buffering_interval must be 60 to 900 seconds, got: 59"),
        ({"buffering_interval": Duration.seconds(901)}, "buffering_interval must be 60 to 900 seconds, got: 901"),
    ],
)
def test_refusals(argument: dict[str, Any], message: str) -> None:
    """Data Firehose, or CDK, would refuse them later."""
    with pytest.raises(ValueError, match=message):
        Delivery.buffered(**argument)


def test_a_given_bucket_and_its_owner(custom: dict[str, Stack]) -> None:
    """Failures of the stream are looked for there; S3 is told whose it must be if that is known."""
    owned, named = (environment(Template.from_stack(each), "replay.handler.handler") for each in custom.values())

    assert owned["STREAM_FAILURE_BUCKET"] == named["STREAM_FAILURE_BUCKET"] == "logs-of-all"
    assert owned["STREAM_FAILURE_BUCKET_OWNER"] == "222222222222"
    assert "STREAM_FAILURE_BUCKET_OWNER" not in named


def test_what_the_owner_of_a_foreign_bucket_must_allow(custom: dict[str, Stack]) -> None:
    """Six roles need the bucket: shipper, transform, stream, replay, catalog and, if it is told to merge, merger."""
    archive = custom["Small"].node.find_child("LogArchive")
    assert isinstance(archive, LogArchive)

    allowances = custom["Small"].resolve([each.to_statement_json() for each in archive.bucket_policy_statements])
    roles = [re.sub(r"[0-9A-F]{8}$", "", each["Principal"]["AWS"]["Fn::GetAtt"][0]) for each in allowances]
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


def test_a_bucket_in_another_accounts_stack() -> None:
    """In one app, the bucket's stack lets the archive's roles in, and neither stack waits for the other."""
    app = App()
    theirs = Stack(app, "Theirs", env=Environment(account="222222222222", region="eu-west-1"))
    ours = Stack(app, "Ours", env=Environment(account="111111111111", region="eu-west-1"))
    bucket = s3.Bucket(theirs, "Bucket", bucket_name="logs-of-all")
    archive = LogArchive(ours, "LogArchive", bucket=bucket, delivery=Delivery.buffered())

    for statement in archive.bucket_policy_statements:
        bucket.add_to_resource_policy(statement)

    (policy,) = resources(Template.from_stack(theirs), "AWS::S3::BucketPolicy").values()
    let_in, template = json.dumps(policy["PolicyDocument"]), Template.from_stack(ours)
    assert environment(template, "shipper.handler.handler")["ARCHIVE_BUCKET_OWNER"] == "222222222222"
    names = [each["RoleName"] for each in resources(template, "AWS::IAM::Role").values() if "RoleName" in each]
    assert len(names) == 5
    assert all(f"iam::111111111111:role/{name}" in let_in for name in names)


def test_between_buffered_and_direct(template: Template) -> None:
    """The stream stays, with all that belongs to it, to write what it holds; the shipper gets what comes."""
    draining, after = archive_of("draining"), template_of("draining")

    fed, left = (
        Counter(each["Type"] for each in template.to_json()["Resources"].values()) for template in (template, after)
    )
    assert fed - left == {}
    assert left - fed == {"AWS::Lambda::Permission": 1}
    after.has_resource_properties(
        "AWS::Logs::SubscriptionFilter",
        {"DestinationArn": Stack.of(draining).resolve(draining.function.function_arn), "RoleArn": Match.absent()},
    )
    assert draining.firehose
    with pytest.raises(ValueError, match="one that is ignored"):
        draining.add_log_group(draining.firehose.own_log_group)


# --- Log groups of other stacks ---


@pytest.fixture(scope="module")
def of_other_stacks() -> dict[str, tuple[Stack, Stack]]:
    """The stacks of an archive and of the log groups that it ships, one of them imported, for each delivery."""
    app, made = App(), {}
    for name, delivery in DELIVERIES.items():
        base, services = made[name] = Stack(app, f"{name}Archive"), Stack(app, name)
        archive = LogArchive(base, "LogArchive", delivery=delivery, compaction=False)
        for group in (logs.LogGroup(services, "A"), logs.LogGroup(services, "B")):
            archive.add_log_group(group)
        archive.add_log_group(logs.LogGroup.from_log_group_name(services, "Imported", "/app/web"))
    return made


DELIVERIES = {"Direct": Delivery.direct(), "Buffered": Delivery.buffered(), "Draining": Delivery.draining()}


@pytest.mark.parametrize("name", DELIVERIES)
def test_log_groups_of_other_stacks(of_other_stacks: dict[str, tuple[Stack, Stack]], name: str) -> None:
    """A stack with log groups depends on the archive's, never the other way round; each adds a subscription alone."""
    archive, services = of_other_stacks[name]
    template = Template.from_stack(services)

    assert services.dependencies == [archive]
    assert Counter(each["Type"] for each in template.to_json()["Resources"].values()) == {
        "AWS::Logs::LogGroup": 2,
        "AWS::Logs::SubscriptionFilter": 3,
    }
    assert len({each["FilterName"] for each in properties(template, "AWS::Logs::SubscriptionFilter")}) == 1
    principals = [each["Principal"] for each in properties(Template.from_stack(archive), "AWS::Lambda::Permission")]
    assert principals.count("logs.amazonaws.com") == (name != "Buffered")


def test_no_export_goes_while_log_groups_of_other_stacks_import_it(
    of_other_stacks: dict[str, tuple[Stack, Stack]],
) -> None:
    """From buffered to draining: CloudFormation would refuse to take away what another stack still imports."""
    buffered, draining = (
        {each["Export"]["Name"].partition(":")[2] for each in Template.from_stack(base).find_outputs("*").values()}
        for base, _ in (of_other_stacks[name] for name in ("Buffered", "Draining"))
    )
    assert len(buffered) == 2
    assert buffered < draining
