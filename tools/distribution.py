"""`make dist`: build the wheel and the source archive of a release into dist/.

```
tag v0.1.0, version of pyproject.toml, CHANGELOG.md ──> the same version everywhere ──> dist/
```
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]


def main() -> int:
    """Build, unless the tag in the variable TAG (if it is set), the version and the changelog differ."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    found = list(faults(version, (ROOT / "CHANGELOG.md").read_text(), tag=os.environ.get("TAG")))
    if found:
        print(*found, sep="\n", file=sys.stderr)
        return 1
    shutil.rmtree(ROOT / "dist", ignore_errors=True)  # what an earlier call built
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-d", ROOT / "dist"], cwd=ROOT, check=True)
    return 0


def faults(version: str, changelog: str, *, tag: str | None = None) -> Iterator[str]:
    """Yield what keeps a version from its release, with what to write."""
    if tag is not None and tag != f"v{version}":
        yield f"the tag must be v{version}, the version in pyproject.toml, got: {tag!r}"
    unreleased, newest, *_ = [*re.split(r"^## ", changelog, flags=re.MULTILINE)[1:], "", ""]
    if not re.match(rf"\[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d\n", newest):
        yield f"the newest heading in CHANGELOG.md must be '## [{version}] - ' and a date, got: {newest[:30]!r}"
    if unreleased.strip() != "[Unreleased]":
        yield f"[Unreleased] in CHANGELOG.md must be empty; move its lines below [{version}]"


if __name__ == "__main__":
    sys.exit(main())
