"""`fargate-constructs archive` with the real boto3, on a deployed archive of a local AWS."""

import gzip
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from aws_cdk import App, CfnOutput, Stack
from aws_cdk import aws_logs as logs

from fargate_constructs import LogArchive, LogExportBucket
from fargate_constructs.cli.terminal import moments
from tests.cli.runner import runner
from tests.emulator.emulator import Emulator
from tests.emulator.updates import DeployedStack
from tests.logs.deployed import delivery

MESSAGES = ("GET /é 200", "TypeError: no user (request 7f3a)", 'said "no", \x1b[31m and more')
SECONDS = 60

run = runner("archive")
pytestmark = pytest.mark.usefixtures("session")


class Archive:
    """The deployed archive, with a log group."""

    def __init__(self, aws: Emulator) -> None:
        app = App(context={"aws:cdk:enable-path-metadata": True})
        stack = Stack(app, "Shop")
        archive = LogArchive(stack, "LogArchive")
        archive.add_log_group(logs.LogGroup(stack, "Logs", log_group_name="/ecs/web"))
        LogExportBucket(stack, "Exports")
        assert archive.catalog
        CfnOutput(stack, "Archive", value=archive.bucket.bucket_name)
        CfnOutput(stack, "Failures", value=archive.failure_bucket.bucket_name)
        CfnOutput(stack, "LogGroups", value=archive.catalog.log_groups.function.function_name)
        deployed = DeployedStack(aws, app)
        self.aws, self.s3 = aws, aws.client("s3")
        self.bucket, self.failures = deployed.output("Archive"), deployed.output("Failures")
        self.log_groups = deployed.output("LogGroups")

    def write(self, stream: str, *messages: str) -> None:
        """Write lines to the log group, and wait until they are archived."""
        client, before = self.aws.client("logs"), len(self.lines())
        client.create_log_stream(logGroupName="/ecs/web", logStreamName=stream)
        now = time.time_ns() // 1_000_000 - 1000
        events = [{"timestamp": now + number, "message": message} for number, message in enumerate(messages)]
        client.put_log_events(logGroupName="/ecs/web", logStreamName=stream, logEvents=events)
        deadline = time.monotonic() + SECONDS
        while len(self.lines()) < before + len(messages):
            assert time.monotonic() < deadline, "the lines did not arrive"
            time.sleep(0.05)

    def keys(self) -> list[str]:
        """The keys of the archive."""
        return [each["Key"] for each in self.s3.list_objects_v2(Bucket=self.bucket).get("Contents", [])]

    def body(self, key: str) -> bytes:
        """An object of the archive."""
        found: bytes = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return found

    def lines(self) -> list[dict[str, Any]]:
        """The lines of the archive."""
        return [json.loads(line) for key in self.keys() for line in gzip.decompress(self.body(key)).splitlines()]


@pytest.fixture(scope="module")
def archive(aws: Emulator) -> Archive:
    """An archive with lines of today."""
    archive = Archive(aws)
    archive.write("web/web/1", *MESSAGES)
    aws.client("lambda").invoke(FunctionName=archive.log_groups, Payload="{}")
    return archive


@pytest.mark.usefixtures("archive")
def test_a_query() -> None:
    """Saved queries and SQL, limited to a time, as a table, CSV, JSON and Parquet."""
    status, output, errors = run("query", "LogArchive", "--named", "top_talkers", "--since", "1h")
    assert status == 0, errors
    assert output.splitlines()[2].startswith("/ecs/web")
    assert "1 row; " in errors
    sql = 'SELECT message, hour > 24 AS late, NULL AS nothing FROM logs ORDER BY "time"'

    status, output, errors = run("query", "--sql", sql, "--since", "1h", "--json")
    assert json.loads(output) == [{"message": each, "late": False, "nothing": None} for each in MESSAGES], errors

    assert run("query", "--sql", sql, "--since", "1h", "--output", "rows.csv")[:2] == (0, "")
    assert Path("rows.csv").read_text().splitlines()[3] == '"said ""no"", \x1b[31m and more","false",'
    assert run("query", "--sql", sql, "--since", "3h", "--until", "2h", "--json")[1] == "[]\n"

    named = ["query", "--named", "one_request_across_services", "--since", "1h", "--parameter", "7f3a"]
    status, _, errors = run(*named, "--format", "parquet", "--output", "rows")
    assert status == 0, errors
    rows = duckdb.connect().execute("SELECT message FROM 'rows/*.parquet'").fetchall()
    assert rows == [(MESSAGES[1],)]


