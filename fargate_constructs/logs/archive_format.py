"""The format of a batch of log events in S3."""

from enum import Enum


class ArchiveFormat(Enum):
    """The format of a batch of log events in S3."""

    ndjson = "ndjson"
    """One line of JSON for each event, under the hour (UTC) of the event. Athena and DuckDB read it."""

    raw = "raw"
    """Each batch unchanged, as one object under `raw/`. The cheapest format. Nothing here reads it, so the archive has
    no catalog and no compaction."""

    @property
    def prefix(self) -> str:
        """The prefix of all keys; the shipper's code has the same."""
        return "raw/log_group=" if self is ArchiveFormat.raw else "log_group="
