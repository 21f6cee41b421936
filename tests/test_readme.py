"""What the README says."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PROGRAMS = re.findall(r"^```python\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("program", PROGRAMS, ids=range(len(PROGRAMS)))
def test_the_programs_run(program: str) -> None:
    """Each Python block is a whole program that synthesizes."""
    exec(compile(program, "README.md", "exec"), {})  # noqa: S102 - the README's own code


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))], ids=lambda page: page.name
)
def test_the_links_lead_somewhere(page: Path) -> None:
    """Each relative link names a file that is there."""
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())

    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_there_are_programs() -> None:
    """The README shows the short way and the long one."""
    assert len(PROGRAMS) == 2
