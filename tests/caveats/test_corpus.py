"""Small templates of shapes that people use, with what must be found in each; and no change of them that hides it.

```
corpus/*.yaml ──> findings ──> a value becomes a parameter, a condition, an import, a text ──> found still, or noted
```
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from aws_cdk import App, NestedStack, Stack

from fargate_constructs.caveats.fargate_app import FargateApp
from fargate_constructs.caveats.open_findings import findings_of
from fargate_constructs.caveats.rules import Finding
from fargate_constructs.synthesized.intrinsics import is_intrinsic
from fargate_constructs.synthesized.template_files import source_of
from fargate_constructs.synthesized.templates import Templates
from tests.caveats.lab import Loader, findings_in_templates

CORPUS = sorted(Path(__file__).with_name("corpus").glob("*.yaml"))
# What each value is changed to: what only the deployment knows, or the same in other words.
UNKNOWN = {
    "parameter": lambda _: {"Ref": "Mutant"},
    "condition": lambda value: {"Fn::If": ["Mutant", value, {"Ref": "AWS::NoValue"}]},
    "import": lambda _: {"Fn::ImportValue": "mutant"},
}
SAME = {
    "sub": lambda value: {"Fn::Sub": ["${Value}", {"Value": value}]},
    "join": lambda value: {"Fn::Join": ["", [value[:2], value[2:]]]},
}
Case = dict[str, dict[str, Any]]


@cache
def case_of(file: Path) -> Case:
    """Return the templates of a file by their stacks' names."""
    return {each.get("Stack", "shop"): each for each in yaml.load_all(file.read_text(), Loader)}


def found(findings: list[Finding], *, is_undecided: bool = False) -> set[tuple[str, str]]:
    """Return which rules are broken, or undecided, at which logical IDs."""
    return {(each.place.logical_id, each.id) for each in findings if each.is_undecided == is_undecided}


def expected(case: Case) -> set[tuple[str, str]]:
    """Return what must be found in a case."""
    return {(at, rule) for each in case.values() for at, rules in each["Findings"].items() for rule in rules}


def values_in(value: Any) -> Iterator[tuple[Any, Any]]:  # noqa: ANN401 - a piece of a template
    """Yield every value of a piece of a template, however deep, by what holds it and its place there."""
    pairs = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    for key, each in pairs:
        yield value, key
        if not is_intrinsic(each):
            yield from values_in(each)


def mutants(case: Case, changes: dict[str, Any]) -> Iterator[tuple[str, list[Finding]]]:
    """Yield what is found when each value of a property is changed in each way, one at a time."""
    for template in case.values():
        for logical_id, resource in template["Resources"].items():
            for holder, key in list(values_in(resource.get("Properties", {}))):
                value = holder[key]
                for name, change in changes.items():
                    if changes is SAME and not isinstance(value, str):
                        continue
                    holder[key] = change(value)
                    findings = findings_in_templates(case)
                    holder[key] = value
                    yield f"{logical_id}: {name} for {key} {value}", findings


@pytest.mark.parametrize("file", CORPUS, ids=lambda file: file.stem)
def test_what_is_found(file: Path) -> None:
    """The findings that the file names, and no other."""
    case = case_of(file)

    assert found(findings_in_templates(case)) == expected(case)


@pytest.mark.parametrize("file", CORPUS, ids=lambda file: file.stem)
def test_no_finding_turns_silent(file: Path) -> None:
    """If only the deployment knows a value, the findings that depend on it stay, or are noted as undecided."""
    for mutant, findings in mutants(case_of(file), UNKNOWN):
        told = {(at, rule.partition("[")[0]) for at, rule in found(findings)}
        noted = {rule for _, rule in found(findings, is_undecided=True)}
        wanted = {(at, rule.partition("[")[0]) for at, rule in expected(case_of(file))}

        assert {(at, rule) for at, rule in wanted - told if rule not in noted} == set(), mutant


@pytest.mark.parametrize("file", CORPUS, ids=lambda file: file.stem)
def test_a_text_may_be_put_together(file: Path) -> None:
    """A literal is equal to an `Fn::Sub` or an `Fn::Join` of its parts."""
    for mutant, findings in mutants(case_of(file), SAME):
        assert found(findings) == expected(case_of(file)), mutant


@cache
def nested() -> tuple[Stack, Stack, str]:
    """Return a stack, one nested in it, and the logical ID of that in its parent's template."""
    outer = Stack(App(), "Outer")
    inner = NestedStack(outer, "Inner")
    assert inner.nested_stack_resource is not None
    return outer, inner, outer.resolve(inner.nested_stack_resource.logical_id)


@pytest.mark.parametrize("file", CORPUS, ids=lambda file: file.stem)
def test_a_stack_may_be_nested(file: Path) -> None:
    """What is found in a stack is found in a nested one, too."""
    outer, inner, id_ = nested()
    for template in case_of(file).values():
        alone = findings_in_templates({"shop": template})
        holder = {"Resources": {id_: {"Type": "AWS::CloudFormation::Stack", "Properties": {}}}}
        app = FargateApp(Templates([source_of(outer, holder), source_of(inner, template)]), lambda _: False)
        findings = [each for found_there in findings_of(app).values() for each in found_there]

        assert found(findings) == found(alone)


def test_a_name_may_come_through_a_parameter() -> None:
    """Of a service in a nested stack, which its parent names and scales."""
    outer, inner, id_ = nested()
    target = {"ResourceId": {"Fn::Sub": "service/${AWS::StackName}/web"}}
    service = {"LaunchType": "FARGATE", "DesiredCount": 2, "Cluster": {"Ref": "Cluster"}, "ServiceName": "web"}
    holder = {
        id_: {"Type": "AWS::CloudFormation::Stack", "Properties": {"Parameters": {"Cluster": "Outer"}}},
        "Target": {"Type": "AWS::ApplicationAutoScaling::ScalableTarget", "Properties": target},
    }
    template = {"Resources": {"Service": {"Type": "AWS::ECS::Service", "Properties": service}}}
    templates = Templates([source_of(outer, {"Resources": holder}), source_of(inner, template)])

    (findings,) = findings_of(FargateApp(templates)).values()
    assert ("Service", "CountReset") in found(findings)
