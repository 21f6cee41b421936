"""An app's templates as they were synthesized, and how they refer to each other.

```
app ──> synth ──> [Templates] ──> what proves and what audits
```
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard, cast

from aws_cdk import CfnElement, CfnResource, IPolicyValidationContext, Stack
from constructs import IConstruct


class _Unseen:
    """What only the deployment knows, such as a parameter; equal to nothing."""

    def __str__(self) -> str:
        return "a value known only when deployed"


UNSEEN = _Unseen()
# What `Fn::Sub` replaces, but for `${!Literal}`
# (https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-sub.html).
SUBSTITUTED = re.compile(r"\$\{([^!{}][^{}]*)\}")


class Place(NamedTuple):
    """Where a resource stands."""

    stack: Stack
    logical_id: str


class Templates:
    """The resources of an app: overrides and aspects have been applied, and whatever was written as raw resource is in.

    Each template is read once. Those that are deployed from elsewhere, such as a Service Catalog product's, are left
    out.

    Args:
        context: What CDK tells its validation plugins.
    """

    def __init__(self, context: IPolicyValidationContext) -> None:
        self.app: IConstruct = context.app_construct
        self.of_type: defaultdict[str, list[Place]] = defaultdict(list)
        """Where the resources of each CloudFormation type stand."""
        self._resources: dict[Place, dict[str, Any]] = {}
        self._parameters: dict[Place, dict[str, Any]] = {}
        self._aliases: dict[tuple[Stack | str, str], tuple[Stack, Any]] = {}
        self._environments = {each: each.environment for each in self.app.node.find_all() if isinstance(each, Stack)}
        self._elements = cache(self._list_elements)
        self._constructs = cache(self._list_constructs)
        files = {each.stack_construct_path: Path(each.template_path) for each in context.stack_templates}
        for stack in self._environments:
            self._read(stack, files)

    def resource(self, place: Place | None) -> dict[str, Any]:
        """Return a resource as its template has it; of none, nothing."""
        return self._resources.get(place, {}) if place else {}

    def properties(self, place: Place | None) -> dict[str, Any]:
        """Return a resource's properties."""
        properties: dict[str, Any] = self.resource(place).get("Properties", {})
        return properties

    def target(self, place: Place, name: str) -> Place | None:
        """Return the resource that a property of another refers to."""
        return self.locate(place.stack, self.properties(place).get(name))

    def locate(self, stack: Stack, reference: Any) -> Place | None:  # noqa: ANN401 - a piece of a template
        """Return the resource that a stack's template refers to, in whichever stack it stands."""
        match reference:
            case {"Ref": name} | {"Fn::GetAtt": [name, _]} if Place(stack, name) in self._resources:
                return Place(stack, name)
        match pieces(reference):
            case [piece] if piece != reference:
                return self.locate(stack, piece)
        alias = self._follow(stack, reference)
        return self.locate(*alias) if alias else None

    def references(self, stack: Stack, value: Any) -> Iterator[Place]:  # noqa: ANN401 - a piece of a template
        """Yield every resource that a piece of a template refers to, however deep, in whichever stack it stands."""
        yield from (place for place in self._names(stack, value) if place in self._resources)

    def parameters(self, stack: Stack, value: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - a piece of a template
        """Yield every parameter that a piece of a template refers to, likewise."""
        yield from (self._parameters[place] for place in self._names(stack, value) if place in self._parameters)

    def environment(self, stack: Stack) -> str:
        """Return the account and region that a stack is deployed to, as far as they are known."""
        return self._environments[stack]

    def element(self, place: Place) -> CfnElement:
        """Return the construct that a resource was made by."""
        type_ = self._resources[place]["Type"]
        # To ask all elements for their IDs would take longer than all the rest.
        return self._elements(place.stack, type_).get(place.logical_id) or self._elements(place.stack)[place.logical_id]

    def path(self, place: Place) -> str:
        """Return its path."""
        return self.element(place).node.path

    def _list_elements(self, stack: Stack, type_: str | None = None) -> dict[str, CfnElement]:
        elements = [each for each in self._constructs(stack) if type_ is None or _may_be(each, type_)]
        return dict(zip(stack.resolve([each.logical_id for each in elements]), elements, strict=True))

    def _list_constructs(self, stack: Stack) -> list[CfnElement]:
        """Return what a stack's template is made of, without what its nested stacks are made of."""
        own = []
        below = iter(stack.node.find_all()[1:])
        for each in below:
            # isinstance would ask each of the thousands of subclasses, for jsii classes are abstract ones.
            if CfnElement in type(each).__mro__:
                own.append(cast(CfnElement, each))
            elif isinstance(each, Stack):
                for _ in each.node.find_all()[1:]:  # which come next
                    next(below)
        return own

    def _names(self, stack: Stack, value: Any) -> Iterator[Place]:  # noqa: ANN401 - a piece of a template
        """Yield what a piece of a template names, however deep, each in the stack that knows it by that name."""
        for function in functions_in(value):
            alias = self._follow(stack, function)
            if alias:
                yield from self._names(*alias)
                continue
            match function:
                case {"Ref": name} | {"Fn::GetAtt": [name, _]}:
                    yield Place(stack, name)

    def _follow(self, stack: Stack, reference: Any) -> tuple[Stack, Any] | None:  # noqa: ANN401 - a piece of a template
        name = _name(reference)
        return self._aliases.get((stack, name)) or self._aliases.get((self._environments[stack], name))

    def _read(self, stack: Stack, files: dict[str, Path]) -> None:
        """Take in a template's resources, and the names by which other templates know what it hands on."""
        path, parent, nested = stack.node.path, stack.nested_stack_parent, stack.nested_stack_resource
        if parent and parent.node.path in files:
            files[path] = files[parent.node.path].with_name(stack.template_file)
        if path not in files:  # a Service Catalog product, or another stage's stack
            return
        template = json.loads(files[path].read_text(encoding="utf-8"))
        for logical_id, resource in template.get("Resources", {}).items():
            self._resources[Place(stack, logical_id)] = resource
            self.of_type[resource["Type"]].append(Place(stack, logical_id))
        for logical_id, parameter in template.get("Parameters", {}).items():
            self._parameters[Place(stack, logical_id)] = parameter
        outputs = template.get("Outputs", {}).items()
        if parent and nested:
            nested_id = parent.resolve(nested.logical_id)
            # What the nested stack hands on is known by its alias, not as an attribute of the stack.
            resource = self._resources.pop(Place(parent, nested_id))
            for name, value in resource["Properties"].get("Parameters", {}).items():
                self._aliases[stack, _name({"Ref": name})] = parent, value
            for name, output in outputs:
                self._aliases[parent, _name({"Fn::GetAtt": [nested_id, f"Outputs.{name}"]})] = stack, output["Value"]
        else:
            for name, output in outputs:
                exported = {"Fn::ImportValue": output.get("Export", {}).get("Name")}
                published = {"Fn::GetStackOutput": {"StackName": stack.stack_name, "OutputName": name}}
                for reference in (exported, published):
                    self._aliases[self._environments[stack], _name(reference)] = stack, output["Value"]


def seen(value: Any, *keys: str) -> Any:  # noqa: ANN401 - a piece of a template
    """Return what stands under some keys of a piece of a template.

    `None` if it is not there, so that AWS's default holds; `UNSEEN`, which is equal to nothing, if only the deployment
    knows it.
    """
    for key in keys:
        value = seen(value)
        if value is UNSEEN:
            return UNSEEN
        value = value.get(key) if isinstance(value, dict) else None
    if value == {"Ref": "AWS::NoValue"}:
        return None
    return UNSEEN if is_intrinsic(value) else value


def items(value: Any, *keys: str) -> list[Any]:  # noqa: ANN401 - a piece of a template
    """Return the list under some keys, without what only the deployment knows; empty if there is none."""
    found = seen(value, *keys)
    return [each for each in found if not is_intrinsic(each)] if isinstance(found, list) else []


def pieces(value: Any) -> list[Any]:  # noqa: ANN401 - a piece of a template
    """Return what `Fn::Sub` and `Fn::Join` put together, in its order: texts, and references as if they stood alone.

    Of anything else, itself; an attribute is named by a list.
    """
    match value:
        case {"Fn::Sub": str() as text}:
            return pieces({"Fn::Sub": [text, {}]})
        case {"Fn::Sub": [str() as text, dict() as values]}:
            # Every other part is a name.
            parts = enumerate(SUBSTITUTED.split(text))
            put = [values.get(part, _reference(part)) if index % 2 else part for index, part in parts if part]
            return [piece for each in put for piece in pieces(each)]
        case {"Fn::Join": [str() as between, list() as parts]}:
            joined = [each for part in parts for each in (between, part)][1:]
            return [piece for each in joined if each != "" for piece in pieces(each)]
        case {"Fn::GetAtt": str() as name}:
            return [_reference(name)]
    return [value]


def functions_in(value: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - a piece of a template
    """Yield each function in a piece of a template, however deep; those in a text as `pieces` returns them."""
    if not isinstance(value, dict | list):
        return
    below = pieces(value)
    if below == [value]:
        if is_intrinsic(value):
            yield value
        below = list(value.values()) if isinstance(value, dict) else value
    for each in below:
        yield from functions_in(each)


def spelled(value: Any) -> str:  # noqa: ANN401 - a piece of a template
    """Return a text the same, however a template puts it together."""
    return "".join(piece if isinstance(piece, str) else json.dumps(piece) for piece in pieces(value))


def number(value: Any) -> float | None:  # noqa: ANN401 - a piece of a template
    """Return a number, which templates may also write as a string."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def is_true(value: Any) -> bool:  # noqa: ANN401 - a piece of a template
    """Whether a flag is set, which templates may also write as a string."""
    return value in (True, "true")


def is_off(value: Any) -> bool:  # noqa: ANN401 - a piece of a template
    """Whether a flag is not set, or not there."""
    return value in (None, False, "false")


def is_intrinsic(value: Any) -> TypeGuard[dict[str, Any]]:  # noqa: ANN401 - a piece of a template
    """Whether a value is known only when deployed, all of it."""
    return isinstance(value, dict) and len(value) == 1 and all(key == "Ref" or key[:4] == "Fn::" for key in value)


def _may_be(element: CfnElement, type_: str) -> bool:
    """Whether an element looks like a resource of a type: `CfnService` like `AWS::ECS::Service`; any `CfnResource`."""
    return type(element) is CfnResource or type(element).__name__ == f"Cfn{type_.rpartition('::')[2]}"


def _reference(name: str) -> dict[str, Any]:
    """Return a name in an `Fn::Sub` as a function."""
    return {"Fn::GetAtt": name.split(".", 1)} if "." in name else {"Ref": name}


def _name(reference: Any) -> str:  # noqa: ANN401 - a piece of a template
    match reference:
        case {"Fn::GetStackOutput": {"StackName": stack_name, "OutputName": output_name}}:
            return f"{stack_name}.{output_name}"
    return json.dumps(reference)
