"""Stacks of cdk.out as the templates of an app."""

from pathlib import Path

import pytest
from aws_cdk import App, NestedStack, Stack, Stage
from aws_cdk import aws_sqs as sqs

from fargate_constructs.synthesized.assembly import app_templates
from fargate_constructs.synthesized.comparable_template import TemplateTree
from fargate_constructs.synthesized.stored_sources import read_stored
from fargate_constructs.synthesized.stored_templates import StoredStack, read_app
from fargate_constructs.synthesized.templates import Templates

QUEUE = "AWS::SQS::Queue"


@pytest.fixture(scope="module")
def app() -> App:
    """An app with two stages of the same stacks: a queue in a nested stack, and one that refers to it."""
    app = App(builtin_cloud_formation_validation=False)
    for name in ("Test", "Prod"):
        stage = Stage(app, name)
        shop, blog = Stack(stage, "Shop"), Stack(stage, "Blog")
        dead = sqs.Queue(NestedStack(shop, "Inner"), "Dead")
        sqs.Queue(blog, "Jobs", dead_letter_queue=sqs.DeadLetterQueue(queue=dead, max_receive_count=3))
    return app


def described(templates: Templates) -> dict[str, tuple[str, list[str]]]:
    """Return the environment of each queue, and the queues that it refers to, by its path."""
    return {
        templates.path(place): (
            templates.environment(place.stack),
            [templates.path(each) for each in templates.references(place.stack, templates.properties(place))],
        )
        for place in templates.of_type[QUEUE]
    }


def test_they_are_what_the_app_is(app: App) -> None:
    """Paths, environments and references are the same without the constructs; stages do not mix."""
    stored = read_stored(read_app(Path(app.synth().directory), all_stacks=True))

    assert described(stored) == described(app_templates(app.node.find_child("Prod"))) | described(app_templates(app))
    assert described(stored)["Prod/Blog/Jobs/Resource"][1] == ["Prod/Shop/Inner/Dead/Resource"]


def test_a_template_alone() -> None:
    """Without construct paths, a resource has the name of the stack and its logical ID; so has a nested one."""
    nested = TemplateTree({"Resources": {"Dead": {"Type": QUEUE}}})
    tree = TemplateTree(
        {"Resources": {"Inner": {"Type": "AWS::CloudFormation::Stack", "Properties": {}}}}, {}, {"Inner": nested}
    )
    stored = read_stored([StoredStack("Shop", tree, account="111122223333", region="eu-west-1")])

    assert described(stored) == {"Shop/Inner/Dead": ("aws://111122223333/eu-west-1", [])}
