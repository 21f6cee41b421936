"""The app that `fargate-constructs prove` deploys."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from fargate_constructs.cli.prove.proof_assemblies import USUAL_HOURS, usd
from fargate_constructs.proof_app import TAGS, write

ROOT = Path(__file__).parents[1]
STACK = "FargateProof-1a2b"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The assemblies of two states, because each synthesis takes time."""
    folder = tmp_path_factory.mktemp("proof")
    with pytest.MonkeyPatch.context() as patch:
        patch.delitem(TAGS, "second")
        write(folder, STACK, "bucket-of-the-proof")
    return folder


@pytest.fixture(scope="module")
def templates(folder: Path) -> dict[str, Any]:
    """The template of each of them."""
    return {path.name: json.loads((path / f"{STACK}.template.json").read_text()) for path in folder.iterdir()}


def test_it_has_the_parts_of_the_example(templates: dict[str, Any]) -> None:
    """The same resources, and those that delete everything with the stack."""
    (snapshot,) = (ROOT / "tests/__snapshots__/test_app").glob("*.json")
    example, ours = (
        Counter(each["Type"] for each in resources.values())
        for resources in (json.loads(snapshot.read_text())["Resources"], templates["first"]["Resources"])
    )

    assert example - ours == Counter()
    assert ours - example == {
        "Custom::S3AutoDeleteObjects": 3,
        "AWS::Lambda::Function": 1,
        "AWS::Logs::LogGroup": 2,
        "AWS::IAM::Role": 1,
        "AWS::IAM::Policy": 2,
    }


def test_nothing_is_retained(templates: dict[str, Any]) -> None:
    """A destroy deletes all."""
    for template in templates.values():
        policies = {each.get("DeletionPolicy") for each in template["Resources"].values()}
        assert policies == {"Delete"}


def test_the_states_differ_in_the_service_only(templates: dict[str, Any]) -> None:
    """So each deployment is one of the service Web; the last image does not exist."""
    changed = {
        name
        for name, resource in templates["first"]["Resources"].items()
        if any(template["Resources"][name] != resource for template in templates.values())
    }
    (name,) = changed
    containers = [each["Resources"][name]["Properties"]["ContainerDefinitions"][0] for each in templates.values()]

    assert templates["first"]["Resources"].keys() == templates["broken"]["Resources"].keys()
    assert {each["Image"].rpartition(":")[2] for each in containers} == {"stable", "no-such-tag-of-a-proof"}
    variables = [{pair["Name"]: pair["Value"] for pair in each["Environment"]} for each in containers]
    assert {each["PROOF_STATE"] for each in variables} == {"first", "broken"}
    assert TAGS["first"] == TAGS["second"]


def test_it_needs_no_bootstrap_stack(folder: Path, templates: dict[str, Any]) -> None:
    """Each file goes to the bucket of the proof, and the template checks no version."""
    manifest = json.loads((folder / "first" / f"{STACK}.assets.json").read_text())
    places = [place for file in manifest["files"].values() for place in file["destinations"].values()]

    assert {each["bucketName"] for each in places} == {"bucket-of-the-proof"}
    assert manifest.get("dockerImages", {}) == {}
    assert "Parameters" not in templates["first"]


def test_the_cost(templates: dict[str, Any]) -> None:
    """Two NAT gateways, a load balancer, four addresses, and twice the tasks for an hour; alarms, and usage."""
    resources = templates["first"]["Resources"].values()
    tasks = [each["Properties"] for each in resources if each["Type"] == "AWS::ECS::TaskDefinition"]
    one_each = sum(int(each["Cpu"]) / 1024 * 0.04048 + int(each["Memory"]) / 1024 * 0.004445 for each in tasks)
    standing = 2 * 0.045 + 0.0225 + 4 * 0.005

    cost = usd(templates["first"], USUAL_HOURS)
    assert standing + 2 * one_each + 0.15 < cost < standing + 2 * 2 * one_each + 0.15 + 0.01
