"""What a team installs."""

import compileall
import email
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from fargate_constructs.synthesized.assembly import template_of
from tests import pinned

ROOT = Path(__file__).parents[2]
PYTHONS = [f"Programming Language :: Python :: 3.{minor}" for minor in range(11, 15)]

FROM_WHEEL = """
import pathlib, runpy
import fargate_constructs
assert pathlib.Path(fargate_constructs.__file__).parents[1] == pathlib.Path.cwd()
runpy.run_module("tests.everything", run_name="__main__")
"""


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Run a command to its end; return what it printed."""
    clean = {key: value for key, value in os.environ.items() if key not in {"PYTHONPATH", "PYTHONDONTWRITEBYTECODE"}}
    arguments = [str(part) for part in command]
    own = clean | environment
    return subprocess.run(arguments, cwd=cwd, env=own, check=True, stdout=subprocess.PIPE, text=True).stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, built from a copy without anything that is not the project's."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    shutil.copytree(ROOT / "fargate_constructs", source / "fargate_constructs")
    for name in ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md"):
        shutil.copy(ROOT / name, source)
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", out, cwd=source)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the wheel is unpacked to, as an installation does; `make wheel-check` really installs it."""
    place = tmp_path_factory.mktemp("site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place)
    return place


def test_the_wheel_alone_writes_the_same_template(unpacked: Path) -> None:
    """Another process writes it to the letter, with another order of sets; bytecode changes no asset."""
    assert not list(unpacked.rglob("__pycache__"))
    compileall.compile_dir(unpacked, quiet=1)
    assert list(unpacked.glob("fargate_constructs/logs/lambdas/shipper/__pycache__/*.pyc"))

    template = template_of(pinned.stacks()["Everything"])
    written = run(sys.executable, "-c", FROM_WHEEL, cwd=unpacked, PYTHONPATH=str(ROOT), PYTHONHASHSEED="1")
    assert written == json.dumps(template)


def test_the_wheel_holds_the_package_and_nothing_else(unpacked: Path) -> None:
    """Code, queries, types and licence; no tests, no tools, no example."""
    assert {path.name for path in unpacked.iterdir()} == {"fargate_constructs", unpacked_metadata(unpacked).parent.name}
    assert (unpacked / "fargate_constructs" / "py.typed").exists()
    assert list(unpacked.glob("fargate_constructs/logs/queries/*.sql"))
    assert list(unpacked.glob("*.dist-info/licenses/LICENSE"))


def test_what_package_indexes_show(unpacked: Path) -> None:
    """The metadata names the licence, the keywords, each supported Python, and what the library needs."""
    metadata = email.message_from_string(unpacked_metadata(unpacked).read_text())
    classifiers = metadata.get_all("Classifier") or []

    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Keywords"]
    assert metadata["Requires-Python"] == ">=3.11"
    assert {"Framework :: AWS CDK :: 2", "Typing :: Typed"} <= set(classifiers)
    assert [each for each in classifiers if each.startswith("Programming Language :: Python :: 3.")] == PYTHONS
    assert metadata.get_all("Requires-Dist") == [
        "aws-cdk-lib<3,>=2.270.0",
        "constructs<11,>=10.5.1",
        "boto3>=1.40; extra == 'cli'",
        "cfn-lint<2,>=1.58; extra == 'cli'",
        "click>=8.2; extra == 'cli'",
        "pyyaml>=6.0.2; extra == 'cli'",
        "rich>=13.9; extra == 'cli'",
        "cdk-nag<4,>=3.0.2; extra == 'nag'",
        "cfn-lint<2,>=1.58; extra == 'testing'",
    ]
    (scripts,) = unpacked.glob("*.dist-info/entry_points.txt")
    assert "fargate-constructs = fargate_constructs.cli:main" in scripts.read_text()


def test_the_description_has_no_link_that_holds_in_the_repository_alone(unpacked: Path) -> None:
    """A package index shows the README without the files beside it."""
    text = unpacked_metadata(unpacked).read_text()
    version = email.message_from_string(text)["Version"]

    assert re.findall(r"\]\((?!https://|#)[^)]*\)", text) == []
    assert f"/blob/v{version}/docs/README.md)" in text, "of this version, also when main has changed"
    assert f"https://raw.githubusercontent.com/fargate-constructs/fargate-constructs/v{version}/docs/pictures/" in text


def unpacked_metadata(unpacked: Path) -> Path:
    """Return the file of the wheel's metadata."""
    (metadata,) = unpacked.glob("*.dist-info/METADATA")
    return metadata
