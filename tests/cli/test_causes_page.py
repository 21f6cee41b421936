"""docs/causes.md."""

from fargate_constructs.cli.causes import CAUSES
from tests.cli.causes_page import GROUPS, PAGE, page


def test_the_page_is_up_to_date() -> None:
    """`python -m tests.cli.causes_page` writes it."""
    assert PAGE.read_text() == page()


def test_each_cause_is_in_one_group() -> None:
    """The headings are those of all causes."""
    assert [each for causes in GROUPS.values() for each in causes] == list(CAUSES)
