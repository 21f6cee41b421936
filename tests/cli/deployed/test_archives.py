"""How the command line finds log archives, with recorded answers of AWS."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fargate_constructs.cli.archive.athena_queries import named_queries
from fargate_constructs.cli.deployed.archives import DeployedArchive, archive_of, find_archive
from tests.cli.recorded_aws import ACCOUNT, BEFORE, REGION, RecordedAws, stack_resource

FUNCTION, STREAM = "AWS::Lambda::Function", "AWS::KinesisFirehose::DeliveryStream"
GROUP = "/shop/web"
KINESIS_ARN = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/all"


def function(handler: str, path: str = "", **variables: object) -> dict[str, Any]:
    """Return a function of a template."""
    metadata = {"Metadata": {"aws:cdk:path": path}} if path else {}
    return {"Type": FUNCTION, "Properties": {"Handler": handler, "Environment": {"Variables": variables}}, **metadata}


def template(stack: str) -> dict[str, Any]:
    """Return the template of a stack with an archive: a buffered one, or one of raw batches."""
    bucket = {"Ref": "Bucket"}
    shipper = function("shipper.handler.handler", f"{stack}/LogArchive/Shipper/Resource", ARCHIVE_BUCKET=bucket)
    resources = {
        "Shipper": shipper,
        "Replay": function("replay.handler.handler", SHIPPER={"Ref": "Shipper"}),
        "OtherReplay": function("replay.handler.handler", SHIPPER={"Ref": "OtherShipper"}),
        "Other": {"Type": FUNCTION, "Properties": {"Handler": "index.handler"}},
        "Image": {"Type": FUNCTION, "Properties": {"PackageType": "Image"}},
    }
    if stack == "Raw":
        return {"Resources": resources}
    resources |= {
        "Merger": function("compaction.handler.handler", ARCHIVE_BUCKET=bucket),
        "Partitions": function("partitions.handler.handler", ARCHIVE_BUCKET=bucket),
        "Transform": function("shipper.transform.handler", ARCHIVE_BUCKET=bucket),
        "Stream": {
            "Type": STREAM,
            "Properties": {"ExtendedS3DestinationConfiguration": {"Function": {"Fn::GetAtt": ["Transform", "Arn"]}}},
        },
        "OtherStream": {"Type": STREAM, "Properties": {}},
    }
    return {"Resources": resources}


def configuration(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration of a function."""
    stack, _, name = request["FunctionName"].partition("-")
    variables = {
        "Partitions": {"DATABASE": "shop_logs"},
        "Other": {"BUCKET": "another"},
    }.get(
        name,
        {
            "ARCHIVE_BUCKET": f"{stack.lower()}-archive",
            "ARCHIVE_BUCKET_OWNER": ACCOUNT,
            "FAILURE_BUCKET": "failures",
            "ARCHIVE_FORMAT": "raw" if stack == "Raw" else "ndjson",
        },
    )
    return {"Environment": {"Variables": variables}} if name != "Image" else {}


