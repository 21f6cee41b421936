"""The whole site, built and opened in a browser."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.long
def test_each_page_opens_in_a_browser() -> None:
    """Without warnings of Sphinx, requests to elsewhere, errors in the console, or findings of axe-core."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    make = shutil.which("make") or "make"
    done = subprocess.run([make, "docs-check"], cwd=ROOT, env=environment, check=False, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 faults" in done.stdout
