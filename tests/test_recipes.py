"""The recipes in docs/recipes/: each is a complete app, which is synthesized, and deployed to the emulator."""

import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from aws_cdk import App

from fargate_constructs.drawing.architecture import diagram_of
from fargate_constructs.drawing.svg import as_svg
from fargate_constructs.synthesized.stored_templates import read_app
from tests.caveats.lab import findings_in
from tests.emulator.emulator import ACCOUNT, REGION, Emulator
from tests.emulator.migrations import ending_migrations

DOCS = Path(__file__).parents[1] / "docs"
PICTURES = DOCS / "pictures"
PAGES = sorted((DOCS / "recipes").glob("*.md"))
NAMES = [page.stem for page in PAGES]
# Warnings that the pages explain.
ACCEPTED = (
    "callers reach this endpoint over plain HTTP",
    "ECS moves the weights of",
    "No cross-stack-reference strength configured",
    "No routeTableId was provided to the subnet",
)
# Findings of the caveats that a page explains.
EXPLAINED = {("preview-environments", "LogsStayInCloudWatch")}
# Context of the apps that need some.
CONTEXT = {"preview-environments": {"branch": "feature/new-cart"}}
# What the emulator does not have.
MISSING = ("AWS::CodePipeline::Pipeline", "AWS::EC2::VPCEndpointService", "AWS::EC2::VPCEndpointServicePermissions")


def program(name: str) -> str:
    """Return the program of a recipe."""
    (page,) = (each for each in PAGES if each.stem == name)
    (text,) = re.findall(r"^```python\n(.*?)^```", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    return str(text)


def built(name: str, text: str) -> App:
    """Run the program of a recipe; return its app."""
    variables: dict[str, Any] = {}
    # CDK's process has read its environment long ago, so a variable such as CDK_CONTEXT_JSON would have no effect.
    with patch("aws_cdk.App", partial(App, context=CONTEXT.get(name))):
        exec(compile(text, f"{name}.md", "exec"), variables)  # noqa: S102 - the project's own code
    app: App = variables["app"]
    return app


@pytest.mark.parametrize("name", NAMES)
def test_synthesis(name: str) -> None:
    """The caveats find nothing, synthesis warns of nothing that the page does not explain, and the picture is right."""
    app = built(name, program(name))

    found = [each for each in findings_in(app) if "/Pipeline/" not in each[1]]
    assert [each for each in found if (name, each[0]) not in EXPLAINED] == []
    assert [each for each in warnings(app) if not any(text in each for text in ACCEPTED)] == []
    assert (PICTURES / f"recipes/{name}.svg").read_text() == picture(app)  # python -m tests.pictures writes it
    assert f"(../pictures/recipes/{name}.svg)" in (DOCS / f"recipes/{name}.md").read_text()


def test_previews_leave_the_platform_as_it_is() -> None:
    """A preview is deployed alone, so the platform has the same template, with its exports, before and after it."""
    text = program("preview-environments")
    with_preview, without = (built(name, text).synth() for name in ("preview-environments", ""))

    assert [each.stack_name for each in with_preview.stacks] == ["Platform", "Main", "Preview-feature-new-cart"]
    assert [each.stack_name for each in without.stacks] == ["Platform", "Main"]
    assert with_preview.stacks[0].template == without.stacks[0].template


def picture(app: App) -> str:
    """Return the architecture of an app as SVG."""
    return as_svg(diagram_of(read_app(Path(app.synth().directory), all_stacks=True)))


def warnings(app: App) -> Iterator[str]:
    """Yield what synthesis warns of."""
    for stack in app.synth().stacks_recursively:
        metadata = Path(stack.template_full_path).with_suffix("").with_suffix(".metadata.json")
        entries = json.loads(metadata.read_text()).values() if metadata.exists() else []
        yield from (each["data"] for entry in entries for each in entry if each["type"] == "aws:cdk:warning")


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_deployment(name: str, aws: Emulator) -> None:
    """The real CDK CLI deploys each stack to a local AWS that has what the recipe imports."""
    text = program(name)
    for written, here in imported(aws).items():
        text = text.replace(written, here)
    app = built(name, text)
    assembly = app.synth()
    stacks = {each.stack_name for each in assembly.stacks_recursively}
    for stack in assembly.stacks_recursively:
        leave_out(Path(stack.template_full_path))
    with ending_migrations(aws, 0):
        aws.deploy_assembly(Path(assembly.directory))
        for stage in assembly.nested_assemblies:
            aws.deploy_assembly(Path(stage.nested_assembly.directory))

    deployed = aws.client("cloudformation").describe_stacks()["Stacks"]
    assert {each["StackName"] for each in deployed if each["StackStatus"] == "CREATE_COMPLETE"} >= stacks


def leave_out(file: Path) -> None:
    """Leave out of a template what the emulator does not have, with the outputs of it."""
    template = json.loads(file.read_text())
    missing = {key for key, each in template["Resources"].items() if each["Type"] in MISSING}
    for part in ("Resources", "Outputs"):
        kept = {key: each for key, each in template.get(part, {}).items() if key not in missing}
        template[part] = {key: each for key, each in kept.items() if not any(one in str(each) for one in missing)}
    file.write_text(json.dumps(template))


def imported(aws: Emulator) -> dict[str, str]:
    """Make what the recipes import; return its ID or name for each that they write."""
    aws.reset()
    zones, ec2, ecs = aws.client("route53"), aws.client("ec2"), aws.client("ecs")
    zone = zones.create_hosted_zone(Name="example.com", CallerReference="1")["HostedZone"]["Id"]
    vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
    written = [f"subnet-0{letter * 16}" for letter in "abcd"]
    subnets = {
        each: ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.20.{number}.0/24")["Subnet"]["SubnetId"]
        for number, each in enumerate(written)
    }
    ecs.create_cluster(clusterName="company")
    return {
        "Z0123456789ABCDEFGHIJ": zone.rpartition("/")[2],
        "vpc-0123456789abcdef0": vpc,
        "111111111111": ACCOUNT,
        "222222222222": ACCOUNT,
        "eu-west-1": REGION,
        **subnets,
    }
