"""What a plan says of the whole app: its drawing, what it costs, and what FargateCaveats finds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from fargate_constructs.caveats.fargate_app import FargateApp
from fargate_constructs.caveats.open_findings import open_findings
from fargate_constructs.cli.terminal.output import counted
from fargate_constructs.costs.comparison import Costs, compare_costs
from fargate_constructs.costs.price_list import PriceList
from fargate_constructs.drawing.architecture import diagram_of
from fargate_constructs.drawing.diagram import Diagram
from fargate_constructs.synthesized.stored_sources import read_stored
from fargate_constructs.synthesized.stored_templates import StoredStack

LEVELS = ("error", "warning", "note")


class Caveat(NamedTuple):
    """What a resource does that is a problem on Fargate."""

    rule: str
    level: str
    """`error`, `warning` or `note`."""
    path: str
    why: str
    got: str
    fix: str


class Overview(NamedTuple):
    """The whole app, as it will be."""

    diagram: Diagram
    costs: Costs
    caveats: list[Caveat]

    def counts(self) -> str:
        """Return how many caveats there are, by level."""
        levels = [each.level for each in self.caveats]
        parts = [counted(levels.count(level), level) for level in LEVELS if level in levels]
        return f"FargateCaveats: {', '.join(parts) or 'nothing found'}"

    def has(self, level: str) -> bool:
        """Whether there is a caveat of a level or of a higher one."""
        return any(LEVELS.index(each.level) <= LEVELS.index(level) for each in self.caveats)

    def document(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "costs": self.costs.document(),
            "caveats": [each._asdict() for each in self.caveats],
            "architecture": {
                "cards": [
                    {**node._asdict(), "kind": node.kind.value, "rows": [row._asdict() for row in node.rows]}
                    for node in self.diagram.nodes
                ],
                "links": [link._asdict() for link in self.diagram.links],
            },
        }


def overview(
    new: Sequence[StoredStack], old: Sequence[StoredStack], everything: Sequence[StoredStack], prices: PriceList
) -> Overview:
    """Return drawing, costs and caveats of stacks as they will be; what is in another one counts for the caveats."""
    return Overview(diagram_of(new), compare_costs(old, new, prices), _caveats(new, everything))


def _caveats(new: Sequence[StoredStack], everything: Sequence[StoredStack]) -> list[Caveat]:
    """Return what the rules of FargateCaveats find in templates, without the app and without cdk-nag."""
    app = FargateApp(read_stored(everything))
    found = [each for stack in new for each in open_findings(app, stack.path or stack.name)]
    caveats = [Caveat(each.id, each.rule.level, path, each.rule.why, each.got, each.rule.fix) for path, each in found]
    return sorted(dict.fromkeys(caveats), key=lambda each: (LEVELS.index(each.level), each.path, each.rule))
