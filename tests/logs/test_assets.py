"""What is uploaded as each Lambda's code."""

import shutil
from pathlib import Path

import pytest
from aws_cdk import App, Stack

from fargate_constructs.logs import archive_function as function
from tests.logs.archives import resources, template_of
from tests.logs.deployed import FOLDERS

LAMBDAS = ("shipper", "replay", "compaction", "partitions")


def staged(out: Path) -> dict[str, Path]:
    """The asset of each Lambda's code, by name of its folder."""
    stack = Stack(App(outdir=str(out)), "Test")
    for name in LAMBDAS:
        function.code_of(name).bind(Stack(stack, name))
    return {path.name: folder for folder in out.glob("asset.*") if folder.is_dir() for path in folder.iterdir()}


def files(folder: Path) -> set[str]:
    """The files below a folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_these_are_all() -> None:
    """The functions of an archive run these folders; the shipper's has what prepares batches for Data Firehose, too."""
    handlers = [each["Handler"] for each in resources(template_of("buffered"), "AWS::Lambda::Function").values()]

    assert sorted(handlers) == sorted([*(f"{name}.handler.handler" for name in LAMBDAS), "shipper.transform.handler"])


def test_an_asset_is_one_folder(tmp_path: Path) -> None:
    """A Lambda's own package is in its asset, whole, and nothing else: no other code, no bytecode."""
    found = staged(tmp_path)

    assert set(found) == set(LAMBDAS)
    for name, asset in found.items():
        assert files(asset) == {f"{name}/{path.name}" for path in (FOLDERS / name).glob("*.py")}


def test_an_asset_depends_on_its_folder_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What else changes around it gives it no other hash, and bytecode within does not either."""
    copy = tmp_path / "logs"
    for name in LAMBDAS:
        shutil.copytree(FOLDERS / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        (copy / name / "__pycache__").mkdir()
        (copy / name / "__pycache__" / "handler.cpython-314.pyc").write_bytes(b"bytecode")
    (copy / "beside.py").write_text("")
    before = staged(tmp_path / "before")
    monkeypatch.setattr(function, "FOLDERS", copy)

    assert {path.name for path in staged(tmp_path / "copy").values()} == {path.name for path in before.values()}
    (copy / "replay" / "handler.py").write_text("")
    after = staged(tmp_path / "after")
    assert {name for name in LAMBDAS if after[name].name != before[name].name} == {"replay"}
