"""What is drawn of every mode: each thing once, and nothing over anything else."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import combinations, pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

from fargate_constructs.drawing.architecture import diagram_of
from fargate_constructs.drawing.cards import SIZES, Box, Text
from fargate_constructs.drawing.diagram import Diagram, Kind
from fargate_constructs.drawing.layout import Picture, laid_out
from fargate_constructs.drawing.mermaid import as_mermaid
from fargate_constructs.drawing.svg import as_svg
from fargate_constructs.drawing.text_width import text_width
from fargate_constructs.synthesized.stored_templates import StoredStack, read_app
from tests import modes

ONCE = {
    "AWS::ECS::Service",
    "AWS::ElasticLoadBalancingV2::LoadBalancer",
    "AWS::ElasticLoadBalancingV2::ListenerRule",
    "AWS::ElasticLoadBalancingV2::Listener",
    "AWS::EC2::EIP",
    "AWS::EC2::NatGateway",
    "AWS::EC2::VPC",
}
BOLD = ("title", "heading", "name")


@cache
def stacks() -> Mapping[str, list[StoredStack]]:
    """Return the stacks of each mode, as they are stored."""
    directory = Path(modes.app().synth().directory)
    return {mode: read_app(directory / f"assembly-{mode}", all_stacks=True) for mode in modes.MODES}


@cache
def drawn(mode: str) -> Diagram:
    """Return the diagram of a mode."""
    return diagram_of(stacks()[mode])


@cache
def picture(mode: str) -> Picture:
    """Return the picture of a mode."""
    return laid_out(drawn(mode))


def resources(mode: str, *types: str) -> Iterator[str]:
    """Yield the path of each resource of some types."""
    for stack in stacks()[mode]:
        for logical_id, resource in stack.tree.template["Resources"].items():
            if resource["Type"] in types:
                yield stack.tree.paths[logical_id]


def test_each_thing_is_drawn_once() -> None:
    """Each service, route, load balancer, VPC, NAT gateway and Elastic IP of the templates is one card or row."""
    for mode in modes.MODES:
        ids = Counter(id_ for node in drawn(mode).nodes for id_ in node.ids())

        assert {path: ids[path] for path in resources(mode, *ONCE)} == dict.fromkeys(resources(mode, *ONCE), 1), mode
        assert [id_ for id_, count in ids.items() if count > 1] == [], mode


def test_each_subscription_is_a_link() -> None:
    """A log group leads once to each thing that gets its lines."""
    for mode in modes.MODES:
        archives = {node.id for node in drawn(mode).nodes if node.kind is Kind.ARCHIVE}
        links = [link for link in drawn(mode).links if link.target in archives]

        assert len(links) == len(list(resources(mode, "AWS::Logs::SubscriptionFilter", "AWS::Logs::AccountPolicy")))


def test_each_route_leads_somewhere() -> None:
    """It has an arrow to tasks, or says what it answers or where it leads."""
    for mode in modes.MODES:
        sources = {link.source for link in drawn(mode).links}
        rows = {row.id: row for node in drawn(mode).nodes for row in node.rows}
        routes = resources(mode, "AWS::ElasticLoadBalancingV2::ListenerRule")

        assert [path for path in routes if path not in sources and not rows[path].detail] == []


def test_nothing_is_over_anything_else() -> None:
    """Cards are apart and in the picture, and each text and row is in its card."""
    for mode in modes.MODES:
        found = picture(mode)
        boxes = [card.box for card in found.cards]
        whole = Box(0, 0, found.width, found.height)

        assert [(a, b) for a, b in combinations(boxes, 2) if _overlap(a, b)] == [], mode
        assert [box for box in boxes if not _contains(whole, box)] == [], mode
        for card in found.cards:
            texts = [_box_of(text) for text in card.texts]
            assert [each for each in (*card.rows, *texts) if not _contains(card.box, each)] == [], card.node.id
            assert [(a, b) for a, b in combinations(texts, 2) if _overlap(a, b)] == [], card.node.id
        labels = [*found.texts, *(curve.label for curve in found.curves if curve.label)]
        assert [text for text in labels if not _contains(whole, _box_of(text))] == [], mode
        assert [text for text in labels for box in boxes if _overlap(box, _box_of(text))] == [], mode


def test_links_are_between_cards() -> None:
    """No card is between the ends of a curve, which stays between their heights."""
    for mode in modes.MODES:
        found = picture(mode)
        for curve in found.curves:
            for start, end in pairwise(curve.points):
                left, right = sorted((start[0], end[0]))
                low, high = sorted((start[1], end[1]))
                way = Box(left + 0.5, low, max(right - left - 1, 0), high - low + 0.5)
                assert [card.node.id for card in found.cards if _overlap(card.box, way)] == [], curve


def test_svg_and_mermaid() -> None:
    """The SVG is XML with a title and a description and asks for nothing; both are the same each time."""
    for mode in modes.MODES:
        diagram = drawn(mode)
        svg = as_svg(diagram)
        root = ET.fromstring(svg)  # noqa: S314 - our own

        assert root.get("role") == "img"
        assert {child.tag.rpartition("}")[2] for child in root} >= {"title", "desc", "style"}
        assert re.findall(r"(?:href|src|url|@import|@font-face|<script)[^a-z]", svg) == []
        again = diagram_of(stacks()[mode])
        assert (as_svg(again), as_mermaid(again)) == (svg, as_mermaid(diagram))


def _box_of(text: Text) -> Box:
    size = SIZES[text.style]
    return Box(text.x, text.y - 0.8 * size, text_width(text.text, size, is_bold=text.style in BOLD), size)


def _overlap(a: Box, b: Box) -> bool:
    return a.x < b.right and b.x < a.right and a.y < b.bottom and b.y < a.bottom


def _contains(outer: Box, inner: Box) -> bool:
    return (
        outer.x <= inner.x and outer.y <= inner.y and inner.right <= outer.right + 0.01 and inner.bottom <= outer.bottom
    )
