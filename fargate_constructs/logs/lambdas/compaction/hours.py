"""The hours of a log group's day, their objects, and the choice of objects to join."""

from __future__ import annotations

import hashlib
import re
import time
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import NamedTuple

from . import archived_hours

TARGET_BYTES = 128 * 1024 * 1024  # of gzip: what Athena reads well; Firehose's largest, too
MIN_OBJECTS = 10  # fewer cost readers less than the merge would
MAX_OBJECTS = 10_000  # a list of 600 KB, and some 30 s to read them
SETTLED_AFTER = timedelta(days=2)

SHIPPED = re.compile(r"(?P<first>-?\d+)-(?P<digest>[0-9a-f]{32})\.ndjson\.gz")
MERGED = re.compile(r"-?\d+-[0-9a-f]{32}\.merged\.ndjson\.gz")
HOUR = re.compile(r".*/dt=(\d{4}-\d\d-\d\d)/hour=(\d\d)/")


class Object(NamedTuple):
    """An entry of S3's list for an object in an hour's folder."""

    name: str
    size: int
    storage_class: str


def now() -> datetime:
    """Return the time."""
    return datetime.fromtimestamp(time.time(), UTC)


def of_day(day: str) -> Iterator[tuple[str, list[Object]]]:
    """Yield the objects of each hour of a log group's day; only one hour's objects are in memory."""
    for prefix, found in groupby(archived_hours.entries(day), key=lambda entry: entry["Key"].rpartition("/")[0] + "/"):
        yield (
            prefix,
            [
                Object(each["Key"].rpartition("/")[2], each["Size"], each.get("StorageClass", "STANDARD"))
                for each in found
            ],
        )


def is_settled(prefix: str) -> bool:
    """Return whether a folder belongs to an hour that ended long enough ago."""
    hour = HOUR.fullmatch(prefix)
    if not hour:
        return False
    begun = datetime.fromisoformat(f"{hour[1]}T{hour[2]}:00:00+00:00")
    return begun + timedelta(hours=1) + SETTLED_AFTER <= now()


def merged_members(prefix: str, names: set[str]) -> set[str]:
    """Return the names of the members of all joined objects that exist."""
    lists = [f"_{name.removesuffix('.ndjson.gz')}.txt" for name in names if MERGED.fullmatch(name)]
    return {name for each in lists if each in names for name in archived_hours.read(prefix + each).decode().split("\n")}


def choices(objects: list[Object]) -> Iterator[list[str]]:
    """Return the groups of objects to join, in the order of their names, which is the order of time."""
    chosen: list[str] = []
    size = 0
    for entry in sorted(objects):
        if chosen and (size + entry.size > TARGET_BYTES or len(chosen) == MAX_OBJECTS):
            if len(chosen) >= MIN_OBJECTS:
                yield chosen
            chosen, size = [], 0
        chosen.append(entry.name)
        size += entry.size
    if len(chosen) >= MIN_OBJECTS:
        yield chosen


def merged_stem(names: list[str]) -> str:
    """Return the name of the joined object: the same members make the same object with the same key."""
    digest = hashlib.sha256("\n".join(names).encode()).hexdigest()[:32]
    return f"{names[0].rpartition('-')[0]}-{digest}.merged"


def is_whole(name: str, body: bytes) -> bool:
    """Return whether an object is one gzip member whose lines have the SHA-256 in its name; unzips 1 MiB at a time."""
    shipped = SHIPPED.fullmatch(name)
    gunzip, digest = zlib.decompressobj(zlib.MAX_WBITS | 16), hashlib.sha256()  # 16 asks for a gzip header
    try:
        while body and not gunzip.eof:
            digest.update(gunzip.decompress(body, 1024 * 1024))
            body = gunzip.unconsumed_tail
    except zlib.error:
        return False
    whole = gunzip.eof and not gunzip.unused_data
    return whole and shipped is not None and digest.hexdigest().startswith(shipped["digest"])
