"""A policy that breaks a rule is found, and no other."""

import json
from typing import Any

import pytest

from tests.audit import Template
from tests.privilege import rules
from tests.privilege.policies import Policies

ARN = "arn:aws:{}:eu-west-1:123456789012:{}"
OURS = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
ACCOUNT = {"AWS": {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":iam::", {"Ref": "AWS::AccountId"}, ":root"]]}}
RESOURCES: dict[str, Any] = {
    "Bucket": {"Type": "AWS::S3::Bucket"},
    "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Statement": []}}},
}
OBJECTS = {"Fn::Join": ["", [{"Fn::GetAtt": ["Bucket", "Arn"]}, "/logs/*"]]}
WHOLE_BUCKET = {"Fn::Join": ["", [{"Fn::GetAtt": ["Bucket", "Arn"]}, "/*"]]}


def faults_of(type_: str, properties: dict[str, Any]) -> list[str]:
    """Return what is wrong with one resource."""
    template: Template = {"Resources": RESOURCES | {"Tested": {"Type": type_, "Properties": properties}}}
    return [fault for fault in rules.faults(Policies({"Test": template})) if "Tested" in fault]


def faults_of_role(action: object, resource: object, **more: object) -> list[str]:
    """Return what is wrong with a permission of a role."""
    statement = {"Effect": "Allow", "Action": action, "Resource": resource} | more
    document = {"Statement": [statement]}
    return faults_of("AWS::IAM::Policy", {"PolicyDocument": document, "Roles": [{"Ref": "Role"}]})


@pytest.mark.parametrize(
    ("action", "resource", "fault"),
    [
        pytest.param("s3:*", OBJECTS, "allows s3:*", id="service"),
        pytest.param("ecs:Describe*", ARN.format("ecs", "task/shop/1"), "allows ecs:Describe*", id="prefix"),
        pytest.param(["s3:PutObject", "s3:PutObjekt"], OBJECTS, "AWS has no action s3:PutObjekt", id="misspelt"),
        pytest.param("s4:PutObject", OBJECTS, "AWS has no action s4:PutObject", id="no-service"),
        pytest.param("s3:PutObject", "*", "allows s3:PutObject on everything", id="everything"),
        pytest.param("s3:PutObject", "arn:aws:s3:::*", "allows s3:PutObject on all of", id="any-bucket"),
        pytest.param("s3:PutObject", "arn:aws:s3:::shop/*", "allows s3:PutObject on all of", id="named-bucket"),
        pytest.param("s3:PutObject", WHOLE_BUCKET, "allows s3:PutObject on all of", id="bucket"),
        pytest.param("ecs:StopTask", ARN.format("ecs", "task/*"), "allows ecs:StopTask on all of", id="any-task"),
        pytest.param("ecs:StopTask", "arn:aws:ecs:*", "allows ecs:StopTask on all of", id="any-place"),
        pytest.param(
            "lambda:InvokeFunction", ARN.format("lambda", "function:*"), "allows lambda:InvokeFunction on all", id="any"
        ),
        pytest.param("s3:ListBucket", OBJECTS, "s3:ListBucket does not go with", id="bucket-action-on-objects"),
        pytest.param(
            "s3:GetObject",
            {"Fn::GetAtt": ["Bucket", "Arn"]},
            "s3:GetObject does not go with",
            id="object-action-on-bucket",
        ),
        pytest.param(
            "s3:PutObject", [OBJECTS, ARN.format("sqs", "orders")], "no action goes with", id="resource-of-no-action"
        ),
    ],
)
def test_what_a_role_may_not(action: object, resource: object, fault: str) -> None:
    """Wildcards where AWS takes names, unknown actions, and actions on resources that they do not take."""
    assert [each for each in faults_of_role(action, resource) if each.startswith(fault)]


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        pytest.param("s3:PutObject", OBJECTS, id="below-a-prefix"),
        pytest.param("ecs:StopTask", ARN.format("ecs", "task/shop/*"), id="of-a-cluster"),
        pytest.param("ecs:RunTask", ARN.format("ecs", "task-definition/shop:*"), id="any-revision"),
        pytest.param("logs:PutLogEvents", ARN.format("logs", "log-group:/ecs/web:*"), id="any-stream"),
        pytest.param("ecr:GetAuthorizationToken", "*", id="without-arn"),
        pytest.param("cloudformation:DescribeStacks", {"Fn::Sub": "${AWS::StackId}"}, id="its-own-stack"),
    ],
)
def test_what_a_role_may(action: str, resource: object) -> None:
    """Statements that are as narrow as AWS allows."""
    assert faults_of_role(action, resource) == []


def test_nothing_is_allowed_by_exclusion() -> None:
    """A statement that allows all but a few actions is found. One that denies them is not."""
    assert "allows by exclusion (NotAction)" in faults_of_role([], OBJECTS, NotAction="s3:PutObject")[0]
    assert faults_of_role([], OBJECTS, Effect="Deny", NotAction="s3:PutObject") == []


def test_policies_are_found_in_each_form() -> None:
    """In a role, as text, and as text with references."""
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Principal": {"Service": "logs.amazonaws.com"}}
    text = json.dumps({"Statement": [statement]})
    documents: dict[str, dict[str, Any]] = {
        "AWS::IAM::Role": {"Policies": [{"PolicyDocument": {"Statement": [statement]}}]},
        "AWS::IAM::ManagedPolicy": {"PolicyDocument": {"Statement": statement}, "Roles": [{"Ref": "Role"}]},
        "AWS::Logs::ResourcePolicy": {"PolicyDocument": text},
        "AWS::SNS::TopicPolicy": {"PolicyDocument": {"Fn::Join": ["", [text[:-1], "}"]]}},
    }
    for type_, properties in documents.items():
        assert faults_of(type_, properties)[0].startswith("allows s3:*: Test:Tested"), type_


