"""Reads a template; returns its resources in a form in which two templates compare."""

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from fargate_constructs.synthesized.intrinsics import as_text, pieces

PATH_KEY = "aws:cdk:path"
CREATE_ONLY_KEY = "fargate-constructs:create-only"
# What `HttpEndpoint.from_shared` reads: the same listener for each digest of what the team has.
LISTENER_OF_TEAM = re.compile(r"(/.+/teams/[a-z0-9-]+)/[0-9a-f]{12}")
HOW_TO_GET = "take it by `aws cloudformation get-template --template-stage Processed`, or from cdk.out"


class TemplateTree(NamedTuple):
    """A template, and those of the stacks nested in it."""

    template: Mapping[str, Any]
    paths: Mapping[str, str] = {}
    """The construct path of each logical ID, as far as it is known beside the template."""
    nested: "Mapping[str, TemplateTree]" = MappingProxyType({})
    """The templates of nested stacks, as far as they are known, by the logical ID of each in this template."""


class ComparableTemplate(NamedTuple):
    """The resources of a template, and of the stacks nested in it."""

    resources: dict[str, Any]
    """By logical ID; a nested stack's logical ID and `/` come before the IDs of its resources."""
    create_only: Mapping[str, Sequence[str]] = {}
    """By type, the create-only properties that a pin was made of; empty if the template is no pin."""
    exports: Mapping[str, Any] = {}
    """The values that other stacks may import, by the name of the export."""


def comparable(tree: TemplateTree, name: str) -> ComparableTemplate:
    """Return the resources of a template in one form.

    A change must show in each place of the template. So the name of a condition is replaced by its expression, a
    literal `Fn::FindInMap` by its value, and the parameters and outputs of a nested stack by the parent's values. Texts
    that are put together in different ways are equal, and so are a team's parameters for one listener. A resource has
    its construct path, if it is known.

    Raises:
        ValueError: If it is not a template, or one that macros or a `Fn::ForEach` have yet to complete; with *name*.
    """
    template = tree.template
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
    read = read_tree(tree)
    return ComparableTemplate(read.resources(), create_only, read.exports())


def references(value: object) -> Iterator[str]:
    """Yield the logical IDs that a value in a comparable template refers to."""
    match value:
        case {"Ref": name} | {"Fn::GetAtt": [name, *_]}:
            yield name
    if isinstance(value, (Mapping, list)):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from references(each)


def path_of(logical_id: str, *templates: Mapping[str, Any]) -> str:
    """Return the construct path of a resource in the first template that has it, or its logical ID."""
    paths = (each.get(logical_id, {}).get("Metadata", {}).get(PATH_KEY) for each in templates)
    return next(filter(None, paths), logical_id)


class StackTemplate:
    """The template of a stack, nested or not, with all references as its outermost parent would write them.

    Args:
        template: The template.
        prefix: The logical IDs of the stacks that it is nested in, each with `/`.
        parameters: The values of its parameters, each with the template that it is from.
    """

    def __init__(self, template: Mapping[str, Any], prefix: str = "", parameters: "Parameters | None" = None) -> None:
        self.template = template
        self.prefix = prefix
        self.nested: dict[str, StackTemplate] = {}
        self.parameters = parameters or {}

    def resources(self) -> dict[str, Any]:
        """Return the resources, and those of the nested stacks."""
        template = self.template
        own = {
            f"{self.prefix}{key}": self.value(_inline_resource(each, template))
            for key, each in template.get("Resources", {}).items()
        }
        return own | {key: each for nested in self.nested.values() for key, each in nested.resources().items()}

    def exports(self) -> dict[str, Any]:
        """Return the values that other stacks may import, also those of nested stacks."""
        own = {
            as_text(self.value(each["Export"]["Name"])): self.value(_inline(each.get("Value"), self.template))
            for each in self.template.get("Outputs", {}).values()
            if isinstance(each, Mapping) and "Name" in (each.get("Export") or {})
        }
        return own | {name: each for nested in self.nested.values() for name, each in nested.exports().items()}

    def value(self, value: Any) -> Any:  # noqa: ANN401 - a piece of a template
        """Return a value with its references as the outermost parent would write them."""
        match value:
            case {"Ref": str() as name} if name in self.parameters:
                parent, given = self.parameters[name]
                value = parent.value(given)
            case {"Ref": str() as name}:
                is_resource = name in self.template["Resources"]
                value = {"Ref": f"{self.prefix}{name}" if is_resource else _parameter(name, self.template)}
            case {"Fn::GetAtt": [str() as name, str() as attribute]} if nested := self.nested.get(name):
                output = nested.template.get("Outputs", {}).get(attribute.removeprefix("Outputs."), {})
                value = nested.value(output.get("Value"))
            case {"Fn::GetAtt": [str() as name, str() as attribute]}:
                value = {"Fn::GetAtt": [f"{self.prefix}{name}", attribute]}
            case {"Fn::GetAZs": {"Ref": "AWS::Region"}}:
                value = {"Fn::GetAZs": ""}
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


Parameters = Mapping[str, tuple[StackTemplate, Any]]


def read_tree(tree: TemplateTree, prefix: str = "", parameters: Parameters | None = None) -> StackTemplate:
    """Return a template with construct paths, and those of the stacks nested in it."""
    resources = {
        logical_id: {**each, "Metadata": {**each.get("Metadata", {}), PATH_KEY: tree.paths[logical_id]}}
        if logical_id in tree.paths
        else each
        for logical_id, each in tree.template.get("Resources", {}).items()
    }
    read = StackTemplate({**tree.template, "Resources": resources}, prefix, parameters)
    for logical_id, nested in tree.nested.items():
        values = resources[logical_id].get("Properties", {}).get("Parameters", {})
        given = {key: (read, each) for key, each in values.items()}
        read.nested[logical_id] = read_tree(nested, f"{prefix}{logical_id}/", given)
    return read


def _parameter(name: str, template: Mapping[str, Any]) -> str:
    """Return the name of a parameter; of one for a team's listener, what is the same for each digest."""
    default = template.get("Parameters", {}).get(name, {}).get("Default")
    found = LISTENER_OF_TEAM.fullmatch(default) if isinstance(default, str) else None
    return f"ssm:{found[1]}" if found else name


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
