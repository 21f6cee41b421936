"""The Japanese pages, and the English ones that they translate.

A Japanese page ends with the digest of the English text that it translates. If the English changes, either translate
the change, or write the notice of `OUTDATED` below the heading; then `python -m tests.translations` writes the digest.
"""

import re
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
OUTDATED = "> この日本語版は英語版より古くなっています。"
MARK = re.compile(r"\n<!-- (?P<english>\S+) sha256:(?P<digest>\w+) -->\n\Z")
FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


class Translation(NamedTuple):
    """A page, and the one that it translates."""

    page: Path
    english: Path

    @property
    def text(self) -> str:
        """The Japanese text without the mark."""
        return MARK.sub("", self.page.read_text())

    @property
    def digest(self) -> str:
        """The digest of the English text as it is now."""
        return sha256(self.english.read_bytes()).hexdigest()[:16]

    @property
    def written_digest(self) -> str:
        """The digest that the page has; empty without one."""
        found = MARK.search(self.page.read_text())
        return found["digest"] if found else ""

    def mark(self) -> None:
        """Write the digest of today's English."""
        name = self.english.relative_to(ROOT).as_posix()
        self.page.write_text(f"{self.text.rstrip()}\n\n<!-- {name} sha256:{self.digest} -->\n")


def translations() -> list[Translation]:
    """Return each Japanese page."""
    guides = [Translation(each, ROOT / "docs" / each.name) for each in sorted((ROOT / "docs/ja").glob("*.md"))]
    return [Translation(ROOT / "README.ja.md", ROOT / "README.md"), *guides]


def programs(text: str) -> list[str]:
    """Return the code of a page, without the comments of shell commands, which are translated."""
    return [
        "\n".join(line.partition("#")[0].rstrip() for line in code.splitlines()) if language == "sh" else code
        for language, code in FENCED.findall(text)
        if language in ("sh", "python", "json")
    ]


if __name__ == "__main__":
    for each in translations():
        each.mark()
