"""The example app."""

import json
import os
import runpy
from pathlib import Path

import pytest
from aws_cdk import App, CloudFormationValidatePlugin, Stack, Validations
from aws_cdk import aws_s3 as s3
from syrupy.assertion import SnapshotAssertion

import app as app_module
from fargate_constructs.synthesized.assembly import template_of
from fargate_constructs.testing import scrubbed_template
from tests.audit import findings
from tests.pinned import example
from tests.snapshots import OneLineForEachProperty


def test_the_template_is_what_it_was(snapshot: SnapshotAssertion) -> None:
    """Every change of the template is a change of the snapshot; `pytest --snapshot-update` accepts it."""
    assert scrubbed_template(example()) == snapshot.use_extension(OneLineForEachProperty)


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_two_context_values_turn_on_tls(*, tls: bool) -> None:
    """With them the endpoint serves HTTPS at its own name; all outputs that a person needs are there."""
    outputs = template_of(example(tls=tls))["Outputs"]
    url = outputs["EndpointUrl"]["Value"]

    assert url == "https://shop.example.com" if tls else url["Fn::Join"][1][0] == "http://"
    assert set(outputs) == {
        "ApiExecCommand",
        "ApiLogsCommand",
        "ArchiveBucket",
        "EgressIps",
        "EndpointUrl",
        "WebExecCommand",
        "WebLogsCommand",
    }


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_the_audit_finds_nothing(*, tls: bool) -> None:
    """No finding of cdk-nag's AwsSolutions pack is left open."""
    assert findings(example(tls=tls).node.root) == []


def test_the_audit_finds_what_is_wrong() -> None:
    """The test above would fail: a bucket with CDK's defaults is found."""
    app = App()
    s3.Bucket(Stack(app, "Test"), "Bucket")

    assert {rule for rule, _ in findings(app)} == {"AwsSolutions-S1", "AwsSolutions-S10"}


def test_it_runs_without_an_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program app.py writes the template with no credentials, no region and no context; audits find nothing.

    CDK's own validator is one of them, which tests turn off otherwise. The demo runs app.py in its own process.
    """

    class ValidatedApp(App):
        def __init__(self) -> None:
            super().__init__(outdir=str(tmp_path))
            Validations.of(self).add_plugins(CloudFormationValidatePlugin())

    for key in os.environ:
        if key.startswith(("AWS_", "CDK_")):
            monkeypatch.delenv(key)
    monkeypatch.setattr("aws_cdk.App", ValidatedApp)
    runpy.run_path(app_module.__file__, run_name="__main__")

    manifest, report = (
        json.loads((tmp_path / f"{name}.json").read_text()) for name in ("manifest", "validation-report")
    )
    assert (tmp_path / "Example.template.json").exists()
    assert "missing" not in manifest
    assert report["pluginReports"] == []
