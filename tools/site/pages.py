"""Which Markdown files are pages of the site, where each is there, and its place in the navigation.

```
repository's Markdown ──> [stage] ──> build/docs-source/, links changed to the site's paths
docs/README.md ──> [navigation] ──> groups of pages
```
"""

import posixpath
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
INDEX = "docs/README.md"
REPOSITORY = "https://github.com/fargate-constructs/fargate-constructs/blob/main"
# Parts of Markdown whose text is no markup, or the target of a link, with the title of a picture.
CODE_OR_TARGET = re.compile(r"^( *)```.*?^\1```|`[^`\n]+`|\]\(([^)\s]+)((?: [^)]*)?\))", re.MULTILINE | re.DOTALL)
PICTURE = re.compile(
    r"<picture>\s*<source[^>]*prefers-color-scheme: dark[^>]*srcset=\"(?P<dark>[^\"]+)\"[^>]*>\s*"
    r"<img(?=[^>]*alt=\"(?P<alt>[^\"]+)\")(?=[^>]*src=\"(?P<light>[^\"]+)\")[^>]*>\s*</picture>"
)


def sources() -> list[str]:
    """Return the repository's pages, as paths below its folder."""
    patterns = ("*.md", "docs/**/*.md", "examples/README.md", "benchmarks/RESULTS.md")
    return sorted(path.relative_to(ROOT).as_posix() for pattern in patterns for path in ROOT.glob(pattern))


def site_path(source: str) -> str:
    """Return where a page of the repository is in the site, without its suffix."""
    special = {
        "README.md": "index",
        INDEX: "pages",
        "examples/README.md": "examples",
        "benchmarks/RESULTS.md": "results",
    }
    if source in special:
        return special[source]
    if translated := re.fullmatch(r"README\.(\w+)\.md", source):
        return f"{translated[1]}/index"
    path = source.removesuffix(".md")
    return path.removeprefix("docs/") if path.startswith("docs/") else f"project/{path.lower()}"


def title(source: str) -> str:
    """Return a page's short title: its heading up to the colon, without `The`."""
    heading = re.search(r"^# (.+)$", (ROOT / source).read_text(), re.MULTILINE)
    assert heading, f"{source} has no heading"
    short = re.sub(r"[`*]", "", heading[1].partition(": ")[0]).removeprefix("The ")
    return short[:1].upper() + short[1:]


def navigation() -> dict[str, dict[str, str]]:
    """Return the pages of each group in docs/README.md: the path in the repository, and the title.

    A group is a heading, or in `Parts` a line such as `What runs:`. The text of a link is the title, if it is no file.
    """
    groups: dict[str, dict[str, str]] = {}
    group = ""
    for line in (ROOT / INDEX).read_text().splitlines():
        if heading := re.fullmatch(r"## (.+)|(\w[\w ]+):", line):
            group = heading[1] or heading[2]
        elif group:
            for text, target in re.findall(r"\[([^]]+)\]\(([^)#:]+\.md)\)", line):
                page = posixpath.normpath(f"docs/{target}")
                if not any(page in pages for pages in groups.values()):
                    shown = title(page) if text.endswith(".md") else text[:1].upper() + text[1:]
                    groups.setdefault(group, {})[page] = shown
    return groups


def stage(folder: Path) -> None:
    """Write all pages and pictures to a folder, for Sphinx."""
    for source in sources():
        target = folder / f"{site_path(source)}.md"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(page_text(source))
    shutil.copytree(ROOT / "docs/pictures", folder / "pictures", dirs_exist_ok=True)


def page_text(source: str) -> str:
    """Return a page's text for the site: with the links of the site, and with the navigation in the first page."""
    text = re.sub(r"\[[\w-]+\.md\](?=\(([^)#]+)\))", lambda link: _titled(source, link[1]), (ROOT / source).read_text())
    text = with_targets(text, lambda target: site_target(source, target))
    return text + "".join(toctrees()) if source == "README.md" else text


def _titled(source: str, target: str) -> str:
    """Return the text of a link to a page: its title instead of its file's name."""
    return f"[{title(posixpath.normpath(posixpath.join(posixpath.dirname(source), target)))}]"


def with_targets(text: str, new: Callable[[str], str]) -> str:
    """Return Markdown in which each target of a link outside of code is replaced."""

    def replaced(match: re.Match[str]) -> str:
        return f"]({new(match[2])}{match[3]}" if match[2] else match[0]

    def two_pictures(match: re.Match[str]) -> str:
        each = ("light", "dark")
        return "\n\n".join(f"![{match['alt']}]({match[name]}){{.only-{name}}}" for name in each)

    return CODE_OR_TARGET.sub(replaced, PICTURE.sub(two_pictures, text))


def site_target(source: str, target: str) -> str:
    """Return the target of a page's link in the site: a page, a picture, or a file in the public repository.

    Raises:
        ValueError: The repository has no such file.
    """
    path, hash_, anchor = target.partition("#")
    if not path or re.match(r"[a-z]+:", path):
        return target
    wanted = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
    if not (ROOT / wanted).exists():
        raise ValueError(f"{source} links to {target}, which is not there")
    if wanted in sources():
        new = f"{site_path(wanted)}.md"
    elif wanted.startswith("docs/pictures/"):
        new = wanted.removeprefix("docs/")
    else:
        return f"{REPOSITORY}/{wanted}{hash_}{anchor}"
    return posixpath.relpath(new, posixpath.dirname(site_path(source)) or ".") + hash_ + anchor


def toctrees() -> Iterator[str]:
    """Yield the navigation as Sphinx reads it."""
    above = ["All pages <pages>", "API reference <reference/index>"]
    for name, pages in navigation().items():
        entries = [*above, *(f"{shown} <{site_path(page)}>" for page, shown in pages.items())]
        above = []
        yield "\n".join(["", "```{toctree}", f":caption: {name}", ":hidden:", ":titlesonly:", "", *entries, "```", ""])
