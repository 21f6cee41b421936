"""Writes a diagram as a Mermaid flowchart, which GitHub draws in a pull request."""

from __future__ import annotations

import re
from collections import defaultdict

from fargate_constructs.drawing.diagram import COLUMNS, Diagram, Kind, Node, printable
from fargate_constructs.drawing.svg import COLORS

# What Mermaid or the HTML in its labels may read as its own
# (https://mermaid.js.org/syntax/flowchart.html#entity-codes-to-escape-characters).
SPECIAL = re.compile(r"[^\w\s.,:/+=()?!*-]")


def as_mermaid(diagram: Diagram) -> str:
    """Return a diagram as the text of a Mermaid flowchart."""
    ids = {id_: f"n{index}" for index, node in enumerate(diagram.nodes) for id_ in node.ids()}
    routed = [node for node in diagram.nodes if node.kind in (Kind.ENDPOINT, Kind.FRONT)]
    routes = {row.id: row.text for node in routed for row in node.rows}
    lines = ["flowchart LR"]
    for index, (heading, kinds) in enumerate(COLUMNS):
        nodes = [node for node in diagram.nodes if node.kind in kinds]
        if nodes:
            lines += [f'  subgraph c{index}["{_escape(heading)}"]', "    direction TB"]
            lines += [f"    {_node(node, ids[node.id])}" for node in nodes]
            lines.append("  end")
    labels: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for link in diagram.links:
        # The text of a route says which requests take it.
        texts = (routes.get(link.source, ""), link.label)
        labels[ids[link.source], ids[link.target]] += filter(None, texts)
    for (source, target), found in labels.items():
        label = "<br>".join(map(_escape, dict.fromkeys(found)))
        text = f'|"{label}"|' if label else ""
        lines.append(f"  {source} -->{text} {target}")
    lines += [f"  classDef {kind.value} stroke:{light},stroke-width:2px" for kind, (light, _) in COLORS.items()]
    return "\n".join(lines) + "\n"


def _node(node: Node, id_: str) -> str:
    """Return a card with its rows in one label: a flowchart has no rows."""
    lines = [_escape(node.label), f"<b>{_escape(node.title)}</b>", *map(_escape, node.facts)]
    for row in node.rows:
        text = f"<b>{_escape(row.text)}</b>" if row.is_heading else _escape(row.text)
        lines.append(": ".join(filter(None, (text, _escape(row.detail)))))
    label = "<br>".join(lines)
    return f'{id_}["{label}"]:::{node.kind.value}'


def _escape(text: str) -> str:
    """Return a text that Mermaid shows as it is."""
    return SPECIAL.sub(lambda found: f"#{ord(found[0])};", printable(text))
