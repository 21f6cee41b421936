"""`fargate-constructs plan`."""

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from fargate_constructs.cli import plan
from fargate_constructs.cli.aws import session_for
from fargate_constructs.synthesized.comparable_template import TemplateTree
from fargate_constructs.synthesized.stored_templates import StoredStack
from tests.cli.plan.conftest import old
from tests.cli.runner import Run

BUCKET, QUEUE = "AWS::S3::Bucket", "AWS::SQS::Queue"
OLD = {
    "Data": {"Type": BUCKET, "Metadata": {"aws:cdk:path": "Shop/Data/Resource"}, "Properties": {"BucketName": "a"}},
    "Jobs": {"Type": QUEUE, "Properties": {"QueueName": "jobs"}},
}
STAYS = OLD
MOVED = {
    "Store": {"Type": BUCKET, "Metadata": {"aws:cdk:path": "Shop/Store/Resource"}, "Properties": {"BucketName": "a"}},
    "Jobs": OLD["Jobs"],
}
REPLACED = {**OLD, "Jobs": {"Type": QUEUE, "Properties": {"QueueName": "works_|_<b>"}}}
UPDATED = {**OLD, "Jobs": {"Type": QUEUE, "Properties": {"QueueName": "jobs", "DelaySeconds": 5}}}


@pytest.mark.parametrize(
    ("resources", "status", "texts"),
    [
        (STAYS, 0, ["Shop: no findings", "2 stay as they are."]),
        (UPDATED, 0, ["Updated in place (1)\n    Jobs (AWS::SQS::Queue): DelaySeconds", "1 stay as they are."]),
        (
            REPLACED,
            1,
            [
                'Jobs (AWS::SQS::Queue Jobs)\n    is replaced for QueueName: was "jobs", now "works_|_<b>"\n    ->',
                '-> call add_property_override("QueueName", "jobs") on its L1 construct',
                "Shop: 1 finding\n",
            ],
        ),
        (MOVED, 1, ["Shop/Store/Resource (AWS::S3::Bucket Data)", "-> keep its logical ID: write --write"]),
        (
            {"Jobs": OLD["Jobs"], "Other": {"Type": "AWS::ECS::TaskDefinition"}},
            1,
            [
                "Shop/Data/Resource (AWS::S3::Bucket Data)\n    is deleted\n",
                "is deleted\n    -> keep its construct; if it may go, write --accept Shop/Data/Resource\n",
                "New (1)\n    Other (AWS::ECS::TaskDefinition)",
            ],
        ),
    ],
    ids=["nothing", "updated", "replaced", "another ID", "deleted"],
)
def test_text_and_status(resources: dict[str, Any], status: int, texts: list[str], run: Run) -> None:
    """The status is 1 if there is a finding; each finding has what to do."""
    found = run(resources, "--deployed", old(OLD))

    assert found[0] == status, found
    assert [text for text in texts if text not in found[1]] == []
    assert "\x1b" not in found[1]


def test_json(run: Run) -> None:
    """It has the findings, and each change with its reasons."""
    status, text, _ = run(REPLACED, "--deployed", old(OLD), "--json")
    (stack,) = json.loads(text)["stacks"]

    assert status == 1
    assert (stack["stack"], stack["path"]) == ("Shop", "Shop")
    (finding,) = stack["findings"]
    assert (finding["rule"], finding["logical_id"], finding["accepted"]) == ("replaced", "Jobs", False)
    (change,) = (each for each in stack["changes"] if each["effect"] == "replaced")
    assert change["reasons"][0]["property"] == "QueueName"
    assert change["reasons"][0]["is_certain"]
    assert json.loads(run(MOVED, "--deployed", old(OLD), "--json")[1])["stacks"][0]["renames"][0]["old_id"] == "Data"


def test_markdown(run: Run) -> None:
    """It is a table, and signs that Markdown reads are escaped."""
    status, text, _ = run(REPLACED, "--deployed", old(OLD), "--markdown")

    assert status == 1
    assert text.startswith("### Shop: 1 finding\n")
    assert r'was "jobs", now "works\_\|\_\<b\>"' in text
    assert (
        "<details><summary>Updated in place (1)</summary>\n\n- Jobs (AWS::SQS::Queue): DelaySeconds"
        in (run(UPDATED, "--deployed", old(OLD), "--markdown")[1])
    )


def test_accepted_losses(run: Run) -> None:
    """A path or a logical ID, with all below; a place at which nothing is found is refused."""
    assert run(REPLACED, "--deployed", old(OLD), "--accept", "Jobs")[0] == 0
    assert run(REPLACED, "--deployed", old(OLD), "--accept", "replaced:Jobs")[0] == 0
    assert run(REPLACED, "--deployed", old(OLD), "--accept", "deleted:Jobs")[0] == 2
    status, text, _ = run({"Jobs": OLD["Jobs"]}, "--deployed", old(OLD), "--accept", "Shop/Data")
    assert (status, text.splitlines()[0]) == (0, "Shop: no findings (1 accepted)")
    status, _, error = run(REPLACED, "--deployed", old(OLD), "--accept", "Jobs", "--accept", "Shop/No")
    assert status == 2
    assert "nothing is found at or below: Shop/No; remove it" in error


