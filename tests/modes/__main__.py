"""`python -m tests.modes FOLDER` writes the templates of all modes into a new folder."""

import shutil
import sys
from pathlib import Path

from tests.modes import template_files

folder = Path(sys.argv[1])
folder.mkdir(parents=True)
for name, file in template_files().items():
    shutil.copyfile(file, folder / f"{name}.template.json")
