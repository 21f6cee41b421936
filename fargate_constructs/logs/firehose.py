"""Buffered delivery: Data Firehose writes few large objects instead of many small ones."""

from collections.abc import Sequence
from functools import cached_property

from aws_cdk import Aws, Duration, RemovalPolicy, Size, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesisfirehose as firehose
from aws_cdk import aws_logs as logs
from aws_cdk import aws_logs_destinations as logs_destinations
from aws_cdk import aws_s3 as s3
from constructs import Construct

from fargate_constructs._core.account_trust import service_principal
from fargate_constructs._core.nag_suppressions import INLINE_POLICY, LOG_GROUP, acknowledge, acknowledge_wildcards
from fargate_constructs.logs.archive_function import NAME_IF_NEEDED, ShipperFunction
from fargate_constructs.logs.delivery import Delivery
from fargate_constructs.logs.failure_bucket import FailureBucket
from fargate_constructs.logs.replay import STREAM_FAILURE_PREFIX
from fargate_constructs.logs.subscriptions import SubscriptionTarget

# Data Firehose's limit for the function's time
# (https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html).
TIMEOUT = Duration.minutes(5)
# Compressed bytes in a call. Their lines, compressed again and in base64, stay far below Lambda's 6 MB.
BATCHES_SIZE = Size.mebibytes(1)
BATCHES_INTERVAL = Duration.minutes(1)
# The maximum time for which Data Firehose retries to write objects of a partition; then they are failures.
RETRY_DURATION = Duration.hours(2)

PARTITION = "/".join(f"{name}=!{{partitionKeyFromLambda:{name}}}" for name in ("log_group", "dt", "hour"))
# An object's name begins with the time of arrival. Data Firehose may add it as folders to a prefix without it
# (https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html).
PREFIX = f"{PARTITION}/!{{timestamp:yyyyMMddHH}}-"


class Firehose(Construct):
    """A Firehose stream that gathers batches of logs, and the function that prepares them."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        delivery: Delivery,
        bucket: s3.IBucket,
        owner: str | None,
        failure_bucket: FailureBucket,
    ) -> None:
        super().__init__(scope, id)
        self.function = ShipperFunction(
            self,
            "Transform",
            description="Prepares batches of CloudWatch Logs for Data Firehose",
            module="transform",
            bucket=bucket,
            owner=owner,
            failure_bucket=failure_bucket,
            timeout=TIMEOUT,
        )
        self.own_log_group = logs.LogGroup(
            self, "StreamLogs", retention=logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY
        )
        acknowledge(self.own_log_group, LOG_GROUP)
        delivery_statements = self._delivery_statements(bucket)
        self.role = self._make_role(bucket, delivery_statements)
        self.bucket_grants: list[tuple[iam.Role, iam.PolicyStatement]] = [
            *self.function.bucket_grants,
            *((self.role, statement) for statement in delivery_statements),
        ]
        """The roles of the function and the stream, and their statements for the bucket."""
        self.stream = firehose.DeliveryStream(
            self,
            "Stream",
            encryption=firehose.StreamEncryption.aws_owned_key(),
            destination=firehose.S3Bucket(
                bucket,
                # CDK's own grants would let the stream delete from the bucket, too.
                role=self.role.without_policy_updates(),
                buffering_size=delivery.buffering_size,
                buffering_interval=delivery.buffering_interval,
                dynamic_partitioning=firehose.DynamicPartitioningProps(enabled=True, retry_duration=RETRY_DURATION),
                data_output_prefix=PREFIX,
                error_output_prefix=f"{STREAM_FAILURE_PREFIX}!{{firehose:error-output-type}}/",
                # No compression, because the function returns each batch as gzip.
                file_extension=".ndjson.gz",
                logging_config=firehose.EnableLogging(self.own_log_group),
                processors=[
                    firehose.LambdaFunctionProcessor(
                        self.function, buffer_size=BATCHES_SIZE, buffer_interval=BATCHES_INTERVAL, retries=3
                    ),
                ],
            ),
        )
        acknowledge(self.role, INLINE_POLICY)
        acknowledge(
            Stack.of(self),
            {
                "CloudFormation-Validate::W7001": "CDK's DeliveryStream adds a mapping of addresses to the "
                "stack, and nothing refers to it.",
            },
        )

    def subscription_target(self) -> SubscriptionTarget:
        """Return the stream as the destination of subscriptions."""
        return SubscriptionTarget(
            logs_destinations.FirehoseDestination(self.stream, role=self._writer.without_policy_updates()),
            {"DestinationArn": self.stream.delivery_stream_arn, "RoleArn": self._writer.role_arn},
            needs=self,
        )

    def drain(self) -> None:
        """Keep the exports until the log groups of other stacks have another subscription.

        Their stacks import them, and CloudFormation cannot delete an export that is imported.
        """
        for imported in (self.stream.delivery_stream_arn, self._writer.role_arn):
            Stack.of(self).export_value(imported)

    def metric(self, name: str, statistic: str) -> cloudwatch.Metric:
        """Return a metric of the stream, with a period of 5 minutes."""
        return self.stream.metric(name, statistic=statistic, period=Duration.minutes(5))

    def _delivery_statements(self, bucket: s3.IBucket) -> list[iam.PolicyStatement]:
        """Return the actions with which Data Firehose writes to a bucket.

        https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html#using-iam-s3
        """
        return [
            iam.PolicyStatement(
                actions=["s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload"],
                resources=[bucket.arn_for_objects(f"{prefix}*") for prefix in ("log_group=", STREAM_FAILURE_PREFIX)],
            ),
            iam.PolicyStatement(
                actions=["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"],
                resources=[bucket.bucket_arn],
            ),
        ]

    def _make_role(self, bucket: s3.IBucket, delivery: Sequence[iam.PolicyStatement]) -> iam.Role:
        statements = [
            *delivery,
            iam.PolicyStatement(
                actions=["lambda:InvokeFunction", "lambda:GetFunctionConfiguration"],
                resources=[self.function.function_arn, f"{self.function.function_arn}:$LATEST"],
            ),
            iam.PolicyStatement(actions=["logs:PutLogEvents"], resources=[self.own_log_group.log_group_arn]),
        ]
        if bucket.encryption_key:
            statements.append(
                iam.PolicyStatement(
                    actions=["kms:GenerateDataKey", "kms:Decrypt"], resources=[bucket.encryption_key.key_arn]
                )
            )
        role = iam.Role(
            self,
            "Role",
            role_name=NAME_IF_NEEDED,
            assumed_by=service_principal("firehose.amazonaws.com"),
            # Part of the role, so that the stream has its permissions when it is created.
            inline_policies={"Deliver": iam.PolicyDocument(statements=statements)},
        )
        objects = delivery[0].resources
        acknowledge_wildcards(role, objects, reason="The log groups and hours that will be archived are not known.")
        return role

    @cached_property
    def _writer(self) -> iam.Role:
        """The role with which CloudWatch Logs writes to the stream, for all log groups."""
        groups = Stack.of(self).format_arn(service="logs", resource="*")
        put = iam.PolicyStatement(
            actions=["firehose:PutRecord", "firehose:PutRecordBatch"], resources=[self.stream.delivery_stream_arn]
        )
        role = iam.Role(
            self,
            "WriterRole",
            # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html#FirehoseExample
            assumed_by=iam.ServicePrincipal(
                "logs.amazonaws.com",
                conditions={
                    "StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID},
                    "StringLike": {"aws:SourceArn": groups},
                },
            ),
            inline_policies={"Put": iam.PolicyDocument(statements=[put])},
        )
        acknowledge(role, INLINE_POLICY)
        return role
