"""Faults of built pages: what they load from elsewhere, and links to nothing."""

from pathlib import Path

import pytest

from tools.site.accessible import REPAIRS, repair, repaired
from tools.site.built_pages import faults


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        ('<script src="https://cdn.example.com/a.js"></script>', "a.html loads https://cdn.example.com/a.js"),
        ('<link rel="stylesheet" href="//fonts.example.com/f.css">', "a.html loads //fonts.example.com/f.css"),
        ('<img src="picture.svg">', "a.html loads picture.svg"),
        ('<img src="b.html" srcset="b.html 1x, https://example.com/p 2x">', "a.html loads https://example.com/p"),
        ('<p style="background: url(https://example.com/p)">', "a.html loads https://example.com/p"),
        ('<style>@import "https://example.com/f.css";</style>', "a.html loads https://example.com/f.css"),
        ('<a href="c.html">', "a.html links to c.html, which is not there"),
        ('<a href="b.html#y">', "a.html links to b.html#y, whose anchor is not there"),
        ('<a href="#y">', "a.html links to #y, whose anchor is not there"),
    ],
)
def test_what_is_not_there_is_found(tmp_path: Path, html: str, fault: str) -> None:
    """Also what comes from another site, which a reader without a network does not see."""
    (tmp_path / "a.html").write_text(html)
    (tmp_path / "b.html").write_text('<h1 id="x">B</h1>')

    assert list(faults(tmp_path)) == [fault]


def test_a_style_sheet_loads_from_its_own_folder(tmp_path: Path) -> None:
    """Fonts and pictures are beside it or in it."""
    (tmp_path / "css").mkdir()
    (tmp_path / "css/a.css").write_text("a {b: url('../p.svg'), url(data:x), url(\"https://example.com/f.woff\")}")
    (tmp_path / "p.svg").touch()

    assert list(faults(tmp_path)) == ["css/a.css loads https://example.com/f.woff"]


def test_links_to_other_sites_are_not_tried(tmp_path: Path) -> None:
    """Links of pages, and links in the head that load nothing, are no faults."""
    (tmp_path / "a.html").write_text(
        '<link rel="next" href="https://example.com/next"><a id="x" href="https://example.com/">a</a><a href="#x">b</a>'
    )

    assert list(faults(tmp_path)) == []


def test_repairs_that_no_page_needs_are_named(tmp_path: Path) -> None:
    """So that one is removed when Sphinx or furo no longer needs it."""
    page = tmp_path / "a.html"
    page.write_text('<pre>x</pre><th class="head"><p></p></th>')

    assert len(repair(tmp_path)) == len(REPAIRS) - 2
    assert page.read_text() == '<pre tabindex="0">x</pre><td></td>'
    assert repaired(page.read_text()) == (page.read_text(), [])
