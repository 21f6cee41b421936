"""A role that allows too much or too little is found, and code whose calls cannot be read."""

from pathlib import Path
from typing import Any

import pytest

from tests.audit import Template
from tests.privilege import lambda_code
from tests.privilege.policies import Policies
from tests.privilege.roles import Roles

CODE = """
import boto3

S3 = boto3.client("s3")

def handler(event, context):
    S3.put_object(Bucket="logs", Key="key", Body=b"")
"""
BUCKET = {"Fn::Join": ["", [{"Fn::GetAtt": ["Bucket", "Arn"]}, "/logs/*"]]}
OTHER_BUCKET = {"Fn::Join": ["", [{"Fn::GetAtt": ["Other", "Arn"]}, "/logs/*"]]}
LOGS = {"Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": {"Fn::GetAtt": ["Logs", "Arn"]}}
PUT = {"Action": "s3:PutObject", "Resource": BUCKET}
ROLE = {"Fn::GetAtt": ["Role", "Arn"]}
FUNCTION = {
    "Type": "AWS::Lambda::Function",
    "Properties": {
        "Code": {"S3Key": "abc.zip"},
        "Handler": "code.handler",
        "Role": ROLE,
        "LoggingConfig": {"LogGroup": {"Ref": "Logs"}},
        "Environment": {"Variables": {"BUCKET": {"Ref": "Bucket"}}},
    },
}
TASK = {
    "Type": "AWS::ECS::TaskDefinition",
    "Properties": {
        "ExecutionRoleArn": ROLE,
        "ContainerDefinitions": [
            {
                "Image": {"Fn::Sub": "${AWS::AccountId}.dkr.ecr.${AWS::Region}.amazonaws.com/web:latest"},
                "LogConfiguration": {"LogDriver": "awslogs", "Options": {"awslogs-group": {"Ref": "Logs"}}},
                "Secrets": [{"ValueFrom": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:password-abcdef"}],
            }
        ],
    },
}
IMAGE = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
SECRET = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]


def allow(*statements: dict[str, Any]) -> dict[str, Any]:
    """Return the policy of the tested role."""
    document = {"Statement": [{"Effect": "Allow"} | each for each in statements]}
    return {"Type": "AWS::IAM::Policy", "Properties": {"PolicyDocument": document, "Roles": [{"Ref": "Role"}]}}


def faults(assets: Path, user: dict[str, Any], *statements: dict[str, Any], **more: dict[str, Any]) -> list[str]:
    """Return what is wrong with a role that a resource uses and that has these statements."""
    asset = assets / "asset.abc"
    asset.mkdir()
    (asset / "code.py").write_text(CODE)
    template: Template = {
        "Resources": {
            "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Statement": []}}},
            "Policy": allow(*statements),
            "User": user,
            "Logs": {"Type": "AWS::Logs::LogGroup"},
            "Bucket": {"Type": "AWS::S3::Bucket"},
            "Other": {"Type": "AWS::S3::Bucket"},
        }
        | more
    }
    return [each.removeprefix("Test:Role: ") for each in Roles(Policies({"Test": template}), assets).faults()]


@pytest.mark.parametrize(
    ("statements", "found"),
    [
        pytest.param([LOGS, PUT], [], id="exact"),
        pytest.param(
            [LOGS, PUT, {"Action": "s3:GetObject", "Resource": BUCKET}], ["may s3:GetObject and never does"], id="more"
        ),
        pytest.param(
            [LOGS | {"Action": "logs:CreateLogStream"}],
            ["may not logs:PutLogEvents: Lambda writes the log", "may not s3:PutObject: the code calls s3:PutObject"],
            id="less",
        ),
        pytest.param(
            [LOGS, PUT, PUT | {"Resource": OTHER_BUCKET}],
            ["may s3:PutObject on Test:Other, to which nothing refers that uses the role"],
            id="another-bucket",
        ),
    ],
)
def test_the_role_of_a_function(tmp_path: Path, statements: list[dict[str, Any]], found: list[str]) -> None:
    """It allows the log, and exactly what the code calls, on what the function refers to."""
    assert faults(tmp_path, FUNCTION, *statements) == found


