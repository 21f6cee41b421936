"""A template without noise."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, CfnResource, NestedStack, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_lambda as lambda_

from fargate_constructs.synthesized.assembly import template_of
from fargate_constructs.testing import scrubbed_template

DIGEST = "nginx@sha256:" + 64 * "a"


class Shop(Stack):
    """A function with a version that others refer to, an image, an API and a nested stack."""

    def __init__(self, app: App, folder: Path, *, code: str = "1", memory_size: int = 128) -> None:
        super().__init__(app, "Shop")
        for name, text in (("checkout", code), ("search", "2")):
            (folder / name).mkdir(exist_ok=True)
            (folder / name / "handler.py").write_text(f"def handle(event, context): return {text}\n")
            (folder / name / "Dockerfile").write_text(f"FROM scratch\nLABEL code={text}\n")
        self.function = self._function(self, "Checkout", folder / "checkout", memory_size=memory_size)
        self._function(self, "Search", folder / "search")
        lambda_.Alias(self, "Live", alias_name="live", version=self.function.current_version)
        apigateway.LambdaRestApi(self, "Api", handler=self.function)
        image = ecr_assets.DockerImageAsset(self, "Image", directory=str(folder / "checkout"))
        table = CfnResource(self, "Table", type="Own::Table::Type", properties={"Uri": image.image_uri, "Pin": DIGEST})
        table.add_metadata("owner", "us")
        self.inner = NestedStack(self, "Nested")
        self._function(self.inner, "Inner", folder / "checkout")

    @staticmethod
    def _function(scope: Stack, name: str, folder: Path, memory_size: int = 128) -> lambda_.Function:
        return lambda_.Function(
            scope,
            name,
            runtime=lambda_.Runtime.PYTHON_3_13,
            handler="handler.handle",
            code=lambda_.Code.from_asset(str(folder)),
            memory_size=memory_size,
        )


def synthesized_by_the_cli(folder: Path, **arguments: Any) -> Shop:  # noqa: ANN401 - passed through
    """Return the stack as the CLI would have it synthesized."""
    return Shop(App(analytics_reporting=True, context={"aws:cdk:enable-path-metadata": True}), folder, **arguments)


@pytest.fixture(scope="module")
def scrubbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The stack's template, scrubbed."""
    return scrubbed_template(Shop(App(), tmp_path_factory.mktemp("shop")))


def test_other_code_is_the_same_text(scrubbed: dict[str, Any], tmp_path: Path) -> None:
    """Neither code nor image, nor who synthesizes, changes a letter; the templates themselves differ."""
    other = synthesized_by_the_cli(tmp_path, code="3")

    assert json.dumps(scrubbed_template(other)) == json.dumps(scrubbed)
    assert template_of(other) != template_of(synthesized_by_the_cli(tmp_path, code="4"))


def test_nothing_of_the_cli_is_left(scrubbed: dict[str, Any]) -> None:
    """No usage metadata, no version of the bootstrap stack, no hash; what the resources are is there."""
    assert set(scrubbed) == {"Resources", "Outputs"}
    assert re.findall(r"[0-9a-f]{32,}", json.dumps(scrubbed).replace(DIGEST, "")) == []
    types = [each["Type"] for each in scrubbed["Resources"].values()]
    assert "AWS::CDK::Metadata" not in types
    assert types.count("AWS::Lambda::Function") == 2


def test_assets_have_names(scrubbed: dict[str, Any]) -> None:
    """The name of the asset's construct shows which code a function runs."""
    resources = scrubbed["Resources"].values()
    functions = [each["Properties"]["Code"] for each in resources if each["Type"] == "AWS::Lambda::Function"]

    assert [code["S3Key"] for code in functions] == ["<asset Checkout/Code>.zip", "<asset Search/Code>.zip"]


def test_references_hold(scrubbed: dict[str, Any]) -> None:
    """The alias refers to the version, and the stage to the deployment, under the IDs that they have now."""
    resources = scrubbed["Resources"]
    (version,) = (key for key, each in resources.items() if each["Type"] == "AWS::Lambda::Version")
    (deployment,) = (key for key, each in resources.items() if each["Type"] == "AWS::ApiGateway::Deployment")
    (alias,) = (each for each in resources.values() if each["Type"] == "AWS::Lambda::Alias")
    (stage,) = (each for each in resources.values() if each["Type"] == "AWS::ApiGateway::Stage")

    assert alias["Properties"]["FunctionVersion"] == {"Fn::GetAtt": [version, "Version"]}
    assert stage["Properties"]["DeploymentId"] == {"Ref": deployment}
    assert re.fullmatch("CheckoutCurrentVersion[0-9A-F]{8}", version)


def test_what_matters_stays(scrubbed: dict[str, Any], tmp_path: Path) -> None:
    """An image's digest, a team's own metadata, and each property that changes."""
    assert scrubbed["Resources"]["Table"]["Properties"]["Pin"] == DIGEST
    assert scrubbed["Resources"]["Table"]["Metadata"] == {"owner": "us"}
    assert scrubbed_template(Shop(App(), tmp_path, memory_size=256)) != scrubbed


def test_a_nested_stack(tmp_path: Path) -> None:
    """It has a template of its own; in its parent's, the address of that does not follow what is in it."""
    shop = Shop(App(), tmp_path)

    (function,) = (
        each for each in scrubbed_template(shop.inner)["Resources"].values() if each["Type"] == "AWS::Lambda::Function"
    )
    assert function["Properties"]["Code"]["S3Key"].startswith("<asset ")
    assert "<asset" in json.dumps(scrubbed_template(shop)["Resources"][_nested_id(shop)]["Properties"]["TemplateURL"])


def _nested_id(shop: Shop) -> str:
    assert shop.inner.nested_stack_resource is not None
    logical_id: str = shop.resolve(shop.inner.nested_stack_resource.logical_id)
    return logical_id


def test_an_empty_stack() -> None:
    """Nothing is left of it."""
    assert scrubbed_template(Stack(App(), "Empty")) == {}


def test_only_a_stack_has_a_template() -> None:
    """Anything else is refused by name."""
    with pytest.raises(TypeError, match=r"stack must be aws_cdk\.Stack, got: the App"):
        scrubbed_template(App())  # type: ignore[arg-type]
