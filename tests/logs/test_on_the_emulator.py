"""Deployed archives on a local AWS: what failed comes back, delivery is switched, and saved queries are answered."""

import base64
import gzip
import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from itertools import chain
from pathlib import Path

import pytest
from aws_cdk import App, CfnOutput, Stack
from aws_cdk import aws_logs as logs

from fargate_constructs.logs.delivery import Delivery
from fargate_constructs.logs.log_archive import LogArchive
from tests.emulator.emulator import ROOT, Emulator
from tests.emulator.queries import Queries
from tests.emulator.updates import DeployedStack
from tests.logs import compacting
from tests.logs.deployed import Context, JsonObject, delivery, load, log_event
from tests.logs.hostile import HOSTILE, seen

LINES = {
    "/ecs/web": ["GET /é 200 in 3 ms", "GET /é 200 in 41 ms", "TypeError: no user (request 7f3a)"],
    "/ecs/api#2": ["listening on 8080", "charged the card (request 7f3a)"],
}
PAGE = (ROOT / "docs/reading-logs.md").read_text()
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
    if archive.firehose:
        CfnOutput(stack, "Stream", value=archive.firehose.stream.delivery_stream_name)
    return app


@pytest.fixture(scope="module")
def archive(aws: Emulator) -> DeployedStack:
    """A buffered archive, deployed."""
    return DeployedStack(aws, archive_app(buffered=True))


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


def write(stack: DeployedStack, group: str, stream: str, *messages: str) -> None:
    """Write lines to a log group, a millisecond after each other."""
    client, now = stack.aws.client("logs"), time.time_ns() // 1_000_000
    client.create_log_stream(logGroupName=group, logStreamName=stream)
    events = [{"timestamp": now + number, "message": message} for number, message in enumerate(messages)]
    client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def wait_for(arrived: Callable[[], bool]) -> None:
    """Wait until lines are archived."""
    deadline = time.monotonic() + ARRIVAL_SECONDS
    while not arrived():
        assert time.monotonic() < deadline, "the lines did not arrive"
        time.sleep(0.1)


# --- Failures, and switching ---


def test_an_archive_from_buffered_to_direct(archive: DeployedStack) -> None:
    """Batches go through the stream, failures come back, and switching replaces and forgets nothing."""
    firehose, s3 = archive.aws.client("firehose"), archive.aws.client("s3")
    kept = archive.physical_ids(*KEPT)

    # Through Data Firehose: one batch of an hour, one over an hour's edge, which the function stores itself.
    across = delivery(log_event("2", message="two"), log_event("3", 1_772_323_200_000, "three"))
    for batch in (delivery(log_event("1", message="one")), across):
        data = base64.b64decode(batch["awslogs"]["data"])
        firehose.put_record(DeliveryStreamName=archive.output("Stream"), Record={"Data": data})
    assert messages(archive) == ["one", "three", "two"]
    hours = sorted(key.rpartition("/")[0] for key in archived(archive))
    at = "log_group=%2Fecs%2Fweb/dt=2026-0"
    assert hours == [f"{at}2-28/hour=23", f"{at}2-28/hour=23", f"{at}3-01/hour=00"]
    assert all(key.endswith(".ndjson.gz") for key in archived(archive))

    # What Lambda and Data Firehose failed to store comes back.
    failed = {"requestPayload": delivery(log_event("4", message="four"))}
    lost = {"rawData": delivery(log_event("5", message="five"))["awslogs"]["data"]}
    s3.put_object(Bucket=archive.output("Failures"), Key="aws/lambda/async/f/1", Body=json.dumps(failed).encode())
    left = {"Bucket": archive.output("Archive"), "Key": "firehose-failures/processing-failed/1"}
    s3.put_object(**left, Body=json.dumps(lost).encode() + b"\n")
    assert replay(archive) == {"replayed": 2, "waiting": 0}
    assert messages(archive) == ["five", "four", "one", "three", "two"]
    assert objects(archive, "Failures") == {}
    assert left["Key"] not in objects(archive, "Archive")

    # Switched: everything is where it was, what the stream left behind is found, and new lines come by the shipper.
    s3.put_object(**left, Body=json.dumps(lost | {"attemptsMade": 1}).encode() + b"\n")
    assert archive.update(archive_app(buffered=False)) == "UPDATE_COMPLETE", archive.why()
    assert kept.items() >= archive.physical_ids(*KEPT).items()
    assert replay(archive) == {"replayed": 1, "waiting": 0}
    write(archive, archive.output("LogGroup"), "web", "six")
    wait_for(lambda: "six" in messages(archive))
    assert messages(archive) == ["five", "four", "one", "six", "three", "two"]


