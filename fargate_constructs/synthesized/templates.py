"""Reads the templates of an app; returns their resources, and the resources that references lead to.

```
app ──> synth ──> [Templates] ──> checks, proof, caveats
```
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from fargate_constructs.synthesized.cross_stack_references import CrossStackReferences
from fargate_constructs.synthesized.intrinsics import as_text, functions_in, pieces
from fargate_constructs.synthesized.template_source import UNKNOWN, Source, StackFacts, is_resource

if TYPE_CHECKING:
    from aws_cdk import Stack

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
        self._references = CrossStackReferences()
        self._paths = cache(self._list_paths)
        self._logical_ids = cache(lambda stack: {path: name for name, path in self._paths(stack).items()})
        for source in sources:
            self._read(source)

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
        alias = self._references.follow(stack, reference)
        return self._locate(*alias) if alias else None

    def identity(self, stack: Stack, reference: Any) -> object:  # noqa: ANN401 - a piece of a template
        """Return a value that is equal for all references to the same thing: its place, or its name outside of the app.

        An export or a parameter of SSM is the same for all stacks of an environment, if the environment is known. An
        ARN is the same for all stacks.
        """
        if place := self.locate(stack, reference):
            return place
        if name := self._references.name_outside(stack, reference):
            environment = self.environment(stack)
            return (stack if UNKNOWN in environment else environment), name
        return reference if isinstance(reference, str) else (stack, as_text(reference))

    def names(self, stack: Stack, reference: Any) -> set[tuple[str, str]]:  # noqa: ANN401 - a piece of a template
        """Return the exports and the parameters of SSM on the way of a reference, and where each name is unique."""
        return self._references.names(stack, reference)

    def references(self, stack: Stack, value: Any) -> Iterator[Place]:  # noqa: ANN401 - a piece of a template
        """Yield every resource that a piece of a template refers to, at any depth, in any stack."""
        yield from (place for place in self._names(stack, value) if place in self._resources)

    def parameters(self, stack: Stack, value: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - a piece of a template
        """Yield every parameter that a piece of a template refers to, at any depth, in any stack."""
        yield from (
            self._references.parameters[place]
            for place in self._names(stack, value)
            if place in self._references.parameters
        )

    def text(self, stack: Stack, value: Any, *, defaults: bool = False) -> str:  # noqa: ANN401 - a piece of a template
        """Return a text of a stack's template in one form, as `CrossStackReferences.text`."""
        return self._references.text(stack, value, defaults=defaults)

    def environment(self, stack: Stack) -> str:
        """Return the account and region that a stack is deployed to, as far as they are known."""
        return self.facts(stack).environment

    def facts(self, stack: Stack) -> StackFacts:
        """Return what is known of a stack."""
        return self._references.facts[stack]

    def path(self, place: Place) -> str:
        """Return the path of a resource's construct."""
        return self._paths(place.stack).get(place.logical_id, f"{self.facts(place.stack).path}/{place.logical_id}")

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
        path = self.facts(stack).path
        stacks = (f"{each.path}/" for each in self._references.facts.values())
        nested = tuple(each for each in stacks if each.startswith(f"{path}/") and each != f"{path}/")
        paths = {
            entry["data"]: below
            for below, entries in self.metadata.items()
            if below.startswith(f"{path}/") and not below.startswith(nested)
            for entry in entries
            if entry["type"] == LOGICAL_ID
        }
        return paths or self.facts(stack).element_paths()

    def _names(self, stack: Stack, value: Any) -> Iterator[Place]:  # noqa: ANN401 - a piece of a template
        """Yield the resources and parameters in a piece of a template, at any depth, each in its own stack."""
        for function in functions_in(value):
            if alias := self._references.follow(stack, function):
                yield from self._names(*alias)
            else:
                match function:
                    case {"Ref": str() as name} | {"Fn::GetAtt": [str() as name, *_]}:
                        yield Place(stack, name)

    def _read(self, source: Source) -> None:
        """Record a template's resources, and the values that it publishes."""
        stack, template, facts, metadata = source
        self.metadata |= metadata
        for logical_id, resource in template.get("Resources", {}).items():
            place = Place(stack, logical_id)
            if is_resource(resource):
                self._resources[place] = resource
                self.of_type[resource["Type"]].append(place)
            else:
                self.macros.append(place)
        self.hooks += [(stack, hook) for hook in template.get("Hooks", {}).values()]
        if parent := facts.parent:
            # References lead to the nested stack's values, not to the stack resource.
            properties = self._resources.pop(Place(parent, facts.nested_id))["Properties"]
            self._references.add_nested(source, parent, properties.get("Parameters", {}))
        self._references.add(source)
