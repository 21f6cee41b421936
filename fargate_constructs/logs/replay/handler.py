"""Give the batches that failed to the shipper again, and forget each once it has landed.

```
failure bucket ──> [replay Lambda] ──> shipper Lambda ──> S3
```

The shipper stores a batch under keys made from its content, so a batch that had landed in part, or is replayed twice,
is not stored twice. That is why two replays at once do no harm, and need no reserved concurrency to be kept apart.

A batch that the shipper finds unreadable is put into quarantine by it, and is done with as far as this is concerned:
what lies under `quarantine/` is never looked at.
"""

from __future__ import annotations

import json
import os
import random
import time
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

# What Lambda writes (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html).
ASYNC_FAILURES = "aws/lambda/async/"
# What Data Firehose writes; the construct tells it to.
STREAM_FAILURES = "firehose-failures/"
# Milliseconds. The shipper may take a minute, the read and the deletion of a record a few seconds.
LONGEST_REPLAY = 90_000
# At half a second each, the failures of an hour in which S3 refused a batch a second take 4 minutes.
AT_ONCE = 8

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
    """Where failures lie."""

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


def handler(_event: object, context: Context) -> dict[str, int]:
    """Replay what there is time for.

    Returns:
        How many failures were replayed, and how many still wait.

    Raises:
        botocore.exceptions.BotoCoreError: S3 cannot be reached.
        botocore.exceptions.ClientError: S3 refuses to list the failures.
    """
    failures = [failure for place in places() for failure in stored(place)]
    # In any order: those that always fail, and take their time for it, must not keep the same others waiting for ever.
    random.shuffle(failures)
    with ThreadPoolExecutor(AT_ONCE) as pool:
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
    """Return where failures may lie: Lambda's in the failure bucket, Data Firehose's where it was told to."""
    for name, prefix in ("FAILURE", ASYNC_FAILURES), ("STREAM_FAILURE", STREAM_FAILURES):
        if bucket := os.environ.get(f"{name}_BUCKET"):
            yield Place(bucket, os.environ.get(f"{name}_BUCKET_OWNER"), prefix)


def stored(place: Place) -> Iterator[Failure]:
    """Return the failures that lie in a place."""
    for page in S3.get_paginator("list_objects_v2").paginate(Prefix=place.prefix, **place.bucket()):
        for entry in page.get("Contents", []):
            yield Failure(place, entry["Key"], entry["LastModified"])


def replay(failure: Failure, context: Context, each: Callable[..., Iterator[None]]) -> bool:
    """Give a failure's batches to the shipper; delete it and return True once all of them have landed."""
    if is_late(context):
        return False
    try:
        for _ in each(partial(ship, context=context), records(failure)):
            pass
        S3.delete_object(Key=failure.key, **failure.place.bucket())
    except (NotLandedError, BotoCoreError, ClientError) as error:
        report({"failure": failure.key, "reason": f"{type(error).__name__}: {error}"})
        return False
    return True


def is_late(context: Context) -> bool:
    """Tell whether Lambda might kill the invocation before one more batch has landed."""
    return context.get_remaining_time_in_millis() < LONGEST_REPLAY


def records(failure: Failure) -> list[bytes]:
    """Return what is stored of a failure: Lambda's one record, or each of Data Firehose's lines."""
    body: bytes = S3.get_object(Key=failure.key, **failure.place.bucket())["Body"].read()
    return [body] if failure.place.prefix == ASYNC_FAILURES else body.splitlines()


def ship(record: bytes, context: Context) -> None:
    """Give one batch to the shipper, and wait for it."""
    if is_late(context):
        raise NotLandedError("too little time left for all of it")
    answer = LAMBDA.invoke(FunctionName=os.environ["SHIPPER"], Payload=json.dumps(delivery(record)))
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


def report(line: dict[str, object]) -> None:
    """Write a line of the function's log."""
    print(json.dumps(line))  # noqa: T201 -- standard output is the function's log