# --- Reading ---


def reading_app() -> App:
    """Return an app of an archive and two log groups."""
    app = App()
    stack = Stack(app, "Reading")
    archive = LogArchive(stack, "LogArchive")
    for number, name in enumerate(LINES):
        archive.add_log_group(logs.LogGroup(stack, f"Logs{number}", log_group_name=name))
    CfnOutput(stack, "Archive", value=archive.bucket.bucket_name)
    assert archive.catalog
    CfnOutput(stack, "Workgroup", value=archive.catalog.workgroup.name)
    CfnOutput(stack, "LogGroups", value=archive.catalog.log_groups.function.function_name)
    assert archive.compaction
    CfnOutput(stack, "Merger", value=archive.compaction.function.function_name)
    return app


@pytest.fixture(scope="module")
def stack(archive: DeployedStack) -> DeployedStack:
    """That app deployed beside the other, which has brought the assets, with two batches of lines in its archive."""
    stack = archive.beside("Reading")
    assert stack.update(reading_app()) == "CREATE_COMPLETE", stack.why()
    for group, lines in LINES.items():
        write(stack, group, "task/app/0a1b", *lines)
    wait_for(lambda: len(messages(stack)) == sum(map(len, LINES.values())))
    return stack


def keys_of_today(stack: DeployedStack) -> list[str]:
    """The objects of the archive that the compaction's day has not."""
    return [key for key in objects(stack, "Archive") if f"dt={compacting.DAY['first_day']}" not in key]


def invoke(aws: Emulator, function: str) -> object:
    """Run a function now, not when its schedule says."""
    answer = aws.client("lambda").invoke(FunctionName=function, Payload="{}")
    assert "FunctionError" not in answer
    return json.loads(answer["Payload"].read())


@pytest.fixture(scope="module")
def queries(aws: Emulator, stack: DeployedStack) -> Queries:
    """The workgroup, once the table knows the log groups."""
    queries = Queries(aws, stack.output("Workgroup"))
    assert queries.ask("SELECT count(*) FROM lines").rows == [["0"]], "the table has rows before the first line"
    assert invoke(aws, stack.output("LogGroups")) == {
        "learned": ["%2Fecs%2Fapi%232", "%2Fecs%2Fweb"],
        "forgotten": ["-"],
        "unreadable": [],
    }
    assert invoke(aws, stack.output("LogGroups")) == {"learned": [], "forgotten": [], "unreadable": []}
    return queries


