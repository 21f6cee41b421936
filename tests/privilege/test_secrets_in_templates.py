"""A secret in a template is found, and the name of a secret is not."""

from typing import Any

import pytest

from tests.privilege.secrets_in_templates import faults

RESOLVED = "{{resolve:secretsmanager:shop:SecretString:::}}"
RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"
ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop"


def faults_of(properties: dict[str, Any], type_: str = "AWS::Lambda::Function") -> list[str]:
    """Return what is wrong with one resource."""
    return faults({"Resources": {"It": {"Type": type_, "Properties": properties}}})


@pytest.mark.parametrize(
    ("properties", "fault"),
    [
        pytest.param({"Environment": [{"Name": "DB_PASSWORD", "Value": "x"}]}, "the variable DB_PASSWORD", id="task"),
        pytest.param({"Variables": {"API_KEY": "x"}}, "API_KEY: has a value in plain text", id="function"),
        pytest.param({"MasterUserPassword": "x"}, "MasterUserPassword: has a value in plain text", id="property"),
        pytest.param({"Variables": {"A": "AKIAABCDEFGHIJKLMNOP"}}, "looks like an AWS access key", id="access-key"),
        pytest.param({"A": ["-----BEGIN RSA PRIVATE KEY-----"]}, "looks like a private key", id="private-key"),
        pytest.param({"A": f"eyJ{'a' * 20}.eyJ{'b' * 20}.c"}, "looks like a JSON web token", id="web-token"),
        pytest.param({"A": "postgres://shop:hunter2@db/shop"}, "looks like a password in an address", id="address"),
        pytest.param({"Environment": [{"Name": "A", "Value": RESOLVED}]}, "would show the value", id="resolved"),
        pytest.param({"A": {"Fn::Join": ["", ["a", RESOLVED]]}}, "would show the value", id="resolved-in-a-text"),
    ],
)
def test_secrets(properties: dict[str, Any], fault: str) -> None:
    """By its name, by its form, and by the property that CloudFormation would write it to."""
    [found] = faults_of(properties)
    assert fault in found


def test_names_of_secrets() -> None:
    """An ARN, a reference, and a value that CloudFormation writes to a property that no one can read."""
    named = {"Secrets": [{"Name": "PASSWORD", "ValueFrom": ARN}], "Variables": {"PASSWORD_ARN": ARN}}
    assert faults_of(named) == []
    assert faults_of({"Environment": [{"Name": "SECRET", "Value": {"Ref": "Secret"}}]}) == []
    assert faults_of({"Actions": [{"AuthenticateOidcConfig": {"ClientSecret": RESOLVED}}]}, RULE) == []


def test_outputs_and_parameters() -> None:
    """Everyone who may read the stack can read outputs, and defaults of parameters are in the template."""
    assert faults({"Outputs": {"It": {"Value": {"Fn::Join": ["", [RESOLVED]]}}}}) == [
        "It.Value.Fn::Join: would show the value of a secret"
    ]
    for parameter in ({"It": {"NoEcho": True, "Default": "x"}}, {"Password": {"Default": "x"}}):
        assert "has a default" in faults({"Parameters": parameter})[0]
    assert faults({"Parameters": {"It": {"NoEcho": True}, "Image": {"Default": "nginx"}}}) == []
