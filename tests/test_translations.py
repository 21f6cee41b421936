"""The Japanese pages keep step with the English ones."""

import re

import pytest

from tests.translations import FENCED, OUTDATED, Translation, programs, translations

PAGES = translations()
NAMES = ["README", "migrating", "start", "troubleshooting"]


def structure(text: str) -> list[str]:
    """Return the levels of the headings and the number of cells of each line of a table, in order."""
    lines = FENCED.sub("", text).splitlines()
    return [
        found[0] if (found := re.match("#+ ", line)) else "|" * line.replace(r"\|", "").count("|")
        for line in lines
        if re.match(r"#+ |\|", line)
    ]


def test_what_is_translated() -> None:
    """The README, and what people read first."""
    assert [each.english.stem for each in PAGES] == NAMES


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_the_translation_is_of_todays_english(page: Translation) -> None:
    """Or the page says that it is older: tests/translations.py."""
    assert page.written_digest == page.digest or OUTDATED in page.text, (
        f"{page.english.name} changed: translate the change into {page.page.name}, or write {OUTDATED!r} there; "
        "then run `python -m tests.translations`"
    )


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_code_headings_and_tables_are_the_same(page: Translation) -> None:
    """Each program, each heading and each line of a table has its place, unless the page is older."""
    if OUTDATED in page.text:
        return
    english = page.english.read_text()

    assert programs(page.text) == programs(english)
    assert structure(page.text) == structure(english)


def test_a_change_is_noticed() -> None:
    """A new line of a table, another program, and another text."""
    (readme, *_) = PAGES
    english = readme.english.read_text()

    assert structure(english) != structure(english.replace("\n## Read on", "| a | b | c |\n\n## Read on"))
    assert programs(english) != programs(english.replace("make demo ", "make demos "))
    assert readme.digest != Translation(readme.page, readme.page).digest
