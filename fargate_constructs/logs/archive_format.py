"""How a batch of log events lies in S3.

```
batch ──> [ArchiveFormat] ──> object
```
"""

from enum import Enum


class ArchiveFormat(Enum):
    """How a batch of log events lies in S3."""

    ndjson = "ndjson"
    """One line of JSON for each event, under the hour (UTC) in which it was written. What Athena and DuckDB read."""

    raw = "raw"
    """The batch as CloudWatch Logs delivered it. The cheapest to store; nothing here reads it back."""
