"""One run at a time, by an object that only one of them can have written.

```
run ──> [lease: an object, written on a condition] ──> S3 lets one through
```

The lease is the object `_merging-lease`. It is free while it is empty or not there, and held while it has a content,
which no other run ever writes. It is only ever put on a condition, which S3 checks and fulfils as one step
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html): that there is none (If-None-Match), or
that there still is the one that was seen (If-Match). Why no two runs hold it at a time:

- **Both take it.** Both saw the same lease, or none. The put that S3 takes first changes what the other's demands.
- **One takes what the other holds.** It does so only where the lease is older than any run can be: Lambda kills one
  after 15 minutes, a lease is left alone for 20. The rest is for requests of the killed one that are still on their
  way. Its age is the time in S3's answer less the time at which S3 says it was put, so no clock but S3's matters.
- **One gives back what is no longer its own.** It puts an empty object on the condition that its own is still there.

A run that fails does not give it back: what it asked of S3 last may still happen, so its lease has to grow old. So has
one whose holder lost the answer to its own put. The next run, an hour later, finds it old.
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

# Another was first; or is at this moment; or what was seen is gone.
TAKEN = {HTTPStatus.PRECONDITION_FAILED, HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND}


class Busy(Exception):  # noqa: N818 -- not an error: another run does the work
    """Another run holds the lease, or did when it failed."""


def take() -> str:
    """Take the lease; return what gives it back.

    Raises:
        Busy: Another run has it.
    """
    answer = archived_hours.S3.list_objects_v2(**archived_hours.bucket(), Prefix=KEY)
    condition = {"IfNoneMatch": "*"}
    for seen in answer.get("Contents", []):
        held_until = seen["LastModified"] + LASTS
        if seen["Size"] and time_of(answer) < held_until:
            raise Busy(f"another run has begun and may last until {held_until:%H:%M} UTC")
        condition = {"IfMatch": seen["ETag"]}
    try:
        # A content of its own, so that it has an ETag of its own.
        etag: str = archived_hours.S3.put_object(
            **archived_hours.bucket(), **condition, Key=KEY, Body=str(uuid.uuid4())
        )["ETag"]
    except ClientError as error:
        raise_unless_taken(error)
        raise Busy("another run has begun at this moment") from None
    return etag


def give_back(etag: str) -> None:
    """Let the next run begin at once."""
    try:
        archived_hours.S3.put_object(**archived_hours.bucket(), Key=KEY, Body=b"", IfMatch=etag)
    except ClientError as error:  # of a put that S3 took, the answer was lost, and it was tried again
        raise_unless_taken(error)


def raise_unless_taken(error: ClientError) -> None:
    """Raise what is not S3's word that a condition does not hold."""
    if error.response["ResponseMetadata"]["HTTPStatusCode"] not in TAKEN:
        raise error


def time_of(answer: dict[str, Any]) -> datetime:
    """Return when S3 answered, by its own clock."""
    return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
