"""`fargate-constructs plan` asks a local AWS for what is deployed."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.emulator.emulator import Emulator

ROOT = Path(__file__).parents[2]
YAML = """
Resources:
  Jobs:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: !Sub "${AWS::StackName}-jobs"
"""
QUEUE: dict[str, Any] = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::Sub": "${AWS::StackName}-jobs"}}}


def plan(aws: Emulator, app: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command as a person does, without a terminal."""
    command = [sys.executable, "-m", "fargate_constructs", "plan", "--app", str(app), *arguments]
    environment = {**os.environ, **aws.environment}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def write(folder: Path, **resources: dict[str, Any]) -> Path:
    """Write an app with the stack `Shop`."""
    (folder / "Shop.template.json").write_text(json.dumps({"Resources": resources}))
    artifact = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "Shop.template.json"}}
    (folder / "manifest.json").write_text(json.dumps({"artifacts": {"Shop": artifact}}))
    return folder


def test_the_plan_of_a_deployed_stack(aws: Emulator, tmp_path: Path) -> None:
    """What stays, what is replaced, and a stack that is not there; the template is YAML."""
    app = write(tmp_path, Jobs=QUEUE)
    missing = plan(aws, app, "--region", "us-east-1")
    assert missing.returncode == 2
    assert missing.stderr.startswith(
        "Error: the stack Shop is not deployed in us-east-1; correct --profile or --region"
    )

    cloudformation = aws.client("cloudformation")
    cloudformation.create_stack(StackName="Shop", TemplateBody=YAML)
    waiter = {"Delay": 0.1, "MaxAttempts": 600}
    cloudformation.get_waiter("stack_create_complete").wait(StackName="Shop", WaiterConfig=waiter)

    same = plan(aws, app)
    assert same.returncode == 0, same.stderr
    assert same.stdout.startswith("Shop: no findings\n\n1 stay as they are.\n")
    moved = plan(aws, write(tmp_path, Moved=QUEUE), "--refactor", str(tmp_path / "mapping.json"))
    assert moved.returncode == 1
    assert moved.stdout.startswith(
        "Shop: 1 finding\n\nMoved (AWS::SQS::Queue Jobs)\n    is Jobs with another logical ID"
    )
    (environment,) = json.loads((tmp_path / "mapping.json").read_text())["environments"]
    assert environment == {"account": "123456789012", "region": "us-east-1", "resources": {"Shop.Jobs": "Shop.Moved"}}
