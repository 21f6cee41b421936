"""What the app's templates do not hold: nothing of it breaks a rule, and nothing of it is silent."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from aws_cdk import App, Environment, Stack

from fargate_constructs.caveats.fargate_app import FargateApp
from fargate_constructs.caveats.pack import findings_of
from fargate_constructs.caveats.rules import RULES
from fargate_constructs.caveats.tasks import CONTAINER_RULES
from fargate_constructs.synthesized.template_files import Source
from fargate_constructs.synthesized.templates import Templates
from tests.caveats.changes import CONTAINER, DEPLOYMENT, NETWORK, overriding, variable
from tests.caveats.lab import TemplateLab

# Attributes of resources whose type says nothing of what they are.
OF_STACK = {"Fn::GetAtt": ["Elsewhere", "Outputs.Value"]}
OF_CUSTOM = {"Fn::GetAtt": ["Custom", "Value"]}
OF_VPC = {"Fn::GetAtt": ["Vpc", "DefaultSecurityGroup"]}
TRANSFORM = {"Name": "AWS::Include", "Parameters": {"Location": "s3://bucket/rest.yaml"}}

EVERY = {rule.name for rule in RULES}
OF_CONTAINERS = {rule.name for rule in CONTAINER_RULES}


def changed(lab: TemplateLab, resource: str, path: str, value: Any) -> None:  # noqa: ANN401 - a piece of a template
    """Write a property, and add what it may be an attribute of."""
    lab.add("Custom", "Custom::Any", ServiceToken="arn")
    lab.add("Vpc", "AWS::EC2::VPC", CidrBlock="10.0.0.0/16")
    lab.override(resource, path, value)


def from_elsewhere(lab: TemplateLab, resource: str, path: str, value: Any) -> None:  # noqa: ANN401 - likewise
    """Write a property, of which a stack that is not in the app has the value."""
    changed(lab, resource, path, value)
    lab.add("Elsewhere", "AWS::CloudFormation::Stack", TemplateURL="https://example.com/network.yaml")


def generated(lab: TemplateLab, logical_id: str, resource: Any) -> None:  # noqa: ANN401 - a piece of a template
    """Add what a macro makes resources of."""
    lab.template["Resources"][logical_id] = resource


def completed_by_a_macro(lab: TemplateLab, resource: str, path: str) -> None:
    """Remove a property from where a macro may put it in."""
    lab.override(resource, path, None)
    parent = path.rpartition(".")[0]
    lab.override(resource, f"{parent}.Fn::Transform".lstrip("."), TRANSFORM)


# What is found, and of what a note says that it could not be decided, by resource.
Case = tuple[Callable[[TemplateLab], None], set[str], dict[str, set[str]]]
CASES: dict[str, Case] = {
    "a subnet of a custom resource": (
        partial(changed, resource="Service", path=f"{NETWORK}.Subnets", value=[OF_CUSTOM]),
        set(),
        {"Service": {"PublicSubnet", "UnknownEgress", "Ipv6Egress"}},
    ),
    "the default security group of a VPC": (
        partial(changed, resource="Service", path=f"{NETWORK}.SecurityGroups", value=[OF_VPC]),
        set(),
        {"Service": {"NoIngress"}},
    ),
    "a target group of a stack elsewhere": (
        partial(from_elsewhere, resource="Service", path="LoadBalancers.0.TargetGroupArn", value=OF_STACK),
        set(),
        {"Service": {"NoIngress", "SlowHealthCheck", "SlowDrain"}, "Elsewhere": EVERY},
    ),
    "a task definition of a stack elsewhere": (
        partial(from_elsewhere, resource="Service", path="TaskDefinition", value=OF_STACK),
        set(),
        {"Service": OF_CONTAINERS | {"NoSuchSize"}, "Elsewhere": EVERY},
    ),
    "a module": (
        lambda lab: lab.add("Module", "My::Shop::Service::MODULE"),
        set(),
        {"Module": EVERY},
    ),
    "a loop": (
        partial(generated, logical_id="Fn::ForEach::Services", resource=["Name", ["A"], {"${Name}": {}}]),
        set(),
        {"Fn::ForEach::Services": EVERY},
    ),
    "a macro among the resources": (
        partial(generated, logical_id="Fn::Transform", resource=TRANSFORM),
        set(),
        {"Fn::Transform": EVERY},
    ),
    "a macro among a service's properties": (
        partial(completed_by_a_macro, resource="Service", path="EnableExecuteCommand"),
        set(),
        # Of its logs too, for Service Connect's proxy may have some.
        {
            "Service": {
                *("NoExec", "LongBake", "NoCircuitBreaker", "NoRollback", "TooFewTasks"),
                *("NoLogs", "LogsMayDrop", "LogsNeverExpire", "LogsStayInCloudWatch"),
            }
        },
    ),
    "a macro in a deployment's": (
        partial(completed_by_a_macro, resource="Service", path=f"{DEPLOYMENT}.DeploymentCircuitBreaker"),
        set(),
        {"Service": {"NoCircuitBreaker", "NoRollback", "LongBake"}},
    ),
    "a container that is null, as an override of one that is not there leaves it": (
        partial(changed, resource="Definition", path="ContainerDefinitions.1", value=None),
        set(),
        {},
    ),
    "a service of task sets": (
        overriding(("Service", "TaskDefinition", None), ("Service", "LaunchType", None)),
        set(),
        {"Service": EVERY},
    ),
    "the secret of a key": (
        partial(
            changed,
            resource="Definition",
            path=f"{CONTAINER}.Environment",
            value=variable({"Fn::Sub": "${Key.SecretAccessKey}"}),
        ),
        {"SecretInEnvironment[SETTING]"},
        {},
    ),
    "a webhook": (
        partial(
            changed,
            resource="Definition",
            path=f"{CONTAINER}.Environment",
            value=variable("https://hooks.slack.com/services/T00000000/B00000000/abc"),
        ),
        {"SecretInEnvironment[SETTING]"},
        {},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_elsewhere_is_noted(case: str) -> None:
    """An attribute of what is no subnet, group or definition is none of the app, and nothing is known of it."""
    change, broken, noted = CASES[case]
    before, after = TemplateLab(), TemplateLab()
    change(after)

    known = {(each.place.logical_id, each.id) for each in before.findings()}
    findings = [each for each in after.findings() if (each.place.logical_id, each.id) not in known]
    assert {each.id for each in findings if not each.is_undecided} == broken
    wanted = {(at, rule) for at, rules in noted.items() for rule in rules}
    assert {(each.place.logical_id, each.id) for each in findings if each.is_undecided} == wanted - known


def test_exports_in_a_circle_end() -> None:
    """CloudFormation refuses them; they are not followed for ever."""
    lab = TemplateLab()
    lab.template["Outputs"] = {
        name: {"Value": {"Fn::ImportValue": other}, "Export": {"Name": name}} for name, other in ("ab", "ba")
    }
    lab.override("Service", "TaskDefinition", {"Fn::ImportValue": "a"})

    assert "TaskDefinition " in {each.got.partition("{")[0] for each in lab.findings() if each.id == "NoSuchSize"}


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
        Source(
            base,
            {
                "Resources": {"Definition": {"Type": "AWS::ECS::TaskDefinition", "Properties": definition}},
                "Outputs": {"Definition": {"Value": {"Ref": "Definition"}}},
            },
        ),
        Source(shop, {"Resources": {"Service": {"Type": "AWS::ECS::Service", "Properties": service}}}),
    ]

    found = findings_of(FargateApp(Templates(sources)))
    assert {each.id for place, findings in found.items() if place.stack is base for each in findings} == expected
