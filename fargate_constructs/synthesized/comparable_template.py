"""Reads a stack, a template or a template file; returns its resources in a form in which two templates compare."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from aws_cdk import Stack

from fargate_constructs.synthesized.assembly import template_of
from fargate_constructs.synthesized.intrinsics import pieces
from fargate_constructs.synthesized.template_files import element_paths

Template = Mapping[str, object]
PATH_KEY = "aws:cdk:path"
CREATE_ONLY_KEY = "fargate-constructs:create-only"
HOW_TO_WRITE = "write lasting_resources(stack) to it as JSON after a deployment: docs/testing.md has pin.py"
HOW_TO_GET = "take it by `aws cloudformation get-template --template-stage Processed`, or from cdk.out"


class ComparableTemplate(NamedTuple):
    """The resources of a template, and of the stacks nested in it."""

    resources: dict[str, Any]
    """By logical ID; a nested stack's logical ID and `/` come before the IDs of its resources."""
    create_only: Mapping[str, Sequence[str]] = {}
    """By type, the create-only properties that a pin was made of; empty if the template is no pin."""


def read_comparable_template(source: Stack | Template | Path | str, name: str) -> ComparableTemplate:
    """Return the resources of a stack, of a template or of a file.

    A change must show in each place of the template. So the name of a condition is replaced by its expression, a
    literal `Fn::FindInMap` by its value, and the parameters and outputs of a nested stack by the parent's values. Texts
    that are put together in different ways are equal. A stack's resources have construct paths.

    Args:
        source: A stack, a template, or the JSON file of one.
        name: The argument's name, for messages.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a template, or one that macros or a `Fn::ForEach` have yet to complete.
    """
    if isinstance(source, Stack):
        return ComparableTemplate(_read_stack(source).resources())
    template: dict[str, Any] = dict(source) if isinstance(source, Mapping) else _load(source, name)
    match template.get("Resources"):
        case Mapping() as resources:
            pass
        case _:
            raise ValueError(f"{name} must be a template with Resources, got one with: {', '.join(template)}")
    incomplete = [key for key, each in resources.items() if not isinstance(each, Mapping) or "Type" not in each]
    if incomplete:
        raise ValueError(
            f"{name} must be a template that is complete, got Resources with {', '.join(incomplete)}; {HOW_TO_GET}"
        )
    create_only = template.get("Metadata", {}).get(CREATE_ONLY_KEY, {})
    return ComparableTemplate(_StackTemplate(template).resources(), create_only)


def references(value: object) -> Iterator[str]:
    """Yield the logical IDs that a value in a comparable template refers to."""
    match value:
        case {"Ref": name} | {"Fn::GetAtt": [name, *_]}:
            yield name
    if isinstance(value, (Mapping, list)):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from references(each)


class _StackTemplate:
    """The template of a stack, nested or not, with all references as its outermost parent would write them.

    Args:
        template: The template.
        prefix: The logical IDs of the stacks that it is nested in, each with `/`.
        parameters: The values of its parameters, each with the template that it is from.
    """

    def __init__(self, template: Mapping[str, Any], prefix: str = "", parameters: "Parameters | None" = None) -> None:
        self.template = template
        self.prefix = prefix
        self.nested: dict[str, _StackTemplate] = {}
        self.parameters = parameters or {}

    def resources(self) -> dict[str, Any]:
        """Return the resources, and those of the nested stacks."""
        template = self.template
        own = {
            f"{self.prefix}{key}": self.value(_inline_resource(each, template))
            for key, each in template.get("Resources", {}).items()
        }
        return own | {key: each for nested in self.nested.values() for key, each in nested.resources().items()}

    def value(self, value: Any) -> Any:  # noqa: ANN401 - a piece of a template
        """Return a value with its references as the outermost parent would write them."""
        match value:
            case {"Ref": str() as name} if name in self.parameters:
                parent, given = self.parameters[name]
                value = parent.value(given)
            case {"Ref": str() as name}:
                value = {"Ref": f"{self.prefix}{name}" if name in self.template["Resources"] else name}
            case {"Fn::GetAtt": [str() as name, str() as attribute]} if nested := self.nested.get(name):
                output = nested.template.get("Outputs", {}).get(attribute.removeprefix("Outputs."), {})
                value = nested.value(output.get("Value"))
            case {"Fn::GetAtt": [str() as name, str() as attribute]}:
                value = {"Fn::GetAtt": [f"{self.prefix}{name}", attribute]}
            case {"Fn::Sub": _} | {"Fn::Join": [str(), list()]} | {"Fn::GetAtt": str()}:
                value = self._text(value)
            case Mapping():
                value = {key: self.value(each) for key, each in value.items()}
            case list():
                value = [self.value(each) for each in value]
        return value

    def _text(self, value: Any) -> Any:  # noqa: ANN401 - a piece of a template
        """Return a text in as few pieces as possible."""
        merged: list[Any] = []
        for piece in pieces(value):
            each = piece if isinstance(piece, str) or piece == value else self.value(piece)
            for part in pieces(each):
                if merged and isinstance(merged[-1], str) and isinstance(part, str):
                    merged[-1] += part
                else:
                    merged.append(part)
        if len(merged) > 1:
            return {"Fn::Join": ["", merged]}
        return merged[0] if merged else ""


