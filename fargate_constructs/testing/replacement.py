"""What CloudFormation would replace, told before a deployment does it.

```
template as deployed ─┐
                      ├──> [assert_no_replacement] ──> the name of each resource that would go
template as it is ────┘
```
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from aws_cdk import Stack

from fargate_constructs.arguments import checked
from fargate_constructs.testing.lasting import LASTING_TYPES
from fargate_constructs.testing.templates import construct_paths, template_of

Template = Mapping[str, object]
PATH = "aws:cdk:path"


@checked
def assert_no_replacement(
    old: Stack | Template | Path | str,
    new: Stack | Template | Path | str,
    *,
    types: Sequence[str] = LASTING_TYPES,
    accepted: Sequence[str] = (),
) -> None:
    """Fail if CloudFormation would replace or delete what should last, when it updates a stack from *old* to *new*.

    A resource goes if its logical ID is gone or of another type, if a property changed that AWS's schema of its type
    calls create-only, wholly or under conditions, or if such a property refers to a resource that is itself replaced.
    The schemas are those of cfn-lint: https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html

    Of a type that has no schema there, such as one of a third party, only logical ID and type are compared. A nested
    stack is a stack of its own: what is in it is compared if it is passed itself.

    ```python
    def test_nothing_is_replaced():
        assert_no_replacement("deployed/Shop.template.json", Shop(App(), "Shop"))
    ```

    Args:
        old: What is deployed: a stack, a template, or the JSON file of one. The template as `cdk deploy` wrote it, as
            `aws cloudformation get-template` tells it, or `lasting_resources` of it.
        new: What would be deployed, likewise.
        types: The types to watch; a name may have wildcards, and `["*"]` is every one. By default `LASTING_TYPES`,
            whose replacement loses an address, data or a running service.
        accepted: What may go this time: construct paths, with all that is below each, or logical IDs. By default
            nothing.

    Raises:
        AssertionError: With each such resource's construct path, and what is the matter with it.
        ImportError: If cfn-lint is not installed: `pip install 'fargate-constructs[testing]'`.
        TypeError: If an argument is of another type than it says.
        ValueError: If *old* or *new* is not a template.
    """
    update = _Update(_read(old, "old"), _read(new, "new"))
    faults = [
        f"{update.name(logical_id)} {'; '.join(reasons)}"
        for logical_id, reasons in update.replaced().items()
        if update.is_of(logical_id, types) and not update.is_at(logical_id, accepted)
    ]
    if faults:
        raise AssertionError(
            "\n- ".join([f"CloudFormation would replace or delete {len(faults)} of what should last:", *faults])
            + "\nput each back as it was, or name it in accepted=[...] if it may go"
        )


@checked
def lasting_resources(stack: Stack, *, types: Sequence[str] = LASTING_TYPES) -> dict[str, Any]:
    """Return what must not change of a stack, lest CloudFormation replaces what should last.

    That is a template cut down to the logical IDs and create-only properties of such resources, and of what these
    properties refer to, sorted by construct path: short enough to be reviewed in a file, and good as *old* of
    `assert_no_replacement`.

    Args:
        stack: The stack.
        types: The types that should last, as those of `assert_no_replacement`.

    Raises:
        ImportError: If cfn-lint is not installed: `pip install 'fargate-constructs[testing]'`.
        RuntimeError: If the app does not synthesize.
        TypeError: If an argument is of another type than it says.
    """
    resources = _read(stack, "stack")
    kept: dict[str, Any] = {}
    waiting = [key for key, each in resources.items() if _is_like(each["Type"], types)]
    while waiting:
        logical_id = waiting.pop()
        if logical_id in kept or logical_id not in resources:  # a parameter
            continue
        resource = resources[logical_id]
        fixed = _fixed(resource)
        kept[logical_id] = {"Type": resource["Type"], "Metadata": {PATH: resource["Metadata"][PATH]}}
        if fixed:
            kept[logical_id]["Properties"] = fixed
        waiting += _references(fixed)
    return {"Resources": dict(sorted(kept.items(), key=lambda each: each[1]["Metadata"][PATH]))}


class _Update:
    """From one template to another."""

    def __init__(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        self._old, self._new = old, new

    def replaced(self) -> dict[str, list[str]]:
        """Return why each resource goes, the causes before what follows from them."""
        replaced = {key: reasons for key in self._old if (reasons := list(self._judge(key)))}
        following = dict(replaced)
        while following:
            following = {
                key: [f"is replaced with {self.path(cause)}, which its {name} refers to" for name, cause in causes]
                for key in self._old
                if key not in replaced and (causes := list(self._causes(key, following)))
            }
            replaced |= following
        return replaced

    def name(self, logical_id: str) -> str:
        """Return how a person finds a resource, in the app and in the console."""
        return f"{self.path(logical_id)} ({self._old[logical_id]['Type']} {logical_id})"

    def path(self, logical_id: str) -> str:
        """Return a resource's construct path, or its logical ID if neither template tells."""
        paths = (each.get(logical_id, {}).get("Metadata", {}).get(PATH) for each in (self._new, self._old))
        return next(filter(None, paths), logical_id)

    def is_of(self, logical_id: str, types: Sequence[str]) -> bool:
        """Tell whether a resource is, or was, of one of some types."""
        return any(_is_like(each[logical_id]["Type"], types) for each in (self._old, self._new) if logical_id in each)

    def is_at(self, logical_id: str, places: Sequence[str]) -> bool:
        """Tell whether a resource is one of some, or below."""
        path = f"{self.path(logical_id)}/"
        return any(logical_id == place or path.startswith(f"{place}/") for place in places)

    def _judge(self, logical_id: str) -> Iterator[str]:
        old, new = self._old[logical_id], self._new.get(logical_id)
        if new is None:
            others = [
                each.get("Metadata", {}).get(PATH, key)
                for key, each in self._new.items()
                if each["Type"] == old["Type"] and key not in self._old
            ]
            yield "is gone" + (f"; new of its type: {', '.join(others)}" if others else "")
        elif new["Type"] != old["Type"]:
            yield f"was {old['Type']} and is {new['Type']}, which CloudFormation refuses under one logical ID"
        else:
            for kind, verb in (("createOnlyProperties", "is"), ("conditionalCreateOnlyProperties", "may be")):
                before, after = _fixed(old, kind), _fixed(new, kind)
                for name in sorted(before.keys() | after.keys()):
                    if before.get(name) != after.get(name):
                        was, now = (json.dumps(each[name]) if name in each else "not set" for each in (before, after))
                        yield f"{verb} replaced for {name}: was {was}, now {now}"

    def _causes(self, logical_id: str, replaced: Mapping[str, object]) -> Iterator[tuple[str, str]]:
        for name, value in _fixed(self._new[logical_id]).items():
            yield from ((name, each) for each in _references(value) if each in replaced)


