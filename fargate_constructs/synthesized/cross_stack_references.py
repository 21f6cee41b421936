"""Reads references to exports, outputs, parameters of SSM and nested stacks; returns the value that each leads to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from fargate_constructs.synthesized.intrinsics import as_text, pieces
from fargate_constructs.synthesized.template_source import UNKNOWN, Source, StackFacts, is_resource

if TYPE_CHECKING:
    from aws_cdk import Stack

# A parameter of SSM, newest version or a named one
# (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-ssm.html), and how a template says
# that one of its own parameters holds the value of one.
SSM_REFERENCE = re.compile(r"\{\{resolve:ssm:(.+?)(?::\d+)?\}\}")
SSM_TYPE = "AWS::SSM::Parameter::Value<"
# Pseudo parameters that are the same for all stacks of an environment.
SHARED = ("AWS::AccountId", "AWS::Region", "AWS::Partition", "AWS::URLSuffix")


class CrossStackReferences:
    """The values of an app that its stacks publish, by the names under which other stacks refer to them."""

    def __init__(self) -> None:
        self.facts: dict[Stack, StackFacts] = {}
        """What is known of each stack."""
        self.parameters: dict[tuple[Stack, str], dict[str, Any]] = {}
        """The parameters of the templates."""
        self._aliases: dict[tuple[Stack | str, str], tuple[Stack, Any]] = {}
        self._pseudo_parameters = cache(self._list_pseudo_parameters)

    def add(self, source: Source) -> None:
        """Record the values that a stack publishes."""
        stack, template = source.stack, source.template
        self.facts[stack] = source.facts
        for logical_id, parameter in template.get("Parameters", {}).items():
            self.parameters[stack, logical_id] = parameter
        for name, value in self._published(stack, template):
            self._aliases[self._namespace(stack, self._environment(stack)), name] = stack, value

    def add_nested(self, source: Source, parent: Stack, given: Mapping[str, Any]) -> None:
        """Record the parameters that a nested stack is given, and its outputs, which lead to their values."""
        for name, value in given.items():
            self._aliases[source.stack, as_text({"Ref": name})] = parent, value
        for name, output in _outputs(source.template):
            attribute = {"Fn::GetAtt": [source.facts.nested_id, f"Outputs.{name}"]}
            self._aliases[parent, as_text(attribute)] = source.stack, output["Value"]

    def follow(self, stack: Stack, reference: Any) -> tuple[Stack, Any] | None:  # noqa: ANN401 - a piece of a template
        """Return the stack and the value that a cross-stack reference leads to; `None` if it leads back to itself."""
        *passed, last = self._steps(stack, reference)
        return last if passed and self._alias(*last) is None else None

    def names(self, stack: Stack, reference: Any) -> set[tuple[str, str]]:  # noqa: ANN401 - a piece of a template
        """Return the exports and the parameters of SSM on the way of a reference, and where each name is unique."""
        return {
            (self._namespace(each, self._environment(each)), name)
            for each, value in self._steps(stack, reference)
            if (name := self.name_outside(each, value))
        }

    def _steps(self, stack: Stack, reference: Any) -> Iterator[tuple[Stack, Any]]:  # noqa: ANN401 - a piece of a template
        """Yield a reference, and each stack and value that it leads to, until one leads back."""
        passed: list[tuple[Stack | str, str]] = []
        yield stack, reference
        while (alias := self._alias(stack, reference)) and alias not in passed:
            passed.append(alias)
            stack, reference = self._aliases[alias]
            yield stack, reference

    def name_outside(self, stack: Stack, reference: Any) -> str | None:  # noqa: ANN401 - a piece of a template
        """Return the export or the parameter of SSM that a reference names, if any."""
        match pieces(reference):
            case [{"Fn::ImportValue": name}]:
                return f"export {self.text(stack, name)}"
            case [{"Ref": str() as name}]:
                parameter = self.parameters.get((stack, name), {})
                is_of_ssm = str(parameter.get("Type", "")).startswith(SSM_TYPE) and "Default" in parameter
                return f"ssm {parameter['Default']}" if is_of_ssm else None
            case [str() as start, *_] if start.startswith("{{resolve"):
                found = SSM_REFERENCE.fullmatch(self.text(stack, reference))
                return f"ssm {found[1]}" if found else None
        return None

    def text(self, stack: Stack, value: Any, *, defaults: bool = False) -> str:  # noqa: ANN401 - a piece of a template
        """Return a text of a stack's template in one form, equal for all stacks and all ways to put it together.

        A parameter has no value, or with *defaults* its default.
        """
        return "".join(
            piece if isinstance(piece, str) else self._known(stack, piece, defaults=defaults) for piece in pieces(value)
        )

    def _known(self, stack: Stack, function: Any, *, defaults: bool) -> str:  # noqa: ANN401 - a piece of a template
        """Return what is known of a function's value as a text."""
        if alias := self.follow(stack, function):
            return self.text(*alias, defaults=defaults)
        name = as_text(function)
        known = self._pseudo_parameters(stack).get(name)
        if known is None and defaults and isinstance(function, dict):
            known = self.parameters.get((stack, function.get("Ref", "")), {}).get("Default")
        return f"{self.facts[stack].path}{name}" if known is None else str(known)

    def _list_pseudo_parameters(self, stack: Stack) -> dict[str, str]:
        """Return pseudo parameters that are known, or the same for all stacks of an environment, with their values."""
        account, region = self._environment(stack).removeprefix("aws://").split("/", 1)
        known = {"AWS::AccountId": account, "AWS::Region": region}
        if name := self.facts[stack].name:
            known["AWS::StackName"] = name
        return {
            **{f"${{{name}}}": f"${{{name}}}" for name in SHARED},
            **{f"${{{name}}}": value for name, value in known.items() if not value.startswith(UNKNOWN)},
        }

    def _alias(self, stack: Stack, reference: Any) -> tuple[Stack | str, str] | None:  # noqa: ANN401 - a piece of a template
        """Return the key of a cross-stack reference in `_aliases`, if it has one."""
        place = self._namespace(stack, self._environment(stack))
        match reference:
            case {"Fn::ImportValue": name}:
                names: Iterator[str] = (
                    f"export {self.text(stack, name, defaults=defaults)}" for defaults in (False, True)
                )
            case {"Fn::GetStackOutput": {"StackName": stack_name, "OutputName": output_name, **rest}}:
                names = iter([f"output {stack_name}.{output_name}"])
                account, _, region = self._environment(stack).rpartition("/")
                other = rest.get("Region")
                place = self._namespace(stack, f"{account}/{other if isinstance(other, str) else region}")
            case {"Ref": _} | {"Fn::GetAtt": _} if (alias := (stack, as_text(reference))) in self._aliases:
                return alias
            case _:
                names = (name for name in [self.name_outside(stack, reference)] if name)
        return next(((place, name) for name in names if (place, name) in self._aliases), None)

    def _environment(self, stack: Stack) -> str:
        """Return the account and region of a stack, as far as they are known."""
        return self.facts[stack].environment

    def _namespace(self, stack: Stack, environment: str) -> str:
        """Return where an export's or parameter's name is unique: the environment, or the stage if it is not known."""
        return f"{environment} {self.facts[stack].stage}" if UNKNOWN in environment else environment

    def _published(self, stack: Stack, template: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """Yield the names under which other stacks of the environment refer to a value of this one, and the value."""
        for name, output in _outputs(template):
            yield f"output {self.text(stack, {'Ref': 'AWS::StackName'})}.{name}", output["Value"]
            if exported := output.get("Export", {}).get("Name"):
                for defaults in (True, False):
                    yield f"export {self.text(stack, exported, defaults=defaults)}", output["Value"]
        for logical_id, resource in template.get("Resources", {}).items():
            if is_resource(resource) and resource["Type"] == "AWS::SSM::Parameter":
                properties = resource.get("Properties", {})
                if properties.get("Type") == "String":
                    name = self.text(stack, properties.get("Name", {"Ref": logical_id}))
                    yield f"ssm {name}", properties.get("Value")


def _outputs(template: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return a template's outputs, without those that a macro will add."""
    return [each for each in template.get("Outputs", {}).items() if "Value" in each[1]]