Parameters = Mapping[str, tuple[_StackTemplate, Any]]


def _read_stack(stack: Stack, prefix: str = "", parameters: Parameters | None = None) -> _StackTemplate:
    """Return a stack's template with construct paths, and those of the stacks nested in it."""
    parent, resource = stack.nested_stack_parent, stack.nested_stack_resource
    if parent and resource and parameters is None:  # a nested stack that is compared alone
        outer = _read_stack(parent, "../")
        parameters = outer.nested[parent.resolve(resource.logical_id)].parameters
    template, paths = template_of(stack), element_paths(stack)
    for logical_id, each in template.setdefault("Resources", {}).items():
        each["Metadata"] = {**each.get("Metadata", {}), PATH_KEY: paths.get(logical_id, logical_id)}
    read = _StackTemplate(template, prefix, parameters)
    if any(each["Type"] == "AWS::CloudFormation::Stack" for each in template["Resources"].values()):
        for child in stack.node.find_all():
            if isinstance(child, Stack) and child.nested_stack_parent is stack and child.nested_stack_resource:
                id_ = stack.resolve(child.nested_stack_resource.logical_id)
                values = template["Resources"][id_]["Properties"].get("Parameters", {})
                given = {key: (read, each) for key, each in values.items()}
                read.nested[id_] = _read_stack(child, f"{prefix}{id_}/", given)
    return read


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
    except json.JSONDecodeError as error:
        problem = str(error)
    raise ValueError(f"{name} must be the file of a template in JSON, got {file}: {problem}; {HOW_TO_GET}")


def _inline_resource(resource: Mapping[str, Any], template: Mapping[str, Any]) -> dict[str, Any]:
    inlined: dict[str, Any] = _inline(dict(resource), template)
    if isinstance(inlined.get("Condition"), str):  # a pin has the expression already
        inlined["Condition"] = _condition(inlined["Condition"], template)
    return inlined


def _condition(name: str, template: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a piece of a template
    """Return a condition's expression; its name if it refers to itself, which CloudFormation refuses."""
    conditions = template.get("Conditions", {})
    others = {key: each for key, each in conditions.items() if key != name}
    return _inline(conditions.get(name, name), {**template, "Conditions": others})


def _inline(value: Any, template: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a piece of a template
    """Return a value with the conditions and mappings of its template put in."""
    match value:
        case {"Fn::FindInMap": [str(map_), str(first), str(second)]}:
            return template.get("Mappings", {}).get(map_, {}).get(first, {}).get(second, value)
        case {"Condition": str(name), **rest} if not rest:
            return _condition(name, template)
        case {"Fn::If": [str(name), *branches]}:
            return {"Fn::If": [_condition(name, template), *_inline(branches, template)]}
        case Mapping():
            return {key: _inline(each, template) for key, each in value.items()}
        case list():
            return [_inline(each, template) for each in value]
    return value
