"""What cdk-nag 2 reads of acknowledged findings. `tests/lowest.py` audits modes with cdk-nag 2 itself."""

import sys
from pathlib import Path
from typing import Any

import jsii
import pytest
from aws_cdk import App, Aspects, CfnResource, IAspect, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import IConstruct

from fargate_constructs._core import cdk_nag_2
from fargate_constructs._core.nag_suppressions import acknowledge, acknowledge_wildcards
from fargate_constructs.synthesized.assembly import template_of

WILDCARD: dict[str, Any] = {
    "id": "AwsSolutions-IAM5",
    "reason": "It is the key of an object.",
    "applies_to": ["Resource::<Bucket>/*"],
}
MINE = {"id": "AwsSolutions-IAM5", "reason": "A reason of the caller."}


@jsii.implements(IAspect)
class Reader:
    """Reads the metadata of each resource, as cdk-nag 2 does."""

    def __init__(self) -> None:
        self.rules: dict[str, list[dict[str, Any]]] = {}

    def visit(self, node: IConstruct) -> None:
        """Read it."""
        if isinstance(node, CfnResource) and (metadata := node.get_metadata("cdk_nag")):
            self.rules[node.node.path] = metadata["rules_to_suppress"]


@pytest.mark.parametrize("is_there", [True, False], ids=["version 2", "another version"])
def test_findings_are_suppressed_where_version_2_reads(monkeypatch: pytest.MonkeyPatch, *, is_there: bool) -> None:
    """On the construct and on what is added later below it, once in two syntheses; and not in the template."""
    monkeypatch.setattr(cdk_nag_2, "is_installed", lambda: is_there)
    app = App()
    Aspects.of(app).add(reader := Reader())
    stack = Stack(app, "Test")
    bucket = s3.CfnBucket(stack, "Bucket")
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))
    acknowledge(role, {"AwsSolutions-IAM4": "A policy of AWS is enough."})
    acknowledge_wildcards(role, [f"{bucket.ref}/*"], reason=WILDCARD["reason"])
    role.add_to_policy(iam.PolicyStatement(actions=["s3:GetObject"], resources=[f"{bucket.ref}/*"]))
    policy = role.node.find_child("DefaultPolicy").node.default_child
    assert isinstance(policy, CfnResource)
    policy.add_metadata("cdk_nag", {"rules_to_suppress": [MINE]})

    for force in (False, True):
        resources = app.synth(force=force).get_stack_by_name("Test").template["Resources"]
        written = {each["Type"]: each.get("Metadata", {}).get("cdk_nag") for each in resources.values()}
        assert written.pop("AWS::IAM::Policy") == {"rules_to_suppress": [MINE]}
        assert {*written.values()} == {None}

    of_role, of_policy = (
        reader.rules.get(f"Test/{path}", []) for path in ("Role/Resource", "Role/DefaultPolicy/Resource")
    )
    acknowledged = [{key: each[key] for key in ("id", "reason")} for each in of_role]
    assert [each["id"] for each in acknowledged] == ["AwsSolutions-IAM4", "AwsSolutions-IAM5"] * is_there
    assert of_policy == [MINE, *of_role]
    assert [each for each in of_role if WILDCARD.items() <= each.items()] == of_role[1:]


@jsii.implements(IAspect)
class Writer:
    """Suppresses a finding of each resource, as an aspect of the caller does."""

    def visit(self, node: IConstruct) -> None:
        """Add it to what is there."""
        if isinstance(node, CfnResource):
            known = (node.get_metadata("cdk_nag") or {}).get("rules_to_suppress", [])
            node.add_metadata("cdk_nag", {"rules_to_suppress": [*known, MINE]})


def test_the_template_has_what_a_later_aspect_suppresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Aspects of others come after that of this library, and cdk-nag writes what they suppress."""
    monkeypatch.setattr(cdk_nag_2, "is_installed", lambda: True)
    stack = Stack(App(), "Test")
    acknowledge(s3.CfnBucket(stack, "Bucket"), {"AwsSolutions-S1": "It is the bucket of access logs."})
    Aspects.of(stack).add(Writer())

    assert template_of(stack)["Resources"]["Bucket"]["Metadata"]["cdk_nag"] == {"rules_to_suppress": [MINE]}


@pytest.mark.parametrize(
    ("files", "is_there"), [(["cdk-nag@2.38.2.jsii.tgz"], True), (["cdk-nag@3.0.2.jsii.tgz"], False), ([], False)]
)
def test_version_2_is_known_by_its_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, files: list[str], *, is_there: bool
) -> None:
    """cdk-nag is not imported: to load it takes time, and an app may do without."""
    (tmp_path / "cdk_nag" / "_jsii").mkdir(parents=True)
    (tmp_path / "cdk_nag" / "__init__.py").write_text("raise AssertionError")
    for name in files:
        (tmp_path / "cdk_nag" / "_jsii" / name).touch()
    monkeypatch.delitem(sys.modules, "cdk_nag", raising=False)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])

    assert cdk_nag_2.is_installed.__wrapped__() is is_there


def test_there_may_be_no_cdk_nag(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an extra."""
    monkeypatch.setitem(sys.modules, "cdk_nag", None)

    assert not cdk_nag_2.is_installed.__wrapped__()
