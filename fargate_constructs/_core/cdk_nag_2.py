"""Acknowledged findings for cdk-nag 2. Version 3 reads CDK's acknowledgements, version 2 the metadata of resources.

cdk-nag itself is not imported. Without version 2 nothing is done. The template never has this metadata, so that it is
the same on a machine with version 2 and on one without it
(https://github.com/cdklabs/cdk-nag/blob/v2.38.2/README.md#suppressing-a-rule).
"""

from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import jsii
from aws_cdk import AspectPriority, Aspects, CfnResource, IAnyProducer, IAspect, IResolveContext, Lazy
from constructs import IConstruct

KEY, RULES = "cdk_nag", "rules_to_suppress"
# A mark in the suppressions of this module. cdk-nag ignores it.
OURS = {"by": "fargate-constructs"}


@cache
def is_installed() -> bool:
    """Whether cdk-nag 2 is installed."""
    spec = find_spec("cdk_nag")
    folders = spec.submodule_search_locations if spec else None
    return any(any(Path(folder).glob("_jsii/cdk-nag@2.*")) for folder in folders or [])


def suppress(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Suppress findings on a construct and all below it, by rule; that of one finding is `Rule[Finding]`."""
    rules = [_in_metadata(rule, reason) for rule, reason in reasons.items()]
    # cdk-nag is an aspect, too. This one comes first, and also sees what is added after this call.
    Aspects.of(construct).add(cast(IAspect, _Suppressions(rules)), priority=AspectPriority.MUTATING)


def _in_metadata(rule: str, reason: str) -> dict[str, Any]:
    name, _, finding = rule.partition("[")
    return {"id": name, "reason": reason, **OURS, **({"applies_to": [finding.removesuffix("]")]} if finding else {})}


@jsii.implements(IAspect)
class _Suppressions:
    """Adds suppressions to the metadata of resources, where cdk-nag 2 reads them."""

    def __init__(self, rules: list[dict[str, Any]]) -> None:
        self._rules = rules

    def visit(self, node: IConstruct) -> None:
        """Add those that are new, and keep them out of the template."""
        if isinstance(node, CfnResource):
            known = _rules_of(node)
            node.add_metadata(KEY, {RULES: [*known, *(rule for rule in self._rules if rule not in known)]})
            if all(rule.get("by") != OURS["by"] for rule in known):  # once for each resource
                node.add_override(f"Metadata.{KEY}", Lazy.uncached_any(cast(IAnyProducer, _Theirs(node))))


@jsii.implements(IAnyProducer)
class _Theirs:
    """The suppressions that others added: those are in the template, as cdk-nag writes them."""

    def __init__(self, resource: CfnResource) -> None:
        self._resource = resource

    def produce(self, context: IResolveContext) -> Any:  # noqa: ANN401, ARG002 - CDK's signature
        """Return them; nothing if there are none."""
        theirs = [rule for rule in _rules_of(self._resource) if rule.get("by") != OURS["by"]]
        return {RULES: theirs} if theirs else None


def _rules_of(resource: CfnResource) -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = (resource.get_metadata(KEY) or {}).get(RULES, [])
    return rules
