"""Reads two comparable templates; returns what CloudFormation would create while AWS has it already."""

from collections.abc import Iterator
from typing import NamedTuple

from fargate_constructs.synthesized.comparable_template import ComparableTemplate, references
from fargate_constructs.synthesized.replacements import find_replacements
from fargate_constructs.synthesized.unique_keys import effect_of_second, unique_keys


class SecondCreation(NamedTuple):
    """A resource that is created while another has its identity."""

    logical_id: str
    old_id: str
    """The one that has it; the same logical ID if CloudFormation replaces the resource."""
    effect: str


def find_second_creations(old: ComparableTemplate, new: ComparableTemplate) -> Iterator[SecondCreation]:
    """Yield what is created a second time: CloudFormation creates all that is new before it deletes anything."""
    replaced = {
        each.logical_id
        for each in find_replacements(old, new, types=["*"])
        if any(reason.property and reason.is_certain for reason in each.reasons)
    }
    holders = {key: logical_id for logical_id, each in old.resources.items() for key in unique_keys(each)}
    for logical_id, each in new.resources.items():
        is_created = logical_id not in old.resources or logical_id in replaced
        if is_created and replaced.isdisjoint(set(references(each.get("Properties", {}))) - {logical_id}):
            holder = next((holders[key] for key in unique_keys(each) if key in holders), None)
            if holder:
                yield SecondCreation(logical_id, holder, effect_of_second(each["Type"]))
