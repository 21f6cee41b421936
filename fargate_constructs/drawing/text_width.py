"""How wide a text is at most, in the fonts that browsers take for `sans-serif`, and where it wraps."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# In parts of the font's size, the wider one of DejaVu Sans, which is the widest of the usual fonts, and Arial's sizes.
WIDTHS = {
    0.3: "'Iijl",
    0.35: " ,./:;\\|",
    0.4: "()-[]ft",
    0.45: "!r",
    0.5: '"*J`',
    0.55: "csz",
    0.6: "?L_kvxy",
    0.65: "$0123456789FTabdeghnopqu{}·",
    0.7: "ABEKPSVXYZ",
    0.75: "CNRU",
    0.8: "&DGHOQ",
    0.85: "#+<=>^w~",
    0.9: "M",
    1.0: "%Wm",
    1.05: "@",
}
WIDTH_OF = {character: width for width, characters in WIDTHS.items() for character in characters}
# Any other character, such as a Chinese one or an emoji.
WIDEST = 1.3
BOLD = 1.2
# A line may end after these.
PART = re.compile(r"[^\s/,.:_·-]*[\s/,.:_·-]*")


@lru_cache(maxsize=10_000)
def text_width(text: str, size: float, *, is_bold: bool = False) -> float:
    """Return how many pixels a text takes at most."""
    width = sum(WIDTH_OF.get(each, WIDEST) for each in text if not unicodedata.combining(each))
    return width * size * (BOLD if is_bold else 1)


def wrapped(text: str, size: float, width: float, *, is_bold: bool = False) -> list[str]:
    """Return the lines of a text that fit into a width."""
    lines = [""]
    for part in filter(None, PART.findall(" ".join(text.split()))):
        if text_width((lines[-1] + part).rstrip(), size, is_bold=is_bold) > width and lines[-1]:
            lines.append("")
        for character in part:
            if text_width((lines[-1] + character).rstrip(), size, is_bold=is_bold) > width:
                lines.append("")
            lines[-1] += character
    return [line.strip() for line in lines]
