"""What mypy reads of CDK."""

import re
import tomllib
from pathlib import Path

import aws_cdk
import pytest

IMPORT = re.compile(r"^\s*from (aws_cdk[\w.]*) import (\([^)]*\)|.+)", re.MULTILINE)
DOTTED = re.compile(r"\b(?:aws_cdk|cdk)((?:\.\w+)+)")
FOLDERS = ("fargate_constructs", "tests", "benchmarks", "examples", "tools")


def modules_in(code: str) -> set[str]:
    """Return the modules of CDK that code names, in imports or as attributes."""
    dotted = {f"aws_cdk{name}" for name in DOTTED.findall(code)}
    imported = {f"{package}.{name}" for package, names in IMPORT.findall(code) for name in re.findall(r"\w+", names)}
    parts = [name.split(".")[1:] for name in dotted | imported]
    names = {".".join(each[:count]) for each in parts for count in range(1, len(each) + 1)}
    return {f"aws_cdk.{each}" for each in names if Path(*aws_cdk.__path__, *each.split("."), "__init__.py").exists()}


def test_mypy_reads_each_module_of_cdk_that_is_used() -> None:
    """It would accept any call of a module that pyproject.toml does not name."""
    overrides = tomllib.loads(Path("pyproject.toml").read_text())["tool"]["mypy"]["overrides"]
    (read,) = (each["module"] for each in overrides if each.get("follow_imports") == "normal")
    files = [Path("app.py"), *(file for folder in FOLDERS for file in Path(folder).rglob("*.py*"))]
    texts = [file.read_text() for file in files if file.suffix in {".py", ".pyi"} and file.name != Path(__file__).name]
    modules = set[str]().union(*map(modules_in, texts))

    assert "aws_cdk.aws_ecs" in modules
    assert modules - {each.removesuffix(".*") for each in read} <= {"aws_cdk.aws_s3.mixins"}  # of aws_s3.*


@pytest.mark.parametrize(
    "code",
    [
        "from aws_cdk import App, aws_chatbot as chatbot",
        "from aws_cdk import (\n    App,\n    aws_chatbot,\n)",
        "from aws_cdk.aws_chatbot import SlackChannelConfiguration",
        "import aws_cdk.aws_chatbot as chatbot",
        "import aws_cdk as cdk\n\ncdk.aws_chatbot.SlackChannelConfiguration()",
    ],
)
def test_each_way_to_use_a_module_of_cdk_is_seen(code: str) -> None:
    """Mypy would say nothing of these calls."""
    assert "aws_cdk.aws_chatbot" in modules_in(code)
