"""The app that the converter writes for the workspace of the tests."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from aws_cdk import App

from fargate_constructs.adoption.copilot import Conversion, convert

WORKSPACE = Path(__file__).with_name("workspace")
COPILOT = WORKSPACE / "copilot"


def conversion_of(path: Path = WORKSPACE, **options: str) -> Conversion:
    """Convert as the command does, with the app beside the folder copilot."""
    return convert(path, output=WORKSPACE / "cdk", **options)


def write(conversion: Conversion, folder: Path) -> None:
    """Write the files of an app."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in conversion.files.items():
        (folder / name).write_text(text)


@contextmanager
def _modules_of(folder: Path) -> Iterator[None]:
    """Import the modules of a folder, also if another has their name, such as this project's app.py."""
    names = {path.stem for path in folder.glob("*.py")}
    hidden = {name: sys.modules.pop(name) for name in names if name in sys.modules}
    with mock.patch.object(sys, "path", [str(folder), *sys.path]):
        yield
    for name in names:
        sys.modules.pop(name, None)
    sys.modules.update(hidden)


def app_in(folder: Path) -> App:
    """Run the app of a folder, and return it."""
    with _modules_of(folder), mock.patch.dict("os.environ", {"TAG": "1.4.2"}):
        app: App = importlib.import_module("app").app
    return app
