"""The requests of the compaction to the archive's bucket."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

PART_BYTES = 16 * 1024 * 1024  # S3 accepts parts of 5 MiB or more, except the last
DELETED_AT_ONCE = 1_000  # S3's limit
READERS = 16

S3: Any = boto3.client(
    "s3",
    config=Config(
        connect_timeout=5,
        read_timeout=30,
        max_pool_connections=READERS,
        retries={"mode": "standard", "max_attempts": 5},
    ),
)

# It was moved to an archive class (Glacier) or deleted, maybe between list and get
# (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html#API_GetObject_Errors).
NOT_THERE = {"InvalidObjectState", "NoSuchKey"}


class NotThereError(Exception):
    """An object that was deleted, or must be restored first."""


class NotDeletedError(Exception):
    """Objects that S3 refuses to delete."""


def bucket() -> dict[str, str]:
    """Return the archive's bucket, and the account that must own it, as arguments of each request."""
    owner = os.environ.get("ARCHIVE_BUCKET_OWNER")
    return {"Bucket": os.environ["ARCHIVE_BUCKET"], **({"ExpectedBucketOwner": owner} if owner else {})}


def is_versioned() -> bool:
    """Return whether the bucket has versions, so that a delete frees nothing. Locked buckets have versions, too."""
    return bool(S3.get_bucket_versioning(**bucket()).get("Status") == "Enabled")


def uploads() -> Iterator[tuple[str, str]]:
    """Return the key and the ID of each unfinished upload of lines."""
    for page in S3.get_paginator("list_multipart_uploads").paginate(**bucket(), Prefix="log_group="):
        for begun in page.get("Uploads", []):
            yield begun["Key"], begun["UploadId"]


def abort(key: str, upload_id: str) -> None:
    """Abort an upload, which may have ended meanwhile."""
    try:
        S3.abort_multipart_upload(**bucket(), Key=key, UploadId=upload_id)
    except ClientError as error:
        if code_of(error) != "NoSuchUpload":
            raise


def log_groups() -> Iterator[str]:
    """Return the folder of each log group; one request for every thousand."""
    for page in S3.get_paginator("list_objects_v2").paginate(**bucket(), Prefix="log_group=", Delimiter="/"):
        for entry in page.get("CommonPrefixes", []):
            yield entry["Prefix"]


def entries(prefix: str) -> Iterator[dict[str, Any]]:
    """Return S3's entry of each object below a prefix, in the order of their keys."""
    for page in S3.get_paginator("list_objects_v2").paginate(**bucket(), Prefix=prefix):
        yield from page.get("Contents", [])


def read(key: str) -> bytes:
    """Return an object's content."""
    try:
        body: bytes = S3.get_object(**bucket(), Key=key)["Body"].read()
    except ClientError as error:
        if code_of(error) in NOT_THERE:
            raise NotThereError(key) from error
        raise
    return body


def code_of(error: ClientError) -> str:
    """Return S3's code of an error."""
    code: str = error.response["Error"]["Code"]
    return code


def put(key: str, text: str) -> None:
    """Put a text."""
    S3.put_object(**bucket(), Key=key, Body=text.encode(), ContentType="text/plain")


def upload(key: str, bodies: dict[str, bytes]) -> None:
    """Put one object of lines, part by part."""
    where = {**bucket(), "Key": key}
    upload_id = S3.create_multipart_upload(**where, ContentType="application/x-ndjson")["UploadId"]
    parts = [
        {
            "PartNumber": number,
            "ETag": S3.upload_part(**where, UploadId=upload_id, PartNumber=number, Body=part)["ETag"],
        }
        for number, part in enumerate(parts_of(bodies), start=1)
    ]
    S3.complete_multipart_upload(**where, UploadId=upload_id, MultipartUpload={"Parts": parts})


def parts_of(bodies: dict[str, bytes]) -> Iterator[bytes]:
    """Return the joined bodies, divided into parts for S3."""
    part = bytearray()
    for body in bodies.values():
        part += body
        if len(part) >= PART_BYTES:
            yield bytes(part)
            part.clear()
    if part:
        yield bytes(part)


def delete(prefix: str, names: list[str]) -> None:
    """Delete objects, as many at a time as S3 accepts."""
    refused = []
    for start in range(0, len(names), DELETED_AT_ONCE):
        keys = [{"Key": prefix + name} for name in names[start : start + DELETED_AT_ONCE]]
        refused += S3.delete_objects(**bucket(), Delete={"Objects": keys, "Quiet": True}).get("Errors", [])
    if refused:
        raise NotDeletedError(f"S3 keeps {len(refused)} objects: {refused[0]}")
