"""The example app."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_s3 as s3
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

import app as app_module
from fargate_constructs.synthesized.assembly import template_of
from fargate_constructs.testing import scrubbed_template
from tests.audit import Template, findings, text_of
from tests.pinned import example


class OneLineForEachProperty(JSONSnapshotExtension):
    """A snapshot that a person can read resource by resource."""

    def serialize(self, data: Template, **_: object) -> str:  # of the options, none is used
        """Return the template as text."""
        return f"{text_of(data)}\n"


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


def test_it_runs_without_an_account(tmp_path: Path) -> None:
    """`python app.py` writes the template, audit included, with no credentials, no region and no context."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "CDK_"))}
    subprocess.run(
        [sys.executable, "app.py"],
        cwd=Path(app_module.__file__).parent,
        env=environment | {"CDK_OUTDIR": str(tmp_path)},
        check=True,
        capture_output=True,
    )

    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert (tmp_path / "Example.template.json").exists()
    assert "missing" not in manifest