@pytest.mark.usefixtures("archive")
def test_a_query_that_fails() -> None:
    """The reason of Athena is whole, and none of the files is left."""
    status, output, errors = run("query", "--sql", "SELECT colour FROM logs", "--since", "1h", "--output", "x.csv")

    assert (status, output) == (2, "")
    assert "Error: the query failed" in errors
    assert "colour" in errors
    assert [*Path().iterdir()] == []


def test_fetch(archive: Archive) -> None:
    """Objects have the paths of their keys; a second run fetches what is missing or cut."""
    status, output, errors = run("fetch", "--since", "1h", "--output", "copy")
    assert (status, output.split(" (")[0]) == (0, "1 object fetched"), errors
    (key,) = archive.keys()
    file = Path("copy") / key
    assert file.read_bytes() == archive.body(key)

    file.write_bytes(b"cut")
    assert json.loads(run("fetch", "--since", "1h", "--output", "copy", "--json")[1])["fetched"] == 1
    assert file.read_bytes() == archive.body(key)
    assert [each for each in Path("copy").rglob("*") if each.is_file()] == [file]


def later(monkeypatch: pytest.MonkeyPatch, by: timedelta) -> None:
    """Let the clock of the commands go fast."""
    monkeypatch.setattr(moments, "now", lambda: datetime.now(UTC) + by)


def test_verify_and_replay(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an object its lines are on their way, then missing; a failed batch has them until it is replayed."""
    status, output, errors = run("verify", "Shop/LogArchive", "--since", "1h")
    assert (status, output.splitlines()[:1]) == (1, ["Shop/LogArchive: all 3 events are in the archive"]), errors
    assert "\nNot known: whether an account policy subscribes log groups" in output  # MiniStack lacks it
    verify = ("verify", "--since", "1h", "--log-group", "/ecs/web")

    (key,) = archive.keys()
    lines = archive.lines()
    archive.s3.delete_object(Bucket=archive.bucket, Key=key)
    (hour,) = hours_of(run(*verify, "--json"), status=0)
    assert (hour["in_cloudwatch_logs"], hour["in_archive"], hour["on_its_way"], hour["missing"]) == (3, 0, 3, 0)

    later(monkeypatch, timedelta(minutes=15))
    status, output, errors = run(*verify)
    assert (status, output.splitlines()[0]) == (1, "Shop/LogArchive: 3 of 3 events are not in the archive"), errors
    assert "UTC on: fargate-constructs archive backfill Shop/LogArchive --log-group /ecs/web --since 2" in output

    events = [{name: line[name] for name in ("id", "timestamp", "message")} for line in lines]
    record = {"requestPayload": delivery(*events, logGroup="/ecs/web", logStream="web/web/1")}
    for name, content in (("1", record), ("2", {})):
        failure = {"Bucket": archive.failures, "Key": f"aws/lambda/async/shipper/{name}"}
        archive.s3.put_object(**failure, Body=json.dumps(content).encode())
    (hour,) = hours_of(run(*verify, "--json"), status=1)
    assert (hour["waiting"], hour["missing"]) == (3, 0)

    status, output, errors = run("replay", "--json")
    assert (status, errors) == (1, "")
    document = json.loads(output)
    assert (document["runs"], document["replayed"], document["waiting"]) == (2, 1, 1)
    assert sorted(line["message"] for line in archive.lines()) == sorted(MESSAGES)
    assert run(*verify)[0] == 0


def hours_of(result: tuple[int, str, str], *, status: int) -> list[dict[str, Any]]:
    """The hours with events in the document of `verify --json`."""
    assert result[0] == status, result
    return [each for each in json.loads(result[1])["hours"] if each["in_cloudwatch_logs"]]
