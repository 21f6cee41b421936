"""The example app."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_s3 as s3
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

import app as app_module
from app import Example
from fargate_constructs.testing import scrubbed_template
from tests.audit import Template, all_feature_flags, findings, spread_policies

WITH_TLS = {"domain_name": "shop.example.com", "hosted_zone_id": "Z0123456789ABCDEFGHIJ"}


def synth(context: Mapping[str, object]) -> Template:
    """Return the example's template."""
    app = App(context=dict(context))
    Example(app, "Example")
    template: Template = app.synth().get_stack_by_name("Example").template
    return template


@pytest.fixture(scope="module")
def template() -> Template:
    """The template without any context."""
    return synth({})


def test_the_template_is_what_it_was(snapshot: SnapshotAssertion) -> None:
    """Every change of the template is a change of the snapshot; `pytest --snapshot-update` accepts it."""
    assert scrubbed_template(Example(App(), "Example")) == snapshot.use_extension(JSONSnapshotExtension)


def test_feature_flags_change_nothing_that_matters(template: Template) -> None:
    """All flags on or all off: the same resources, IDs and properties.

    What a flag still changes:
    - `@aws-cdk/aws-iam:minimizePolicies` merges statements of one policy that differ in a single list. What they allow
      is the same, which is compared here; a policy document is updated in place.
    """
    with_flags = synth(all_feature_flags())

    assert spread_policies(with_flags) == spread_policies(template)
    assert with_flags != template, "the exception above is not needed any more"


def test_feature_flags_change_nothing_with_tls() -> None:
    """The same holds for the listener, the certificate and the record."""
    assert spread_policies(synth(all_feature_flags() | WITH_TLS)) == spread_policies(synth(WITH_TLS))


def test_a_domain_turns_on_tls(template: Template) -> None:
    """Two context values make the endpoint serve HTTPS at its own name."""
    secure = synth(WITH_TLS)

    assert secure["Outputs"]["EndpointUrl"]["Value"] == "https://shop.example.com"
    assert str(template["Outputs"]["EndpointUrl"]["Value"]).startswith("{'Fn::Join': ['', ['http://',")


@pytest.mark.parametrize("context", [{}, WITH_TLS], ids=["http", "https"])
def test_the_audit_finds_nothing(context: Mapping[str, object]) -> None:
    """No finding of cdk-nag's AwsSolutions pack is left open."""
    app = App(context=dict(context))
    Example(app, "Example")

    assert findings(app) == []


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


def test_the_outputs_are_what_a_person_needs(template: Template) -> None:
    """Where to call, which addresses to allow, where the logs are, how to look in."""
    assert set(template["Outputs"]) == {
        "ApiExecCommand",
        "ApiLogsCommand",
        "ArchiveBucket",
        "EgressIps",
        "EndpointUrl",
        "WebExecCommand",
        "WebLogsCommand",
    }
