"""docs/caveats.md; `python -m tests.caveats.test_page` writes its list of rules."""

import re
import textwrap
from pathlib import Path

from fargate_constructs.caveats import Rule

PAGE = Path(__file__).parents[2] / "docs" / "caveats.md"
MARK = "<!-- rules -->\n"
WIDTH = 100


def rules() -> str:
    """Return the list of rules as the page has it."""
    return "".join(
        textwrap.fill(
            f"- `{rule.name}` ({rule.level}). {rule.why} *Fix:* {rule.fix}",
            WIDTH,
            subsequent_indent="  ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        + "\n"
        for rule in Rule
    )


def written(page: str) -> str:
    """Return the page with the list as it should be."""
    return re.sub(f"{MARK}.*?(?=\n#)", lambda _: f"{MARK}\n{rules()}", page, flags=re.DOTALL)


def test_the_list_holds_all_rules() -> None:
    """The list has the names, levels, reasons and fixes, in the order of the code."""
    page = PAGE.read_text()

    assert written(page) == page


def test_each_rule_has_a_sentence_why_and_one_how() -> None:
    """Each is one sentence."""
    for rule in Rule:
        for text in (rule.why, rule.fix):
            assert re.fullmatch(r"[A-Z].*\.", text), text
            assert ". " not in text, text


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
