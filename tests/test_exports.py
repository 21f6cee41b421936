"""The public names."""

import ast
from pathlib import Path

import pytest

import fargate_constructs

PARTS = ("network", "endpoint", "service", "logs")
PACKAGE = Path(fargate_constructs.__file__).parent


def test_all_is_sorted_and_complete() -> None:
    """`__all__` lists what the package's front offers, in order."""
    assert fargate_constructs.__all__ == sorted(fargate_constructs.__all__)
    assert all(hasattr(fargate_constructs, name) for name in fargate_constructs.__all__)


@pytest.mark.parametrize("part", PARTS)
def test_parts_do_not_know_each_other(part: str) -> None:
    """A part imports no other part but for the network's narrow type; only `web_service` knows all four."""
    imported = {
        node.module
        for path in (PACKAGE / part).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("fargate_constructs.")
    }
    foreign = {module for module in imported for other in PARTS if other != part and module.split(".")[1] == other}

    assert foreign <= {"fargate_constructs.network"}


@pytest.mark.parametrize("folder", ["log_groups", "merger", "shipper"])
def test_a_lambda_stands_alone(folder: str) -> None:
    """Its code needs nothing but the standard library and the runtime's boto3."""
    tree = ast.parse((PACKAGE / "logs" / folder / "handler.py").read_text())
    modules = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }

    assert not modules & {"aws_cdk", "constructs", "fargate_constructs"}
