"""How a service scales on the messages of a queue: among its tasks, up from zero, and down to zero.

```
queue ──> messages per task ──> target tracking: 1 to max
     ├──> messages that no task takes ──> step: 0 to 1 or more
     └──> no message for a quarter of an hour ──> step: all to 0
```

SQS does not report messages in flight while there are none, nor messages received in a minute without any
(https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html).
`SUM` of a list ignores metrics without data; `+` would have no result.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from aws_cdk import Duration
from aws_cdk import aws_applicationautoscaling as applicationautoscaling
from aws_cdk import aws_ecs as ecs

from fargate_constructs._core.lazy_cdk import aws_cloudwatch as cloudwatch
from fargate_constructs._core.lazy_cdk import aws_sqs as sqs
from fargate_constructs._core.unresolved import is_unresolved

# Messages of the queue, those in process included: otherwise a task that works would count as idle.
BACKLOG = "SUM([waiting, in_flight])"
# What a service without messages tracks instead of 0, so that target tracking leaves it its last task. Its alarm may
# still be raised when the first message comes, and would stop the task that starts for it. The step below has no such
# alarm: one datapoint with a message ends it.
ALMOST_NONE = 0.01
# The minutes without a message before the last task stops. A queue that was not used for six hours may report 15
# minutes late
# (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/monitoring-using-cloudwatch.html).
QUIET_MINUTES = 15
# A started task takes messages before a second step starts others: the time for its image, and for SQS's next metric.
START_MINUTES = 5
# At most 20 steps
# (https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-limits.html).
MAX_STEPS = 10
ALL = -100  # percent


def backlog_per_task(
    service: ecs.FargateService, queue: sqs.IQueue, *, to_zero: bool
) -> tuple[str, Mapping[str, cloudwatch.Metric]]:
    """Return the expression that target tracking keeps, and its metrics."""
    messages = _messages(queue)
    metrics = {
        "waiting": messages["waiting"],
        "in_flight": messages["in_flight"],
        # Each task reports its CPU once a minute, so the sample count is the number of tasks
        # (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/cloudwatch-metrics.html).
        "tasks": service.metric_cpu_utilization(statistic="SampleCount"),
    }
    backlog = f"IF({BACKLOG} > 0, {BACKLOG}, {ALMOST_NONE})" if to_zero else BACKLOG
    return f"{backlog} / tasks", metrics


class ZeroSteps:
    """The steps from zero tasks and back, which target tracking does not have: without a task it has no data.

    No message is visible and at the same time none, so the two steps are never taken together. Application Auto Scaling
    does not block a step because target tracking would keep more tasks
    (https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html).
    """

    def __init__(self, target: applicationautoscaling.ScalableTarget, id: str, *, queue: sqs.IQueue) -> None:
        self._target = target
        self._id = id
        self._path = target.node.path.removesuffix("/Service/TaskCount/Target")
        self._metrics = cast(Mapping[str, cloudwatch.IMetric], _messages(queue))

    def start(self, messages_per_task: float, max_tasks: float) -> None:
        """Start tasks for messages that wait while none is in flight and none was received."""
        policy = self._step(
            "Start",
            "IF(SUM([waiting, in_flight, received]) > waiting, 0, waiting)",
            steps=_steps(messages_per_task, max_tasks),
            adjustment=applicationautoscaling.AdjustmentType.CHANGE_IN_CAPACITY,
            minutes=1,
        )
        _describe(policy.upper_alarm, f"{self._path}: messages wait, and no task takes them")

    def stop(self) -> None:
        """Stop all tasks when no message was waiting, in flight or received for some time."""
        policy = self._step(
            "Stop",
            "SUM([waiting, in_flight, received])",
            steps=[_interval(upper=0, change=ALL), _interval(lower=1, change=0)],
            adjustment=applicationautoscaling.AdjustmentType.PERCENT_CHANGE_IN_CAPACITY,
            minutes=QUIET_MINUTES,
        )
        _describe(policy.lower_alarm, f"{self._path}: no message for {QUIET_MINUTES} minutes")

    def _step(
        self,
        id: str,
        expression: str,
        *,
        steps: list[applicationautoscaling.ScalingInterval],
        adjustment: applicationautoscaling.AdjustmentType,
        minutes: int,
    ) -> applicationautoscaling.StepScalingPolicy:
        return applicationautoscaling.StepScalingPolicy(
            self._target,
            f"{self._id}{id}",
            scaling_target=self._target,
            metric=cloudwatch.MathExpression(
                expression=expression, using_metrics=self._metrics, label="messages", period=Duration.minutes(1)
            ),
            scaling_steps=steps,
            adjustment_type=adjustment,
            cooldown=Duration.minutes(START_MINUTES),
            evaluation_periods=minutes,
            datapoints_to_alarm=minutes,
            metric_aggregation_type=applicationautoscaling.MetricAggregationType.MAXIMUM,
        )


def _steps(messages_per_task: float, max_tasks: float) -> list[applicationautoscaling.ScalingInterval]:
    """Return how many tasks start for how many messages: one, and powers of two of them, never more than needed."""
    sizes = [2**power for power in range(1, MAX_STEPS) if is_unresolved(max_tasks) or 2**power <= max_tasks]
    return [
        _interval(upper=1, change=0),
        _interval(lower=1, change=1),
        *(_interval(lower=size * messages_per_task, change=size) for size in sizes),
    ]


def _interval(**arguments: float) -> applicationautoscaling.ScalingInterval:
    return applicationautoscaling.ScalingInterval(**arguments)


def _messages(queue: sqs.IQueue) -> Mapping[str, cloudwatch.Metric]:
    """Return a queue's metrics that tell its messages, which SQS sends once a minute."""
    minute = Duration.minutes(1)
    return {
        "waiting": queue.metric_approximate_number_of_messages_visible(period=minute),
        "in_flight": queue.metric_approximate_number_of_messages_not_visible(period=minute),
        "received": queue.metric_number_of_messages_received(period=minute),
    }


def _describe(alarm: cloudwatch.Alarm | None, meaning: str) -> None:
    resource = cast(cloudwatch.Alarm, alarm).node.default_child
    cast(cloudwatch.CfnAlarm, resource).alarm_description = meaning
