"""A service that has no caveat, for tests that give it one."""

from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from aws_cdk import App, CfnResource, Stack
from constructs import IConstruct

from fargate_constructs.caveats import FargateCaveats
from fargate_constructs.caveats.fargate_app import FargateApp
from fargate_constructs.caveats.open_findings import findings_of
from fargate_constructs.caveats.rules import Finding
from fargate_constructs.synthesized.template_files import source_of
from fargate_constructs.synthesized.template_source import Source
from fargate_constructs.synthesized.templates import Templates

IMAGE = "public.ecr.aws/nginx/nginx:stable"
# Short forms of paths in cases.yaml.
PATHS = {
    "Web": "Definition.ContainerDefinitions.0",
    "Sidecar": "Definition.ContainerDefinitions.1",
    "Log": "Definition.ContainerDefinitions.0.LogConfiguration",
    "Network": "Service.NetworkConfiguration.AwsvpcConfiguration",
    "Deployment": "Service.DeploymentConfiguration",
    "Balancer": "Service.LoadBalancers.0",
    "ScheduleNetwork": "Schedule.Target.EcsParameters.NetworkConfiguration.AwsvpcConfiguration",
    "RuleNetwork": "Rule.Targets.0.EcsParameters.NetworkConfiguration.AwsVpcConfiguration",
}
PARAMETERS = {"Hidden": {"Type": "String", "NoEcho": True}, "Shown": {"Type": "String"}}


class Loader(yaml.SafeLoader):
    """Reads `!Ref` and the like."""


def function(loader: Loader, name: str, node: yaml.Node) -> dict[str, Any]:
    """Return the intrinsic function of a short form."""
    value: Any
    if isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.ScalarNode)
        value = loader.construct_scalar(node)
    return {name if name in ("Ref", "Condition") else f"Fn::{name}": value}


Loader.add_multi_constructor("!", function)


@cache
def read(name: str) -> dict[str, Any]:
    """Return the content of a file beside this one."""
    content: dict[str, Any] = yaml.load(Path(__file__).with_name(name).read_text(), Loader)  # noqa: S506 - a safe loader
    return content


class Lab:
    """The resources of lab.yaml in a stack."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        made = {
            id_: CfnResource(stack, id_, type=each["Type"], properties=each["Properties"])
            for id_, each in read("lab.yaml").items()
        }
        self.definition, self.service, self.security_group = (
            made[name] for name in ("Definition", "Service", "SecurityGroup")
        )

    def override(self, resource: str, path: str, value: Any) -> None:  # noqa: ANN401 - a piece of a template
        """Set a property of a resource; `None` removes it."""
        element = self.stack.node.find_child(resource)
        assert isinstance(element, CfnResource)
        if value is None:
            element.add_property_deletion_override(path)
        else:
            element.add_property_override(path, value)


def findings_in(scope: IConstruct) -> list[tuple[str, str, str]]:
    """Return what the pack finds at and below a construct: each rule without the pack's name, path and description.

    Notes are left out.
    """
    return [
        (violation.rule_name.removeprefix("FargateCaveats-"), str(resource.construct_path), violation.description)
        for violation in FargateCaveats().validate_scope(scope).violations
        if violation.severity != "info"
        for resource in violation.violating_resources
    ]


@cache
def _source_without_template(name: str) -> Source:
    """Return what a stack knows of itself, for which Node.js is asked once."""
    return source_of(Stack(App(), name), {})


def findings_in_templates(templates: Mapping[str, Mapping[str, Any]]) -> list[Finding]:
    """Return the findings and notes of templates by their stacks' names."""
    sources = (_source_without_template(name)._replace(template=each) for name, each in templates.items())
    app = FargateApp(Templates(sources), lambda _: False)
    return [finding for findings in findings_of(app).values() for finding in findings]


def findings_after(change: Mapping[str, Any], outputs: Mapping[str, Any] | None = None) -> list[Finding]:
    """Return the findings and notes after a change of lab.yaml, as cases.yaml describes it; without a synthesis."""
    resources = deepcopy(read("lab.yaml")) | change.get("macro", {})
    for key, value in change.items():
        if key.startswith("+"):
            properties = deepcopy(value)
            resources[key[1:]] = {"Type": properties.pop("Type"), "Properties": properties}
    for key, value in change.items():
        if "." in key or key in PATHS:
            short, *rest = key.split(".")
            _set(resources, [*PATHS.get(short, short).split("."), *rest], deepcopy(value))
    kept = {key: each for key, each in resources.items() if f"-{key}" not in change}
    return findings_in_templates({"Lab": {"Resources": kept, "Parameters": PARAMETERS, "Outputs": outputs or {}}})


def _set(resources: dict[str, Any], path: list[str], value: Any) -> None:  # noqa: ANN401 - a piece of a template
    resource, *parents, last = path
    at: Any = resources[resource]["Properties"]
    for key in parents:
        at = at[int(key)] if isinstance(at, list) else at.setdefault(key, {})
    if isinstance(at, list):
        at[int(last) : int(last) + 1] = [value]
    elif value is None:
        at.pop(last, None)
    else:
        at[last] = value
