"""Send failed batches to the shipper again, and delete each one when it is stored.

```
failure bucket ──> [replay Lambda] ──> shipper Lambda ──> S3
```

The shipper stores a batch under keys made from its content, so a batch that was partly stored, or is replayed twice, is
not stored twice. Two replays at the same time do no harm, so the function needs no reserved concurrency.

Data Firehose puts thousands of batches into one object of up to 128 MB, maybe too many for one run. If some of them are
stored, the others are put back as a new object, and then the first object is deleted. If the function is killed in
between, both remain, and the others are replayed twice.

Data Firehose keeps a batch as it was delivered, or, above the limit of active partitions, its prepared lines. The
shipper accepts both.

A batch that the shipper finds unreadable goes into quarantine, and counts as replayed. `quarantine/` is never read
here.
"""

from __future__ import annotations

import json
import os
import random
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import compress
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

# Lambda's prefix (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html).
ASYNC_FAILURES = "aws/lambda/async/"
# Data Firehose's prefix, which the construct sets.
STREAM_FAILURES = "firehose-failures/"
# The separator between the name of Data Firehose's object and that of its rest; Data Firehose's names have no slash.
REST = "/rest-"
# Milliseconds. The shipper may take a minute; reading and deleting a failure, and putting its rest back, takes a few
# seconds.
MAX_REPLAY_MS = 90_000
# With half a second for each, the failures of an hour with one failed batch a second take 4 minutes.
THREADS = 8

METRICS = {
    "Namespace": "FargateConstructs/LogArchive",
    "Dimensions": [["FunctionName"]],
    "Metrics": [
        {"Name": "ReplayedFailures", "Unit": "Count"},
        {"Name": "WaitingFailures", "Unit": "Count"},
        {"Name": "OldestFailureAge", "Unit": "Seconds"},
    ],
}

S3 = boto3.client("s3", config=Config(connect_timeout=2, read_timeout=10, retries={"mode": "standard"}))
# Waits for the maximum time of the shipper. A refused batch is tried again an hour later, not immediately.
LAMBDA = boto3.client("lambda", config=Config(connect_timeout=2, read_timeout=65, retries={"total_max_attempts": 1}))


class NotLandedError(Exception):
    """A failed batch that failed again. The message has the reason, and no content of the batch."""


class Place(NamedTuple):
    """A bucket and prefix of failures."""

    name: str
    owner: str | None
    prefix: str

    def bucket(self) -> dict[str, Any]:
        """Return the bucket's arguments for each request to S3."""
        return {"Bucket": self.name} | ({"ExpectedBucketOwner": self.owner} if self.owner else {})


class Failure(NamedTuple):
    """A stored failure."""

    place: Place
    key: str
    stored_at: datetime


class Context(Protocol):
    """The used part of Lambda's context object."""

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until Lambda kills the invocation."""


def handler(_event: object, context: Context) -> dict[str, int]:
    """Replay as much as time allows, and count it; return how many failures were replayed, and how many still wait.

    Raises:
        botocore.exceptions.BotoCoreError: S3 cannot be reached.
        botocore.exceptions.ClientError: S3 refuses to list the failures.
    """
    failures = [failure for place in places() for failure in stored(place)]
    # In random order, so that slow batches that always fail do not delay the same other batches each time.
    random.shuffle(failures)
    with ThreadPoolExecutor(THREADS) as pool:
        # Lambda's failures have one batch each, Data Firehose's thousands.
        singles = [failure for failure in failures if failure.place.prefix == ASYNC_FAILURES]
        landed = set(compress(singles, pool.map(partial(replay, context=context, each=map), singles)))
        for failure in failures:
            if failure.place.prefix == STREAM_FAILURES and replay(failure, context, pool.map):
                landed.add(failure)
    waiting = [failure for failure in failures if failure not in landed]
    result = {"replayed": len(landed), "waiting": len(waiting)}
    measure(result, waiting)
    return result


def places() -> Iterator[Place]:
    """Return the places of failures: Lambda's in the failure bucket, Data Firehose's in the archive."""
    yield async_failures()
    if bucket := os.environ.get("STREAM_FAILURE_BUCKET"):
        yield Place(bucket, os.environ.get("STREAM_FAILURE_BUCKET_OWNER"), STREAM_FAILURES)


def async_failures() -> Place:
    """Return the place of Lambda's failures."""
    return Place(os.environ["FAILURE_BUCKET"], os.environ["FAILURE_BUCKET_OWNER"], ASYNC_FAILURES)


