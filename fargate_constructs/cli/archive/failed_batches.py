"""The failed batches of an archive: replays them, counts those in quarantine, and reads the events of those that wait.

failure bucket ──> replay function ──> shipper ──> archive
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from fargate_constructs.cli.aws import one_line, paged
from fargate_constructs.cli.events.log_events import LogEvent
from fargate_constructs.logs.lambdas.shipper.envelope import UnreadableBatch, as_event, unpack

if TYPE_CHECKING:
    from boto3 import Session

    from fargate_constructs.cli.deployed.archives import DeployedArchive

# Lambda's prefix, that of Data Firehose in the archive's bucket, and that of batches that cannot be read.
ASYNC_FAILURES, STREAM_FAILURES, QUARANTINE = "aws/lambda/async/", "firehose-failures/", "quarantine/"
# A run of the replay function takes 15 minutes at most.
READ_TIMEOUT = 15 * 60 + 30
# How many failures are read at most, and how large one may be.
MAX_FAILURES, MAX_BYTES = 1000, 128 * 2**20


class Run(NamedTuple):
    """A run of the replay function."""

    replayed: int
    waiting: int
    reasons: list[str]
    """Why batches wait, as far as the end of the function's log has it."""


class Replays:
    """The runs of an archive's replay function."""

    def __init__(self, session: Session, archive: DeployedArchive) -> None:
        from botocore.config import Config  # noqa: PLC0415 - `--help` starts without it

        # A second request would start a second run.
        config = Config(read_timeout=READ_TIMEOUT, retries={"total_max_attempts": 1}, tcp_keepalive=True)
        self._lambda: Any = session.client("lambda", region_name=archive.region, config=config)
        self._s3: Any = session.client("s3", region_name=archive.region)
        self._archive = archive

    def run(self) -> Run:
        """Replay once.

        Raises:
            ValueError: If the function fails.
        """
        from botocore.exceptions import ConnectionClosedError, ReadTimeoutError  # noqa: PLC0415 - as above

        try:
            answer = self._lambda.invoke(FunctionName=self._archive.replay, LogType="Tail")
        except (ConnectionClosedError, ReadTimeoutError) as error:
            # Linux sends the first sign of life after two hours; a NAT gateway forgets the connection after six minutes
            # (https://github.com/boto/botocore/pull/3140).
            raise ValueError(
                f"the connection to Lambda ended before the run of {self._archive.replay}, which goes on for up to 15 "
                "minutes; run the command again after that, from a place without a NAT gateway if it lasts"
            ) from error
        payload = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            kind, message = payload.get("errorType", "an error"), payload.get("errorMessage", "")
            raise ValueError(
                f"the replay function {self._archive.replay} failed with {kind}: {message}; its log says more: "
                f"{self.log_command()}"
            )
        return Run(payload["replayed"], payload["waiting"], _reasons(answer.get("LogResult", "")))

    def log_command(self) -> str:
        """Return the shell command that shows the log of the replay function."""
        settings = self._lambda.get_function_configuration(FunctionName=self._archive.replay)
        log_group = settings.get("LoggingConfig", {}).get("LogGroup", f"/aws/lambda/{self._archive.replay}")
        return f"aws logs tail {log_group} --since 1h --region {self._archive.region}"

    def quarantined(self) -> int:
        """Return how many batches could not be read; 0 if the failure bucket may not be listed."""
        count = 0
        with suppress(self._s3.exceptions.ClientError):
            place = {"Bucket": self._archive.failure_bucket, "Prefix": QUARANTINE}
            count = len([*paged(self._s3, "list_objects_v2", "Contents", **place)])
        return count


def _reasons(log: str) -> list[str]:
    """Return the reasons in the end of a function's log, each once."""
    found = dict[str, None]()
    for line in base64.b64decode(log).decode(errors="replace").splitlines():
        with suppress(ValueError, TypeError, KeyError):
            found[str(json.loads(line)["reason"])] = None
    return [*found]


class WaitingEvents:
    """The events of batches that wait in the failure bucket."""

    def __init__(self, session: Session, archive: DeployedArchive) -> None:
        self._s3: Any = session.client("s3", region_name=archive.region)
        self._archive = archive
        self.batches = 0
        """How many failures there are."""
        self.unread: list[str] = []
        """What could not be read, and why."""

    def read(self) -> Iterator[LogEvent]:
        """Yield the events of all batches that wait."""
        places: list[tuple[dict[str, str], str]] = [({"Bucket": self._archive.failure_bucket}, ASYNC_FAILURES)]
        if self._archive.stream:
            places.append((self._archive.bucket_arguments, STREAM_FAILURES))
        for bucket, prefix in places:
            try:
                yield from self._of_place(bucket, prefix)
            except self._s3.exceptions.ClientError as error:
                self.unread.append(f"s3://{bucket['Bucket']}/{prefix}: {one_line(error)}")

    def _of_place(self, bucket: dict[str, str], prefix: str) -> Iterator[LogEvent]:
        for entry in paged(self._s3, "list_objects_v2", "Contents", **bucket, Prefix=prefix):
            self.batches += 1
            name = f"s3://{bucket['Bucket']}/{entry['Key']}"
            if self.batches > MAX_FAILURES or entry["Size"] > MAX_BYTES:
                self.unread.append(f"{name}: there is too much to read; replay first")
                if self.batches > MAX_FAILURES:
                    return
                continue
            try:
                body = self._s3.get_object(**bucket, Key=entry["Key"])["Body"].read()
            except self._s3.exceptions.NoSuchKey:  # it is replayed
                self.batches -= 1
                continue
            for record in [body] if prefix == ASYNC_FAILURES else body.splitlines():
                try:
                    yield from events_of(record)
                except (UnreadableBatch, ValueError, KeyError, TypeError) as error:
                    self.unread.append(f"{name}: {type(error).__name__}")


def events_of(record: bytes) -> Iterator[LogEvent]:
    """Yield the events of a record: a failed invocation of Lambda, or a failed record of Data Firehose.

    Raises:
        fargate_constructs.logs.lambdas.shipper.envelope.UnreadableBatch: If its data cannot be unpacked.
        ValueError: If it is no JSON, as the next two.
        KeyError: If it lacks something.
        TypeError: If something has another type.
    """
    content = json.loads(record)
    text = unpack(content["requestPayload"] if "requestPayload" in content else as_event(content["rawData"])).text
    lines = text.splitlines()
    if len(lines) == 1 and "logEvents" in (batch := json.loads(text)):
        records = [
            {"logGroup": batch["logGroup"], "logStream": batch["logStream"], **each} for each in batch["logEvents"]
        ]
    else:  # lines that Data Firehose had from the transform function
        records = [json.loads(line) for line in lines]
    for each in records:
        yield LogEvent(each["timestamp"], each["logGroup"], each["logStream"], each["message"], each["id"])
