"""The page of permissions says what the template does."""

from tests.privilege.page import PAGE, page


def test_the_page_is_true() -> None:
    """`python -m tests.privilege.page` writes it anew."""
    assert PAGE.read_text() == page()
