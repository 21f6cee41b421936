"""Reads a deployed stack and the stack of the app; returns what the deployment does, and what keeps resources."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from fargate_constructs.adoption.adoption_file import AdoptionFile, Place, place_in_stack
from fargate_constructs.adoption.changes import Change, Effect, changes_of, renamed
from fargate_constructs.adoption.pairing import pair
from fargate_constructs.adoption.remedies import remedy
from fargate_constructs.adoption.traps import Trap, find_traps
from fargate_constructs.synthesized.comparable_template import ComparableTemplate, TemplateTree, comparable, path_of
from fargate_constructs.synthesized.create_only import normalize
from fargate_constructs.synthesized.lasting_types import LASTING_TYPES, is_lost_if_deleted
from fargate_constructs.synthesized.moved_ports import find_rules_of_old_ports
from fargate_constructs.synthesized.stored_templates import STACK_TYPE, StoredStack
from fargate_constructs.synthesized.unique_keys import KEYS, unique_keys

# Their logical IDs are kept: what lasts, what AWS has once, and roles, which others know by ARN.
KEPT_TYPES = {*LASTING_TYPES, *KEYS, "AWS::IAM::Role"} - {"AWS::IAM::Policy"}
# Others of the same update refer to them: a new route table would take its subnets, and a route would be missing.
KEPT_TYPES |= {"AWS::EC2::InternetGateway", "AWS::EC2::Route", "AWS::EC2::RouteTable"}
LOST = (Effect.REFUSED, Effect.REPLACED, Effect.MAY_BE_REPLACED, Effect.DELETED, Effect.SNAPSHOT, Effect.MAY_BE_DELETED)


class Rename(NamedTuple):
    """A resource that stays if its construct gets the deployed logical ID."""

    old_id: str
    new_id: str
    type: str
    old_path: str
    path: str
    reason: str
    """What shows that it is the same."""


class Plan(NamedTuple):
    """What a deployment does."""

    stack: StoredStack
    """The stack of the app."""
    deployed: StoredStack
    changes: Sequence[Change]
    """With the overrides of *renames*."""
    renames: Sequence[Rename]
    candidates: Mapping[str, Sequence[str]]
    """Old logical IDs that a resource of the app may have, and the paths of those that fit equally well."""
    remedies: Mapping[str, Sequence[str]]
    """By old logical ID, what keeps the properties that it is replaced for."""
    traps: Sequence[Trap]
    """What interrupts, deletes or fails, with the overrides of *renames*."""
    lost_outputs: Sequence[str]
    """Outputs without an export that the app does not have; people and scripts may read them."""
    skipped: Sequence[str]
    """The logical IDs of nested stacks that are not compared."""
    pairs: Mapping[str, str]
    """All pairs: old logical IDs, with the new ones."""
    old: ComparableTemplate
    new: ComparableTemplate
    rules_of_old_ports: Collection[str]
    """The old logical IDs of rules of security groups that may go, because tasks have another port."""

    def lost(self) -> list[Change]:
        """Return what should last, and does not."""
        gone = (Effect.DELETED, Effect.LEAVES)
        new = {each.type for each in self.changes if each.effect is Effect.NEW}
        return [
            each
            for each in self.changes
            if each.effect in {*LOST, *gone} and each.type in LASTING_TYPES
            if each.effect not in gone or is_lost_if_deleted(each.type, new)
            if each.old_id not in self.rules_of_old_ports
        ]

    def adoption(self, known: AdoptionFile | None = None) -> AdoptionFile:
        """Return the logical IDs to keep; *known* are those that the app keeps already.

        Raises:
            ValueError: If the construct path of a resource is not known.
        """
        kept = {} if known is None else known.resources
        places: dict[str, Place] = {}
        for old_id, new_id in self.pairs.items():
            if old_id in kept or any(each.old_id == old_id for each in self.renames):
                place = place_in_stack(self.new.resources[new_id], self.stack.path)
                if place is None:
                    raise ValueError(
                        f"the app must have the construct path of {new_id}, got a template without; name the folder "
                        "cdk.out instead of one template"
                    )
                places[old_id] = place
        return AdoptionFile(self.stack.name, places)


def make_plan(old: StoredStack, new: StoredStack, given: Mapping[str, str] | None = None) -> Plan:
    """Return what the deployment of a stack does.

    *given* are pairs that a person has named: old logical IDs, with the construct paths or logical IDs of the app.

    Raises:
        ValueError: If a template is not complete, or a pair cannot be.
    """
    old_tree, new_tree, skipped = _without_unknown(old.tree, new.tree)
    before, after = comparable(old_tree, "the deployed template"), comparable(new_tree, "the app's template")
    named = {key: _resolve(key, each, before.resources, after.resources) for key, each in (given or {}).items()}
    found = pair(before.resources, after.resources, named, (old.path or new.path, new.path))
    same = renamed(after, found.pairs).resources
    ids = {
        key: other
        for key, other in found.pairs.items()
        if key != other and (key in named or _is_kept(before.resources[key], same[key]))
    }
    _refuse_second_use(ids, after.resources)
    changes = changes_of(before, after, ids)
    renames = [
        Rename(
            key,
            other,
            before.resources[key]["Type"],
            path_of(key, before.resources),
            path_of(other, after.resources),
            found.reasons[key],
        )
        for key, other in ids.items()
        if key.rpartition("/")[2] != other.rpartition("/")[2]  # only its nested stack has another ID
    ]
    candidates = {
        key: [path_of(each, after.resources) for each in fits]
        for key, fits in found.candidates.items()
        if before.resources[key]["Type"] in LASTING_TYPES
    }
    adopted = renamed(after, ids)
    traps = find_traps(before, adopted, changes)
    remedies = _remedies(changes, before, adopted)
    outputs = _lost_outputs(old.tree, new.tree)
    rules = find_rules_of_old_ports(before, adopted)
    return Plan(
        new, old, changes, renames, candidates, remedies, traps, outputs, skipped, found.pairs, before, after, rules
    )


def _lost_outputs(old: TemplateTree, new: TemplateTree) -> list[str]:
    outputs, kept = old.template.get("Outputs", {}), new.template.get("Outputs", {})
    return sorted(key for key, each in outputs.items() if key not in kept and not each.get("Export"))


def _without_unknown(old: TemplateTree, new: TemplateTree) -> tuple[TemplateTree, TemplateTree, list[str]]:
    """Leave out nested stacks whose template is known on one side only; return their logical IDs, too."""
    skipped, olds, news = [], dict(old.nested), dict(new.nested)
    for key in [*olds.keys() | news.keys()]:
        is_in_both = all(_is_stack(each.template.get("Resources", {}).get(key)) for each in (old, new))
        if key in olds and key in news:
            olds[key], news[key], below = _without_unknown(olds[key], news[key])
            skipped += [f"{key}/{each}" for each in below]
        elif is_in_both:
            olds.pop(key, None)
            news.pop(key, None)
            skipped.append(key)
    return old._replace(nested=olds), new._replace(nested=news), sorted(skipped)


def _is_stack(resource: Any) -> bool:  # noqa: ANN401 - a piece of a template
    return isinstance(resource, Mapping) and resource.get("Type") == STACK_TYPE


def _resolve(old_id: str, place: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Return the logical ID of the resource that a person named."""
    if old_id not in before:
        raise ValueError(f"--pair must begin with a logical ID of the deployed template, got: {old_id}")
    type_ = before[old_id]["Type"]
    wanted = place.strip("/")
    found = [
        key
        for key in after
        if key == wanted or f"/{path_of(key, after)}/".endswith((f"/{wanted}/", f"/{wanted}/Resource/"))
    ]
    if not found:
        raise ValueError(f"--pair must end with a construct path or logical ID of the app, got: {place}")
    of_type = [key for key in found if after[key]["Type"] == type_]
    if not of_type:
        raise ValueError(
            f"--pair must name two resources of one type, got: {old_id} is {type_}, "
            f"{place} is {after[found[0]]['Type']}"
        )
    if len(of_type) > 1:
        paths = ", ".join(path_of(each, after) for each in of_type)
        raise ValueError(f"--pair must name one resource of the app, got {place}, which is the end of: {paths}")
    return of_type[0]


