"""The still of a terminal: what `make demo` prints. `python -m tests.pictures.terminal` writes docs/pictures/demo.svg.

Times, names and addresses of AWS differ from run to run, so a test compares the text without them.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

STILL = Path(__file__).parents[2] / "docs/pictures/demo.svg"
COMMAND = "$ make demo"
COLUMNS = 112
LINE, LEFT, TOP, LETTER = 19, 20, 58, 7.25  # pixels
# With the first line that calls the command line the story goes on in a terminal of its own.
END = "calling the command line"
# What differs: numbers, and what AWS names.
VARIES = re.compile(r"[\w.%/-]*\d[\w.%/…-]*|\s+|─+")
SVG = "{http://www.w3.org/2000/svg}"


def shown(story: Sequence[str]) -> list[str]:
    """Return the lines that the still has."""
    lines = [line for text in story for line in text.splitlines()]
    before = next((number for number, line in enumerate(lines) if END in line), len(lines))
    return [COMMAND, *(line if len(line) <= COLUMNS else f"{line[: COLUMNS - 1]}…" for line in lines[:before])]


def as_svg(lines: Sequence[str]) -> str:
    """Return a window of a terminal with lines."""
    width, height = round(2 * LEFT + COLUMNS * LETTER), TOP + LINE * len(lines) + 8
    dots = "".join(
        f'<circle cx="{LEFT + 6 + 20 * number}" cy="22" r="6" fill="{color}"/>'
        for number, color in enumerate(("#ff5f57", "#febc2e", "#28c840"))
    )
    texts = "\n".join(_text(line, TOP + LINE * number) for number, line in enumerate(lines))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-labelledby="demo-t">\n<title id="demo-t">What make demo prints</title>\n'
        "<style>text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#e6edf3;"
        "white-space:pre}.step{fill:#79c0ff}.command{fill:#7ee787}</style>\n"
        f'<rect width="{width}" height="{height}" rx="10" fill="#0d1117" stroke="#30363d"/>{dots}\n{texts}\n</svg>\n'
    )


def _text(line: str, y: int) -> str:
    style = "command" if line == COMMAND else "step" if re.match(r" *\d+\.\d s  ", line) else ""
    length = f' textLength="{len(line) * LETTER:.1f}" lengthAdjust="spacingAndGlyphs"' if line else ""
    class_ = f' class="{style}"' if style else ""
    return f'<text{class_} xml:space="preserve" x="{LEFT}" y="{y}"{length}>{escape(line)}</text>'


def still() -> list[str]:
    """Return the lines of the still as it is."""
    return [each.text or "" for each in ET.parse(STILL).getroot().iter(f"{SVG}text")]  # noqa: S314 - our own


def without_what_varies(lines: Sequence[str]) -> list[str]:
    """Return lines to compare."""
    return [VARIES.sub(" ", line).strip() for line in lines]


if __name__ == "__main__":
    from tests.emulator import demo

    story: list[str] = []
    demo.run(story.append)
    STILL.write_text(as_svg(shown(story)))