def stack_of(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the stack of a function."""
    stack, _, name = request["PhysicalResourceId"].partition("-")
    common = {"Timestamp": BEFORE, "ResourceStatus": "CREATE_COMPLETE"}
    return {"StackResources": [{"StackName": stack, "LogicalResourceId": name, "ResourceType": FUNCTION, **common}]}


def subscribed(*arns: str) -> dict[str, Any]:
    """Return the subscriptions of a log group."""
    return {"subscriptionFilters": [{"filterName": "f", "destinationArn": each} for each in arns]}


def lambda_arn(name: str) -> str:
    """Return the ARN of a function."""
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"


def stream_arn(name: str) -> str:
    """Return the ARN of a delivery stream."""
    return f"arn:aws:firehose:{REGION}:{ACCOUNT}:deliverystream/{name}"


def stream(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return a delivery stream: the archive's, one with another function or none, or one that writes elsewhere."""
    name = request["DeliveryStreamName"]
    functions = {"Shop-Stream": [lambda_arn("Shop-Transform:$LATEST")], "other": [lambda_arn("Other-Other")]}
    parameters = [{"ParameterName": "BufferSizeInMBs", "ParameterValue": "1"}]
    parameters += [{"ParameterName": "LambdaArn", "ParameterValue": each} for each in functions.get(name, [])]
    s3 = {
        "RoleARN": f"arn:aws:iam::{ACCOUNT}:role/stream",
        "BucketARN": "arn:aws:s3:::elsewhere",
        "Prefix": "logs/",
        "BufferingHints": {},
        "CompressionFormat": "GZIP",
        "EncryptionConfiguration": {},
        "ProcessingConfiguration": {"Processors": [{"Type": "Lambda", "Parameters": parameters}]},
    }
    destination = (
        {"DestinationId": "1"} if name == "http" else {"DestinationId": "1", "ExtendedS3DestinationDescription": s3}
    )
    description = {
        "DeliveryStreamName": name,
        "DeliveryStreamARN": stream_arn(name),
        "DeliveryStreamStatus": "ACTIVE",
        "DeliveryStreamType": "DirectPut",
        "VersionId": "1",
        "Destinations": [destination],
        "HasMoreDestinations": False,
    }
    return {"DeliveryStreamDescription": description}


def resources(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the resources of a stack."""
    name = request["StackName"]
    made = template(name)["Resources"] if name in ("Shop", "Raw") else {}
    return {
        "StackResourceSummaries": [stack_resource(key, each["Type"], f"{name}-{key}") for key, each in made.items()]
    }


@pytest.fixture
def aws(clients: RecordedAws) -> RecordedAws:
    """An AWS with two archives, and the stack of a function that is none."""
    stacks = [{"StackName": each, "CreationTime": BEFORE, "StackStatus": "CREATE_COMPLETE"} for each in ("Shop", "Raw")]
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "key-1"}}
    clients.answers.update(
        DescribeStacks={"Stacks": stacks},
        ListStackResources=resources,
        GetTemplate=lambda request: {"TemplateBody": template(request["StackName"])},
        GetFunctionConfiguration=configuration,
        GetBucketEncryption={"ServerSideEncryptionConfiguration": {"Rules": [{"BucketKeyEnabled": True}, rule]}},
        DescribeSubscriptionFilters=subscribed(),
        DescribeAccountPolicies={"accountPolicies": []},
        DescribeStackResources=stack_of,
        DescribeDeliveryStream=stream,
    )
    return clients


def find(aws: Any, name: str = "") -> DeployedArchive:  # noqa: ANN401 - as boto3
    """Find an archive by name."""
    return find_archive(aws, name)


def of_log_group(aws: Any) -> DeployedArchive | None:  # noqa: ANN401 - as boto3
    """Find the archive of a log group."""
    return archive_of(aws, GROUP)


SHOP = DeployedArchive(
    name="Shop/LogArchive",
    region=REGION,
    bucket="shop-archive",
    owner=ACCOUNT,
    format="ndjson",
    prefix="log_group=",
    shipper="Shop-Shipper",
    replay="Shop-Replay",
    compaction="Shop-Merger",
    stream="Shop-Stream",
    failure_bucket="failures",
    database="shop_logs",
    workgroup="shop_logs",
    encryption_key="key-1",
    stack="Shop",
)


@pytest.mark.parametrize("name", ["Shop/LogArchive", "Shop"])
def test_an_archive_by_its_name(name: str, aws: RecordedAws) -> None:
    """Its parts are those of the stack that have the same bucket."""
    assert find(aws, name) == SHOP
    assert {each["StackName"] for operation, each in aws.requests if operation == "GetTemplate"} == {"Shop"}


def test_raw_batches_without_a_catalog(aws: RecordedAws) -> None:
    """What the archive does not have is empty, and what cannot be read is said."""
    aws.answers["GetBucketEncryption"] = ("AccessDenied", "no permission")

    found = find(aws, "Raw")

    assert (found.format, found.prefix, found.database, found.stream) == ("raw", "raw/log_group=", "", "")
    catalog, encryption = found.lacks
    assert catalog == "a catalog: no table and no workgroup for Athena"
    assert encryption.startswith("its encryption: An error occurred (AccessDenied)")


def test_the_only_archive_needs_no_name(aws: RecordedAws) -> None:
    """With two archives, or none, the message has what is there."""
    with pytest.raises(ValueError, match="ARCHIVE must fit one archive, got 2: Raw/LogArchive, Shop/LogArchive"):
        find(aws)
    with pytest.raises(ValueError, match=r"one of those in region .*: Raw/LogArchive, Shop/LogArchive, got: Blog"):
        find(aws, "Blog")
    aws.answers["DescribeStacks"] = {"Stacks": []}
    with pytest.raises(ValueError, match=f"region {REGION} of the account {ACCOUNT} has no log archive"):
        find(aws)
    stack = {"StackName": "Shop", "CreationTime": BEFORE, "StackStatus": "CREATE_COMPLETE"}
    aws.answers["DescribeStacks"] = {"Stacks": [stack]}
    aws.answers["GetBucketEncryption"] = {"ServerSideEncryptionConfiguration": {"Rules": []}}
    assert find(aws) == SHOP._replace(encryption_key="")


@pytest.mark.parametrize("arn", [lambda_arn("Shop-Shipper"), stream_arn("Shop-Stream")])
def test_the_archive_of_a_log_group(arn: str, aws: RecordedAws) -> None:
    """It is found by the function or stream that delivers, and by its stack; other subscriptions do not matter."""
    aws.answers["DescribeSubscriptionFilters"] = subscribed(lambda_arn("Other-Other"), arn)

    assert of_log_group(aws) == SHOP


def test_the_archive_of_all_log_groups(aws: RecordedAws) -> None:
    """An account policy subscribes all log groups but those that it names."""
    policy = {"policyDocument": json.dumps({"DestinationArn": lambda_arn("Shop-Shipper"), "FilterPattern": ""})}
    aws.answers["DescribeAccountPolicies"] = {"accountPolicies": [policy]}
    assert of_log_group(aws) == SHOP

    policy["selectionCriteria"] = f'LogGroupName NOT IN ["/other", "{GROUP}"]'
    aws.answers["DescribeAccountPolicies"] = {"accountPolicies": [policy]}
    assert of_log_group(aws) is None


@pytest.mark.parametrize(
    ("arn", "expected"),
    [
        (
            lambda_arn("Other-Other"),
            DeployedArchive(
                "Other-Other",
                REGION,
                lacks=("a bucket: the function Other-Other is not of this library, and may write anywhere",),
            ),
        ),
        (
            stream_arn("other"),
            DeployedArchive(
                "other",
                REGION,
                bucket="elsewhere",
                prefix="logs/",
                stream="other",
                lacks=("a known format: the stream other is not of this library",),
            ),
        ),
        (
            stream_arn("http"),
            DeployedArchive("http", REGION, stream="http", lacks=("a bucket: http does not write to S3",)),
        ),
        (
            KINESIS_ARN,
            DeployedArchive(
                KINESIS_ARN,
                REGION,
                lacks=(f"a bucket: {KINESIS_ARN} is no Lambda function and no Firehose stream",),
            ),
        ),
    ],
)
def test_archives_of_other_tools(arn: str, expected: DeployedArchive, aws: RecordedAws) -> None:
    """What is known of them is returned, with what is not."""
    aws.answers["DescribeSubscriptionFilters"] = subscribed(arn)

    assert of_log_group(aws) == expected


@pytest.mark.parametrize("name", ["Lost-Shipper", "Gone-Shipper", "Raw-Other2"])
def test_a_shipper_of_no_stack(name: str, aws: RecordedAws) -> None:
    """Its environment has the bucket; the rest is not known."""
    aws.answers["DescribeSubscriptionFilters"] = subscribed(lambda_arn(name))
    if name == "Lost-Shipper":
        aws.answers["DescribeStackResources"] = ("ValidationError", "Stack for Lost-Shipper does not exist")

    found = of_log_group(aws)

    assert found
    assert (found.bucket, found.shipper, found.replay) == (f"{name.partition('-')[0].lower()}-archive", name, "")
    assert found.lacks == (
        f"a stack: CloudFormation knows none with the function {name}, so the other parts are not known",
    )


def test_errors_of_aws(aws: RecordedAws) -> None:
    """A log group that does not exist is an error."""
    aws.answers["DescribeSubscriptionFilters"] = ("ResourceNotFoundException", "no such log group")

    with pytest.raises(ClientError, match="no such log group"):
        of_log_group(aws)


def test_saved_queries(aws: Any) -> None:  # noqa: ANN401 - as boto3
    """They have their SQL, by name."""
    query = {"Name": "top", "Database": "shop_logs", "QueryString": "SELECT 1", "NamedQueryId": "1"}
    aws.answers["ListNamedQueries"] = lambda request: (
        {} if "NextToken" in request else {"NamedQueryIds": ["1"], "NextToken": "2"}
    )
    aws.answers["BatchGetNamedQuery"] = {"NamedQueries": [query]}

    assert named_queries(aws, SHOP) == {"top": query}
    assert SHOP.bucket_arguments == {"Bucket": "shop-archive", "ExpectedBucketOwner": ACCOUNT}
    assert SHOP._replace(owner="").bucket_arguments == {"Bucket": "shop-archive"}
