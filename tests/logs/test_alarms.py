"""What is worth waking somebody for."""

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Template

from fargate_constructs.logs import Delivery, LogArchive

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


def thresholds(archive: LogArchive) -> dict[str, float]:
    """Each alarm's threshold in the template, by the alarm's ID."""
    template = Template.from_stack(Stack.of(archive)).find_resources("AWS::CloudWatch::Alarm")
    stack = Stack.of(archive)
    alarms = {stack.resolve(alarm.alarm_arn)["Fn::GetAtt"][0]: alarm for alarm in archive.alarms}
    assert alarms.keys() == template.keys()
    by_id = {alarm.node.id: logical_id for logical_id, alarm in alarms.items() if alarm.node.scope is archive}
    for alarm in template.values():
        assert alarm["Properties"]["AlarmDescription"].startswith("Test/LogArchive")
        holds = alarm["Properties"].get("MetricName") == "OldestFailureAge"  # measured once an hour
        assert alarm["Properties"]["TreatMissingData"] == ("ignore" if holds else "notBreaching")
        lasts = alarm["Properties"].get("MetricName") == "Lag"  # one late batch may be a replayed one
        assert alarm["Properties"]["EvaluationPeriods"] == (3 if lasts else 1)
    return {
        id_.removesuffix("Alarm"): template[logical_id]["Properties"]["Threshold"] for id_, logical_id in by_id.items()
    }


@pytest.mark.parametrize("buffered", [False, True], ids=["direct", "buffered"])
def test_every_way_to_fail_has_an_alarm(stack: Stack, buffered: bool) -> None:  # noqa: FBT001 -- a parameter of the test
    """What should never happen at its first occurrence, what is slow at a limit."""
    archive = LogArchive(stack, "LogArchive", delivery=Delivery.buffered() if buffered else None)

    assert thresholds(archive) == SHIPPING | (BUFFERING if buffered else {})


def test_one_alarm_watches_all_subscriptions(stack: Stack) -> None:
    """A query over the name that they share, for there is no end of log groups."""
    archive = LogArchive(stack, "LogArchive")
    archive.add_log_group(logs.LogGroup(stack, "Logs"))

    template = Template.from_stack(stack)
    template.has_resource_properties("AWS::Logs::SubscriptionFilter", {"FilterName": "Test-LogArchive-07FA4CCE"})
    alarms = template.find_resources("AWS::CloudWatch::Alarm").values()
    queries = {alarm["Properties"]["Metrics"][0]["Expression"] for alarm in alarms if "Metrics" in alarm["Properties"]}
    assert queries == {
        "SELECT SUM(DeliveryErrors) FROM \"AWS/Logs\" WHERE FilterName = 'Test-LogArchive-07FA4CCE'",
        "SELECT SUM(DeliveryThrottling) FROM \"AWS/Logs\" WHERE FilterName = 'Test-LogArchive-07FA4CCE'",
    }


def test_actions(stack: Stack) -> None:
    """Each alarm does what you say, and so does one of yours."""
    topic = sns.Topic(stack, "Topic")
    archive = LogArchive(stack, "LogArchive", alarm_actions=[actions.SnsAction(topic)])

    alarm = archive.add_alarm("Cold", archive.function.metric_duration(), "the shipper is slow", threshold=5000)

    assert isinstance(alarm, cloudwatch.Alarm)
    template = Template.from_stack(stack)
    template.all_resources_properties("AWS::CloudWatch::Alarm", {"AlarmActions": [stack.resolve(topic.topic_arn)]})
    template.has_resource_properties(
        "AWS::CloudWatch::Alarm", {"Threshold": 5000, "AlarmDescription": "Test/LogArchive: the shipper is slow"}
    )
    assert thresholds(archive)["Cold"] == 5000


def test_metrics_have_the_shippers_name(stack: Stack) -> None:
    """What the functions count is found under the shipper's name."""
    archive = LogArchive(stack, "LogArchive")
    metrics = [
        archive.metric_quarantined_batches(),
        archive.replayer.metric_waiting_failures(),
        archive.replayer.metric_oldest_failure_age(),
    ]

    assert [metric.metric_name for metric in metrics] == ["QuarantinedBatches", "WaitingFailures", "OldestFailureAge"]
    assert all(metric.namespace == "FargateConstructs/LogArchive" for metric in metrics)
    assert all(metric.dimensions == {"FunctionName": archive.function.function_name} for metric in metrics)


def test_no_alarm_is_left_alone() -> None:
    """Without actions, alarms have none."""
    stack = Stack(App(), "Test")
    LogArchive(stack, "LogArchive")

    for alarm in Template.from_stack(stack).find_resources("AWS::CloudWatch::Alarm").values():
        assert "AlarmActions" not in alarm["Properties"]
