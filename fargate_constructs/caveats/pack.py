"""The cdk-nag pack: reads the templates of an app, and reports which rules each resource breaks."""

from collections import defaultdict
from typing import cast

import jsii
from aws_cdk import (
    App,
    CfnResource,
    IPolicyValidationContext,
    IPolicyValidationPlugin,
    PolicyValidationPluginReport,
    Validations,
)
from cdk_nag import NagPack
from constructs import IConstruct

from fargate_constructs._core.arguments import checked
from fargate_constructs.caveats.addresses import find_addresses
from fargate_constructs.caveats.deployments import find_deployments
from fargate_constructs.caveats.fargate_app import FargateApp
from fargate_constructs.caveats.missing_endpoints import find_missing_endpoints
from fargate_constructs.caveats.plain_secrets import find_secrets
from fargate_constructs.caveats.rules import RULES, Finding, Rule
from fargate_constructs.caveats.tasks import find_tasks
from fargate_constructs.caveats.unarchived_logs import find_logs
from fargate_constructs.synthesized.template_files import validated_templates
from fargate_constructs.synthesized.templates import Place

FINDERS = (find_addresses, find_missing_endpoints, find_logs, find_tasks, find_secrets, find_deployments)


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

    Args:
        scope: The app.
        write_suppressions_to_cloud_formation: Whether acknowledgments are written into the templates as well. By
            default they are not.

    Raises:
        TypeError: If an argument has another type than its annotation.
    """

    @checked
    def __init__(
        self,
        scope: IConstruct | None = None,
        *,
        write_suppressions_to_cloud_formation: bool = False,
    ) -> None:
        super().__init__(scope, write_suppressions_to_cloud_formation=write_suppressions_to_cloud_formation)
        self._pack_name = self.name

    @property
    def name(self) -> str:
        """The pack's name, which its rules begin with."""
        return "FargateCaveats"

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
        templates, root = validated_templates(context), scope.node.path
        violations = []
        for place, findings in findings_of(FargateApp(templates)).items():
            path = templates.path(place)
            if root and not f"{path}/".startswith(f"{root}/"):
                continue
            # The IDs in CDK's report begin with the pack's name and `::`.
            ids = {id_.removeprefix(f"{self.name}::") for id_ in templates.acknowledged(path)}
            accepted = {id_.removeprefix(f"{self.name}-") for id_ in ids if id_.startswith(f"{self.name}-")}
            reported = [each for each in findings if not each.is_undecided]
            notes: defaultdict[str, list[str]] = defaultdict(list)
            for each in findings:
                if each.is_undecided and each.id not in accepted:
                    notes[each.got].append(each.rule.name)
            if notes:
                lines = (f"{_listed(rules)} for {got}" for got, rules in notes.items())
                reported.append(Finding(Rule.Undecided, place, "; ".join(lines)))
            violations += [
                each.violation(f"{self.name}-{each.id}", path) for each in reported if each.id not in accepted
            ]
        succeeded = all(violation.severity != "error" for violation in violations)
        return PolicyValidationPluginReport(success=succeeded, violations=violations)

    def _check_resource(self, node: CfnResource) -> None:
        """Check nothing: cdk-nag requires this method, and only its own validation would call it."""


def _listed(rules: list[str]) -> str:
    """Return the names of rules, or that it is every rule."""
    return "every rule" if len(rules) == len(RULES) else ", ".join(rules)


def findings_of(app: FargateApp) -> dict[Place, list[Finding]]:
    """Return the findings of each resource: each rule once, and not as undecided if it is broken."""
    found: defaultdict[Place, dict[tuple[bool, str], Finding]] = defaultdict(dict)
    for finding in (finding for find in FINDERS for finding in find(app)):
        at, key = found[finding.place], (finding.is_undecided, finding.id)
        if key not in at:
            at[key] = finding
        elif finding.got not in at[key].got:
            at[key] = finding._replace(got=f"{at[key].got}; {finding.got}")
    return {
        place: [each for (is_undecided, id_), each in at.items() if not is_undecided or (False, id_) not in at]
        for place, at in found.items()
    }


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