def _read(source: Stack | Template | Path | str, name: str) -> Mapping[str, Any]:
    """Return a template's resources, with construct paths if it is a stack's."""
    if isinstance(source, Stack):
        template, paths = template_of(source), construct_paths(source)
        for logical_id, resource in template.setdefault("Resources", {}).items():
            resource["Metadata"] = {**resource.get("Metadata", {}), PATH: paths.get(logical_id, logical_id)}
    else:
        template = dict(source) if isinstance(source, Mapping) else json.loads(Path(source).read_text(encoding="utf-8"))
    resources: Mapping[str, Any] | None = template.get("Resources")
    if resources is None:
        raise ValueError(f"{name} must be a template with Resources, got one with: {', '.join(template)}")
    return resources


def _fixed(resource: Mapping[str, Any], kind: str | None = None) -> dict[str, Any]:
    """Return the properties of a resource that are create-only, of one kind or of both."""
    kinds = [kind] if kind else ["createOnlyProperties", "conditionalCreateOnlyProperties"]
    schema = _schema(resource["Type"])
    pointers = [pointer.split("/")[2:] for kind in kinds for pointer in schema.get(kind, ())]
    fixed = _cut(resource.get("Properties", {}), pointers)
    return {name: value for name, value in fixed.items() if value not in ({}, [])}


def _cut(value: Any, pointers: Sequence[Sequence[str]]) -> Any:  # noqa: ANN401 - a piece of a template
    """Return what pointers lead to, where it stands."""
    if not all(pointers) or _is_intrinsic(value):
        return value
    if isinstance(value, list):
        return [_cut(each, [rest for _, *rest in pointers]) for each in value]
    if not isinstance(value, Mapping):
        return value
    below: dict[str, list[Sequence[str]]] = {}
    for name, *rest in pointers:
        below.setdefault(name, []).append(rest)
    return {name: _cut(value[name], rests) for name, rests in below.items() if name in value}


def _is_intrinsic(value: object) -> bool:
    return isinstance(value, Mapping) and len(value) == 1 and next(iter(value)).startswith(("Ref", "Fn::"))


def _references(value: object) -> Iterator[str]:
    """Yield the logical IDs that a piece of a template refers to."""
    match value:
        case {"Ref": name}:
            yield name
        case {"Fn::GetAtt": str() as name} | {"Fn::GetAtt": [name, *_]}:
            yield name.partition(".")[0]
        case {"Fn::Sub": [text, _]} | {"Fn::Sub": text}:
            yield from (part.partition("}")[0].partition(".")[0] for part in text.split("${")[1:])
    if isinstance(value, (Mapping, list)):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from _references(each)


def _is_like(type_: str, types: Sequence[str]) -> bool:
    return any(fnmatchcase(type_, pattern) for pattern in types)


@cache
def _schema(type_: str) -> Mapping[str, Any]:
    """Return AWS's schema of a type, or nothing if there is none."""
    try:
        from cfnlint.schema import PROVIDER_SCHEMA_MANAGER, ResourceNotFoundError  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ImportError(
            "what CloudFormation replaces a resource for is read from cfn-lint, which is not installed: "
            "pip install 'fargate-constructs[testing]'"
        ) from error
    try:
        schema: Mapping[str, Any] = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", type_).schema
    except ResourceNotFoundError:
        return {}
    return schema
