"""Plain English in the guides, docstrings, comments and messages, and the length of the guides' lines."""

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WIDTH = 100
# Words and phrases that readers with English as a second language stumble over, and what to write.
PLAIN = {
    r"albeit|notwithstanding": "although",
    r"alas|aloud|akin|in vain|as it were": "leave it out",
    r"alike": "the same, or both",
    r"all else": "everything else",
    r"anew": "again, or new",
    r"anybody|anyone|nobody|somebody|someone|whoever|whom(?:ever)?": "name the person, service or resource",
    r"but for|save for": "except, or without",
    r"by the clock": "at a scheduled time",
    r"for ever": "forever",
    r"hand(?:s|ed|ing)? on": "forward, or pass",
    r"hangs? on|hung on": "depend on",
    r"hence|thus|lest": "so, or so that",
    r"lets? in|lets? \w+ in": "allow",
    r"lies|lay|lie (?:in|at|under|below|outside)": "is",
    r"mend(?:s|ed|ing)?": "fix",
    r"naught|nought|merely|withal": "leave it out",
    r"need not|needs not": "does not need to",
    r"one's own|of one's own|of (?:its|their|your) own making": "your, or its own",
    r"said|spelt": "name what says it: the page, the argument, the template",
    r"sits?|stands?|stood": "is",
    r"speaks?|spoken": "uses the protocol",
    r"suffice[sd]?": "is enough",
    r"tells? of|told": "report, or say",
    r"there(?:by|in|of|upon)|where(?:by|in|of|upon)": "name the thing",
    r"the like": "such as",
    r"the world": "the internet, or the outside",
    r"vouch(?:ed|es)?": "trust",
    r"ways? out": "egress, or the egress mode",
    r"whatever|whichever|wherever": "each, every, or also if",
}
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("benchmarks/*.md"), *ROOT.glob("examples/*.md"), *ROOT.glob("docs/**/*.md")]
MODULES = [
    ROOT / "app.py",
    *ROOT.glob("tools/*.py"),
    *ROOT.glob("benchmarks/**/*.py"),
    *ROOT.glob("examples/*/app.py"),
    *ROOT.glob("fargate_constructs/**/*.py"),
]
RIDDLES = re.compile(rf"\b(?:{'|'.join(PLAIN)})\b")  # in lower case, which is ten times as fast as to ignore case


def prose_of_python(path: Path) -> Iterator[tuple[int, str]]:
    """Yield each docstring, comment and message of a Python file, with its line; adjacent comments as one text."""
    comment, first, last = "", 0, 0
    for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline):
        name = tokenize.tok_name[token.type]
        if name == "COMMENT":
            if token.start[0] != last + 1:
                yield first, comment
                comment, first = "", token.start[0]
            comment, last = f"{comment} {token.string.lstrip('# ')}", token.start[0]
        elif name in {"STRING", "FSTRING_MIDDLE"} and " " in token.string:
            yield token.start[0], token.string
    yield first, comment


def prose_of_markdown(path: Path) -> Iterator[tuple[int, str]]:
    """Yield each line of a page, without code and link targets."""
    is_code = False
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.lstrip().startswith("```"):
            is_code = not is_code
        elif not is_code:
            yield number, re.sub(r"`[^`]*`", "``", re.sub(r"\]\([^)]*\)", "]", line))


def riddles(path: Path) -> list[str]:
    """Return what is hard to read in a file, and what to write instead."""
    if not RIDDLES.search(
        re.sub(r"[\s#]+", " ", path.read_text()).lower()
    ):  # nor has its prose, which takes long to find
        return []
    texts = prose_of_markdown(path) if path.suffix == ".md" else prose_of_python(path)
    return [
        f"{path.name}:{line}: {match[0]!r}; write: {instead_of(match[0])}"
        for line, text in texts
        for match in RIDDLES.finditer(" ".join(text.lower().split()))
    ]


def instead_of(riddle: str) -> str:
    """Return what to write instead of a word or phrase."""
    return next(plain for words, plain in PLAIN.items() if re.fullmatch(words, riddle))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('def f():\n    """Tell nobody."""\n', "nobody"),
        ("x = 1  # said\n# aloud, and\n# by the\n# clock\n", "by the clock"),
        ('raise ValueError(f"{x} lies in the zone")\n', "lies"),
        ('x = "whom it is for"\n', "whom"),
    ],
)
def test_riddles_are_found(tmp_path: Path, text: str, word: str) -> None:
    """The reader of Python files finds docstrings, comments over several lines, and messages."""
    path = tmp_path / "module.py"
    path.write_text(text)

    assert any(f"'{word}'" in each for each in riddles(path))


def test_only_prose_of_a_page_is_read(tmp_path: Path) -> None:
    """Code, the targets of links and names in backticks are not prose."""
    path = tmp_path / "page.md"
    path.write_text("```\nnobody\n```\n[a](https://nobody.com) `nobody`\nHence.\n")

    assert riddles(path) == ["page.md:5: 'hence'; write: so, or so that"]


def test_prose_is_plain() -> None:
    """Pages, docstrings, comments and messages have no word of the list."""
    found = [each for path in (*PAGES, *MODULES) for each in riddles(path)]

    assert len(MODULES) > 100
    assert "\n".join(found) == ""


def test_pages_use_the_words_of_the_glossary() -> None:
    """The words after "Not:" in docs/glossary.md are not in the prose of any page."""
    entries = re.findall(r"Not:((?:\s+`[^`]+`,?)+)", (ROOT / "docs/glossary.md").read_text())
    words = {" ".join(word.split()) for entry in entries for word in re.findall("`([^`]+)`", entry)}
    pattern = re.compile(rf"\b(?:{'|'.join(words)})s?\b", re.IGNORECASE)
    found = [
        f"{path.name}:{line}: {match[0]!r}"
        for path in PAGES
        for line, text in prose_of_markdown(path)
        for match in pattern.finditer(text)
    ]

    assert len(words) > 10
    assert "\n".join(found) == ""


def test_lines_of_pages_are_short() -> None:
    """Text has at most 100 columns, without the targets of links. Tables and code may be wider."""
    found = [
        f"{path.name}:{number}: {len(line)} columns"
        for path in PAGES
        for number, line in enumerate(long_lines(path), 1)
        if len(line) > WIDTH
    ]

    assert "\n".join(found) == ""


def long_lines(path: Path) -> Iterator[str]:
    """Yield the lines of a page; those of tables and code are empty."""
    is_code = False
    for line in path.read_text().splitlines():
        if line.lstrip().startswith("```"):
            is_code = not is_code
        yield "" if is_code or line.startswith("|") else re.sub(r"\]\([^)]*\)", "]", line)
