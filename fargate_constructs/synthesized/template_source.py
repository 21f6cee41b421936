"""A stack's template as it was read, from a synthesized app or from cdk.out, and what is known of the stack."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from aws_cdk import Stack

# How CDK begins the region or the account of a stack that knows none.
UNKNOWN = "unknown-"


class StackFacts(NamedTuple):
    """What is known of a stack."""

    path: str
    """The path of its construct."""
    name: str
    """Its name in CloudFormation; empty if only the deployment knows it."""
    environment: str
    """Its account and region, as `aws://account/region`."""
    stage: str = ""
    """What differs from stage to stage."""
    parent: Stack | None = None
    """The stack that it is nested in."""
    nested_id: str = ""
    """Its logical ID in that stack."""
    element_paths: Callable[[], dict[str, str]] = dict
    """Returns the construct path of each logical ID, if the metadata has none."""


class Source(NamedTuple):
    """A stack's template, as it was read."""

    stack: Stack
    """The stack. What is read from cdk.out has an object in place of it, which is equal to itself only."""
    template: Mapping[str, Any]
    facts: StackFacts
    metadata: Mapping[str, list[dict[str, Any]]] = {}
    """What CDK keeps of the constructs above, at and below the stack, by their paths."""


def is_resource(value: Any) -> bool:  # noqa: ANN401 - a piece of a template
    """Whether an entry of `Resources` is a resource, and not a macro."""
    return isinstance(value, dict) and isinstance(value.get("Type"), str)
