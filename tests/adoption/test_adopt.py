"""Constructs get the logical IDs of resources that are deployed."""

import json
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, NestedStack, Stack, Stage
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs

from fargate_constructs import adopt
from fargate_constructs.adoption.stack_plan import make_plan
from fargate_constructs.synthesized.stored_templates import read_app
from tests.adoption.stored import BUCKET, QUEUE


@pytest.fixture
def write(tmp_path: Path) -> Any:  # noqa: ANN401 - a function
    """Writes a file of logical IDs, and returns it."""

    def function(stack: str = "Shop", **resources: tuple[str, str]) -> Path:
        file = tmp_path / "adoption.json"
        places = {key.replace("__", "/"): {"path": path, "type": type_} for key, (path, type_) in resources.items()}
        file.write_text(json.dumps({"stack": stack, "resources": places}))
        return file

    return function


def ids_of(stack: Stack) -> set[str]:
    """Return the logical IDs in a stack's template."""
    assembly = Stage.of(stack)
    assert assembly is not None
    return {*assembly.synth(force=True).get_stack_artifact(stack.artifact_id).template["Resources"]}


def test_order_and_references(write: Any) -> None:  # noqa: ANN401 - a function
    """The call may come first, references follow the ID, and a second synthesis changes nothing."""
    stack = Stack(App(), "Shop")
    adopt(stack, write(OldQueue=("Jobs/Resource", QUEUE)))
    queue = sqs.Queue(stack, "Jobs")
    s3.Bucket(stack, "Data", bucket_name=f"{queue.queue_name}-data")

    assert "OldQueue" in ids_of(stack)
    template = stack.node.root.synth(force=True).get_stack_by_name("Shop").template  # type: ignore[attr-defined] # an app
    (bucket,) = [each for each in template["Resources"].values() if each["Type"] == BUCKET]
    assert "OldQueue" in json.dumps(bucket["Properties"])


def test_nested_stacks_and_stages(write: Any) -> None:  # noqa: ANN401 - a function
    """A resource of a nested stack; another nested stack may have the same logical ID."""
    stage = Stage(App(), "Prod")
    stack = Stack(stage, "Shop", stack_name="shop-prod")
    nested, other = NestedStack(stack, "Data"), NestedStack(stack, "More")
    queue, same = sqs.CfnQueue(nested, "Jobs"), sqs.CfnQueue(other, "OldQueue")
    adopt(stack, write("shop-prod", DataStack__OldQueue=("Data/Jobs", QUEUE)))

    stage.synth()
    assert [each.stack.resolve(each.logical_id) for each in (queue, same)] == ["OldQueue", "OldQueue"]


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        (
            {"Old": ("Job/Resource", QUEUE)},
            "at Shop/Job/Resource, which has the logical ID Old, got none; of this type are: Shop/Jobs/Resource; write",
        ),
        ({"Old": ("Lines", "AWS::Logs::LogGroup")}, "got none; of this type are: none"),
        (
            {"Old": ("Data/Resource", QUEUE)},
            "Shop/Data/Resource must be a AWS::SQS::Queue to have the logical ID Old, got",
        ),
        (
            {"Data7E2128CA": ("Jobs/Resource", QUEUE)},
            "Shop/Data/Resource has the logical ID Data7E2128CA, which the file gives to another resource",
        ),
    ],
    ids=["no such path", "no such type", "another type", "another resource has it"],
)
def test_synthesis_refuses(resources: dict[str, tuple[str, str]], message: str, write: Any) -> None:  # noqa: ANN401 - a function
    """A path without a resource, one of another type, and an ID that is taken."""
    stack = Stack(App(), "Shop")
    sqs.Queue(stack, "Jobs")
    bucket = s3.Bucket(stack, "Data")
    if "Data7E2128CA" in resources:
        bucket.node.default_child.override_logical_id("Data7E2128CA")  # type: ignore[union-attr] # an L1 construct
    adopt(stack, write(**resources))

    with pytest.raises(RuntimeError, match=message):
        ids_of(stack)


def test_refusals(write: Any) -> None:  # noqa: ANN401 - a function
    """A nested stack, a file for another stack, a folder, and a second file are refused at once."""
    stack = Stack(App(), "Shop")
    with pytest.raises(
        ValueError, match="stack must not be nested, got: Shop/Data; name the stack that it is nested in"
    ):
        adopt(NestedStack(stack, "Data"), write())
    with pytest.raises(ValueError, match=r"file must be for the stack Shop, got .* for Blog; write it by"):
        adopt(stack, write("Blog"))
    with pytest.raises(FileNotFoundError, match=r"got none at .*/no.json"):
        adopt(stack, "no.json")
    with pytest.raises(ValueError, match=r"got the folder .*; name the file"):
        adopt(stack, write().parent)
    with pytest.raises(TypeError, match="stack must be"):
        adopt(stack.node.root, write())  # type: ignore[arg-type] # refused
    adopt(stack, write())
    with pytest.raises(ValueError, match="stack must have one file of logical IDs, got a second for Shop"):
        adopt(stack, write())


def test_the_plan_and_the_call_agree(tmp_path: Path) -> None:
    """What the plan writes, adopt reads; the plan of the adopted app finds nothing."""

    def synth(name: str, path: str, file: Path | None = None) -> Path:
        app = App(outdir=str(tmp_path / name))
        stack = Stack(app, "Shop")
        data, lines = path.split()
        s3.Bucket(stack, data, bucket_name="shop-data")
        nested = NestedStack(stack, "Nested")
        sqs.Queue(nested, lines, queue_name="shop-jobs")
        if file:
            adopt(stack, file)
        app.synth()
        return tmp_path / name

    (old,), (new,) = read_app(synth("old", "Data Jobs")), read_app(synth("new", "Store Queue"))
    plan = make_plan(old, new)
    file = tmp_path / "adoption.json"
    file.write_text(plan.adoption().as_json())
    assert {place.path for place in plan.adoption().resources.values()} == {"Store/Resource", "Nested/Queue/Resource"}
    assert len(plan.renames) == 2

    (adopted,) = read_app(synth("adopted", "Store Queue", file))
    again = make_plan(old, adopted)
    assert again.renames == []
    assert {each.effect.name for each in again.changes} <= {"STAYS", "UPDATED"}
    assert again.lost() == []
