"""What mypy reads of CDK."""

import re
import tomllib
from pathlib import Path

import aws_cdk

IMPORT = re.compile(r"^\s*from (aws_cdk[\w.]*) import (\([^)]*\)|.+)", re.MULTILINE)
FOLDERS = ("fargate_constructs", "tests", "benchmarks", "examples", "tools")


def test_mypy_reads_each_module_of_cdk_that_is_used() -> None:
    """It would accept any call of a module that pyproject.toml does not name."""
    overrides = tomllib.loads(Path("pyproject.toml").read_text())["tool"]["mypy"]["overrides"]
    (read,) = (each["module"] for each in overrides if each.get("follow_imports") == "normal")
    files = [Path("app.py"), *(file for folder in FOLDERS for file in Path(folder).rglob("*.py*"))]
    imports = {found for file in files if file.suffix in {".py", ".pyi"} for found in IMPORT.findall(file.read_text())}
    names = {f"{package}.{name}" for package, names in imports for name in re.findall(r"\w+", names)}
    modules = {name for name in names if Path(*aws_cdk.__path__, *name.split(".")[1:], "__init__.py").exists()}

    assert "aws_cdk.aws_ecs" in modules
    assert modules - {each.removesuffix(".*") for each in read} <= {"aws_cdk.aws_s3.mixins"}  # of aws_s3.*
