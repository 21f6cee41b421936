"""The Python blocks of the guides: each runs as it is written, after the first program of its page."""

import re
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted(DOCS.glob("*.md"))
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
    page.stem: re.findall(r"^```python\n(.*?)^```", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    for page in PAGES
    if page.name != "migrating.md"
}
FRAGMENTS = {page: blocks for page, blocks in BLOCKS.items() if any("app.synth()" not in each for each in blocks)}


@pytest.mark.parametrize("page", FRAGMENTS)
def test_blocks_run(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A block continues the program in the page's `<details>`, or else the program before it."""
    monkeypatch.chdir(tmp_path)
    variables: dict[str, Any] = {}
    has_setup = "<details>" in (DOCS / f"{page}.md").read_text()
    for block in FRAGMENTS[page]:
        if any(text in block for text in ELSEWHERE):
            continue
        is_program = "app.synth()" in block
        if is_program and has_setup:
            continue
        if is_program:
            variables = {}
        exec(compile(block, f"{page}.md", "exec"), variables)  # noqa: S102 - the project's own code
    if has_setup:
        variables["app"].synth()
