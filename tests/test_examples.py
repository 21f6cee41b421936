"""The apps in examples/, which do what other tools' own examples do: synthesized, audited and linted."""

import json
import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, aws_ecs_patterns
from cdk_nag import NagPack

from tests.audit import PACKS, Template, findings
from tests.test_security import lint

ROOT = Path(__file__).parents[1] / "examples"
NAMES = sorted(path.parent.name for path in ROOT.glob("*/app.py"))
# What the build projects and roles of CDK Pipelines have; the app cannot change them.
OF_CDK_PIPELINES = "Pipeline/Pipeline/"
# What cfn-lint warns of, and why it stays.
WARNINGS = {
    "E3703": "CDK Pipelines joins texts in its pipeline.",
    "W3005": "A dependency on a construct is one on all its resources: on a role, and so on its policies.",
}
# Warnings of synthesis that examples leave as they are.
ACCEPTED = (
    "callers reach this endpoint over plain HTTP",
    "ECS moves the weights of",
    "No cross-stack-reference strength configured",
)


class Example:
    """An example, which is run as the program that it is."""

    def __init__(self, name: str) -> None:
        self.app: App = runpy.run_path(str(ROOT / name / "app.py"), run_name="__main__")["app"]
        self.assembly = self.app.synth()
        self.files = {each.stack_name: Path(each.template_full_path) for each in self.assembly.stacks_recursively}
        self.templates: dict[str, Template] = {name: json.loads(path.read_text()) for name, path in self.files.items()}

    def properties(self, type_: str, stack: str = "") -> list[dict[str, Any]]:
        """Return the properties of the resources of a type, in the stacks whose names contain a text."""
        return [
            resource["Properties"]
            for name, template in self.templates.items()
            if stack in name
            for resource in template["Resources"].values()
            if resource["Type"] == f"AWS::{type_}"
        ]

    def warnings(self) -> Iterator[str]:
        """Yield what synthesis warns of."""
        for path in self.files.values():
            metadata = path.with_suffix("").with_suffix(".metadata.json")
            entries = json.loads(metadata.read_text()).values() if metadata.exists() else []
            yield from (each["data"] for entry in entries for each in entry if each["type"] == "aws:cdk:warning")


@pytest.fixture(scope="module")
def examples() -> dict[str, Example]:
    """All examples, by name."""
    return {name: Example(name) for name in NAMES}


@pytest.mark.parametrize("pack", PACKS.values(), ids=PACKS)
def test_no_finding_is_left_open(examples: dict[str, Example], pack: type[NagPack]) -> None:
    """Each is fixed, or accepted in the example beside its cause."""
    found = [each for example in examples.values() for each in findings(example.app, pack)]

    assert [each for each in found if not each[1].startswith(OF_CDK_PIPELINES)] == []


@pytest.mark.long
def test_cfn_lint_finds_nothing_else(examples: dict[str, Example], tmp_path: Path) -> None:
    """No error and no other warning on any resource; stages for tests have the resources of those for production."""
    templates = {
        f"{name}-{stack}": template
        for name, example in examples.items()
        for stack, template in example.templates.items()
        if not stack.startswith("Test-")
    }
    found = lint(templates, tmp_path)

    assert [each for each in found if each[0] not in WARNINGS] == []
    assert {rule for rule, *_ in found} == set(WARNINGS)


@pytest.mark.parametrize("name", NAMES)
def test_synthesis_warns_of_nothing_else(examples: dict[str, Example], name: str) -> None:
    """An endpoint without a domain, what a guide says about shifted requests, and what CDK says about flags."""
    other = [each for each in examples[name].warnings() if not any(text in each for text in ACCEPTED)]

    assert other == []


def test_they_are_apps() -> None:
    """Each folder is an app of the CDK CLI, and its page names it."""
    page = (ROOT / "README.md").read_text()
    for name in NAMES:
        assert f"]({name}/app.py)" in page
        assert json.loads((ROOT / name / "cdk.json").read_text()) == {"app": "python3 app.py"}


def test_terraform(examples: dict[str, Example]) -> None:
    """Half on Spot above 20 tasks, linear deployments, a name in a namespace, a forecast, and one NAT gateway."""
    example = examples["terraform"]
    (service,) = example.properties("ECS::Service")
    (cluster,) = example.properties("ECS::Cluster")
    (frontend,) = (each for each in example.properties("ECS::TaskDefinition") if each["Memory"] == "4096")
    containers = {each["Name"]: each for each in frontend["ContainerDefinitions"]}
    (forecast,) = (
        each
        for each in example.properties("ApplicationAutoScaling::ScalingPolicy")
        if "PolicyType" in each and "Predictive" in each["PolicyType"]
    )

    assert cluster["DefaultCapacityProviderStrategy"] == [
        {"Base": 20, "CapacityProvider": "FARGATE", "Weight": 50},
        {"CapacityProvider": "FARGATE_SPOT", "Weight": 50},
    ]
    settings = service["DeploymentConfiguration"]
    assert settings["LinearConfiguration"] == {"StepPercent": 20, "StepBakeTimeInMinutes": 1}
    (alias,) = service["ServiceConnectConfiguration"]["Services"]
    assert alias["ClientAliases"] == [{"DnsName": "ecsdemo-frontend", "Port": 3000}]
    assert containers["ecsdemo-frontend"]["RestartPolicy"] == {
        "Enabled": True,
        "IgnoredExitCodes": [1],
        "RestartAttemptPeriod": 60,
    }
    assert containers["ecsdemo-frontend"]["LogConfiguration"]["LogDriver"] == "awsfirelens"
    assert forecast["PredictiveScalingPolicyConfiguration"]["Mode"] == "ForecastOnly"
    assert len(example.properties("EC2::NatGateway")) == 1
    assert len(example.properties("EC2::Subnet")) == 6


