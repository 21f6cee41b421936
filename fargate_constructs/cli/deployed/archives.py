"""Finds deployed log archives: by name in the stacks, or by what a log group is subscribed to."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from fargate_constructs.cli.aws import one_line
from fargate_constructs.cli.deployed.cloudwatch_log_groups import account_subscriptions, subscriptions
from fargate_constructs.cli.deployed.deployed_resources import (
    DeployedResource,
    DeployedStack,
    fits,
    listed,
    only,
    place_of,
    region_of,
    searches,
)

if TYPE_CHECKING:
    from boto3 import Session

FUNCTION, STREAM = "AWS::Lambda::Function", "AWS::KinesisFirehose::DeliveryStream"
# The handlers of the archive's functions, which no other app has beside an environment variable ARCHIVE_BUCKET.
SHIPPERS = ("shipper.handler.handler", "shipper.queue_fallback.handler")
REPLAYS, COMPACTION = ("replay.handler", "replay.drain"), "compaction.handler"
SHIPPER_ID = ("/Resource", "/Shipper")


class DeployedArchive(NamedTuple):
    """A log archive that is deployed; what it does not have is empty."""

    name: str
    """Its construct path, such as `Shop/LogArchive`; or the function or stream that delivers to it."""
    region: str
    bucket: str = ""
    owner: str = ""
    """The account of the bucket, if it is known."""
    format: str = ""
    """`ndjson`, `raw`, or empty if the library did not make it."""
    prefix: str = ""
    """What the keys of all objects begin with."""
    shipper: str = ""
    """The function's name, as the others."""
    replay: str = ""
    compaction: str = ""
    stream: str = ""
    """The delivery stream of Data Firehose."""
    failure_bucket: str = ""
    failure_queue: str = ""
    """The URL of the queue of failed batches, in China."""
    database: str = ""
    workgroup: str = ""
    encryption_key: str = ""
    stack: str = ""
    lacks: tuple[str, ...] = ()
    """What could not be found, and why."""

    @property
    def bucket_arguments(self) -> dict[str, str]:
        """The bucket as arguments of a request to S3, which checks its owner."""
        return {"Bucket": self.bucket, **({"ExpectedBucketOwner": self.owner} if self.owner else {})}


def find_archive(
    session: Session, name: str = "", app: Path | None = None, region: str | None = None
) -> DeployedArchive:
    """Return the archive with a name: a construct path, or a part of it that fits no other. By default the only one.

    The other arguments are those of `searches`.
    """
    known: dict[tuple[str, str], _Shipper] = {}
    for stacks in searches(session, name, app, region):
        for stack in stacks:
            for each in _shippers(stack):
                known.setdefault((stack.region, each.function), each)
        found = only(
            [each for each in known.values() if not name or fits(each.name, name)], name or "ARCHIVE", "archive"
        )
        if found:
            return _of_stack(found)
    place = place_of(session, region)
    if not known:
        raise ValueError(f"{place} has no log archive in its stacks; correct --profile or --region")
    raise ValueError(
        f"the archive must be one of those in {place}: {listed(each.name for each in known.values())}, got: {name}"
    )


def readable_archives(
    session: Session, app: Path | None = None, region: str | None = None
) -> Iterator[DeployedArchive]:
    """Yield the archives in the stacks, each with what is needed to read its objects; those of the app come first.

    They come again with all stacks of the region.
    """
    for stacks in searches(session, "", app, region):
        for stack in stacks:
            for each in _shippers(stack):
                made = _of_function(stack.client("lambda"), each.function, stack.region)
                yield made._replace(name=each.name)


def archive_of(session: Session, log_group: str, region: str | None = None) -> DeployedArchive | None:
    """Return the archive to which a log group is subscribed, or its account; `None` if there is none."""
    here = region_of(session, region)
    client: Any = session.client("logs", region_name=here)
    best: DeployedArchive | None = None
    for arn in _destinations(client, log_group):
        found = _of_destination(session, arn, here)
        if found.format:
            return found
        # A log group may have other subscriptions.
        best = best if best and best.bucket else found
    return best


class _Shipper(NamedTuple):
    """An archive's shipper in a stack."""

    name: str
    """The archive's."""
    stack: DeployedStack
    logical_id: str
    function: str


def _shippers(stack: DeployedStack) -> Iterator[_Shipper]:
    for each in stack.of_type(FUNCTION):
        properties = stack.properties(each.logical_id)
        if properties.get("Handler") in SHIPPERS and "ARCHIVE_BUCKET" in variables_of(properties):
            name = stack.name_of(each.logical_id, *SHIPPER_ID)
            yield _Shipper(name, stack, each.logical_id, each.physical_id)


