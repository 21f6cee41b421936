"""What CloudFormation and the services do with existing resources. MiniStack alone allows more.

changed property ──> create-only in CloudFormation's own schema? ──> a new resource, then the old one is deleted
"""

import json
from collections.abc import Callable
from functools import cache, partial
from importlib.metadata import distribution
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from ministack.core.responses import new_uuid
from ministack.services.alb import _lb_attrs, _rules
from ministack.services.cloudformation import provisioners
from ministack.services.cloudformation.provisioners import _REPLACING_PROPERTIES, _RESOURCE_HANDLERS
from ministack.services.cloudwatch_logs import _log_groups
from ministack.services.ec2 import _subnets

from tests.emulator.api import ApiError, Created, Props

# As files: to import cfn-lint takes half a second, in every emulator.
SCHEMAS = Path(str(distribution("cfn-lint").locate_file("cfnlint/data/schemas")))
CUSTOM_RESOURCE = "AWS::CloudFormation::CustomResource"


# --- What replaces ---


@cache
def _schema_files() -> dict[str, str]:
    """The name of each type's schema, as cfn-lint keeps them."""
    return json.loads((SCHEMAS / "providers/us-east-1.json").read_text())


@cache
def create_only(resource_type: str) -> frozenset[str]:
    """The properties of a type whose change replaces a resource, by the type's schema.

    What is create-only within a property (`TableInput/Name`) is left to MiniStack.
    """
    name = resource_type if resource_type.startswith("AWS::") else CUSTOM_RESOURCE
    schema = json.loads((SCHEMAS / f"resources/{_schema_files()[name]}.json").read_text())
    return frozenset(pointer.removeprefix("/properties/") for pointer in schema.get("createOnlyProperties", ()))


def _recreation(resource_type: str, name: str, *, known: Callable[[str, str], str]) -> str:
    """Whether a changed property replaces a resource: as MiniStack knows, or else as the schema says."""
    if resource_type in _REPLACING_PROPERTIES:
        return known(resource_type, name)
    return "Always" if name in create_only(resource_type) else "Never"


# --- What is refused ---


def _delete_load_balancer(arn: str, props: Props, *, delete: Callable[[str, Props], None]) -> None:
    """Delete a load balancer, unless it is protected."""
    attributes = {each["Key"]: each["Value"] for each in _lb_attrs.get(arn, [])}
    if attributes.get("deletion_protection.enabled") == "true":
        raise ApiError(
            "OperationNotPermitted", f"Load balancer '{arn}' cannot be deleted because deletion protection is enabled"
        )
    delete(arn, props)


def _create_subnet(logical_id: str, props: Props, stack_name: str, *, create: Callable[..., Created]) -> Created:
    """Create a subnet, in a range of its VPC that no other one has."""
    wanted = ip_network(props["CidrBlock"])
    for other in _subnets.values():
        if other["VpcId"] == props["VpcId"] and wanted.overlaps(ip_network(other["CidrBlock"])):
            raise ApiError("InvalidSubnet.Conflict", f"The CIDR '{wanted}' conflicts with another subnet")
    return create(logical_id, props, stack_name)


def _check_priority(props: Props, *, own: str = "") -> None:
    """Refuse a number that another rule of the listener has."""
    taken = {
        rule["Priority"] for arn, rule in _rules.items() if rule["ListenerArn"] == props["ListenerArn"] and arn != own
    }
    if str(props["Priority"]) in taken:
        raise ApiError("PriorityInUse", f"Priority '{props['Priority']}' is currently in use")


def _create_rule(logical_id: str, props: Props, stack_name: str, *, create: Callable[..., Created]) -> Created:
    """Create a listener rule."""
    _check_priority(props)
    return create(logical_id, props, stack_name)


def _update_rule(arn: str, old: Props, new: Props, *args: str, update: Callable[..., Created]) -> Created:
    """Change a listener rule in place."""
    _check_priority(new, own=arn)
    return update(arn, old, new, *args)


# --- Log groups: CloudFormation names them anew for each stack, and never takes one that is there ---


def _create_log_group(logical_id: str, props: Props, stack_name: str, *, create: Callable[..., Created]) -> Created:
    """Create a log group, by a name that none has."""
    name = props.get("LogGroupName", f"{stack_name}-{logical_id}-{new_uuid()[:12]}")
    if name in _log_groups:
        raise ApiError("ResourceAlreadyExistsException", f"The specified log group already exists: {name}")
    return create(logical_id, props | {"LogGroupName": name}, stack_name)


def _update_log_group(name: str, old: Props, new: Props, *args: str, update: Callable[..., Created]) -> Created:
    """Change a log group in place."""
    return update(name, old, new | {"LogGroupName": name}, *args)


def register() -> None:
    """Enter this in MiniStack's CloudFormation."""
    known = provisioners._property_recreation  # noqa: SLF001  # where MiniStack looks it up
    vars(provisioners)["_property_recreation"] = partial(_recreation, known=known)
    elb = "AWS::ElasticLoadBalancingV2"
    stricter: dict[str, dict[str, Callable[..., Any]]] = {
        f"{elb}::LoadBalancer": {"delete": _delete_load_balancer},
        f"{elb}::ListenerRule": {"create": _create_rule, "update": _update_rule},
        "AWS::EC2::Subnet": {"create": _create_subnet},
        "AWS::Logs::LogGroup": {"create": _create_log_group, "update": _update_log_group},
    }
    for name, actions in stricter.items():
        handler = _RESOURCE_HANDLERS[name]
        for action, ours in actions.items():
            handler[action] = partial(ours, **{action: handler[action]})
