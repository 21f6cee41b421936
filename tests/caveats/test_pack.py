"""The pack in an app: how it fails a synthesis, what is accepted, what it follows, and that it is an extra."""

import json
import re
import sys
from importlib import import_module
from pathlib import Path
from typing import cast

import jsii
import pytest
from aws_cdk import (
    Acknowledgment,
    App,
    CfnParameter,
    Environment,
    IPolicyValidationContext,
    IPolicyValidationPlugin,
    NestedStack,
    PolicyValidationPluginReport,
    PolicyViolatingResource,
    PolicyViolation,
    Stack,
    Stage,
    Validations,
)
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from aws_cdk import cloudformation_include as include
from cdk_nag import AwsSolutionsChecks
from constructs import IConstruct, IValidation, RootConstruct

from fargate_constructs._core import cdk_nag_2
from fargate_constructs.caveats import FargateCaveats, Rule
from tests.caveats.lab import Lab, findings_in

ERROR, WARNING = ("Cpu", "300"), ("EnableExecuteCommand", False)


@pytest.fixture
def lab(stack: Stack) -> Lab:
    """A service without a caveat."""
    return Lab(stack)


def rules_in(scope: IConstruct) -> list[str]:
    """Return the rules that are broken at and below a construct, sorted."""
    return sorted(rule for rule, _, _ in findings_in(scope))


def test_an_error_fails_the_synthesis(lab: Lab) -> None:
    """The report says which resource, why, what was found, and what to change."""
    lab.override("Definition", *ERROR)
    app = lab.stack.node.root
    Validations.of(app).add_plugins(FargateCaveats(app))

    with pytest.raises(RuntimeError) as error:
        app.synth()  # type: ignore[attr-defined]  # an app

    assert "FargateCaveats-NoSuchSize" in str(error.value)
    assert "Test/Definition" in str(error.value)
    assert f"{Rule.NoSuchSize.why} Got: cpu=300 memory_limit_mib=512; nearest: cpu=256" in str(error.value)
    assert f"Suggested fix: {Rule.NoSuchSize.fix}" in str(error.value)


def test_a_warning_fails_nothing(lab: Lab) -> None:
    """It is in the report."""
    lab.override("Service", *WARNING)
    app = lab.stack.node.root
    Validations.of(app).add_plugins(FargateCaveats(app), AwsSolutionsChecks())
    assembly = app.synth()  # type: ignore[attr-defined]  # an app

    report = json.loads((Path(assembly.directory) / "validation-report.json").read_text())
    (ours,) = (each for each in report["pluginReports"] if each["pluginName"] == "FargateCaveats")
    assert [each["ruleName"] for each in ours["violations"] if each["severity"] == "warning"] == [
        "FargateCaveats-NoExec"
    ]
    assert ours["conclusion"] == "success"


def test_its_rules_are_known_by_name() -> None:
    """CDK asks for the IDs of a plugin's rules, and calls it by its name."""
    pack = FargateCaveats()

    assert pack.name == pack.read_pack_name == "FargateCaveats"
    assert pack.rule_ids == [f"FargateCaveats-{rule.name}" for rule in Rule]


def test_an_argument_of_another_type_is_refused() -> None:
    """As in all of the library."""
    with pytest.raises(TypeError, match="scope must be IConstruct or None, got: 'app'"):
        FargateCaveats("app")  # type: ignore[arg-type]


# What is accepted.


@pytest.mark.parametrize("place", ["Test/Service", "Test", ""], ids=["resource", "stack", "app"])
def test_a_finding_is_accepted_where_it_is_or_above(lab: Lab, place: str) -> None:
    """By the bare ID, as in all of cdk-nag 3; other findings of the same resource stay."""
    lab.override("Service", *WARNING)
    lab.override("Service", "DeploymentConfiguration", None)
    app = lab.stack.node.root
    (construct,) = (each for each in app.node.find_all() if each.node.path == place)
    Validations.of(construct).acknowledge(Acknowledgment(id="FargateCaveats-NoExec", reason="No shell is needed."))

    assert rules_in(app) == ["NoCircuitBreaker"]


