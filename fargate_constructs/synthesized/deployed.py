"""What is deployed, or would be: the resources of a stack, of a template, or of a file.

```
stack, template, file ──> [resources, conditions and mappings put in] ──> assert_no_replacement
```
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from aws_cdk import Stack

from fargate_constructs.synthesized.assembly import template_of
from fargate_constructs.synthesized.intrinsics import pieces
from fargate_constructs.synthesized.templates import element_paths

Template = Mapping[str, object]
PATH = "aws:cdk:path"
SEEN = "fargate-constructs:create-only"
WRITTEN = "write it when the stack has been deployed, as JSON of lasting_resources(stack): docs/testing.md has pin.py"
PROCESSED = "take it by `aws cloudformation get-template --template-stage Processed`, or from cdk.out"


class Deployed(NamedTuple):
    """What is compared of a template, and of those nested in it."""

    resources: dict[str, Any]
    """By logical ID; those of a nested stack after its own ID and `/`."""
    seen: Mapping[str, Sequence[str]] = {}
    """By type, the create-only properties that a pin was made of; of what is not a pin, nothing."""


def read_deployed(source: Stack | Template | Path | str, name: str) -> Deployed:
    """Return what is deployed by a template, with construct paths if it is a stack's, and with its nested stacks.

    In the place of a condition's name stands what the condition says, in that of a literal `Fn::FindInMap` what it
    finds, and in that of a nested stack's parameters and outputs what they are given: else a change of either would not
    show. A text is the same however it is put together.

    Args:
        source: A stack, a template, or the JSON file of one.
        name: How the source is called if it is refused.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a template, or one that macros or a `Fn::ForEach` have yet to complete.
    """
    if isinstance(source, Stack):
        return Deployed(_of_stack(source).resources())
    template: dict[str, Any] = dict(source) if isinstance(source, Mapping) else _load(source, name)
    match template.get("Resources"):
        case Mapping() as resources:
            pass
        case _:
            raise ValueError(f"{name} must be a template with Resources, got one with: {', '.join(template)}")
    odd = [key for key, each in resources.items() if not isinstance(each, Mapping) or "Type" not in each]
    if odd:
        raise ValueError(
            f"{name} must be a template that is complete, got Resources with {', '.join(odd)}; {PROCESSED}"
        )
    return Deployed(_Written(template).resources(), template.get("Metadata", {}).get(SEEN, {}))


def references(value: object) -> Iterator[str]:
    """Yield the logical IDs that a piece of what is deployed refers to."""
    match value:
        case {"Ref": name} | {"Fn::GetAtt": [name, *_]}:
            yield name
    if isinstance(value, (Mapping, list)):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from references(each)


class _Written:
    """A template in the terms of the stack that it is nested in, or in its own.

    Args:
        template: The template.
        prefix: What its logical IDs begin with there.
        given: The parameters that it is given, and the template in which each stands.
    """

    def __init__(self, template: Mapping[str, Any], prefix: str = "", given: "Given | None" = None) -> None:
        self.template = template
        self.prefix = prefix
        self.nested: dict[str, _Written] = {}
        self.given = given or {}

    def resources(self) -> dict[str, Any]:
        """Return the resources, and those of the nested stacks."""
        template = self.template
        own = {
            f"{self.prefix}{key}": self.value(_settled_resource(each, template))
            for key, each in template.get("Resources", {}).items()
        }
        return own | {key: each for nested in self.nested.values() for key, each in nested.resources().items()}

    def value(self, value: Any) -> Any:  # noqa: ANN401 - a piece of a template
        """Return a piece of the template in those terms."""
        match value:
            case {"Ref": str() as name}:
                value = {"Ref": f"{self.prefix}{name}" if name in self.template["Resources"] else name}
                if name in self.given:
                    outer, given = self.given[name]
                    value = outer.value(given)
            case {"Fn::GetAtt": [str() as name, str() as attribute]}:
                value = {"Fn::GetAtt": [f"{self.prefix}{name}", attribute]}
                if nested := self.nested.get(name):
                    output = nested.template.get("Outputs", {}).get(attribute.removeprefix("Outputs."), {})
                    value = nested.value(output.get("Value"))
            case {"Fn::Sub": _} | {"Fn::Join": [str(), list()]} | {"Fn::GetAtt": str()}:
                value = self._text(value)
            case Mapping():
                value = {key: self.value(each) for key, each in value.items()}
            case list():
                value = [self.value(each) for each in value]
        return value

    def _text(self, value: Any) -> Any:  # noqa: ANN401 - a piece of a template
        """Return a text that is put together, in as few pieces as there can be."""
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


Given = Mapping[str, tuple[_Written, Any]]


def _of_stack(stack: Stack, prefix: str = "", given: Given | None = None) -> _Written:
    """Return a stack's template with construct paths, and those nested in it."""
    parent, resource = stack.nested_stack_parent, stack.nested_stack_resource
    if parent and resource and given is None:  # it is compared alone, with what its parent gives it
        outer = _of_stack(parent, "../")
        given = outer.nested[parent.resolve(resource.logical_id)].given
    template, paths = template_of(stack), element_paths(stack)
    for logical_id, each in template.setdefault("Resources", {}).items():
        each["Metadata"] = {**each.get("Metadata", {}), PATH: paths.get(logical_id, logical_id)}
    written = _Written(template, prefix, given)
    if any(each["Type"] == "AWS::CloudFormation::Stack" for each in template["Resources"].values()):
        for child in stack.node.find_all():
            if isinstance(child, Stack) and child.nested_stack_parent is stack and child.nested_stack_resource:
                id_ = stack.resolve(child.nested_stack_resource.logical_id)
                parameters = template["Resources"][id_]["Properties"].get("Parameters", {})
                values = {key: (written, each) for key, each in parameters.items()}
                written.nested[id_] = _of_stack(child, f"{prefix}{id_}/", values)
    return written


def _load(file: Path | str, name: str) -> dict[str, Any]:
    try:
        match json.loads(Path(file).read_text(encoding="utf-8")):
            case dict() as template:
                return template
        problem = "it is no object"
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"{name} must be the file of a template in JSON, got none at {Path(file).absolute()}; {WRITTEN}"
        ) from error
    except json.JSONDecodeError as error:
        problem = str(error)
    raise ValueError(f"{name} must be the file of a template in JSON, got {file}: {problem}; {PROCESSED}")


def _settled_resource(resource: Mapping[str, Any], template: Mapping[str, Any]) -> dict[str, Any]:
    settled: dict[str, Any] = _settle(dict(resource), template)
    if isinstance(settled.get("Condition"), str):  # that of a pin has been put in
        settled["Condition"] = _condition(settled["Condition"], template)
    return settled


def _condition(name: str, template: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a piece of a template
    """Return what a condition says; within itself, which CloudFormation refuses, its name."""
    conditions = template.get("Conditions", {})
    others = {key: each for key, each in conditions.items() if key != name}
    return _settle(conditions.get(name, name), {**template, "Conditions": others})


def _settle(value: Any, template: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a piece of a template
    """Return a piece of a template with all put in that the template says elsewhere."""
    match value:
        case {"Fn::FindInMap": [str(map_), str(first), str(second)]}:
            return template.get("Mappings", {}).get(map_, {}).get(first, {}).get(second, value)
        case {"Condition": str(name), **rest} if not rest:
            return _condition(name, template)
        case {"Fn::If": [str(name), *branches]}:
            return {"Fn::If": [_condition(name, template), *_settle(branches, template)]}
        case Mapping():
            return {key: _settle(each, template) for key, each in value.items()}
        case list():
            return [_settle(each, template) for each in value]
    return value
