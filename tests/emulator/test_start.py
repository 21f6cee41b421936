"""The commands of docs/start.md, in their order, with the real CDK CLI on a local AWS."""

import os
import re
import subprocess
import sysconfig
from pathlib import Path

import pytest

from tests.emulator.emulator import ROOT, Emulator

PAGE = (ROOT / "docs/start.md").read_text().partition("## What next")[0]
# What is not run: set-up, which `make` does here; a container, which the emulator has not; a request from outside.
LEFT_OUT = re.compile(r"mkdir|python3 -m venv|pip|npm|curl|npx cdk bootstrap|fargate-constructs shell")
# Step 6 writes an image that does not exist, and the emulator pulls none.
STEPS = [step for step in re.split(r"^## ", PAGE, flags=re.MULTILINE) if not step.startswith("6.")]


def blocks(text: str, language: str) -> list[str]:
    """Return the blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.long
def test_the_steps(aws: Emulator, tmp_path: Path) -> None:
    """Each command of the page succeeds, and a destroy leaves no stack."""
    (program,) = blocks(PAGE, "python")
    (settings,) = blocks(PAGE, "json")
    (tmp_path / "app.py").write_text(program)
    (tmp_path / "cdk.json").write_text(settings)
    aws.bootstrap()
    path = os.pathsep.join([sysconfig.get_path("scripts"), str(ROOT / "node_modules/.bin"), os.environ["PATH"]])
    environment = {**os.environ, **aws.environment, "PATH": path, "PYTHONPATH": str(ROOT), "CI": "true"}
    lines = [
        line.partition("#")[0].strip() for step in STEPS for block in blocks(step, "sh") for line in block.splitlines()
    ]
    commands = [line for line in lines if line and not LEFT_OUT.match(line)]

    outputs = {}
    for command in commands:
        words = command.replace("npx cdk deploy", "cdk deploy --require-approval never")
        words = words.replace("npx cdk destroy", "cdk destroy --force").replace("npx ", "")
        words = words.replace("fargate-constructs", "python -m fargate_constructs")
        done = subprocess.run(words.split(), cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        outputs[command] = done.stdout
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"

    assert len(commands) > 4
    assert "Shop/Web" in outputs["fargate-constructs status Shop/Web"]
    stacks = aws.client("cloudformation").describe_stacks()["Stacks"]
    assert "Shop" not in {each["StackName"] for each in stacks if each["StackStatus"] != "DELETE_COMPLETE"}
