"""One run of the compaction over the hours of some days."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from . import archived_hours, hours

MAX_MERGE_MS = 120_000


class Context(Protocol):
    """The used part of Lambda's context object."""

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until Lambda kills the invocation."""


class OutOfTime(Exception):  # noqa: N818 -- not an error: the next run goes on
    """Too little time is left to join more objects."""


class Run:
    """One run, and its results for the log."""

    def __init__(self, context: Context) -> None:
        """Begin."""
        self._context = context
        self.merged = 0
        self.members = 0
        self.deleted_again = 0
        self.unreadable: list[str] = []
        self.failed: dict[str, str] = {}
        self.finished = True

    def merge_days(self, days: list[date]) -> None:
        """Compact the ended hours of these days, in all log groups."""
        try:
            groups = list(archived_hours.log_groups())
            for day in days:
                for group in groups:
                    self._check_time()
                    with self._going_on(f"{group}dt={day}/"):
                        self._merge_day(f"{group}dt={day}/")
        except OutOfTime:
            self.finished = False

    def _merge_day(self, prefix: str) -> None:
        for hour, objects in hours.of_day(prefix):
            if hours.is_settled(hour) and hour not in self.failed:
                self._check_time()
                with self._going_on(hour):
                    self.merge_hour(hour, objects)

    def abort_uploads(self) -> None:
        """Abort unfinished uploads of earlier runs; an hour in which that fails is left alone."""
        for key, upload_id in archived_hours.uploads():
            folder, _, name = key.rpartition("/")
            if hours.MERGED.fullmatch(name):
                with self._going_on(f"{folder}/"):
                    archived_hours.abort(key, upload_id)

    def merge_hour(self, prefix: str, objects: list[hours.Object]) -> None:
        """Delete members of joined objects, and join the others if there are enough."""
        shipped = [entry for entry in objects if hours.SHIPPED.fullmatch(entry.name)]
        if not shipped:
            return
        try:
            already = hours.merged_members(prefix, {entry.name for entry in objects})
        except archived_hours.NotThereError:
            return  # it is not known whether an object here is in a joined one
        again = [entry.name for entry in shipped if entry.name in already]
        archived_hours.delete(prefix, again)
        self.deleted_again += len(again)
        # Other storage classes are left alone: some objects must be restored before a read, and some classes charge for
        # early deletion.
        small = [entry for entry in shipped if entry.name not in already and entry.storage_class == "STANDARD"]
        for chosen in hours.choices(small):
            self._check_time()
            self.merge(prefix, chosen)

    def merge(self, prefix: str, names: list[str]) -> None:
        """Make one object of the complete ones, and delete those."""
        with ThreadPoolExecutor(archived_hours.READERS) as pool:
            read = zip(names, pool.map(lambda name: self._read(prefix + name), names), strict=True)
            bodies = {name: body for name, body in read if body is not None}
        broken = [name for name, body in bodies.items() if not hours.is_whole(name, body)]
        self.unreadable += [prefix + name for name in broken]
        for name in broken:
            del bodies[name]
        if len(bodies) < hours.MIN_OBJECTS:
            return
        stem = hours.merged_stem(list(bodies))
        archived_hours.put(f"{prefix}_{stem}.txt", "\n".join(bodies))
        archived_hours.upload(f"{prefix}{stem}.ndjson.gz", bodies)
        archived_hours.delete(prefix, list(bodies))
        self.merged += 1
        self.members += len(bodies)

    def _read(self, key: str) -> bytes | None:
        """Return an object's content, or `None` if it cannot be read; the others are still joined."""
        try:
            return archived_hours.read(key)
        except archived_hours.NotThereError:
            return None
        except (BotoCoreError, ClientError) as error:
            self.failed[key] = str(error)
            return None

    @contextmanager
    def _going_on(self, prefix: str) -> Iterator[None]:
        """Note a refused request below a prefix, and continue with the others."""
        try:
            yield
        except (BotoCoreError, ClientError, archived_hours.NotDeletedError) as error:
            self.failed[prefix] = str(error)

    def _check_time(self) -> None:
        """Stop before Lambda does."""
        if self._context.get_remaining_time_in_millis() < MAX_MERGE_MS:
            raise OutOfTime

    def summary(self) -> dict[str, Any]:
        """Return the results."""
        return {
            "merged": self.merged,
            "members": self.members,
            "deletedAgain": self.deleted_again,
            "unreadable": self.unreadable,
            "failed": self.failed,
            "finished": self.finished,
        }
