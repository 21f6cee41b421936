"""Audit findings that are accepted, each beside its cause."""

from collections.abc import Sequence
from typing import Any

from aws_cdk import Acknowledgment, Stack, Validations
from constructs import IConstruct


def acknowledge_wildcards(policy_holder: IConstruct, resources: Sequence[str], *, reason: str) -> None:
    """Accept that a policy names these resources with a wildcard.

    cdk-nag names a finding by the resource as the template writes it, so the name is read from there.

    Args:
        policy_holder: The role whose policies name the resources, or any construct above it.
        resources: The ARNs, each with its wildcard.
        reason: Why no narrower ARN would do.
    """
    stack = Stack.of(policy_holder)
    findings = [f"AwsSolutions-IAM5[Resource::{_as_written(each)}]" for each in stack.resolve(list(resources))]
    Validations.of(policy_holder).acknowledge(*(Acknowledgment(id=finding, reason=reason) for finding in findings))


def _as_written(reference: Any) -> str:  # noqa: ANN401 - a piece of a template
    match reference:
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{name}.{attribute}>"
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(map(_as_written, parts))
        case _:
            return str(reference)
