"""The format of a batch of log events in S3.

```
batch ──> [ArchiveFormat] ──> object
```
"""

from enum import Enum


class ArchiveFormat(Enum):
    """The format of a batch of log events in S3."""

    ndjson = "ndjson"
    """One line of JSON for each event, under the hour (UTC) in which it was written. What Athena and DuckDB read."""

    raw = "raw"
    """The batch as CloudWatch Logs delivered it, one object each, under `raw/`. The cheapest to make. Nothing here
    reads it back, so the archive has no catalog and no compaction."""

    @property
    def prefix(self) -> str:
        """What the keys of all objects begin with; the shipper's code says the same."""
        return "raw/log_group=" if self is ArchiveFormat.raw else "log_group="
