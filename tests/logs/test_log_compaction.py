"""The compaction's resources: when it runs, and what it may do."""

from types import ModuleType

import pytest
from aws_cdk.assertions import Template

from fargate_constructs.logs.log_compaction import LEASE, TIMEOUT
from tests.logs.archives import archive_of, environment, resources, template_of
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


def test_it_may_take_its_lease(lease_code: ModuleType) -> None:
    """The construct allows the key that the code has; the permissions of all modes show what else it may touch."""
    assert lease_code.KEY == LEASE


def test_the_archive_has_one() -> None:
    """By default, with the account checked and its alarm among the archive's."""
    archive = archive_of("direct")

    assert archive.compaction
    assert archive.compaction.alarm in archive.alarms
    variables = environment(template_of("direct"), "compaction.handler.handler")
    assert variables["ARCHIVE_BUCKET_OWNER"] == {"Ref": "AWS::AccountId"}