@pytest.mark.parametrize(
    ("principal", "condition", "fault"),
    [
        pytest.param({"Service": "sns.amazonaws.com"}, {}, "sns.amazonaws.com may act for any account", id="any"),
        pytest.param(
            {"Service": "sns.amazonaws.com"},
            {"StringEquals": {"aws:SourceAccount": "*"}},
            "sns.amazonaws.com may act for any account",
            id="vain",
        ),
        pytest.param(
            {"Service": "sns.amazonaws.com"},
            {"StringEquals": {"s3:x-amz-acl": "private"}},
            "sns.amazonaws.com may act for any account",
            id="another-condition",
        ),
        pytest.param(
            {"Service": "sns.amazonaws.com"},
            {"StringEquals": {"aws:SourceAccount": [{"Ref": "AWS::AccountId"}, "999999999999"]}},
            "sns.amazonaws.com may act for any account",
            id="others-too",
        ),
        pytest.param(
            {"Service": "sns.amazonaws.com"},
            {"StringNotEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
            "sns.amazonaws.com may act for any account",
            id="others-alone",
        ),
        pytest.param(
            {"Service": "sns.amazonaws.com"},
            {"StringEquals": {"aws:SourceAccount": {"Ref": "AParameter"}}},
            "sns.amazonaws.com may act for any account",
            id="whichever-is-given",
        ),
        pytest.param("*", {}, "AWS:* is not of this account", id="anybody"),
        pytest.param({"AWS": "*"}, OURS, "AWS:* is not of this account", id="anybody-of-aws"),
        pytest.param({"AWS": "arn:aws:iam::999999999999:root"}, {}, "AWS:arn:aws:iam::999999999999:root", id="others"),
        pytest.param({"Federated": "accounts.google.com"}, {}, "Federated:accounts.google.com is not", id="federated"),
    ],
)
def test_principals_that_a_bucket_may_not_have(principal: object, condition: object, fault: str) -> None:
    """Services for any account, and principals of other accounts."""
    statement = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": OBJECTS, "Principal": principal}
    document = {"Statement": [statement | {"Condition": condition}]}
    [found] = faults_of("AWS::S3::BucketPolicy", {"PolicyDocument": document})
    assert found.startswith(fault)
    assert (
        faults_of(
            "AWS::S3::BucketPolicy", {"PolicyDocument": {"Statement": [document["Statement"][0] | {"Effect": "Deny"}]}}
        )
        == []
    )


@pytest.mark.parametrize(
    ("principal", "condition"),
    [
        pytest.param({"Service": "sns.amazonaws.com"}, OURS, id="account"),
        pytest.param(
            {"Service": "sns.amazonaws.com"},
            {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["Bucket", "Arn"]}}},
            id="arn",
        ),
        pytest.param(
            {"Service": "sns.amazonaws.com"},
            {"ArnLike": {"aws:SourceArn": {"Fn::Sub": "arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:*"}}},
            id="arns",
        ),
        pytest.param({"AWS": {"Fn::GetAtt": ["Role", "Arn"]}}, {}, id="role"),
    ],
)
def test_principals_that_a_bucket_may_have(principal: object, condition: object) -> None:
    """Services for this account, and its roles."""
    statement = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": OBJECTS, "Principal": principal}
    assert (
        faults_of("AWS::S3::BucketPolicy", {"PolicyDocument": {"Statement": [statement | {"Condition": condition}]}})
        == []
    )


def test_who_may_assume_a_role() -> None:
    """The same holds for roles."""
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}

    def faults(**more: object) -> list[str]:
        return faults_of("AWS::IAM::Role", {"AssumeRolePolicyDocument": {"Statement": [statement | more]}})

    assert faults()[0].startswith("lambda.amazonaws.com may act for any account")
    assert faults(Condition=OURS) == []


def test_who_may_call_a_function() -> None:
    """The same holds for functions, whose permissions are resources of their own."""
    permission = {
        "Action": "lambda:InvokeFunction",
        "FunctionName": ARN.format("lambda", "function:shop"),
        "Principal": "logs.amazonaws.com",
    }

    assert faults_of("AWS::Lambda::Permission", permission)[0].startswith("logs.amazonaws.com may act for any account")
    assert faults_of("AWS::Lambda::Permission", permission | {"SourceAccount": {"Ref": "AWS::AccountId"}}) == []
    assert faults_of("AWS::Lambda::Permission", permission | {"Principal": "*"})[0].startswith("AWS:* is not")


def test_who_may_use_a_key() -> None:
    """Only the account itself may do everything."""
    statement = {"Effect": "Allow", "Action": "kms:*", "Resource": "*", "Principal": ACCOUNT}

    def faults(**more: object) -> list[str]:
        return faults_of("AWS::KMS::Key", {"KeyPolicy": {"Statement": [statement | more]}})

    assert faults() == []
    assert faults(Principal={"AWS": {"Fn::GetAtt": ["Role", "Arn"]}})[0].startswith("allows kms:* to others")


def test_no_policy_of_aws() -> None:
    """AWS's own policies are wide, and AWS may change them."""
    arn = {"Fn::Sub": "arn:${AWS::Partition}:iam::aws:policy/AmazonS3FullAccess"}
    properties = {"AssumeRolePolicyDocument": {"Statement": []}, "ManagedPolicyArns": [arn]}
    assert faults_of("AWS::IAM::Role", properties) == ["has AWS's policy AmazonS3FullAccess: Test:Tested"]
