"""What is uploaded as each Lambda's code."""

import shutil
from pathlib import Path

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_lambda as lambda_

from fargate_constructs.logs import Delivery, LogArchive, function
from tests.logs.deployed import FOLDERS

LAMBDAS = ("shipper", "replay", "merger", "log_groups")


def assets(out: Path) -> dict[str, Path]:
    """The assets of an archive with all of its Lambdas, by name of the folder in each."""
    app = App(outdir=str(out))
    archive = LogArchive(Stack(app, "Test"), "LogArchive", delivery=Delivery.buffered())
    app.synth()
    functions = [child for child in archive.node.find_all() if isinstance(child, lambda_.Function)]
    assert len(functions) == len(LAMBDAS) + 1, "the shipper's folder is also what prepares batches for Data Firehose"
    return {path.name: folder for folder in out.glob("asset.*") if folder.is_dir() for path in folder.iterdir()}


def files(folder: Path) -> set[str]:
    """The files below a folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_an_asset_is_one_folder(tmp_path: Path) -> None:
    """A Lambda's own package is in its asset, whole, and nothing else: no other code, no bytecode."""
    found = assets(tmp_path)

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
    before = assets(tmp_path / "before")
    monkeypatch.setattr(function, "FOLDERS", copy)

    assert {path.name for path in assets(tmp_path / "copy").values()} == {path.name for path in before.values()}
    (copy / "replay" / "handler.py").write_text("")
    after = assets(tmp_path / "after")
    assert {name for name in LAMBDAS if after[name].name != before[name].name} == {"replay"}
