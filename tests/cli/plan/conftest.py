"""Apps for the tests of `fargate-constructs plan`."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.runner import Run, runner


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command in a folder with an app, whose stack `Shop` has some resources, and `Blog`, too."""
    monkeypatch.chdir(tmp_path)
    plan = runner("plan")

    def function(resources: dict[str, Any], *arguments: str, stacks: int = 1) -> tuple[int, str, str]:
        (tmp_path / "cdk.out").mkdir(exist_ok=True)
        artifacts = {}
        for name in ["Shop", "Blog"][:stacks]:
            file = f"{name}.template.json"
            (tmp_path / "cdk.out" / file).write_text(json.dumps({"Resources": resources}))
            artifacts[name] = {"type": "aws:cloudformation:stack", "properties": {"templateFile": file}}
        (tmp_path / "cdk.out" / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
        return plan(*arguments)

    return function


def old(resources: dict[str, Any], **more: Any) -> str:  # noqa: ANN401 - parts of a template
    """Return a file of what is deployed."""
    Path("old.json").write_text(json.dumps({"Resources": resources, **more}))
    return "old.json"
