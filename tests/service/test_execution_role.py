"""What ECS may do before a task runs: that each mode's tasks can start is in tests/privilege/task_start.py."""

from functools import cache
from typing import Any, cast

import jsii
import pytest
from aws_cdk import App, Aspects, IAspect, Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rds as rds
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ssm as ssm
from aws_cdk.assertions import Template
from constructs import IConstruct

from fargate_constructs import OneOffTask
from fargate_constructs.synthesized.intrinsics import as_text
from tests.modes.made_elsewhere import IMAGE, network_in
from tests.shared_stack import Part, Steps, in_shared_stack
from tests.templates import resources_of

KEY = "arn:aws:kms:eu-central-1:123456789012:key/1"
ELSEWHERE = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:{}-abcdef"


class Shop(Stack):
    """Tasks of all that is under keys here or in a stack before, or under none."""

    def __init__(self, app: App, base: Stack) -> None:
        """Make a task for each way to come by a secret."""
        super().__init__(app, "Shop")
        self.network = network_in(self)
        imported = kms.Key.from_key_arn(self, "Imported", KEY)
        database = rds.DatabaseInstance(
            self,
            "Database",
            engine=rds.DatabaseInstanceEngine.POSTGRES,
            vpc=self.network.vpc,
            credentials=rds.Credentials.from_generated_secret("shop", encryption_key=kms.Key(self, "DatabaseKey")),
        )
        assert database.secret
        far = secretsmanager.Secret(base, "Secret", encryption_key=kms.Key(base, "Key"))
        raw = {
            name: secretsmanager.CfnSecret(self, name, kms_key_id=key).ref
            for name, key in (("Raw", KEY), ("ById", KEY[-1]), ("ByAlias", "alias/mine"), ("OfAws", "alias/aws/s3"))
        }
        password = rds.CfnDBCluster.MasterUserSecretProperty(kms_key_id=KEY)
        managed = rds.CfnDBCluster(self, "Managed", kms_key_id="of-the-storage", master_user_secret=password)
        aliases = [kms.Key(base, "Aliased").add_alias("alias/far"), kms.Alias.from_alias_name(self, "Alias", "alias/b")]
        whole, read = secretsmanager.Secret, secretsmanager.Secret.from_secret_attributes
        secrets = {
            "Database": database.secret,
            "Far": far,
            "FarImported": whole.from_secret_complete_arn(self, "Again", far.secret_arn),
            **{name: whole.from_secret_complete_arn(self, f"{name}Secret", ref) for name, ref in raw.items()},
            "Managed": whole.from_secret_complete_arn(
                self, "ManagedSecret", managed.get_att("MasterUserSecret.SecretArn").to_string()
            ),
            "FarAlias": whole(base, "AliasedSecret", encryption_key=aliases[0]),
            "ElsewhereAlias": read(
                self, "C", secret_complete_arn=ELSEWHERE.format("c"), encryption_key=cast(kms.IKey, aliases[1])
            ),
            "Elsewhere": read(self, "A", secret_complete_arn=ELSEWHERE.format("a"), encryption_key=imported),
            "Partly": read(self, "B", secret_partial_arn=ELSEWHERE.format("b")[:-7], encryption_key=imported),
            "Keyless": whole(self, "Keyless"),
            "KeylessElsewhere": whole.from_secret_name_v2(self, "Named", "token"),
        }
        common: dict[str, Any] = {"network": self.network, "image": IMAGE}
        common["cluster"] = ecs.Cluster(self, "Cluster", vpc=self.network.vpc)
        for name, secret in secrets.items():
            task = OneOffTask(self, f"{name}Task", **common)
            task.container.add_secret("TOKEN", ecs.Secret.from_secrets_manager(secret, "password"))
        bucket = s3.CfnBucket
        by_default = bucket.ServerSideEncryptionByDefaultProperty(sse_algorithm="aws:kms", kms_master_key_id=KEY)
        rule = bucket.ServerSideEncryptionRuleProperty(server_side_encryption_by_default=by_default)
        encryption = bucket.BucketEncryptionProperty(server_side_encryption_configuration=[rule])
        bare = bucket(self, "Bare", bucket_encryption=encryption)
        files = [s3.Bucket.from_bucket_attributes(self, "Env", bucket_name="env", encryption_key=imported)]
        files += [s3.Bucket(base, "Files", encryption_key=kms.Key(base, "FilesKey")), s3.Bucket(base, "Open")]
        files.append(s3.Bucket.from_bucket_name(self, "OfBare", bare.ref))
        kinds: list[ecs.EnvironmentFile] = [ecs.EnvironmentFile.from_bucket(each, "web.env") for each in files]
        kinds.append(ecs.EnvironmentFile.from_asset(__file__))
        for name, file in zip(("EnvElsewhere", "EnvFar", "EnvOpen", "EnvBare", "EnvAsset"), kinds, strict=True):
            OneOffTask(self, f"{name}Task", **common, environment_files=[file])