@pytest.fixture(scope="module")
def files(stack: DeployedStack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the bucket on disk."""
    folder, bodies = tmp_path_factory.mktemp("copy"), objects(stack, "Archive")
    for key in keys_of_today(stack):
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bodies[key])
    return folder


# --- Saved queries ---


def test_saved_queries(queries: Queries) -> None:
    """Each answers what its first line says."""
    found = queries.run("errors_in_the_last_hour")
    assert found.columns == ["time", "loggroup", "logstream", "message"]
    assert [row[1:] for row in found.rows] == [["/ecs/web", "task/app/0a1b", "TypeError: no user (request 7f3a)"]]

    [[minute, *counted]] = queries.run("errors_per_minute").rows
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:00", minute)
    assert counted == ["/ecs/web", "1"]

    # An ID finds its lines in every service, in the order of time.
    found = queries.run("one_request_across_services", "7f3a")
    assert [row[1] for row in found.rows] == ["/ecs/web", "/ecs/api#2"]
    assert queries.run("one_request_across_services", "% no wildcard '").rows == []

    # Bytes, not characters, of each service's messages.
    sizes = {group: sum(len(message.encode()) for message in messages) for group, messages in LINES.items()}
    assert queries.run("top_talkers").rows == [
        [group, str(len(LINES[group])), str(sizes[group]), str(round(100 * sizes[group] / sum(sizes.values()), 1))]
        for group in ("/ecs/web", "/ecs/api#2")
    ]

    # The same but for their numbers, the latest as an example.
    frequent = queries.run("most_frequent_messages").rows[0]
    assert frequent == ["/ecs/web", "GET /é # in # ms", "2", "GET /é 200 in 41 ms"]

    # The service that wrote first is silent longest.
    rows = queries.run("last_line_of_each_service").rows
    assert [(group, lines) for group, _, _, lines in rows] == [("/ecs/web", "3"), ("/ecs/api#2", "2")]


def test_saved_queries_hold_for_hostile_lines(aws: Emulator, stack: DeployedStack, queries: Queries) -> None:
    """Each of them runs, none ends for a line, and each line is found."""
    s3, bucket, now = aws.client("s3"), stack.output("Archive"), time.time_ns() // 1_000_000
    events = [log_event(str(number), now, message) for number, message in enumerate(HOSTILE.values())]
    objects = load(aws.environment)["objects"].objects_of(delivery(*events, logGroup="/ecs/odd")).bodies
    for key, body in objects.items():
        s3.put_object(Bucket=bucket, Key=key, Body=body)
    invoke(aws, stack.output("LogGroups"))

    answers = {name: queries.run(name, *parameters_of(sql)) for name, sql in queries.saved().items()}

    found = [row[3] for row in answers["errors_in_the_last_hour"].rows if row[1] == "/ecs/odd"]
    assert sorted(found) == sorted(seen(each, instead="?") for each in HOSTILE.values() if "error" in each)
    [lines] = [row[1] for row in answers["top_talkers"].rows if row[0] == "/ecs/odd"]
    assert int(lines) == len(HOSTILE)
    for key in objects:
        s3.delete_object(Bucket=bucket, Key=key)
    invoke(aws, stack.output("LogGroups"))


def parameters_of(sql: str) -> list[str]:
    """Something for the `?` of a query, if it has one."""
    return ["x"] if "?)" in sql.replace("(?i)", "") else []


def test_one_log_group(queries: Queries) -> None:
    """A log group's name as people write it chooses what is read; the column has it as in the keys."""
    sql = "SELECT count(*), min(log_group) FROM logs WHERE log_group = url_encode('/ecs/api#2') AND dt >= '2026-01-01'"

    assert queries.ask(sql).rows == [["2", "%2Fecs%2Fapi%232"]]


def test_what_is_stored_twice(aws: Emulator, stack: DeployedStack, queries: Queries) -> None:
    """Events that came again in another batch are twice in the table and once in the view, until that object goes."""
    s3, bucket = aws.client("s3"), stack.output("Archive")
    key = next(each for each in keys_of_today(stack) if "web" in each)
    copy = f"{key.rpartition('/')[0]}/1-{'0' * 32}.ndjson.gz"
    assert queries.run("lines_stored_twice").rows == []

    s3.copy_object(Bucket=bucket, Key=copy, CopySource={"Bucket": bucket, "Key": key})

    assert [row[3] for row in queries.run("lines_stored_twice").rows] == ["3"]
    assert queries.ask("SELECT count(*) FROM lines WHERE dt > '2026-02-28'").rows == [["8"]]
    assert queries.ask("SELECT count(*) FROM logs WHERE dt > '2026-02-28'").rows == [["5"]]
    s3.delete_object(Bucket=bucket, Key=copy)


def test_the_deployed_compaction_runs(aws: Emulator, stack: DeployedStack) -> None:
    """As it was deployed, with its environment: it finds nothing that is two days old."""
    result = invoke(aws, stack.output("Merger"))

    assert result == {"merged": 0, "members": 0, "deletedAgain": 0, "unreadable": [], "failed": {}, "finished": True}


def test_a_reader_of_merged_objects(
    aws: Emulator, stack: DeployedStack, queries: Queries, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gzip members one after the other are read to the last, and the hidden list not at all."""
    module = compacting.load(aws.environment)
    module.hours.MIN_OBJECTS = 2
    ids = [f"{number:02}" for number in range(12)]
    s3, bucket = aws.client("s3"), stack.output("Archive")
    prefix = "log_group=%2Fecs%2Fweb/dt=2026-02-28/hour=05/"
    for each in ids:
        line = json.dumps({"logGroup": "/ecs/web", "id": each, "timestamp": 1_772_254_800_000, "message": each})
        compacting.put(s3, bucket, prefix, line.encode() + b"\n")
    monkeypatch.setenv("ARCHIVE_BUCKET", bucket)

    assert module.handler(compacting.DAY, Context(900_000))["members"] == len(ids)

    sql = "SELECT id FROM logs WHERE dt = '2026-02-28' AND hour = 5 ORDER BY id"
    assert queries.ask(sql).rows == [[each] for each in ids]


# --- docs/reading-logs.md ---


def test_the_pages_queries(queries: Queries) -> None:
    """The page's own query is Athena's, and every saved query is in its list."""
    [own] = [block for block in re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL) if "= url_encode(" in block]

    assert queries.ask(own).columns == ["time", "logstream", "message"]
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == queries.saved().keys()


def test_the_pages_pipe(files: Path) -> None:
    """`zcat` and `jq` on a copy of the bucket; on a machine without jq, what jq would be given."""
    [pipe] = re.findall(r"^(find .*)$", PAGE, re.MULTILINE)
    if not shutil.which("jq"):
        lines = subprocess.run(["sh", "-c", pipe.partition(" | jq")[0]], cwd=files, check=True, capture_output=True)  # noqa: S607
        assert len([json.loads(line) for line in lines.stdout.splitlines()]) == sum(map(len, LINES.values()))
        return

    found = subprocess.run(["sh", "-c", pipe], cwd=files, check=True, capture_output=True, text=True)  # noqa: S607

    time_, stream, message = found.stdout.strip().split("\t")
    assert (stream, message) == ("task/app/0a1b", "TypeError: no user (request 7f3a)")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", time_)


# --- The failure queue of the China regions ---


def test_a_failure_queue(aws: Emulator, archive: DeployedStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is in a queue comes back through the failure bucket, by SQS's own protocol."""
    replay = load(aws.environment, "replay")
    queue = aws.client("sqs").create_queue(QueueName="failures")["QueueUrl"]
    record = {"requestPayload": delivery(log_event("7", message="seven"))}
    aws.client("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps(record))
    shipper = archive.output("ReplayCommand").split()[4]
    variables = aws.client("lambda").get_function_configuration(FunctionName=shipper)["Environment"]["Variables"]
    for name, value in (variables | {"FAILURE_QUEUE": queue}).items():
        monkeypatch.setenv(name, value)

    assert replay["drain"].handler({}, Context(900_000)) == {"replayed": 1, "waiting": 0}

    [key] = [key for key, records in archived(archive).items() if records[0]["message"] == "seven"]
    aws.client("s3").delete_object(Bucket=archive.output("Archive"), Key=key)
    assert "Messages" not in aws.client("sqs").receive_message(QueueUrl=queue)
