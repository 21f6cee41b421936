"""Where logs go: out of CloudWatch, into S3, where they are cheap to keep and to query.

```
log group ──> subscription ──> [shipper Lambda] ──> S3 ──> Athena
                                      │ what failed
                                      v
                                 failure bucket
```
"""

from pathlib import Path

from aws_cdk import Aws, Duration, RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_logs_destinations as logs_destinations
from aws_cdk import aws_s3 as s3
from constructs import Construct

from fargate_constructs.findings import acknowledge_wildcards
from fargate_constructs.logs.catalog import LogCatalog
from fargate_constructs.logs.failure_bucket import FailureBucket
from fargate_constructs.logs.log_merger import LogMerger
from fargate_constructs.private_bucket import PrivateBucket

SHIPPER = Path(__file__).parent / "shipper"

# A full batch is 1 MB as delivered and some 6 MB of lines, held a few times over at the most
# (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html). Lambda gives CPU by memory:
# at 512 MB a full batch takes about half a second.
SHIPPER_MEMORY_MIB = 512
# Time for the S3 client's own retries of a few objects; Lambda tries the whole batch again after that.
SHIPPER_TIMEOUT = Duration.minutes(1)
# What Lambda does itself before it gives a batch to the failure bucket: both its maximum
# (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html).
RETRY_ATTEMPTS = 2
MAX_EVENT_AGE = Duration.hours(6)

# Glacier Instant Retrieval costs a sixth of S3 Standard, is read without waiting, and is billed for at least 90 days
# (https://aws.amazon.com/s3/pricing/): worth it for logs that nobody has asked for in the first 90. 400 days are a
# year and the month in which somebody asks for it.
COLD_AFTER = Duration.days(90)
EXPIRE_AFTER = Duration.days(400)


