"""How a diagram becomes a picture: places, SVG and Mermaid."""

from itertools import combinations
from xml.etree import ElementTree as ET

import pytest

from fargate_constructs.drawing.cards import Box
from fargate_constructs.drawing.diagram import Diagram, Kind, Link, Node, Row, joined
from fargate_constructs.drawing.layout import Picture, laid_out
from fargate_constructs.drawing.mermaid import as_mermaid
from fargate_constructs.drawing.svg import COLORS, GROUND, as_svg
from fargate_constructs.drawing.text_width import text_width, wrapped

SVG = "{http://www.w3.org/2000/svg}"
EVIL = "<script>alert(\"1\")</script> & 'x' --> ]] \x1b\ud7ff; end"


def node(id_: str, kind: Kind, *rows: Row, title: str = "") -> Node:
    """Return a card."""
    return Node(id_, kind, kind.value, title or id_, rows=rows)


def shop() -> Diagram:
    """Return a diagram with each kind of link: beside, past a column, within one, and backward."""
    nodes = [
        node("internet", Kind.CALLERS),
        node("edge", Kind.FRONT),
        node("lb", Kind.ENDPOINT, Row("tls", "HTTPS 443", is_heading=True), Row("a", "/a", "detail"), Row("b", "/b")),
        node("first", Kind.TASKS),
        node("second", Kind.TASKS),
        node("queue", Kind.DATA),
        node("logs", Kind.LOGS, Row("of first", "1"), Row("of second", "2"), Row("of none", "3")),
    ]
    links = [
        Link("internet", "edge"),
        Link("edge", "lb"),
        Link("internet", "lb"),
        Link("a", "second"),
        Link("b", "first"),
        Link("first", "second", "second:80"),
        Link("queue", "first", "jobs"),
        Link("first", "of first"),
        Link("second", "of second"),
        Link("first", "nowhere"),
        Link("first", "first"),
    ]
    return joined(nodes, links, "Shop")


def box(picture: Picture, id_: str) -> Box:
    """Return where a card is."""
    return next(card.box for card in picture.cards if card.node.id == id_)


def test_columns_and_order() -> None:
    """What leads on is at the right; cards and log groups are in the order of what leads to them."""
    picture = laid_out(shop())
    lefts = [box(picture, each).x for each in ("internet", "edge", "lb", "first", "queue")]

    assert lefts == sorted(set(lefts))
    assert box(picture, "second").y < box(picture, "first").y
    (logs,) = (card.node for card in picture.cards if card.node.id == "logs")
    assert [row.id for row in logs.rows] == ["of second", "of first", "of none"]


def test_a_long_title_has_several_lines() -> None:
    """All of it is there, and the cards are below."""
    title = "/".join(["Production"] * 30)
    picture = laid_out(shop()._replace(title=title))
    lines = [text for text in picture.texts if text.style == "name"]

    assert "".join(line.text for line in lines) == title
    assert max(line.y for line in lines) < min(card.box.y for card in picture.cards) - 20
    assert all(line.x + text_width(line.text, 17, is_bold=True) <= picture.width for line in lines)


def test_a_link_past_a_column() -> None:
    """It passes where no card is."""
    picture = laid_out(shop())
    (curve,) = (each for each in picture.curves if each.link == Link("internet", "lb"))
    edge = box(picture, "edge")

    assert [x for x, _ in curve.points[1:3]] == [edge.x, edge.right]
    assert not edge.y <= curve.points[1][1] <= edge.bottom


def test_links_leave_a_card_apart() -> None:
    """Each meets its right edge at a place of its own; one arrives there if it comes from the right."""
    picture = laid_out(shop())
    first = box(picture, "first")
    ends = [
        y
        for curve in picture.curves
        for id_, (x, y) in ((curve.link.source, curve.points[0]), (curve.link.target, curve.points[-1]))
        if id_ == "first" and x == first.right
    ]

    assert len(ends) == len(set(ends)) == 3
    assert all(abs(a - b) >= 8 for a, b in combinations(ends, 2))
    (queue,) = (curve for curve in picture.curves if curve.link.source == "queue")
    assert queue.points[0][0] > queue.points[-1][0]


