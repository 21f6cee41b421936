"""What starts the first task of a service that may have none."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
from aws_cdk import Acknowledgment, App, CfnParameter, Stack, Token, Validations
from aws_cdk import aws_applicationautoscaling as applicationautoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ecs as ecs

from fargate_constructs import AuditedCluster, FargateService, Scaling
from tests.modes.made_elsewhere import IMAGE, network_in

EVENING = applicationautoscaling.Schedule.cron(hour="22", minute="0")
MORNING = applicationautoscaling.Schedule.cron(hour="6", minute="0")
WAITING = cloudwatch.Metric(namespace="AWS/SQS", metric_name="ApproximateNumberOfMessagesVisible")
CPU = cloudwatch.Metric(namespace="AWS/ECS", metric_name="CPUUtilization")
PERCENT = applicationautoscaling.AdjustmentType.PERCENT_CHANGE_IN_CAPACITY
STEP_DOWN = {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": [{"ScalingAdjustment": -1}]}
STEP_UP = {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": [{"ScalingAdjustment": {"Ref": "Number"}}]}
FILLED = {
    "CustomizedMetricSpecification": {
        "Metrics": [
            {"Id": "tasks", "MetricStat": {"Metric": {"Namespace": "AWS/ECS", "MetricName": "CPUUtilization"}}},
            {"Id": "filled", "Expression": "FILL(tasks, 1)"},
        ]
    }
}
NONE, NEVER = Scaling(min=0), Scaling(min=0, max=0)

TaskCount = ecs.ScalableTaskCount


def steps(tasks: TaskCount, **options: Any) -> None:  # noqa: ANN401 - of the L2
    """Scale by steps on a metric."""
    interval = applicationautoscaling.ScalingInterval
    changes = [interval(upper=0, change=-100), interval(lower=1, change=100)]
    tasks.scale_on_metric("Steps", metric=WAITING, scaling_steps=changes, **options)


def night(tasks: TaskCount, most: int = 0) -> None:
    """Let no task run from the evening on."""
    tasks.scale_on_schedule("Night", schedule=EVENING, min_capacity=0, max_capacity=most)


def morning(tasks: TaskCount, least: int = 2) -> None:
    """Let tasks run again."""
    tasks.scale_on_schedule("Morning", schedule=MORNING, min_capacity=least, max_capacity=10)


def tracking(tasks: TaskCount, metric: cloudwatch.Metric = WAITING) -> None:
    """Keep the value of a metric."""
    tasks.scale_to_track_custom_metric("Tracked", metric=metric, target_value=1)


def policy(tasks: TaskCount, **configurations: object) -> None:
    """Add a policy as CloudFormation has it."""
    made = applicationautoscaling.CfnScalingPolicy(tasks, "Policy", policy_name="policy", policy_type="StepScaling")
    made.add_property_override("ScalingTargetId", target_of(tasks).ref)
    for kind, value in configurations.items():
        made.add_property_override(f"{kind}ScalingPolicyConfiguration", value)


def target_of(tasks: TaskCount) -> applicationautoscaling.CfnScalableTarget:
    """Return the scalable target's resource."""
    return cast(applicationautoscaling.CfnScalableTarget, tasks.node.find_child("Target").node.default_child)


def named(tasks: TaskCount) -> None:
    """Add a policy that names the service, and not the scalable target."""
    policy(tasks, Step=STEP_UP)
    made = cast(applicationautoscaling.CfnScalingPolicy, tasks.node.find_child("Policy"))
    made.add_property_deletion_override("ScalingTargetId")
    made.add_property_override("ResourceId", target_of(tasks).resource_id)


def removed(tasks: TaskCount) -> None:
    """Remove the scalable target, and all that scales it."""
    tasks.node.try_remove_child("Target")


# By the service's name: its scaling, what a caller adds, and whether synthesis warns.
SERVICES: dict[str, tuple[Scaling, Sequence[Callable[[TaskCount], None]], bool]] = {
    "Two": (Scaling(), [], False),
    "None": (NONE, [], True),
    "Never": (NEVER, [], False),
    "KnownWhenDeployed": (Scaling(min=int(Token.as_number({"Ref": "Number"}))), [], False),
    "NightOnly": (Scaling(), [night], True),
    "NightWithRoom": (Scaling(), [partial(night, most=10)], True),
    "NightAndDay": (Scaling(), [night, morning], False),
    "NightAndNone": (Scaling(), [night, partial(morning, least=0)], True),
    "Unknown": (NONE, [partial(morning, least=int(Token.as_number({"Ref": "Number"})))], False),
    "Messages": (NONE, [tracking], False),
    "Cpu": (NONE, [partial(tracking, metric=CPU)], True),
    "Filled": (NONE, [partial(policy, TargetTracking=FILLED)], False),
    "Steps": (NONE, [steps], False),
    "Percent": (NONE, [partial(steps, adjustment_type=PERCENT)], True),
    "PercentAndMore": (NONE, [partial(steps, adjustment_type=PERCENT, min_adjustment_magnitude=1)], False),
    "OnlyDown": (NONE, [partial(policy, Step=STEP_DOWN)], True),
    "Named": (NONE, [named], False),
    "Predictive": (NONE, [policy], False),
    "Removed": (NONE, [removed], False),
    "Acknowledged": (NONE, [], False),
}


def test_synthesis_warns_if_nothing_starts_tasks() -> None:
    """A schedule, a step or a metric that has data without tasks starts the first; a share of no task is no task."""
    app = App()
    stack = Stack(app, "Test")
    network = network_in(stack)
    cluster = AuditedCluster(stack, "Cluster", vpc=network.vpc)
    CfnParameter(stack, "Number", type="Number")
    for name, (scaling, additions, _) in SERVICES.items():
        arguments: dict[str, Any] = {"network": network, "cluster": cluster, "image": IMAGE, "scaling": scaling}
        service = FargateService(stack, name, **arguments)
        for add in additions:
            add(service.scalable_task_count)
    Validations.of(service).acknowledge(Acknowledgment(id="fargate-constructs::nothingStartsTasks", reason="By hand."))

    (report,) = json.loads(Path(app.synth().directory, "validation-report.json").read_text())["pluginReports"]

    warned = {each["violatingConstructs"][0]["constructPath"].removeprefix("Test/") for each in report["violations"]}
    assert warned == {name for name, (_, _, is_warned) in SERVICES.items() if is_warned}
    assert {each["severity"] for each in report["violations"]} == {"warning"}
    assert "no scheduled action with a higher one" in report["violations"][0]["description"]


def test_a_schedule_of_a_service_without_tasks_is_refused() -> None:
    """Each deployment would stop what the schedule has started: the template has the desired count 0."""
    app = App()
    stack = Stack(app, "Test")
    web = FargateService(stack, "Web", network=network_in(stack), image=IMAGE, scaling=NEVER)
    morning(web.scalable_task_count)

    with pytest.raises(RuntimeError, match="Test/Web must have no scheduled action that starts tasks, got: one beside"):
        app.synth()
