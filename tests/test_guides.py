"""The Python blocks of README.md and of the guides: each runs as it is written."""

import re
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[1] / "docs"
PAGES = [DOCS.parent / "README.md", *sorted({*DOCS.glob("*.md")} - {DOCS / "README.md"})]
# Blocks that are other files, by a text that they have, and what runs them.
ELSEWHERE = {
    "Works off the queue at QUEUE_URL": "tests/service/queues/test_queue_program.py",
    "DELETE_SKIPPED": "tests/emulator/test_upgrade.py",
    "fargate_constructs.testing import": "tests/testing/test_page.py",
    "class Shop(Stack)": "tests/testing/test_page.py",
    "in pin.py": "tests/testing/test_page.py",
    "adoption.json": "tests/adoption/test_adopt.py",
    "MonitoringFacade": "nothing: that package is none of this project's",
}
# tests/adoption/test_migrating.py runs the programs of migrating.md.
BLOCKS = {
    page: re.findall(r"^```python\n(.*?)^```", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    for page in PAGES
    if page.name != "migrating.md"
}


def run(block: str, page: Path, variables: dict[str, Any]) -> None:
    """Run a block with the variables of those before it."""
    exec(compile(block, page, "exec"), variables)  # noqa: S102 - the project's own code


@pytest.mark.parametrize("page", [page for page, blocks in BLOCKS.items() if blocks], ids=lambda page: page.stem)
def test_blocks_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A block that ends with a synthesis is a whole program. Others continue it, or the program in `<details>`."""
    monkeypatch.chdir(tmp_path)
    has_setup = "<details>" in page.read_text()
    variables: dict[str, Any] = {}
    for block in BLOCKS[page]:
        if any(text in block for text in ELSEWHERE):
            continue
        if "app.synth()" not in block:
            run(block, page, variables)
        elif has_setup:
            run(block, page, {})
        else:
            run(block, page, variables := {})
    if has_setup:
        variables["app"].synth()


def test_there_are_programs() -> None:
    """The README shows the short way, which ends with a synthesis, and docs/start.md that and the long one."""
    programs = {page.name: [block for block in blocks if "app.synth()" in block] for page, blocks in BLOCKS.items()}

    assert len(programs["README.md"]) == 1
    assert len(programs["start.md"]) == 2
