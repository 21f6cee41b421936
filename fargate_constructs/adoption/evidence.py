"""Reads a resource with all that refers to it; returns what shows that it is the same as one of another template."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from fargate_constructs.synthesized.comparable_template import PATH_KEY, references
from fargate_constructs.synthesized.create_only import names_in_schema, normalize
from fargate_constructs.synthesized.stored_templates import STACK_TYPE
from fargate_constructs.synthesized.unique_keys import KEYS, unique_keys

Resources = Mapping[str, Mapping[str, Any]]
# Many resources are in the same one of these, so a reference to it does not say which resource it is.
CONTAINERS = {
    "AWS::EC2::VPC",
    "AWS::ECS::Cluster",
    "AWS::ElasticLoadBalancingV2::Listener",
    "AWS::KMS::Key",
    "AWS::Route53::HostedZone",
    "AWS::ServiceDiscovery::PrivateDnsNamespace",
}
# Texts that show that it is the same resource, or another one.
NAMED_BY: Mapping[str, tuple[str, ...]] = {
    "AWS::CertificateManager::Certificate": ("DomainName",),
    "AWS::EC2::Subnet": ("CidrBlock",),
    "AWS::EC2::VPC": ("CidrBlock",),
}
# Texts that only show that it is another one.
DIFFERS_BY: Mapping[str, tuple[str, ...]] = {
    "AWS::EC2::VPCEndpoint": ("ServiceName",),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": ("Type",),
    "AWS::Lambda::Function": ("Handler",),
    "AWS::Lambda::Permission": ("Principal", "Action"),
}
# They identify a resource, and can change while it stays.
CHANGEABLE = {
    ("AWS::ElasticLoadBalancingV2::ListenerRule", "Priority"),
    ("AWS::ElasticLoadBalancingV2::LoadBalancer", "Name"),
    ("AWS::ElasticLoadBalancingV2::TargetGroup", "Name"),
}
Target = tuple[str, str]


class Facts(NamedTuple):
    """What is known of a resource."""

    own: dict[str, str]
    """The value of each property that refers to no resource, as a text."""
    identity: dict[str, str]
    """Texts and numbers without which it would be another resource."""
    names: set[str]
    """Its names, and what a nested stack has: equal for the same resource, and without references to resources."""
    outgoing: dict[str, set[Target]]
    """By the place of a property, the resources that it refers to, with the attribute."""
    incoming: set[Target]
    """The places that refer to it, each after the resource that it is in."""
    tail: tuple[str, ...]
    """Its construct path within its stack, without the ID of the L1 construct."""


def facts_of(resources: Resources, stack_path: str = "") -> dict[str, Facts]:
    """Return the facts of all resources of a comparable template, by logical ID."""
    incoming: dict[str, set[Target]] = defaultdict(set)
    outgoing: dict[str, dict[str, set[Target]]] = {}
    for logical_id, resource in resources.items():
        places: dict[str, set[Target]] = defaultdict(set)
        for place, target, attribute in _references(resource.get("Properties", {})):
            if target in resources:
                places[place].add((target, attribute))
                incoming[target].add((logical_id, place))
        outgoing[logical_id] = places
    return {
        key: Facts(
            _own(each, resources),
            _identity(each),
            _names(key, each, resources),
            outgoing[key],
            incoming[key],
            _tail(each, stack_path),
        )
        for key, each in resources.items()
    }


def _references(value: Any, place: str = "") -> Iterator[tuple[str, str, str]]:  # noqa: ANN401 - a piece of a template
    """Yield each reference in a value: its place, the logical ID and the attribute.

    An item of a list has a place without its number, and one for each text or number beside the reference, such as
    `LoadBalancers[ContainerPort=80].TargetGroupArn`: the order of a list may differ.
    """
    match value:
        case {"Ref": str() as name}:
            yield place, name, ""
        case {"Fn::GetAtt": [str() as name, *attribute]}:
            yield place, name, ".".join(map(str, attribute))
        case Mapping():
            for key, each in value.items():
                is_function = key.startswith("Fn::")
                yield from _references(each, place if is_function else f"{place}.{key}" if place else key)
        case list():
            for item in value:
                beside = item.items() if isinstance(item, Mapping) else ()
                marks = [f"{key}={each}" for key, each in beside if isinstance(each, str | int)]
                for mark in ("", *marks):
                    yield from _references(item, f"{place}[{mark}]")


def _own(resource: Mapping[str, Any], resources: Resources) -> dict[str, str]:
    values = {key: normalize(resource["Type"], key, each) for key, each in resource.get("Properties", {}).items()}
    return {
        key: json.dumps(each, sort_keys=True)
        for key, each in values.items()
        if key != "Tags" and not _refers_to_any(each, resources)
    }


def _refers_to_any(value: Any, resources: Resources) -> bool:  # noqa: ANN401 - a piece of a template
    """Whether a value refers to a resource, and not only to parameters, which are the same in both templates."""
    return any(name in resources for name in references(value))


def _identity(resource: Mapping[str, Any]) -> dict[str, str]:
    type_, properties = resource["Type"], resource.get("Properties", {})
    tables = (*NAMED_BY.get(type_, ()), *DIFFERS_BY.get(type_, ()))
    names = {*tables, *(name for key in KEYS.get(type_, ()) for name in key)}
    names |= names_in_schema(type_, "primaryIdentifier")
    values = {name: normalize(type_, name, properties.get(name)) for name in names if (type_, name) not in CHANGEABLE}
    return {name: each for name, each in values.items() if isinstance(each, str)}


def _names(logical_id: str, resource: Mapping[str, Any], resources: Resources) -> set[str]:
    type_, properties = resource["Type"], resource.get("Properties", {})
    named = {f"{name} {properties[name]}" for name in NAMED_BY.get(type_, ()) if isinstance(properties.get(name), str)}
    keys = {f"identity {key}" for key in unique_keys(resource) if not _refers_to_any(json.loads(key), resources)}
    start = f"{logical_id}/"
    inside = {
        f"content {key.removeprefix(start)} ({each['Type']})"
        for key, each in resources.items()
        if type_ == STACK_TYPE and key.startswith(start)
    }
    return named | keys | inside


def _tail(resource: Mapping[str, Any], stack_path: str) -> tuple[str, ...]:
    path: str = resource.get("Metadata", {}).get(PATH_KEY, "")
    ids = path.removeprefix(f"{stack_path}/").split("/") if path else []
    return tuple(ids[:-1] if ids and ids[-1] in ("Resource", "Default") else ids)
