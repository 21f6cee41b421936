"""Services of ours: one network, one endpoint, one archive for all.

```
caller ──> HttpEndpoint ──> [FargateService] * n ──> FixedEgressNetwork ──> the world
                                  │ stdout
                                  v
                              LogArchive
```
"""

from benchmarks.apps import ours_shipped_plainly, synthesize
from fargate_constructs import LogArchive


class Services(ours_shipped_plainly.Services):
    """So many services."""

    def make_archive(self, construct_id: str) -> LogArchive:
        """Make what takes the lines of all."""
        return LogArchive(self, construct_id)


if __name__ == "__main__":
    synthesize(Services)
