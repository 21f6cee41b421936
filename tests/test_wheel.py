"""What a team installs."""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
APP = """
from aws_cdk import App, Stack
from fargate_constructs import LogArchive
app = App()
LogArchive(Stack(app, "Logs"), "LogArchive")
app.synth()
"""


def run(*command: str | Path, cwd: Path, **environment: str) -> None:
    """Run a command to its end."""
    clean = {key: value for key, value in os.environ.items() if key not in {"PYTHONPATH", "PYTHONDONTWRITEBYTECODE"}}
    subprocess.run([str(part) for part in command], cwd=cwd, env=clean | environment, check=True, capture_output=True)


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
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a new environment in which the wheel is installed, and CDK lent from this one."""
    place = tmp_path_factory.mktemp("environment")
    venv.create(place, with_pip=True)
    (site_packages,) = place.glob("lib/python*/site-packages")
    run(place / "bin" / "pip", "install", "--no-deps", "--no-index", wheel, cwd=place)
    (lent,) = {Path(path) for path in sys.path if path.endswith("site-packages")}
    (site_packages / "lent.pth").write_text(f"{lent}\n")
    return place / "bin" / "python"


def asset_hashes(python: Path, folder: Path) -> set[str]:
    """Synthesize an app in a folder of its own; return its assets' names."""
    (folder / "app.py").write_text(APP)
    out = folder / "out"
    run(python, "app.py", cwd=folder, CDK_OUTDIR=str(out))
    return {path.name for path in out.glob("asset.*")}


def test_the_lambda_travels_in_the_wheel(python: Path, tmp_path: Path) -> None:
    """Installed and used from another folder, the library synthesizes; bytecode around changes no asset."""
    fresh = asset_hashes(python, tmp_path)
    code = (
        "import compileall, pathlib, fargate_constructs as f; compileall.compile_dir(pathlib.Path(f.__file__).parent)"
    )
    run(python, "-c", code, cwd=tmp_path)
    (shipper,) = python.parents[1].glob("lib/python*/site-packages/fargate_constructs/logs/shipper")

    assert list(shipper.glob("__pycache__/*.pyc"))
    assert asset_hashes(python, tmp_path) == fresh
    assert fresh == asset_hashes(Path(sys.executable), tmp_path_with_source(tmp_path))


def tmp_path_with_source(folder: Path) -> Path:
    """Return a folder from which the source tree is imported."""
    place = folder / "source"
    place.mkdir()
    (place / "fargate_constructs").symlink_to(ROOT / "fargate_constructs")
    return place


def test_the_wheel_holds_types_and_licence(wheel: Path, tmp_path: Path) -> None:
    """Type checkers, lawyers and the extras find what they look for, and bytecode stays at home."""
    run(sys.executable, "-m", "zipfile", "-e", wheel, tmp_path, cwd=tmp_path)

    assert (tmp_path / "fargate_constructs" / "py.typed").exists()
    assert list(tmp_path.glob("*.dist-info/licenses/LICENSE"))
    (metadata,) = tmp_path.glob("*.dist-info/METADATA")
    assert "Requires-Dist: cdk-nag<4,>=3.0.2; extra == 'nag'" in metadata.read_text()
    assert "Requires-Dist: cfn-lint<2,>=1.58; extra == 'testing'" in metadata.read_text()
    assert not list(tmp_path.rglob("__pycache__"))
