"""Values that the app's templates do not have: they break no rule, and each is noted."""

import pytest
from aws_cdk import App, Environment, Stack

from fargate_constructs.caveats.fargate_app import FargateApp
from fargate_constructs.caveats.open_findings import findings_of
from fargate_constructs.caveats.rules import RULES
from fargate_constructs.caveats.tasks import CONTAINER_RULES
from fargate_constructs.synthesized.template_files import source_of
from fargate_constructs.synthesized.templates import Templates
from tests.caveats.lab import findings_after, read

SETS = {
    "every": [rule.name for rule in RULES],
    "containers": [rule.name for rule in CONTAINER_RULES] + ["NoSuchSize"],
}
CASES = read("cases.yaml")["elsewhere"]


@pytest.mark.parametrize("name", CASES)
def test_a_value_from_elsewhere_is_noted(name: str) -> None:
    """An attribute of a resource that is no subnet, group or definition is in no template of the app."""
    known = {(each.place.logical_id, each.id) for each in findings_after({})}
    findings = [each for each in findings_after(CASES[name]) if (each.place.logical_id, each.id) not in known]
    undecided = {
        (place, rule)
        for place, rules in CASES[name]["undecided"].items()
        for rule in (SETS[rules] if isinstance(rules, str) else rules)
    }

    assert [each for each in findings if not each.is_undecided] == []
    assert {(each.place.logical_id, each.id) for each in findings} == undecided - known


def test_circular_exports() -> None:
    """CloudFormation refuses them; reading them ends."""
    outputs = {name: {"Value": {"Fn::ImportValue": other}, "Export": {"Name": name}} for name, other in ("ab", "ba")}
    findings = findings_after({"Service.TaskDefinition": {"Fn::ImportValue": "a"}}, outputs)

    assert "TaskDefinition " in {each.got.partition("{")[0] for each in findings if each.id == "NoSuchSize"}


@pytest.mark.parametrize(("region", "expected"), [("us-east-1", {"NoInitProcess", "NoLogs"}), ("eu-west-1", set())])
def test_a_weak_reference_says_which_region(region: str, expected: set[str]) -> None:
    """`Fn::GetStackOutput` may name another region than its stack's; a stack of that name elsewhere is another one."""
    app = App()
    base, shop = (
        Stack(app, name, env=Environment(account="111111111111", region=place))
        for name, place in (("Base", "us-east-1"), ("Shop", "eu-west-1"))
    )
    containers = [{"Name": "web", "Image": "nginx"}]
    definition = {"Cpu": "256", "Memory": "512", "ContainerDefinitions": containers}
    reference = {"Fn::GetStackOutput": {"StackName": "Base", "Region": region, "OutputName": "Definition"}}
    service = {"LaunchType": "FARGATE", "EnableExecuteCommand": True, "TaskDefinition": reference}
    sources = [
        source_of(
            base,
            {
                "Resources": {"Definition": {"Type": "AWS::ECS::TaskDefinition", "Properties": definition}},
                "Outputs": {"Definition": {"Value": {"Ref": "Definition"}}},
            },
        ),
        source_of(shop, {"Resources": {"Service": {"Type": "AWS::ECS::Service", "Properties": service}}}),
    ]

    found = findings_of(FargateApp(Templates(sources)))
    assert {each.id for place, findings in found.items() if place.stack is base for each in findings} == expected
