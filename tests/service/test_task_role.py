"""The role of a task in policies of resources."""

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk.assertions import Template

from fargate_constructs import FargateService
from tests.modes.made_elsewhere import IMAGE, network_in
from tests.templates import properties


@pytest.mark.parametrize("is_imported", [False, True], ids=["the secret", "the secret without its key"])
def test_a_secret_of_another_stack_under_a_key(*, is_imported: bool) -> None:
    """CDK writes the role into the policy of the key, which is a cycle; its message says what to write."""
    app = App()
    data, shop = Stack(app, "Data"), Stack(app, "Shop")
    key = kms.Key(data, "Key")
    secret: secretsmanager.ISecret = secretsmanager.Secret(data, "Secret", encryption_key=key)
    web = FargateService(shop, "Web", network=network_in(shop), image=IMAGE)

    if is_imported:
        secret = secretsmanager.Secret.from_secret_attributes(shop, "Secret", secret_complete_arn=secret.secret_arn)
        key.grant_decrypt(web)
        secret.grant_read(web)
        (policy,) = properties(
            Template.from_stack(shop),
            "AWS::IAM::Policy",
            {"Roles": [shop.resolve(web.task_definition.task_role.role_name)]},
        )
        actions = [each["Action"] for each in policy["PolicyDocument"]["Statement"]]
        assert actions == ["kms:Decrypt", ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]]
        assert data.dependencies == []
    else:
        secret.grant_read(web)
        expected = (
            r"the policy of Data/Key names the role of Shop/Web; to read a secret under a key of yours, import the "
            r"secret without its key, and write key\.grant_decrypt\(Web\)"
        )
        with pytest.raises(RuntimeError, match=expected):
            app.synth()


def test_a_secret_of_the_same_stack_under_a_key(stack: Stack) -> None:
    """The policy of the key names the role itself, in one statement for two secrets."""
    key = kms.Key(stack, "Key")
    web = FargateService(stack, "Web", network=network_in(stack), image=IMAGE)
    for name in ("One", "Two"):
        secretsmanager.Secret(stack, name, encryption_key=key).grant_read(web)

    (policy,) = properties(stack, "AWS::KMS::Key")
    principals = [each["Principal"] for each in policy["KeyPolicy"]["Statement"]]
    role = stack.resolve(web.task_definition.task_role.role_arn)
    assert principals.count({"AWS": role}) == 1
