"""Environments that may go: that nothing is left of one is in tests/emulator/test_disposable.py."""

from typing import Any

import pytest
from aws_cdk import App, Duration, NestedStack, RemovalPolicy, Stack
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_rds as rds
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Match, Template
from constructs import Construct

from fargate_constructs import (
    FargateWebService,
    FixedEgressNetwork,
    HttpEndpoint,
    LogArchive,
    make_disposable,
)
from fargate_constructs.testing import assert_fixed_egress
from tests.modes.made_elsewhere import IMAGE, network_in


@pytest.fixture(scope="module")
def resources() -> dict[str, dict[str, Any]]:
    """The resources of a whole system that may go, and of a network beside it that may not."""
    app = App()
    stack = Stack(app, "Preview", termination_protection=True)
    FargateWebService(stack, "Shop", image=IMAGE, static_ips=True)
    ecr.Repository(stack, "Images")
    protected = elbv2.CfnLoadBalancer.LoadBalancerAttributeProperty(key="deletion_protection.enabled", value="true")
    elbv2.CfnLoadBalancer(stack, "Raw", load_balancer_attributes=[protected])
    rds.CfnDBInstance(stack, "Database", deletion_protection=True)
    cognito.UserPool(stack, "People", deletion_protection=True)
    s3.Bucket(stack, "Emptied", auto_delete_objects=True, removal_policy=RemovalPolicy.DESTROY)
    s3.CfnBucket(stack, "RawBucket")
    make_disposable(stack)
    make_disposable(stack)  # which is the same
    assert stack.termination_protection is False
    FixedEgressNetwork(Stack(app, "Kept"), "Network")
    assert_fixed_egress(app)
    preview, kept = (app.synth().get_stack_by_name(name).template["Resources"] for name in ("Preview", "Kept"))
    assert any(each.get("DeletionPolicy") == "RetainExceptOnCreate" for each in kept.values())
    return dict(preview)


def test_nothing_is_retained(resources: dict[str, dict[str, Any]]) -> None:
    """Neither when its stack is deleted nor when it is replaced: addresses, logs, transcripts, buckets."""
    policies = {each.get(policy) for each in resources.values() for policy in ("DeletionPolicy", "UpdateReplacePolicy")}

    assert policies == {"Delete"}


def test_what_holds_something_is_emptied(resources: dict[str, dict[str, Any]]) -> None:
    """Each bucket by CDK's own function, before it is deleted; repositories by ECR."""
    buckets = {name for name, each in resources.items() if each["Type"] == "AWS::S3::Bucket"}
    emptied = [each for each in resources.values() if each["Type"] == "Custom::S3AutoDeleteObjects"]

    assert {each["Properties"]["BucketName"]["Ref"] for each in emptied} == buckets
    (repository,) = (each for each in resources.values() if each["Type"] == "AWS::ECR::Repository")
    assert repository["Properties"]["EmptyOnDelete"] is True


def test_each_function_logs_to_the_stack(resources: dict[str, dict[str, Any]]) -> None:
    """CDK's own too, for which Lambda would make a log group that stays."""
    functions = [each["Properties"] for each in resources.values() if each["Type"] == "AWS::Lambda::Function"]

    groups = [each["LoggingConfig"]["LogGroup"]["Ref"] for each in functions]
    assert {resources[name]["Type"] for name in groups} == {"AWS::Logs::LogGroup"}


def test_no_load_balancer_is_protected(resources: dict[str, dict[str, Any]]) -> None:
    """Neither the endpoint's nor the one with the fixed addresses."""
    balancers = [each for each in resources.values() if each["Type"] == "AWS::ElasticLoadBalancingV2::LoadBalancer"]

    for each in balancers:
        attributes = {pair["Key"]: pair["Value"] for pair in each["Properties"]["LoadBalancerAttributes"]}
        assert attributes["deletion_protection.enabled"] == "false"
    assert len(balancers) == 3


def test_nothing_else_is_protected(resources: dict[str, dict[str, Any]]) -> None:
    """What its owner protected from deletion, too."""
    protections = [
        each["Properties"]["DeletionProtection"]
        for each in resources.values()
        if "DeletionProtection" in each.get("Properties", {})
    ]

    assert sorted(map(str, protections)) == ["False", "INACTIVE"]


def test_no_log_group_comes_back(resources: dict[str, dict[str, Any]]) -> None:
    """CDK's functions run when the stack goes; Lambda may not make a group for the lines that come after that."""
    denied = {
        name: each["Properties"]["Roles"][0]["Ref"]
        for name, each in resources.items()
        if each["Type"] == "AWS::IAM::Policy"
        and each["Properties"]["PolicyDocument"]["Statement"][0]["Effect"] == "Deny"
    }

    roles = {name for name, each in resources.items() if "AWSLambdaBasicExecutionRole" in str(each)}
    assert roles == set(denied.values())
    waits = [set(each.get("DependsOn", [])) for each in resources.values() if each["Type"] == "AWS::Logs::LogGroup"]
    assert set(denied) <= set().union(*waits), "a group goes before what keeps it from coming back"


@pytest.mark.parametrize("nested", [True, False])
def test_a_part_of_a_stack_may_go(stack: Stack, nested: bool) -> None:  # noqa: FBT001 - a parameter
    """A nested stack, or a construct: what empties its bucket is beside it, and logs to the stack, too."""
    inner = NestedStack(stack, "Nested") if nested else stack
    part = Construct(inner, "Part")
    s3.Bucket(part, "Gone")
    code = lambda_.Code.from_inline("def handle(*_): ...")
    lambda_.Function(part, "Function", code=code, handler="index.handle", runtime=lambda_.Runtime.PYTHON_3_13)
    s3.Bucket(stack, "Kept")
    make_disposable(inner if nested else part)

    template = Template.from_stack(inner)
    template.resource_count_is("Custom::S3AutoDeleteObjects", 1)
    template.resource_count_is("AWS::Lambda::Function", 2)
    template.all_resources_properties("AWS::Lambda::Function", {"LoggingConfig": {"LogGroup": Match.any_value()}})
    (kept,) = Template.from_stack(stack).find_resources("AWS::S3::Bucket", {"DeletionPolicy": "Retain"})
    assert kept.startswith("Kept")


def test_a_table_that_stays_protected_is_refused(stack: Stack) -> None:
    """CDK writes it with the template."""
    key = dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING)
    dynamodb.TableV2(stack, "Table", partition_key=key, deletion_protection=True)
    make_disposable(stack)

    with pytest.raises(RuntimeError, match="needs tables that may be deleted, got deletion_protection: Test/Table"):
        Template.from_stack(stack)


def test_a_lock_is_refused(stack: Stack) -> None:
    """Such a bucket cannot be emptied before the lock ends."""
    LogArchive(stack, "LogArchive", object_lock=s3.ObjectLockRetention.compliance(Duration.days(1)))

    with pytest.raises(ValueError, match="no bucket with an object lock, got: Test/LogArchive/Bucket/Resource"):
        make_disposable(stack)


def test_what_is_made_later_is_refused(stack: Stack) -> None:
    """It would be left."""
    make_disposable(stack)
    HttpEndpoint(stack, "Endpoint", network=network_in(stack), access_log_bucket=s3.Bucket(stack, "Late"))
    ecr.Repository(stack, "Images")

    with pytest.raises(RuntimeError, match="make_disposable must be called when all is made") as error:
        stack.node.root.synth()  # type: ignore[attr-defined] # the app
    assert "Test/Late/Resource" in str(error.value)
    assert "Test/Endpoint/LoadBalancer/Resource" in str(error.value)
    assert "Test/Images/Resource" in str(error.value)
