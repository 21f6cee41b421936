"""Build the site: `python -m tools.site`, with the packages of requirements-docs.txt."""

import shutil
import sys
from pathlib import Path

from sphinx.cmd.build import build_main

from tools.site.accessible import repair
from tools.site.built_pages import faults
from tools.site.pages import ROOT, stage
from tools.site.public_api import public_api
from tools.site.reference import write_reference

SOURCE, SITE = ROOT / "build/docs-source", ROOT / "build/docs"


def main() -> int:
    """Write Sphinx's source, and let Sphinx build it; any warning is an error."""
    for folder in (SOURCE, SITE):
        shutil.rmtree(folder, ignore_errors=True)
    stage(SOURCE)
    write_reference(SOURCE / "reference", public_api())
    options = [
        "--quiet",
        "--jobs",
        "auto",
        "--fail-on-warning",
        "--conf-dir",
        str(Path(__file__).parent),
        "--doctree-dir",
    ]
    status: int = build_main(["-b", "html", *options, str(ROOT / "build/docs-doctrees"), str(SOURCE), str(SITE)])
    if status:
        return status
    found = [*(f"no page needs the repair {each}" for each in repair(SITE)), *faults(SITE)]
    print("\n".join(found), file=sys.stderr, end="\n" if found else "")
    print(f"built {SITE.relative_to(ROOT)}/index.html")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
