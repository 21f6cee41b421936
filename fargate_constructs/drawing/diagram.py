"""What is drawn: cards with rows, and links between them. It knows no templates and no pixels."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple


class Kind(Enum):
    """What a card is about; it decides its column and its colour."""

    CALLERS = "callers"
    FRONT = "front"
    ENDPOINT = "endpoint"
    TASKS = "tasks"
    NETWORK = "network"
    LOGS = "logs"
    DATA = "data"
    ADDRESSES = "addresses"
    ARCHIVE = "archive"


# From left to right: the heading of a column, and what is in it from top to bottom.
COLUMNS = (
    ("Callers", (Kind.CALLERS,)),
    ("In front", (Kind.FRONT,)),
    ("Endpoints and routes", (Kind.ENDPOINT,)),
    ("Tasks", (Kind.TASKS,)),
    ("Network, logs and data", (Kind.NETWORK, Kind.DATA, Kind.LOGS)),
    ("Outside of the network", (Kind.ADDRESSES, Kind.ARCHIVE)),
)


class Row(NamedTuple):
    """A line of a card that links may begin or end at."""

    id: str
    text: str
    detail: str = ""
    """A second line."""
    is_heading: bool = False


class Node(NamedTuple):
    """A card."""

    id: str
    """The construct path of the resource, or what is in place of it."""
    kind: Kind
    label: str
    """What it is, in AWS's words."""
    title: str
    """Its name in the app."""
    facts: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()

    def ids(self) -> list[str]:
        """Return its ID and those of its rows, where links may begin or end."""
        return [self.id, *(row.id for row in self.rows)]


class Link(NamedTuple):
    """An arrow from a card or a row to another."""

    source: str
    target: str
    label: str = ""


class Diagram(NamedTuple):
    """An app as it is drawn."""

    title: str
    nodes: tuple[Node, ...]
    links: tuple[Link, ...]
    notes: tuple[str, ...] = ()
    """What is not drawn."""

    def describe(self) -> str:
        """Return the drawing in words, for people who do not see it."""
        names = {id_: node.title for node in self.nodes for id_ in node.ids()}
        parts = [f"{node.label} {node.title}" for node in self.nodes]
        ways = unique(f"{names[link.source]} to {names[link.target]}" for link in self.links)
        return f"{'; '.join(parts) or 'Nothing to draw'}. Arrows: {'; '.join(ways) or 'none'}."


def joined(nodes: Iterable[Node], links: Iterable[Link], title: str, notes: Iterable[str] = ()) -> Diagram:
    """Return a diagram of cards and links, each once; links to what is not drawn are left out."""
    drawn = {node.id: node for node in nodes}
    ids = {id_ for node in drawn.values() for id_ in node.ids()}
    kept = [link for link in dict.fromkeys(links) if {link.source, link.target} <= ids and link.source != link.target]
    return Diagram(title, tuple(drawn.values()), tuple(kept), tuple(notes))


def printable(text: str) -> str:
    """Return a text without what is not shown, or changes how others are shown, such as their direction."""
    return "".join(each if each.isprintable() else " " for each in text)


def unique(texts: Iterable[str]) -> list[str]:
    """Return texts in order, each once, without empty ones."""
    return [each for each in dict.fromkeys(texts) if each]
