"""The queue of a worker: what is made, and what a given one must be like."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import cast

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_kms as kms
from constructs import Construct

from fargate_constructs._core.construct_paths import path_of
from fargate_constructs._core.lazy_cdk import aws_sqs as sqs
from fargate_constructs._core.nag_suppressions import acknowledge
from fargate_constructs._core.unresolved import is_unresolved
from fargate_constructs._core.validation import seconds_of, validate_range, validate_seconds
from fargate_constructs.service.fargate_task import STOP_TIMEOUT_SECONDS, STOP_TIMEOUTS

# The longest time that a message may be hidden, and the default of a queue
# (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html).
MAX_VISIBILITY_TIMEOUT = 12 * 60 * 60
VISIBILITY_TIMEOUT = 30
# How often the average message fits into the timeout: what AWS advises for Lambda functions
# (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html).
MESSAGES_IN_TIMEOUT = 6
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
MAX_RECEIVES = 1000
# A message that a stopped task gave back counts as received, too. AWS advises at least 5 for Lambda functions.
RECEIVES = 5
# Days. The maximum: a message keeps its age when it moves there, so this must be longer than the queue's own 4 days.
DEAD_LETTER_DAYS = 14


class VisibilityTimeout:
    """How long a message that a task received is hidden from other tasks: as long as work takes, also after SIGTERM."""

    def __init__(self, message_duration: float, stop_timeout: Duration | None) -> None:
        given = STOP_TIMEOUT_SECONDS if stop_timeout is None else seconds_of(stop_timeout)
        self._stop = STOP_TIMEOUTS[1] if given is None else given  # None is a token
        self._message = message_duration

    def default(self) -> Duration:
        """Return the timeout of a queue that is made here."""
        seconds = math.ceil(MESSAGES_IN_TIMEOUT * self._message + self._stop)
        return Duration.seconds(min(seconds, MAX_VISIBILITY_TIMEOUT))

    def validate(self, timeout: Duration | None) -> None:
        """Refuse the timeout of a queue that is made here if SQS would refuse it, or if it is too short."""
        validate_seconds("visibility_timeout", timeout, 0, MAX_VISIBILITY_TIMEOUT)
        if timeout:
            self._validate("visibility_timeout", seconds_of(timeout))

    def validate_queue(self, queue: sqs.IQueue) -> None:
        """Refuse a queue of this app with a timeout that is too short; that of an imported one is not known."""
        resource = queue.node.default_child
        if isinstance(resource, sqs.CfnQueue):
            timeout = VISIBILITY_TIMEOUT if resource.visibility_timeout is None else resource.visibility_timeout
            self._validate(f"the visibility timeout of {path_of(queue)}", timeout)

    def _validate(self, name: str, timeout: float | None) -> None:
        """Refuse a timeout after which another task would get a message that the first one still works on."""
        if timeout is not None and timeout < max(self._message, self._stop) and not is_unresolved(timeout):
            raise ValueError(
                f"{name} must be at least message_duration ({self._message:g} seconds) and stop_timeout "
                f"({self._stop:g} seconds), got: {timeout:g} seconds; otherwise two tasks work on one message"
            )


def validate_queue(queue: sqs.IQueue | None, settings: Mapping[str, object], timeout: VisibilityTimeout) -> None:
    """Refuse a given queue with a timeout that is too short, or with settings of a queue that is made here."""
    validate_range("max_receive_count", cast("int | None", settings["max_receive_count"]), 1, MAX_RECEIVES)
    if queue:
        for name in (name for name, value in settings.items() if value):
            raise ValueError(f"{name} is of a queue made here, got a queue as well: {path_of(queue)}; set it there")
        timeout.validate_queue(queue)


def make_queues(
    scope: Construct,
    *,
    fifo: bool,
    encryption_key: kms.IKey | None,
    visibility_timeout: Duration,
    max_receive_count: int | None,
) -> sqs.Queue:
    """Make a queue and its dead-letter queue: encrypted, TLS only, kept with their messages."""
    encryption = sqs.QueueEncryption.KMS if encryption_key else sqs.QueueEncryption.SQS_MANAGED
    dead_letters = sqs.Queue(
        scope,
        "DeadLetters",
        fifo=fifo or None,
        encryption=encryption,
        encryption_master_key=encryption_key,
        enforce_ssl=True,
        retention_period=Duration.days(DEAD_LETTER_DAYS),
        removal_policy=RemovalPolicy.RETAIN,
    )
    acknowledge(dead_letters, {"SQSRedrivePolicy": "It is the dead-letter queue of a worker."})
    return sqs.Queue(
        scope,
        "Queue",
        fifo=fifo or None,
        encryption=encryption,
        encryption_master_key=encryption_key,
        enforce_ssl=True,
        visibility_timeout=visibility_timeout,
        dead_letter_queue=sqs.DeadLetterQueue(
            queue=cast(sqs.IQueue, dead_letters), max_receive_count=max_receive_count or RECEIVES
        ),
        removal_policy=RemovalPolicy.RETAIN,
    )
