"""docs/causes.md."""

import json

from fargate_constructs.cli.causes import CAUSES
from tests.cli.causes_page import GROUPS, PAGE, page


def test_the_page_is_up_to_date() -> None:
    """`python -m tests.cli.causes_page` writes it."""
    assert PAGE.read_text() == page()


def test_each_cause_is_in_one_group() -> None:
    """The headings are those of all causes."""
    assert [each for causes in GROUPS.values() for each in causes] == list(CAUSES)


def test_a_wording_that_is_assumed_is_not_quoted() -> None:
    """The page has only texts of AWS and of public reports, each with its source."""
    answers = json.loads((PAGE.parents[1] / "tests/cli/recorded_answers.json").read_text())["answers"]
    assumed = {each["cause"] for each in answers if "assumed" in each}

    assert assumed == {"keyUnusable", "serviceConnectFailed"}
    assert "ciphertext" not in page()
    assert all(each["source"].startswith("https://") for each in answers)
