"""Wraps the texts of a card, and returns how large it is and where links meet it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from fargate_constructs.drawing.diagram import Node
from fargate_constructs.drawing.text_width import text_width, wrapped

PADDING = 14
MIN_WIDTH, MAX_WIDTH = 150, 260  # of a card
ICON = 30
LINE = 16
# Of the text of each style, in pixels.
SIZES = {
    "label": 11,
    "title": 14,
    "fact": 12,
    "row": 12,
    "heading": 11,
    "detail": 11,
    "link": 11,
    "column": 11,
    "name": 17,
}
BOLD = ("title", "heading", "name")


class Text(NamedTuple):
    """A line of text: the left end of its baseline."""

    x: float
    y: float
    style: str
    text: str


class Box(NamedTuple):
    """A card, or the ground of a row in one."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.y + self.height


class Card(NamedTuple):
    """A card of the picture."""

    node: Node
    box: Box
    texts: tuple[Text, ...]
    rows: tuple[Box, ...]


class Shape(NamedTuple):
    """A card at the origin, with the height at which links meet it, by the ID of the card or row."""

    card: Card
    ports: Mapping[str, float]


def _texts_of(node: Node) -> Iterator[tuple[str, str, float]]:
    """Yield the texts of a card: the style, the text, and what is beside it."""
    yield "label", node.label, ICON
    yield "title", node.title, ICON
    yield from (("fact", each, 0) for each in node.facts)
    for row in node.rows:
        yield ("heading" if row.is_heading else "row"), row.text, 16
        yield "detail", row.detail, 16


def width_of(node: Node) -> float:
    """Return the width that a card would take without wrapping, within limits."""
    widths = [text_width(text, SIZES[style], is_bold=style in BOLD) + beside for style, text, beside in _texts_of(node)]
    return min(max(MIN_WIDTH, *widths) + 2 * PADDING, MAX_WIDTH)


def shape_of(node: Node, width: float) -> Shape:
    """Return a card of a width, at the origin."""
    inner = width - 2 * PADDING
    texts: list[Text] = []
    rows: list[Box] = []

    def write(style: str, text: str, x: float, y: float, space: float) -> float:
        for line in wrapped(text, SIZES[style], space, is_bold=style in BOLD) if text else []:
            texts.append(Text(x, y + 12, style, line))
            y += LINE
        return y

    y = write("label", node.label, PADDING + ICON, PADDING - 3, inner - ICON)
    y = write("title", node.title, PADDING + ICON, y + 1, inner - ICON) + 3
    ports: dict[str, float] = {node.id: PADDING + LINE}
    y = max(y, float(PADDING + ICON))
    for fact in node.facts:
        y = write("fact", fact, PADDING, y, inner)
    for row in node.rows:
        y += 4
        begin = y
        y = write("heading" if row.is_heading else "row", row.text, PADDING + 8, y + 3, inner - 16)
        y = write("detail", row.detail, PADDING + 8, y, inner - 16) + 4
        ports[row.id] = (begin + y) / 2
        rows.append(Box(PADDING, begin, inner, y - begin))
    height = y + PADDING - 4
    return Shape(Card(node, Box(0, 0, width, height), tuple(texts), tuple(rows)), ports)


def moved(card: Card, x: float, y: float) -> Card:
    """Return a card at another place."""
    return card._replace(
        box=card.box._replace(x=x, y=y),
        texts=tuple(each._replace(x=each.x + x, y=each.y + y) for each in card.texts),
        rows=tuple(each._replace(x=each.x + x, y=each.y + y) for each in card.rows),
    )
