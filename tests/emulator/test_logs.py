"""`fargate-constructs logs` with the real boto3, on a local AWS: log group, shipper, archive in S3, command."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

import pytest
from aws_cdk import App, CfnOutput, Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs

from fargate_constructs import LogArchive
from tests.cli.runner import runner
from tests.emulator.emulator import ROOT, Emulator
from tests.emulator.updates import DeployedStack

TASK, OTHER = "0a1b2c3d4e5f60718293a4b5c6d7e8f9", "9f8e7d6c5b4a39281706f5e4d3c2b1a0"
DAY, HOUR = 86_400_000, 3_600_000
run = runner("logs")
LINES = ["ten days old", "an hour old, ERROR", '{"level": "info", "text": "✗"}']


class Group(NamedTuple):
    """A log group."""

    name: str
    until: str
    """After its first lines."""


@pytest.fixture(scope="module")
def group(aws: Emulator) -> Group:
    """The log group of the job `Shop/Report`, which keeps a day, with lines that the shipper has archived."""
    app = App(context={"aws:cdk:enable-path-metadata": True})
    stack = Stack(app, "Shop")
    archive = LogArchive(stack, "LogArchive", compaction=False)
    log_group = logs.LogGroup(stack, "Logs", retention=logs.RetentionDays.ONE_DAY)
    archive.add_log_group(log_group)
    task = ecs.FargateTaskDefinition(stack, "Report")
    task.add_container(
        "report",
        image=ecs.ContainerImage.from_registry("example.com/report:1"),
        logging=ecs.LogDrivers.aws_logs(log_group=log_group, stream_prefix="jobs"),
    )
    CfnOutput(stack, "Group", value=log_group.log_group_name)
    CfnOutput(stack, "Bucket", value=archive.bucket.bucket_name)
    deployed = DeployedStack(aws, app)
    now = time.time_ns() // 1_000_000 - 120_000  # so that lines of tests come after it
    write(aws, name := deployed.output("Group"), TASK, *zip((now - 10 * DAY, now - HOUR, now), LINES, strict=True))
    write(aws, name, OTHER, (now - 11 * DAY, "of a stream that was deleted"))
    s3 = aws.client("s3")
    deadline = time.monotonic() + 30
    while s3.list_objects_v2(Bucket=deployed.output("Bucket")).get("KeyCount", 0) < 4:
        assert time.monotonic() < deadline, "the lines did not arrive"
        time.sleep(0.05)
    aws.client("logs").delete_log_stream(logGroupName=name, logStreamName=f"jobs/report/{OTHER}")
    return Group(name, f"{datetime.fromtimestamp((now + 1) / 1000, UTC):%Y-%m-%dT%H:%M:%S.%f}")


def write(aws: Emulator, group: str, task: str, *lines: tuple[int, str]) -> None:
    """Write lines to the stream of a task."""
    client, stream = aws.client("logs"), f"jobs/report/{task}"
    if not client.describe_log_streams(logGroupName=group, logStreamNamePrefix=stream)["logStreams"]:
        client.create_log_stream(logGroupName=group, logStreamName=stream)
    events = [{"timestamp": timestamp, "message": message} for timestamp, message in lines]
    client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def started(aws: Emulator, *arguments: str) -> "subprocess.Popen[str]":
    """Start the command as a person does."""
    program = [sys.executable, "-m", "fargate_constructs", "logs", *arguments]
    environment = {**os.environ, **aws.environment, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        program, cwd=aws.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.usefixtures("session")
def test_lines_of_cloudwatch_logs_and_of_the_archive(group: Group) -> None:
    """The command finds the archive by the log group's subscription, and prints each line once, in order."""
    _, output, errors = run("Shop/Report", "--since", "30d", "--until", group.until, "--json")

    documents = [json.loads(line) for line in output.splitlines()]
    assert [each["message"] for each in documents] == ["of a stream that was deleted", *LINES], errors
    assert [each["task"] for each in documents] == [OTHER, TASK, TASK, TASK]
    assert {(each["container"], each["log_group"]) for each in documents} == {("report", group.name)}
    assert documents[1]["time"].endswith("Z")
    assert errors == ""


@pytest.mark.usefixtures("session")
def test_the_archive_alone(group: Group) -> None:
    """It has all lines; a regular expression chooses some, and the last one is asked for."""
    chosen = ("--until", group.until, "--source", "archive", "--grep", "old|ERR.R", "--tail", "1")
    _, output, errors = run(group.name, "--since", "30d", *chosen)

    assert (output.partition("  ")[2], errors) == (f"{LINES[1]}\n", "")
    assert output.partition("  ")[0].endswith(f" {TASK[:8]} report")


@pytest.fixture
def following(aws: Emulator) -> Iterator["subprocess.Popen[str]"]:
    """The command that follows the lines with `info` or `new`."""
    command = started(aws, "Report", "--follow", "--grep", "info|new", "--no-prefix", "--tail", "1")
    yield command
    command.kill()
    command.communicate()


def test_new_lines_are_followed(aws: Emulator, group: Group, following: "subprocess.Popen[str]") -> None:
    """They come through a pipe at once, until Ctrl-C ends the command with its own status."""
    assert following.stdout
    assert following.stderr
    assert following.stdout.readline() == f"{LINES[2]}\n"
    now = time.time_ns() // 1_000_000
    write(aws, group.name, TASK, (now - 60_000, "new, a minute late"), (now, "not asked for"), (now, "new"))

    assert sorted(following.stdout.readline() for _ in range(2)) == ["new\n", "new, a minute late\n"]
    following.send_signal(signal.SIGINT)
    assert following.wait(timeout=10) == 130
    assert following.stderr.read() == ""


def test_a_reader_that_ends(aws: Emulator, group: Group) -> None:
    """As in `logs Report | head -1`: no traceback, and the status of a pipe that was not read."""
    write(aws, group.name, TASK, *((time.time_ns() // 1_000_000, f"{number} {'x' * 500}") for number in range(1000)))
    command = started(aws, "Report", "--tail", "5000")
    assert command.stdout
    assert command.stderr
    command.stdout.readline()
    command.stdout.close()

    assert command.wait(timeout=30) == 141
    assert command.stderr.read() == ""
