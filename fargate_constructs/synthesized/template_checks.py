"""Reads an app's templates once, for the checks of all parts; returns their errors and warnings to CDK."""

from collections.abc import Callable, Iterable
from typing import cast

import jsii
from aws_cdk import (
    IPolicyValidationContext,
    IPolicyValidationPlugin,
    PolicyValidationPluginReport,
    PolicyViolatingResource,
    PolicyViolation,
    Validations,
)
from constructs import IConstruct

from fargate_constructs._core.app_singleton import app_singleton
from fargate_constructs.synthesized.template_files import validated_templates
from fargate_constructs.synthesized.templates import Templates

NAMESPACE = "fargate-constructs"

Check = Callable[[Templates], Iterable[PolicyViolation]]


@jsii.implements(IPolicyValidationPlugin)
class TemplateChecks:
    """A validation plugin that runs the checks of all parts; overrides and aspects count.

    A person acknowledges a violation by
    `Validations.of(construct).acknowledge(Acknowledgment(id="fargate-constructs::unknownEgress", reason=...))`.
    """

    def __init__(self) -> None:
        self._checks: list[Check] = []

    @classmethod
    def add(cls, scope: IConstruct, check: Check) -> None:
        """Make the synthesis of a construct's app fail if the check finds an error."""
        checks = app_singleton(scope, cls)
        if not checks._checks:
            Validations.of(scope.node.root).add_plugins(cast(IPolicyValidationPlugin, checks))
        checks._checks.append(check)

    @property
    def name(self) -> str:
        """The namespace of the rules."""
        return NAMESPACE

    def validate(self, context: IPolicyValidationContext) -> PolicyValidationPluginReport:
        """Return the violations of the synthesized app."""
        templates = validated_templates(context)
        violations = [violation for check in self._checks for violation in check(templates)]
        succeeded = all(violation.severity != "error" for violation in violations)
        return PolicyValidationPluginReport(success=succeeded, violations=violations)


def violation(rule: str, path: str, description: str, *, fix: str, severity: str = "error") -> PolicyViolation:
    """Return a violation of the construct at a path."""
    return PolicyViolation(
        rule_name=rule,
        severity=severity,
        description=description,
        fix=fix,
        violating_resources=[PolicyViolatingResource(construct_path=path, locations=[])],
    )
