"""Reads two comparable templates; returns what CloudFormation would create while AWS has it already."""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from fargate_constructs.synthesized.comparable_template import ComparableTemplate, references
from fargate_constructs.synthesized.unique_keys import effect_of_second, unique_keys


class SecondCreation(NamedTuple):
    """A resource that gets the identity of another one while that has it."""

    logical_id: str
    old_id: str
    """The one that has it; the same logical ID if CloudFormation replaces the resource."""
    effect: str


def find_second_creations(
    old: ComparableTemplate, new: ComparableTemplate, replaced: Collection[str]
) -> Iterator[SecondCreation]:
    """Yield what gets the identity of another resource: CloudFormation creates and updates before it deletes anything.

    A resource that is updated may get the identity of another one, too: the port of a listener, or the priority of a
    rule (https://github.com/aws/aws-cdk/issues/13901). CloudFormation updates both in any order.

    Args:
        old: What is deployed.
        new: What would be deployed.
        replaced: The logical IDs that are replaced, or may be.
    """
    keys = {key: set(unique_keys(each)) for key, each in old.resources.items()}
    holders = {identity: key for key, identities in keys.items() for identity in identities}
    for logical_id, each in new.resources.items():
        kept = set() if logical_id in replaced else keys.get(logical_id, set())
        holder = next((holders[identity] for identity in unique_keys(each) if identity in holders.keys() - kept), None)
        # What belongs to a replaced resource is not created beside the old one, but with the new one.
        others = {*references(each.get("Properties", {}))} - {logical_id}
        if holder and others.isdisjoint(replaced):
            yield SecondCreation(logical_id, holder, effect_of_second(each["Type"]))
