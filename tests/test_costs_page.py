"""The calculator in docs/costs.md; `python -m tests.costs_page` writes it."""

import pytest

from tests.costs_page import PAGE, tasks, things, usage, written


def test_the_prices_are_those_of_the_package() -> None:
    """Each price of the list that `plan` counts with is there, once."""
    page = PAGE.read_text()

    assert ["\n".join(table) + "\n" in page for table in (tasks(), things(), usage())] == [True] * 3


@pytest.mark.long
def test_the_calculator_is_up_to_date() -> None:
    """The bills of services are those of today's templates, too."""
    page = PAGE.read_text()

    assert written(page) == page
