"""The table in docs/security.md of the findings that are accepted; `python -m tests.security_page` writes it again.

```
modes ──> metadata of their stacks ──> [table] ──> docs/security.md
```
"""

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from fargate_constructs._core.nag_suppressions import PACKS
from fargate_constructs.endpoint.cloud_front_distribution import SHARED_FUNCTION
from tests import modes
from tests.modes.made_elsewhere import CALLERS

PAGE = Path("docs/security.md")
HEAD = "| Rules | Why | Where |\n|---|---|---|\n"
# The classes that stand behind the IDs in a path, the innermost that has one.
CLASSES = {
    "Network": "FixedEgressNetwork",
    "Endpoint": "HttpEndpoint",
    "Distribution": "CloudFrontDistribution",
    "VpcOriginLookUpLogs": "CloudFrontDistribution",
    SHARED_FUNCTION: "CloudFrontDistribution",
    "LogArchive": "LogArchive",
    "Catalog": "LogCatalog",
    "Merger": "LogCompaction",
    "Exports": "LogExportBucket",
    "Report": "ScheduledTask",
    "Cheap": "ScheduledTask",
    "SchedulerRole": "ScheduledTask",
    "DeadLetterQueue": "ScheduledTask",
    "FailureRule": "ScheduledTask",
    "Run": "OneOffTask",
    "RollbackAlarms": "FargateService",
    "AlternateTargetRole": "FargateService",
    "TaskDefinition": "FargateTask",
    "TaskRole": "FargateTask",
    "ExecutionRole": "FargateTask",
    "ClusterExecLogs": "AuditedCluster",
}
# Numbers and the like, which a reader of the page needs not.
NOISE = re.compile(r"(?<=NatInstance)\d|(?<=PublicSubnet)\d|(?<=Address)[0-9a-f]{8}|\w+(?=Alarm$)")
PACK = re.compile("|".join(map(re.escape, (f"{pack}-" for pack in PACKS))))


class Acknowledgement(NamedTuple):
    """One finding that is accepted."""

    rule: str
    """Without the name of its pack, but for AwsSolutions, and without what a finding adds in brackets."""
    path: str
    reason: str


def acknowledgements() -> set[Acknowledgement]:
    """Return what is accepted in all modes, but for what their caller has to answer for."""
    found = set()
    for template in modes.template_files().values():
        metadata = template.with_name(template.name.replace(".template.json", ".metadata.json"))
        for path, entries in json.loads(metadata.read_text()).items():
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
    # What has no such ID above it is a task's own and stands right below it; a task may have any ID.
    heads = [number for number, name in enumerate(within) if name in CLASSES]
    if heads:
        within = [CLASSES[within[heads[-1]]], *within[heads[-1] + 1 :]]
    elif len(within) > 1:
        within = ["FargateTask", within[-1]]
    return f"`{NOISE.sub('…', '/'.join(within))}`" if within else "the stack"


def lines() -> list[str]:
    """Return the table's lines: one for each reason, in the order of their first rules."""
    rules: dict[str, set[str]] = defaultdict(set)
    places: dict[str, set[str]] = defaultdict(set)
    for each in acknowledgements():
        rules[each.reason].add(f"`{each.rule}`")
        places[each.reason].add(place_of(each.path))
    rows = [(", ".join(sorted(rules[why])), why, ", ".join(sorted(places[why]))) for why in rules]
    return [f"| {' | '.join(row)} |" for row in sorted(rows)]


def written() -> list[str]:
    """Return the lines that the page has now."""
    table = PAGE.read_text().partition(HEAD)[2].partition("\n\n")[0]
    return table.splitlines()


if __name__ == "__main__":
    before, head, rest = PAGE.read_text().partition(HEAD)
    _, gap, after = rest.partition("\n\n")
    PAGE.write_text(before + head + "\n".join(lines()) + gap + after)
