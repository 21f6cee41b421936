"""Put objects into the archive, or an unreadable batch into the failure bucket: each once, and in time."""

from __future__ import annotations

import hashlib
import json
import os
from http import HTTPStatus
from typing import TYPE_CHECKING, Literal, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from .envelope import data_of
from .metrics import report_quarantine

if TYPE_CHECKING:
    from types_boto3_s3.type_defs import PutObjectRequestTypeDef

    from .objects import Objects

MAX_PUT_MS = 25_000  # milliseconds: three attempts of 2 s to connect and 5 s to answer, up to 3 s of back-off between

S3 = boto3.client(
    "s3",
    config=Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3}),
)


class NotStoredError(Exception):
    """S3 did not store an object; the next attempt continues there."""


class Context(Protocol):
    """The used part of Lambda's context object."""

    function_name: str

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until Lambda kills the invocation."""


def store(objects: Objects, context: Context) -> None:
    """Put the objects of a batch into the archive."""
    for key, body in objects.bodies.items():
        put_once("ARCHIVE", key, body, content_type=objects.content_type, context=context)


def quarantine(event: object, reason: str, context: Context) -> str:
    """Store an unreadable event unchanged in the failure bucket, count it, and return its key.

    If the same batch comes again, it is not stored again but counted again: the metric counts deliveries.
    """
    data = data_of(event)
    body = json.dumps(event).encode() if data is None else data.encode(errors="surrogatepass")
    key = f"quarantine/{hashlib.sha256(body).hexdigest()}"
    put_once("FAILURE", key, body, content_type="text/plain", metadata={"reason": reason}, context=context)
    report_quarantine(key, reason, context)
    return key


def put_once(
    purpose: Literal["ARCHIVE", "FAILURE"],
    key: str,
    body: bytes,
    *,
    content_type: str,
    context: Context,
    metadata: dict[str, str] | None = None,
) -> None:
    """Put an object into the bucket for *purpose*, unless an earlier delivery of the same batch did.

    Raises:
        NotStoredError: S3 cannot be reached, refuses, or answers 409 because two attempts write at the same time; or
            the time is nearly over. The message has the key and the reason, and no event.
    """
    bucket = os.environ[f"{purpose}_BUCKET"]
    if context.get_remaining_time_in_millis() < MAX_PUT_MS:  # a killed put logs no key
        raise NotStoredError(f"s3://{bucket}/{key}: too little time left")
    # No ContentEncoding: some clients would unzip by themselves and others would not. The key's .gz is for all.
    request: PutObjectRequestTypeDef = {
        "Bucket": bucket,
        "Key": key,
        "Body": body,
        "ContentType": content_type,
        "Metadata": metadata or {},
        "IfNoneMatch": "*",
    }
    if owner := os.environ.get(f"{purpose}_BUCKET_OWNER"):
        request["ExpectedBucketOwner"] = owner
    try:
        S3.put_object(**request)
    except (BotoCoreError, ClientError) as error:
        if status_of(error) != HTTPStatus.PRECONDITION_FAILED:
            raise NotStoredError(f"s3://{bucket}/{key}: {error}") from error


def status_of(error: Exception) -> int | None:
    """Return the HTTP status of S3's error response."""
    match error:
        case ClientError(response={"ResponseMetadata": {"HTTPStatusCode": int(status)}}):
            return status
    return None
