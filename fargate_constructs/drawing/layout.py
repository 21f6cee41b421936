"""Places the cards of a diagram in columns, and the links in the gutters between them.

```
Diagram ──> columns ──> [Picture: boxes, texts, curves]
```

A link that skips a column passes it in a gap between two cards. So no curve crosses a text.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from fargate_constructs.drawing.cards import LINE, MAX_WIDTH, SIZES, Box, Card, Shape, Text, moved, shape_of, width_of
from fargate_constructs.drawing.diagram import COLUMNS, Diagram, Kind, Link, Node
from fargate_constructs.drawing.text_width import text_width, wrapped

MARGIN, GAP = 28, 20
GUTTER = 72
HEADING, TITLE_SPACE, NAME_LINE = 30, 40, 22
# Where links may meet the right edge of a card: not nearer to its corners.
EDGE = 14
# Cards whose rows have no order of their own.
UNORDERED = (Kind.LOGS, Kind.ADDRESSES)
# How far a short column begins below the top at most: on a phone, the first column is in sight.
MAX_DROP = 180
# The gap that a link takes which skips a column.
LANE = 10


class Curve(NamedTuple):
    """A link of the picture: points, from each of which a curve leads to the next, and a label."""

    link: Link
    kind: Kind
    """What it leads to, for its colour."""
    points: tuple[tuple[float, float], ...]
    is_within_column: bool = False
    label: Text | None = None


class Picture(NamedTuple):
    """A diagram with coordinates."""

    width: float
    height: float
    texts: tuple[Text, ...]
    cards: tuple[Card, ...]
    curves: tuple[Curve, ...]


class _Placed(NamedTuple):
    """What is in a column at a height: a card, or the lane of a link that skips the column."""

    id: str
    shape: Shape | None
    height: float


def laid_out(diagram: Diagram) -> Picture:
    """Return a diagram with coordinates."""
    return _Layout(diagram).picture()


class _Layout:
    def __init__(self, diagram: Diagram) -> None:
        self._diagram = diagram
        used = [index for index, (_, kinds) in enumerate(COLUMNS) if any(each.kind in kinds for each in diagram.nodes)]
        self._columns = [
            [node for kind in COLUMNS[index][1] for node in diagram.nodes if node.kind is kind] for index in used
        ]
        self._headings = [COLUMNS[index][0] for index in used]
        self._column_of = {
            id_: column for column, nodes in enumerate(self._columns) for node in nodes for id_ in node.ids()
        }
        self._node_of = {id_: node for node in diagram.nodes for id_ in node.ids()}
        # From left to right, so that each link has one way to be drawn; its arrow may be at the left.
        self._links = [(link, *self._ends(link)) for link in diagram.links]
        self._y: dict[str, float] = {}
        self._boxes: dict[str, Box] = {}

    def _ends(self, link: Link) -> tuple[str, str]:
        is_backward = self._column_of[link.source] > self._column_of[link.target]
        return (link.target, link.source) if is_backward else (link.source, link.target)

    def picture(self) -> Picture:
        """Return the picture."""
        widths = [max((width_of(node) for node in nodes), default=0) for nodes in self._columns]
        gutters = [self._gutter(column) for column in range(len(widths))]
        lefts = [MARGIN + sum(widths[:column]) + sum(gutters[:column]) for column in range(len(widths))]
        # Where a lane is depends on where the link ends, which is known after the first time.
        for _ in range(2):
            placed = [self._place(column, width) for column, width in enumerate(widths)]
        heights = [sum(each.height for each in column) + GAP * (len(column) - 1) for column in placed]
        right = lefts[-1] + widths[-1] + gutters[-1] if widths else MARGIN + MAX_WIDTH
        name = wrapped(self._diagram.title, SIZES["name"], right - MARGIN, is_bold=True)
        top = MARGIN + TITLE_SPACE + NAME_LINE * (len(name) - 1) + HEADING
        tallest = max(heights, default=0)
        cards: list[Card] = []
        for column, height, left, width in zip(placed, heights, lefts, widths, strict=True):
            cards += self._settle(column, top + min((tallest - height) / 2, MAX_DROP), left, width)
        leaving = self._leaving()
        curves = tuple(self._curve(link, (start, end), leaving, lefts, widths) for link, start, end in self._links)
        texts = [Text(MARGIN, MARGIN + 16 + NAME_LINE * index, "name", line) for index, line in enumerate(name)]
        texts += [Text(left, top - 14, "column", heading) for left, heading in zip(lefts, self._headings, strict=True)]
        return Picture(right + MARGIN, top + tallest + MARGIN, tuple(texts), tuple(cards), curves)

    def _gutter(self, column: int) -> float:
        """Return the space at the right of a column: for links, and for the labels of those that leave it."""
        labels = [
            text_width(link.label, SIZES["link"]) + 56
            for link, start, _ in self._links
            if link.label and self._column_of[start] == column
        ]
        is_last = column == len(self._columns) - 1
        return max([0 if is_last else GUTTER, *labels])

    def _place(self, column: int, width: float) -> list[_Placed]:
        """Order the cards of a column by what leads to them, with lanes for the links that skip it."""
        incoming: defaultdict[str, list[float]] = defaultdict(list)
        for _, start, end in self._links:
            if self._column_of[end] == column > self._column_of[start]:
                for id_ in {end, self._node_of[end].id}:
                    incoming[id_].append(self._y[start])
        nodes = [_with_sorted_rows(node, incoming) for node in self._columns[column]]
        shapes = [(node, shape_of(node, width)) for node in nodes]
        order = {node.id: index for index, node in enumerate(self._columns[column])}
        kinds = {node.kind: index for index, node in enumerate(self._columns[column])}

        def rank(entry: tuple[Node, Shape]) -> tuple[int, float, int]:
            found = incoming[entry[0].id]
            return kinds[entry[0].kind], (sum(found) / len(found) if found else 1e9), order[entry[0].id]

        placed = [_Placed(node.id, shape, shape.card.box.height) for node, shape in sorted(shapes, key=rank)]
        lanes = sorted(
            (self._y.get(end, 0), _Placed(_lane(link, column), None, LANE))
            for link, start, end in self._links
            if self._column_of[start] < column < self._column_of[end]
        )
        above, below = ([each for y, each in lanes if (y < 0) is is_above] for is_above in (True, False))
        placed = [*above, *placed, *below]
        y = -sum(each.height + GAP for each in placed) / 2
        for each in placed:
            for id_, port in (each.shape.ports if each.shape else {each.id: LANE / 2}).items():
                self._y[id_] = y + port
            y += each.height + GAP
        return placed

    def _settle(self, placed: Sequence[_Placed], y: float, left: float, width: float) -> Iterator[Card]:
        """Yield the cards of a column at their places."""
        for each in placed:
            if each.shape is None:
                self._boxes[each.id] = Box(left, y, width, LANE)
                self._y[each.id] = y + LANE / 2
            else:
                for id_, port in each.shape.ports.items():
                    self._y[id_] = y + port
                    self._boxes[id_] = Box(left, y, width, each.height)
                yield moved(each.shape.card, left, y)
            y += each.height + GAP

    def _leaving(self) -> dict[tuple[Link, str], float]:
        """Return the height at which each link meets the right edge of a card, so that those of a card are apart."""
        meeting: defaultdict[str, list[tuple[float, Link]]] = defaultdict(list)
        for link, start, end in self._links:
            meeting[start].append((self._y[end], link))
            if self._column_of[start] == self._column_of[end]:
                meeting[end].append((self._y[start], link))
        heights: dict[tuple[Link, str], float] = {}
        for id_, links in meeting.items():
            if self._node_of[id_].id != id_:  # a row
                heights |= {(link, id_): self._y[id_] for _, link in links}
                continue
            box = self._boxes[id_]
            step = min(LINE, (box.height - 2 * EDGE) / max(len(links) - 1, 1))
            first = min(self._y[id_], box.bottom - EDGE - step * (len(links) - 1))
            for index, (_, link) in enumerate(sorted(links)):
                heights[link, id_] = first + step * index
        return heights

    def _curve(
        self,
        link: Link,
        ends: tuple[str, str],
        leaving: Mapping[tuple[Link, str], float],
        lefts: Sequence[float],
        widths: Sequence[float],
    ) -> Curve:
        start, end = ends
        first, last = self._column_of[start], self._column_of[end]
        is_same = first == last
        points = [(lefts[first] + widths[first], leaving[link, start])]
        for column in range(first + 1, last):
            y = self._y[_lane(link, column)]
            points += [(lefts[column], y), (lefts[column] + widths[column], y)]
        end_y = leaving[link, end] if is_same else self._y[end]
        points.append((lefts[last] + (widths[last] if is_same else 0), end_y))
        if (start, end) != (link.source, link.target):
            points.reverse()
        label = None
        if link.label:
            (x, y), (next_x, next_y) = points[:2]
            width = text_width(link.label, SIZES["link"])
            at = x + 30 if is_same else (x + next_x - width) / 2
            label = Text(at, (y + next_y) / 2 + 4, "link", link.label)
        # What flows between tasks and a store is the store's; what arrives is the task's.
        kinds = {self._node_of[link.source].kind, self._node_of[link.target].kind}
        kind = next(each for each in reversed(Kind) if each in kinds)
        return Curve(link, kind, tuple(points), is_same, label)


def _with_sorted_rows(node: Node, incoming: Mapping[str, list[float]]) -> Node:
    """Return a card whose rows are in the order of what leads to them, if they have no order of their own."""
    if node.kind not in UNORDERED:
        return node
    means = {row.id: sum(found) / len(found) for row in node.rows if (found := incoming.get(row.id))}
    return node._replace(rows=tuple(sorted(node.rows, key=lambda row: means.get(row.id, float("inf")))))


def _lane(link: Link, column: int) -> str:
    return f"lane:{column}:{link.source}:{link.target}"
