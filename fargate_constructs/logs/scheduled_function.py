"""A Lambda that looks after the archive from time to time.

```
schedule ──> [function] ──> archive
                  └ it failed ──> alarm
```
"""

from collections.abc import Mapping
from pathlib import Path

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct


class ScheduledFunction(Construct):
    """A Lambda that runs at a rate, is not retried (its next run goes on), and raises an alarm when a run fails.

    Args:
        scope: The construct that owns the function.
        id: The construct's ID.
        code: The folder that is the whole asset, with a `handler.py`.
        description: What it does, as the console shows it.
        environment: Its environment variables.
        rate: How often it runs.
        memory_size: Its memory in MiB; 1,769 are one vCPU
            (https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html).
        timeout: After how long a run is killed.
        one_at_a_time: Whether two runs must never overlap. This reserves one of the account's concurrent executions;
            Lambda refuses where that leaves fewer than 100, as in an account whose quota was never raised from 10
            (https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html).
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        code: Path,
        description: str,
        environment: Mapping[str, str],
        rate: Duration,
        memory_size: int,
        timeout: Duration,
        one_at_a_time: bool = False,
    ) -> None:
        super().__init__(scope, id)
        self.log_group = logs.LogGroup(
            self, "Logs", retention=logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY
        )
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        self.log_group.grant_write(self.role)
        self.function = lambda_.Function(
            self,
            "Function",
            description=description,
            # Bytecode would give the asset another hash on each machine, and each deployment an upload.
            code=lambda_.Code.from_asset(str(code), exclude=["__pycache__"]),
            handler="handler.handler",
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.ARM_64,
            memory_size=memory_size,
            timeout=timeout,
            role=self.role,
            log_group=self.log_group,
            logging_format=lambda_.LoggingFormat.JSON,
            system_log_level_v2=lambda_.SystemLogLevel.WARN,
            environment=dict(environment),
            reserved_concurrent_executions=1 if one_at_a_time else None,
            retry_attempts=0,
            max_event_age=rate,
        )
        self.rule = events.Rule(
            self,
            "Schedule",
            description=description,
            schedule=events.Schedule.rate(rate),
            targets=[targets.LambdaFunction(self.function)],
        )
        self.alarm = self.function.metric_errors().create_alarm(
            self,
            "Alarm",
            alarm_description=f"{self.node.path}: fails; see {description!r} in its log group",
            threshold=1,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        """Goes off when a run fails; add your own actions."""
