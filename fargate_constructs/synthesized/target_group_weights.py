"""Reads two comparable templates; returns the listeners and rules whose target group weights an update would reset."""

from collections.abc import Iterator
from typing import Any

from fargate_constructs.synthesized.comparable_template import ComparableTemplate, references

# The property that forwards to target groups. Behind a Network Load Balancer ECS changes the listener itself
# (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/nlb-resources-for-blue-green.html).
ACTIONS = {
    "AWS::ElasticLoadBalancingV2::Listener": "DefaultActions",
    "AWS::ElasticLoadBalancingV2::ListenerRule": "Actions",
}


def find_weight_resets(old: ComparableTemplate, new: ComparableTemplate) -> list[tuple[str, str]]:
    """Return each listener or rule whose weights the update may reset, and the service behind it: logical IDs."""
    before, after = old.resources, new.resources
    return [
        (rule, service)
        for service, groups in _shifted_groups(before)
        for rule in _reset_rules(before, after, service, groups)
    ]


def _shifted_groups(resources: dict[str, Any]) -> Iterator[tuple[str, set[str]]]:
    """Yield each service whose deployments shift traffic, with the logical IDs of its two target groups."""
    for name, resource in resources.items():
        for balancer in objects_with("TargetGroupArn", resource.get("Properties", {}).get("LoadBalancers")):
            advanced = objects_with("AlternateTargetGroupArn", balancer.get("AdvancedConfiguration"))
            if alternates := [each["AlternateTargetGroupArn"] for each in advanced]:
                yield name, {*references(alternates), *references(balancer["TargetGroupArn"])}


def objects_with(key: str, value: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - a piece of a template
    """Yield each object that has a key, in lists and in conditions, too."""
    if isinstance(value, dict) and key in value:
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from objects_with(key, each)


def _reset_rules(before: dict[str, Any], after: dict[str, Any], service: str, groups: set[str]) -> Iterator[str]:
    """Yield the listeners and rules on the groups that change, or that are removed before the tasks have moved."""
    balancers = list(objects_with("TargetGroupArn", after.get(service, {}).get("Properties", {}).get("LoadBalancers")))
    if not balancers:  # no tasks are left to forward to
        return
    filled = {name for each in balancers for name in references(each["TargetGroupArn"])}
    for name, rule in (before | after).items():
        is_removed = name not in after
        properties = [each.get(name, {}).get("Properties", {}) for each in (before, after)]
        actions = [each.get(ACTIONS.get(rule["Type"], "")) for each in properties]
        is_on_groups = not groups.isdisjoint(references(actions))
        if is_on_groups and properties[0] != properties[1] and not (is_removed and groups <= filled):
            yield name