def test_svg_shows_any_text_as_it_is() -> None:
    """No text becomes an element or an attribute; what XML does not have becomes a space."""
    evil = Node("x", Kind.TASKS, EVIL, EVIL, (EVIL,), (Row("r", EVIL, EVIL),))
    svg = as_svg(joined([evil, node("y", Kind.TASKS)], [Link("x", "y", EVIL)], EVIL))
    root = ET.fromstring(svg)  # noqa: S314 - our own

    assert {each.tag.removeprefix(SVG) for each in root.iter()} <= {
        "svg",
        "title",
        "desc",
        "style",
        "rect",
        "g",
        "path",
        "text",
    }
    assert 'alert("1")' in "".join(root.itertext())
    (style,) = root.iter(f"{SVG}style")
    assert "prefers-color-scheme:dark" in str(style.text)


def luminance(color: str) -> float:
    """Return how light a color is, as WCAG 2.2 defines it (https://www.w3.org/TR/WCAG22/#dfn-relative-luminance)."""
    parts = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("index", [0, 1], ids=["light", "dark"])
def test_contrast(index: int) -> None:
    """Texts have a contrast of at least 4.5 to each ground that they are on; icons and arrows have 3."""
    grounds = [GROUND[name][index] for name in ("bg", "card", "row")]
    texts = {GROUND[name][index]: 4.5 for name in ("text", "muted")}
    signs = {colors[index]: 3.0 for colors in COLORS.values()}

    for color, least in (texts | signs).items():
        for ground in grounds:
            dark, light = sorted((luminance(color), luminance(ground)))
            assert (light + 0.05) / (dark + 0.05) >= least, (color, ground)


def test_svg_has_ids_of_its_own() -> None:
    """Two pictures in one page do not share an ID, by which style and description are found."""
    roots = [ET.fromstring(as_svg(each)) for each in (shop(), joined([], [], "Empty"))]  # noqa: S314 - our own
    ids = [each.get("id") for root in roots for each in root.iter() if each.get("id")]

    assert len(ids) == len(set(ids)) == 6
    for root in roots:
        assert (
            str(root.get("aria-labelledby")).split() == [each.get("id") for each in root.iter() if each.get("id")][1:]
        )


def test_mermaid() -> None:
    """Routes are the labels of arrows, and cards have their rows."""
    lines = [line.strip() for line in as_mermaid(shop()).splitlines()]

    assert lines[0] == "flowchart LR"
    assert 'subgraph c3["Tasks"]' in lines
    assert 'n2["endpoint<br><b>lb</b><br><b>HTTPS 443</b><br>/a: detail<br>/b"]:::endpoint' in lines
    assert {'n2 -->|"/a"| n4', 'n3 -->|"second:80"| n4', "n0 --> n1", "n3 --> n6"} <= set(lines)


def test_mermaid_shows_any_text_as_it_is() -> None:
    """A sign that Mermaid reads is an entity of it."""
    text = as_mermaid(joined([Node("x", Kind.TASKS, "a", EVIL)], [], ""))

    assert '"a<br><b>#60;script#62;alert(#34;1#34;)#60;/script#62; #38; #39;x#39; --#62; #93;#93;' in text


def test_text_wraps_where_words_end() -> None:
    """After a slash or a space; in a word only if it is longer than the line."""
    assert wrapped("Shop/Web and/Api", 10, 50) == ["Shop/", "Web and/", "Api"]
    assert wrapped("a" * 10, 10, 33) == ["aaaaa", "aaaaa"]
    assert wrapped(" one  two ", 10, 500) == ["one two"]


def test_text_is_measured_for_wide_fonts() -> None:
    """A letter of another script is as wide as the widest, and an accent that combines takes nothing."""
    assert text_width("il", 10) == 6
    assert text_width("il", 10, is_bold=True) > 7
    assert text_width("日", 10) == 13
    assert text_width("i\u0301l", 10) == 6
