"""`fargate-constructs plan` asks a local AWS for what is deployed."""

import json
from pathlib import Path
from typing import Any

from tests.emulator.commands import run_here
from tests.emulator.emulator import Emulator
from tests.emulator.updates import CloudFormationStack

YAML = """
Resources:
  Jobs:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: !Sub "${AWS::StackName}-jobs"
"""
QUEUE: dict[str, Any] = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::Sub": "${AWS::StackName}-jobs"}}}


def write(folder: Path, **resources: dict[str, Any]) -> Path:
    """Write an app with the stack `Shop`."""
    (folder / "Shop.template.json").write_text(json.dumps({"Resources": resources}))
    artifact = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "Shop.template.json"}}
    (folder / "manifest.json").write_text(json.dumps({"artifacts": {"Shop": artifact}}))
    return folder


def test_the_plan_of_a_deployed_stack(aws: Emulator, tmp_path: Path) -> None:
    """What stays, what is replaced, and a stack that is not there; the template is YAML."""
    plan = ("plan", "--app", str(write(tmp_path, Jobs=QUEUE)))
    missing = run_here(aws, *plan, "--region", "us-east-1")
    assert missing.exit_code == 2
    assert missing.stderr.startswith(
        "Error: the stack Shop is not deployed in us-east-1; correct --profile or --region"
    )

    assert CloudFormationStack(aws, "Shop").deploy(TemplateBody=YAML) == "CREATE_COMPLETE"
    same = run_here(aws, *plan)
    assert same.exit_code == 0, same.stderr
    assert same.stdout.startswith("Shop: no findings\n\n1 stay as they are.\n")
    write(tmp_path, Moved=QUEUE)
    moved = run_here(aws, *plan, "--refactor", str(tmp_path / "mapping.json"))
    assert moved.exit_code == 1
    assert moved.stdout.startswith(
        "Shop: 1 finding\n\nMoved (AWS::SQS::Queue Jobs)\n    is Jobs with another logical ID"
    )
    (environment,) = json.loads((tmp_path / "mapping.json").read_text())["environments"]
    assert environment == {"account": "123456789012", "region": "us-east-1", "resources": {"Shop.Jobs": "Shop.Moved"}}
