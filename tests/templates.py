"""What tests read from templates."""

from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

from aws_cdk import CfnResource, Stack
from aws_cdk.assertions import Template
from constructs import IConstruct


def properties(source: Template | Stack, type_: str, filters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """Return the properties of each resource of a type that has some properties."""
    template = Template.from_stack(source) if isinstance(source, Stack) else source
    if filters:
        found = [*template.find_resources(type_, {"Properties": filters}).values()]
    else:
        found = [each for each in resources_of(template).values() if each["Type"] == type_]
    return [each.get("Properties", {}) for each in found]


def properties_of(template: Template, construct: IConstruct) -> dict[str, Any]:
    """Return the properties of an L1's or L2's resource."""
    resource = construct if isinstance(construct, CfnResource) else construct.node.default_child
    assert isinstance(resource, CfnResource)
    logical_id = Stack.of(resource).get_logical_id(resource)
    found: dict[str, Any] = resources_of(template)[logical_id]["Properties"]
    return found


_RESOURCES: WeakKeyDictionary[Template, dict[str, Any]] = WeakKeyDictionary()


def resources_of(template: Template) -> dict[str, Any]:
    """Return the resources of a template, which Node.js sends once."""
    if template not in _RESOURCES:
        _RESOURCES[template] = template.to_json().get("Resources", {})
    return _RESOURCES[template]
