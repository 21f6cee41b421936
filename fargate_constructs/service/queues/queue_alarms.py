"""The alarms of a queue, and of a dead-letter queue."""

from __future__ import annotations

import math

from aws_cdk import Duration
from constructs import Construct

from fargate_constructs._core.construct_paths import path_of
from fargate_constructs._core.lazy_cdk import aws_cloudwatch as cloudwatch
from fargate_constructs._core.lazy_cdk import aws_sqs as sqs
from fargate_constructs._core.nag_suppressions import ALARM, acknowledge
from fargate_constructs._core.threshold_alarm import threshold_alarm

# Scaling keeps the wait near the accepted one, sometimes above it. Twice that is more than scaling can do.
LATE = 2
MINUTES = 3


def age_alarm(
    worker: Construct, queue: sqs.IQueue, *, acceptable_wait: float, message_duration: float
) -> cloudwatch.Alarm:
    """Make the alarm that is raised when messages wait much longer than accepted.

    SQS reports no age of an empty queue
    (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html).
    """
    alarm = threshold_alarm(
        worker,
        "AgeAlarm",
        # The age includes the time in which a task works on the message.
        queue.metric_approximate_age_of_oldest_message(period=Duration.minutes(1)),
        f"{path_of(worker)}: messages wait longer than twice acceptable_wait",
        threshold=math.ceil(LATE * acceptable_wait + message_duration),
        periods=MINUTES,
    )
    acknowledge(alarm, ALARM)
    return alarm


def dead_letter_metric(queue: sqs.IQueue) -> cloudwatch.Metric:
    """Return the number of messages, which a dead-letter queue keeps until a person deletes them."""
    return queue.metric_approximate_number_of_messages_visible(period=Duration.minutes(1))


def dead_letter_alarm(scope: Construct, id: str, queue: sqs.IQueue, description: str) -> cloudwatch.Alarm:
    """Make the alarm that is raised while a dead-letter queue has a message."""
    alarm = threshold_alarm(
        scope,
        id,
        dead_letter_metric(queue),
        description,
        # SQS sends no metrics of a queue without use for six hours, also if it has messages
        # (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/monitoring-using-cloudwatch.html).
        treat_missing_data=cloudwatch.TreatMissingData.IGNORE,
    )
    acknowledge(alarm, ALARM)
    return alarm
