"""Reads what a test compares: a stack, a template or a template file; returns it in a form in which two compare."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aws_cdk import Stack

from fargate_constructs.synthesized.assembly import synthesized, template_of
from fargate_constructs.synthesized.comparable_template import (
    HOW_TO_GET,
    ComparableTemplate,
    Parameters,
    TemplateTree,
    comparable,
    read_tree,
)
from fargate_constructs.synthesized.template_files import element_paths, metadata_beside, paths_in

Template = Mapping[str, object]
HOW_TO_WRITE = "write lasting_resources(stack) to it as JSON after a deployment: docs/testing.md has pin.py"


def read_comparable_template(source: Stack | Template | Path | str, name: str) -> ComparableTemplate:
    """Return the resources of a stack, of a template or of a file; those of a stack with their construct paths.

    Args:
        source: A stack, a template, or the JSON file of one.
        name: The argument's name, for messages.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a template, or one that macros or a `Fn::ForEach` have yet to complete.
    """
    if isinstance(source, Stack):
        return _read_stack(source)
    return comparable(TemplateTree(dict(source) if isinstance(source, Mapping) else _load(source, name)), name)


def _read_stack(stack: Stack) -> ComparableTemplate:
    """Return the resources of a stack; those of a nested stack with the values that its parent gives it."""
    read = read_tree(_tree(stack), parameters=_parameters(stack))
    return ComparableTemplate(read.resources(), exports=read.exports())


def _parameters(stack: Stack) -> Parameters | None:
    parent, resource = stack.nested_stack_parent, stack.nested_stack_resource
    if not (parent and resource):
        return None
    return read_tree(_tree(parent), "../", _parameters(parent)).nested[parent.resolve(resource.logical_id)].parameters


def _tree(stack: Stack) -> TemplateTree:
    """Return a stack's template, and those of the stacks nested in it."""
    assembly = synthesized(stack)
    template = template_of(stack, assembly)
    paths = paths_in(metadata_beside(Path(assembly.directory, stack.template_file)))
    resources = template.setdefault("Resources", {})
    if not paths.keys() >= resources.keys():  # such as those of a nested stack
        paths = element_paths(stack)
    nested = {}
    if any(each["Type"] == "AWS::CloudFormation::Stack" for each in resources.values()):
        for child in stack.node.find_all():
            if isinstance(child, Stack) and child.nested_stack_parent is stack and child.nested_stack_resource:
                nested[stack.resolve(child.nested_stack_resource.logical_id)] = _tree(child)
    return TemplateTree(template, {each: paths.get(each, each) for each in resources}, nested)


def _load(file: Path | str, name: str) -> dict[str, Any]:
    try:
        match json.loads(Path(file).read_text(encoding="utf-8")):
            case dict() as template:
                return template
        problem = "it is no object"
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"{name} must be the file of a template in JSON, got none at {Path(file).absolute()}; {HOW_TO_WRITE}"
        ) from error
    except IsADirectoryError:
        problem = "it is a folder"
    except ValueError as error:  # no JSON, or no UTF-8
        problem = str(error)
    raise ValueError(f"{name} must be the file of a template in JSON, got {file}: {problem}; {HOW_TO_GET}")
