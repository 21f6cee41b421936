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
from itertools import chain
from pathlib import Path
from typing import Any

from aws_cdk import Stack

from fargate_constructs._core.arguments import checked
from fargate_constructs.synthesized.create_only import (
    ALWAYS,
    KINDS,
    PERHAPS,
    comparable,
    create_only,
    fixed,
    known_types,
)
from fargate_constructs.synthesized.deployed import PATH, SEEN, Deployed, Template, read_deployed, references
from fargate_constructs.synthesized.lasting import LASTING_TYPES


@checked
def assert_no_replacement(
    old: Stack | Template | Path | str,
    new: Stack | Template | Path | str,
    *,
    types: Sequence[str] = LASTING_TYPES,
    accepted: Sequence[str] = (),
) -> None:
    """Fail if CloudFormation would replace or delete what should last, when it updates a stack from *old* to *new*.

    A resource goes if its logical ID is gone or of another type, if it is there under another condition, if a property
    changed that AWS's schema of its type calls create-only, wholly or under conditions, or if such a property refers to
    a resource that is itself replaced. The schemas are those of cfn-lint, with what `documented.py` adds:
    https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html

    A default that is written out is a change, as it is to CloudFormation: https://github.com/aws/aws-cdk/issues/16126.
    What only the deployment knows is taken to be what it was: parameters, which `cdk deploy` keeps, and mappings by
    region. Of a type that has no schema, such as one of a third party, only logical ID, type and condition count. What
    stands in a stack's nested stacks is compared with it, unless it is passed as a template, which does not have them.

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
        AssertionError: With each such resource's construct path, and what is the matter with it; or with what is
            accepted though it does not go, lest it lets something else go later.
        FileNotFoundError: If there is no such file; with how to write it.
        ImportError: If cfn-lint is not installed: `pip install '.[testing]'`.
        TypeError: If an argument is of another type than it says.
        ValueError: If *old* or *new* is not a template, if *old* has no resources, or if there is no such type.
    """
    before, after = read_deployed(old, "old"), read_deployed(new, "new")
    if not before.resources:
        raise ValueError("old must have resources, got none: nothing of it could be replaced")
    _check_types(types, before.resources, after.resources)
    update = _Update(before, after)
    replaced = {key: reasons for key, reasons in update.replaced().items() if update.is_of(key, types)}
    faults = [
        f"{update.name(key)} {'; '.join(reasons)}"
        for key, reasons in replaced.items()
        if not any(update.is_at(key, place) for place in accepted)
    ]
    if faults:
        raise AssertionError(
            "\n- ".join([f"CloudFormation would replace or delete {len(faults)} of what should last:", *faults])
            + "\nput each back as it was, or name it in accepted=[...] if it may go"
        )
    idle = [place for place in accepted if not any(update.is_at(key, place) for key in replaced)]
    if idle:
        raise AssertionError(f"nothing goes at or below what is accepted: {', '.join(idle)}; remove it, or correct it")


@checked
def lasting_resources(stack: Stack, *, types: Sequence[str] = LASTING_TYPES) -> dict[str, Any]:
    """Return what must not change of a stack, lest CloudFormation replaces what should last.

    That is a template cut down to the logical IDs and create-only properties of such resources, and of what these
    properties refer to, sorted by construct path: short enough to be reviewed in a file, and good as *old* of
    `assert_no_replacement`. Which properties were looked at stands in it: what a newer cfn-lint adds to them is
    compared once this is called anew.

    Args:
        stack: The stack.
        types: The types that should last, as those of `assert_no_replacement`.

    Raises:
        ImportError: If cfn-lint is not installed: `pip install '.[testing]'`.
        RuntimeError: If the app does not synthesize.
        TypeError: If an argument is of another type than it says.
        ValueError: If there is no such type.
    """
    resources = read_deployed(stack, "stack").resources
    _check_types(types, resources)
    kept: dict[str, Any] = {}
    waiting = [key for key, each in resources.items() if _is_like(each["Type"], types)]
    while waiting:
        logical_id = waiting.pop()
        if logical_id in kept or logical_id not in resources:  # a parameter
            continue
        resource = resources[logical_id]
        properties = fixed(resource)
        kept[logical_id] = {"Type": resource["Type"], "Metadata": {PATH: resource["Metadata"][PATH]}}
        if "Condition" in resource:
            kept[logical_id]["Condition"] = resource["Condition"]
        if properties:
            kept[logical_id]["Properties"] = properties
        waiting += references(properties)
    seen = {
        each["Type"]: sorted({name for kind in KINDS for name in create_only(each["Type"], kind)})
        for each in kept.values()
    }
    return {
        "Metadata": {SEEN: dict(sorted(seen.items()))},
        "Resources": dict(sorted(kept.items(), key=lambda each: each[1]["Metadata"][PATH])),
    }


class _Update:
    """From one template to another."""

    def __init__(self, old: Deployed, new: Deployed) -> None:
        self._old, self._new = old.resources, new.resources
        self._seen = (old.seen, new.seen)

    def replaced(self) -> dict[str, list[str]]:
        """Return why each resource goes, the causes before what follows from them."""
        replaced = {key: reasons for key in self._old if (reasons := list(self._judge(key)))}
        following = dict(replaced)
        while following:
            following = {
                key: reasons
                for key in self._old
                if key not in replaced and (reasons := list(self._follow(key, following)))
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

    def is_at(self, logical_id: str, place: str) -> bool:
        """Tell whether a resource is somewhere, or below."""
        return logical_id == place or f"{self.path(logical_id)}/".startswith(f"{place.rstrip('/')}/")

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
            if "Condition" in new and new["Condition"] != old.get("Condition"):
                yield f"may be gone: its Condition {_changed('Condition', old, new)}"
            for kind, verb in ((ALWAYS, "is"), (PERHAPS, "may be")):
                before, after = fixed(old, [kind], self._seen), fixed(new, [kind], self._seen)
                for name in sorted(before.keys() | after.keys()):
                    was, now = (comparable(old["Type"], name, each.get(name)) for each in (before, after))
                    if was != now:
                        yield f"{verb} replaced for {name}: {_changed(name, before, after)}"

    def _follow(self, logical_id: str, replaced: Mapping[str, list[str]]) -> Iterator[str]:
        for kind in KINDS:
            for name, value in fixed(self._new[logical_id], [kind], self._seen).items():
                for cause in filter(replaced.__contains__, references(value)):
                    is_certain = kind == ALWAYS and any(reason.startswith("is ") for reason in replaced[cause])
                    verb = "is" if is_certain else "may be"
                    yield f"{verb} replaced with {self.path(cause)}, which its {name} refers to"


def _changed(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    was, now = (json.dumps(each[name]) if name in each else "not set" for each in (before, after))
    return f"was {was}, now {now}"


def _check_types(types: Sequence[str], *templates: Mapping[str, Any]) -> None:
    named = {*LASTING_TYPES, *(each["Type"] for resources in templates for each in resources.values())}
    unknown = [each for each in types if not any(_is_like(type_, [each]) for type_ in chain(named, known_types()))]
    if unknown:
        raise ValueError(
            f"types must be CloudFormation types, or match some, got: {', '.join(unknown)}; "
            "spell them as templates do, such as AWS::EC2::VPC or AWS::S3::*"
        )


def _is_like(type_: str, types: Sequence[str]) -> bool:
    return any(fnmatchcase(type_, pattern) for pattern in types)
