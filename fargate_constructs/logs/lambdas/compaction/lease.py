"""One run at a time: a lease is an object that only one run can write.

The lease is the object `_merging-lease`. It is free if it is empty or does not exist, and held if it has a content,
which no other run writes. Each write has a condition, which S3 checks in the same step
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html): that there is no object
(If-None-Match), or that it is still the same object (If-Match). Why two runs never hold it at the same time:

- **Both take it.** Both saw the same lease, or none. The first put makes the condition of the other one false.
- **One takes the lease of the other.** It does so only if the lease is older than any run: Lambda kills a run after 15
  minutes, and a lease is respected for 20. The difference is for late requests of the killed run. The age is the time
  in S3's response minus the time of the put, so only S3's clock counts.
- **One gives back a lease that it lost.** It puts an empty object on the condition that its own object is still there.

A run that fails does not give the lease back, because its last request may still be carried out; the lease must expire.
The same is true if the response to its own put was lost. The next run, an hour later, finds the lease expired.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from botocore.exceptions import ClientError

from . import archived_hours

KEY = "_merging-lease"  # readers skip names that begin with `_`
LASTS = timedelta(minutes=20)

# Another run was first, or is writing now, or the lease has changed.
TAKEN = {HTTPStatus.PRECONDITION_FAILED, HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND}


class Busy(Exception):  # noqa: N818 -- not an error: another run does the work
    """Another run holds the lease, or held it when it failed."""


def take() -> str:
    """Take the lease; return the function that gives it back."""
    answer = archived_hours.S3.list_objects_v2(**archived_hours.bucket(), Prefix=KEY)
    condition = {"IfNoneMatch": "*"}
    for seen in answer.get("Contents", []):
        held_until = seen["LastModified"] + LASTS
        if seen["Size"] and time_of(answer) < held_until:
            raise Busy(f"another run has begun and may last until {held_until:%H:%M} UTC")
        condition = {"IfMatch": seen["ETag"]}
    try:
        # A unique content, so that it has a unique ETag.
        etag: str = archived_hours.S3.put_object(
            **archived_hours.bucket(), **condition, Key=KEY, Body=str(uuid.uuid4())
        )["ETag"]
    except ClientError as error:
        raise_unless_taken(error)
        raise Busy("another run has begun at this moment") from None
    return etag


def give_back(etag: str) -> None:
    """Let the next run start immediately."""
    try:
        archived_hours.S3.put_object(**archived_hours.bucket(), Key=KEY, Body=b"", IfMatch=etag)
    except ClientError as error:  # S3 accepted a put, its response was lost, and boto3 tried again
        raise_unless_taken(error)


def raise_unless_taken(error: ClientError) -> None:
    """Raise an error, unless S3 says that the condition is false."""
    if error.response["ResponseMetadata"]["HTTPStatusCode"] not in TAKEN:
        raise error


def time_of(answer: dict[str, Any]) -> datetime:
    """Return the time of S3's response, by its own clock."""
    return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
