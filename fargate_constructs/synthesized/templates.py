"""Reads the templates of an app; returns their resources, and the resources that references lead to.

```
app ──> synth ──> [Templates] ──> checks, proof, caveats
```
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from aws_cdk import IPolicyValidationContext, Stack, Stage
from constructs import IConstruct

from fargate_constructs._core.unresolved import is_unresolved
from fargate_constructs.synthesized.intrinsics import as_text, functions_in, pieces
from fargate_constructs.synthesized.template_files import Source, element_paths, is_resource, read_sources

# A parameter of SSM, newest version or a named one
# (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-ssm.html), and how a template says
# that one of its own parameters holds the value of one.
SSM_REFERENCE = re.compile(r"\{\{resolve:ssm:(.+?)(?::\d+)?\}\}")
SSM_TYPE = "AWS::SSM::Parameter::Value<"
# How CDK begins the region or the account of a stack that knows none.
UNKNOWN = "unknown-"
# Pseudo parameters that are the same for all stacks of an environment.
SHARED = ("AWS::AccountId", "AWS::Region", "AWS::Partition", "AWS::URLSuffix")
LOGICAL_ID = "aws:cdk:logicalId"
ACKNOWLEDGED = "aws:cdk:acknowledged-rules"  # `Validations.ACKNOWLEDGED_RULES_METADATA_KEY`
ANNOTATION = re.compile("^annotation::", re.IGNORECASE)


class Place(NamedTuple):
    """A resource: its stack, and its logical ID there."""

    stack: Stack
    logical_id: str


class Templates:
    """The resources of an app after synthesis, with overrides, aspects and raw resources.

    Args:
        sources: The templates, each stack before those nested in it.
    """

    def __init__(self, sources: Iterable[Source]) -> None:
        self.of_type: defaultdict[str, list[Place]] = defaultdict(list)
        """The resources of each CloudFormation type."""
        self.hooks: list[tuple[Stack, dict[str, Any]]] = []
        """The hooks of all templates, such as CodeDeploy's, and the stack of each."""
        self.metadata: dict[str, list[dict[str, Any]]] = {}
        """CDK's metadata of the constructs below the stacks, by their paths."""
        self.macros: list[Place] = []
        """What a macro will replace by resources, such as `Fn::ForEach` and `Fn::Transform`."""
        self._resources: dict[Place, dict[str, Any]] = {}
        self._parameters: dict[Place, dict[str, Any]] = {}
        self._aliases: dict[tuple[Stack | str, str], tuple[Stack, Any]] = {}
        self._environments: dict[Stack, str] = {}
        self._stages: dict[Stack, str] = {}
        self._pseudo_parameters = cache(self._list_pseudo_parameters)
        self._stack_path = cache(_stack_path)
        self._paths = cache(self._list_paths)
        self._logical_ids = cache(lambda stack: {path: name for name, path in self._paths(stack).items()})
        for source in sources:
            self._read(source)

    @classmethod
    def of(cls, app: IConstruct, files: Mapping[str, Path]) -> "Templates":
        """Read an app's templates.

        Templates that are deployed from elsewhere, such as a Service Catalog product's, are left out.
        """
        return cls(source for path, file in files.items() for source in read_sources(app.node.root, path, file))

    @classmethod
    def validated(cls, context: IPolicyValidationContext) -> "Templates":
        """Read the templates that CDK passes to a validation plugin."""
        files = {each.stack_construct_path: Path(each.template_path) for each in context.stack_templates}
        return cls.of(context.app_construct, files)

    def resource(self, place: Place | None) -> dict[str, Any]:
        """Return a resource as its template has it; an empty one if there is none."""
        return self._resources.get(place, {}) if place else {}

    def properties(self, place: Place | None) -> dict[str, Any]:
        """Return a resource's properties."""
        properties: dict[str, Any] = self.resource(place).get("Properties", {})
        return properties

    def target(self, place: Place, name: str) -> Place | None:
        """Return the resource that a resource's property refers to."""
        return self.locate(place.stack, self.properties(place).get(name))

    def locate(self, stack: Stack, reference: Any, type_: str = "") -> Place | None:  # noqa: ANN401 - a piece of a template
        """Return the resource that a stack's template refers to, in any stack of the app, if it has the type.

        An attribute of a custom resource, or an output of a stack elsewhere, may be the ID of something else.
        """
        place = self._locate(stack, reference)
        return place if place and type_ in ("", self._resources[place]["Type"]) else None

    def _locate(self, stack: Stack, reference: Any) -> Place | None:  # noqa: ANN401 - a piece of a template
        match reference:
            case {"Ref": str() as name} | {"Fn::GetAtt": [str() as name, _]} if Place(stack, name) in self._resources:
                return Place(stack, name)
        match pieces(reference):
            case [piece] if piece != reference:
                return self._locate(stack, piece)
        alias = self._follow(stack, reference)
        return self._locate(*alias) if alias else None

    def identity(self, stack: Stack, reference: Any) -> object:  # noqa: ANN401 - a piece of a template
        """Return a value that is equal for all references to the same thing: its place, or its name outside of the app.

        An export or a parameter of SSM is the same for all stacks of an environment, if the environment is known. An
        ARN is the same for all stacks.
        """
        if place := self.locate(stack, reference):
            return place
        if name := self._name_outside(stack, reference):
            environment = self._environments[stack]
            return (stack if UNKNOWN in environment else environment), name
        return reference if isinstance(reference, str) else (stack, as_text(reference))

    def references(self, stack: Stack, value: Any) -> Iterator[Place]:  # noqa: ANN401 - a piece of a template
        """Yield every resource that a piece of a template refers to, at any depth, in any stack."""
        yield from (place for place in self._names(stack, value) if place in self._resources)

    def parameters(self, stack: Stack, value: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - a piece of a template
        """Yield every parameter that a piece of a template refers to, at any depth, in any stack."""
        yield from (self._parameters[place] for place in self._names(stack, value) if place in self._parameters)

    def text(self, stack: Stack, value: Any, *, defaults: bool = False) -> str:  # noqa: ANN401 - a piece of a template
        """Return a text of a stack's template in one form, equal for all stacks and all ways to put it together.

        A parameter has no value, or with *defaults* its default.
        """
        return "".join(
            piece if isinstance(piece, str) else self._known(stack, piece, defaults=defaults) for piece in pieces(value)
        )

    def environment(self, stack: Stack) -> str:
        """Return the account and region that a stack is deployed to, as far as they are known."""
        return self._environments[stack]

    def path(self, place: Place) -> str:
        """Return the path of a resource's construct."""
        return self._paths(place.stack).get(place.logical_id, f"{self._stack_path(place.stack)}/{place.logical_id}")

    def place(self, stack: Stack, path: str) -> Place:
        """Return where the resource of a construct is; the opposite of `path`."""
        return Place(stack, self._logical_ids(stack)[path])

    def acknowledged(self, path: str) -> set[str]:
        """Return the IDs that are acknowledged at a construct or above it."""
        parts = path.split("/")
        paths = ["", *("/".join(parts[: end + 1]) for end in range(len(parts)))]
        entries = [entry for each in paths for entry in self.metadata.get(each, ()) if entry["type"] == ACKNOWLEDGED]
        return {ANNOTATION.sub("", id_) for entry in entries for id_ in entry["data"]}

    def _list_paths(self, stack: Stack) -> dict[str, str]:
        """Return the construct path of each logical ID of a stack."""
        path = self._stack_path(stack)
        stacks = (f"{self._stack_path(each)}/" for each in self._environments)
        nested = tuple(each for each in stacks if each.startswith(f"{path}/") and each != f"{path}/")
        paths = {
            entry["data"]: below
            for below, entries in self.metadata.items()
            if below.startswith(f"{path}/") and not below.startswith(nested)
            for entry in entries
            if entry["type"] == LOGICAL_ID
        }
        return paths or element_paths(stack)

    def _known(self, stack: Stack, function: Any, *, defaults: bool) -> str:  # noqa: ANN401 - a piece of a template
        """Return what is known of a function's value as a text."""
        if alias := self._follow(stack, function):
            return self.text(*alias, defaults=defaults)
        name = as_text(function)
        known = self._pseudo_parameters(stack).get(name)
        if known is None and defaults and isinstance(function, dict):
            known = self._parameters.get(Place(stack, function.get("Ref", "")), {}).get("Default")
        return f"{self._stack_path(stack)}{name}" if known is None else str(known)

    def _list_pseudo_parameters(self, stack: Stack) -> dict[str, str]:
        """Return pseudo parameters that are known, or the same for all stacks of an environment, with their values."""
        account, region = self._environments[stack].removeprefix("aws://").split("/", 1)
        known = {"AWS::AccountId": account, "AWS::Region": region}
        if not is_unresolved(stack.stack_name):
            known["AWS::StackName"] = stack.stack_name
        return {
            **{f"${{{name}}}": f"${{{name}}}" for name in SHARED},
            **{f"${{{name}}}": value for name, value in known.items() if not value.startswith(UNKNOWN)},
        }

    def _names(self, stack: Stack, value: Any) -> Iterator[Place]:  # noqa: ANN401 - a piece of a template
        """Yield the resources and parameters in a piece of a template, at any depth, each in its own stack."""
        for function in functions_in(value):
            if alias := self._follow(stack, function):
                yield from self._names(*alias)
            elif name := function.get("Ref", function.get("Fn::GetAtt", [None])[0]):
                yield Place(stack, name)

    def _follow(self, stack: Stack, reference: Any) -> tuple[Stack, Any] | None:  # noqa: ANN401 - a piece of a template
        """Return the stack and the value that a cross-stack reference leads to; `None` if it leads back to itself."""
        passed: list[tuple[Stack | str, str]] = []
        while alias := self._alias(stack, reference):
            if alias in passed:
                return None
            passed.append(alias)
            stack, reference = self._aliases[alias]
        return (stack, reference) if passed else None

    def _alias(self, stack: Stack, reference: Any) -> tuple[Stack | str, str] | None:  # noqa: ANN401 - a piece of a template
        """Return the key of a cross-stack reference in `_aliases`, if it has one."""
        place = self._namespace(stack, self._environments[stack])
        match reference:
            case {"Fn::ImportValue": name}:
                names: Iterator[str] = (
                    f"export {self.text(stack, name, defaults=defaults)}" for defaults in (False, True)
                )
            case {"Fn::GetStackOutput": {"StackName": stack_name, "OutputName": output_name, **rest}}:
                names = iter([f"output {stack_name}.{output_name}"])
                if isinstance(region := rest.get("Region"), str):
                    place = self._namespace(stack, f"{self._environments[stack].rpartition('/')[0]}/{region}")
            case {"Ref": _} | {"Fn::GetAtt": _} if (alias := (stack, as_text(reference))) in self._aliases:
                return alias
            case _:
                names = (name for name in [self._name_outside(stack, reference)] if name)
        return next(((place, name) for name in names if (place, name) in self._aliases), None)

    def _namespace(self, stack: Stack, environment: str) -> str:
        """Return where an export's or parameter's name is unique: the environment, or the stage if it is not known."""
        return f"{environment} {self._stages[stack]}" if UNKNOWN in environment else environment

    def _name_outside(self, stack: Stack, reference: Any) -> str | None:  # noqa: ANN401 - a piece of a template
        """Return the export or the parameter of SSM that a reference names, if any."""
        match pieces(reference):
            case [{"Fn::ImportValue": name}]:
                return f"export {self.text(stack, name)}"
            case [{"Ref": str() as name}]:
                parameter = self._parameters.get(Place(stack, name), {})
                is_of_ssm = str(parameter.get("Type", "")).startswith(SSM_TYPE) and "Default" in parameter
                return f"ssm {parameter['Default']}" if is_of_ssm else None
            case [str() as start, *_] if start.startswith("{{resolve"):
                found = SSM_REFERENCE.fullmatch(self.text(stack, reference))
                return f"ssm {found[1]}" if found else None
        return None

    def _read(self, source: Source) -> None:
        """Record a template's resources, and the names under which other templates refer to its values."""
        stack, template, metadata = source
        parent, nested = stack.nested_stack_parent, stack.nested_stack_resource
        self._environments[stack] = stack.environment
        self._stages[stack] = stage.node.path if (stage := Stage.of(stack)) else ""
        self.metadata |= metadata
        for logical_id, resource in template.get("Resources", {}).items():
            place = Place(stack, logical_id)
            if is_resource(resource):
                self._resources[place] = resource
                self.of_type[resource["Type"]].append(place)
            else:
                self.macros.append(place)
        for logical_id, parameter in template.get("Parameters", {}).items():
            self._parameters[Place(stack, logical_id)] = parameter
        self.hooks += [(stack, hook) for hook in template.get("Hooks", {}).values()]
        outputs = _outputs(template)
        if parent and nested:
            nested_id = parent.resolve(nested.logical_id)
            # An output of the nested stack leads to its value, not to the stack resource.
            resource = self._resources.pop(Place(parent, nested_id))
            for name, value in resource["Properties"].get("Parameters", {}).items():
                self._aliases[stack, as_text({"Ref": name})] = parent, value
            for name, output in outputs:
                attribute = {"Fn::GetAtt": [nested_id, f"Outputs.{name}"]}
                self._aliases[parent, as_text(attribute)] = stack, output["Value"]
        for name, value in self._published(stack, template):
            self._aliases[self._namespace(stack, self._environments[stack]), name] = stack, value

    def _published(self, stack: Stack, template: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """Yield the names under which other stacks of the environment refer to a value of this one, and the value."""
        for name, output in _outputs(template):
            yield f"output {self.text(stack, {'Ref': 'AWS::StackName'})}.{name}", output["Value"]
            if exported := output.get("Export", {}).get("Name"):
                for defaults in (True, False):
                    yield f"export {self.text(stack, exported, defaults=defaults)}", output["Value"]
        for place in self.of_type["AWS::SSM::Parameter"]:
            properties = self.properties(place)
            if place.stack is stack and properties.get("Type") == "String":
                name = self.text(stack, properties.get("Name", {"Ref": place.logical_id}))
                yield f"ssm {name}", properties.get("Value")


def _outputs(template: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return a template's outputs, without those that a macro will add."""
    return [each for each in template.get("Outputs", {}).items() if "Value" in each[1]]


def _stack_path(stack: Stack) -> str:
    return stack.node.path
