"""Which files are pages of the site, where they are there, and what becomes of their links."""

import pytest

from tools.site.pages import (
    REPOSITORY,
    ROOT,
    navigation,
    page_text,
    site_path,
    site_target,
    sources,
    title,
    toctrees,
    with_targets,
)

LONGEST_TITLE = 55  # two lines of the navigation


def test_each_page_is_in_the_navigation_once() -> None:
    """The index in docs/README.md is the navigation; the first page and the index itself are above it."""
    pages = [each for group in navigation().values() for each in group]

    assert sorted([*pages, "README.md", "docs/README.md"]) == sources()
    assert len({site_path(each) for each in pages}) == len(pages)


def test_the_groups_are_those_of_the_index() -> None:
    """A heading is a group, and so is each line below `Parts`; a link's text is a title if it is no file."""
    groups = navigation()

    assert next(iter(groups)) == "Start"
    assert {"What runs", "How callers arrive", "Operate", "Decisions"} <= groups.keys()
    assert "Parts" not in groups
    assert next(iter(groups["How tasks leave"].items())) == ("docs/network.md", "Network")
    assert groups["Reference"]["SECURITY.md"] == "Reporting a vulnerability"
    assert groups["日本語"]["README.ja.md"] == "日本語の README"


@pytest.mark.parametrize("source", sources())
def test_titles_are_short(source: str) -> None:
    """So that the navigation is easy to read."""
    assert 2 < len(title(source)) <= LONGEST_TITLE


def test_the_reference_is_in_the_navigation() -> None:
    """It is no page of the repository, so it is above them, once."""
    first, *others = toctrees()
    assert "API reference <reference/index>" in first
    assert "reference/index" not in "".join(others)


@pytest.mark.parametrize("source", sources())
def test_each_page_can_be_written(source: str) -> None:
    """Its links lead to pages, pictures and files that are there."""
    assert page_text(source).startswith((ROOT / source).read_text()[:20])


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("README.md", "docs/service.md", "service.md"),
        ("README.md", "docs/README.md#decisions", "pages.md#decisions"),
        ("docs/service.md", "containers.md#sidecars", "containers.md#sidecars"),
        ("docs/service.md", "#size", "#size"),
        ("docs/service.md", "../README.md", "index.md"),
        ("docs/service.md", "../SECURITY.md", "project/security.md"),
        ("docs/decisions/zstd.md", "../logs.md#what-it-costs", "../logs.md#what-it-costs"),
        ("CONTRIBUTING.md", "docs/decisions/zstd.md", "../decisions/zstd.md"),
        ("docs/monitoring.md", "pictures/dashboard.svg", "pictures/dashboard.svg"),
        ("README.md", "app.py", f"{REPOSITORY}/app.py"),
        ("docs/service.md", "../examples/sst/app.py#L1", f"{REPOSITORY}/examples/sst/app.py#L1"),
        ("docs/service.md", "https://example.com/a.md", "https://example.com/a.md"),
        ("docs/service.md", "mailto:a@example.com", "mailto:a@example.com"),
    ],
)
def test_links_lead_to_the_same_in_the_site(source: str, target: str, expected: str) -> None:
    """Pages and pictures are in the site; other files are in the public repository."""
    assert site_target(source, target) == expected


def test_a_link_to_nothing_is_refused() -> None:
    """With the page that has it."""
    with pytest.raises(ValueError, match=r"docs/service.md links to nothing.md, which is not there"):
        site_target("docs/service.md", "nothing.md")


def test_code_has_no_links() -> None:
    """Neither in a line nor in a block."""
    text = "`[a](b)` [a](b) [c](d 'title')\n```python\nx[0](b)\n```\n- x\n\n  ```\n  y[0](b)\n  ```\n[a](b)\n"

    assert with_targets(text, str.upper) == (
        "`[a](b)` [a](B) [c](D 'title')\n```python\nx[0](b)\n```\n- x\n\n  ```\n  y[0](b)\n  ```\n[a](B)\n"
    )


def test_a_picture_in_two_colors_follows_the_switch_of_the_page() -> None:
    """GitHub chooses by the browser's setting alone."""
    text = (
        '<picture>\n  <source media="(prefers-color-scheme: dark)" srcset="p/dark.svg">\n'
        '  <img alt="A task" src="p/light.svg">\n</picture>\n'
    )

    assert with_targets(text, lambda target: f"../{target}") == (
        "![A task](../p/light.svg){.only-light}\n\n![A task](../p/dark.svg){.only-dark}\n"
    )


def test_the_index_shows_titles() -> None:
    """In the repository it shows files' names."""
    text = page_text("docs/README.md")

    assert "- [Service](service.md): " in text
    assert ".md]" not in text


def test_a_translated_readme_is_the_first_page_of_its_language() -> None:
    """Its pages are in the same folder."""
    assert site_path("README.ja.md") == "ja/index"
    assert site_path("docs/ja/start.md") == "ja/start"
