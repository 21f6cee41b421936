"""Synthesizes an app; returns the templates of a stack or of all stacks."""

import json
from pathlib import Path
from typing import Any

from aws_cdk import Stack, Stage
from aws_cdk.cx_api import CloudAssembly
from constructs import IConstruct

from fargate_constructs.synthesized.template_files import read_templates
from fargate_constructs.synthesized.templates import Templates


def synthesized(stack: Stack) -> CloudAssembly:
    """Return the assembly that a stack is in."""
    stage = Stage.of(stack)
    assert stage is not None, "CDK gives a stack without an app one"
    return stage.synth()


def template_of(stack: Stack, assembly: CloudAssembly | None = None) -> dict[str, Any]:
    """Return a stack's template as it was written."""
    directory = Path((assembly or synthesized(stack)).directory)
    template: dict[str, Any] = json.loads((directory / stack.template_file).read_text(encoding="utf-8"))
    return template


def app_templates(scope: IConstruct) -> Templates:
    """Return the templates of the whole app that a construct is in."""
    app = scope.node.root
    assert isinstance(app, Stage), "CDK gives a stack without an app one"
    stacks = app.synth().stacks_recursively
    return read_templates(app, {each.hierarchical_id: Path(each.template_full_path) for each in stacks})
