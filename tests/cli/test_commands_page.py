"""docs/commands.md."""

from tests.cli.commands_page import HOW, PAGE, page


def test_the_page_has_the_help_of_each_command() -> None:
    """A new command, option, example or status is on the page."""
    is_new = page() == PAGE.read_text()

    assert is_new, f"docs/commands.md is not what the help texts have; write it by `{HOW}`"
