"""The pack itself.

```
app ──> synth ──> templates ──> rules ──> [FargateCaveats] ──> report
```
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import cast

import jsii
from aws_cdk import (
    App,
    CfnElement,
    CfnResource,
    IPolicyValidationContext,
    IPolicyValidationPlugin,
    PolicyValidationPluginReport,
    Validations,
)
from cdk_nag import IApplyRule, NagMessageLevel, NagPack, NagRuleCompliance
from constructs import IConstruct

from fargate_constructs.arguments import checked
from fargate_constructs.caveats.addresses import find_addresses
from fargate_constructs.caveats.deployments import find_deployments
from fargate_constructs.caveats.endpoint import find_missing_endpoints
from fargate_constructs.caveats.environment import find_secrets
from fargate_constructs.caveats.fargate_app import FargateApp
from fargate_constructs.caveats.logs import find_logs
from fargate_constructs.caveats.rules import Finding, Rule
from fargate_constructs.caveats.tasks import find_tasks
from fargate_constructs.templates import Place, Templates

CONCERNS = (find_addresses, find_missing_endpoints, find_logs, find_tasks, find_secrets, find_deployments)

KEY = Validations.ACKNOWLEDGED_RULES_METADATA_KEY


class FargateCaveats(NagPack):
    """A cdk-nag pack that finds what hurts on Fargate, in an app of any constructs.

    It reads the templates as they were synthesized, so overrides and aspects count, and follows references across
    stacks. Tasks on EC2 instances are left alone. What only the deployment knows, and what stands in another app,
    breaks no rule; what a state machine, AWS Batch or a program starts is not seen. Errors fail the synthesis,
    warnings do not.

    ```python
    Validations.of(app).add_plugins(FargateCaveats(app))
    ```

    Accept a finding where its cause is, or above, by its bare ID or by the one that CDK's report names:

    ```python
    Validations.of(service).acknowledge(Acknowledgment(id="FargateCaveats-NoExec", reason="..."))
    ```

    Args:
        scope: The app.
        write_suppressions_to_cloud_formation: Whether what was acknowledged is written into the templates as well. By
            default it is not.

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
        self._findings: Mapping[str, list[Finding]] = {}

    @property
    def name(self) -> str:
        """The pack's name, which its rules begin with."""
        return "FargateCaveats"

    @property
    def rule_ids(self) -> list[str]:
        """The IDs of all rules."""
        return [f"{self.name}-{rule.name}" for rule in Rule]

    def validate(self, context: IPolicyValidationContext) -> PolicyValidationPluginReport:
        """Return what is wrong with the app as it was synthesized; CDK calls this."""
        return self._report(context, context.app_construct)

    @checked
    def validate_scope(self, scope: IConstruct) -> PolicyValidationPluginReport:
        """Synthesize the app of a construct, and return what is wrong at and below it; for tests.

        Args:
            scope: The app, or a construct in it.

        Raises:
            RuntimeError: If the app cannot be synthesized.
            ValueError: If there is no app.
        """
        synthesis = _Synthesis()
        app = cast(App, scope.node.root)
        if not App.is_app(app):
            raise ValueError(f"scope must be in an App, got: {scope.node.path!r} in a {type(app).__name__}")
        Validations.of(app).add_plugins(cast(IPolicyValidationPlugin, synthesis))
        try:
            app.synth(force=True)
        except RuntimeError:  # by another plugin, which need not be this one's business
            if synthesis.context is None:
                raise
        if synthesis.context is None:  # there are no stacks
            return PolicyValidationPluginReport(success=True, violations=[])
        return self._report(synthesis.context, scope)

    def _report(self, context: IPolicyValidationContext, scope: IConstruct) -> PolicyValidationPluginReport:
        templates = Templates(context)
        app = FargateApp(templates)
        by_place: defaultdict[Place, dict[str, Finding]] = defaultdict(dict)
        for finding in (finding for concern in CONCERNS for finding in concern(app)):
            same = by_place[finding.place].get(finding.id)
            both = finding._replace(got=f"{same.got}; {finding.got}") if same else finding
            by_place[finding.place][finding.id] = both
        acknowledgments = _Acknowledgments()
        violations = []
        for place, findings in by_place.items():
            node = templates.element(place)
            path, root = node.node.path, scope.node.path
            if root and not f"{path}/".startswith(f"{root}/"):
                continue
            ids = acknowledgments.concerning(node, path)
            is_open = self._open(node, findings, ids) if ids else findings
            violations += [finding.violation(f"{self.name}-{id_}", path) for id_, finding in is_open.items()]
        succeeded = all(violation.severity != "error" for violation in violations)
        return PolicyValidationPluginReport(success=succeeded, violations=violations)

    def _open(self, node: CfnElement, findings: dict[str, Finding], ids: Collection[str]) -> dict[str, Finding]:
        """Return the findings of a resource that neither cdk-nag nor CDK knows as acknowledged."""
        self._findings = {node.node.path: list(findings.values())}
        names = {violation.rule_name for violation in super().validate_scope(node).violations}
        # CDK's report tells people to acknowledge by another ID than cdk-nag's, and CDK itself knows that one.
        return {
            id_: finding
            for id_, finding in findings.items()
            if f"{self.name}-{id_}" in names and f"{self.name}::{self.name}-{id_}" not in ids
        }

    def _check_resource(self, node: CfnResource) -> None:
        """Tell cdk-nag what was found of a resource; it calls this."""
        for finding in self._findings.get(node.node.path, ()):
            self._apply_rule(cast(IApplyRule, _Application(node, finding)))


class _Acknowledgments:
    """What an app acknowledges. To ask cdk-nag of each finding would take longer than to synthesize."""

    def __init__(self) -> None:
        self._own: dict[str, set[str]] = {}

    def concerning(self, node: IConstruct, path: str) -> set[str]:
        """Return the IDs that are acknowledged at a construct or above it, as CDK keeps them."""
        parts = path.split("/")
        paths = ["", *("/".join(parts[: end + 1]) for end in range(len(parts)))]
        for each, construct in zip(paths, node.node.scopes, strict=True):
            if each not in self._own:
                self._own[each] = {id_ for entry in construct.node.metadata if entry.type == KEY for id_ in entry.data}
        return set().union(*(self._own[each] for each in paths))


@jsii.implements(IApplyRule)
class _Application:
    """A finding, as cdk-nag asks for it."""

    def __init__(self, node: CfnResource, finding: Finding) -> None:
        self._node = node
        self._finding = finding

    @property
    def info(self) -> str:
        return self._finding.got

    explanation = info  # which only a verbose pack tells

    @property
    def level(self) -> NagMessageLevel:
        return self._finding.rule.level

    @property
    def node(self) -> CfnResource:
        return self._node

    @property
    def rule_suffix_override(self) -> str:
        return self._finding.rule.name

    def rule(self, node: CfnResource) -> NagRuleCompliance | list[str]:  # noqa: ARG002 - cdk-nag's signature
        return [self._finding.part] if self._finding.part else NagRuleCompliance.NON_COMPLIANT


@jsii.implements(IPolicyValidationPlugin)
class _Synthesis:
    """Takes down what CDK tells its plugins."""

    def __init__(self) -> None:
        self.context: IPolicyValidationContext | None = None

    @property
    def name(self) -> str:
        return "FargateCaveatsSynthesis"

    def validate(self, context: IPolicyValidationContext) -> PolicyValidationPluginReport:
        self.context = context
        return PolicyValidationPluginReport(success=True, violations=[])
