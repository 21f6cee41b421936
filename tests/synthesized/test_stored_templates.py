"""Templates where people and CDK keep them."""

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from aws_cdk import App, NestedStack, Stack, Stage
from aws_cdk import aws_sqs as sqs
from botocore.stub import Stubber

from fargate_constructs.synthesized.deployed_stacks import read_deployed, read_importers
from fargate_constructs.synthesized.stored_templates import read_app, read_stack_file
from fargate_constructs.synthesized.template_text import parse_template, read_template_file

QUEUE: dict[str, Any] = {"Type": "AWS::SQS::Queue"}
TEMPLATE = {"Resources": {"Jobs": QUEUE}}
YAML = """
AWSTemplateFormatVersion: 2010-09-09
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
Resources:
  Jobs:
    Type: AWS::SQS::Queue
    Condition: IsProd
    Properties:
      QueueName: !Sub '${AWS::StackName}-jobs'
      DelaySeconds: !If [IsProd, 1, 2]
      Tags: !Split [",", !GetAtt Other.Arn.Name]
      Policy: {Version: 2012-10-17}
      Map: !Transform {Name: AWS::Include}
"""


@pytest.fixture(scope="module")
def cdk_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An app with two stacks in a stage, one with a nested stack in a nested stack, and an empty one."""
    folder = tmp_path_factory.mktemp("app") / "cdk.out"
    app = App(outdir=str(folder))
    stage = Stage(app, "Prod")
    shop = Stack(stage, "Shop", env={"account": "111122223333", "region": "eu-west-1"})
    sqs.CfnQueue(shop, "Jobs")
    data = NestedStack(shop, "Data")
    sqs.CfnQueue(data, "Jobs")
    sqs.CfnQueue(NestedStack(data, "Deep"), "Jobs")
    Stack(stage, "Blog", stack_name="blog")
    Stack(app, "Empty")
    app.synth()
    return folder


def test_the_stacks_of_an_app(cdk_out: Path) -> None:
    """With their names, their environments, and the construct path of each resource, also in nested stacks."""
    stacks = {each.path: each for each in read_app(cdk_out, all_stacks=True)}
    assert {path: each.name for path, each in stacks.items()} == {
        "Prod/Shop": "Prod-Shop",
        "Prod/Blog": "blog",
        "Empty": "Empty",
    }
    shop = stacks["Prod/Shop"]
    assert (shop.account, shop.region) == ("111122223333", "eu-west-1")
    assert (stacks["Empty"].account, stacks["Empty"].region) == ("", "")
    assert shop.tree.paths["Jobs"] == "Prod/Shop/Jobs"
    (data,) = shop.tree.nested.values()
    (deep,) = data.nested.values()
    assert (data.paths["Jobs"], deep.paths["Jobs"]) == ("Prod/Shop/Data/Jobs", "Prod/Shop/Data/Deep/Jobs")


@pytest.mark.parametrize("names", [["Prod-Shop"], ["Prod/Shop"], ["Prod/Shop", "Prod-Shop"]])
def test_a_stack_is_named(names: list[str], cdk_out: Path) -> None:
    """By its name in CloudFormation, or by its construct path."""
    assert [each.path for each in read_app(cdk_out, names)] == ["Prod/Shop"]


def test_one_template_of_an_app(cdk_out: Path) -> None:
    """It has the same construct paths."""
    (file,) = cdk_out.glob("*/ProdShop????????.template.json")

    assert read_app(file) == read_app(cdk_out, ["Prod/Shop"])
    (nested,) = cdk_out.glob("*/ProdShopData????????.nested.template.json")
    assert read_app(nested)[0].tree.paths == {}


def test_a_template_alone(tmp_path: Path) -> None:
    """Its paths are those in its metadata; it is named as its file."""
    file = tmp_path / "Shop.template.json"
    file.write_text(json.dumps(TEMPLATE))

    (stack,) = read_app(file)
    assert (stack.name, stack.path, stack.tree.template) == ("Shop", "", TEMPLATE)
    assert read_stack_file(file, "--deployed") == stack


def test_apps_of_other_versions(tmp_path: Path) -> None:
    """The metadata may be in the manifest, without logical IDs, and without an asset manifest."""
    nested = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": {"Fn::Sub": f"/{'a' * 64}.json"}}}
    jobs = {**QUEUE, "Metadata": {"aws:cdk:path": "Shop/Jobs"}}
    template = {"Resources": {"Jobs": jobs, "Data": nested, "Odd": "x", "Odder": {"Metadata": 1}}}
    (tmp_path / "Shop.template.json").write_text(json.dumps(template))
    artifact = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "Shop.template.json"}}
    (tmp_path / "manifest.json").write_text(json.dumps({"artifacts": {"Shop": artifact}}))

    (stack,) = read_app(tmp_path)
    assert (stack.name, stack.path) == ("Shop", "Shop")
    assert stack.tree.paths == {"Jobs": "Shop/Jobs"}
    assert stack.tree.nested == {}


def test_wrong_apps(cdk_out: Path, tmp_path: Path) -> None:
    """No folder, another folder, one without stacks, two stacks without a name, and unknown names."""
    with pytest.raises(ValueError, match=r"has 3 stacks: Prod/Shop, Prod/Blog, Empty; name one, or write --all"):
        read_app(cdk_out)
    with pytest.raises(ValueError, match=r"the stack must be one of those in .*: Prod/Shop, .*, got: No, Nor"):
        read_app(cdk_out, ["No", "Prod/Shop", "Nor"])
    with pytest.raises(ValueError, match=r"a folder of CDK or a template, got nothing at .*; write one by `cdk synth`"):
        read_app(tmp_path / "cdk.out")
    with pytest.raises(ValueError, match=r"with a manifest.json, got .* without; write one by `cdk synth`"):
        read_app(tmp_path)
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(ValueError, match=r"the app must have a stack, got .* without"):
        read_app(tmp_path)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(ValueError, match=r"manifest.json must be as CDK writes it, got: Expecting"):
        read_app(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(TEMPLATE),
        json.dumps({"TemplateBody": TEMPLATE, "StagesAvailable": ["Processed"]}),
        json.dumps({"TemplateBody": "Resources:\n  Jobs: {Type: AWS::SQS::Queue}\n"}),
        "Resources:\n  Jobs:\n    Type: AWS::SQS::Queue # see *this* & that\n",
    ],
    ids=["json", "answer", "answer with yaml", "yaml"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_forms_of_a_template(text: str, encoding: str, tmp_path: Path) -> None:
    """JSON, YAML, the whole answer of the AWS CLI, and what PowerShell writes."""
    file = tmp_path / "deployed"
    file.write_text(text, encoding=encoding)

    assert read_template_file(file, "--deployed") == TEMPLATE


def test_short_forms() -> None:
    """Functions in YAML's short form are as in JSON; a date is a text."""
    template = parse_template(YAML, "it must be a template")

    assert template["AWSTemplateFormatVersion"] == "2010-09-09"
    assert template["Conditions"] == {"IsProd": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}}
    assert template["Resources"]["Jobs"]["Properties"] == {
        "QueueName": {"Fn::Sub": "${AWS::StackName}-jobs"},
        "DelaySeconds": {"Fn::If": ["IsProd", 1, 2]},
        "Tags": {"Fn::Split": [",", {"Fn::GetAtt": ["Other", "Arn.Name"]}]},
        "Policy": {"Version": "2012-10-17"},
        "Map": {"Fn::Transform": {"Name": "AWS::Include"}},
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is empty$"),
        (b"# only a comment", "it is empty$"),
        (b"[1]", "it is no object$"),
        (b"{", "Expecting property name"),
        (b"a: [", "while parsing"),
        (b"\xff\x00", "it is no text in UTF-8$"),
        (b'{"version": 4, "resources": []}', "templates have Resources, and it has: version, resources$"),
        (b'{"a": 1, "b": 1, "c": 1, "d": 1, "e": 1, "f": 1}', "and it has: a, b, c, d, e, …$"),
        (b"{}", "and it has: nothing$"),
        (b'{"Resources": []}', "and it has: Resources$"),
        (b'{"TemplateBody": "a: 1"}', "and it has: a$"),
        (b"a: &a [1, 1]\nb: [*a, *a]\nResources: {}", "it has YAML aliases, which CloudFormation does not take$"),
        (b'{"a":' * 100_000, "it is nested too deeply$"),
        (b" " * 10_000_001, "with 10 MB$"),
    ],
    ids=lambda value: repr(value)[:20] if isinstance(value, bytes) else "",
)
def test_no_templates(content: bytes, message: str, tmp_path: Path) -> None:
    """Each is refused, with the file and what is wrong."""
    file = tmp_path / "deployed"
    file.write_bytes(content)

    with pytest.raises(ValueError, match=r"^--deployed must be a template.*got .*deployed.*" + message):
        read_template_file(file, "--deployed")


