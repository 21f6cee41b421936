"""Reads the template files and metadata that CDK wrote; returns the template of each stack."""

import json
from collections.abc import Iterator, Mapping
from functools import reduce
from pathlib import Path
from typing import Any, NamedTuple, cast

from aws_cdk import CfnElement, Stack
from constructs import IConstruct


class Source(NamedTuple):
    """A stack's template, as it was read."""

    stack: Stack
    template: Mapping[str, Any]
    metadata: Mapping[str, list[dict[str, Any]]] = {}
    """What CDK keeps of the constructs above, at and below the stack, by their paths."""


def element_paths(stack: Stack) -> dict[str, str]:
    """Return the construct path of each logical ID of a stack, as its constructs say."""
    elements = [each for each in stack.node.find_all() if isinstance(each, CfnElement) and each.stack is stack]
    logical_ids = stack.resolve([each.logical_id for each in elements])
    return dict(zip(logical_ids, (each.node.path for each in elements), strict=True))


def read_sources(root: IConstruct, path: str, file: Path) -> Iterator[Source]:
    """Yield the template of a stack, and those of the stacks nested in it."""
    stack = cast(Stack, _construct(root, path))
    template = _load(file)
    above = {
        each.node.path: [{"type": entry.type, "data": entry.data} for entry in each.node.metadata]
        for each in stack.node.scopes[:-1]
    }
    yield Source(stack, template, above | _metadata(file))
    resources = filter(is_resource, template.get("Resources", {}).values())
    if any(each["Type"] == "AWS::CloudFormation::Stack" for each in resources):
        read = {stack}
        for each in stack.node.find_all():
            # isinstance would ask each of the thousands of subclasses, for jsii classes are abstract ones.
            nested = cast(Stack, each)
            if Stack in type(each).__mro__ and nested.nested_stack_parent in read:
                read.add(nested)
                yield Source(nested, _load(file.with_name(nested.template_file)))


def _metadata(file: Path) -> dict[str, list[dict[str, Any]]]:
    """Return what CDK wrote beside a template of the constructs that it was made by."""
    artifacts = _load(file.with_name("manifest.json"))["artifacts"].values()
    stack: dict[str, Any]
    stack = next((each for each in artifacts if each.get("properties", {}).get("templateFile") == file.name), {})
    beside = stack.get("additionalMetadataFile")
    metadata = _load(file.with_name(beside)) if beside else stack.get("metadata", {})
    return {path.removeprefix("/"): entries for path, entries in metadata.items()}


def _load(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content


def _construct(root: IConstruct, path: str) -> IConstruct:
    """Return the construct at a path."""
    return reduce(lambda construct, id_: construct.node.find_child(id_), filter(None, path.split("/")), root)


def is_resource(value: Any) -> bool:  # noqa: ANN401 - a piece of a template
    """Whether an entry of `Resources` is a resource, and not a macro."""
    return isinstance(value, dict) and isinstance(value.get("Type"), str)
