"""The list of acknowledged findings in docs/security.md; `python -m tests.security_page` writes it.

```
modes ──> metadata of their stacks ──> [list] ──> docs/security.md
```
"""

import re
import textwrap
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from fargate_constructs._core.nag_suppressions import PACKS
from fargate_constructs.endpoint.vpc_origin import SHARED_FUNCTION
from tests import modes
from tests.modes.made_elsewhere import CALLERS

PAGE = Path("docs/security.md")
MARK = "<!-- acknowledged -->\n\n"
WIDTH = 100
# The class of a construct by an ID in its path; the innermost such ID counts.
CLASSES = {
    "Network": "FixedEgressNetwork",
    "Endpoint": "HttpEndpoint",
    "Public": "HttpEndpoint",
    "Internal": "HttpEndpoint",
    "Edge": "TcpEndpoint",
    "Distribution": "CloudFrontDistribution",
    "VpcOriginLookUpLogs": "CloudFrontDistribution",
    SHARED_FUNCTION: "CloudFrontDistribution",
    "LogArchive": "LogArchive",
    "Monitoring": "FargateMonitoring",
    "Catalog": "LogCatalog",
    "Merger": "LogCompaction",
    "Exports": "LogExportBucket",
    "Report": "Job",
    "Cheap": "Job",
    "Load": "Job",
    "Lone": "Job",
    "SchedulerRole": "ScheduledTask",
    "DeadLetterQueue": "Job",
    "FailureRule": "Job",
    "Timeout": "RunTimeout",
    "Retries": "RunRetries",
    "Launcher": "RunLauncher",
    "OrderUploads": "RunLauncher",
    "Bills": "RunLauncher",
    "Orders": "QueueWorker",
    "Payments": "QueueWorker",
    "Returns": "QueueWorker",
    "Run": "OneOffTask",
    "RollbackAlarms": "FargateService",
    "AlternateTargetRole": "FargateService",
    "Hooks": "FargateService",
    "Listeners": "FargateService",
    "TaskDefinition": "FargateTask",
    "TaskRole": "FargateTask",
    "ExecutionRole": "FargateTask",
    "ClusterExecLogs": "AuditedCluster",
}
# Numbers and hashes, which readers of the page do not need.
NOISE = re.compile(
    r"(?<=NatInstance)\d|(?<=PublicSubnet)\d|(?<=Address)[0-9a-f]{8}|\w+(?=Alarm$)|(?<=FargateMonitoring/).+"
)
PACK = re.compile("|".join(map(re.escape, (f"{pack}-" for pack in PACKS))))


class Acknowledgement(NamedTuple):
    """One acknowledged finding."""

    rule: str
    """Without the name of its pack, but for AwsSolutions, and without what a finding adds in brackets."""
    path: str
    reason: str


def acknowledgements() -> set[Acknowledgement]:
    """Return what is acknowledged in all modes, without the callers' own acknowledgements."""
    found = set()
    for metadata in modes.metadata().values():
        for path, entries in metadata.items():
            for entry in entries:
                if entry["type"] == "aws:cdk:acknowledged-rules":
                    found |= {
                        Acknowledgement(rule_of(finding.removeprefix("Annotation::")), path.removeprefix("/"), reason)
                        for finding, reason in entry["data"].items()
                        if reason != CALLERS
                    }
    return found


def rule_of(finding: str) -> str:
    """Return the rule of a finding."""
    return PACK.sub("", finding.partition("[")[0])


def place_of(path: str) -> str:
    """Return where a resource is: in which class of the library, and by which path within it."""
    within = path.removesuffix("/Resource").split("/")[2:]
    # A resource without such an ID in its path belongs to a task, which may have any ID.
    heads = [number for number, name in enumerate(within) if name in CLASSES]
    if heads:
        within = [CLASSES[within[heads[-1]]], *within[heads[-1] + 1 :]]
    elif len(within) > 1:
        # A rule of a port that only the deployment knows has the names of both groups.
        within = ["FargateTask", re.sub(r".*(:| )\{IndirectPort\}.*", "{IndirectPort}", within[-1])]
    return f"`{NOISE.sub('…', '/'.join(within))}`" if within else "the stack"


def lines() -> list[str]:
    """Return the list's lines: an item for each reason, in the order of their first rules."""
    rules: dict[str, set[str]] = defaultdict(set)
    places: dict[str, set[str]] = defaultdict(set)
    for each in acknowledgements():
        rules[each.reason].add(f"`{each.rule}`")
        places[each.reason].add(place_of(each.path))
    items = sorted((", ".join(sorted(rules[why])), why, ", ".join(sorted(places[why]))) for why in rules)
    return [line for names, why, where in items for line in _wrapped(f"- {names}: {why} *In* {where}.")]


def _wrapped(item: str) -> list[str]:
    return textwrap.wrap(item, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def written() -> list[str]:
    """Return the lines that the page has now."""
    return PAGE.read_text().partition(MARK)[2].splitlines()


if __name__ == "__main__":
    before, mark, _ = PAGE.read_text().partition(MARK)
    PAGE.write_text("\n".join([before + mark + lines()[0], *lines()[1:]]) + "\n")
