"""Reads two comparable templates and their pairs; returns what an update does to each resource."""

import json
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple

from fargate_constructs.synthesized.comparable_template import ComparableTemplate, path_of
from fargate_constructs.synthesized.create_only import NO_VALUE, normalize
from fargate_constructs.synthesized.replacements import Reason, find_replacements


class Effect(Enum):
    """What CloudFormation does to a resource; the value is how the plan says it."""

    REFUSED = "is refused"
    REPLACED = "is replaced"
    MAY_BE_REPLACED = "may be replaced"
    DELETED = "is deleted"
    SNAPSHOT = "is deleted after a snapshot"
    MAY_BE_DELETED = "may be deleted"
    LEAVES = "leaves the stack and stays in the account"
    UPDATED = "is updated in place"
    NEW = "is new"
    STAYS = "stays as it is"

    @property
    def rule(self) -> str:
        """Its name in findings and in JSON, such as `mayBeReplaced`."""
        first, *others = self.name.lower().split("_")
        return first + "".join(map(str.title, others))


class Change(NamedTuple):
    """What an update does to a resource."""

    effect: Effect
    type: str
    old_id: str
    """Its logical ID in the old template; empty if it is new."""
    new_id: str
    """Its logical ID in the new template, before IDs are overridden; empty if it is not there."""
    path: str
    """Its construct path in the new template, else in the old one, else its logical ID."""
    reasons: Sequence[Reason] = ()
    properties: Sequence[str] = ()
    """The properties that change."""


def changes_of(old: ComparableTemplate, new: ComparableTemplate, ids: Mapping[str, str]) -> list[Change]:
    """Return the change of each resource: those that are lost first.

    *ids* are the resources of *new* that get another logical ID: the old IDs, with the new ones.
    """
    after = renamed(new, ids)
    replacements = {each.logical_id: each.reasons for each in find_replacements(old, after)}
    found = [
        _change(key, old.resources, after.resources, replacements.get(key, ()), ids.get(key, key))
        for key in old.resources
    ]
    olds = {new: old for old, new in ids.items()}
    for key, each in new.resources.items():
        if olds.get(key, key) not in old.resources:
            found.append(Change(Effect.NEW, each["Type"], "", key, path_of(key, new.resources)))
    order = list(Effect)
    resources = [each for each in found if each.type != "AWS::CDK::Metadata"]
    return sorted(resources, key=lambda each: order.index(each.effect))


def renamed(template: ComparableTemplate, ids: Mapping[str, str]) -> ComparableTemplate:
    """Return a template after overrides of logical IDs: the old IDs, with the new ones."""
    names = {new: old for old, new in ids.items()}
    return ComparableTemplate(
        {names.get(key, key): _renamed(each, names) for key, each in template.resources.items()},
        template.create_only,
        {key: _renamed(each, names) for key, each in template.exports.items()},
    )


def _renamed(value: Any, names: Mapping[str, str]) -> Any:  # noqa: ANN401 - a piece of a template
    match value:
        case {"Ref": str() as name}:
            return {"Ref": names.get(name, name)}
        case {"Fn::GetAtt": [str() as name, *attribute]}:
            return {"Fn::GetAtt": [names.get(name, name), *attribute]}
        case Mapping():
            return {key: _renamed(each, names) for key, each in value.items()}
        case list():
            return [_renamed(each, names) for each in value]
    return value


def _change(
    logical_id: str, before: Mapping[str, Any], after: Mapping[str, Any], reasons: Sequence[Reason], new_id: str
) -> Change:
    old, new = before[logical_id], after.get(logical_id)
    properties = [] if new is None else list(_changed(old, new))
    effect = Effect.UPDATED if properties else Effect.STAYS
    if new is None:
        policy = old.get("DeletionPolicy")
        effect = {"Snapshot": Effect.SNAPSHOT, "Retain": Effect.LEAVES, "RetainExceptOnCreate": Effect.LEAVES}.get(
            policy, Effect.DELETED
        )
    elif new["Type"] != old["Type"]:
        effect = Effect.REFUSED
    elif any(each.property for each in reasons):
        is_certain = any(each.property and each.is_certain for each in reasons)
        effect = Effect.REPLACED if is_certain else Effect.MAY_BE_REPLACED
    elif reasons:
        effect = Effect.MAY_BE_DELETED
    path = path_of(logical_id, after, before)
    return Change(effect, old["Type"], logical_id, "" if new is None else new_id, path, reasons, properties)


def _changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """Yield the properties and attributes that differ."""
    before, after = (each.get("Properties", {}) for each in (old, new))
    for name in sorted(before.keys() | after.keys()):
        was, now = (normalize(old["Type"], name, each.get(name)) for each in (before, after))
        if was != now and not {json.dumps(was), json.dumps(now)} <= {json.dumps(None), json.dumps(NO_VALUE)}:
            yield name
    for name in ("DeletionPolicy", "UpdateReplacePolicy", "Condition"):
        if old.get(name) != new.get(name):
            yield name
