"""The compaction as Lambda runs it, and its archive as a reader sees it."""

import gzip
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest import mock

from types_boto3_s3 import S3Client

from tests.logs import deployed
from tests.logs.deployed import Context, JsonObject, Shipper, delivery, log_event

HOUR = "log_group=%2Fecs%2Fweb/dt=2026-02-28/hour=23/"
DAY = {"first_day": "2026-02-28", "last_day": "2026-02-28"}  # of `log_event`

ENOUGH = Context(900_000)  # the time that a run has left


def load(environment: dict[str, str]) -> Any:  # noqa: ANN401  # a module, of which mypy knows nothing
    """Import the `handler`, with an S3 client for this environment that does not retry, as one that is killed."""
    modules = deployed.load(environment, "compaction")
    modules["archived_hours"].S3 = deployed.client("s3", environment, retries={"total_max_attempts": 1})
    return modules["handler"]


def put(
    s3: S3Client,
    bucket: str,
    prefix: str,
    lines: bytes,
    *,
    first: int = 1_772_323_199_999,
    **options: Any,  # noqa: ANN401 -- boto3's
) -> str:
    """Put an object as the shipper does; return its name."""
    name = f"{first}-{hashlib.sha256(lines).hexdigest()[:32]}.ndjson.gz"
    s3.put_object(Bucket=bucket, Key=prefix + name, Body=zipped(lines), **options)
    return name


def zipped(lines: bytes) -> bytes:
    """Return the body of such an object."""
    return gzip.compress(lines, mtime=0)


class Compaction:
    """The function on the bucket of a shipper."""

    def __init__(self, module: Any, shipper: Shipper) -> None:  # noqa: ANN401  # as `load` returns
        """Take the function's module, and the shipper whose objects it merges."""
        self.module = module
        self.shipper = shipper
        self.bucket = shipper.archive
        self.s3: S3Client = shipper.s3

    @contextmanager
    def environ(self) -> Iterator[None]:
        """Set the function's environment variables for a block."""
        with mock.patch.dict(os.environ, {"ARCHIVE_BUCKET": self.bucket}):
            yield

    def run(self, event: JsonObject | None = None, context: Context | None = None) -> JsonObject:
        """Run the handler as Lambda does; by default for the day of `log_event`, with all of its time left."""
        with self.environ():
            result: JsonObject = self.module.handler(DAY if event is None else event, context or ENOUGH)
        return result

    def run_later(self) -> JsonObject:
        """Run it when the lease of one that was killed is old."""
        with mock.patch.object(self.module.lease, "LASTS", timedelta(seconds=-5)):
            return self.run()

    def ship(self, *ids: str, **changes: Any) -> None:  # noqa: ANN401  # of a log event
        """Let the shipper store a batch of one event for each ID."""
        for each in ids:
            self.shipper.invoke(delivery(log_event(each, **changes)))

    def stored(self) -> list[str]:
        """Every key of the bucket but the lease's."""
        return [key for key in self.shipper.memory.bodies(self.bucket) if key != self.module.lease.KEY]

    def names(self) -> list[str]:
        """The names that a reader looks at: all but the hidden ones."""
        return [name for name in (key.rpartition("/")[2] for key in self.stored()) if not name.startswith("_")]

    def ids(self) -> list[str]:
        """The ID of each line that a reader finds, sorted."""
        visible = [key for key in self.stored() if not key.rpartition("/")[2].startswith("_")]
        bodies = self.shipper.memory.bodies(self.bucket)
        return sorted(json.loads(line)["id"] for key in visible for line in gzip.decompress(bodies[key]).splitlines())
