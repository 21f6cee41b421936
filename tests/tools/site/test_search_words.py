"""What the search of the site knows."""

import json
import shutil
import subprocess

import pytest

from tools.site.search_words import SPLITTER, is_status, words

TEXTS = {
    "A task_definition, in S3": ["A", "task_definition", "in", "S3"],
    "固定IPのログ": ["固定", "IP", "のロ", "ログ"],
    "移行": ["移行"],
    "口 é": ["口", "é"],
    "… !": [],
}


@pytest.mark.parametrize("text", TEXTS)
def test_a_pair_of_japanese_letters_is_a_word(text: str) -> None:
    """Other letters are words as they are between spaces."""
    assert list(words(text)) == TEXTS[text]


def test_the_browser_splits_as_the_index_does() -> None:
    """Otherwise the search finds nothing."""
    script = f"{SPLITTER}\nconsole.log(JSON.stringify({json.dumps(list(TEXTS))}.map(splitQuery)))"
    done = subprocess.run([shutil.which("node") or "node", "-e", script], check=True, capture_output=True, text=True)

    assert json.loads(done.stdout) == list(TEXTS.values())


def test_a_status_code_is_a_word() -> None:
    """Other numbers are none."""
    assert [each for each in ("502", "50", "5020", "abc") if is_status(each)] == ["502"]
