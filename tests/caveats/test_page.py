"""docs/caveats.md; `python -m tests.caveats.test_page` writes its table of rules again."""

import re
from pathlib import Path

from cdk_nag import NagMessageLevel

from fargate_constructs.caveats import Rule

PAGE = Path(__file__).parents[2] / "docs" / "caveats.md"
MARK = "<!-- rules -->\n"
HEAD = "| `FargateCaveats-` | | Why | How to change it |\n|---|---|---|---|\n"


def table() -> str:
    """Return the rules as the page has them."""
    level = {NagMessageLevel.ERROR: "error", NagMessageLevel.WARN: "warning", NagMessageLevel.INFO: "note"}
    return HEAD + "".join(f"| `{rule.name}` | {level[rule.level]} | {rule.why} | {rule.fix} |\n" for rule in Rule)


def written(page: str) -> str:
    """Return the page with the table as it should be."""
    return re.sub(f"{MARK}(\n\\|.*?\n)?(?=\n#)", lambda _: f"{MARK}\n{table()}", page, flags=re.DOTALL)


def test_the_table_is_what_the_pack_asks() -> None:
    """Names, levels, reasons and remedies, in the order of the code."""
    page = PAGE.read_text()

    assert written(page) == page


def test_each_rule_has_a_sentence_why_and_one_how() -> None:
    """Each ends with a full stop, and there is no other."""
    for rule in Rule:
        for text in (rule.why, rule.fix):
            assert re.fullmatch(r"[A-Z].*\.", text), text
            assert ". " not in text, text


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
