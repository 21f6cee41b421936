"""The steps of a log line, on recorded answers."""

import gzip
import io
from datetime import timedelta

import pytest

from fargate_constructs.cli.prove.log_steps import archive_a_line, log_a_line, query_the_line
from fargate_constructs.cli.prove.outcomes import DisprovedError
from fargate_constructs.cli.prove.proof_step import Proof
from tests.cli.prove.conftest import (
    ROWS,
    Sequence,
    log_event,
)
from tests.cli.recorded_aws import NOW, RecordedAws

LINE = b'{"message": "proof-1a2b 192.0.2.1"}\n'


def test_a_line_is_logged(proof: Proof, aws: RecordedAws) -> None:
    """It is searched by the token, and its delay is measured."""
    assert log_a_line(proof) == {"lag_seconds": 1.5}
    (request,) = [request for name, request in aws.requests if name == "FilterLogEvents"]
    assert request["filterPattern"] == '"proof-1a2b"'
    aws.answers["FilterLogEvents"] = {"events": []}
    with pytest.raises(DisprovedError, match="no line with proof-1a2b is in /shop/web after 180 s"):
        log_a_line(proof)


def test_a_line_that_the_command_wrote_shows_no_log_driver(proof: Proof, aws: RecordedAws) -> None:
    """It is there if a proof is resumed after the step of the archive, whose report says so again."""
    own = {"events": [log_event("proof-1a2b by prove", "prove/proof-1a2b")]}
    aws.answers["FilterLogEvents"] = own
    with pytest.raises(DisprovedError, match="no line with proof-1a2b is in /shop/web"):
        log_a_line(proof)

    archived(aws)
    assert archive_a_line(proof)["line"] == "written by this command, because no task has logged one"


def archived(aws: RecordedAws) -> None:
    """Let S3 have an object with another line, a list of compaction, and an object with the line."""
    bodies = {"a.ndjson.gz": gzip.compress(b"{}"), "_b.merged.txt": b"a", "c.ndjson.gz": gzip.compress(LINE)}
    stored = [{"Key": key, "LastModified": NOW + timedelta(seconds=4), "Size": 1} for key in bodies]
    aws.answers["ListObjectsV2"] = Sequence({}, {"Contents": stored})
    aws.answers["GetObject"] = lambda request: {"Body": io.BytesIO(bodies[request["Key"]])}


def test_a_line_is_archived(proof: Proof, aws: RecordedAws) -> None:
    """The delay is the time of the object without that of the line."""
    archived(aws)

    assert archive_a_line(proof) == {"key": "c.ndjson.gz", "lag_seconds": 4}
    assert [request["Prefix"] for name, request in aws.requests if name == "ListObjectsV2"] == [
        "log_group=%2Fshop%2Fweb/"
    ] * 2


def test_without_a_task_that_logs_the_command_writes_the_line(proof: Proof, aws: RecordedAws) -> None:
    """The report says so."""
    archived(aws)
    aws.answers |= {"FilterLogEvents": {"events": []}, "CreateLogStream": {}, "PutLogEvents": {}}

    assert archive_a_line(proof)["line"] == "written by this command, because no task has logged one"
    (request,) = [request for name, request in aws.requests if name == "PutLogEvents"]
    assert request["logEvents"][0]["message"] == "proof-1a2b by prove"


def test_a_line_that_is_not_archived(proof: Proof) -> None:
    """It is searched for five minutes."""
    with pytest.raises(DisprovedError, match="the line is not in S3 after 300 s"):
        archive_a_line(proof)


def test_a_query_finds_the_line(proof: Proof, aws: RecordedAws) -> None:
    """The first query comes before the catalog knows the log group."""
    aws.answers["GetQueryResults"] = Sequence({"ResultSet": {"Rows": ROWS[:1]}}, {"ResultSet": {"Rows": ROWS}})
    done = aws.answers["GetQueryExecution"]
    aws.answers["GetQueryExecution"] = Sequence({"QueryExecution": {"Status": {"State": "RUNNING"}}}, done)

    assert query_the_line(proof) == {"found_after_seconds": 21, "rows": 1, "bytes_scanned": 1024}
    request = next(request for name, request in aws.requests if name == "StartQueryExecution")
    assert "log_group = url_encode('/shop/web')" in request["QueryString"]
    assert request["WorkGroup"] == "catalog"


def test_a_query_that_fails(proof: Proof, aws: RecordedAws) -> None:
    """Athena's reason is in the message."""
    status = {"State": "FAILED", "StateChangeReason": "TABLE_NOT_FOUND"}
    aws.answers["GetQueryExecution"] = {"QueryExecution": {"Status": status}}

    with pytest.raises(DisprovedError, match="the query failed: TABLE_NOT_FOUND"):
        query_the_line(proof)
