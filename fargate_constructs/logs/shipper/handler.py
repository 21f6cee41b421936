"""Write each batch of a log group's events to S3, once, under the hours in which they happened.

```
log group ──> subscription ──> [shipper Lambda] ──> S3 ──> Athena
```

Every event is one line of NDJSON, in one object per batch and UTC hour of event time:

    log_group=%2Fecs%2Fweb/dt=2026-02-28/hour=23/1772323199999-<half the SHA-256 of the lines>.ndjson.gz
    {"logGroup":"/ecs/web","logStream":"web/1","owner":"111122223333","id":"…","timestamp":1772323199999,"message":"…"}

Delivery is at least once, so key and lines depend on the batch alone and no object is written twice. A batch ends as

- archived: all of its objects are in the archive bucket;
- quarantined: it can never be read, and lies in the failure bucket as it came;
- an exception: S3 did not take it. Lambda tries again and at last hands it to the function's failure destination.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import math
import os
import re
import time
import zlib
from collections import defaultdict
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol
from urllib.parse import quote

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from types_boto3_s3.type_defs import PutObjectRequestTypeDef

MAX_BATCH_BYTES = 64 * 1024 * 1024  # ten thousand log lines are about 4 MB, but 1 MB of gzip can be a bomb of 1 GB
MAX_KEY_BYTES = 1024  # S3's limit
HOUR = 3_600_000  # in milliseconds, as every timestamp here
YEAR_10000 = 253_402_300_800_000  # which datetime does not know
LONGEST_PUT = 25_000  # milliseconds: three attempts of 2 s to connect and 5 s to answer, up to 3 s of back-off between

# What an envelope tells about its delivery, not about its events. Left out: so a batch that comes by a second filter
# makes the same lines and is stored once.
DELIVERY_KEYS = frozenset({"messageType", "subscriptionFilters", "policyLevel", "logEvents"})

# What UTF-8 cannot hold (lone surrogates), and the line ends that JSON leaves as they are but some readers split at.
UNSAFE_IN_A_LINE = re.compile("[\ud800-\udfff\x85\u2028\u2029]")

QUARANTINE_METRIC = {
    "Namespace": "FargateConstructs/LogArchive",
    "Dimensions": [["FunctionName"]],
    "Metrics": [{"Name": "QuarantinedBatches", "Unit": "Count"}],
}

S3 = boto3.client(
    "s3",
    config=Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3}),
)

JsonObject = dict[str, Any]


class UnreadableBatch(Exception):  # noqa: N818 -- not an error of the function: the batch is at fault
    """A batch that no retry can read. The message says why, in ASCII, and quotes nothing of the batch."""


class Batch(NamedTuple):
    """Log events of one stream, and what each of their lines repeats."""

    envelope: JsonObject
    events: list[JsonObject]


class Context(Protocol):
    """What is used of Lambda's context object."""

    function_name: str

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until Lambda kills the invocation."""


def handler(event: object, context: Context) -> dict[str, object]:
    """Archive the batch in a subscription event, or quarantine it if it is unreadable.

    Returns:
        `{"archived": [key, ...]}` or `{"quarantined": key}`, for a person who invokes the function by hand.

    Raises:
        TimeoutError: The time is nearly up. The next attempt finds what this one stored.
        botocore.exceptions.BotoCoreError: S3 cannot be reached.
        botocore.exceptions.ClientError: S3 refuses, or answers 409 because two attempts write at the same moment.
    """
    try:
        objects = archive_objects(read_batch(event))
    except UnreadableBatch as unreadable:
        return {"quarantined": quarantine(event, str(unreadable), context)}
    for key, body in objects.items():
        put_once("ARCHIVE", key, body, content_type="application/x-ndjson", metadata={}, context=context)
    return {"archived": list(objects)}


def read_batch(event: object) -> Batch:
    """Return the batch in a subscription event, without events if there is nothing to archive."""
    payload: Any = parse(unpack(event))
    match payload:
        case {"messageType": "CONTROL_MESSAGE"}:  # CloudWatch Logs asks whether the function can be reached
            return Batch({}, [])
        case {
            "messageType": "DATA_MESSAGE",
            "logGroup": str(group),
            "logStream": str(stream),
            "owner": str(owner),
            "logEvents": list(events),
        } if all(map(is_log_event, events)):
            if group == os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME"):
                return Batch({}, [])  # and no line about it: the function would feed itself for ever
            shared = {key: value for key, value in payload.items() if key not in DELIVERY_KEYS}
            return Batch({"logGroup": group, "logStream": stream, "owner": owner, **shared}, events)
    raise UnreadableBatch("neither a control message nor a batch of log events")


def delivered_data(event: object) -> str | None:
    """Return the text under `awslogs.data`, or None if there is none."""
    match event:
        case {"awslogs": {"data": str(data)}}:
            return data
    return None


def unpack(event: object) -> bytes:
    """Return what is packed in a subscription event: base64 around one gzip member, whole and nothing else."""
    data = delivered_data(event)
    if data is None:
        raise UnreadableBatch("no text under awslogs.data")
    gunzip = zlib.decompressobj(zlib.MAX_WBITS | 16)  # 16 asks for a gzip header
    try:
        unpacked = gunzip.decompress(base64.b64decode(data, validate=True), MAX_BATCH_BYTES)
    except ValueError:  # binascii.Error, too, is one
        raise UnreadableBatch("not base64") from None
    except zlib.error:
        raise UnreadableBatch("not gzip") from None
    # Neither a gzip cut short, nor one that goes on past the limit, nor bytes after its end raise: only these tell.
    if not gunzip.eof or gunzip.unused_data:
        raise UnreadableBatch("not one whole gzip member below the size limit")
    return unpacked


def parse(text: bytes) -> object:
    """Return the value of a JSON text, strictly: nothing that only Python takes for JSON or that it would lose."""
    try:
        # Decoded first: given bytes, json.loads guesses among encodings and lets invalid UTF-8 pass.
        return json.loads(text.decode(), object_pairs_hook=unique_keys, parse_float=finite, parse_constant=finite)
    except (ValueError, RecursionError):  # ValueError: no UTF-8, no JSON, or an integer of more than 4300 digits
        raise UnreadableBatch("not JSON in UTF-8") from None


def unique_keys(pairs: list[tuple[str, Any]]) -> JsonObject:
    """Return a JSON object's members; of two with one key, a dict would keep only the last."""
    members = dict(pairs)
    if len(members) < len(pairs):
        raise UnreadableBatch("a key twice in one JSON object")
    return members


