"""The construct paths of an app, for messages, descriptions and identities.

```
construct ──> [path] ──> messages
```
"""

import re
import unicodedata
from typing import Protocol, cast
from weakref import WeakKeyDictionary

from aws_cdk import Resource, Stack
from constructs import IConstruct, Node


class Placed(Protocol):
    """Any construct."""

    @property
    def node(self) -> Node:
        """Its node in the construct tree."""


# A construct's place never changes. Each question to Node.js takes 0.2 ms or more, so the answers are kept.
_SCOPES: WeakKeyDictionary[Placed, tuple[Placed, str]] = WeakKeyDictionary()
_NODES: WeakKeyDictionary[Placed, Node] = WeakKeyDictionary()
_PATHS: WeakKeyDictionary[Placed, str] = WeakKeyDictionary()
_ROOTS: WeakKeyDictionary[Placed, IConstruct] = WeakKeyDictionary()
_STACKS: WeakKeyDictionary[Placed, Stack] = WeakKeyDictionary()


def keep_place(construct: Placed, scope: Placed, id: str) -> None:
    """Keep the place of a construct that is not a stack, so that Node.js is not asked for it."""
    _SCOPES[construct] = scope, id


def is_placed_resource(thing: object) -> bool:
    """Whether a thing is an L2 construct whose place is kept. So it is made in its stack, not imported."""
    return isinstance(thing, Resource) and thing in _SCOPES


def node_of(construct: Placed) -> Node:
    """Return a construct's node."""
    if construct not in _NODES:
        _NODES[construct] = construct.node
    return _NODES[construct]


def path_of(construct: Placed) -> str:
    """Return a construct's path."""
    if construct not in _PATHS:
        if construct in _SCOPES:
            scope, own_id = _SCOPES[construct]
            _PATHS[construct] = f"{path_of(scope)}/{own_id.replace('/', '--')}".removeprefix("/")  # as constructs does
        else:
            _PATHS[construct] = node_of(construct).path
    return _PATHS[construct]


def root_of(construct: Placed) -> IConstruct:
    """Return the construct at the top of a construct's tree: the app."""
    if construct not in _ROOTS:
        _ROOTS[construct] = root_of(_SCOPES[construct][0]) if construct in _SCOPES else node_of(construct).root
    return _ROOTS[construct]


def stack_of(construct: Placed) -> Stack:
    """Return the stack that a construct is in."""
    if construct not in _STACKS:
        of_scope = stack_of(_SCOPES[construct][0]) if construct in _SCOPES else None
        _STACKS[construct] = of_scope or Stack.of(cast(IConstruct, construct))
    return _STACKS[construct]


# Other characters than those that EC2 accepts in descriptions of security groups and their rules
# (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html).
NOT_IN_EC2 = re.compile(r"[^a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]")
MAX_EC2_DESCRIPTION = 255
# https://www.unicode.org/charts/nameslist/
LATIN_LETTER = re.compile(r"LATIN (?P<case>CAPITAL|SMALL) (LETTER|LIGATURE) (?P<letter>[A-Z]{1,2})( WITH [A-Z ]+)?")


def ec2_description(text: str) -> str:
    """Return a description of a security group or rule with characters that EC2 accepts."""
    return shorten(NOT_IN_EC2.sub("_", remove_accents(text)), MAX_EC2_DESCRIPTION)


def remove_accents(text: str) -> str:
    """Return a text without accents: `Überweb` becomes `Uberweb`, `Øre` becomes `Ore`."""
    plain = (each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each))
    return "".join(map(_plain_letter, plain))


def _plain_letter(letter: str) -> str:
    """Return the plain letters in the Unicode name of a letter with a stroke, or of a ligature."""
    if named := LATIN_LETTER.fullmatch(unicodedata.name(letter, "")):
        return named["letter"].title() if named["case"] == "CAPITAL" else named["letter"].lower()
    return {"ß": "ss", "ẞ": "SS"}.get(letter, letter)


def shorten(text: str, max_length: int) -> str:
    """Return the beginning and the end of a text that AWS limits to some number of characters."""
    half = (max_length - len("...")) // 2
    return text if len(text) <= max_length else f"{text[:half]}...{text[-half:]}"
