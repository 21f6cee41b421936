"""Services of ours: one network, one endpoint, one archive for all.

```
caller ──> HttpEndpoint ──> [FargateService] * n ──> FixedEgressNetwork ──> internet
                                  │ stdout
                                  v
                              LogArchive
```
"""

from benchmarks.apps import ours_shipped_plainly, synthesize
from fargate_constructs import LogArchive


class Services(ours_shipped_plainly.Services):
    """As many services as *services*."""

    def make_archive(self, construct_id: str) -> LogArchive:
        """Make the archive of all services."""
        return LogArchive(self, construct_id)


if __name__ == "__main__":
    synthesize(Services)
