"""Where constructs stand in their app: for messages, descriptions and whatever is known by its place.

```
construct ──> [path] ──> what people read
```
"""

import re
import unicodedata
from typing import Protocol
from weakref import WeakKeyDictionary

from constructs import Node


class Placed(Protocol):
    """What stands somewhere: any construct."""

    @property
    def node(self) -> Node:
        """Its place."""


_PATHS: WeakKeyDictionary[Placed, str] = WeakKeyDictionary()


def path_of(construct: Placed) -> str:
    """Return a construct's path. It never changes, so Node is asked once: every answer of Node's takes its time."""
    if construct not in _PATHS:
        _PATHS[construct] = construct.node.path
    return _PATHS[construct]


# What EC2 takes in the description of a security group, and of its rules
# (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html).
NOT_IN_EC2 = re.compile(r"[^a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]")
MAX_EC2_DESCRIPTION = 255
# https://www.unicode.org/charts/nameslist/
LATIN_LETTER = re.compile(r"LATIN (?P<case>CAPITAL|SMALL) (LETTER|LIGATURE) (?P<letter>[A-Z]{1,2})( WITH [A-Z ]+)?")


def ec2_description(text: str) -> str:
    """Return a description of a security group, or of its rule, as EC2 takes it; one that it takes is unchanged."""
    return shorten(NOT_IN_EC2.sub("_", remove_accents(text)), MAX_EC2_DESCRIPTION)


def remove_accents(text: str) -> str:
    """Return a text with plain letters for those with accents: `Überweb` becomes `Uberweb`, `Øre` becomes `Ore`."""
    plain = (each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each))
    return "".join(map(_plain_letter, plain))


def _plain_letter(letter: str) -> str:
    """Return the letter that one with a stroke is, or those of a ligature, as Unicode names them; or as it is."""
    if named := LATIN_LETTER.fullmatch(unicodedata.name(letter, "")):
        return named["letter"].title() if named["case"] == "CAPITAL" else named["letter"].lower()
    return {"ß": "ss", "ẞ": "SS"}.get(letter, letter)


def shorten(text: str, max_length: int) -> str:
    """Return a text that AWS takes no more than so many characters of: its begin and its end."""
    half = (max_length - len("...")) // 2
    return text if len(text) <= max_length else f"{text[:half]}...{text[-half:]}"