def test_a_finding_is_accepted_as_the_report_says(lab: Lab) -> None:
    """By the ID that CDK's report names, which CDK knows and cdk-nag does not."""
    lab.override("Definition", *ERROR)
    lab.override("Definition", "ContainerDefinitions.0.Environment", [{"Name": "DB_PASSWORD", "Value": "hunter2"}])
    app = lab.stack.node.root
    Validations.of(app).add_plugins(FargateCaveats(app))
    with pytest.raises(RuntimeError) as error:
        app.synth()  # type: ignore[attr-defined]  # an app
    ids = set(re.findall(r"Acknowledge with '(FargateCaveats::.+)'", str(error.value)))
    for id_ in ids:
        Validations.of(lab.definition).acknowledge(Acknowledgment(id=id_, reason="It is never started."))

    assert ids == {
        f"FargateCaveats::FargateCaveats-{rule}"
        for rule in ("NoSuchSize", "SecretInEnvironment[DB_PASSWORD]", "Undecided")
    }
    assert rules_in(lab.stack) == []
    app.synth(force=True)  # type: ignore[attr-defined]  # an app


def test_what_is_accepted_elsewhere_is_not_accepted(lab: Lab) -> None:
    """On another resource, or with another ID, such as one without the pack's name."""
    lab.override("Service", *WARNING)
    acknowledgment = Acknowledgment(id="FargateCaveats-NoExec", reason="No shell is needed.")
    Validations.of(lab.definition).acknowledge(acknowledgment)
    others = ("FargateCaveats-NoRollback", "NoExec", "FargateCaveats::NoExec", "fargatecaveats-NoExec")
    for id_ in others:
        Validations.of(lab.service).acknowledge(Acknowledgment(id=id_, reason="By hand."))

    assert rules_in(lab.stack) == ["NoExec"]


def test_one_variable_is_accepted_without_the_others(lab: Lab) -> None:
    """By its name in brackets; no message has the value."""
    variables = [{"Name": name, "Value": "hunter2"} for name in ("PAGE_TOKEN", "DB_PASSWORD")]
    lab.override("Definition", "ContainerDefinitions.0.Environment", variables)
    rule = "FargateCaveats-SecretInEnvironment[PAGE_TOKEN]"
    Validations.of(lab.definition).acknowledge(Acknowledgment(id=rule, reason="It is of a page."))

    ((rule, _, description),) = findings_in(lab.stack)
    assert rule == "SecretInEnvironment[DB_PASSWORD]"
    assert "DB_PASSWORD of web, whose name says that it is a secret" in description
    assert "hunter2" not in description


def test_what_is_accepted_fails_no_synthesis(lab: Lab) -> None:
    """An error that is acknowledged."""
    lab.override("Definition", *ERROR)
    app = lab.stack.node.root
    Validations.of(app).add_plugins(FargateCaveats(app))
    Validations.of(lab.stack).acknowledge(Acknowledgment(id="FargateCaveats-NoSuchSize", reason="It is never started."))

    app.synth()  # type: ignore[attr-defined]  # an app


# What is left undecided.


@pytest.fixture
def undecided(lab: Lab) -> Lab:
    """A service whose shell, and whose container's name, only the deployment knows; it has no log driver."""
    lab.override("Service", "EnableExecuteCommand", {"Ref": "Shell"})
    lab.override("Service", "NetworkConfiguration", None)
    lab.override("Definition", "ContainerDefinitions.0.Name", {"Ref": "Name"})
    lab.override("Definition", "ContainerDefinitions.0.LogConfiguration", None)
    lab.override("Definition", "ContainerDefinitions.0.LinuxParameters", None)
    lab.stack.node.try_remove_child("Schedule")
    return lab


def test_what_only_the_deployment_knows_is_noted(undecided: Lab) -> None:
    """Each resource has one note, with the rules and the unresolved values; a note fails nothing."""
    report = FargateCaveats().validate_scope(undecided.service)

    (note,) = report.violations
    assert report.success
    assert (note.rule_name, note.severity) == ("FargateCaveats-Undecided", "info")
    assert note.description.endswith(
        "Got: NoIngress for callers the default of the VPC; NoExec for EnableExecuteCommand ${Shell}"
    )
    found = {rule: text for rule, _, text in findings_in(undecided.stack)}
    assert found["NoLogs"].endswith("Got: no LogConfiguration of ${Name}")


def test_what_may_run_elsewhere_is_noted_once(undecided: Lab) -> None:
    """Every rule depends on an unresolved launch type, unless the definition is for Fargate only."""
    undecided.override("Service", "LaunchType", {"Ref": "Where"})
    undecided.override("Definition", "RequiresCompatibilities", ["EC2", "FARGATE"])

    (note,) = FargateCaveats().validate_scope(undecided.stack).violations
    assert note.description.endswith("Got: every rule for LaunchType ${Where}")


