"""The cdk-nag pack: reads the templates of an app, and reports which rules each resource breaks."""

from functools import partial
from typing import cast

import jsii
from aws_cdk import (
    App,
    CfnResource,
    IPolicyValidationContext,
    IPolicyValidationPlugin,
    PolicyValidationPluginReport,
    PolicyViolatingResource,
    PolicyViolation,
    Validations,
)
from cdk_nag import NagPack
from constructs import IConstruct

from fargate_constructs._core.arguments import checked
from fargate_constructs.caveats.fargate_app import FargateApp
from fargate_constructs.caveats.open_findings import PACK, open_findings
from fargate_constructs.caveats.rules import ERROR, NOTE, WARNING, Finding, Rule
from fargate_constructs.synthesized.egress_proof import has_known_ipv6
from fargate_constructs.synthesized.template_files import validated_templates

SEVERITIES = {ERROR: "error", WARNING: "warning", NOTE: "info"}


class FargateCaveats(NagPack):
    """A cdk-nag pack that finds problems of tasks on Fargate, in an app of any constructs.

    It reads the templates after synthesis, so overrides and aspects count, and follows references across stacks. Tasks
    on EC2 instances are not judged. A value that only the deployment or another app knows breaks no rule; a note names
    the rules that depend on it. Tasks that AWS Batch or a program starts are not read. Errors fail the synthesis,
    warnings and notes do not.

    ```python
    Validations.of(app).add_plugins(FargateCaveats(app))
    ```

    Acknowledge a finding at its resource, or above, by its own ID or by the ID in CDK's report:

    ```python
    Validations.of(service).acknowledge(Acknowledgment(id="FargateCaveats-NoExec", reason="..."))
    ```
    """

    @checked
    def __init__(
        self,
        scope: IConstruct | None = None,
        *,
        write_suppressions_to_cloud_formation: bool = False,
    ) -> None:
        """A cdk-nag pack that finds problems of tasks on Fargate, in an app of any constructs.

        Args:
            scope: The app.
            write_suppressions_to_cloud_formation: Whether acknowledgments are written into the templates as well. By
                default they are not.

        Raises:
            TypeError: If an argument has another type than its annotation.
        """
        super().__init__(scope, write_suppressions_to_cloud_formation=write_suppressions_to_cloud_formation)
        self._pack_name = self.name

    @property
    def name(self) -> str:
        """The pack's name, which its rules begin with."""
        return PACK

    @property
    def rule_ids(self) -> list[str]:
        """The IDs of all rules."""
        return [f"{self.name}-{rule.name}" for rule in Rule]

    def validate(self, context: IPolicyValidationContext) -> PolicyValidationPluginReport:
        """Return the violations of the synthesized app; CDK calls this.

        Args:
            context: What CDK synthesized.
        """
        return self._report(context, context.app_construct)

    @checked
    def validate_scope(self, scope: IConstruct) -> PolicyValidationPluginReport:
        """Synthesize the app of a construct, and return the violations at and below it; for tests.

        Args:
            scope: The app, or a construct in it.

        Raises:
            RuntimeError: If the app cannot be synthesized.
            ValueError: If there is no app.
        """
        recorder = _ContextRecorder()
        app = cast(App, scope.node.root)
        if not App.is_app(app):
            raise ValueError(f"scope must be in an App, got: {scope.node.path!r} in a {type(app).__name__}")
        Validations.of(app).add_plugins(cast(IPolicyValidationPlugin, recorder))
        try:
            app.synth(force=True)
        except RuntimeError:  # another plugin may have failed the synthesis
            if recorder.context is None:
                raise
        if recorder.context is None:  # there are no stacks
            return PolicyValidationPluginReport(success=True, violations=[])
        return self._report(recorder.context, scope)

    def _report(self, context: IPolicyValidationContext, scope: IConstruct) -> PolicyValidationPluginReport:
        root = context.app_construct.node.root
        app = FargateApp(validated_templates(context), partial(has_known_ipv6, root))
        violations = [_violation(path, each) for path, each in open_findings(app, scope.node.path)]
        succeeded = all(violation.severity != "error" for violation in violations)
        return PolicyValidationPluginReport(success=succeeded, violations=violations)

    def _check_resource(self, node: CfnResource) -> None:
        """Check nothing: cdk-nag requires this method, and only its own validation would call it."""


def _violation(path: str, finding: Finding) -> PolicyViolation:
    """Return the violation that CDK reports at a construct's path."""
    return PolicyViolation(
        rule_name=f"{PACK}-{finding.id}",
        severity=SEVERITIES[finding.rule.level],
        description=f"{finding.rule.why} Got: {finding.got}",
        fix=finding.rule.fix,
        violating_resources=[PolicyViolatingResource(construct_path=path, locations=[])],
    )


@jsii.implements(IPolicyValidationPlugin)
class _ContextRecorder:
    """Records what CDK passes to its plugins."""

    def __init__(self) -> None:
        self.context: IPolicyValidationContext | None = None

    @property
    def name(self) -> str:
        return "FargateCaveatsSynthesis"

    def validate(self, context: IPolicyValidationContext) -> PolicyValidationPluginReport:
        self.context = context
        return PolicyValidationPluginReport(success=True, violations=[])
