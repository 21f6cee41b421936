"""`make lock-check`: install each lock file with old and new pips.

```
PIPS ──> a virtual environment each ──> pip install --dry-run of each of LOCKS ──> oldest pip: a real installation
```

A lock file that works with the newest pip can fail with an older one. pip before 24.0 refuses `coverage==7.17.3` if a
package requires `coverage[toml]>=7.10.6` and a newer coverage is published.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

# The versions in Linux distributions and Python: Python 3.11 (22.3), Debian 12 (23.0), Python 3.11.7 and 3.12
# (23.2.1), Ubuntu 24.04 (24.0), Python 3.14 (25.2).
PIPS = ("22.3", "23.0", "23.2.1", "24.0", "25.0", "25.2", "newest")
OLDEST_FOR_PYTHON_3_12 = (23, 1, 2)  # https://pip.pypa.io/en/stable/news/#v23-1-2
LOCKS = ("requirements-dev.txt", "requirements-lowest.txt", "requirements-audit.txt", "requirements-docs.txt")
SHOWN_LINES = 5
# Two wheels contain this module. With the wrong one, reading an annotation fails.
USE = """
from aws_cdk import App, Annotations, Stack, assertions
import cdk_nag
stack = Stack(App(), "Stack")
Annotations.of(stack).add_warning("here")
[found] = assertions.Annotations.from_stack(stack).find_warning("*", assertions.Match.any_value())
assert found.entry.data == "here"
"""


def main() -> int:
    """Try all versions of pip; return how many checks failed."""
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        for pip in PIPS:
            python = _environment(Path(folder) / pip, pip)
            if python is None:
                print(f"pip {pip:<7} does not run with this Python", flush=True)
                continue
            for lock in LOCKS:
                options = ["--dry-run", "--quiet", "--require-hashes", "-r", lock]
                failures += _try(f"pip {pip:<7} {lock}", [python, "-m", "pip", "install", *options])
            if pip == PIPS[0]:
                options = ["--no-compile", "--quiet", "--require-hashes", "-r", LOCKS[0]]
                failures += _try(f"pip {pip:<7} installs {LOCKS[0]}", [python, "-m", "pip", "install", *options])
                failures += _try(f"pip {pip:<7} what it installed works", [python, "-c", USE])
    return failures


def _environment(folder: Path, pip: str) -> Path | None:
    """Return the Python of a new environment with this version of pip, or None if this Python cannot run it."""
    if pip != "newest" and sys.version_info >= (3, 12) and tuple(map(int, pip.split("."))) < OLDEST_FOR_PYTHON_3_12:
        return None
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    wanted = "pip" if pip == "newest" else f"pip=={pip}"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--upgrade", wanted], check=True, stderr=subprocess.PIPE)
    return python


def _try(what: str, command: list[str | Path]) -> bool:
    """Run a command, print its result, and return whether it failed."""
    began = time.monotonic()
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    print(f"{what}  {'FAILED' if done.returncode else 'ok'}  {time.monotonic() - began:.0f} s", flush=True)
    if done.returncode:
        print("\n".join(done.stderr.splitlines()[-SHOWN_LINES:]), file=sys.stderr, flush=True)
    return bool(done.returncode)


if __name__ == "__main__":
    sys.exit(main())
