"""Services of ours with just what those of aws_ecs_patterns have: the same plain shipper instead of a LogArchive.

```
log group ──> Lambda ──> S3
```
"""

from benchmarks.apps import ours, synthesize
from benchmarks.apps.plain_shipper import PlainShipper


class Services(ours.Services):
    """So many services."""

    make_archive = PlainShipper


if __name__ == "__main__":
    synthesize(Services)