@pytest.fixture(scope="module")
def shop() -> Shop:
    """The stack, after the one before."""
    app = App()
    return Shop(app, Stack(app, "Base"))


def statements(stack: Stack, task: str) -> list[dict[str, Any]]:
    """Return what the policies of a task's execution role say."""
    return [
        statement
        for name, policy in resources_of(template_of(stack)).items()
        if policy["Type"] == "AWS::IAM::Policy" and name.startswith(f"{task}TaskExecutionRole")
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]


@cache
def template_of(stack: Stack) -> Template:
    """Return the template of a stack that is complete."""
    return Template.from_stack(stack)


@pytest.mark.parametrize(
    ("task", "service", "region", "key"),
    [
        ("Database", "secretsmanager", None, "DatabaseKey"),
        ("Far", "secretsmanager", None, "Base:ExportsOutputFnGetAttKey"),
        ("FarImported", "secretsmanager", None, "Base:ExportsOutputFnGetAttKey"),
        ("Raw", "secretsmanager", "eu-central-1", KEY),
        ("ById", "secretsmanager", None, ":key/1"),
        ("ByAlias", "secretsmanager", None, ":key/*"),
        ("Managed", "secretsmanager", "eu-central-1", KEY),
        ("FarAlias", "secretsmanager", None, "Base:ExportsOutputFnGetAttAliased"),
        ("ElsewhereAlias", "secretsmanager", None, ":key/*"),
        ("Elsewhere", "secretsmanager", "eu-central-1", KEY),
        ("Partly", "secretsmanager", "eu-central-1", KEY),
        ("EnvElsewhere", "s3", "eu-central-1", KEY),
        ("EnvBare", "s3", "eu-central-1", KEY),
        ("EnvFar", "s3", None, "Base:ExportsOutputFnGetAttFilesKey"),
    ],
)
def test_what_is_under_a_key_can_be_decrypted(
    shop: Shop, task: str, service: str, region: str | None, key: str
) -> None:
    """By the role's own policy, through that service of the key's region alone, whatever added the secret."""
    (decrypt,) = (each for each in statements(shop, task) if each["Action"] == "kms:Decrypt")

    via = shop.resolve(decrypt["Condition"]["StringEquals"]["kms:ViaService"])
    assert str(decrypt["Resource"]).partition(key)[1]
    assert "".join(part if isinstance(part, str) else str(part["Ref"]) for part in via["Fn::Join"][1]) == (
        f"{service}.{region or 'AWS::Region'}.AWS::URLSuffix"
    )


@pytest.mark.parametrize(
    ("task", "alias"), [("ByAlias", "alias/mine"), ("ElsewhereAlias", "alias/b"), ("FarAlias", None)]
)
def test_an_alias_is_a_condition(shop: Shop, task: str, alias: str | None) -> None:
    """IAM takes no alias for a key; one of this app is the key that it leads to."""
    (decrypt,) = (each for each in statements(shop, task) if each["Action"] == "kms:Decrypt")

    aliases = decrypt["Condition"].get("ForAnyValue:StringEquals", {})
    assert aliases == ({"kms:ResourceAliases": alias} if alias else {})


@pytest.mark.parametrize("task", ["OfAws", "Keyless", "KeylessElsewhere", "EnvOpen", "EnvAsset"])
def test_keys_of_awss_own_ask_for_nothing(shop: Shop, task: str) -> None:
    """To read is enough."""
    assert [each["Action"] for each in statements(shop, task) if "kms" in str(each)] == []
    assert statements(shop, task)


def test_no_stack_needs_the_tasks(shop: Shop) -> None:
    """A key's policy in the stack before names the account, not a role of this one."""
    template_of(shop)
    (base,) = shop.dependencies

    assert base.dependencies == []
    assert "ExecutionRole" not in str(resources_of(template_of(base)))