def _is_kept(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether a resource needs its deployed logical ID: it is of such a type, or AWS has it once, such as by a name."""
    return old["Type"] in KEPT_TYPES or not {*unique_keys(old)}.isdisjoint(unique_keys(new))


def _refuse_second_use(ids: Mapping[str, str], after: Mapping[str, Any]) -> None:
    """Refuse an old ID that another resource of the app has, too, and a resource of the app with two old IDs."""
    for old_id, new_id in ids.items():
        if old_id in after and old_id not in ids.values():
            raise ValueError(
                f"{path_of(new_id, after)} cannot have the logical ID {old_id}, which {path_of(old_id, after)} has; "
                "give that construct another ID, or pair it, too"
            )
        if len([each for each in ids.values() if each == new_id]) > 1:
            raise ValueError(f"--pair must name each resource once, got twice: {path_of(new_id, after)}")


def _remedies(changes: Sequence[Change], before: ComparableTemplate, after: ComparableTemplate) -> dict[str, list[str]]:
    return {each.old_id: found for each in changes if (found := list(_remedies_of(each, before, after)))}


def _remedies_of(change: Change, before: ComparableTemplate, after: ComparableTemplate) -> Iterator[str]:
    """Yield what keeps each property that differs; a reference to a replaced resource has its remedy there."""
    for property_ in dict.fromkeys(each.property for each in change.reasons if each.property):
        old, new = before.resources[change.old_id], after.resources[change.old_id]
        was, now = (normalize(change.type, property_, each.get("Properties", {}).get(property_)) for each in (old, new))
        if was != now:
            yield remedy(property_, old, new, after.resources)
