"""Reads the architecture of an app from its templates.

```
Templates ──> tasks, routes, callers, egress, logs, uses ──> [Diagram]
```
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from fargate_constructs.drawing.diagram import Diagram, Kind, Node, Row, joined
from fargate_constructs.drawing.drawn_callers import DrawnCallers
from fargate_constructs.drawing.drawn_egress import PUBLIC, DrawnEgress
from fargate_constructs.drawing.drawn_logs import DrawnLogs
from fargate_constructs.drawing.drawn_routes import GROUP, DrawnRoutes, address_row
from fargate_constructs.drawing.drawn_tasks import DrawnTasks, Tasks
from fargate_constructs.drawing.drawn_triggers import Triggers
from fargate_constructs.drawing.drawn_uses import DrawnUses, security_groups
from fargate_constructs.drawing.names import Names
from fargate_constructs.synthesized.stored_sources import read_stored
from fargate_constructs.synthesized.stored_templates import StoredStack
from fargate_constructs.synthesized.templates import Place, Templates

EIP = "AWS::EC2::EIP"
MAX_NAMED = 4


def diagram_of(stacks: Sequence[StoredStack], title: str = "") -> Diagram:
    """Return the architecture of the stacks of one app, by default with the names of the first ones as its title."""
    templates = read_stored(stacks)
    names = Names(templates, [each.path or each.name for each in stacks])
    triggers = Triggers(templates)
    tasks = DrawnTasks(templates, names, triggers).all
    tasks_in = security_groups(templates, tasks)
    routes = DrawnRoutes(templates, names, _by_target_group(templates, tasks))
    callers = DrawnCallers(templates, names, routes, tasks_in)
    egress = DrawnEgress(templates, names, tasks)
    logs = DrawnLogs(templates, names, tasks)
    uses = DrawnUses(templates, names, tasks, tasks_in, triggers)
    nodes = [*callers.nodes, *routes.nodes, *(each.node for each in tasks), *egress.nodes, *uses.nodes, *logs.nodes]
    nodes += _addresses(templates, names, egress.addresses, nodes)
    links = [*callers.links, *routes.links, *uses.links, *egress.links, *logs.links]
    return joined(nodes, links, title or _title([each.path or each.name for each in stacks]))


def _title(stacks: Sequence[str]) -> str:
    """Return the names of stacks, and how many there are beside the first."""
    more = len(stacks) - MAX_NAMED
    return ", ".join(stacks[:MAX_NAMED]) + (f" and {more} more" if more > 0 else "")


def _by_target_group(templates: Templates, tasks: Iterable[Tasks]) -> dict[Place, list[str]]:
    """Return the cards of the tasks in each target group; a deployment may move tasks to an alternate one."""
    found: dict[Place, list[str]] = {}
    for each in tasks:
        for launcher in each.launchers:
            for place in templates.references(launcher.place.stack, launcher.settings.get("LoadBalancers")):
                if templates.resource(place)["Type"] == GROUP:
                    found.setdefault(place, []).append(each.node.id)
    return found


def _addresses(templates: Templates, names: Names, used: list[Row], nodes: list[Node]) -> Iterator[Node]:
    """Yield the card of the addresses that tasks leave from, and that of Elastic IPs that nothing has."""
    if used:
        title = "Addresses" if PUBLIC in used else "Fixed addresses"
        yield Node("addresses", Kind.ADDRESSES, "What the internet sees", title, rows=tuple(used))
    drawn = {row.id for row in used} | {row.id for node in nodes for row in node.rows}
    spare = [
        address_row(templates, names, place, {"Ref": place.logical_id})
        for place in templates.of_type[EIP]
        if names.id(place) not in drawn
    ]
    if spare:
        yield Node("addresses:spare", Kind.ADDRESSES, "Elastic IPs", "Not in use here", rows=tuple(spare))