@pytest.mark.parametrize(
    ("id_", "left"),
    [
        ("FargateCaveats-Undecided", ""),
        ("FargateCaveats::FargateCaveats-Undecided", ""),
        ("FargateCaveats-NoExec", "NoIngress for callers the default of the VPC"),
    ],
)
def test_a_note_is_accepted(id_: str, left: str, undecided: Lab) -> None:
    """All of it, or one rule."""
    Validations.of(undecided.service).acknowledge(Acknowledgment(id=id_, reason="It is on in production."))

    notes = [
        each.description.partition("Got: ")[2] for each in FargateCaveats().validate_scope(undecided.service).violations
    ]
    assert notes == ([left] if left else [])


# What is followed.


def test_an_account_policy_takes_all_logs(lab: Lab) -> None:
    """It counts for its account and region, known or not; a policy of another type does not."""
    lab.override("Subscription", "LogGroupName", "another")
    other = Stack(Stage.of(lab.stack), "Other")
    policy = logs.CfnAccountPolicy(
        other, "Policy", policy_name="all", policy_document="{}", policy_type="DATA_PROTECTION_POLICY"
    )

    assert rules_in(lab.stack) == ["LogsStayInCloudWatch"]

    policy.policy_type = "SUBSCRIPTION_FILTER_POLICY"
    assert rules_in(lab.stack) == []


def test_a_policy_of_another_region_takes_none() -> None:
    """It counts in its own region only."""
    app = App()
    here, there = (
        Stack(app, region, env=Environment(account="123456789012", region=region))
        for region in ("eu-west-1", "us-east-1")
    )
    Lab(here).override("Subscription", "LogGroupName", "another")
    logs.CfnAccountPolicy(
        there, "Policy", policy_name="all", policy_document="{}", policy_type="SUBSCRIPTION_FILTER_POLICY"
    )

    assert rules_in(app) == ["LogsStayInCloudWatch"]


def test_references_are_followed_across_stacks() -> None:
    """The task definition in one stack, its log group in another, what scales the service in a third."""
    app = App()
    base, middle, top = (Stack(app, name) for name in ("Base", "Middle", "Top"))
    log_group = logs.CfnLogGroup(base, "LogGroup", retention_in_days=30)
    definition = ecs.FargateTaskDefinition(middle, "Definition", cpu=256)
    group = logs.LogGroup.from_log_group_name(middle, "Group", log_group.ref)
    logging = ecs.LogDrivers.aws_logs(stream_prefix="web", log_group=group, mode=ecs.AwsLogDriverMode.BLOCKING)
    definition.add_container("web", image=ecs.ContainerImage.from_registry("nginx"), logging=logging)
    ecs.CfnService(
        top,
        "Service",
        launch_type="FARGATE",
        task_definition=definition.task_definition_arn,
        enable_execute_command=True,
    )

    found = {(rule, path) for rule, path, _ in findings_in(app)}
    assert ("LogsStayInCloudWatch", "Base/LogGroup") in found
    assert ("NoInitProcess", "Middle/Definition/Resource") in found
    assert ("NoCircuitBreaker", "Top/Service") in found


def test_nested_stacks_are_read(stack: Stack) -> None:
    """A service in a nested stack, which gets a hidden parameter from its parent, and resources after it."""
    hidden = CfnParameter(stack, "Hidden", no_echo=True)
    nested = Lab(NestedStack(stack, "Nested"))
    environment = [{"Name": "SETTING", "Value": hidden.value_as_string}]
    nested.override("Definition", "ContainerDefinitions.0.Environment", environment)
    deeper = Lab(NestedStack(nested.stack, "Deeper"))
    deeper.override("Service", *WARNING)
    after = ecs.CfnTaskDefinition(stack, "After", requires_compatibilities=["FARGATE"])

    assert {(rule, path) for rule, path, _ in findings_in(stack)} == {
        ("SecretInEnvironment[SETTING]", "Test/Nested/Definition"),
        ("NoExec", "Test/Nested/Deeper/Service"),
        ("NoSuchSize", after.node.path),
    }


def test_a_stage_is_judged_alone() -> None:
    """The pack on one stage does not read the other's stacks."""
    app = App()
    for name in ("Test", "Production"):
        stage = Stage(app, name)
        shop = Stack(stage, "Shop")
        Lab(shop).override("Definition", *ERROR)
        NestedStack(shop, "Nested")
    Validations.of(stage).add_plugins(FargateCaveats())

    with pytest.raises(RuntimeError) as error:
        app.synth()
    assert "Production/Shop/Definition" in str(error.value)
    assert "Test/Shop/Definition" not in str(error.value)


