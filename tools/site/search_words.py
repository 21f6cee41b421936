"""The words of pages that the search knows: also status codes and Japanese, which Sphinx's English search leaves out.

Japanese has no spaces between words, so each pair of letters is a word, in pages and in what is searched for.
"""

import re
from collections.abc import Iterator

JAPANESE = r"\u3005-\u9fff"  # kana and kanji
RUNS = re.compile(rf"[{JAPANESE}]+|[^\W{JAPANESE}]+")
# The same as `words`, for the browser.
SPLITTER = rf"""
var splitQuery = (query) =>
  (query.match(/[{JAPANESE}]+|(?:(?![{JAPANESE}])[\p{{Letter}}\p{{Number}}_])+/gu) ?? []).flatMap((run) =>
    /^[{JAPANESE}]{{2}}/.test(run) ? [...run.slice(1)].map((letter, at) => run[at] + letter) : [run],
  );
"""


def words(text: str) -> Iterator[str]:
    """Yield the words of a text."""
    for run in RUNS.findall(text):
        if len(run) > 1 and re.match(f"[{JAPANESE}]", run):
            yield from (run[at : at + 2] for at in range(len(run) - 1))
        else:
            yield run


def is_status(word: str) -> bool:
    """Return whether a word may be a status code, such as 502."""
    return word.isdigit() and len(word) == len("502")
