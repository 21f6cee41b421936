"""The public names."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import fargate_constructs
from fargate_constructs.on_demand import on_demand

PARTS = ("network", "endpoint", "service", "logs")
PACKAGE = Path(fargate_constructs.__file__).parent


def test_all_is_sorted_and_complete() -> None:
    """`__all__` lists what the package's front offers, in order."""
    assert fargate_constructs.__all__ == sorted(fargate_constructs.__all__)
    assert all(hasattr(fargate_constructs, name) for name in fargate_constructs.__all__)


def test_what_the_front_offers_is_listed() -> None:
    """`dir()` knows each name before anybody asks for it; no other name is taken for one."""
    assert set(fargate_constructs.__all__) <= set(dir(fargate_constructs))
    with pytest.raises(AttributeError, match="module 'fargate_constructs' has no attribute 'FargateServices'"):
        _ = fargate_constructs.FargateServices  # type: ignore[attr-defined]


def test_only_what_is_asked_for_is_loaded() -> None:
    """A service and an endpoint alone need no CDK module of what they do not use."""
    script = "import sys; from fargate_constructs import FargateService, HttpEndpoint; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split()

    assert "aws_cdk.aws_ecs" in loaded
    assert not {f"aws_cdk.aws_{name}" for name in ("glue", "athena", "cloudfront", "globalaccelerator")} & {*loaded}


def test_without_node_a_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """What jsii would say is a page that names no remedy."""
    get, _ = on_demand("fargate_constructs", {"Scaling": "service"})
    monkeypatch.setenv("JSII_NODE", "/no/such/node")
    monkeypatch.delitem(sys.modules, "jsii")

    with pytest.raises(
        ImportError, match=r"needs Node.js 22 or newer on the PATH, got none by the name '/no/such/node'"
    ):
        get("Scaling")


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


@pytest.mark.parametrize(
    "module",
    sorted(module for handler in PACKAGE.glob("*/*/handler.py") for module in handler.parent.glob("*.py")),
    ids=lambda module: str(module.relative_to(PACKAGE)),
)
def test_a_lambdas_code_stands_alone(module: Path) -> None:
    """It needs nothing but the standard library and the runtime's boto3."""
    modules = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(module.read_text()))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }

    assert not modules & {"aws_cdk", "constructs", "fargate_constructs"}
