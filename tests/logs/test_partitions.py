"""What tells the table which log groups there are, on a real S3 and Glue API."""

import os
import uuid
from typing import Any
from unittest import mock

import pytest
from botocore.exceptions import ClientError
from types_boto3_s3 import S3Client

from tests.emulator.emulator import Emulator
from tests.logs.deployed import load


class LogGroups:
    """The function, with a bucket and a table of its own."""

    def __init__(self, aws: Emulator, s3: S3Client) -> None:
        """Make the bucket and the table."""
        self.glue, self.s3 = aws.client("glue"), s3
        self.bucket = self.database = f"logs-{uuid.uuid4()}"
        s3.create_bucket(Bucket=self.bucket)
        self.glue.create_database(DatabaseInput={"Name": self.database})
        self.glue.create_table(
            DatabaseName=self.database,
            TableInput={
                "Name": "lines",
                "Description": "kept",
                "TableType": "EXTERNAL_TABLE",
                "Parameters": {"projection.log_group.values": "-", "other": "kept"},
                "PartitionKeys": [{"Name": "log_group", "Type": "string"}],
                "StorageDescriptor": {"Columns": [{"Name": "id", "Type": "string"}], "Location": "s3://logs/"},
            },
        )
        self.module = load(aws.environment, "partitions")["handler"]

    def run(self) -> Any:  # noqa: ANN401  # the handler's answer
        """Run the handler."""
        environment = {"ARCHIVE_BUCKET": self.bucket, "DATABASE": self.database, "TABLE": "lines"}
        with mock.patch.dict(os.environ, environment):
            return self.module.handler({}, None)

    def table(self) -> Any:  # noqa: ANN401  # Glue's answer
        """The table as Glue has it."""
        return self.glue.get_table(DatabaseName=self.database, Name="lines")["Table"]

    def put(self, key: str) -> None:
        """Put an object."""
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=b"")


@pytest.fixture
def log_groups(aws: Emulator) -> LogGroups:
    """The function with an empty bucket."""
    return LogGroups(aws, aws.client("s3"))


def test_it_learns_and_forgets(log_groups: LogGroups) -> None:
    """The table's list is the bucket's folders, and nothing else of the table changes."""
    for key in ("log_group=%2Fecs%2Fweb/dt=1/a", "log_group=%2Fecs%2Fweb/dt=2/b", "log_group=a.b/dt=1/a", "other/a"):
        log_groups.put(key)
    before = log_groups.table()

    assert log_groups.run() == {"learned": ["%2Fecs%2Fweb", "a.b"], "forgotten": ["-"], "unreadable": []}

    after = log_groups.table()
    assert after["Parameters"] == {"projection.log_group.values": "%2Fecs%2Fweb,a.b", "other": "kept"}
    for name in ("Description", "TableType", "PartitionKeys", "StorageDescriptor"):
        assert after[name] == before[name]
    log_groups.s3.delete_object(Bucket=log_groups.bucket, Key="log_group=a.b/dt=1/a")
    assert log_groups.run() == {"learned": [], "forgotten": ["a.b"], "unreadable": []}


def test_nothing_new_changes_nothing(log_groups: LogGroups) -> None:
    """The table keeps its version."""
    version = log_groups.table()["VersionId"]

    assert log_groups.run() == {"learned": [], "forgotten": [], "unreadable": []}
    assert log_groups.table()["VersionId"] == version


def test_what_athena_could_not_read_is_left_out(log_groups: LogGroups) -> None:
    """A slash in a key that something else wrote, or a comma, would make Athena refuse every query."""
    for name in ("/ecs/web", "a,b", "ü", "%2Fecs%2Fapi"):
        log_groups.put(f"log_group={name}/dt=1/a")

    assert log_groups.run() == {"learned": ["%2Fecs%2Fapi"], "forgotten": ["-"], "unreadable": ["", "a,b", "ü"]}
    assert log_groups.table()["Parameters"]["projection.log_group.values"] == "%2Fecs%2Fapi"


def test_a_change_at_the_same_moment_wins(log_groups: LogGroups, monkeypatch: pytest.MonkeyPatch) -> None:
    """A deployment that changes the table between reading and writing is not undone: this run fails, the next works."""
    log_groups.put("log_group=web/dt=1/a")
    stale = log_groups.table() | {"VersionId": "0"}
    monkeypatch.setattr(log_groups.module.GLUE, "get_table", lambda **_: {"Table": stale})

    with pytest.raises(ClientError, match="modified"):
        log_groups.run()
    monkeypatch.undo()
    assert log_groups.run()["learned"] == ["web"]
