"""Repairs what axe-core and readers find in pages and the search of Sphinx and furo, which have no setting for it.

`make docs-check` fails if axe-core finds something else. Each repair must apply to some page, so that one that a newer
Sphinx or furo no longer needs is removed here.
"""

import re
from collections.abc import Iterable
from pathlib import Path

REPAIRS = {
    # A heading needs a level.
    r'<p class="caption" role="heading">': r'<p class="caption" role="heading" aria-level="2">',
    # Two landmarks of one kind need names.
    r'<aside class="sidebar-drawer">': r'<aside class="sidebar-drawer" aria-label="Pages">',
    r'<aside class="toc-drawer( no-toc)?">': r'<aside class="toc-drawer\1" aria-label="On this page">',
    # What scrolls must be reachable by the keyboard.
    r"<pre>": r'<pre tabindex="0">',
    r'<div class="(table-wrapper [^"]*)">': r'<div class="\1" tabindex="0">',
    # An empty cell is no header.
    r'<th class="head[^"]*">(?:<p></p>)?</th>': r"<td></td>",
    # A large picture can be read on a small screen if it opens alone.
    r'(<img[^>]* src="([^"]*_images/[^"]+)"[^>]*>)(?!</a>)': r'<a class="picture" href="\2">\1</a>',
    # The search finds status codes; conf.py has them in its index.
    r"queryTerm\.match\(/\^\\d\+\$/\)": r"queryTerm.match(/^(\\d{1,2}|\\d{4,})$/)",
    # A result for an argument says whose it is, not only the page.
    r"titles\[file\],(\s+id \?)": r"`${titles[file]} > ${id || entry}`,\1",
    # Of pages that the search finds equally well, a guide is first.
    r"/\*\s+score: result => [^/]*\*/": r'score: ([page, , , , score]) => score + (page.includes("/") ? 0 : 1),',
    # A page has a heading.
    r'(<div id="search-results"></div>)': r"<h1>Search</h1>\n\1",
}


def repair(site: Path) -> list[str]:
    """Repair the pages, and return the repairs that no page needed."""
    unused = set(REPAIRS)
    for path in [*site.rglob("*.html"), *site.rglob("searchtools.js")]:
        text, used = repaired(path.read_text())
        path.write_text(text)
        unused -= set(used)
    return sorted(unused)


def repaired(text: str) -> tuple[str, Iterable[str]]:
    """Return a repaired page, and the repairs that it needed."""
    used = []
    for pattern, new in REPAIRS.items():
        text, count = re.subn(pattern, new, text)
        used += [pattern] * bool(count)
    return text, used