def test_a_function_of_a_bucket_under_a_key(tmp_path: Path) -> None:
    """S3 asks KMS in the function's name, only for what the function does."""
    encryption = {"KMSMasterKeyID": {"Fn::GetAtt": ["Key", "Arn"]}}
    resources: dict[str, Any] = {
        "Key": {"Type": "AWS::KMS::Key"},
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketEncryption": encryption}},
    }
    key = {"Action": ["kms:Decrypt"], "Resource": {"Fn::GetAtt": ["Key", "Arn"]}}

    assert faults(tmp_path, FUNCTION, LOGS, PUT, key, **resources) == [
        "may kms:Decrypt and never does",
        "may not kms:GenerateDataKey: KMS wants it for s3:PutObject under a key",
    ]


def test_a_role_that_nothing_uses(tmp_path: Path) -> None:
    """It is found."""
    assert faults(tmp_path, {"Type": "AWS::S3::Bucket"}, PUT) == ["nothing uses it"]


@pytest.mark.parametrize(
    ("repository", "secret", "found"),
    [
        pytest.param("web", "password-abcdef", [], id="its-own"),
        pytest.param("web-internal", "pass", ["repository/web-internal", "secret:pass"], id="others"),
    ],
)
def test_the_execution_role_of_a_task(tmp_path: Path, repository: str, secret: str, found: list[str]) -> None:
    """It may read the image and the secret that the task uses, and no others."""
    statements = (
        LOGS,
        {"Action": "ecr:GetAuthorizationToken", "Resource": "*"},
        {"Action": IMAGE, "Resource": f"arn:aws:ecr:eu-west-1:123456789012:repository/{repository}"},
        {"Action": SECRET, "Resource": f"arn:aws:secretsmanager:eu-west-1:123456789012:secret:{secret}"},
    )

    messages = faults(tmp_path, TASK, *statements)
    assert [message.partition("123456789012:")[2] for message in messages] == [
        f"{each}, which the task does not use" for each in found
    ]


@pytest.mark.parametrize(
    ("code", "operations"),
    [
        pytest.param("S3.put_object(Bucket='b')", {"s3:PutObject"}, id="call"),
        pytest.param("for p in S3.get_paginator('list_objects_v2').paginate(): pass", {"s3:ListObjectsV2"}, id="pages"),
        pytest.param(
            "try: S3.put_object()\nexcept S3.exceptions.NoSuchBucket: pass", {"s3:PutObject"}, id="exceptions"
        ),
        pytest.param("from . import other\nother.LAMBDA.invoke()", {"lambda:Invoke"}, id="of-another-module"),
        pytest.param("from .other import run", {"lambda:Invoke"}, id="by-another-module"),
    ],
)
def test_what_code_asks_for(tmp_path: Path, code: str, operations: set[str]) -> None:
    """Calls, paginators, and calls in other modules of the package."""
    (tmp_path / "package").mkdir()
    (tmp_path / "package/other.py").write_text(
        "import boto3\nLAMBDA = boto3.client('lambda')\ndef run(): LAMBDA.invoke()"
    )
    (tmp_path / "package/code.py").write_text(f"import boto3\nS3: Any = boto3.client('s3')\n{code}")

    assert lambda_code.operations(tmp_path, "package.code.handler") == operations


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("client = S3", id="another-name"),
        pytest.param("getattr(S3, 'put_object')()", id="getattr"),
        pytest.param("put = S3.put_object", id="method"),
        pytest.param("S3.get_paginator(name)", id="any-pages"),
        pytest.param("S3.get_waiter('object_exists')", id="waiter"),
        pytest.param("S3.put_objekt()", id="misspelt"),
        pytest.param("def f(): return boto3.client('sqs')", id="made-later"),
        pytest.param("SQS = boto3.resource('sqs')", id="resource"),
        pytest.param("SQS = boto3.client(name)", id="any-service"),
    ],
)
def test_code_that_hides_what_it_asks_for(tmp_path: Path, code: str) -> None:
    """Code that cannot be read is refused."""
    (tmp_path / "code.py").write_text(f"import boto3\nS3 = boto3.client('s3')\n{code}")

    with pytest.raises(lambda_code.UnreadableCodeError):
        lambda_code.operations(tmp_path, "code.handler")


def test_code_without_a_client(tmp_path: Path) -> None:
    """A missing handler, or one without a client, is refused."""
    (tmp_path / "code.py").write_text("def handler(event, context): pass")

    for handler in ("code.handler", "other.handler"):
        with pytest.raises(lambda_code.UnreadableCodeError):
            lambda_code.operations(tmp_path, handler)
