"""A deployed `FargateMonitoring`: its composite alarms follow the alarms of parts, and its dashboard names them."""

import json

import pytest
from aws_cdk import App, CfnOutput, Duration, Stack
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sns as sns

from fargate_constructs import FargateMonitoring, ScheduledTask
from tests.emulator.emulator import Emulator
from tests.emulator.updates import DeployedStack
from tests.modes.made_elsewhere import IMAGE, network_in


@pytest.fixture(scope="module")
def stack(aws: Emulator) -> DeployedStack:
    """A stack with a watched job."""
    app = App()
    stack = Stack(app, "Watched")
    hourly = scheduler.ScheduleExpression.rate(Duration.hours(1))
    report = ScheduledTask(stack, "Report", network=network_in(stack), image=IMAGE, schedule=hourly)
    topic = sns.Topic(stack, "OnCall", enforce_ssl=True)
    monitoring = FargateMonitoring(stack, "Monitoring", alarm_actions=[actions.SnsAction(topic)])
    monitoring.watch(report)
    (ticket,) = monitoring.alarms
    for name, value in {
        "Alarm": report.alarm.alarm_name,
        "Ticket": ticket.alarm_name,
        "Topic": topic.topic_arn,
        "Dashboard": monitoring.dashboards[0].dashboard_name,
        "Queue": report.dead_letter_queue.queue_name,
    }.items():
        CfnOutput(stack, name, value=value)
    return DeployedStack(aws, app)


def test_a_ticket_follows_the_alarm_of_a_job(stack: DeployedStack) -> None:
    """It is raised with the job's alarm, is over with it, and has the action."""
    cloudwatch = stack.aws.client("cloudwatch")
    states = []
    for state in ("ALARM", "OK"):
        cloudwatch.set_alarm_state(AlarmName=stack.output("Alarm"), StateValue=state, StateReason="test")
        answer = cloudwatch.describe_alarms(AlarmNames=[stack.output("Ticket")], AlarmTypes=["CompositeAlarm"])
        (ticket,) = answer["CompositeAlarms"]
        states.append(ticket["StateValue"])

    assert states == ["ALARM", "OK"]
    assert ticket["AlarmActions"] == [stack.output("Topic")]


def test_the_dashboard_is_json_with_the_names_of_what_is_deployed(stack: DeployedStack) -> None:
    """Its body has the job's queue, and the alarms by their ARNs."""
    answer = stack.aws.client("cloudwatch").get_dashboard(DashboardName=stack.output("Dashboard"))
    alarms, *_ = widgets = json.loads(answer["DashboardBody"])["widgets"]

    assert stack.output("Queue") in json.dumps(widgets)
    assert {each.rpartition(":")[2] for each in alarms["properties"]["alarms"]} == {
        stack.output("Alarm"),
        stack.output("Ticket"),
    }
