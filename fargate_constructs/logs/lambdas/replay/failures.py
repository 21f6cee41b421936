"""Failures: where they are stored, and how each is sent to the shipper again.

```
failure bucket ──> [failures] ──> shipper Lambda ──> S3
```

The shipper stores a batch under keys made from its content, so a batch that was stored in part, or is replayed twice,
is not stored twice. Two replays at the same time do no harm, so the function needs no reserved concurrency.

Data Firehose puts thousands of batches into one object of up to 128 MB, more than there may be time for in a run. When
some of them are stored, the rest is put back as a new object, and only then is the first deleted. Killed in between,
the function leaves both, and replays the rest twice.

What Data Firehose keeps of a batch is the delivery as it came, or, if it was over the limit of active partitions, the
lines that were prepared of it. The shipper takes both.

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

from .report import report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

# What Lambda writes (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html).
ASYNC_FAILURES = "aws/lambda/async/"
# What Data Firehose writes; the construct tells it to.
STREAM_FAILURES = "firehose-failures/"
# What follows the name of an object of Data Firehose's in that of its rest; no name that it makes has a slash.
REST = "/rest-"
# Milliseconds. The shipper may take a minute; to read and delete a failure, and to put its rest back, a few seconds.
MAX_REPLAY_MS = 90_000
# At half a second each, the failures of an hour in which S3 refused a batch a second take 4 minutes.
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
# Waits for as long as the shipper may take. What it could not take is tried again an hour later, not at once.
LAMBDA = boto3.client("lambda", config=Config(connect_timeout=2, read_timeout=65, retries={"total_max_attempts": 1}))


class NotLandedError(Exception):
    """A failed batch that failed again. The message says why, and quotes nothing of the batch."""


class Place(NamedTuple):
    """A bucket and prefix of failures."""

    name: str
    owner: str | None
    prefix: str

    def bucket(self) -> dict[str, Any]:
        """Return how every request to S3 names the bucket."""
        return {"Bucket": self.name} | ({"ExpectedBucketOwner": self.owner} if self.owner else {})


class Failure(NamedTuple):
    """A stored failure."""

    place: Place
    key: str
    stored_at: datetime


class Context(Protocol):
    """What is used of Lambda's context object."""

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until Lambda kills the invocation."""


def replay_all(context: Context) -> dict[str, int]:
    """Replay what there is time for, and count it; return how many were replayed, and how many still wait."""
    failures = [failure for place in places() for failure in stored(place)]
    # In random order: failures that always fail, and take long, must not keep the same others waiting forever.
    random.shuffle(failures)
    with ThreadPoolExecutor(THREADS) as pool:
        # Lambda's hold one batch each, Data Firehose's thousands.
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
    """Return where failures may be: Lambda's in the failure bucket, Data Firehose's in the archive."""
    yield async_failures()
    if bucket := os.environ.get("STREAM_FAILURE_BUCKET"):
        yield Place(bucket, os.environ.get("STREAM_FAILURE_BUCKET_OWNER"), STREAM_FAILURES)


def async_failures() -> Place:
    """Return where Lambda's failures are."""
    return Place(os.environ["FAILURE_BUCKET"], os.environ["FAILURE_BUCKET_OWNER"], ASYNC_FAILURES)


def stored(place: Place) -> Iterator[Failure]:
    """Return the failures in a place."""
    for page in S3.get_paginator("list_objects_v2").paginate(Prefix=place.prefix, **place.bucket()):
        for entry in page.get("Contents", []):
            yield Failure(place, entry["Key"], entry["LastModified"])


def replay(failure: Failure, context: Context, each: Callable[..., Iterator[str | None]]) -> bool:
    """Send a failure's batches to the shipper, and keep those that were not stored; return True if there are none."""
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
            return  # as old as it is, for the alarm
        rest = f"{failure.key.partition(REST)[0]}{REST}{uuid.uuid4()}"
        S3.put_object(Key=rest, Body=b"\n".join(waiting), **failure.place.bucket())
    S3.delete_object(Key=failure.key, **failure.place.bucket())


def is_late(context: Context) -> bool:
    """Tell whether Lambda might kill the invocation before one more batch is stored."""
    return context.get_remaining_time_in_millis() < MAX_REPLAY_MS


def records(failure: Failure) -> list[bytes]:
    """Return what is stored of a failure: Lambda's one record, or Data Firehose's lines, in any order as well."""
    body: bytes = S3.get_object(Key=failure.key, **failure.place.bucket())["Body"].read()
    if failure.place.prefix == ASYNC_FAILURES:
        return [body]
    lines = body.splitlines()
    random.shuffle(lines)
    return lines


def why_not_landed(record: bytes, context: Context) -> str | None:
    """Ship a batch; return what went wrong, if anything did."""
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
    """Return the subscription event that a failed invocation or a failed record of a stream carried."""
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
    """Return the class of a function's error; its message might quote the batch."""
    match error:
        case {"errorType": str(kind)}:
            return kind
    return "without saying why"  # killed, out of time or memory


def measure(result: dict[str, int], waiting: list[Failure]) -> None:
    """Count, in the shipper's name: CloudWatch makes metrics from the line (embedded metric format)."""
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
