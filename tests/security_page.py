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

from fargate_constructs.findings import PACKS
from tests import modes
from tests.modes.made_elsewhere import CALLERS

PAGE = Path("docs/security.md")
HEAD = "| Rules | Why | Where |\n|---|---|---|\n"
# The IDs that modes give the library's constructs.
CLASSES = {
    "Network": "FixedEgressNetwork",
    "Endpoint": "HttpEndpoint",
    "Distribution": "CloudFrontDistribution",
    "LogArchive": "LogArchive",
    "Account": "LogArchive",
    "Catalog": "LogCatalog",
    "Merger": "LogMerger",
    "Exports": "LogExportBucket",
    "Report": "ScheduledTask",
    "Cheap": "ScheduledTask",
    "Repair": "OneOffTask",
    "Migrate": "OneOffTask",
    "ClusterExecLogs": "AuditedCluster",
    **dict.fromkeys(
        ("Web", "Api", "Worker", "Service", "Rolling", "BlueGreen", "Canary", "Linear", "Rpc"), "FargateService"
    ),
}
# What holds them, if not the stack itself.
AROUND = {"Shop", "Blog"}
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


def place_of(path: str) -> tuple[str, str]:
    """Return the class of the library that a resource is a part of, and the resource's path within it."""
    _mode, _stack, *within = path.split("/")
    while within and within[0] in AROUND:
        within.pop(0)
    if not within or within[0] not in CLASSES:
        return "", within[-1] if within else "the stack"
    kind, rest = CLASSES[within[0]], within[1:]
    return (kind, "/".join(rest)) if rest else (kind, "itself")


def lines() -> list[str]:
    """Return the table's lines: one for each reason, in the order of their first rules."""
    rules: dict[str, set[str]] = defaultdict(set)
    places: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for each in acknowledgements():
        rules[each.reason].add(each.rule)
        kind, place = place_of(each.path)
        places[each.reason][kind].add(place)
    rows = [
        (
            ", ".join(f"`{rule}`" for rule in sorted(rules[reason])),
            reason,
            "; ".join(map(_spell, sorted(where.items()))),
        )
        for reason, where in places.items()
    ]
    return [f"| {' | '.join(row)} |" for row in sorted(rows)]


def _spell(where: tuple[str, set[str]]) -> str:
    kind, places = where
    listed = ", ".join(f"`{place}`" for place in sorted(places - {"itself"}))
    return f"`{kind}`: {listed}" if kind and listed else f"`{kind}`" if kind else listed


def written() -> list[str]:
    """Return the lines that the page has now."""
    table = PAGE.read_text().partition(HEAD)[2].partition("\n\n")[0]
    return table.splitlines()


if __name__ == "__main__":
    before, head, rest = PAGE.read_text().partition(HEAD)
    _, gap, after = rest.partition("\n\n")
    PAGE.write_text(before + head + "\n".join(lines()) + gap + after)
