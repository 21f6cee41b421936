"""The steps that follow a log line of a task: into CloudWatch Logs, into S3, and to Athena."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from fargate_constructs.cli.aws import Answer, paged
from fargate_constructs.cli.prove.outcomes import DisprovedError
from fargate_constructs.cli.prove.proof_step import MINUTE, Measured, Proof

LOG_SECONDS, ARCHIVE_SECONDS, QUERY_SECONDS = 3 * MINUTE, 5 * MINUTE, 15 * MINUTE


def log_a_line(proof: Proof) -> Measured:
    """A line that a task wrote is in CloudWatch Logs."""
    event = proof.waiting.until(
        lambda: next((each for each in _events(proof) if each["logStreamName"] != _own_stream(proof)), None),
        limit=LOG_SECONDS,
        missing=f"no line with {proof.token} is in {proof.output('LogGroup')}",
    )
    return {"lag_seconds": round((event["ingestionTime"] - event["timestamp"]) / 1000, 1)}


def archive_a_line(proof: Proof) -> Measured:
    """The line is in an object of S3."""
    bucket, group = proof.output("ArchiveBucket"), proof.output("LogGroup")
    measured: Measured = {}
    event = next(_events(proof), None)
    if event is None:
        event = _write_line(proof, group)
    if event["logStreamName"] == _own_stream(proof):  # it shows the archive, not the log driver
        measured["line"] = "written by this command, because no task has logged one"
    at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
    found = proof.waiting.until(
        lambda: _object_with(proof, bucket, group), limit=ARCHIVE_SECONDS, missing="the line is not in S3"
    )
    return {**measured, "key": found["Key"], "lag_seconds": round((found["LastModified"] - at).total_seconds())}


def query_the_line(proof: Proof) -> Measured:
    """Athena finds the line. The catalog learns a new log group within five minutes."""
    group, today = proof.output("LogGroup"), datetime.now(UTC).date()
    days = ", ".join(f"'{today - timedelta(days=each)}'" for each in (1, 0))
    sql = (
        f"SELECT message FROM logs WHERE log_group = url_encode('{group}') AND dt IN ({days}) "  # noqa: S608 - our names
        f"AND message LIKE '%{proof.token}%'"
    )
    started = proof.waiting.now()
    scanned = proof.waiting.until(
        lambda: _rows(proof, sql), limit=QUERY_SECONDS, every=20, missing="Athena does not find the line"
    )
    return {"found_after_seconds": round(proof.waiting.now() - started), **scanned}


def messages_with_token(proof: Proof, *, stream: str) -> list[str] | None:
    """Return the messages in a log stream that have the token; `None` if there is none."""
    return [each["message"].strip() for each in _events(proof) if each["logStreamName"].endswith(stream)] or None


def _events(proof: Proof) -> Iterator[Answer]:
    """Return the events in the log group of the service that have the token."""
    since = int(datetime.fromisoformat(proof.operations.state.started).timestamp() * 1000)
    client, token, group = proof.client("logs"), f'"{proof.token}"', proof.output("LogGroup")
    return paged(client, "filter_log_events", "events", logGroupName=group, filterPattern=token, startTime=since)


def _write_line(proof: Proof, group: str) -> Answer:
    """Write a line into the log group; return it as an event."""
    client, stream = proof.client("logs"), _own_stream(proof)
    event = {"timestamp": int(datetime.now(UTC).timestamp() * 1000), "message": f"{proof.token} by prove"}
    client.create_log_stream(logGroupName=group, logStreamName=stream)
    client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[event])
    return {**event, "logStreamName": stream}


def _own_stream(proof: Proof) -> str:
    """Return the log stream of what this command itself writes."""
    return f"prove/{proof.token}"


def _object_with(proof: Proof, bucket: str, group: str) -> Answer | None:
    """Return the first object of the log group that has the token."""
    client, prefix = proof.client("s3"), f"log_group={quote(group, safe='')}/"
    found: Answer
    for found in paged(client, "list_objects_v2", "Contents", Bucket=bucket, Prefix=prefix):
        body = client.get_object(Bucket=bucket, Key=found["Key"])["Body"].read()
        if found["Key"].endswith(".gz") and proof.token.encode() in gzip.decompress(body):
            return found
    return None


def _rows(proof: Proof, sql: str) -> Measured | None:
    """Run a query; return how many rows it found and bytes it read, or `None` if it found none."""
    client = proof.client("athena")
    query = client.start_query_execution(
        QueryString=sql,
        WorkGroup=proof.output("Workgroup"),
        QueryExecutionContext={"Database": proof.output("Database")},
    )["QueryExecutionId"]

    def ask() -> Answer | None:
        execution: Answer = client.get_query_execution(QueryExecutionId=query)["QueryExecution"]
        return None if execution["Status"]["State"] in ("QUEUED", "RUNNING") else execution

    execution = proof.waiting.until(ask, limit=QUERY_SECONDS, every=1, missing="the query has no end")
    if execution["Status"]["State"] != "SUCCEEDED":
        raise DisprovedError(f"the query failed: {execution['Status'].get('StateChangeReason', 'no reason')}")
    rows = client.get_query_results(QueryExecutionId=query)["ResultSet"]["Rows"][1:]
    scanned = execution.get("Statistics", {}).get("DataScannedInBytes", 0)
    return {"rows": len(rows), "bytes_scanned": scanned} if rows else None
