"""The public names."""

import ast
import copy
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path
from unittest import mock

import pytest
from aws_cdk.aws_sqs import Queue

import fargate_constructs
from fargate_constructs._core.lazy_cdk import aws_sqs
from fargate_constructs._core.lazy_imports import names_in_stub
from fargate_constructs.cli.command_line import COMMANDS

PACKAGE = Path(fargate_constructs.__file__).parent


def test_all_is_sorted_and_complete() -> None:
    """`__all__` lists what the package's front offers, in order."""
    assert vars(fargate_constructs)["__all__"] == sorted(vars(fargate_constructs)["__all__"])
    assert all(hasattr(fargate_constructs, name) for name in vars(fargate_constructs)["__all__"])


def test_what_the_front_offers_is_listed() -> None:
    """`dir()` lists each name before its first use. Other names are refused."""
    assert set(vars(fargate_constructs)["__all__"]) <= set(dir(fargate_constructs))
    with pytest.raises(AttributeError, match="module 'fargate_constructs' has no attribute 'FargateServices'"):
        _ = fargate_constructs.FargateServices  # type: ignore[attr-defined]


def test_only_what_is_asked_for_is_loaded() -> None:
    """A service, an endpoint and a network load no CDK module that they rarely need, and ask Node.js for nothing."""
    script = """
import sys
import zipfile
from jsii._kernel.providers.process import _NodeProcess
send, asked = _NodeProcess.send, []
_NodeProcess.send = lambda self, request, answer: (asked.append(type(request).__name__), send(self, request, answer))[1]
from fargate_constructs import FargateService, FixedEgressNetwork, HttpEndpoint
print(*sys.modules, *asked)
"""
    loaded = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split()
    rare = (
        "athena",
        "cloudfront",
        "cloudwatch",
        "cognito",
        "efs",
        "globalaccelerator",
        "glue",
        "lambda",
        "route53",
        "s3",
        "ssm",
        "wafv2",
    )

    assert "aws_cdk.aws_ecs" in loaded
    assert not {f"aws_cdk.aws_{name}" for name in rare} & {*loaded}
    assert {name for name in loaded if name.endswith("Request")} == {"LoadRequest"}


def test_without_node_a_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """What jsii would say is a page that names no remedy."""
    get, _, _ = names_in_stub("fargate_constructs")
    monkeypatch.setenv("JSII_NODE", "/no/such/node")
    monkeypatch.delitem(sys.modules, "jsii")

    with pytest.raises(
        ImportError, match=r"needs Node.js 22 or newer on the PATH, got none by the name '/no/such/node'"
    ):
        get("Scaling")


def test_a_package_without_its_stub_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Tools that bundle code may leave out files that are not code. In a zip file the stub is found."""
    monkeypatch.syspath_prepend(str(tmp_path / "bundle.zip"))
    with zipfile.ZipFile(tmp_path / "bundle.zip", "w") as bundle:
        for name in ("without_stub/__init__.py", "with_stub/__init__.py", "with_stub/__init__.pyi"):
            bundle.writestr(name, "from .a import B as B" if name.endswith("i") else "")

    assert names_in_stub("with_stub")[2] == ["B"]
    with pytest.raises(ImportError, match=r"without_stub lists its names in __init__.pyi, .* keep its .pyi files"):
        names_in_stub("without_stub")


def test_a_lazy_module_is_like_the_module() -> None:
    """It can be copied, and a name that a test replaces for a while is back afterwards."""
    assert copy.deepcopy(aws_sqs).Queue is Queue
    with mock.patch("aws_cdk.aws_sqs.Queue", None):
        assert aws_sqs.Queue is None
    assert aws_sqs.Queue is Queue


# What each folder may import of the package beside itself: data flows in the order of the parts, imports run one way.
# CONTRIBUTING.md says the same to people.
MAY_IMPORT = {
    "_core": [],
    "synthesized": ["_core"],
    "network": ["_core", "synthesized"],
    "service": ["_core", "synthesized", "network.network"],
    "endpoint": ["_core", "synthesized", "network.network", "network.elastic_ip_pool"],
    "logs": ["_core", "synthesized"],
    "disposable": ["_core", "synthesized"],
    "testing": ["_core", "synthesized"],
    "caveats": ["_core", "synthesized"],
    "adoption": ["_core", "synthesized"],
    "costs": ["_core", "synthesized"],
    "drawing": ["_core", "synthesized"],
    "cli": [
        "_core",
        "synthesized",
        "adoption",
        "caveats",
        "costs",
        "drawing",
        "logs.backfill",
        "logs.lambdas.shipper.envelope",
    ],
    "__main__": ["cli"],
    "proof_app": ["disposable", "network", "service", "endpoint", "logs"],
    "monitoring": ["_core", "network", "endpoint", "service", "logs"],
    "web_service": ["_core", "network", "service", "endpoint", "logs"],
}


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_imports_run_one_way(folder: str) -> None:
    """Each folder imports only folders below it."""
    files = [PACKAGE / f"{folder}.py"] if (PACKAGE / f"{folder}.py").exists() else (PACKAGE / folder).rglob("*.py")
    imported = {
        node.module.removeprefix("fargate_constructs.")
        for path in files
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("fargate_constructs")
    }
    allowed = tuple(f"{each}." for each in (folder, *MAY_IMPORT[folder]))

    assert [module for module in sorted(imported) if not f"{module}.".startswith(allowed)] == []


def test_each_folder_is_listed() -> None:
    """A new folder at the top of the package says what it may import."""
    folders = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}

    assert folders - {"__init__"} == MAY_IMPORT.keys()


def test_no_module_name_occurs_twice() -> None:
    """A file is found by its name; only an entry has the name that Lambda, Python or the command line expects."""
    entries = {"__init__", "__main__", "handler"}
    commands = {PACKAGE / "cli" / f"{name.replace('-', '_')}.py" for name in COMMANDS}
    names = Counter(path.stem for path in PACKAGE.rglob("*.py") if path.stem not in entries and path not in commands)

    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize(
    "module",
    sorted(module for handler in PACKAGE.glob("*/lambdas/*/handler.py") for module in handler.parent.glob("*.py")),
    ids=lambda module: str(module.relative_to(PACKAGE)),
)
def test_the_code_of_a_function_imports_nothing_of_the_package(module: Path) -> None:
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