def variables_of(function: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the environment variables in the properties or in the configuration of a function."""
    variables: Mapping[str, Any] = function.get("Environment", {}).get("Variables", {})
    return variables


def _of_stack(found: _Shipper) -> DeployedArchive:
    """Return the archive of a shipper, with the functions and the catalog that its stack has for the same bucket."""
    stack = found.stack
    client = stack.client("lambda")
    bucket = variables_of(stack.properties(found.logical_id))["ARCHIVE_BUCKET"]
    functions: dict[str, DeployedResource] = {}
    for each in stack.of_type(FUNCTION):
        properties = stack.properties(each.logical_id)
        variables = variables_of(properties)
        if variables.get("SHIPPER") == {"Ref": found.logical_id} or variables.get("ARCHIVE_BUCKET") == bucket:
            functions[str(properties.get("Handler")).removesuffix(".handler")] = each
    made = _of_function(client, found.function, stack.region)
    database, lacks = "", [*made.lacks]
    if "partitions.handler" in functions:
        database = _environment(client, functions["partitions.handler"].physical_id).get("DATABASE", "")
    else:
        lacks.append("a catalog: no table and no workgroup for Athena")
    transform = functions.get("shipper.transform")
    streams = [
        each.physical_id
        for each in stack.of_type(STREAM)
        if transform and f'"{transform.logical_id}"' in json.dumps(stack.properties(each.logical_id))
    ]
    key = _encryption_key(stack.client("s3"), made, lacks)
    return made._replace(
        name=found.name,
        replay=next((each.physical_id for handler, each in functions.items() if handler in REPLAYS), ""),
        compaction=next((each.physical_id for handler, each in functions.items() if handler == COMPACTION), ""),
        stream=streams[0] if streams else "",
        database=database,
        workgroup=database,  # the catalog gives both one name
        encryption_key=key,
        stack=stack.name,
        lacks=tuple(lacks),
    )


def _of_function(client: Any, function: str, region: str) -> DeployedArchive:  # noqa: ANN401 - of boto3
    """Return what the environment of a shipper says."""
    variables = _environment(client, function)
    form = variables["ARCHIVE_FORMAT"]
    return DeployedArchive(
        name=function,
        region=region,
        bucket=variables["ARCHIVE_BUCKET"],
        owner=variables.get("ARCHIVE_BUCKET_OWNER", ""),
        format=form,
        prefix="raw/log_group=" if form == "raw" else "log_group=",
        shipper=function,
        failure_bucket=variables.get("FAILURE_BUCKET", ""),
        failure_queue=variables.get("FAILURE_QUEUE", ""),
    )


def _environment(client: Any, function: str) -> Mapping[str, str]:  # noqa: ANN401 - of boto3
    return variables_of(client.get_function_configuration(FunctionName=function))


def _encryption_key(s3: Any, archive: DeployedArchive, lacks: list[str]) -> str:  # noqa: ANN401 - of boto3
    """Return the key of a bucket; empty for S3's own."""
    try:
        rules = s3.get_bucket_encryption(**archive.bucket_arguments)["ServerSideEncryptionConfiguration"]["Rules"]
    except s3.exceptions.ClientError as error:
        lacks.append(f"its encryption: {one_line(error)}")
        return ""
    keys = [each.get("ApplyServerSideEncryptionByDefault", {}).get("KMSMasterKeyID", "") for each in rules]
    return next(filter(None, keys), "")


def _destinations(client: Any, log_group: str) -> Iterator[str]:  # noqa: ANN401 - of boto3
    """Yield the ARNs to which CloudWatch Logs delivers the events of a log group."""
    yield from (each.destination for each in subscriptions(client, log_group))
    yield from (each.destination for each in account_subscriptions(client) if each.has(log_group))


def _of_destination(session: Session, arn: str, region: str) -> DeployedArchive:
    """Return the archive behind a subscription's destination."""
    match arn.split(":"):
        case [_, _, "lambda", _, _, "function", function, *_]:
            return _of_delivering_function(session, function, region)
        case [_, _, "firehose", _, _, resource]:
            return _of_stream(session, resource.rpartition("/")[2], region)
    return DeployedArchive(arn, region, lacks=(f"a bucket: {arn} is no Lambda function and no Firehose stream",))


def _of_delivering_function(session: Session, function: str, region: str) -> DeployedArchive:
    client: Any = session.client("lambda", region_name=region)
    if not {"ARCHIVE_BUCKET", "ARCHIVE_FORMAT"} <= _environment(client, function).keys():
        return DeployedArchive(
            function,
            region,
            lacks=(f"a bucket: the function {function} is not of this library, and may write anywhere",),
        )
    cloudformation: Any = session.client("cloudformation", region_name=region)
    try:
        resources = cloudformation.describe_stack_resources(PhysicalResourceId=function)["StackResources"]
    except cloudformation.exceptions.ClientError:  # it is in no stack, or the stack may not be read
        resources = []
    for name in dict.fromkeys(each["StackName"] for each in resources):
        stack = DeployedStack(session, name, region)
        own = next((each for each in stack.of_type(FUNCTION) if each.physical_id == function), None)
        bucket = own and variables_of(stack.properties(own.logical_id)).get("ARCHIVE_BUCKET")
        for each in _shippers(stack):
            if variables_of(stack.properties(each.logical_id))["ARCHIVE_BUCKET"] == bucket:
                return _of_stack(each)
    return _of_function(client, function, region)._replace(
        lacks=(f"a stack: CloudFormation knows none with the function {function}, so the other parts are not known",)
    )


def _of_stream(session: Session, stream: str, region: str) -> DeployedArchive:
    client: Any = session.client("firehose", region_name=region)
    description = client.describe_delivery_stream(DeliveryStreamName=stream)["DeliveryStreamDescription"]
    for destination in description["Destinations"]:
        s3 = destination.get("ExtendedS3DestinationDescription", {})
        for processor in s3.get("ProcessingConfiguration", {}).get("Processors", []):
            for parameter in processor.get("Parameters", []):
                value = parameter["ParameterValue"]
                if parameter["ParameterName"] == "LambdaArn" and ":function:" in value:
                    found = _of_delivering_function(session, value.split(":")[6], region)
                    if found.format:
                        return found._replace(stream=stream)
        if s3:
            return DeployedArchive(
                stream,
                region,
                bucket=s3["BucketARN"].rpartition(":")[2],
                prefix=s3.get("Prefix", ""),
                stream=stream,
                lacks=(f"a known format: the stream {stream} is not of this library",),
            )
    return DeployedArchive(stream, region, stream=stream, lacks=(f"a bucket: {stream} does not write to S3",))
