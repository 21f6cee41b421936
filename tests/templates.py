"""What tests read from templates."""

from collections.abc import Mapping
from typing import Any

from aws_cdk import Stack
from aws_cdk.assertions import Template


def properties(source: Template | Stack, type_: str, filters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """Return the properties of each resource of a type that has some properties."""
    template = Template.from_stack(source) if isinstance(source, Stack) else source
    found = template.find_resources(type_, {"Properties": filters} if filters else None)
    return [each.get("Properties", {}) for each in found.values()]
