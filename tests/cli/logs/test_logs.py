"""`fargate-constructs logs`: which lines it prints, how, and what it says if some are elsewhere."""

import gzip
import io
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import pytest
from click.testing import CliRunner, Result

from fargate_constructs.cli import logs
from fargate_constructs.cli.command_line import commands
from fargate_constructs.cli.events import cloudwatch_events
from fargate_constructs.cli.events.archived_events import HOUR
from fargate_constructs.cli.events.log_events import LogEvent
from fargate_constructs.cli.logs import group_history
from fargate_constructs.cli.logs.group_history import DAY
from fargate_constructs.cli.logs.log_history import pieces
from fargate_constructs.cli.logs.log_lines import LinePrinter
from fargate_constructs.cli.logs.log_sources import LogSource
from fargate_constructs.cli.terminal import moments
from fargate_constructs.cli.terminal.moments import milliseconds
from tests.cli.recorded_aws import ACCOUNT, NOW, REGION, SERVICE_ARN, RecordedAws, stack_resource

AT = milliseconds(NOW)
GROUP, SHIPPER = "/shop/web", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:shipper"
TASK, OTHER = "1dc5c17a422b4dc4b493970c6b8c4d6d", "2dc5c17a422b4dc4b493970c6b8c4d6d"
Line = tuple[int, str, str]


