"""`fargate-constructs archive backfill`: what it asks, and what it does with what the person answers."""

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fargate_constructs.cli.archive import archive_options
from fargate_constructs.cli.deployed.archives import DeployedArchive
from fargate_constructs.cli.terminal import confirmation
from fargate_constructs.logs.backfill import PREFIX
from tests.cli.recorded_aws import RecordedAws, stack_resource
from tests.cli.runner import runner
from tests.logs.deployed import client, environment_of
from tests.logs.faults import in_process
from tests.logs.memory_logs import Group, MemoryLogs
from tests.logs.memory_s3 import MemoryS3

NOON = datetime(2026, 2, 27, 12, tzinfo=UTC)
RANGE = ("--log-group", "/old", "--since", "2026-02-27", "--until", "2026-03-01")
ARCHIVE = DeployedArchive("Shop/Logs", "us-east-1", bucket="archive", format="ndjson", stack="Shop")

run = runner("archive", "backfill", *RANGE)


class Account:
    """A session: S3, CloudWatch Logs and STS in memory; CloudFormation is recorded."""

    def __init__(self, recorded: RecordedAws, url: str) -> None:
        self.recorded = recorded
        self._clients = {name: client(name, environment_of(url)) for name in ("s3", "logs", "sts")}

    def client(self, name: str, **_: object) -> Any:  # noqa: ANN401 - of boto3
        """Return a client."""
        return self._clients.get(name) or self.recorded.client(name)


@pytest.fixture
def logs() -> MemoryLogs:
    """A log group with two old events."""
    made = MemoryLogs(MemoryS3("archive", "exports"))
    made.groups["/old"] = Group(int((NOON - timedelta(days=7)).timestamp() * 1000))
    made.groups["/old"].streams["web/app/0a1b"] += [(int(NOON.timestamp() * 1000), text) for text in ("one", "two")]
    return made


@pytest.fixture(autouse=True)
def account(logs: MemoryLogs, clients: RecordedAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The command asks an account with a bucket for exports."""
    policy = {"Bucket": {"Ref": "Exports"}, "PolicyDocument": {"Resource": f"arn:aws:s3:::exports/{PREFIX}/*"}}
    resources: dict[str, dict[str, Any]] = {
        "Exports": {"Type": "AWS::S3::Bucket"},
        "Policy": {"Type": "AWS::S3::BucketPolicy", "Properties": policy},
        "OtherPolicy": {"Type": "AWS::S3::BucketPolicy", "Properties": {"Bucket": {"Ref": "Other"}}},
        "Other": {"Type": "AWS::S3::Bucket"},
    }
    clients.answers |= {
        "ListStackResources": {
            "StackResourceSummaries": [
                stack_resource(name, each["Type"], name.lower()) for name, each in resources.items()
            ]
        },
        "GetTemplate": {"TemplateBody": {"Resources": resources}},
    }
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    monkeypatch.setattr(archive_options, "find_archive", lambda *_: ARCHIVE)
    with in_process(logs) as url:
        account = Account(clients, url)
        monkeypatch.setattr("fargate_constructs.cli.options.session_for", lambda *_: account)
        yield


def archived(logs: MemoryLogs) -> list[str]:
    """The archived messages."""
    bodies = logs._memory.bodies("archive").values()  # noqa: SLF001 - the S3 behind
    return sorted(json.loads(line)["message"] for body in bodies for line in gzip.decompress(body).splitlines())


def test_a_backfill(logs: MemoryLogs, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bucket for exports is found; a person confirms; the progress is no part of the output."""
    status, output, errors = run()
    assert (status, output, archived(logs)) == (2, "", [])
    assert "2 export tasks from /old to exports, one after the other, each for minutes. What Shop/Logs" in errors

    monkeypatch.setattr(confirmation, "is_terminal", lambda: True)
    status, output, errors = run(text="y\n")
    assert (status, output) == (0, "2 events in 1 object written, 0 were there\n")
    assert "2026-02-27  exporting\n" in errors
    assert archived(logs) == ["one", "two"]
    assert json.loads(run("--yes", "--json")[1]) == {
        "archive": "Shop/Logs",
        "log_group": "/old",
        "events": 0,
        "there_already": 0,
        "objects": 0,
        "left": [],
    }


def test_a_day_that_is_left(logs: MemoryLogs) -> None:
    """The rest is done, and the status is 1; another run does it."""
    logs.ends = [{"code": "FAILED", "message": "access denied"}]
    status, output, errors = run("--yes")
    assert (status, output) == (1, "0 events in 0 objects written, 0 were there\n")
    assert errors.endswith("left for another run: 2026-02-27  the export task ended as FAILED: access denied\n")
    assert run("--yes", "--export-bucket", "exports")[0] == 0
    assert archived(logs) == ["one", "two"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--since", "2026-03-02"], "must be before --until"),
        (["--log-group", "/not/there"], "there is no log group '/not/there'"),
    ],
)
def test_a_range_that_makes_no_sense(arguments: list[str], message: str) -> None:
    """Nothing is asked, and nothing exported."""
    status, _, errors = run(*arguments)
    assert status == 2
    assert message in errors
    assert "--yes" not in errors


def test_archives_without_what_it_needs(clients: RecordedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stack without a bucket for exports, and raw batches."""
    clients.answers["GetTemplate"] = {"TemplateBody": {"Resources": {name: {} for name in ("Policy", "OtherPolicy")}}}
    assert "the stack of Shop/Logs must have one LogExportBucket, got: 0; write --export-bucket" in run("--yes")[2]
    monkeypatch.setattr(archive_options, "find_archive", lambda *_: ARCHIVE._replace(format="raw"))
    errors = runner("archive", "backfill")("--log-group", "/old", "--yes")[2]
    assert "Shop/Logs stores raw batches, which backfill cannot compare with; write --since" in errors
