"""What the built pages load and link to.

```
build/docs/**/*.html, *.css ──> [built_pages] ──> faults: loads from elsewhere, files and anchors that are not there
```
"""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {
    ("link", "href"),
    ("script", "src"),
    ("img", "src"),
    ("img", "srcset"),
    ("source", "src"),
    ("source", "srcset"),
}
LOADED |= {("iframe", "src"), ("video", "src"), ("audio", "src"), ("object", "data"), ("embed", "src"), ("use", "href")}
NOT_LOADED = {"author", "canonical", "index", "next", "prev", "search"}  # values of rel= that load nothing
OF_CSS = re.compile(r"url\(\s*[\"']?([^\"')]+)|@import\s+[\"']([^\"']+)")


class Page(HTMLParser):
    """A page's identifiers, links and what it loads.

    Args:
        text: Its HTML.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: set[str] = set()
        self.loaded: set[str] = set()
        self._in_style = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag names, loads and links to."""
        values = {name: value or "" for name, value in attrs}
        self._in_style = tag == "style"
        self.ids |= {values[name] for name in ("id", "name") if values.get(name)}
        if tag == "a" and "href" in values:
            self.links.add(values["href"])
        for name, value in values.items():
            if (tag, name) in LOADED and not {*values.get("rel", "").split()} & NOT_LOADED:
                self.loaded |= {each.split()[0] for each in value.split(",")} if name == "srcset" else {value}
            elif name == "style":
                self.loaded |= set(of_css(value))

    def handle_data(self, data: str) -> None:
        """Note what a style sheet in the page loads."""
        if self._in_style:
            self.loaded |= set(of_css(data))


def of_css(text: str) -> Iterator[str]:
    """Yield what a style sheet loads."""
    yield from (url or imported for url, imported in OF_CSS.findall(text))


def faults(site: Path) -> Iterator[str]:
    """Yield what is wrong in a built site, each with its page."""
    pages = {path: Page(path.read_text()) for path in sorted(site.rglob("*.html"))}
    for path, page in pages.items():
        name = path.relative_to(site)
        yield from (f"{name} loads {each}" for each in sorted(page.loaded) if not _is_there(path, each))
        for link in sorted(each for each in page.links if not urlsplit(each).scheme):
            target = _target(path, link)
            anchor = unquote(urlsplit(link).fragment)
            if not target.exists():
                yield f"{name} links to {link}, which is not there"
            elif anchor and target in pages and anchor not in pages[target].ids:
                yield f"{name} links to {link}, whose anchor is not there"
    for path in sorted(site.rglob("*.css")):
        loaded = set(of_css(path.read_text()))
        yield from (f"{path.relative_to(site)} loads {each}" for each in sorted(loaded) if not _is_there(path, each))


def _is_there(path: Path, loaded: str) -> bool:
    parts = urlsplit(loaded)
    return parts.scheme == "data" or (not parts.scheme and not parts.netloc and _target(path, loaded).exists())


def _target(path: Path, link: str) -> Path:
    relative = unquote(urlsplit(link).path)
    return (path.parent / relative).resolve() if relative else path