def test_a_folder_is_no_template(tmp_path: Path) -> None:
    """It is refused before it is read."""
    with pytest.raises(ValueError, match=r"--deployed must be a file with a template, got a folder"):
        read_template_file(tmp_path, "--deployed")


def test_yaml_needs_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line says so."""
    monkeypatch.setitem(__import__("sys").modules, "yaml", None)

    with pytest.raises(ImportError, match="templates in YAML need PyYAML, which is not installed"):
        parse_template("Resources: {}", "it must be a template")


class Session:
    """A session whose client gives recorded answers."""

    def __init__(self, region: str | None = "eu-west-1") -> None:
        self.region_name = region
        keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
        self.client_ = boto3.client("cloudformation", region_name="eu-west-1", **keys)  # type: ignore[call-overload] # keys
        self.stubber = Stubber(self.client_)
        self.stubber.activate()

    def client(self, service: str, *, region_name: str | None) -> Any:  # noqa: ANN401 - a client
        """Return the client."""
        assert (service, region_name) in {("cloudformation", None), ("cloudformation", "eu-west-2")}
        return self.client_

    def describes(self, status: str) -> "Session":
        """Answer that the stack has a status."""
        stack = {
            "StackName": "Shop",
            "StackId": "arn:aws:cloudformation:eu-west-1:111122223333:stack/Shop/1",
            "CreationTime": 0,
            "StackStatus": status,
        }
        self.stubber.add_response("describe_stacks", {"Stacks": [stack]}, {"StackName": "Shop"})
        return self

    def has(self, name: str, body: str) -> "Session":
        """Answer with a template."""
        expected = {"StackName": name, "TemplateStage": "Processed"}
        self.stubber.add_response("get_template", {"TemplateBody": body}, expected)
        return self

    def lists(self, name: str, *resources: dict[str, str]) -> "Session":
        """Answer with the resources of a stack."""
        listed = [{"LastUpdatedTimestamp": 0, "ResourceStatus": "CREATE_COMPLETE", **each} for each in resources]
        self.stubber.add_response("list_stack_resources", {"StackResourceSummaries": listed}, {"StackName": name})
        return self


def test_a_deployed_stack() -> None:
    """Its template in JSON or YAML, those of its nested stacks, and where it is."""
    nested = {"Type": "AWS::CloudFormation::Stack"}
    session = Session().describes("UPDATE_COMPLETE").has("Shop", json.dumps({"Resources": {"Data": nested, "Odd": 1}}))
    session.lists(
        "Shop",
        {"LogicalResourceId": "Data", "PhysicalResourceId": "arn:data", "ResourceType": nested["Type"]},
        {"LogicalResourceId": "Gone", "ResourceType": nested["Type"]},
        {"LogicalResourceId": "Jobs", "ResourceType": QUEUE["Type"]},
    ).has("arn:data", "Resources: {Jobs: {Type: AWS::SQS::Queue}}")

    stack = read_deployed(session, "Shop", "eu-west-2")  # type: ignore[arg-type] # a session
    assert stack is not None
    assert (stack.name, stack.account, stack.region) == ("Shop", "111122223333", "eu-west-1")
    assert stack.tree.nested["Data"].template == TEMPLATE
    session.stubber.assert_no_pending_responses()


@pytest.mark.parametrize("status", ["REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE"])
def test_a_stack_that_was_never_deployed(status: str) -> None:
    """It has no template, or one of which nothing was made."""
    assert read_deployed(Session().describes(status), "Shop") is None  # type: ignore[arg-type] # a session


def test_an_unknown_stack() -> None:
    """There is none, or these credentials may not see it."""
    session = Session()
    session.stubber.add_client_error("describe_stacks", "ValidationError", "Stack with id Shop does not exist")
    assert read_deployed(session, "Shop") is None  # type: ignore[arg-type] # a session
    session.stubber.add_client_error("describe_stacks", "AccessDenied", "not authorized")
    with pytest.raises(session.client_.exceptions.ClientError, match="not authorized"):
        read_deployed(session, "Shop")  # type: ignore[arg-type] # a session


@pytest.mark.parametrize("status", ["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED", "DELETE_IN_PROGRESS"])
def test_a_stack_between_two_states(status: str) -> None:
    """Its template does not say what is deployed."""
    with pytest.raises(ValueError, match=f"the stack Shop must be at rest after a deployment, got: {status}"):
        read_deployed(Session().describes(status), "Shop")  # type: ignore[arg-type] # a session


def test_no_region() -> None:
    """A line says where to write one."""
    with pytest.raises(ValueError, match="AWS needs a region, got none; write --region, or set AWS_REGION"):
        read_deployed(Session(None), "Shop")  # type: ignore[arg-type] # a session


@pytest.mark.parametrize(
    ("answer", "importers"),
    [
        (["Blog", "Wiki"], ["Blog", "Wiki"]),
        ("Export 'Shop:A' is not imported by any stack.", []),
        ("User is not authorized to perform: cloudformation:ListImports", None),
    ],
)
def test_the_importers_of_an_export(answer: list[str] | str, importers: list[str] | None) -> None:
    """Their names; none if AWS says so, and nothing if it says something else."""
    session = Session()
    if isinstance(answer, str):
        session.stubber.add_client_error("list_imports", "ValidationError", answer)
    else:
        session.stubber.add_response("list_imports", {"Imports": answer}, {"ExportName": "Shop:A"})

    assert read_importers(session, "Shop:A", "eu-west-2") == importers  # type: ignore[arg-type] # a session
