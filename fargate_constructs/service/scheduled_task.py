"""A task that runs by the clock, and what tells of a run that failed.

```
EventBridge Scheduler ──> [ScheduledTask] ──> task
         │ not started                         │ failed
         └────────────> dead-letter queue <────┘ ──> alarm
```
"""

from typing import Unpack

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as event_targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as scheduler_targets
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from fargate_constructs._core.arguments import checked
from fargate_constructs._core.nag_suppressions import ALARM, INLINE_POLICY, acknowledge
from fargate_constructs._core.schedule_expressions import validate_schedule
from fargate_constructs._core.validation import validate_range, validate_seconds
from fargate_constructs.service.job import Job
from fargate_constructs.service.task_arguments import TaskArguments

# https://docs.aws.amazon.com/scheduler/latest/APIReference/API_RetryPolicy.html
MOST_RETRIES = 185
EVENT_AGES = (60, 86_400)  # seconds
# The longest that SQS keeps a message
# (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html).
RETENTION = Duration.days(14)


class ScheduledTask(Job):
    """A task that EventBridge Scheduler starts by the clock, with an alarm for the runs that failed.

    A run that could not be started is tried again for an hour. One that never started, and one that ended with
    another exit code than 0, failed to start its containers or was stopped, leaves a message in `dead_letter_queue`
    that says why, and `alarm` rings until the queue is empty. Give it an action: `alarm.add_alarm_action(...)`.

    A run starts whether or not the last one has ended, and in rare cases twice, since the scheduler promises at least
    one start (https://docs.aws.amazon.com/scheduler/latest/UserGuide/what-is-scheduler.html): let the job take a lock
    if two must not run at once. Nothing ends a run that hangs: let its command limit itself, by `timeout 3600 …`.

    ```python
    report = ScheduledTask(
        stack,
        "Report",
        network=network,
        image=image,
        command=["./report.py"],
        schedule=scheduler.ScheduleExpression.cron(minute="15", hour="3", time_zone=TimeZone.EUROPE_BERLIN),
    )
    ```

    Args:
        scope: The construct that owns the task.
        id: The construct's ID.
        schedule: When it runs: a `ScheduleExpression` of `aws_scheduler`, which carries its time zone, by default UTC.
            A `cron(...)` that does not name the `minute` runs in each; a `rate(...)` begins with the deployment.
        retry_attempts: How often a start that failed is repeated, 0 to 185, less and less often. By default 185: as
            long as *max_event_age* lets it.
        max_event_age: How late a run may start, 1 minute to 24 hours. By default 1 hour.
        task: What a task is made of: `network`, `image` and the other arguments of `FargateTask`.

    Raises:
        TypeError: If an argument has another type than its annotation.
        ValueError: If *schedule* is none that the scheduler takes, *retry_attempts* or *max_event_age* is out of its
            range, or as `FargateTask` does.
    """

    @checked
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        schedule: scheduler.ScheduleExpression,
        retry_attempts: int = MOST_RETRIES,
        max_event_age: Duration | None = None,
        **task: Unpack[TaskArguments],
    ) -> None:
        validate_schedule("schedule", schedule)
        max_event_age = max_event_age or Duration.hours(1)
        validate_range("retry_attempts", retry_attempts, 0, MOST_RETRIES)
        validate_seconds("max_event_age", max_event_age, *EVENT_AGES)
        super().__init__(scope, id, **task)

        self.dead_letter_queue = self._make_queue()
        self.role = self._make_role()
        self.schedule = scheduler.Schedule(
            self,
            "Schedule",
            schedule=schedule,
            description=f"runs {self.node.path}",
            target=scheduler_targets.EcsRunFargateTask(
                self.cluster,
                task_definition=self.task_definition,
                vpc_subnets=ec2.SubnetSelection(subnets=self._network.task_subnets),
                security_groups=self._security_groups,
                assign_public_ip=False,
                capacity_provider_strategies=self._capacity.strategies() if self._capacity else None,
                enable_ecs_managed_tags=True,
                propagate_tags=True,
                retry_attempts=retry_attempts,
                max_event_age=max_event_age,
                dead_letter_queue=self.dead_letter_queue,
                # By default all tasks of a cluster would share one role, which may run them in any cluster.
                role=self.role.without_policy_updates(),
            ),
        )
        # A rate begins as soon as it is made.
        self.schedule.node.add_dependency(self.role, *self._needs())
        self.failure_rule = self._make_failure_rule()
        self.alarm = self._make_alarm()

    def _make_queue(self) -> sqs.Queue:
        queue = sqs.Queue(
            self,
            "DeadLetterQueue",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=RETENTION,
            # What it holds are notices, which end with the job, and after two weeks anyway.
            removal_policy=RemovalPolicy.DESTROY,
        )
        is_one = "It is a dead-letter queue, of a schedule and not of a queue."
        acknowledge(queue, {"AwsSolutions-SQS3": is_one, "SQSRedrivePolicy": is_one})
        return queue

    def _make_role(self) -> iam.Role:
        stack = Stack.of(self)
        # A schedule's role can be tied to its group, not to the schedule itself
        # (https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html).
        group = stack.format_arn(service="scheduler", resource="schedule-group", resource_name="default")
        role = iam.Role(
            self,
            "SchedulerRole",
            assumed_by=iam.ServicePrincipal(
                "scheduler.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": stack.account, "aws:SourceArn": group}},
            ),
        )
        acknowledge(role, INLINE_POLICY)
        self._grant_run(role)
        role.add_to_policy(
            iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[self.dead_letter_queue.queue_arn])
        )
        return role

    def _make_failure_rule(self) -> events.Rule:
        """Send the news of each failed run to the queue, whoever started it.

        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html
        """
        rule = events.Rule(
            self,
            "FailureRule",
            description=f"runs of {self.node.path} that failed",
            event_pattern=events.EventPattern(
                source=["aws.ecs"],
                detail_type=["ECS Task State Change"],
                detail={
                    "clusterArn": [self.cluster.cluster_arn],
                    "taskDefinitionArn": [{"prefix": f"{self._family_arn}:"}],
                    "lastStatus": ["STOPPED"],
                    "$or": [
                        {"stopCode": [{"anything-but": ["EssentialContainerExited"]}]},
                        # The main container's alone: sidecars are stopped when it ends, by a signal if need be.
                        {"containers": {"name": [self.name], "exitCode": [{"anything-but": [0]}]}},
                    ],
                },
            ),
            targets=[event_targets.SqsQueue(self.dead_letter_queue)],
        )
        acknowledge(rule, {"EventBusDLQ": "Its target is a dead-letter queue."})
        return rule

    def _make_alarm(self) -> cloudwatch.Alarm:
        alarm = cloudwatch.Alarm(
            self,
            "Alarm",
            alarm_description=f"runs of {self.node.path} failed: the messages in its dead-letter queue say why",
            metric=self.dead_letter_queue.metric_approximate_number_of_messages_visible(
                period=Duration.minutes(1), statistic=cloudwatch.Stats.MAXIMUM
            ),
            threshold=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            evaluation_periods=1,
            # SQS falls silent about a queue that nobody touches for six hours, messages or not
            # (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/monitoring-using-cloudwatch.html).
            treat_missing_data=cloudwatch.TreatMissingData.IGNORE,
        )
        acknowledge(alarm, ALARM)
        return alarm
