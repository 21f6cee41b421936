"""Reads two comparable templates; returns the rules of security groups that go with a port of tasks."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from fargate_constructs.synthesized.comparable_template import ComparableTemplate, references
from fargate_constructs.synthesized.intrinsics import items, lookup

# The property that names the group of the tasks.
_GROUP_OF_TASKS = {
    "AWS::EC2::SecurityGroupEgress": "DestinationSecurityGroupId",
    "AWS::EC2::SecurityGroupIngress": "GroupId",
}
_PORTS, _TEXT = ("FromPort", "ToPort"), "Description"

Ports = Mapping[str, set[str]]


def find_rules_of_old_ports(old: ComparableTemplate, new: ComparableTemplate) -> set[str]:
    """Return the logical IDs of the rules that may go: a new rule opens the tasks' new port to the same peer.

    They may also go if the service has fewer ports than before, and no new one: then a route was removed.

    CloudFormation makes the new rule first. It deletes the old one last, when the new tasks get the requests; open
    connections to old tasks stay
    (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-group-connection-tracking.html).

    Args:
        old: What is deployed.
        new: What would be deployed, complete: a pin does not say which ports tasks have.
    """
    before, ports = _ports_of_tasks(old.resources), _ports_of_tasks(new.resources)
    closed = {group: before[group] - each for group, each in ports.items() if each <= before.get(group, set())}
    gone = {key: each for key, each in old.resources.items() if key not in new.resources}
    made = [each for key, each in new.resources.items() if key not in old.resources and "Condition" not in each]
    opened = {_peer(each) for each in made if _is_of(each, ports, needed=True)}
    return {
        key
        for key, each in gone.items()
        if _is_of(each, ports, needed=False) and (_peer(each) in opened or _is_of(each, closed, needed=True))
    }


def _is_of(resource: Mapping[str, Any], ports: Ports, *, needed: bool) -> bool:
    """Whether it is a rule of tasks, for one port that load balancers and links need, or do not need."""
    if resource["Type"] not in _GROUP_OF_TASKS:
        return False
    properties = resource.get("Properties", {})
    group = _key(properties.get(_GROUP_OF_TASKS[resource["Type"]]))
    first, last = (str(properties.get(each)) for each in _PORTS)
    return group in ports and first == last and (first in ports[group]) is needed


def _peer(rule: Mapping[str, Any]) -> str:
    """Return what a rule says besides its ports."""
    properties = {name: each for name, each in rule.get("Properties", {}).items() if name not in (*_PORTS, _TEXT)}
    return _key([rule["Type"], properties])


def _ports_of_tasks(resources: Mapping[str, Any]) -> Ports:
    """Return the ports that load balancers and links need, by the security group of the tasks."""
    ports: dict[str, set[str]] = defaultdict(set)
    for each in resources.values():
        if each["Type"] == "AWS::ECS::Service":
            service = each.get("Properties", {})
            groups = lookup(service, "NetworkConfiguration", "AwsvpcConfiguration", "SecurityGroups")
            for group in groups if isinstance(groups, list) else ():
                ports[_key(group)] |= {*_ports_of(service, resources)}
    return ports


def _ports_of(service: Mapping[str, Any], resources: Mapping[str, Any]) -> Iterator[str]:
    balancers = items(service, "LoadBalancers")
    for each in balancers:
        yield str(each.get("ContainerPort"))
    for target_group in _named(references([each.get("TargetGroupArn") for each in balancers]), resources):
        yield str(target_group.get("HealthCheckPort"))
    links = {each.get("PortName") for each in items(service, "ServiceConnectConfiguration", "Services")}
    for task in _named(references(service.get("TaskDefinition")), resources):
        for container in items(task, "ContainerDefinitions"):
            for mapping in items(container, "PortMappings"):
                if mapping.get("Name") in links:
                    yield str(mapping.get("ContainerPort"))


def _named(logical_ids: Iterator[str], resources: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the properties of resources."""
    return (resources[each].get("Properties", {}) for each in logical_ids if each in resources)


def _key(value: object) -> str:
    return json.dumps(value, sort_keys=True)