class LogArchive(Construct):
    """An S3 bucket of logs, and the Lambda that ships them there within seconds.

    Lines arrive as gzip-compressed newline-delimited JSON under `log_group=<name>/dt=YYYY-MM-DD/hour=HH/`, by the hour
    (UTC) in which they were written. An object's key is made from its content: a batch delivered twice is stored once.
    A batch that cannot be read is put aside whole, under `quarantine/` in the failure bucket. One that cannot be
    stored is tried again and at last kept, whole, in the failure bucket. Each of these raises an alarm.

    ```python
    archive = LogArchive(stack, "LogArchive")
    archive.add_log_group(web.log_group)
    ```

    Args:
        scope: The construct that owns the archive.
        id: The construct's ID.
        bucket: Where to keep the logs. By default a bucket is made: private, TLS only, encrypted, retained when the
            stack is deleted; objects of 128 KB and more move to Glacier Instant Retrieval after 90 days, and all are
            deleted after *expiration*.
        expiration: After how long logs are deleted from the bucket made here. By default 400 days.
        merging: Whether small objects are merged when their hour is two days old, by `LogMerger`. By default they are;
            say False for a bucket of your own that is versioned.

    Raises:
        ValueError: If both *bucket* and *expiration* are given.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        bucket: s3.IBucket | None = None,
        expiration: Duration | None = None,
        merging: bool = True,
    ) -> None:
        _validate_expiration(bucket, expiration)
        super().__init__(scope, id)

        self.bucket = bucket or self._make_bucket(expiration or EXPIRE_AFTER)
        self.failure_bucket = FailureBucket(self, "Failures", expiration=expiration or EXPIRE_AFTER)
        self.log_group = logs.LogGroup(
            self,
            "ShipperLogs",
            retention=logs.RetentionDays.ONE_MONTH,
            removal_policy=RemovalPolicy.DESTROY,
        )
        owner = None if bucket else Aws.ACCOUNT_ID
        self.function = self._make_function(owner=owner)
        self._permission = self._permit_delivery()
        self.alarms = self._make_alarms()
        """What is worth waking somebody for; add your own actions to each."""
        self.catalog = LogCatalog(self, "Catalog", bucket=self.bucket)
        """The table, view, workgroup and saved queries with which the archive is read."""
        self.merger = LogMerger(self, "Merger", bucket=self.bucket, owner=owner) if merging else None
        """What merges small objects, if anything does; its `alarm` is among *alarms*."""
        self.alarms += [each.alarm for each in (self.catalog.log_groups, self.merger) if each]

    def add_log_group(self, log_group: logs.ILogGroup) -> logs.SubscriptionFilter:
        """Ship everything that is written to a log group from now on.

        The subscription becomes the log group's child, so that a stack with a log group depends on the archive's
        stack and never the other way round.

        Args:
            log_group: The log group, of the Standard class.

        Raises:
            ValueError: If it is the shipper's own, which would ship what it logs about shipping, for ever.
        """
        if log_group is self.log_group:
            raise ValueError(
                f"log_group must not be the shipper's own, got: {log_group.node.path}; "
                "every line it shipped would make another",
            )
        subscription = log_group.add_subscription_filter(
            self.node.id,
            destination=logs_destinations.LambdaDestination(self.function, add_permissions=False),
            filter_pattern=logs.FilterPattern.all_events(),
        )
        subscription.node.add_dependency(self._permission)
        return subscription

    def metric_quarantined_batches(self) -> cloudwatch.Metric:
        """How many batches could not be read and were put aside; counted again if one is delivered again."""
        return cloudwatch.Metric(
            namespace="FargateConstructs/LogArchive",
            metric_name="QuarantinedBatches",
            dimensions_map={"FunctionName": self.function.function_name},
            statistic="Sum",
            period=Duration.minutes(5),
        )

    def _make_bucket(self, expiration: Duration) -> PrivateBucket:
        return PrivateBucket(
            self,
            "Bucket",
            lifecycle_rules=[
                s3.LifecycleRule(
                    transitions=[
                        s3.Transition(
                            storage_class=s3.StorageClass.GLACIER_INSTANT_RETRIEVAL, transition_after=COLD_AFTER
                        ),
                    ]
                    if expiration.to_days() > COLD_AFTER.to_days()
                    else None,
                    expiration=expiration,
                ),
            ],
        )

    def _make_role(self) -> iam.Role:
        role = iam.Role(self, "ShipperRole", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        self.log_group.grant_write(role)
        self.failure_bucket.grant_failures(role)
        lines = self.bucket.arn_for_objects("log_group=*")
        role.add_to_policy(iam.PolicyStatement(actions=["s3:PutObject"], resources=[lines]))
        acknowledge_wildcards(role, [lines], reason="Which log groups will be archived, and when, is not known here.")
        if self.bucket.encryption_key:
            self.bucket.encryption_key.grant_encrypt(role)
        return role

    def _make_function(self, *, owner: str | None) -> lambda_.Function:
        return lambda_.Function(
            self,
            "Shipper",
            description="Ships CloudWatch Logs to S3",
            # Bytecode would give the asset another hash on each machine, and each deployment an upload.
            code=lambda_.Code.from_asset(str(SHIPPER), exclude=["__pycache__"]),
            handler="handler.handler",
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.ARM_64,
            memory_size=SHIPPER_MEMORY_MIB,
            timeout=SHIPPER_TIMEOUT,
            role=self._make_role(),
            log_group=self.log_group,
            logging_format=lambda_.LoggingFormat.JSON,
            # Without Lambda's own START and REPORT lines, which would cost more than the shipper's.
            system_log_level_v2=lambda_.SystemLogLevel.WARN,
            environment={
                "ARCHIVE_BUCKET": self.bucket.bucket_name,
                **({"ARCHIVE_BUCKET_OWNER": owner} if owner else {}),
                "FAILURE_BUCKET": self.failure_bucket.bucket_name,
                "FAILURE_BUCKET_OWNER": Aws.ACCOUNT_ID,
            },
            retry_attempts=RETRY_ATTEMPTS,
            max_event_age=MAX_EVENT_AGE,
            on_failure=self.failure_bucket.as_destination(),
        )

    def _permit_delivery(self) -> lambda_.CfnPermission:
        """Let every log group of the account and region deliver: one statement each would fill the policy at 44."""
        return lambda_.CfnPermission(
            self,
            "Delivery",
            action="lambda:InvokeFunction",
            function_name=self.function.function_arn,
            principal="logs.amazonaws.com",
            source_account=Aws.ACCOUNT_ID,
            source_arn=Stack.of(self).format_arn(service="logs", resource="log-group:*"),
        )

    def _make_alarms(self) -> list[cloudwatch.Alarm]:
        dropped, undelivered = (
            self.function.metric(metric, statistic="Sum", period=Duration.minutes(5))
            for metric in ("AsyncEventsDropped", "DestinationDeliveryFailures")
        )
        return [
            self._alarm("Errors", self.function.metric_errors(), "the log shipper fails; Lambda tries again"),
            self._alarm(
                "Throttles", self.function.metric_throttles(), "the log shipper is throttled; Lambda tries again"
            ),
            self._alarm("Dropped", dropped, "Lambda gave up on batches of logs; see the failure bucket"),
            self._alarm(
                "Undelivered", undelivered, "batches of logs reached neither the archive nor the failure bucket"
            ),
            self._alarm("Quarantine", self.metric_quarantined_batches(), "batches of logs could not be read"),
        ]

    def _alarm(self, id: str, metric: cloudwatch.Metric, meaning: str) -> cloudwatch.Alarm:
        """Alarm at the first occurrence: each of these should never happen."""
        return metric.create_alarm(
            self,
            f"{id}Alarm",
            alarm_description=f"{self.node.path}: {meaning}",
            threshold=1,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )


def _validate_expiration(bucket: s3.IBucket | None, expiration: Duration | None) -> None:
    if bucket and expiration:
        raise ValueError(
            f"expiration must be set on the bucket you give, got: {expiration.to_human_string()} beside a bucket",
        )
