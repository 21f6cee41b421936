"""The events that the archive has of a day."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from itertools import count
from typing import Any, NamedTuple

from fargate_constructs.logs.backfill.events import Event
from fargate_constructs.logs.backfill.zipped_objects import UnreadableError, keys, unzipped

MADE_ID = "backfill-"
ATTEMPTS = 5  # retries for a day that compaction changes


class ArchivedDay(NamedTuple):
    """What the archive has of a day."""

    times: Counter[bytes]
    """The number of copies of each event, by its fingerprint."""
    names: set[bytes]
    """Short forms of the events' IDs."""
    backfilled: Counter[bytes]
    """The number of those copies that an earlier run wrote."""

    def numbers(self, fingerprint: bytes) -> Iterator[int]:
        """Return the numbers, among equal events, of those that the archive may lack: after those that were delivered.

        So readers see which is the same as one that is delivered later with its own ID.
        """
        return count(self.times[fingerprint] - self.backfilled[fingerprint] + 1)

    def free_id(self, fingerprint: bytes, numbers: Iterator[int]) -> str:
        """Return an ID that no equal event has: a later one may be there although an earlier one was refused."""
        ids = (f"{MADE_ID}{fingerprint.hex()}-{number}" for number in numbers)
        return next(id_ for id_ in ids if _name_of(fingerprint, id_) not in self.names)


def read_archived_day(s3: Any, bucket: str, prefix: str) -> ArchivedDay:  # noqa: ANN401 - boto3 makes its classes at run time
    """Return the events below a day's prefix, from a time in which compaction changed nothing."""
    found_keys = list(keys(s3, bucket, prefix))
    for _ in range(ATTEMPTS):
        try:
            found = count_events(s3, bucket, found_keys)
        except s3.exceptions.NoSuchKey:  # compacted at this moment
            found = None
        before, found_keys = found_keys, list(keys(s3, bucket, prefix))
        if found is not None and found_keys == before:
            return found
    raise UnreadableError(f"the archive's objects below {prefix} change while they are read: start again")


def count_events(s3: Any, bucket: str, found_keys: list[str]) -> ArchivedDay:  # noqa: ANN401 - the same
    """Return the events in these objects; two events with the same ID count once."""
    found = ArchivedDay(Counter(), set(), Counter())
    for key in found_keys:
        if not key.endswith(".ndjson.gz"):
            continue
        with unzipped(s3, bucket, key) as lines:
            try:
                for record in map(json.loads, lines):
                    fingerprint = Event(record["logStream"], record["timestamp"], record["message"]).fingerprint
                    name = _name_of(fingerprint, record["id"])
                    if name not in found.names:
                        found.times[fingerprint] += 1
                        if str(record["id"]).startswith(MADE_ID):
                            found.backfilled[fingerprint] += 1
                    found.names.add(name)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise UnreadableError(f"the archive's {key} has other lines than the shipper's: {error}") from error
    return found


def _name_of(fingerprint: bytes, id_: object) -> bytes:
    """Return a short form of an event's ID."""
    return hashlib.sha256(fingerprint + json.dumps(id_).encode()).digest()[:16]
