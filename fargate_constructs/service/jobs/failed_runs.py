"""What reports the failed runs of a job: a rule for ECS's events, a queue for the messages, and an alarm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as event_targets
from aws_cdk import aws_iam as iam

from fargate_constructs._core.lazy_cdk import aws_sqs as sqs
from fargate_constructs._core.lazy_cdk import aws_stepfunctions as sfn
from fargate_constructs._core.nag_suppressions import acknowledge
from fargate_constructs.service.jobs.run_retries import RunRetries
from fargate_constructs.service.queues.queue_alarms import dead_letter_alarm

if TYPE_CHECKING:
    from fargate_constructs.service.jobs.job import Job

# SQS's maximum
# (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html).
RETENTION_DAYS = 14
# A pattern has at most 2,048 characters, and an ARN up to 140
# (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html).
MACHINES_OF_A_RULE = 10
TO_QUEUE = {"EventBusDLQ": "Its target is a dead-letter queue."}


class FailedRuns:
    """The queue, the rule and the alarm of a job's failed runs. They are children of the job."""

    def __init__(self, job: Job, *, retries: int) -> None:
        self._job = job
        self._machine_rules: list[events.Rule] = []
        self._watched = 0
        self._accepted: list[str] = []
        self.queue = _make_queue(job)
        self._acceptance = iam.PolicyStatement(
            actions=["sqs:SendMessage"],
            principals=[iam.ServicePrincipal("events.amazonaws.com")],
            resources=[self.queue.queue_arn],
        )
        self.rule = _make_rule(job)
        if retries:
            self.rule.add_target(RunRetries(job, "Retries", job=job, failed_runs=self, retries=retries).target())
        else:
            self.rule.add_target(event_targets.SqsQueue(self.queue))
            acknowledge(self.rule, TO_QUEUE)
        text = f"runs of {job.node.path} failed: the messages in its dead-letter queue say why"
        self.alarm = dead_letter_alarm(job, "Alarm", self.queue, text)

    def watch(self, machine: sfn.StateMachine) -> None:
        """Send each failed execution of a state machine to the queue.

        No state can catch all errors, such as a field that is not in the event
        (https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html).
        """
        number, place = divmod(self._watched, MACHINES_OF_A_RULE)
        self._watched += 1
        if place:
            self._machine_rules[number].add_event_pattern(detail={"stateMachineArn": [machine.state_machine_arn]})
            return
        rule = events.Rule(
            self._job,
            f"MachineRule{number or ''}",
            description=f"state machines of {self._job.node.path} that failed",
            event_pattern=events.EventPattern(
                source=["aws.states"],
                detail_type=["Step Functions Execution Status Change"],
                detail={
                    "stateMachineArn": [machine.state_machine_arn],
                    "status": ["FAILED", "TIMED_OUT", "ABORTED"],
                },
            ),
            targets=[event_targets.SqsQueue(self.queue)],
        )
        acknowledge(rule, TO_QUEUE)
        self._machine_rules.append(rule)

    def accept_events_of(self, rule: events.IRule) -> None:
        """Let EventBridge send events of a rule that cannot be delivered to the queue.

        A policy of a queue has at most 20 statements
        (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html), so all rules
        share one. A rule of another stack is not named: its stack depends on the job's.
        """
        stack = Stack.of(self.queue)
        is_near = Stack.of(rule) is stack
        arn = rule.rule_arn if is_near else stack.format_arn(service="events", resource="rule", resource_name="*")
        if arn in self._accepted:
            return
        self._accepted.append(arn)
        self._acceptance.add_condition("ArnLike", {"aws:SourceArn": [*self._accepted]})
        if len(self._accepted) == 1:
            self.queue.add_to_resource_policy(self._acceptance)


def _make_queue(job: Job) -> sqs.Queue:
    """Make the queue that gets a message for each failed run."""
    queue = sqs.Queue(
        job,
        "DeadLetterQueue",
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=Duration.days(RETENTION_DAYS),
        # Its messages are of no use without the job, and expire after two weeks.
        removal_policy=RemovalPolicy.DESTROY,
    )
    is_one = "It is the dead-letter queue of a job."
    acknowledge(queue, {"AwsSolutions-SQS3": is_one, "SQSRedrivePolicy": is_one})
    return queue


def _make_rule(job: Job) -> events.Rule:
    """Make the rule that matches each failed run, also those that a person started.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html
    """
    return events.Rule(
        job,
        "FailureRule",
        description=f"runs of {job.node.path} that failed",
        event_pattern=job._runs.event_pattern(
            {
                "lastStatus": ["STOPPED"],
                "$or": [
                    {"stopCode": [{"anything-but": ["EssentialContainerExited"]}]},
                    # Only the main container's: sidecars are stopped with it, by a signal if necessary.
                    {"containers": {"name": [job.name], "exitCode": [{"anything-but": [0]}]}},
                ],
            }
        ),
    )
