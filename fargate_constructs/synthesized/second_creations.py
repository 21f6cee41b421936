"""Reads two comparable templates; returns what CloudFormation would create while AWS has it already."""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from fargate_constructs.synthesized.comparable_template import ComparableTemplate, references
from fargate_constructs.synthesized.unique_keys import effect_of_second, unique_keys


class SecondCreation(NamedTuple):
    """A resource that is created while another has its identity."""

    logical_id: str
    old_id: str
    """The one that has it; the same logical ID if CloudFormation replaces the resource."""
    effect: str


def find_second_creations(
    old: ComparableTemplate, new: ComparableTemplate, replaced: Collection[str]
) -> Iterator[SecondCreation]:
    """Yield what is created a second time: CloudFormation creates all that is new before it deletes anything.

    Args:
        old: What is deployed.
        new: What would be deployed.
        replaced: The logical IDs that are replaced for certain.
    """
    created = {key: each for key, each in new.resources.items() if key in replaced or key not in old.resources}
    types = {each["Type"] for each in created.values()}
    holders = {
        key: logical_id
        for logical_id, each in old.resources.items()
        if each["Type"] in types
        for key in unique_keys(each)
    }
    for logical_id, each in created.items():
        # What belongs to a replaced resource is not created beside the old one, but with the new one.
        is_beside = not ({*references(each.get("Properties", {}))} - {logical_id}).intersection(replaced)
        holder = next((holders[key] for key in unique_keys(each) if key in holders), None)
        if holder and is_beside:
            yield SecondCreation(logical_id, holder, effect_of_second(each["Type"]))
