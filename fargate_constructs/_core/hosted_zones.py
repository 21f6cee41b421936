"""Checks of DNS names and their hosted zones, for the parts that make records."""

from __future__ import annotations

from aws_cdk import Stack

from fargate_constructs._core.lazy_cdk import aws_route53 as route53
from fargate_constructs._core.unresolved import is_known, may_end_with


def validate_in_zone(parameter: str, name: str, hosted_zone: route53.IHostedZone) -> None:
    """Refuse a name outside the zone, if both are known at synthesis."""
    try:
        zone_name = hosted_zone.zone_name.rstrip(".")
    except RuntimeError:  # a zone that is imported by its ID has no name
        return
    if is_known(zone_name) and name != zone_name and not may_end_with(f".{zone_name}", name):
        raise ValueError(f"{parameter} must be in the hosted zone {zone_name!r}, got: {name!r}")


def validate_public(hosted_zone: route53.IHostedZone, reason: str, *, remedy: str = "") -> None:
    """Refuse a zone that is known to be private: one of this app, with VPCs. Imported zones do not say."""
    resource = hosted_zone.node.default_child
    if isinstance(resource, route53.CfnHostedZone) and Stack.of(resource).resolve(resource.vpcs):
        raise ValueError(f"hosted_zone must be public, {reason}, got: {hosted_zone.node.path}{remedy}")