def test_an_included_template_is_read(stack: Stack, tmp_path: Path) -> None:
    """CloudFormation with flags and numbers as strings."""
    deployment = {"DeploymentCircuitBreaker": {"Enable": "true", "Rollback": "true"}, "MinimumHealthyPercent": "100"}
    service = {"LaunchType": "FARGATE", "EnableExecuteCommand": "true", "DeploymentConfiguration": deployment}
    definition = {"Cpu": "300", "Memory": "512", "RequiresCompatibilities": ["FARGATE"]}
    resources = {
        "Service": {"Type": "AWS::ECS::Service", "Properties": service | {"TaskDefinition": {"Ref": "Definition"}}},
        "Definition": {"Type": "AWS::ECS::TaskDefinition", "Properties": definition},
    }
    file = tmp_path / "shop.json"
    file.write_text(json.dumps({"Resources": resources}))
    include.CfnInclude(stack, "Included", template_file=str(file))

    assert [(rule, path) for rule, path, _ in findings_in(stack)] == [("NoSuchSize", "Test/Included/Definition")]


# How it is called.


def test_a_scope_is_judged_with_what_is_below(lab: Lab) -> None:
    """Only findings at and below the construct are returned, also if another path begins with the same letters."""
    lab.override("Service", *WARNING)
    another = ecs.CfnTaskDefinition(lab.stack, "ServiceOfAnother", requires_compatibilities=["FARGATE"])

    assert rules_in(lab.service) == ["NoExec"]
    assert rules_in(another) == ["NoSuchSize"]
    assert rules_in(lab.security_group) == []


def test_without_an_app_there_is_nothing_to_judge() -> None:
    """An app without stacks has no findings; a construct outside of an app cannot be synthesized."""
    assert findings_in(App()) == []

    with pytest.raises(ValueError, match="scope must be in an App, got: '' in a RootConstruct"):
        findings_in(RootConstruct())


def test_what_other_plugins_find_is_not_its_business(lab: Lab) -> None:
    """An app that fails for another reason can be checked."""

    @jsii.implements(IPolicyValidationPlugin)
    class Strict:
        @property
        def name(self) -> str:
            return "Strict"

        def validate(self, _: IPolicyValidationContext) -> PolicyValidationPluginReport:
            resources = [PolicyViolatingResource(construct_path="Test/Service", locations=[])]
            violation = PolicyViolation(
                rule_name="No", description="No", severity="error", violating_resources=resources
            )
            return PolicyValidationPluginReport(success=False, violations=[violation])

    Validations.of(lab.stack.node.root).add_plugins(cast(IPolicyValidationPlugin, Strict()))
    lab.override("Service", *WARNING)

    assert rules_in(lab.stack) == ["NoExec"]


def test_an_app_that_cannot_be_synthesized_says_why(lab: Lab) -> None:
    """The error of the synthesis is raised."""

    @jsii.implements(IValidation)
    class Never:
        def validate(self) -> list[str]:
            return ["not today"]

    lab.stack.node.add_validation(Never())

    with pytest.raises(RuntimeError, match="not today"):
        findings_in(lab.stack)


# An extra.


@pytest.mark.parametrize(
    ("is_there", "message"), [(False, "needs cdk-nag, got none"), (True, "needs cdk-nag 3, got cdk-nag 2")]
)
def test_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, message: str, *, is_there: bool) -> None:
    """cdk-nag is an extra, without which the pack cannot be imported; version 2 has other classes."""
    for name in [name for name in sys.modules if name.startswith("fargate_constructs.caveats")]:
        monkeypatch.delitem(sys.modules, name)
    if is_there:
        monkeypatch.setattr(cdk_nag_2, "is_installed", lambda: True)
    else:
        monkeypatch.setitem(sys.modules, "cdk_nag", None)

    with pytest.raises(ImportError, match=rf"{message}; pip install 'fargate-constructs\[nag\]'"):
        _ = import_module("fargate_constructs.caveats").FargateCaveats


def test_other_names_are_missing() -> None:
    """Without the pack the module is there, but nothing else is in it."""
    with pytest.raises(AttributeError, match="has no attribute 'Other'"):
        _ = import_module("fargate_constructs.caveats").Other
