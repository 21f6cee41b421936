"""Environments that may go: that nothing is left of one is in tests/emulator/test_disposable.py."""

from typing import Any

import pytest
from aws_cdk import App, Duration, Stack
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_s3 as s3

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
    stack = Stack(app, "Preview")
    FargateWebService(stack, "Shop", image=IMAGE, static_ips=True)
    ecr.Repository(stack, "Images")
    make_disposable(stack)
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
    assert len(balancers) == 2


def test_a_lock_is_refused(stack: Stack) -> None:
    """Nobody empties such a bucket before its time."""
    LogArchive(stack, "LogArchive", object_lock=s3.ObjectLockRetention.compliance(Duration.days(1)))

    with pytest.raises(ValueError, match="no bucket with an object lock, got: Test/LogArchive/Bucket/Resource"):
        make_disposable(stack)


def test_what_is_made_later_is_refused(stack: Stack) -> None:
    """It would be left, though somebody said that nothing is."""
    make_disposable(stack)
    HttpEndpoint(stack, "Endpoint", network=network_in(stack), access_log_bucket=s3.Bucket(stack, "Late"))

    with pytest.raises(RuntimeError, match="make_disposable must be called when all is made") as error:
        stack.node.root.synth()  # type: ignore[attr-defined] # the app
    assert "Test/Late/Resource" in str(error.value)
    assert "Test/Endpoint/LoadBalancer/Resource" in str(error.value)