@in_shared_stack
def test_a_log_group_under_a_key_can_be_made(part: Part) -> Steps:
    """CloudWatch Logs may use the key, which `LogGroup` leaves to others; of an imported key nothing is known."""
    key = kms.Key(part, "Key")
    groups = [
        logs.LogGroup(part, "Lines", encryption_key=key),
        logs.LogGroup(part, "Others", encryption_key=kms.Key.from_key_arn(part, "Imported", KEY)),
    ]
    for number, log_group in enumerate(groups):
        part.make(OneOffTask, f"Task{number}", log_group=log_group)
    yield
    logs_service = {"Service": {"Fn::Join": ["", ["logs.", {"Ref": "AWS::Region"}, ".amazonaws.com"]]}}
    assert logs_service in [each["Principal"] for each in part.of(key)["KeyPolicy"]["Statement"]]


@in_shared_stack
def test_a_parameter_is_read_and_no_more(part: Part) -> Steps:
    """CDK would also allow to describe it, which has no effect on one parameter."""
    token = ssm.StringParameter.from_secure_string_parameter_attributes(part, "Token", parameter_name="/token")
    part.service("Web", secrets={"TOKEN": ecs.Secret.from_ssm_parameter(token)})
    yield
    [policy] = (each for each in part.properties("AWS::IAM::Policy") if "ExecutionRole" in each["PolicyName"])
    [read] = policy["PolicyDocument"]["Statement"]
    assert read["Action"] == ["ssm:GetParameters", "ssm:GetParameter", "ssm:GetParameterHistory"]
    assert read["Resource"] == part.resolve(token.parameter_arn)


@in_shared_stack
def test_the_file_of_active_directory_is_read(part: Part) -> Steps:
    """From S3 or Parameter Store, and nothing else there."""
    bucket = s3.Bucket.from_bucket_name(part, "Files", "files")
    parameter = ssm.StringParameter.from_string_parameter_name(part, "Spec", "/ad/shop")
    specs = ecs.DomainlessCredentialSpec
    task = part.make(OneOffTask, "Task", credential_specs=[specs.from_s3_bucket(bucket, "shop.json")])
    task.add_sidecar("proxy", image=IMAGE, credential_specs=[specs.from_ssm_parameter(parameter)])
    yield
    granted = {
        each["Action"]: as_text(each["Resource"])
        for policy in part.properties("AWS::IAM::Policy")
        for each in policy["PolicyDocument"]["Statement"]
    }
    assert granted.keys() == {"s3:GetObject", "s3:GetBucketLocation", "ssm:GetParameters"}
    assert granted["s3:GetObject"].endswith(":s3:::files/shop.json")
    assert granted["s3:GetBucketLocation"].endswith(":s3:::files")
    assert granted["ssm:GetParameters"].endswith(":parameter/ad/shop")


@jsii.implements(IAspect)
class AddsSecrets:
    """An aspect that adds a secret to every container, as those of agents do."""

    def __init__(self, secret: secretsmanager.ISecret) -> None:
        self._secret = ecs.Secret.from_secrets_manager(secret)

    def visit(self, node: IConstruct) -> None:
        """Add it."""
        if isinstance(node, ecs.ContainerDefinition):
            node.add_secret("KEY", self._secret)


@pytest.mark.parametrize("is_aspect", [True, False], ids=["by an aspect", "by the L2"])
@pytest.mark.parametrize("is_stable", [True, False], ids=["with aspectStabilization", "without"])
def test_a_secret_that_is_added_later_can_be_decrypted(
    is_aspect: bool,  # noqa: FBT001 - a parameter of the test
    is_stable: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """By an aspect of the whole stack, too: CDK visits a task definition before its containers."""
    stack = Stack(App(context={"@aws-cdk/core:aspectStabilization": is_stable}), "Test")
    secret = secretsmanager.Secret(stack, "Secret", encryption_key=kms.Key(stack, "Key"))
    web = OneOffTask(stack, "WebTask", network=network_in(stack), image=IMAGE)
    if is_aspect:
        Aspects.of(stack).add(cast(IAspect, AddsSecrets(secret)))
    else:
        web.container.add_secret("KEY", ecs.Secret.from_secrets_manager(secret))

    assert [each["Action"] for each in statements(stack, "Web")] == [
        ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"],
        "kms:Decrypt",
    ]
