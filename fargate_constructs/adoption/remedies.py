"""What keeps a property that CloudFormation replaces for: the argument of this library, or an override of CDK."""

import json
from collections.abc import Mapping
from typing import Any

from fargate_constructs.synthesized.comparable_template import references

SECURITY_GROUP = "AWS::EC2::SecurityGroup"
LOAD_BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
SERVICE = "AWS::ECS::Service"
TARGET_GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"
# The argument of each property; `{}` is the deployed value.
ARGUMENTS: Mapping[tuple[str, str], str] = {
    (LOAD_BALANCER, "Name"): "load_balancer_name={}",
    (LOAD_BALANCER, "Scheme"): "internal=… as it was; a load balancer cannot change it",
    (SERVICE, "DeploymentController"): "adopted=AdoptedService(deployment_controller={})",
    (SERVICE, "ServiceName"): "adopted=AdoptedService(service_name={})",
    (SERVICE, "CapacityProviderStrategy"): "capacity=Capacity.launch_type()",
    (SERVICE, "LaunchType"): "capacity=Capacity.launch_type()",
    (SERVICE, "Cluster"): "cluster=… with the deployed cluster",
    (TARGET_GROUP, "Name"): "adopted=AdoptedService(target_group_name={})",
    (TARGET_GROUP, "Port"): "adopted=AdoptedService(target_group_port={})",
    (TARGET_GROUP, "Protocol"): "protocol=… as it was",
    (TARGET_GROUP, "ProtocolVersion"): "protocol_version=… as it was",
}


def remedy(
    property_: str, before: Mapping[str, Any], after: Mapping[str, Any], template: Mapping[str, Mapping[str, Any]]
) -> str:
    """Return what keeps a property of a resource as it is deployed.

    *after* and *template* are the resource and all resources of the app, with the deployed logical IDs.
    """
    value = before.get("Properties", {}).get(property_)
    logical_id = next(key for key, each in template.items() if each is after)
    argument = ARGUMENTS.get((before["Type"], property_))
    if (before["Type"], property_) == (SECURITY_GROUP, "GroupDescription"):
        argument = _of_security_group(logical_id, template)
    if property_ == "DeploymentController" and isinstance(value, Mapping) and value.get("Type") != "ECS":
        return "make a second service beside it, and move the requests by weight: ECS does not change the controller"
    if (before["Type"], property_) == (TARGET_GROUP, "Port") and _is_of_a_network_load_balancer(after):
        argument = "target_group_port={} in add_listener"
    if argument and not (value is not None and not isinstance(value, str | int) and "{}" in argument):
        ours = f"write {argument.format(_python(value))}"
        # The app may have a service of other constructs, which have no such argument.
        return f"{ours}; without our constructs, {_override(property_, value)}" if "Adopted" in ours else ours
    return _override(property_, value)


def _override(property_: str, value: Any) -> str:  # noqa: ANN401 - a piece of a template
    if value is None:
        return f'call add_property_deletion_override("{property_}") on its L1 construct'
    return f'call add_property_override("{property_}", {_python(value)}) on its L1 construct'


def _is_of_a_network_load_balancer(target_group: Mapping[str, Any]) -> bool:
    return target_group["Properties"].get("Protocol") not in {None, "HTTP", "HTTPS"}


def _of_security_group(logical_id: str, template: Mapping[str, Mapping[str, Any]]) -> str | None:
    """Return the argument for the description of the security group of a load balancer or of tasks."""
    users = {each["Type"] for each in template.values() if logical_id in references(each.get("Properties", {}))}
    if LOAD_BALANCER in users:
        return "security_group_description={} for the endpoint"
    return "adopted=AdoptedService(security_group_description={})" if SERVICE in users else None


def _python(value: Any) -> str:  # noqa: ANN401 - a piece of a template
    return repr(value) if value is None or isinstance(value, bool) else json.dumps(value, ensure_ascii=False)
