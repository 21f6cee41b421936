"""The merger's resources: when it runs, and what it may do."""

import json
from types import ModuleType
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Match, Template

from fargate_constructs import LogArchive
from fargate_constructs.logs.log_merger import MERGER_TIMEOUT, LogMerger
from tests.audit import all_feature_flags, findings, spread_policies
from tests.logs.deployed import load


@pytest.fixture(scope="module")
def lease_code() -> ModuleType:
    """The function's code about leases."""
    lease: ModuleType = load({"AWS_DEFAULT_REGION": "eu-west-1"}, "merger")["lease"]
    return lease


def make(stack: Stack, **options: Any) -> LogMerger:  # noqa: ANN401  # a bucket's attributes
    """A merger of somebody's bucket."""
    bucket = s3.Bucket.from_bucket_attributes(stack, "Bucket", bucket_name="all-logs", **options)
    return LogMerger(stack, "Merger", bucket=bucket)


@pytest.fixture(scope="module")
def template() -> Template:
    """The template of a merger alone."""
    stack = Stack(App(), "Test")
    make(stack)
    return Template.from_stack(stack)


def test_it_runs_every_hour(template: Template) -> None:
    """A failed run is not tried again before the next, and raises an alarm; no concurrency has to be reserved."""
    template.has_resource_properties("AWS::Events::Rule", {"ScheduleExpression": "rate(1 hour)"})
    template.has_resource_properties(
        "AWS::Lambda::Function",
        {
            "ReservedConcurrentExecutions": Match.absent(),
            "Timeout": 900,
            "Runtime": "python3.14",
            "Architectures": ["arm64"],
            "Environment": {"Variables": {"ARCHIVE_BUCKET": "all-logs", "ARCHIVE_BUCKET_OWNER": Match.absent()}},
        },
    )
    template.has_resource_properties(
        "AWS::Lambda::EventInvokeConfig", {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 3600}
    )
    template.has_resource_properties("AWS::CloudWatch::Alarm", {"MetricName": "Errors", "Threshold": 1})


def test_a_lease_outlasts_a_run(lease_code: ModuleType) -> None:
    """When a lease may be taken over, Lambda has killed its holder minutes ago."""
    assert lease_code.LASTS.total_seconds() >= MERGER_TIMEOUT.to_seconds() + 300


def test_it_may_touch_lines_alone(template: Template, lease_code: ModuleType) -> None:
    """It reads, writes and deletes below `log_group=`, and nowhere else but for its lease."""
    [policy] = template.find_resources("AWS::IAM::Policy").values()
    own, lines, lease, listed, bucket = policy["Properties"]["PolicyDocument"]["Statement"]

    assert own["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    assert set(lines["Action"]) == {"s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"}
    assert json.dumps(lines["Resource"]).endswith(':s3:::all-logs/log_group=*"]]}')
    assert set(lease["Action"]) == {"s3:GetObject", "s3:PutObject"}
    assert json.dumps(lease["Resource"]).endswith(f':s3:::all-logs/{lease_code.KEY}"]]}}')
    assert listed["Condition"] == {"StringLike": {"s3:prefix": ["log_group=*", lease_code.KEY]}}
    assert set(bucket["Action"]) == {"s3:GetBucketVersioning", "s3:ListBucketMultipartUploads"}


def test_a_key_of_ones_own() -> None:
    """With a KMS key it may read with it, and write."""
    stack = Stack(App(), "Test")
    make(stack, encryption_key=kms.Key(stack, "Key"))

    policies = json.dumps(Template.from_stack(stack).find_resources("AWS::IAM::Policy"))
    assert "kms:Decrypt" in policies
    assert "kms:GenerateDataKey" in policies


def test_the_audit_and_the_flags() -> None:
    """Nothing is found, and no feature flag changes anything."""
    templates = []
    for context in ({}, all_feature_flags()):
        app = App(context=context)
        stack = Stack(app, "Test")
        make(stack)
        assert findings(app) == []
        templates.append(spread_policies(dict(Template.from_stack(stack).to_json())))
    assert templates[0] == templates[1]


def test_the_archive_has_one() -> None:
    """By default, with the account checked and its alarm among the archive's; without merging there is none."""
    with_it, without = (LogArchive(Stack(App(), "Test"), "Archive", merging=merging) for merging in (True, False))

    assert with_it.merger
    assert with_it.merger.alarm in with_it.alarms
    assert without.merger is None
    assert len(without.alarms) == len(with_it.alarms) - 1
    Template.from_stack(Stack.of(with_it)).has_resource_properties(
        "AWS::Lambda::Function",
        {
            "Environment": {"Variables": Match.object_like({"ARCHIVE_BUCKET_OWNER": {"Ref": "AWS::AccountId"}})},
        },
    )
