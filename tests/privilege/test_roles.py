"""A role that may more than it needs is found, and one that may less; so is code that hides what it asks for."""

from pathlib import Path
from typing import Any

import pytest

from tests.audit import Template
from tests.privilege import lambda_code
from tests.privilege.duties import Duty
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
        "ContainerDefinitions": [
            {
                "Image": {"Fn::Sub": "${AWS::AccountId}.dkr.ecr.${AWS::Region}.amazonaws.com/web:latest"},
                "LogConfiguration": {"LogDriver": "awslogs", "Options": {"awslogs-group": {"Ref": "Logs"}}},
                "Secrets": [{"ValueFrom": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:password-abcdef"}],
            }
        ]
    },
}
IMAGE = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
SECRET = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]


def allow(*statements: dict[str, Any]) -> dict[str, Any]:
    """Return the policy of the tested role."""
    document = {"Statement": [{"Effect": "Allow"} | each for each in statements]}
    return {"Type": "AWS::IAM::Policy", "Properties": {"PolicyDocument": document, "Roles": [{"Ref": "Role"}]}}


def faults(assets: Path, user: dict[str, Any], *statements: dict[str, Any], **more: dict[str, Any]) -> list[str]:
    """Return what is wrong with a role that is used by something, and may do something."""
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


def of_task(role: str) -> dict[str, Any]:
    """Return the task with the tested role as one of its two."""
    return TASK | {"Properties": TASK["Properties"] | {role: ROLE}}  # type: ignore[operator] # a template


def test_a_function_with_just_what_it_needs(tmp_path: Path) -> None:
    """Its log, and what its code calls."""
    assert faults(tmp_path, FUNCTION, LOGS, PUT) == []


def test_a_function_with_more(tmp_path: Path) -> None:
    """An action that its code never calls."""
    assert faults(tmp_path, FUNCTION, LOGS, PUT, {"Action": "s3:GetObject", "Resource": BUCKET}) == [
        "may s3:GetObject and never does"
    ]


def test_a_function_with_less(tmp_path: Path) -> None:
    """An action that its code calls, and one that Lambda needs."""
    assert faults(tmp_path, FUNCTION, LOGS | {"Action": "logs:CreateLogStream"}) == [
        "may not logs:PutLogEvents: Lambda writes the function's log: its lines",
        "may not s3:PutObject: its code calls: PutObject",
    ]


def test_a_function_with_a_bucket_that_it_is_not_told_of(tmp_path: Path) -> None:
    """The right action on something else."""
    assert faults(tmp_path, FUNCTION, LOGS, PUT, PUT | {"Resource": OTHER_BUCKET}) == [
        "may s3:PutObject on Test:Other, of which nothing tells it"
    ]


def test_a_function_of_a_bucket_under_a_key(tmp_path: Path) -> None:
    """S3 asks KMS in its name, for what it does and no more."""
    encryption = {"KMSMasterKeyID": {"Fn::GetAtt": ["Key", "Arn"]}}
    resources: dict[str, Any] = {
        "Key": {"Type": "AWS::KMS::Key"},
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketEncryption": encryption}},
    }
    key = {"Action": ["kms:Decrypt"], "Resource": {"Fn::GetAtt": ["Key", "Arn"]}}

    assert faults(tmp_path, FUNCTION, LOGS, PUT, key, **resources) == [
        "may kms:Decrypt and never does",
        "may not kms:GenerateDataKey: objects are under a key: S3 asks it of whoever does s3:PutObject",
    ]


def test_a_role_that_nothing_uses(tmp_path: Path) -> None:
    """Nobody could say what it is for."""
    assert faults(tmp_path, {"Type": "AWS::S3::Bucket"}, PUT) == ["nothing uses it"]


def test_a_task_starts_with_what_it_uses(tmp_path: Path) -> None:
    """Its log, its image and its secret."""
    repository = "arn:aws:ecr:eu-west-1:123456789012:repository/web"
    secret = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:password-abcdef"  # noqa: S105 - its ARN

    assert (
        faults(
            tmp_path,
            of_task("ExecutionRoleArn"),
            LOGS,
            {"Action": "ecr:GetAuthorizationToken", "Resource": "*"},
            {"Action": IMAGE, "Resource": repository},
            {"Action": SECRET, "Resource": secret},
        )
        == []
    )


def test_a_task_that_could_read_what_it_does_not_use(tmp_path: Path) -> None:
    """Another repository, and another secret; each action is one that it needs."""
    found = faults(
        tmp_path,
        of_task("ExecutionRoleArn"),
        LOGS,
        {"Action": "ecr:GetAuthorizationToken", "Resource": "*"},
        {"Action": IMAGE, "Resource": "arn:aws:ecr:eu-west-1:123456789012:repository/web-internal"},
        {"Action": SECRET, "Resource": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:pass"},
    )

    assert [each.rpartition(":")[2] for each in found] == [
        "repository/web-internal, which the task does not use",
        "pass, which the task does not use",
    ]


def test_shells_only_where_they_can_be_opened(tmp_path: Path) -> None:
    """ECS Exec's four actions are for tasks of a service that has it on."""
    channels = {"Action": list(Duty.SHELL.actions), "Resource": "*"}

    assert len(faults(tmp_path, of_task("TaskRoleArn"), channels)) == 4


def test_shells_where_they_can(tmp_path: Path) -> None:
    """With it on, the four are needed."""
    shells = {"LogConfiguration": {"CloudWatchLogGroupName": {"Ref": "Logs"}}}
    service = {"TaskDefinition": {"Ref": "User"}, "Cluster": {"Ref": "Cluster"}, "EnableExecuteCommand": True}
    resources: dict[str, Any] = {
        "Cluster": {
            "Type": "AWS::ECS::Cluster",
            "Properties": {"Configuration": {"ExecuteCommandConfiguration": shells}},
        },
        "Service": {"Type": "AWS::ECS::Service", "Properties": service},
    }
    transcript = {"Action": list(Duty.TRANSCRIPT.actions), "Resource": {"Fn::GetAtt": ["Logs", "Arn"]}}

    found = faults(tmp_path, of_task("TaskRoleArn"), transcript, **resources)
    assert [each.split(":")[1] for each in found] == sorted(
        action.removeprefix("ssmmessages:") for action in Duty.SHELL.actions
    )


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
    """Calls, what is listed page by page, and what other modules of the package do."""
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
    """What cannot be followed is refused, not passed over."""
    (tmp_path / "code.py").write_text(f"import boto3\nS3 = boto3.client('s3')\n{code}")

    with pytest.raises(lambda_code.UnreadableCodeError):
        lambda_code.operations(tmp_path, "code.handler")


def test_code_without_a_client(tmp_path: Path) -> None:
    """A handler that is not there, or of which nothing is found, is a mistake of the test."""
    (tmp_path / "code.py").write_text("def handler(event, context): pass")

    for handler in ("code.handler", "other.handler"):
        with pytest.raises(lambda_code.UnreadableCodeError):
            lambda_code.operations(tmp_path, handler)
