"""Reads two comparable templates; returns what CloudFormation would replace or delete, and for which property."""

import json
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import chain
from typing import Any, NamedTuple

from fargate_constructs.synthesized.comparable_template import (
    CREATE_ONLY_KEY,
    PATH_KEY,
    ComparableTemplate,
    path_of,
    references,
)
from fargate_constructs.synthesized.create_only import (
    CONDITIONALLY,
    KINDS,
    UNCONDITIONALLY,
    create_only_names,
    create_only_values,
    known_types,
    normalize,
)
from fargate_constructs.synthesized.lasting_types import LASTING_TYPES


class Reason(NamedTuple):
    """Why CloudFormation would replace or delete a resource."""

    text: str
    property: str = ""
    """The create-only property; empty if the resource is deleted, or has another type or condition."""
    is_certain: bool = True
    """Whether CloudFormation does it for sure, or may do it."""


class Replacement(NamedTuple):
    """A resource that CloudFormation would replace or delete."""

    logical_id: str
    type: str
    path: str
    """The construct path, or the logical ID if neither template has the path."""
    reasons: Sequence[Reason]
    new_type: str | None
    """`None` if it is deleted."""

    def __str__(self) -> str:
        """Return the resource as a person finds it in the app and in the console, and the reasons."""
        return f"{self.path} ({self.type} {self.logical_id}) {'; '.join(each.text for each in self.reasons)}"

    @property
    def is_replaced(self) -> bool:
        """Whether it is replaced, or may be; it is not deleted."""
        return any(each.property for each in self.reasons)

    def is_of(self, types: Sequence[str]) -> bool:
        """Whether its old or its new type is one of some, which may have wildcards."""
        return any(matches(each, types) for each in (self.type, self.new_type) if each)


def is_at(place: str, logical_id: str, path: str) -> bool:
    """Whether a place is a resource's logical ID, or a construct path at or above it."""
    return logical_id == place or f"{path}/".startswith(f"{place.rstrip('/')}/")


def find_replacements(old: ComparableTemplate, new: ComparableTemplate) -> list[Replacement]:
    """Return what an update from *old* to *new* would replace or delete: causes first, then what follows from them."""
    update = _Update(old, new)
    return [
        Replacement(key, old.resources[key]["Type"], update.path(key), reasons, new.resources.get(key, {}).get("Type"))
        for key, reasons in update.reasons().items()
    ]


def pin(template: ComparableTemplate, types: Sequence[str]) -> dict[str, Any]:
    """Return the logical IDs and create-only properties of some types, and of what these properties refer to."""
    resources = template.resources
    validate_types(types, resources)
    pinned: dict[str, Any] = {}
    waiting = [key for key, each in resources.items() if matches(each["Type"], types)]
    while waiting:
        logical_id = waiting.pop()
        if logical_id in pinned or logical_id not in resources:  # a parameter
            continue
        resource = resources[logical_id]
        properties = create_only_values(resource)
        pinned[logical_id] = {"Type": resource["Type"], "Metadata": {PATH_KEY: resource["Metadata"][PATH_KEY]}}
        if "Condition" in resource:
            pinned[logical_id]["Condition"] = resource["Condition"]
        if properties:
            pinned[logical_id]["Properties"] = properties
        waiting += references(properties)
    names = {
        type_: sorted({name for kind in KINDS for name in create_only_names(type_, kind)})
        for type_ in sorted({each["Type"] for each in pinned.values()})
    }
    return {
        "Metadata": {CREATE_ONLY_KEY: names},
        "Resources": dict(sorted(pinned.items(), key=lambda each: each[1]["Metadata"][PATH_KEY])),
    }


def validate_types(types: Sequence[str], *templates: Mapping[str, Any]) -> None:
    """Refuse a type that neither AWS nor one of the templates has."""
    named = {*LASTING_TYPES, *(each["Type"] for resources in templates for each in resources.values())}
    unknown = [each for each in types if not any(matches(type_, [each]) for type_ in chain(named, known_types()))]
    if unknown:
        raise ValueError(
            f"types must be CloudFormation types, or match some, got: {', '.join(unknown)}; "
            "spell them as templates do, such as AWS::EC2::VPC or AWS::S3::*"
        )


def matches(type_: str, patterns: Sequence[str]) -> bool:
    """Whether a type is one of some, which may have wildcards."""
    return any(fnmatchcase(type_, pattern) for pattern in patterns)


class _Update:
    """An update from one template to another."""

    def __init__(self, old: ComparableTemplate, new: ComparableTemplate) -> None:
        self._old, self._new = old.resources, new.resources
        self._compared = (old.create_only, new.create_only)

    def reasons(self) -> dict[str, list[Reason]]:
        """Return why each resource is replaced or deleted, by logical ID."""
        found = {key: reasons for key in self._old if (reasons := list(self._changes(key)))}
        latest = found
        while latest:
            latest = {
                key: reasons
                for key in self._old
                if key not in found and (reasons := list(self._consequences(key, latest)))
            }
            found = found | latest
        return found

    def path(self, logical_id: str) -> str:
        """Return a resource's construct path, or its logical ID if neither template has the path."""
        return path_of(logical_id, self._new, self._old)

    def _changes(self, logical_id: str) -> Iterator[Reason]:
        """Yield what changed of the resource itself."""
        old, new = self._old[logical_id], self._new.get(logical_id)
        if new is None:
            added = [
                each.get("Metadata", {}).get(PATH_KEY, key)
                for key, each in self._new.items()
                if each["Type"] == old["Type"] and key not in self._old
            ]
            yield Reason("is deleted" + (f"; new of its type: {', '.join(added)}" if added else ""))
        elif new["Type"] != old["Type"]:
            text = f"was {old['Type']} and is {new['Type']}, which CloudFormation refuses under one logical ID"
            yield Reason(text, is_certain=False)
        else:
            if "Condition" in new and new["Condition"] != old.get("Condition"):
                yield Reason(f"may be deleted: its Condition {_both('Condition', old, new)}", is_certain=False)
            for kind, verb in ((UNCONDITIONALLY, "is"), (CONDITIONALLY, "may be")):
                before, after = (create_only_values(each, [kind], self._compared) for each in (old, new))
                for name in sorted(before.keys() | after.keys()):
                    was, now = (normalize(old["Type"], name, each.get(name)) for each in (before, after))
                    if was != now:
                        text = f"{verb} replaced for {name}: {_both(name, before, after)}"
                        yield Reason(text, name, is_certain=kind == UNCONDITIONALLY)

    def _consequences(self, logical_id: str, replaced: Mapping[str, list[Reason]]) -> Iterator[Reason]:
        """Yield a reason for each create-only property that refers to a replaced resource, whose ID changes."""
        for kind in KINDS:
            for name, value in create_only_values(self._new[logical_id], [kind], self._compared).items():
                for cause in filter(replaced.__contains__, references(value)):
                    is_certain = kind == UNCONDITIONALLY and any(each.is_certain for each in replaced[cause])
                    verb = "is" if is_certain else "may be"
                    text = f"{verb} replaced with {self.path(cause)}, which its {name} refers to"
                    yield Reason(text, name, is_certain=is_certain)


def _both(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    was, now = (json.dumps(each[name]) if name in each else "not set" for each in (before, after))
    return f"was {was}, now {now}"
