"""Reads an update; returns where its order interrupts requests or fails, though each single change looks harmless.

CloudFormation creates and updates resources after those that they refer to, and deletes at the end:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-update-behaviors.html
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from fargate_constructs.adoption.changes import Change, Effect
from fargate_constructs.synthesized.comparable_template import ComparableTemplate, path_of, references
from fargate_constructs.synthesized.deleted_data import find_deleted_data
from fargate_constructs.synthesized.intrinsics import items, lookup, number
from fargate_constructs.synthesized.lost_exports import find_lost_exports
from fargate_constructs.synthesized.second_creations import find_second_creations
from fargate_constructs.synthesized.target_group_weights import find_weight_resets, objects_with

EIP = "AWS::EC2::EIP"
LISTENER, RULE = "AWS::ElasticLoadBalancingV2::Listener", "AWS::ElasticLoadBalancingV2::ListenerRule"
LOAD_BALANCER, SERVICE = "AWS::ElasticLoadBalancingV2::LoadBalancer", "AWS::ECS::Service"
SCALABLE_TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"
ACTIONS = {LISTENER: "DefaultActions", RULE: "Actions"}


class Trap(NamedTuple):
    """Something that interrupts, deletes or fails."""

    rule: str
    logical_id: str
    problem: str
    remedy: str


class Found(NamedTuple):
    """What a check finds; its name is that of the check."""

    logical_id: str
    problem: str
    remedy: str


class Update(NamedTuple):
    """An update, with the logical IDs as they are after all overrides."""

    before: ComparableTemplate
    after: ComparableTemplate
    changes: Mapping[str, Change]
    """By logical ID."""

    def of_type(self, type_: str) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
        """Yield the resources of a type that are in both templates, with their old and new properties."""
        for key, each in self.after.resources.items():
            if each["Type"] == type_ and self.before.resources.get(key, {}).get("Type") == type_:
                yield key, self.before.resources[key].get("Properties", {}), each.get("Properties", {})

    def is_lost(self, logical_id: str) -> bool:
        """Whether a resource is replaced or deleted for certain."""
        change = self.changes.get(logical_id)
        return change is not None and change.effect in (Effect.REPLACED, Effect.DELETED, Effect.LEAVES)

    def path(self, logical_id: str) -> str:
        """Return the construct path of a resource."""
        return path_of(logical_id, self.after.resources, self.before.resources)


def find_traps(before: ComparableTemplate, after: ComparableTemplate, changes: Sequence[Change]) -> list[Trap]:
    """Return all traps of an update: of what is deployed, and of what would be, with the deployed logical IDs."""
    update = Update(before, after, {each.old_id or each.new_id: each for each in changes})
    return [Trap(rule, *found) for rule, check in CHECKS.items() for found in check(update)]


def _gaps(update: Update) -> Iterator[Found]:
    """A listener no longer forwards by default, and the rule that does so instead comes after it: 404 between them."""
    new_rules = [
        each
        for key, each in update.after.resources.items()
        if each["Type"] == RULE and key not in update.before.resources
    ]
    for key, was, now in update.of_type(LISTENER):
        groups = _groups(was.get("DefaultActions"))
        if groups and not _groups(now.get("DefaultActions")) & groups and not _redirects(now):
            rules = [each for each in new_rules if key in references(each["Properties"].get("ListenerArn"))]
            if rules and not update.is_lost(key):
                yield Found(
                    key,
                    "its DefaultActions forward no longer, and the rules that do so instead come after it: until then "
                    "requests get its new default answer",
                    "keep its DefaultActions for one deployment: call endpoint.listener.add_target_groups("
                    '"Default", target_groups=service.target_groups), or '
                    'add_property_override("DefaultActions", …) on its L1 construct with the deployed value',
                )


def _counts(update: Update) -> Iterator[Found]:
    """A desired count beside scaling: each deployment resets the number of tasks."""
    scaled = _referenced(update.after, SCALABLE_TARGET, "ResourceId")
    for key, was, now in update.of_type(SERVICE):
        count = now.get("DesiredCount")
        if key in scaled and count is not None and count != was.get("DesiredCount"):
            yield Found(
                key,
                f"its DesiredCount is {count} beside scaling: the deployment sets the number of tasks to it",
                "leave desired_count out; Scaling(min=…) has the smallest number",
            )


def _addresses(update: Update) -> Iterator[Found]:
    """An Elastic IP goes, and the deployed template does not retain it: AWS releases it."""
    for key, each in update.changes.items():
        if each.type == EIP and each.effect is Effect.DELETED:
            yield Found(
                key,
                "its address is released, and AWS does not give it back: the deployed template does not retain it",
                "first deploy the old app with apply_removal_policy(RemovalPolicy.RETAIN) on it",
            )


def _closed_groups(update: Update) -> Iterator[Found]:
    """The security group of a load balancer is replaced: tasks that run admit only the old one."""
    for _, was, _ in update.of_type(LOAD_BALANCER):
        for group in {*references(was.get("SecurityGroups"))}:
            if update.is_lost(group):
                yield Found(
                    group,
                    "the load balancer gets another security group, and tasks that run admit only the old one: "
                    "requests fail until rules for the new one are there",
                    "keep the security group: its logical ID and its GroupDescription",
                )


def _idle_groups(update: Update) -> Iterator[Found]:
    """A target group of a service that no listener and no rule has: ECS refuses the service."""
    resources = update.after.resources
    used = {
        group
        for each in resources.values()
        for group in _groups(each.get("Properties", {}).get(ACTIONS.get(each["Type"], "")))
    }
    exported = {name for value in update.after.exports.values() for name in references(value)}
    for key, each in resources.items():
        if each["Type"] == SERVICE:
            balancers = each.get("Properties", {}).get("LoadBalancers")
            of_service = _groups(balancers) | _named("AlternateTargetGroupArn", balancers)
            for group in sorted((of_service & resources.keys()) - used - exported):
                yield Found(
                    key,
                    f"its target group {update.path(group)} is in no listener and no rule: ECS refuses it",
                    "add a route to it, or a listener",
                )


def _early_groups(update: Update) -> Iterator[Found]:
    """A listener or rule that stays forwards to another target group, before the service has tasks in it."""
    filled = _referenced(update.before, SERVICE, "LoadBalancers")
    for type_, name in ACTIONS.items():
        for key, was, now in update.of_type(type_):
            new = _groups(now.get(name), served=True) - {group for group in filled if not update.is_lost(group)}
            if _groups(was.get(name)) & filled and new and not update.is_lost(key):
                paths = ", ".join(update.path(group) for group in sorted(new))
                yield Found(
                    key,
                    f"it forwards to {paths} before the service has tasks there: requests get 503 until then",
                    "keep the deployed target group: its logical ID, name, port and protocol; or move by weights",
                )


def _weights(update: Update) -> Iterator[Found]:
    """A rule of a service that shifts requests gets the template's weights, and ECS may have moved its tasks."""
    for rule, service in find_weight_resets(update.before, update.after):
        yield Found(
            rule,
            f"its weights are written again, and {update.path(service)} may have all tasks in the other target group: "
            "requests would get 503",
            "first deploy the old app with Deployment.rolling(both_target_groups=True)",
        )


