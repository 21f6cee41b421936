"""What is worth waking somebody for."""

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Template

from fargate_constructs.logs.archive_format import ArchiveFormat
from fargate_constructs.logs.log_archive import LogArchive
from tests.logs.archives import archive_of, resources, template_of

SHIPPING = {
    "Errors": 1,
    "Throttles": 1,
    "Age": 300_000,
    "Dropped": 1,
    "Undelivered": 1,
    "Lag": 600_000,
    "Quarantine": 1,
    "ReplayErrors": 1,
    "Waiting": 10_800,
    "DeliveryErrors": 1,
    "DeliveryThrottling": 1,
}
BUFFERING = {
    "TransformLag": 600_000,
    "TransformQuarantine": 1,
    "TransformErrors": 1,
    "TransformThrottles": 1,
    "StreamAge": 2700,
    "Partitions": 1,
}


def thresholds(archive: LogArchive, template: Template) -> dict[str, float]:
    """Each alarm's threshold in the template, by the alarm's ID."""
    stack, alarms = Stack.of(archive), resources(template, "AWS::CloudWatch::Alarm")
    by_logical_id = {stack.resolve(alarm.alarm_arn)["Fn::GetAtt"][0]: alarm for alarm in archive.alarms}
    assert by_logical_id.keys() == alarms.keys()
    for alarm in alarms.values():
        assert alarm["AlarmDescription"].startswith(archive.node.path)
        holds = alarm.get("MetricName") == "OldestFailureAge"  # measured once an hour
        assert alarm["TreatMissingData"] == ("ignore" if holds else "notBreaching")
        lasts = alarm.get("MetricName") == "Lag"  # one late batch may be a replayed one
        assert alarm["EvaluationPeriods"] == (3 if lasts else 1)
    return {
        alarm.node.id.removesuffix("Alarm"): alarms[logical_id]["Threshold"]
        for logical_id, alarm in by_logical_id.items()
        if alarm.node.scope is archive
    }


@pytest.mark.parametrize(("mode", "expected"), [("direct", SHIPPING), ("buffered", SHIPPING | BUFFERING)])
def test_every_way_to_fail_has_an_alarm(mode: str, expected: dict[str, float]) -> None:
    """What should never happen at its first occurrence, what is slow at a limit; without actions, alarms have none."""
    assert thresholds(archive_of(mode), template_of(mode)) == expected
    assert not any("AlarmActions" in each for each in resources(template_of(mode), "AWS::CloudWatch::Alarm").values())


def test_one_alarm_watches_all_subscriptions() -> None:
    """A query over the name that they share, for there is no end of log groups."""
    (subscription,) = resources(template_of("direct"), "AWS::Logs::SubscriptionFilter").values()
    alarms = resources(template_of("direct"), "AWS::CloudWatch::Alarm").values()

    queries = {each["Metrics"][0]["Expression"] for each in alarms if "Metrics" in each}
    assert queries == {
        f"SELECT SUM({metric}) FROM \"AWS/Logs\" WHERE FilterName = '{subscription['FilterName']}'"  # noqa: S608 - no SQL
        for metric in ("DeliveryErrors", "DeliveryThrottling")
    }


def test_actions() -> None:
    """Each alarm does what you say, and so does one of yours."""
    stack = Stack(App(), "Test")
    topic = sns.Topic(stack, "Topic")
    on_alarm = [actions.SnsAction(topic)]
    archive = LogArchive(stack, "LogArchive", archive_format=ArchiveFormat.raw, alarm_actions=on_alarm)

    alarm = archive.add_alarm("Cold", archive.function.metric_duration(), "the shipper is slow", threshold=5000)

    assert isinstance(alarm, cloudwatch.Alarm)
    template = Template.from_stack(stack)
    template.all_resources_properties("AWS::CloudWatch::Alarm", {"AlarmActions": [stack.resolve(topic.topic_arn)]})
    template.has_resource_properties(
        "AWS::CloudWatch::Alarm", {"Threshold": 5000, "AlarmDescription": "Test/LogArchive: the shipper is slow"}
    )
    assert thresholds(archive, template)["Cold"] == 5000


def test_metrics_have_the_shippers_name() -> None:
    """What the functions count is found under the shipper's name."""
    archive = archive_of("direct")
    metrics = [
        archive.metric_quarantined_batches(),
        archive.replay.metric_waiting_failures(),
        archive.replay.metric_oldest_failure_age(),
    ]

    assert [metric.metric_name for metric in metrics] == ["QuarantinedBatches", "WaitingFailures", "OldestFailureAge"]
    assert all(metric.namespace == "FargateConstructs/LogArchive" for metric in metrics)
    assert all(metric.dimensions == {"FunctionName": archive.function.function_name} for metric in metrics)
