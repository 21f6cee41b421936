"""Writes a picture as SVG: for light and dark, without fonts or requests, with a description for screen readers."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from itertools import pairwise
from xml.sax.saxutils import escape as escape_xml

from fargate_constructs.drawing.cards import SIZES, Card, Text
from fargate_constructs.drawing.diagram import Diagram, Kind, printable
from fargate_constructs.drawing.layout import Curve, Picture, laid_out

# For a light and a dark ground: contrast of at least 4.5 to the cards.
COLORS = {
    Kind.CALLERS: ("#57606a", "#9198a1"),
    Kind.FRONT: ("#8250df", "#b392f0"),
    Kind.ENDPOINT: ("#0969da", "#58a6ff"),
    Kind.TASKS: ("#bc4c00", "#f0883e"),
    Kind.NETWORK: ("#1a7f37", "#3fb950"),
    Kind.ADDRESSES: ("#1a7f37", "#3fb950"),
    Kind.DATA: ("#9a6700", "#d29922"),
    Kind.LOGS: ("#0f6f86", "#39c5cf"),
    Kind.ARCHIVE: ("#0f6f86", "#39c5cf"),
}
# In a square of 18.
ICONS = {
    Kind.CALLERS: "M9 1.5a7.5 7.5 0 1 0 0 15a7.5 7.5 0 1 0 0-15M1.5 9h15M9 1.5c-5 5-5 10 0 15c5-5 5-10 0-15",
    Kind.FRONT: "M9 1.5l6.5 2.5v5c0 4-3 6.5-6.5 7.5c-3.5-1-6.5-3.5-6.5-7.5v-5z",
    Kind.ENDPOINT: "M1.5 9h5M6.5 9l6-5.5M6.5 9h6M6.5 9l6 5.5M12.5 3.5h4M12.5 9h4M12.5 14.5h4",
    Kind.TASKS: "M9 1.5l6.5 3.7v7.5l-6.5 3.8l-6.5-3.8v-7.5zM2.5 5.2l6.5 3.8l6.5-3.8M9 9v7.5",
    Kind.NETWORK: "M1.5 3.5h8v11h-8zM6 9h10.5M13 5.5l3.5 3.5l-3.5 3.5",
    Kind.ADDRESSES: "M9 16.5c-3.5-4-5.5-6.5-5.5-9.3a5.5 5.5 0 0 1 11 0c0 2.8-2 5.3-5.5 9.3z"
    "M9 5.2a2 2 0 1 0 0 4a2 2 0 1 0 0-4",
    Kind.DATA: "M2.5 4c0-3 13-3 13 0v10c0 3-13 3-13 0zM2.5 4c0 3 13 3 13 0M2.5 9c0 3 13 3 13 0",
    Kind.LOGS: "M3 1.5h8.5l3.5 3.5v11.5h-12zM6 7.5h6M6 10.5h6M6 13.5h4",
    Kind.ARCHIVE: "M1.5 2.5h15v4h-15zM2.5 6.5h13v9.5h-13zM6.5 10h5",
}
GROUND = {
    "bg": ("#f6f8fa", "#0d1117"),
    "card": ("#ffffff", "#161b22"),
    "edge": ("#d1d9e0", "#30363d"),
    "row": ("#f6f8fa", "#1c2430"),
    "text": ("#1f2328", "#e6edf3"),
    "muted": ("#59636e", "#9198a1"),
}
FONT = 'system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif'


def as_svg(diagram: Diagram) -> str:
    """Return a diagram as SVG, for a file or a page."""
    picture = laid_out(diagram)
    body = "\n".join(_body(picture))
    id_ = f"d{sha256(body.encode()).hexdigest()[:8]}"
    width, height = _number(picture.width), _number(picture.height)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" id="{id_}" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-labelledby="{id_}t {id_}d">\n'
        f'<title id="{id_}t">Architecture of {_escape(diagram.title)}</title>\n'
        f'<desc id="{id_}d">{_escape(diagram.describe())}</desc>\n'
        f"<style>{_style(id_)}</style>\n"
        f'<rect class="bg" width="{width}" height="{height}" rx="14"/>\n{body}\n</svg>\n'
    )


def _style(id_: str) -> str:
    """Return the style sheet, which holds for this picture only."""
    light, dark = (_colors(index) for index in (0, 1))
    kinds = "".join(f"#{id_} .{kind.value}{{--c:var(--{kind.value})}}" for kind in Kind)
    sizes = "".join(f"#{id_} .{style}{{font-size:{size}px}}" for style, size in SIZES.items())
    return (
        f"#{id_}{{{light};font-family:{FONT}}}"
        f"@media(prefers-color-scheme:dark){{#{id_}{{{dark}}}}}"
        f"#{id_} .bg{{fill:var(--bg)}}#{id_} .card{{fill:var(--card);stroke:var(--edge)}}"
        f"#{id_} .ground{{fill:var(--row)}}#{id_} .tint{{fill:var(--c);fill-opacity:.12}}"
        f"#{id_} .icon{{fill:none;stroke:var(--c);stroke-width:1.4;stroke-linejoin:round;stroke-linecap:round}}"
        f"#{id_} text{{fill:var(--text)}}"
        f"#{id_} .label,#{id_} .detail,#{id_} .column,#{id_} .fact,#{id_} .heading{{fill:var(--muted)}}"
        f"#{id_} .title,#{id_} .heading,#{id_} .name{{font-weight:600}}"
        f"#{id_} .link{{fill:var(--muted);paint-order:stroke;stroke:var(--bg);stroke-width:5;stroke-linejoin:round}}"
        f"#{id_} .way{{fill:none;stroke:var(--c);stroke-width:1.5;stroke-opacity:.75}}"
        f"#{id_} .tip{{fill:var(--c)}}{kinds}{sizes}"
    )


def _colors(index: int) -> str:
    grounds = [f"--{name}:{colors[index]}" for name, colors in GROUND.items()]
    return ";".join([*grounds, *(f"--{kind.value}:{colors[index]}" for kind, colors in COLORS.items())])


def _body(picture: Picture) -> Iterator[str]:
    yield from map(_text, picture.texts)
    for curve in picture.curves:
        yield from _curve(curve)
    for card in picture.cards:
        yield from _card(card)
    # Above all curves.
    yield from (_text(curve.label) for curve in picture.curves if curve.label)


def _card(card: Card) -> Iterator[str]:
    box = card.box
    name = f"{card.node.label}: {card.node.id}"
    yield f'<g class="{card.node.kind.value}"><title>{_escape(name)}</title>'
    yield f'<rect class="card" {_box(box)} rx="10"/>'
    yield f'<rect class="tint" x="{_number(box.x + 10)}" y="{_number(box.y + 12)}" width="26" height="26" rx="6"/>'
    corner = f"{_number(box.x + 14)} {_number(box.y + 16)}"
    yield f'<path class="icon" transform="translate({corner})" d="{ICONS[card.node.kind]}"/>'
    yield from (f'<rect class="ground" {_box(row)} rx="5"/>' for row in card.rows)
    yield from map(_text, card.texts)
    yield "</g>"


def _box(box: tuple[float, float, float, float]) -> str:
    x, y, width, height = map(_number, box)
    return f'x="{x}" y="{y}" width="{width}" height="{height}"'


def _curve(curve: Curve) -> Iterator[str]:
    """Yield a link as one path with a tip."""
    points = curve.points
    (x, y), (end_x, end_y) = points[0], points[-1]
    is_leftward = end_x < x or curve.is_within_column
    # The tip is before the edge of the card, and the path ends at its ground.
    tip = 7 if is_leftward else -7
    path = [f"M{_number(x)} {_number(y)}"]
    for index, ((x1, y1), (x2, y2)) in enumerate(pairwise(points)):
        stop = x2 + (tip if index == len(points) - 2 else 0)
        if curve.is_within_column:
            bend = 30 + abs(y2 - y1) / 20
            path.append(
                f"C{_number(x1 + bend)} {_number(y1)} {_number(x2 + bend)} {_number(y2)} {_number(stop)} {_number(y2)}"
            )
        elif y1 == y2:
            path.append(f"H{_number(stop)}")
        else:
            middle = (x1 + x2) / 2
            path.append(
                f"C{_number(middle)} {_number(y1)} {_number(middle)} {_number(y2)} {_number(stop)} {_number(y2)}"
            )
    back = end_x + tip
    yield f'<g class="{curve.kind.value}"><path class="way" d="{"".join(path)}"/>'
    yield (
        f'<path class="tip" d="M{_number(end_x)} {_number(end_y)}L{_number(back)} {_number(end_y - 4)}'
        f'V{_number(end_y + 4)}z"/></g>'
    )


def _text(text: Text) -> str:
    return f'<text class="{text.style}" x="{_number(text.x)}" y="{_number(text.y)}">{_escape(text.text)}</text>'


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _escape(text: str) -> str:
    """Return a text for XML, without the characters that XML does not have."""
    return escape_xml(printable(text))