def stored(place: Place) -> Iterator[Failure]:
    """Return the failures in a place."""
    for page in S3.get_paginator("list_objects_v2").paginate(Prefix=place.prefix, **place.bucket()):
        for entry in page.get("Contents", []):
            yield Failure(place, entry["Key"], entry["LastModified"])


def replay(failure: Failure, context: Context, each: Callable[..., Iterator[str | None]]) -> bool:
    """Send a failure's batches to the shipper, and keep those that were not stored; return whether all were stored."""
    if is_late(context):
        return False
    reasons: list[str | None] = []
    try:
        batches = records(failure)
        reasons += each(partial(why_not_landed, context=context), batches)
        forget_landed(failure, batches, [batch for batch, reason in zip(batches, reasons, strict=True) if reason])
    except (BotoCoreError, ClientError) as error:
        reasons.append(f"{type(error).__name__}: {error}")
    for reason, number in Counter(filter(None, reasons)).items():
        report({"failure": failure.key, "reason": reason, "times": number})
    return not any(reasons)


def forget_landed(failure: Failure, batches: list[bytes], waiting: list[bytes]) -> None:
    """Delete a failure, unless none of its batches was stored; put the rest back before that."""
    if waiting:
        if len(waiting) == len(batches):
            return  # with its own age, for the alarm
        rest = f"{failure.key.partition(REST)[0]}{REST}{uuid.uuid4()}"
        S3.put_object(Key=rest, Body=b"\n".join(waiting), **failure.place.bucket())
    S3.delete_object(Key=failure.key, **failure.place.bucket())


def is_late(context: Context) -> bool:
    """Return whether Lambda might kill the invocation before one more batch is stored."""
    return context.get_remaining_time_in_millis() < MAX_REPLAY_MS


def records(failure: Failure) -> list[bytes]:
    """Return the records of a failure: one of Lambda, or the lines of Data Firehose, in any order."""
    body: bytes = S3.get_object(Key=failure.key, **failure.place.bucket())["Body"].read()
    if failure.place.prefix == ASYNC_FAILURES:
        return [body]
    lines = body.splitlines()
    random.shuffle(lines)
    return lines


def why_not_landed(record: bytes, context: Context) -> str | None:
    """Ship a batch; return the error, if there is one."""
    try:
        ship(record, context)
    except (NotLandedError, BotoCoreError, ClientError) as error:
        return f"{type(error).__name__}: {error}"
    return None


def ship(record: bytes, context: Context) -> None:
    """Send one batch to the shipper, and wait for it."""
    if is_late(context):
        raise NotLandedError("too little time left")
    event = delivery(record)
    if "FAILURE_QUEUE" in os.environ and isinstance(event, dict):
        event = {**event, "replayed": True}  # so that the shipper sends no batch to the queue that is kept here
    answer = LAMBDA.invoke(FunctionName=os.environ["SHIPPER"], Payload=json.dumps(event))
    if "FunctionError" in answer:
        raise NotLandedError(f"the shipper failed: {kind_of(json.loads(answer['Payload'].read()))}")


def delivery(record: bytes) -> object:
    """Return the subscription event of a failed invocation or of a failed record of a stream."""
    try:
        content: object = json.loads(record)
    except ValueError:
        content = None
    match content:
        case {"requestPayload": payload}:
            return payload
        case {"rawData": str(data)}:
            return {"awslogs": {"data": data}}
    raise NotLandedError("neither a failed invocation nor a failed record of a stream")


def kind_of(error: object) -> str:
    """Return the class of a function's error; its message might contain the batch."""
    match error:
        case {"errorType": str(kind)}:
            return kind
    return "without saying why"  # killed, out of time or memory


def measure(result: dict[str, int], waiting: list[Failure]) -> None:
    """Count with the shipper's name: CloudWatch makes metrics from the line (embedded metric format)."""
    now = time.time()
    oldest = max((now - failure.stored_at.timestamp() for failure in waiting), default=0)
    report(
        {
            "_aws": {"Timestamp": int(now * 1000), "CloudWatchMetrics": [METRICS]},
            "FunctionName": os.environ["SHIPPER"],
            "ReplayedFailures": result["replayed"],
            "WaitingFailures": result["waiting"],
            "OldestFailureAge": max(0, int(oldest)),
        }
    )


def report(line: dict[str, object]) -> None:
    """Write a line of the function's log."""
    print(json.dumps(line))  # noqa: T201 -- standard output is the function's log
