"""Reads the template files and metadata that CDK wrote; returns the template of each stack."""

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any, cast

from aws_cdk import CfnElement, IPolicyValidationContext, Stack, Stage
from constructs import IConstruct

from fargate_constructs._core.argument_types import member
from fargate_constructs._core.construct_paths import node_of, parent_of, path_of, root_of
from fargate_constructs._core.unresolved import is_unresolved
from fargate_constructs.synthesized.template_source import Source, StackFacts, is_resource
from fargate_constructs.synthesized.templates import LOGICAL_ID, Templates


def read_templates(app: IConstruct, files: Mapping[str, Path]) -> Templates:
    """Read an app's templates.

    Templates that are deployed from elsewhere, such as a Service Catalog product's, are left out.
    """
    return Templates(source for path, file in files.items() for source in read_sources(root_of(app), path, file))


def validated_templates(context: IPolicyValidationContext) -> Templates:
    """Read the templates that CDK passes to a validation plugin."""
    files = {each.stack_construct_path: Path(each.template_path) for each in member(context, "stack_templates")}
    return read_templates(member(context, "app_construct"), files)


def source_of(
    stack: Stack, template: Mapping[str, Any], metadata: Mapping[str, list[dict[str, Any]]] | None = None
) -> Source:
    """Return a stack's template, with what the stack knows of itself."""
    parent, stage, name = parent_of(stack), Stage.of(stack), stack.stack_name
    resource = stack.nested_stack_resource if parent else None
    facts = StackFacts(
        path_of(stack),
        "" if is_unresolved(name) else name,
        stack.environment,
        path_of(stage) if stage else "",
        parent,
        parent.resolve(resource.logical_id) if parent and resource else "",
        partial(element_paths, stack),
    )
    return Source(stack, template, facts, metadata or {})


def paths_in(metadata: Mapping[str, list[dict[str, Any]]]) -> dict[str, str]:
    """Return the construct path of each logical ID, as CDK wrote it; none if two constructs have the same ID."""
    ids = [(each["data"], path) for path, entries in metadata.items() for each in entries if each["type"] == LOGICAL_ID]
    paths = dict(ids)
    return paths if len(paths) == len(ids) else {}


def element_paths(stack: Stack) -> dict[str, str]:
    """Return the construct path of each logical ID of a stack. Node.js is asked four times for each construct."""
    elements = [each for each in stack.node.find_all() if isinstance(each, CfnElement) and each.stack is stack]
    logical_ids = stack.resolve([each.logical_id for each in elements])
    return dict(zip(logical_ids, (each.node.path for each in elements), strict=True))


def read_sources(root: IConstruct, path: str, file: Path) -> Iterator[Source]:
    """Yield the template of a stack, and those of the stacks nested in it."""
    *scopes, stack = cast(list[Stack], _constructs(root, path))
    template = _load(file)
    above = {
        path_of(each): [{"type": entry.type, "data": entry.data} for entry in node_of(each).metadata] for each in scopes
    }
    yield source_of(stack, template, above | metadata_beside(file))
    resources = filter(is_resource, template.get("Resources", {}).values())
    if any(each["Type"] == "AWS::CloudFormation::Stack" for each in resources):
        read = {stack}
        for each in stack.node.find_all():
            # isinstance would ask each of the thousands of subclasses, for jsii classes are abstract ones.
            nested = cast(Stack, each)
            if Stack in type(each).__mro__ and nested.nested_stack_parent in read:
                read.add(nested)
                yield source_of(nested, _load(file.with_name(nested.template_file)))


def metadata_beside(file: Path) -> dict[str, list[dict[str, Any]]]:
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


def _constructs(root: IConstruct, path: str) -> Iterable[IConstruct]:
    """Return the construct at a path, after all that it is in."""
    return accumulate(filter(None, path.split("/")), lambda above, id_: node_of(above).find_child(id_), initial=root)
