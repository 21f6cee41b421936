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
    before = set(sys.modules)
    with mock.patch.object(sys, "path", [str(folder), *sys.path]):
        yield
    for name in set(sys.modules) - before:
        if str(folder) in (getattr(sys.modules[name], "__file__", None) or ""):
            del sys.modules[name]


def app_in(folder: Path) -> App:
    """Run the app of a folder, and return it."""
    with _modules_of(folder), mock.patch.dict("os.environ", {"TAG": "1.4.2"}):
        app: App = importlib.import_module("app").app
    return app
