"""Whether an update may send requests to a target group without tasks, told before a deployment does it.

```
template as deployed ─┐
                      ├──> [assert_no_empty_target_group] ──> each listener rule that may point at an empty group
template as it is ────┘
```
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aws_cdk import Stack

from fargate_constructs._core.arguments import checked
from fargate_constructs.synthesized.deployed import PATH, Template, read_deployed, references

# By type of what sends requests to target groups; ECS moves a listener's own where it was given no rule, as it has none
# behind a Network Load Balancer
# (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/nlb-resources-for-blue-green.html).
ACTIONS = {
    "AWS::ElasticLoadBalancingV2::Listener": "DefaultActions",
    "AWS::ElasticLoadBalancingV2::ListenerRule": "Actions",
}


@checked
def assert_no_empty_target_group(
    old: Stack | Template | Path | str,
    new: Stack | Template | Path | str,
) -> None:
    """Fail if an update from *old* to *new* may point a listener, or a rule of one, at a target group without tasks.

    ECS moves the weights of a rule between two target groups at each blue/green, canary or linear deployment. The
    template goes on saying 100 and 0. CloudFormation leaves the rule alone until one of its properties changes, and
    then writes the template's weights, although all tasks may be in the other group:
    https://github.com/aws/aws-cdk/issues/36649.

    ```python
    def test_no_request_is_lost():
        assert_no_empty_target_group("deployed/Shop.template.json", Shop(App(), "Shop"))
    ```

    Args:
        old: What is deployed: a stack, a template, or the JSON file of one, as `aws cloudformation get-template` tells
            it. What `lasting_resources` keeps is not enough.
        new: What would be deployed, likewise.

    Raises:
        AssertionError: With each such rule, and what to deploy first.
        FileNotFoundError: If there is no such file.
        TypeError: If an argument is of another type than it says.
        ValueError: If *old* or *new* is not a template.
    """
    before, after = read_deployed(old, "old").resources, read_deployed(new, "new").resources
    faults = [
        f"{_name(before | after, rule)}, of {_name(after, service)}"
        for service, groups in _moved_groups(before)
        for rule in _written_rules(before, after, service, groups)
    ]
    if faults:
        raise AssertionError(
            "\n- ".join(["CloudFormation would write weights, and ECS may have moved the tasks:", *faults])
            + "\nfirst deploy the old template with Deployment.rolling(both_target_groups=True), then this change with "
            "Deployment.rolling(): docs/upgrading.md"
        )


def _moved_groups(resources: dict[str, Any]) -> Iterator[tuple[str, set[str]]]:
    """Yield each service whose deployments move requests, with the logical IDs of the groups that they move between."""
    for name, resource in resources.items():
        for balancer in _holders(resource.get("Properties", {}).get("LoadBalancers"), "TargetGroupArn"):
            advanced = _holders(balancer.get("AdvancedConfiguration"), "AlternateTargetGroupArn")
            if alternates := [each["AlternateTargetGroupArn"] for each in advanced]:
                yield name, {*references(alternates), *references(balancer["TargetGroupArn"])}


def _holders(value: Any, key: str) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - a piece of a template
    """Yield what has a key, in lists and behind conditions as well."""
    if isinstance(value, dict) and key in value:
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _holders(each, key)


def _written_rules(before: dict[str, Any], after: dict[str, Any], service: str, groups: set[str]) -> Iterator[str]:
    """Yield the listeners and rules that CloudFormation writes, or leaves until the service has moved its tasks."""
    balancers = list(_holders(after.get(service, {}).get("Properties", {}).get("LoadBalancers"), "TargetGroupArn"))
    if not balancers:  # no tasks are left to send requests to
        return
    filled = {name for each in balancers for name in references(each["TargetGroupArn"])}
    for name, rule in (before | after).items():
        is_removed = name not in after
        properties = [each.get(name, {}).get("Properties", {}) for each in (before, after)]
        actions = [each.get(ACTIONS.get(rule["Type"], "")) for each in properties]
        is_on_them = not groups.isdisjoint(references(actions))
        if is_on_them and properties[0] != properties[1] and not (is_removed and groups <= filled):
            yield name


def _name(resources: dict[str, Any], logical_id: str) -> str:
    name: str = resources[logical_id].get("Metadata", {}).get(PATH, logical_id)
    return name