def finite(literal: str) -> float:
    """Return a number that JSON can hold again: neither NaN nor Infinity, which 1e999 becomes."""
    number = float(literal)
    if not math.isfinite(number):
        raise UnreadableBatch("a number that is not finite")
    return number


def is_log_event(value: object) -> bool:
    """Tell whether a JSON value has the three keys of a log event; it may have more."""
    match value:
        case {"id": str(), "timestamp": int(timestamp), "message": str()}:
            return not isinstance(timestamp, bool)
    return False


def archive_objects(batch: Batch) -> dict[str, bytes]:
    """Return the events as one object per hour, by key; all before S3 gets the first: a bad batch leaves none."""
    hours = defaultdict[int, list[JsonObject]](list)
    for event in batch.events:
        hours[hour_of(event["timestamp"])].append(event)
    return dict(archive_object(batch.envelope, hour, events) for hour, events in hours.items())


def hour_of(timestamp: int) -> int:
    """Return the hours since 1970; 0, a partition that needs no clock, for a timestamp before it or after 9999."""
    return timestamp // HOUR if 0 <= timestamp < YEAR_10000 else 0


def archive_object(envelope: JsonObject, hour: int, events: list[JsonObject]) -> tuple[str, bytes]:
    """Return a key made of one hour's events, and the object they make, in the batch's order."""
    # Where an event has a key of the envelope's, the event's value stays: it is the more specific.
    lines = b"".join(line({**envelope, **event}) for event in events)
    group = quote(envelope["logGroup"], safe="", errors="surrogatepass")
    partition = f"{datetime.fromtimestamp(hour * 3600, UTC):dt=%Y-%m-%d/hour=%H}"
    digest = hashlib.sha256(lines).hexdigest()[:32]
    key = f"log_group={group}/{partition}/{events[0]['timestamp']}-{digest}.ndjson.gz"
    if len(key) > MAX_KEY_BYTES:
        raise UnreadableBatch("a log group or timestamp too long for an S3 key")
    # Level 6: lines that are kept for months take 18 % less room than at level 3, for about 50 ms of CPU a batch.
    return key, gzip.compress(lines, compresslevel=6, mtime=0)


def line(record: JsonObject) -> bytes:
    """Return compact JSON in UTF-8 and a line end; with ASCII escapes, which mean the same, where UTF-8 is unsafe."""
    try:
        text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
        if not text.isascii() and UNSAFE_IN_A_LINE.search(text):
            text = json.dumps(record, separators=(",", ":"))
    except RecursionError:  # parsing may go a level deeper than writing
        raise UnreadableBatch("nested too deeply") from None
    return text.encode() + b"\n"


def quarantine(event: object, reason: str, context: Context) -> str:
    """Store what was delivered in the failure bucket, count it, and return its key.

    The same batch again is stored once and counted again: the metric counts deliveries.
    """
    data = delivered_data(event)
    body = json.dumps(event).encode() if data is None else data.encode(errors="surrogatepass")
    key = f"quarantine/{hashlib.sha256(body).hexdigest()}"
    put_once("FAILURE", key, body, content_type="text/plain", metadata={"reason": reason}, context=context)
    # CloudWatch makes the metric from this line (embedded metric format): no call that could fail.
    count = {
        "_aws": {"Timestamp": time.time_ns() // 1_000_000, "CloudWatchMetrics": [QUARANTINE_METRIC]},
        "FunctionName": context.function_name,
        "QuarantinedBatches": 1,
        "reason": reason,
        "key": key,
    }
    print(json.dumps(count))  # noqa: T201 -- standard output is the function's log
    return key


def put_once(
    purpose: Literal["ARCHIVE", "FAILURE"],
    key: str,
    body: bytes,
    *,
    content_type: str,
    metadata: dict[str, str],
    context: Context,
) -> None:
    """Put an object into the bucket for *purpose*, unless an earlier delivery of the same batch did."""
    if context.get_remaining_time_in_millis() < LONGEST_PUT:  # killed within the put, Lambda would not say where
        raise TimeoutError(f"too little time left to put {key}: the next attempt goes on from here")
    # No ContentEncoding: clients that know it unzip on their own, others do not; the key's .gz is for all.
    request: PutObjectRequestTypeDef = {
        "Bucket": os.environ[f"{purpose}_BUCKET"],
        "Key": key,
        "Body": body,
        "ContentType": content_type,
        "Metadata": metadata,
        "IfNoneMatch": "*",
    }
    if owner := os.environ.get(f"{purpose}_BUCKET_OWNER"):
        request["ExpectedBucketOwner"] = owner
    try:
        S3.put_object(**request)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != HTTPStatus.PRECONDITION_FAILED:
            raise
