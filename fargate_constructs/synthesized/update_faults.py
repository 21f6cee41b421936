"""Reads two comparable templates; returns what an update loses, and for what CloudFormation would refuse it."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from fargate_constructs.synthesized.comparable_template import ComparableTemplate, path_of
from fargate_constructs.synthesized.deleted_data import find_deleted_data
from fargate_constructs.synthesized.lasting_types import LASTING_TYPES, is_lost_if_deleted
from fargate_constructs.synthesized.lost_exports import find_lost_exports
from fargate_constructs.synthesized.moved_ports import find_rules_of_old_ports
from fargate_constructs.synthesized.replacements import find_replacements, is_at, matches, validate_types
from fargate_constructs.synthesized.second_creations import find_second_creations


class UpdateFault(NamedTuple):
    """What an update loses, or for what it is refused."""

    logical_id: str
    """Or the name of an export."""
    path: str
    text: str

    def is_at(self, place: str) -> bool:
        """Whether it has this logical ID or name, or is at or below this construct path."""
        return is_at(place, self.logical_id, self.path)


def find_update_faults(old: ComparableTemplate, new: ComparableTemplate, types: Sequence[str]) -> list[UpdateFault]:
    """Return what is replaced or deleted, what loses data, what AWS has already, and what other stacks import.

    Args:
        old: What is deployed.
        new: What would be deployed.
        types: The types to watch, which may have wildcards. With all of `LASTING_TYPES`, every type is watched for data
            and for what AWS has once, because these lose data or fail for each of the few types that they know. What is
            not missed when it is deleted is then no fault.
    """
    validate_types(types, old.resources, new.resources)
    moved = find_rules_of_old_ports(old, new)
    replacements = [each for each in find_replacements(old, new) if each.logical_id not in moved]
    has_all = {*LASTING_TYPES} <= {*types}
    new_types = {each["Type"] for key, each in new.resources.items() if key not in old.resources}
    found = [
        UpdateFault(each.logical_id, each.path, str(each))
        for each in replacements
        if each.is_of(types)
        if each.new_type or not has_all or is_lost_if_deleted(each.type, new_types)
    ]
    replaced = {each.logical_id for each in replacements if each.is_replaced}
    watched = ["*"] if has_all else types
    for logical_id, text in (*_deleted(old, new), *_seconds(old, new, replaced)):
        type_, path = new.resources[logical_id]["Type"], path_of(logical_id, new.resources)
        if matches(type_, watched):
            found.append(UpdateFault(logical_id, path, f"{path} ({type_} {logical_id}) {text}"))
    lost = replaced | {each.logical_id for each in replacements if each.new_type is None}
    for name, why in () if _has_pin(old, new) else find_lost_exports(old, new, lost):
        text = f"the export {name} {why}, which CloudFormation refuses while another stack imports it"
        found.append(UpdateFault(name, name, text))
    return found


def _has_pin(old: ComparableTemplate, new: ComparableTemplate) -> bool:
    """Whether one is a pin, which has no retention times and no exports."""
    return bool(old.create_only or new.create_only)


def _deleted(old: ComparableTemplate, new: ComparableTemplate) -> Iterator[tuple[str, str]]:
    for each in () if _has_pin(old, new) else find_deleted_data(old, new):
        yield each.logical_id, f"stays, but AWS deletes {each.text}"


def _seconds(old: ComparableTemplate, new: ComparableTemplate, replaced: set[str]) -> Iterator[tuple[str, str]]:
    for each in find_second_creations(old, new, replaced):
        yield each.logical_id, f"is the same to AWS as {path_of(each.old_id, old.resources)}: {each.effect}"