def test_copilot(examples: dict[str, Example]) -> None:
    """Three tasks in production and one in test, a worker that begins on demand, and a job with retries."""
    example = examples["copilot"]
    numbers = {
        stack: [
            (each["MinCapacity"], each["MaxCapacity"])
            for each in example.properties("ApplicationAutoScaling::ScalableTarget", stack)
        ]
        for stack in ("Test-frontend", "Prod-frontend", "Prod-api", "Prod-cost-analyzer")
    }

    assert numbers == {
        "Test-frontend": [(1, 1)],
        "Prod-frontend": [(3, 3)],
        "Prod-api": [(1, 10)],
        "Prod-cost-analyzer": [(1, 10)],
    }
    (worker,) = example.properties("ECS::Service", "Prod-cost-analyzer")
    strategy = {each["CapacityProvider"]: each.get("Base") for each in worker["CapacityProviderStrategy"]}
    assert strategy == {"FARGATE": 1, "FARGATE_SPOT": None}
    assert len(example.properties("SNS::Subscription", "Prod-cost-analyzer")) == 2
    (schedule,) = example.properties("Scheduler::Schedule", "Prod-report-generator")
    assert schedule["ScheduleExpression"] == "rate(1 day)"
    metrics = str(example.properties("ApplicationAutoScaling::ScalingPolicy", "Prod-api"))
    assert "'TargetResponseTime'" in metrics
    (content,) = example.properties("ECS::TaskDefinition", "Prod-content")
    mounts = [each["MountPoints"][0]["ContainerPath"] for each in content["ContainerDefinitions"]]
    assert mounts == ["/usr/share/nginx/html", "/content"]


def test_sst(examples: dict[str, Example]) -> None:
    """The route with a header is tried before the one of the same path without it; tasks have no public address."""
    example = examples["sst"]
    priorities = {
        str(sorted(condition["Field"] for condition in each["Conditions"])): each["Priority"]
        for each in example.properties("ElasticLoadBalancingV2::ListenerRule")
        if "/api/*" in str(each)
    }

    assert priorities["['http-header', 'path-pattern']"] < priorities["['path-pattern']"]
    for service in example.properties("ECS::Service"):
        assert service["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"] == "DISABLED"


def test_ecs_patterns(examples: dict[str, Example]) -> None:
    """A stack for each Fargate class of the module, named after it."""
    classes = [name for name in dir(aws_ecs_patterns) if re.fullmatch(r"\w+Fargate(Service|Task)", name)]
    example = examples["ecs_patterns"]

    assert {re.sub("LoadBalanced|TargetGroups|Fargate(Service|Task)", "", name) for name in classes} == {*example.files}
    (service,) = example.properties("ECS::Service", "ApplicationMultiple")
    assert [each["ContainerPort"] for each in service["LoadBalancers"]] == [80, 90, 90]


def test_pipeline(examples: dict[str, Example]) -> None:
    """It waits for a person before the second account; no stack of it needs a look-up."""
    example = examples["pipeline"]
    (pipeline,) = example.properties("CodePipeline::Pipeline")
    names = [each["Name"] for each in pipeline["Stages"]]

    assert names == ["Source", "Build", "UpdatePipeline", "Assets", "Test", "Prod"]
    assert pipeline["Stages"][-1]["Actions"][0]["ActionTypeId"]["Category"] == "Approval"
    assert {each.environment.account for each in example.assembly.stacks_recursively} == {
        "111111111111",
        "222222222222",
    }
    manifests = [json.loads(path.read_text()) for path in Path(example.assembly.directory).glob("**/manifest.json")]
    assert [each["missing"] for each in manifests if "missing" in each] == []
    for stack, number in (("Test", 1), ("Prod", 2)):
        assert len(example.properties("RDS::DBInstance", stack)) == number
        assert len(example.properties("ElastiCache::ServerlessCache", stack)) == 1


def test_what_the_pipeline_builds_with(examples: dict[str, Example]) -> None:
    """Its builds name the versions of Python and Node, and install what requirements.txt lists."""
    specs = [json.loads(each["Source"]["BuildSpec"]) for each in examples["pipeline"].properties("CodeBuild::Project")]

    assert {str(each["phases"]["install"]["runtime-versions"]) for each in specs} == {
        "{'python': '3.13', 'nodejs': '22'}"
    }
    assert "pip install -r requirements.txt" in specs[0]["phases"]["build"]["commands"]
    assert (ROOT / "pipeline/requirements.txt").read_text() == "fargate-constructs\n"