class Cloud:
    """A recorded AWS whose log groups and archive have lines."""

    def __init__(self, aws: RecordedAws) -> None:
        self.aws = aws
        self.lines: dict[str, list[Line]] = {f"{GROUP}-2": [], GROUP: []}
        self.objects: dict[str, bytes] = {}
        self.sizes: dict[str, dict[str, Any]] = {}
        self.facts: dict[str, Any] = {"retentionInDays": 30, "creationTime": AT - 400 * DAY}
        self.polls: Iterator[Callable[[], None]] = iter(())
        aws.answers.update(
            DescribeLogGroups=lambda request: {
                "logGroups": [
                    {"logGroupName": each, **self.facts}
                    for each in self.lines
                    if each.startswith(request["logGroupNamePrefix"])
                ]
            },
            DescribeLogStreams=lambda request: {
                "logStreams": [
                    {"logStreamName": stream}
                    for _, stream, _ in self.lines[request["logGroupName"]]
                    if stream.startswith(request["logStreamNamePrefix"])
                ][:1]
            },
            FilterLogEvents=self.filter,
            DescribeSubscriptionFilters={"subscriptionFilters": [{"destinationArn": SHIPPER}]},
            DescribeAccountPolicies={"accountPolicies": []},
            GetFunctionConfiguration={
                "Environment": {"Variables": {"ARCHIVE_BUCKET": "archive", "ARCHIVE_FORMAT": "ndjson"}}
            },
            DescribeStackResources=("ValidationError", "Stack for shipper does not exist"),
            ListObjectsV2=self.listed,
            GetObject=lambda request: {"Body": io.BytesIO(self.objects[request["Key"]])},
        )

    def __deepcopy__(self, _: dict[int, object]) -> "Cloud":
        """Return itself: recorded answers are copied, and some are methods of it."""
        return self

    def write(self, *lines: Line | tuple[int, str], group: str = GROUP) -> None:
        """Write lines to CloudWatch Logs: how many milliseconds ago, the message, and the stream."""
        for ago, message, *stream in lines:
            self.lines[group].append((AT - ago, str([*stream, f"web/web/{TASK}"][0]), message))

    def archive(self, *lines: Line | tuple[int, str], group: str = GROUP) -> None:
        """Write lines to the archive."""
        for ago, message, *stream in lines:
            at = NOW - timedelta(milliseconds=ago)
            name = group.replace("/", "%2F")
            document = {
                "timestamp": AT - ago,
                "message": message,
                "id": f"s3-{len(self.objects)}",
                "logStream": (stream or [f"web/web/{TASK}"])[0],
            }
            key = f"log_group={name}/{at:dt=%Y-%m-%d/hour=%H}/{AT - ago}-{len(self.objects):032x}.ndjson.gz"
            self.objects[key] = gzip.compress(json.dumps(document).encode() + b"\n")

    def filter(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answer FilterLogEvents."""
        next(self.polls, lambda: None)()
        events = [
            {
                "timestamp": timestamp,
                "logStreamName": stream,
                "message": message,
                "eventId": f"cw-{number}",
                "ingestionTime": AT,
            }
            for number, (timestamp, stream, message) in enumerate(self.lines[request["logGroupName"]])
            if request["startTime"] <= timestamp <= request.get("endTime", 2**62)
            and stream.startswith(request.get("logStreamNamePrefix", ""))
        ]
        return {"events": sorted(events, key=lambda each: each["timestamp"])}

    def listed(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answer ListObjectsV2."""
        keys = [
            each
            for each in sorted(self.objects)
            if each.startswith(request["Prefix"]) and each > request.get("StartAfter", "")
        ]
        facts = {"LastModified": NOW, "StorageClass": "STANDARD"}
        return {"Contents": [{"Key": each, "Size": 9, **facts, **self.sizes.get(each, {})} for each in keys]}

    def asked(self, *operations: str) -> list[Mapping[str, Any]]:
        """Return the requests of some operations."""
        return [request for name, request in self.aws.requests if name in operations]


@pytest.fixture
def cloud(clients: RecordedAws, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """An AWS with the service `Shop/Web`, whose log group has no lines yet."""
    for module in (logs, moments, cloudwatch_events):
        monkeypatch.setattr(module, "now", lambda: NOW)
    return Cloud(clients)


def run(*arguments: str, status: int = 0) -> Result:
    """Run the command."""
    result = CliRunner().invoke(commands, ["logs", *arguments])
    assert result.exit_code == status, result.output
    return result


def messages(*arguments: str, status: int = 0) -> list[str]:
    """Return the messages that the command prints."""
    return run(*arguments, "--no-prefix", status=status).stdout.splitlines()


def test_the_last_lines(cloud: Cloud) -> None:
    """By default a hundred, with time and task, of what CloudWatch Logs keeps."""
    cloud.write(*((number * 500, str(number)) for number in range(150)), (45 * DAY, "old"), (-5000, "of a fast clock"))
    cloud.archive((40 * DAY, "archived"))

    result = run("Shop/Web")

    lines = result.stdout.splitlines()
    assert lines[0] == "2026-11-29 14:59:11.000 1dc5c17a  98"
    assert lines[-2:] == ["2026-11-29 15:00:00.000 1dc5c17a  0", "2026-11-29 15:00:05.000 1dc5c17a  of a fast clock"]
    note = "Shop/Web: the last 100 lines; --tail or --since prints more\n"
    assert (len(lines), result.stderr) == (100, note)
    assert [each["startTime"] for each in cloud.asked("FilterLogEvents")] == [AT - 60_000]
    assert not cloud.asked("DescribeSubscriptionFilters", "ListObjectsV2")
    assert messages("Shop/Web", "--tail", "2") == ["0", "of a fast clock"]
    assert messages("Shop/Web", "--tail", "1", "--until", "1m") == ["121"]


@pytest.mark.parametrize("name", ["Shop/Web", "Web", "Shop/Web/", "shop/web"])
def test_names(name: str, cloud: Cloud) -> None:
    """A construct path, a part of it, or CLUSTER/SERVICE."""
    cloud.write((0, "a"))

    assert messages(name) == ["a"]


def test_what_is_past_the_retention(cloud: Cloud) -> None:
    """It comes from the archive, in one order with the rest, and what both have, once."""
    cloud.write((30 * DAY, "both"), (29 * DAY, "cloudwatch"), (0, "new"))
    cloud.archive((60 * DAY, "old"), (31 * DAY, "older"), (30 * DAY, "both"), (10 * DAY, "not asked of the archive"))

    assert messages("Web", "--since", "90d") == ["old", "older", "both", "cloudwatch", "new"]
    assert messages("Web", "--since", "90d", "--tail", "2") == ["cloudwatch", "new"]
    assert messages("Web", "--since", "90d", "--until", "35d") == ["old"]
    assert messages("Web", "--since", "90d", "--source", "cloudwatch") == ["both", "cloudwatch", "new"]
    archived = ["old", "older", "both", "not asked of the archive"]
    assert messages("Web", "--since", "90d", "--source", "archive") == archived
    assert messages("Web", "--source", "both", "--since", "20d") == ["not asked of the archive", "new"]


def test_a_log_group_that_keeps_its_lines(cloud: Cloud) -> None:
    """The archive has what is older than the log group, because there may have been another one of this name."""
    cloud.facts = {"creationTime": AT - 10 * DAY}
    cloud.write((DAY, "new"))
    cloud.archive((11 * DAY, "old"), (DAY, "new"))

    assert messages("Web", "--since", "9d") == ["new"]
    assert not cloud.asked("ListObjectsV2")
    assert messages("Web", "--since", "20d") == ["old", "new"]


def test_one_task(cloud: Cloud) -> None:
    """If CloudWatch Logs has no stream of it, the archive is read."""
    cloud.write((5, "a"), (4, "b", f"web/web/{OTHER}"))
    cloud.archive((3 * DAY, "stopped", "web/web/3dc5c17a"), (2 * DAY, "backfilled", "web-web-3dc5c17a"), (DAY, "other"))

    assert messages("Web", "--task", "2dc5") == ["b"]
    assert cloud.asked("FilterLogEvents")[0]["logStreamNamePrefix"] == "web/web/2dc5"
    assert not cloud.asked("ListObjectsV2")
    assert messages("Web", "--task", "3dc5c17a") == ["stopped", "backfilled"]
    assert messages(GROUP, "--task", "1dc5") == ["a"]


@pytest.mark.parametrize(
    ("answers", "note", "status"),
    [
        ({"DescribeSubscriptionFilters": {"subscriptionFilters": []}}, "no archive was found", 0),
        ({"GetFunctionConfiguration": {}}, "shipper lacks a bucket: the function shipper is not of this library", 0),
        ({"DescribeSubscriptionFilters": ("AccessDeniedException", "no")}, "An error occurred (AccessDenied", 2),
        ({"ListObjectsV2": ("AccessDenied", "no")}, "An error occurred (AccessDenied)", 2),
    ],
)
def test_no_archive(answers: dict[str, Any], note: str, status: int, cloud: Cloud) -> None:
    """A person knows from when on there are lines, and why; a script by the status if an archive may not be read."""
    cloud.write((0, "new"))
    cloud.aws.answers.update(answers)

    result = run("Web", "--since", "90d", "--tail", "9", status=status)

    assert result.stdout.endswith("new\n")
    assert f"/shop/web: lines before 2026-10-30 16:00 UTC are not read from an archive: {note}" in result.stderr
    assert result.stderr.count("/shop/web") == 1
    both = run("Web", "--since", "1d", "--source", "both", status=status)
    assert "/shop/web: lines are not read from an archive" in both.stderr
    assert note in run("Web", "--since", "1d", "--source", "archive", status=2).stderr


def test_until_alone(cloud: Cloud) -> None:
    """The last lines before a time, however long ago that is, come also from the archive."""
    cloud.write((DAY, "new"))
    cloud.archive((95 * DAY, "old"), (70 * DAY, "older"), (40 * DAY, "later"))

    assert messages("Web", "--until", "60d") == ["older"]
    error = run("Web", "--until", "100d").stderr
    assert "no such line from 2026-07-22 15:00 to 2026-08-21 15:00 UTC" in error


def test_a_large_read(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has a price, and begins after a confirmation; the last lines need less."""
    cloud.archive((110 * DAY, "old"), (50 * DAY, "older"))
    first, _ = cloud.objects
    cloud.sizes[first] = {"Size": 4 * 10**9, "StorageClass": "GLACIER_IR"}

    refused = run("Web", "--since", "150d", status=2)
    assert (
        "The archive has 2 objects of /shop/web from 2026-07-02 15:00 UTC on, 4.0 GB, 4.0 of them in Glacier Instant "
        "Retrieval. To read them costs at most 0.48 USD. There is no terminal to ask at; write --yes" in refused.stderr
    )
    assert refused.stdout == ""
    assert messages("Web", "--since", "150d", "--yes") == ["old", "older"]
    assert messages("Web", "--since", "150d", "--tail", "1") == ["older"]
    monkeypatch.setattr(group_history, "FREE_OBJECTS", 1)
    cloud.sizes.clear()
    asked = run("Web", "--since", "150d", status=2).stderr
    assert "2 objects of /shop/web from 2026-07-02 15:00 UTC on, 0.0 GB. To read them" in asked


def test_a_read_that_becomes_larger(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the last lines are farther back than what was confirmed, the rest is asked for when it is needed."""
    cloud.archive((300 * DAY, "older"), (110 * DAY, "old"), (50 * DAY, "new"))
    cloud.sizes = {each: {"Size": 10**9} for each in cloud.objects}
    asked: list[str] = []
    monkeypatch.setattr(logs, "confirm", lambda text, *, yes: asked.append(text) if yes else None)

    assert messages("Web", "--since", "400d", "--tail", "2", "--yes") == ["old", "new"]
    assert [each.split(", ")[0] for each in asked] == [
        "The archive has 1 object of /shop/web from 2026-08-23 07:00 UTC on",
        "The archive has 1 object of /shop/web from 2026-04-25 07:00 UTC on",
    ]
    assert messages("Web", "--since", "400d", "--tail", "9", "--yes") == ["older", "old", "new"]


def test_what_cannot_be_read(cloud: Cloud) -> None:
    """Everything else is printed, and the status says that something is missing."""
    cloud.archive((60 * DAY, "old"))
    cloud.objects[next(iter(cloud.objects)).replace("0.nd", "9.nd")] = b"no gzip"

    result = run("Web", "--since", "90d", status=2)

    assert result.stdout.endswith("  old\n")
    assert "not read: s3://archive/log_group=%2Fshop%2Fweb/dt=2026-09-30" in result.stderr
    cloud.objects |= {f"{key}{number}.ndjson.gz": b"no gzip" for key in [*cloud.objects][:1] for number in range(30)}
    errors = run("Web", "--since", "90d", status=2).stderr.splitlines()
    assert (len(errors), errors[-1]) == (21, "not read: 11 more")


def test_a_regular_expression(cloud: Cloud) -> None:
    """It is Python's, for lines of CloudWatch Logs and of the archive; CloudWatch Logs searches its literal part."""
    cloud.write((1, "GET / 200"), (0, "GET / 503"))
    cloud.archive((40 * DAY, "GET / 500"), (40 * DAY, "GET / 404"))

    assert messages("Web", "--since", "60d", "--grep", r"GET / 5\d\d$") == ["GET / 500", "GET / 503"]
    assert cloud.asked("FilterLogEvents")[0]["filterPattern"] == "%GET%"


def test_json(cloud: Cloud) -> None:
    """A document for each line."""
    cloud.write((0, "a\nb \ud800✗\n"))

    (line,) = run("Web", "--json").stdout.splitlines()

    assert json.loads(line) == {
        "time": "2026-11-29T15:00:00.000Z",
        "container": "web",
        "task": TASK,
        "log_group": GROUP,
        "stream": f"web/web/{TASK}",
        "id": "cw-0",
        "message": "a\nb \ud800✗\n",
    }


@pytest.mark.parametrize(
    ("arguments", "note"),
    [
        ([], "Shop/Web: no such line from 2026-10-30 15:00 to 2026-11-29 15:00 UTC"),
        (["--since", "2h", "--until", "1h"], "Shop/Web: no such line from 2026-11-29 13:00 to 2026-11-29 14:00 UTC"),
        (["--tail", "0"], "Shop/Web: no such line from 2026-10-30"),
    ],
)
def test_no_line(arguments: list[str], note: str, cloud: Cloud) -> None:
    """The time that was searched is said; the status is that of an answer."""
    result = run("Web", *arguments)

    assert (result.stdout, note in result.stderr) == ("", True)
    assert cloud.asked("FilterLogEvents") or arguments == ["--tail", "0"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--since", "1h", "--until", "2h"],
            "--since must be before --until, got: 2026-11-29 14:00:00 UTC and 2026-11-29 13",
        ),
        (["--since", "2027-01-01"], "--since must be in the past, got: 2027-01-01 00:00:00 UTC"),
        (["--follow", "--until", "1h"], "--follow has no end; leave out --until"),
        (["--follow", "--source", "archive"], "--follow reads CloudWatch Logs; leave out --source archive"),
        (["--grep", "("], "--grep must be a regular expression, got: '(': missing )"),
        (["--container", "db"], "--container must be one of web, got: db"),
        (["--since", "tomorrow"], "must be how long ago"),
    ],
)
def test_refusals(arguments: list[str], message: str, cloud: Cloud) -> None:
    """What contradicts itself, or does not exist."""
    assert cloud.lines
    assert message in " ".join(run("Web", *arguments, status=2).stderr.split())


# --- Following ---


def follow(cloud: Cloud, monkeypatch: pytest.MonkeyPatch, polls: int, *arguments: str) -> list[str]:
    """Follow the service for some polls, before each of which a line comes; then press Ctrl-C."""
    pauses = iter(range(polls))

    def pause(_: float) -> None:
        number = next(pauses, None)
        if number is None:
            raise KeyboardInterrupt
        cloud.write((60_000 * number, f"new {number}", f"web/web/of a task that started {number}"))

    monkeypatch.setattr("time.sleep", pause)
    return messages("Web", "--follow", *arguments, status=130)


def test_following(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last lines, and then new ones, however late within minutes, each once."""
    cloud.write((DAY, "yesterday"), (HOUR, "an hour ago"), (1000, "just now"))

    assert follow(cloud, monkeypatch, 3) == ["yesterday", "an hour ago", "just now", "new 0", "new 1", "new 2"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--tail", "0"], []),
        (["--tail", "1"], ["c"]),
        (["--tail", "2"], ["b", "c"]),
        (["--tail", "3"], ["a", "b", "c"]),
        (["--since", "1h"], ["b", "c"]),
        (["--since", "1m"], ["c"]),
        (["--since", "60d"], ["old", "a", "b", "c"]),
    ],
)
def test_where_following_begins(
    arguments: list[str], expected: list[str], cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the last lines, or all since a time; then come the new ones."""
    cloud.write((DAY, "a"), (120_000, "b"), (1000, "c"))
    cloud.archive((40 * DAY, "old"))

    assert follow(cloud, monkeypatch, 1, *arguments) == [*expected, "new 0"]


@pytest.mark.parametrize("option", ["--follow", "--source cloudwatch"])
def test_what_only_cloudwatch_logs_has(option: str, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log group that is gone, or whose lines go to S3, is refused; beside others it is named."""
    routed_note = "shop-logs: a log router sends its lines to S3 alone"
    definition = routed()
    cloud.aws.answers["DescribeTaskDefinition"] = {"taskDefinition": definition}
    error = f"{option} must be for lines of CloudWatch Logs; {routed_note}"
    assert error in run("Web", *option.split(), status=2).stderr
    error = f"{option} must be for lines of CloudWatch Logs; there is no log group /gone in us-east-1"
    assert error in run("/gone", *option.split(), status=2).stderr
    definition["containerDefinitions"].append(awslogs("proxy", GROUP))
    cloud.write((0, "a", f"web/proxy/{TASK}"))
    monkeypatch.setattr("time.sleep", Mock(side_effect=KeyboardInterrupt))
    result = run("Web", *option.split(), "--no-prefix", status=130 if option == "--follow" else 0)
    assert (result.stdout, result.stderr) == ("a\n", f"{routed_note}\n")


# --- What is meant, and where it logs ---


def container(name: str, driver: str | None = "awslogs", **options: str) -> dict[str, Any]:
    """Return the definition of a container."""
    logging = {"logConfiguration": {"logDriver": driver, "options": options}} if driver else {}
    return {"name": name, **logging}


def awslogs(name: str, group: str, prefix: str | None = "web") -> dict[str, Any]:
    """Return a container that logs to CloudWatch Logs."""
    more = {"awslogs-stream-prefix": prefix} if prefix else {}
    return container(name, **{"awslogs-group": group, "awslogs-region": REGION, **more})


def routed() -> dict[str, Any]:
    """Return a task definition with a log router of this library."""
    key = "/log_group=shop-logs/dt=%Y-%m-%d/hour=%H/$UUID.ndjson.gz"
    options = {"Name": "s3", "bucket": "archive", "region": REGION, "s3_key_format": key}
    return {"containerDefinitions": [container("web", "awsfirelens", **options)]}


def test_several_containers(cloud: Cloud) -> None:
    """Their lines are in one order, with the container's name; those that log elsewhere are named."""
    containers = [
        awslogs("web", GROUP),
        awslogs("proxy", GROUP),
        awslogs("db", "/shop/db", None),
        container("a", "awsfirelens", Name="datadog"),
        container("b", "awsfirelens", **{"@type": "kinesis"}),
        container("c", "awsfirelens"),
        container("d", "splunk", **{"splunk-url": "https://user:secret@splunk.example.com:8088/services?token=secret"}),
        container("e", None),
    ]
    cloud.aws.answers["DescribeTaskDefinition"] = {"taskDefinition": {"containerDefinitions": containers}}
    cloud.lines["/shop/db"] = []
    cloud.write((3, "1"), (1, "3", f"web/proxy/{TASK}"), (0, "of another service", f"api/api/{TASK}"))
    cloud.write((2, "2", "0a1b2c"), group="/shop/db")

    result = run("Web")

    assert result.stdout.splitlines() == [
        "2026-11-29 14:59:59.997 1dc5c17a web    1",
        "2026-11-29 14:59:59.998 0a1b2c  2",
        "2026-11-29 14:59:59.999 1dc5c17a proxy  3",
    ]
    assert result.stderr.splitlines() == [
        "a logs through FireLens, output datadog, so its lines are not shown",
        "b logs through FireLens, output kinesis, so its lines are not shown",
        "c logs through FireLens, output in its own configuration, so its lines are not shown",
        "d logs with the driver splunk to splunk.example.com:8088, so its lines are not shown",
        "e has no log driver, so its lines are kept nowhere",
    ]
    assert {each.get("logStreamNamePrefix") for each in cloud.asked("FilterLogEvents")} == {"web/", None}
    assert messages("Web", "-c", "proxy") == ["3"]
    assert "--container must be one of proxy, web, got: a" in run("Web", "-c", "a", status=2).stderr
    cloud.aws.answers["DescribeTaskDefinition"] = {"taskDefinition": {"containerDefinitions": [containers[-1]]}}
    assert "Shop/Web must have a container that logs to CloudWatch Logs or an archive" in run("Web", status=2).stderr


def test_a_log_router(cloud: Cloud) -> None:
    """Its lines are only in the archive, whose bucket the task definition has."""
    cloud.aws.answers["DescribeTaskDefinition"] = {"taskDefinition": routed()}
    cloud.archive((DAY, "a"), (HOUR, "b", f"web/other/{TASK}"), (0, "c", f"web/web/{OTHER}"), group="shop-logs")

    assert messages("Web") == ["a", "c"]
    assert messages("Web", "--task", "2dc5") == ["c"]
    assert not cloud.asked("FilterLogEvents", "DescribeSubscriptionFilters", "DescribeLogGroups")


def test_a_job(cloud: Cloud) -> None:
    """It is named by the path of its task definition, and its tasks have streams as those of a service."""
    definition = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/report:3"
    resources = {
        "Web": {"Type": "AWS::ECS::Service", "Metadata": {"aws:cdk:path": "Shop/Web/Service/Service"}},
        "Report": {
            "Type": "AWS::ECS::TaskDefinition",
            "Metadata": {"aws:cdk:path": "Shop/Report/TaskDefinition/Resource"},
        },
    }
    made = [("Web", "AWS::ECS::Service", SERVICE_ARN), ("Report", "AWS::ECS::TaskDefinition", definition)]
    cloud.aws.answers["GetTemplate"] = {"TemplateBody": {"Resources": resources}}
    cloud.aws.answers["ListStackResources"] = {"StackResourceSummaries": [stack_resource(*each) for each in made]}
    cloud.write((0, "done"))

    assert messages("Report") == ["done"]
    assert cloud.asked("DescribeTaskDefinition") == [{"taskDefinition": definition}]


def test_a_log_group(cloud: Cloud) -> None:
    """Any log group of the region, by its name; a stream without a container is shown as it is."""
    cloud.lines["shop-queue"] = []
    cloud.write(
        (3, "a", f"2026/11/29/[$LATEST]{TASK}"),
        (2, "b", "main"),
        (1, "c", f"web/proxy/{TASK}"),
        (0, "d", "ip-10-0-0-5.us-east-1.compute.internal/var/log/messages"),
        group="shop-queue",
    )

    assert run("shop-queue").stdout.splitlines() == [
        "2026-11-29 14:59:59.997 1dc5c17a  a",
        "2026-11-29 14:59:59.998 main  b",
        "2026-11-29 14:59:59.999 1dc5c17a proxy  c",
        "2026-11-29 15:00:00.000 nternal/var/log/messages  d",
    ]
    assert messages("shop-queue", "--container", "proxy") == ["c"]
    documents = [json.loads(each) for each in run("shop-queue", "--json").stdout.splitlines()]
    assert [(each["container"], each["task"]) for each in documents] == [
        ("",) * 2,
        ("",) * 2,
        ("proxy", TASK),
        ("",) * 2,
    ]
    error = run("shop-que", status=2).stderr
    assert "must be one of those in region us-east-1 of the account 111122223333: Shop/Web, got: shop-que" in error
    assert "nor is there a log group of this name" in error
    requests = cloud.asked("DescribeLogGroups")
    assert "nor is there a log group of this name" in run("shop web*", status=2).stderr
    assert cloud.asked("DescribeLogGroups") == requests


def test_a_log_group_that_was_deleted(cloud: Cloud) -> None:
    """One of the archives of the region may have its lines; a name that neither has is an error."""
    shipper = {
        "Type": "AWS::Lambda::Function",
        "Metadata": {"aws:cdk:path": "Shop/Logs/Shipper/Resource"},
        "Properties": {"Handler": "shipper.handler.handler", "Environment": {"Variables": {"ARCHIVE_BUCKET": "b"}}},
    }
    other = shipper | {"Metadata": {"aws:cdk:path": "Shop/Audit/Shipper/Resource"}}
    cloud.aws.answers["GetTemplate"] = {"TemplateBody": {"Resources": {"Shipper": shipper, "Other": other}}}
    made = [stack_resource(each, "AWS::Lambda::Function", each.lower()) for each in ("Other", "Shipper")]
    cloud.aws.answers["ListStackResources"] = {"StackResourceSummaries": made}
    cloud.aws.answers["GetFunctionConfiguration"] = lambda request: {
        "Environment": {"Variables": {"ARCHIVE_BUCKET": request["FunctionName"], "ARCHIVE_FORMAT": "ndjson"}}
    }
    cloud.aws.answers["ListObjectsV2"] = lambda request: cloud.listed(request) if request["Bucket"] != "other" else {}
    cloud.archive((DAY, "a", "main"), group="/gone")

    assert messages("/gone") == ["a"]
    error = run("/shop/wbe", status=2).stderr
    assert "no log group /shop/wbe in us-east-1, and no archive has its lines; got: Shop/Audit, Shop/Logs" in error
    cloud.aws.answers["DescribeStacks"] = {"Stacks": []}
    assert "no archive has its lines; got: no archive" in run("/gone", status=2).stderr


# --- In a terminal ---


class Terminal(io.TextIOWrapper):
    """A standard output or error that a person sees."""

    def __init__(self) -> None:
        self.shown = io.BytesIO()
        super().__init__(self.shown, encoding="utf-8")

    def isatty(self) -> bool:
        """It is a terminal."""
        return True


@pytest.mark.parametrize(
    ("message", "plain", "coloured"),
    [
        ("text", "text", "text"),
        ("\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m"),
        ("\x1b[31mred", "\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m"),
        ("a\x1b[2J\x1b]0;title\x07\x08b\tc", "ab\tc", "ab\tc"),
    ],
)
def test_lines_in_a_terminal(message: str, plain: str, coloured: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The task has a colour, unless NO_COLOR is set; what would move the cursor is removed."""
    event = LogEvent(AT, GROUP, f"web/web/{TASK}", message)
    sources = [LogSource(GROUP, REGION, "web", "web/web/")]
    cleared: list[bool] = []
    for variable, label in (("1", "1dc5c17a"), ("", "\x1b[92m1dc5c17a\x1b[0m")):
        monkeypatch.setenv("NO_COLOR", variable)
        monkeypatch.setattr(sys, "stdout", terminal := Terminal())
        printer = LinePrinter(sources, has_prefix=True, as_json=False, before=lambda: cleared.append(True))
        printer.print([event])
        expected = f"2026-11-29 15:00:00.000 {label}  {plain if variable else coloured}\n"
        assert terminal.shown.getvalue().decode() == expected
    assert cleared == [True, True]


def test_progress(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal shows what is read now."""
    cloud.write(*((number, str(number)) for number in range(550)))
    cloud.archive((40 * DAY, "old"))
    shown: list[str] = []
    monkeypatch.setattr(logs, "_shown", lambda *_: shown.append)

    messages("Web", "--since", "90d")

    assert shown == [
        "counts the objects of /shop/web in the archive",
        "/shop/web in the archive at 2026-10-20 15:00 UTC, 1 objects read",
        "/shop/web at 2026-11-29 14:59:59.949 UTC, 500 lines read",
    ]


def test_progress_without_lines(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """CloudWatch Logs may answer many pages without an event before it finds one."""
    pages: Iterator[dict[str, Any]] = iter([{"events": [], "nextToken": "1"}, {"events": [], "nextToken": "2"}])
    cloud.aws.answers["FilterLogEvents"] = lambda _: next(pages, {"events": []})
    shown: list[str] = []
    monkeypatch.setattr(logs, "_shown", lambda *_: shown.append)

    assert messages("Web", "--since", "1d", "--grep", "rare") == []
    assert shown == [
        "/shop/web is searched in CloudWatch Logs, 1 request, 0 lines read",
        "/shop/web is searched in CloudWatch Logs, 2 requests, 0 lines read",
    ]


def test_progress_is_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    """A log of a CI job gets no progress, and no line of a pipe's reader is mixed with it."""
    shown: list[str] = []
    progress: Any = Mock(show=shown.append)
    printer: Any = Mock(count=0)
    logs._shown(progress, printer)("in a CI job")  # noqa: SLF001 - a terminal of a test
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setattr("fargate_constructs.cli.logs.stat.S_ISFIFO", lambda _: printer.is_pipe)
    for printer.is_pipe, printer.count in ((True, 0), (True, 1), (False, 1)):
        logs._shown(progress, printer)(f"pipe {printer.is_pipe}, {printer.count} lines")  # noqa: SLF001 - the same
    assert shown == ["pipe True, 0 lines", "pipe False, 1 lines"]


@pytest.mark.parametrize(
    ("begin", "end", "expected"),
    [
        (AT - 30_000, AT, [(AT - 30_000, AT)]),
        (AT - 5 * HOUR, AT + 60_000, [
            (AT - 60_000, AT + 60_000),
            (AT - 660_000, AT - 60_000),
            (AT - 2 * HOUR, AT - 660_000),
            (AT - 5 * HOUR, AT - 2 * HOUR),
        ]),
    ],
)  # fmt: skip
def test_the_pieces_of_a_range(begin: int, end: int, expected: list[tuple[int, int]]) -> None:
    """The newest is the shortest, and none is read twice."""
    assert [*pieces(begin, end, AT)] == expected
    long = [*pieces(AT - 4000 * DAY, AT, AT)]
    assert [stop for _, stop in long[1:]] == [start for start, _ in long[:-1]]
    assert (long[0][1], long[-1][0]) == (AT, AT - 4000 * DAY)
    assert all(start % HOUR == 0 for start, _ in long[2:-1])
