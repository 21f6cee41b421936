"""The archive in each of its modes, made and synthesized once for all tests of a process that only read it.

```
tests/modes/archive.py ──> [stack_of, archive_of, template_of] ──> tests
```
"""

from functools import cache
from typing import Any

from aws_cdk import App, Stack, Stage
from aws_cdk.assertions import Template

from fargate_constructs import LogArchive
from tests.modes.archive import MODES


@cache
def stack_of(mode: str) -> Stack:
    """Return a mode's stack; not to be changed."""
    stage = Stage(App(), "Mode")  # so named in each mode, so that templates can be compared
    MODES[mode](stage)
    stack = stage.node.find_child("Test")
    assert isinstance(stack, Stack)
    return stack


def archive_of(mode: str) -> LogArchive:
    """Return a mode's archive; not to be changed."""
    archive = stack_of(mode).node.find_child("LogArchive")
    assert isinstance(archive, LogArchive)
    return archive


@cache
def template_of(mode: str) -> Template:
    """Return a mode's template."""
    return Template.from_stack(stack_of(mode))


def resources(template: Template, type_: str) -> dict[str, dict[str, Any]]:
    """Return the properties of all resources of a type, by logical ID."""
    found = template.find_resources(type_)
    return {logical_id: dict(each.get("Properties", {})) for logical_id, each in found.items()}


def statements(template: Template, name: str) -> list[dict[str, Any]]:
    """Return the statements of the policies whose name begins so, each action in a list."""
    return [
        statement | {"Action": [action] if isinstance(action := statement["Action"], str) else action}
        for policy in resources(template, "AWS::IAM::Policy").values()
        if str(policy["PolicyName"]).startswith(name)
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def environment(template: Template, handler: str) -> dict[str, Any]:
    """Return the environment variables of the function with a handler."""
    (function,) = (each for each in resources(template, "AWS::Lambda::Function").values() if each["Handler"] == handler)
    variables: dict[str, Any] = function["Environment"]["Variables"]
    return variables