def _two_balancers(update: Update) -> Iterator[Found]:
    """A target group that stays is put on another load balancer; it can serve one only."""
    owners = [_owners(each.resources) for each in (update.before, update.after)]
    for group, balancers in owners[1].items():
        old = owners[0].get(group, set())
        other = balancers - old or {each for each in balancers if update.is_lost(each)}
        if group in update.before.resources and not update.is_lost(group) and old and other:
            yield Found(
                group,
                f"it stays, and moves to the load balancer {', '.join(map(update.path, sorted(other)))}: a target "
                "group serves one load balancer, so the update fails",
                "keep the load balancer, or give the target group another logical ID, too",
            )


def _data(update: Update) -> Iterator[Found]:
    for each in find_deleted_data(update.before, update.after):
        yield Found(each.logical_id, f"AWS deletes {each.text}", f"keep {each.property} as it is deployed")


def _seconds(update: Update) -> Iterator[Found]:
    replaced = {key for key, each in update.changes.items() if each.effect in (Effect.REPLACED, Effect.MAY_BE_REPLACED)}
    for each in find_second_creations(update.before, update.after, replaced):
        is_itself = each.old_id == each.logical_id
        other = "itself, if it is replaced" if is_itself else update.path(each.old_id)
        yield Found(
            each.logical_id,
            f"it is the same to AWS as {other}: {each.effect}",
            "keep what it is replaced for, or give it another name"
            if is_itself
            else "keep the logical ID, or delete the old one in a deployment before",
        )


def _exports(update: Update) -> Iterator[Found]:
    lost = {key for key in update.changes if update.is_lost(key)}
    for name, why in find_lost_exports(update.before, update.after, lost):
        yield Found(
            name,
            f"the export {name} {why}: CloudFormation refuses it while another stack imports it",
            "keep it by stack.export_value(…) until no stack imports it",
        )


CHECKS: Mapping[str, Callable[[Update], Iterator[Found]]] = {
    "addressReleased": _addresses,
    "dataDeleted": _data,
    "secondCreation": _seconds,
    "exportLost": _exports,
    "defaultBeforeRules": _gaps,
    "callersLocked": _closed_groups,
    "emptyTargetGroup": _early_groups,
    "movedWeights": _weights,
    "idleTargetGroup": _idle_groups,
    "twoLoadBalancers": _two_balancers,
    "countResets": _counts,
}


def _referenced(template: ComparableTemplate, type_: str, name: str) -> set[str]:
    """Return the logical IDs that a property of all resources of a type refers to."""
    of_type = (each for each in template.resources.values() if each["Type"] == type_)
    return {key for each in of_type for key in references(each.get("Properties", {}).get(name))}


def _groups(value: Any, *, served: bool = False) -> set[str]:  # noqa: ANN401 - a piece of a template
    """Return the target groups in actions, or of a service: all, or only those that get requests now.

    The second target group of a blue/green deployment has weight 0 before its first deployment.
    """
    idle = [each for each in objects_with("TargetGroupArn", value) if number(each.get("Weight")) == 0]
    return _named("TargetGroupArn", value) - (_named("TargetGroupArn", idle) if served else set())


def _named(key: str, value: Any) -> set[str]:  # noqa: ANN401 - a piece of a template
    """Return the resources that a key refers to, anywhere in a value."""
    return {name for each in objects_with(key, value) for name in references(each[key])}


def _redirects(listener: Mapping[str, Any]) -> bool:
    return any(lookup(each, "Type") == "redirect" for each in items(listener, "DefaultActions"))


def _owners(resources: Mapping[str, Mapping[str, Any]]) -> dict[str, set[str]]:
    """Return the load balancers that forward to each target group."""
    listeners = {
        key: {*references(each.get("Properties", {}).get("LoadBalancerArn"))}
        for key, each in resources.items()
        if each["Type"] == LISTENER
    }
    found: dict[str, set[str]] = {}
    for key, each in resources.items():
        properties = each.get("Properties", {})
        of = {key} if each["Type"] == LISTENER else {*references(properties.get("ListenerArn"))}
        for group in _groups(properties.get(ACTIONS.get(each["Type"], ""))):
            found.setdefault(group, set()).update(*(listeners.get(listener, set()) for listener in of))
    return found
