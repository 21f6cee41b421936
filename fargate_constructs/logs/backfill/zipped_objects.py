"""Zipped objects of a bucket, read while they are unzipped."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError


class BackfillError(RuntimeError):
    """The command cannot continue; the message says what to do."""


class UnreadableError(BackfillError):
    """An object or export task of a day cannot be read: the day is left for another run."""


def keys(s3: Any, bucket: str, prefix: str) -> Iterator[str]:  # noqa: ANN401 - boto3 makes its classes at run time
    """Return the key of each object below a prefix."""
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for entry in page.get("Contents", []):
            yield entry["Key"]


@contextmanager
def unzipped(s3: Any, bucket: str, key: str, **conditions: str) -> Iterator[gzip.GzipFile]:  # noqa: ANN401 - the same
    """Unzip an object while it is read; a compacted object may have 128 MB, and ten times that unzipped.

    *conditions* are other arguments of the request, such as ExpectedBucketOwner.
    """
    try:
        yield gzip.GzipFile(fileobj=s3.get_object(Bucket=bucket, Key=key, **conditions)["Body"])
    except (BotoCoreError, ClientError) as error:
        if isinstance(error, s3.exceptions.NoSuchKey):
            raise
        raise UnreadableError(
            f"s3://{bucket}/{key} cannot be read: {error}. If it must be restored first, do so, or leave its day "
            "out with --since and --until"
        ) from error
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableError(f"s3://{bucket}/{key} is not gzip: {error}") from error
