"""A deployed archive: what failed comes back, and delivery is switched, on a local AWS."""

import base64
import gzip
import json
import time
from itertools import chain

import pytest
from aws_cdk import App, CfnOutput, Stack
from aws_cdk import aws_logs as logs

from fargate_constructs.logs import Delivery, LogArchive
from tests.emulator.emulator import Emulator
from tests.emulator.updates import DeployedStack
from tests.logs.deployed import JsonObject, delivery, log_event

KEPT = ("AWS::S3::Bucket", "AWS::Logs::LogGroup")
ARRIVAL_SECONDS = 60


def archive_app(*, buffered: bool) -> App:
    """Return an app of an archive with one log group."""
    app = App()
    stack = Stack(app, "Archive")
    archive = LogArchive(stack, "LogArchive", delivery=Delivery.buffered() if buffered else None)
    log_group = logs.LogGroup(stack, "Logs")
    archive.add_log_group(log_group)
    CfnOutput(stack, "Archive", value=archive.bucket.bucket_name)
    CfnOutput(stack, "Failures", value=archive.failure_bucket.bucket_name)
    CfnOutput(stack, "LogGroup", value=log_group.log_group_name)
    CfnOutput(stack, "ReplayCommand", value=archive.replay_command)
    if archive.buffer:
        CfnOutput(stack, "Stream", value=archive.buffer.stream.delivery_stream_name)
    return app


@pytest.fixture(scope="module")
def stack(aws: Emulator, tmp_path_factory: pytest.TempPathFactory) -> DeployedStack:
    """A buffered archive, deployed."""
    folder, module = tmp_path_factory.mktemp("archive"), "tests.logs.test_on_the_emulator"
    return DeployedStack(aws, "Archive", module=module, expression="archive_app(buffered=True)", folder=folder)


def objects(stack: DeployedStack, output: str) -> dict[str, bytes]:
    """What lies in the bucket that an output names, by key."""
    s3, bucket = stack.aws.client("s3"), stack.output(output)
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
    return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def archived(stack: DeployedStack) -> dict[str, list[JsonObject]]:
    """The archived records, by key."""
    return {
        key: [json.loads(line) for line in gzip.decompress(body).splitlines()]
        for key, body in objects(stack, "Archive").items()
        if key.startswith("log_group=")
    }


def messages(stack: DeployedStack) -> list[str]:
    """The archived messages."""
    return sorted(record["message"] for record in chain(*archived(stack).values()))


def replay(stack: DeployedStack) -> JsonObject:
    """Do what the replay command does."""
    words = stack.output("ReplayCommand").split()
    assert words[:4] == ["aws", "lambda", "invoke", "--function-name"]
    answer = stack.aws.client("lambda").invoke(FunctionName=words[4])
    assert "FunctionError" not in answer, answer["Payload"].read()
    result: JsonObject = json.loads(answer["Payload"].read())
    return result


def test_an_archive_from_buffered_to_direct_and_back(stack: DeployedStack) -> None:
    """Batches go through the stream, failures come back, and switching replaces and forgets nothing."""
    firehose, s3 = stack.aws.client("firehose"), stack.aws.client("s3")
    kept = stack.physical_ids(*KEPT)

    # Through Data Firehose: one batch of an hour, one over an hour's edge, which the function stores itself.
    across = delivery(log_event("2", message="two"), log_event("3", 1_772_323_200_000, "three"))
    for batch in (delivery(log_event("1", message="one")), across):
        data = base64.b64decode(batch["awslogs"]["data"])
        firehose.put_record(DeliveryStreamName=stack.output("Stream"), Record={"Data": data})
    assert messages(stack) == ["one", "three", "two"]
    hours = sorted(key.rpartition("/")[0] for key in archived(stack))
    at = "log_group=%2Fecs%2Fweb/dt=2026-0"
    assert hours == [f"{at}2-28/hour=23", f"{at}2-28/hour=23", f"{at}3-01/hour=00"]
    assert all(key.endswith(".ndjson.gz") for key in archived(stack))

    # What Lambda and Data Firehose failed to store comes back.
    failed = {"requestPayload": delivery(log_event("4", message="four"))}
    lost = {"rawData": delivery(log_event("5", message="five"))["awslogs"]["data"]}
    s3.put_object(Bucket=stack.output("Failures"), Key="aws/lambda/async/f/1", Body=json.dumps(failed).encode())
    left = {"Bucket": stack.output("Archive"), "Key": "firehose-failures/processing-failed/1"}
    s3.put_object(**left, Body=json.dumps(lost).encode() + b"\n")
    assert replay(stack) == {"replayed": 2, "waiting": 0}
    assert messages(stack) == ["five", "four", "one", "three", "two"]
    assert objects(stack, "Failures") == {}
    assert left["Key"] not in objects(stack, "Archive")

    # Switched: everything is where it was, what the stream left behind is found, and new lines come by the shipper.
    s3.put_object(**left, Body=json.dumps(lost | {"attemptsMade": 1}).encode() + b"\n")
    assert stack.update(archive_app(buffered=False)) == "UPDATE_COMPLETE", stack.why()
    assert kept.items() >= stack.physical_ids(*KEPT).items()
    assert replay(stack) == {"replayed": 1, "waiting": 0}
    write(stack, "six")
    assert arrived(stack, "six")
    assert messages(stack) == ["five", "four", "one", "six", "three", "two"]

    # And back again.
    assert stack.update(archive_app(buffered=True)) == "UPDATE_COMPLETE", stack.why()
    assert {id_: name for id_, name in stack.physical_ids("AWS::S3::Bucket").items() if kept[id_] != name} == {}
    assert len(messages(stack)) == 6


def write(stack: DeployedStack, message: str) -> None:
    """Write a line to the log group."""
    client, group = stack.aws.client("logs"), stack.output("LogGroup")
    client.create_log_stream(logGroupName=group, logStreamName="web")
    event = {"timestamp": time.time_ns() // 1_000_000, "message": message}
    client.put_log_events(logGroupName=group, logStreamName="web", logEvents=[event])


def arrived(stack: DeployedStack, message: str) -> bool:
    """Wait for a message to be archived."""
    deadline = time.monotonic() + ARRIVAL_SECONDS
    while time.monotonic() < deadline:
        if message in messages(stack):
            return True
        time.sleep(0.2)
    return False