def test_the_file_of_logical_ids(run: Run) -> None:
    """What it keeps is no finding any more. The file keeps what it has, and is not of another stack."""
    status, text, error = run(MOVED, "--deployed", old(OLD), "--write", "adoption.json")
    assert (status, text.splitlines()[0]) == (0, "Shop: no findings")
    assert 'adoption.json: 1 to keep; call adopt(stack, "adoption.json") in the app' in error
    written = json.loads(Path("adoption.json").read_text())
    assert written == {"stack": "Shop", "resources": {"Data": {"path": "Store/Resource", "type": BUCKET}}}

    adopted = {"Data": MOVED["Store"], "Jobs": OLD["Jobs"]}
    assert run(adopted, "--deployed", old(OLD), "--write", "adoption.json")[0] == 0
    assert json.loads(Path("adoption.json").read_text()) == written

    Path("adoption.json").write_text(json.dumps({**written, "stack": "Blog"}))
    status, _, error = run(MOVED, "--deployed", old(OLD), "--write", "adoption.json")
    assert status == 2
    assert "adoption.json is for the stack Blog, got Shop; write to another file" in error


def test_two_candidates(run: Run) -> None:
    """No file is written before a person decides."""
    certificate = {"Type": "AWS::CertificateManager::Certificate", "Properties": {"DomainName": "a.example.com"}}
    Path("two.json").write_text(json.dumps({"Resources": {"A": certificate}}))
    new = {each: {**certificate, "Metadata": {"aws:cdk:path": f"Shop/{each}/Resource"}} for each in "BC"}

    status, _, error = run(new, "--deployed", "two.json", "--write", "adoption.json")
    assert status == 2
    assert "more than one resource fits: A may be: Shop/B/Resource, Shop/C/Resource; write --pair OLD=PATH" in error
    assert not Path("adoption.json").exists()
    assert run(new, "--deployed", "two.json", "--write", "adoption.json", "--accept", "A")[0] == 0
    assert run(new, "--deployed", "two.json", "--write", "adoption.json", "--pair", "A=C")[0] == 0
    assert json.loads(Path("adoption.json").read_text())["resources"]["A"]["path"] == "C/Resource"


def test_pipes(run: Run) -> None:
    """A shell's `<(aws cloudformation get-template ...)` is no ordinary file."""
    os.mkfifo("pipe")
    writer = threading.Thread(target=lambda: Path("pipe").write_text(json.dumps({"TemplateBody": {"Resources": OLD}})))
    writer.start()
    status, text, _ = run(OLD, "--deployed", "pipe")
    writer.join()

    assert (status, text.splitlines()[0]) == (0, "Shop: no findings")
    assert run(OLD, "--deployed", os.devnull)[2].endswith("got /dev/null: it is empty\n")


def test_a_template_without_resources(run: Run) -> None:
    """It is most likely the wrong file: nothing could be lost."""
    Path("none.json").write_text('{"Resources": {}}')
    status, _, error = run(OLD, "--deployed", "none.json")
    assert status == 2
    assert "--deployed must be a template with resources, got none.json without; name another file, or" in error
    assert run(OLD, "--deployed", "none.json", "--allow-new")[0] == 0


def test_an_export(run: Run) -> None:
    """It has no type and no logical ID of its own."""
    output = {"Outputs": {"Url": {"Value": "a", "Export": {"Name": "shop-url"}}}}
    file = old(OLD, **output)

    assert "\nshop-url (export)\n    the export shop-url is gone" in run(OLD, "--deployed", file)[1]
    assert "| `shop-url`<br>export |" in run(OLD, "--deployed", file, "--markdown")[1]


def test_another_folder_of_cdk(run: Run) -> None:
    """The deployed app may be in a cdk.out, too; each stack is compared with the one of its name."""
    run(OLD, stacks=2)
    Path("cdk.out").rename("old.out")

    status, text, _ = run(REPLACED, "--all", "--deployed", "old.out", stacks=2)
    assert status == 1
    assert "Shop: 1 finding" in text
    assert "Blog: 1 finding" in text
    (Path("old.out") / "manifest.json").write_text('{"artifacts": {"Wiki": {"type": "none"}}}')
    assert run(OLD, "--deployed", "old.out")[2] == "Error: --deployed must have a stack, got old.out without\n"
    artifact = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "Blog.template.json"}}
    (Path("old.out") / "manifest.json").write_text(json.dumps({"artifacts": {"Wiki": artifact}}))
    status, _, error = run(OLD, "--deployed", "old.out")
    assert status == 2
    assert "the stack Shop is not in old.out; correct --deployed, or write --allow-new" in error
    assert run(OLD, "--deployed", "old.out", "--allow-new")[0] == 0


