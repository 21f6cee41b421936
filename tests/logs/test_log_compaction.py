"""The compaction's resources: when it runs, and what it may do."""

import json
from types import ModuleType

import pytest
from aws_cdk.assertions import Template

from fargate_constructs.logs.log_compaction import TIMEOUT
from tests.logs.archives import archive_of, environment, resources, statements, template_of
from tests.logs.deployed import load


@pytest.fixture(scope="module")
def lease_code() -> ModuleType:
    """The function's code about leases."""
    lease: ModuleType = load({"AWS_DEFAULT_REGION": "eu-west-1"}, "compaction")["lease"]
    return lease


@pytest.fixture(scope="module")
def template() -> Template:
    """The template of a compaction of somebody's bucket, beside a catalog."""
    return template_of("read-and-merged")


def test_it_runs_every_hour(template: Template) -> None:
    """A failed run is not tried again before the next, and raises an alarm; no concurrency has to be reserved."""
    template.has_resource_properties("AWS::Events::Rule", {"ScheduleExpression": "rate(1 hour)"})
    (function,) = (
        each
        for each in resources(template, "AWS::Lambda::Function").values()
        if each["Handler"] == "compaction.handler.handler"
    )
    assert "ReservedConcurrentExecutions" not in function
    assert (function["Timeout"], function["Runtime"], function["Architectures"]) == (900, "python3.14", ["arm64"])
    assert function["Environment"]["Variables"] == {"ARCHIVE_BUCKET": "all-logs"}
    template.has_resource_properties(
        "AWS::Lambda::EventInvokeConfig", {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 3600}
    )
    template.has_resource_properties("AWS::CloudWatch::Alarm", {"MetricName": "Errors", "Threshold": 1})


def test_a_lease_outlasts_a_run(lease_code: ModuleType) -> None:
    """When a lease may be taken over, Lambda has killed its holder minutes ago."""
    assert lease_code.LASTS.total_seconds() >= TIMEOUT.to_seconds() + 300


def test_it_may_touch_lines_alone(template: Template, lease_code: ModuleType) -> None:
    """It reads, writes and deletes below `log_group=`, and nowhere else but for its lease."""
    own, lines, lease, prefixes, bucket = statements(template, "MergerFunctionRole")

    assert own["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    assert set(lines["Action"]) == {"s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"}
    assert json.dumps(lines["Resource"]).endswith(':s3:::all-logs/log_group=*"]]}')
    assert set(lease["Action"]) == {"s3:GetObject", "s3:PutObject"}
    assert json.dumps(lease["Resource"]).endswith(f':s3:::all-logs/{lease_code.KEY}"]]}}')
    assert prefixes["Condition"] == {"StringLike": {"s3:prefix": ["log_group=*", lease_code.KEY]}}
    assert set(bucket["Action"]) == {"s3:GetBucketVersioning", "s3:ListBucketMultipartUploads"}


def test_the_archive_has_one() -> None:
    """By default, with the account checked and its alarm among the archive's; without compaction there is none."""
    archive, without = archive_of("direct"), archive_of("versioned")

    assert archive.compaction
    assert archive.compaction.alarm in archive.alarms
    assert without.compaction is None
    assert len(without.alarms) == len(archive.alarms) - 1
    variables = environment(template_of("direct"), "compaction.handler.handler")
    assert variables["ARCHIVE_BUCKET_OWNER"] == {"Ref": "AWS::AccountId"}