def deployed(monkeypatch: pytest.MonkeyPatch, **stacks: dict[str, Any] | None) -> list[tuple[str, str]]:
    """Let CloudFormation have some stacks; return what is asked, with the region."""
    asked = []

    def read(session: tuple[str | None, str | None], name: str, region: str) -> StoredStack | None:
        assert session == ("shop", None)
        asked.append((name, region))
        found = stacks[name]
        tree = TemplateTree({"Resources": found})
        return None if found is None else StoredStack(name, tree, "", "111122223333", "eu-west-1")

    monkeypatch.setattr(plan, "session_for", lambda profile, region: (profile, region))
    monkeypatch.setattr(plan, "read_deployed", read)
    return asked


def test_the_mapping_for_cdk_refactor(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is written if CloudFormation would take it."""
    deployed(monkeypatch, Shop=OLD)
    status, _, error = run(MOVED, "--profile", "shop", "--refactor", "mapping.json")
    assert status == 1, "the logical ID is still another one"
    assert "cdk refactor --unstable=refactor --override-file mapping.json" in error
    (environment,) = json.loads(Path("mapping.json").read_text())["environments"]
    assert environment["resources"] == {"Shop.Data": "Shop.Store"}

    status, _, error = run({**MOVED, "Jobs": UPDATED["Jobs"]}, "--profile", "shop", "--refactor", "other.json")
    assert status == 2
    assert "- Jobs (AWS::SQS::Queue) is updated in place; cdk refactor takes no other change" in error
    assert not Path("other.json").exists()


def test_all_stacks(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is compared with its own; one that is not deployed is an error, unless it may be new."""
    asked = deployed(monkeypatch, Shop=OLD, Blog=None)

    status, _, error = run(OLD, "--all", "--profile", "shop", stacks=2)
    assert status == 2
    assert "the stack Blog is not deployed in the region of your credentials; correct --profile or --region" in error
    status, text, _ = run(OLD, "--all", "--allow-new", "--profile", "shop", stacks=2)
    assert status == 0
    assert "Shop: no findings" in text
    assert "Blog: no findings\n\nAll 2 resources are new." in text
    assert asked[:2] == [("Shop", ""), ("Blog", "")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--json", "--markdown"], "--json and --markdown exclude each other"),
        (["Shop", "Blog", "--write", "x"], "a --deployed file, --write, --refactor and --pair are for one stack: name"),
        (["--all", "--deployed", "old.json"], "are for one stack: name it"),
        ([], "has 2 stacks: Shop, Blog; name one, or write --all"),
        (["Shop", "--deployed", "no.json"], "'no.json' does not exist"),
        (
            ["Shop", "--deployed", "old.json", "--pair", "A"],
            "write OLD=NEW, such as WebLB720665E7=Endpoint/LoadBalancer, got: A",
        ),
        (
            ["Shop", "--deployed", "old.json", "--pair", "A=B"],
            "--pair must begin with a logical ID of the deployed template",
        ),
        (["No"], "the stack must be one of those in cdk.out: Shop, Blog, got: No"),
        (["--app", "no.out"], "the app must be a folder of CDK or a template, got nothing at no.out; write one by"),
        (["Shop", "--deployed", "."], "--deployed must be a folder of CDK with a manifest.json, got . without"),
        (
            ["Shop", "--deployed", "old.json", "--write", "no/a.json"],
            "--write must be a file in a folder that is there, got: no/a.json; make no",
        ),
    ],
)
def test_misuse(arguments: list[str], message: str, run: Run) -> None:
    """Each ends with the status 2 and a line that says what to change."""
    old(OLD)
    status, text, error = run(OLD, *arguments, stacks=2)

    assert (status, text) == (2, "")
    assert message in " ".join(error.split())


def test_the_session(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an ordinary one of boto3: an unknown profile is an error of AWS."""
    monkeypatch.setenv("AWS_CONFIG_FILE", "no")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "no")

    assert session_for(None, "eu-west-1").region_name == "eu-west-1"
    status, _, error = run(OLD, "--profile", "shop")
    assert (status, error) == (2, "Error: AWS: The config profile (shop) could not be found\n")


def test_exports_that_are_imported(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """CloudFormation knows which stacks import them; without that, each export counts."""
    outputs = {"A": {"Value": "a", "Export": {"Name": "Shop:A"}}}
    stack = StoredStack("Shop", TemplateTree({"Resources": OLD, "Outputs": outputs}), "", "111122223333", "eu-west-1")
    monkeypatch.setattr(plan, "session_for", lambda *_: "a session")
    monkeypatch.setattr(plan, "read_deployed", lambda *_: stack)
    for importers, status, text in (
        ([], 0, "Shop: no findings"),
        (["Blog", "Wiki"], 1, "while another stack imports it\n    imported by Blog, Wiki\n"),
        (None, 1, "Shop: 1 finding"),
    ):
        asked: list[tuple[object, ...]] = []
        monkeypatch.setattr(
            plan, "read_importers", lambda *given, asked=asked, found=importers: asked.append(given) or found
        )
        result = run(OLD)
        assert (result[0], text in result[1]) == (status, True), result
        assert asked == [("a session", "Shop:A", "eu-west-1")]
