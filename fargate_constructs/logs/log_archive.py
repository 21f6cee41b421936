"""The archive: logs go out of CloudWatch into S3, where they are cheap to keep and to query.

```
log group ──> subscription ──> [shipper Lambda] ──> S3 ──> Athena
                                │ what failed  ^
                                v              │
                          failure bucket ──> replay Lambda
```
"""

from collections.abc import Sequence

from aws_cdk import Aws, Resource, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from fargate_constructs._core.access_log_checks import why_no_access_logs
from fargate_constructs._core.arguments import checked
from fargate_constructs._core.environment_checks import may_be_same
from fargate_constructs._core.private_bucket import PrivateBucket
from fargate_constructs._core.schedule_expressions import validate_schedule
from fargate_constructs.logs.alarms import Alarms
from fargate_constructs.logs.archive_format import ArchiveFormat
from fargate_constructs.logs.archive_function import ShipperFunction
from fargate_constructs.logs.bucket_owner import bucket_owner, validate_owner_settings
from fargate_constructs.logs.catalog import LogCatalog
from fargate_constructs.logs.delivery import Delivery
from fargate_constructs.logs.failure_bucket import FailureBucket
from fargate_constructs.logs.failure_queue import FailureQueue
from fargate_constructs.logs.firehose import Firehose
from fargate_constructs.logs.log_compaction import LogCompaction, decide_compaction
from fargate_constructs.logs.log_router import LogRouter
from fargate_constructs.logs.replay import Replay
from fargate_constructs.logs.retention import Retention
from fargate_constructs.logs.scheduled_function import ScheduledFunction
from fargate_constructs.logs.shipping import Shipping
from fargate_constructs.logs.subscriptions import Subscriptions


@checked
class LogArchive(Construct):
    """An S3 bucket of logs, and the functions that ship logs into it.

    Lines are gzip-compressed newline-delimited JSON under `log_group=<name>/dt=YYYY-MM-DD/hour=HH/`, by the hour (UTC)
    in which they were written. An object's key is made from its content: a batch that is delivered twice is stored
    once. A batch that cannot be read goes whole into `quarantine/` of the failure bucket. A batch that cannot be stored
    is retried, then kept whole in the failure bucket, and replayed from there every hour until it is stored. Each of
    these raises an alarm. In the China regions failures reach the failure bucket through a queue, if the stack's region
    is known.

    ```python
    archive = LogArchive(stack, "LogArchive")
    archive.add_log_group(web.log_group)
    ```
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        bucket: s3.IBucket | None = None,
        retention: Retention | None = None,
        object_lock: s3.ObjectLockRetention | None = None,
        encryption_key: kms.IKey | None = None,
        versioned: bool = False,
        delivery: Delivery | None = None,
        archive_format: ArchiveFormat = ArchiveFormat.ndjson,
        compaction: bool | None = None,
        replay_schedule: scheduler.ScheduleExpression | None = None,
        alarm_actions: Sequence[cloudwatch.IAlarmAction] = (),
    ) -> None:
        """An S3 bucket of logs, and the functions that ship logs into it.

        Args:
            scope: The construct that owns the archive.
            id: The construct's ID.
            bucket: The bucket for the logs. Its owner then decides the next four arguments. By default a bucket is
                made: private, TLS only, encrypted, retained when the stack is deleted.
            retention: How long logs are kept, and in which storage class. By default `Retention()`: in Glacier Instant
                Retrieval after 90 days, deleted after 400.
            object_lock: `s3.ObjectLockRetention.governance(…)` or `.compliance(…)`: for how long a log cannot be
                deleted, in compliance mode not even by the account's root user. By default there is no lock.
            encryption_key: The KMS key to encrypt all buckets with. By default S3's own (SSE-S3).
            versioned: Whether a deleted object stays for 30 more days as a noncurrent version. By default it does not;
                nothing is ever overwritten. A bucket with a lock is always versioned.
            delivery: How logs get to S3. By default `Delivery.direct()`: an object for each batch.
            archive_format: The format of a batch in S3. By default `ArchiveFormat.ndjson`. Raw batches have no
                *catalog* and no *compaction*.
            compaction: Whether small objects are joined when their hour is two days old. By default they are in a
                bucket made here, unless it keeps what is deleted. True for your own bucket requires that it is not
                versioned.
            replay_schedule: When to replay failed batches. By default every hour.
            alarm_actions: The actions of all alarms, such as `cloudwatch_actions.SnsAction(topic)`. By default there
                are none.

        Raises:
            TypeError: If an argument has another type.
            ValueError: If *bucket* is given beside an argument that its owner decides, if the lock would outlast
                *retention*, or if *delivery* is buffered into a locked bucket (AWS does not document that Data Firehose
                sends the checksums that it demands) or for raw batches, which have no lines to put into one object.
        """
        delivery = delivery or Delivery.direct()
        validate_owner_settings(
            bucket, retention=retention, object_lock=object_lock, encryption_key=encryption_key, versioned=versioned
        )
        retention = retention or Retention()
        retention._validate_beside(object_lock=object_lock)
        if replay_schedule:
            validate_schedule("replay_schedule", replay_schedule)
        is_raw = archive_format is ArchiveFormat.raw
        compacts = decide_compaction(
            compaction=compaction,
            bucket=bucket,
            object_lock=object_lock,
            versioned=versioned,
            archive_format=is_raw,
        )
        delivery._validate_beside(object_lock=object_lock, archive_format=archive_format)
        super().__init__(scope, id)

        self.object_lock = object_lock
        """The lock on the bucket made here; what is locked cannot be joined or deleted."""
        self.bucket = bucket or PrivateBucket(
            self,
            "Bucket",
            lifecycle_rules=retention.lifecycle_rules(),
            encryption_key=encryption_key,
            versioned=versioned,
            object_lock=object_lock,
        )
        shipping = Shipping(
            self,
            bucket=self.bucket,
            owner=(owner := bucket_owner(self.bucket, Stack.of(self)) if bucket else Aws.ACCOUNT_ID),
            is_imported=bucket is not None,
            delivery=delivery,
            archive_format=archive_format,
            encryption_key=encryption_key,
            failure_expiration=retention.expiration,
            replay_schedule=replay_schedule,
        )
        self.failure_bucket: FailureBucket = shipping.failure_bucket
        """The bucket of batches that could not be archived."""
        self.failure_queue: FailureQueue | None = shipping.failure_queue
        """In China: where Lambda puts failed batches, until the replay function moves them into *failure_bucket*."""
        self.function: ShipperFunction = shipping.shipper
        """The shipper."""
        self.log_group: logs.LogGroup = self.function.own_log_group
        """The shipper's own log."""
        self.replay: Replay = shipping.replay
        """The function that archives failed batches again, with its schedule."""
        self.firehose: Firehose | None = shipping.firehose
        """Data Firehose and what belongs to it, if delivery is buffered or was."""
        self._bucket_grants = shipping.bucket_grants
        self._subscriptions = self._make_subscriptions(shipping, delivery)
        self._alarms = self._make_alarms(alarm_actions)
        self.catalog: LogCatalog | None = None if is_raw else LogCatalog(self, "Catalog", bucket=self.bucket)
        """The table, view, workgroup and saved queries with which the archive is read; None for raw batches."""
        self.compaction: LogCompaction | None = (
            LogCompaction(self, "Merger", bucket=self.bucket, owner=owner) if compacts else None
        )
        """What joins small objects into large ones; None without compaction."""
        if self.catalog:
            self._adopt(self.catalog.log_groups, self.catalog.bucket_grants)
        if self.compaction:
            self._adopt(self.compaction, self.compaction.bucket_grants)

    @property
    def alarms(self) -> list[cloudwatch.Alarm]:
        """The archive's alarms. Add actions to each, or pass *alarm_actions*."""
        return self._alarms.all

    @property
    def replay_command(self) -> str:
        """The shell command that replays failed batches now."""
        return self.replay.command

    @property
    def access_log_bucket(self) -> s3.IBucket | None:
        """The bucket, if load balancers can write their access logs to it, or None.

        They need SSE-S3, no lock, the same region, and a bucket policy that can be changed.
        """
        is_near = may_be_same(self.bucket.env.region, Stack.of(self).region)
        may_write = Resource.is_owned_resource(self.bucket) and is_near and not why_no_access_logs(self.bucket)
        return self.bucket if may_write else None

    @property
    def bucket_policy_statements(self) -> list[iam.PolicyStatement]:
        """The statements that the policy of a *bucket* in another account needs.

        The policy of its key must allow the same roles `kms:GenerateDataKey` and, for Data Firehose, replay and
        compaction, `kms:Decrypt`.
        """
        return [statement.copy(principals=[iam.ArnPrincipal(role.role_arn)]) for role, statement in self._bucket_grants]

    @checked
    def add_log_group(self, log_group: logs.ILogGroup) -> logs.SubscriptionFilter | None:
        """Ship everything that is written to a log group from now on.

        The subscription becomes the log group's child. So a stack with a log group depends on the archive's stack, and
        the archive's stack never depends on it.

        Args:
            log_group: The log group, of the Standard class.

        Returns:
            The subscription; the first one if services share the log group. None if `add_all_log_groups` ships it.

        Raises:
            TypeError: If it is not a log group, such as a name.
            ValueError: If it is ignored, as the archive's own log groups are; if two archives would ship each other's
                logs; if it is in another region or account, or has another class than Standard, which alone has
                subscriptions; or if it has a child with the archive's ID, such as the subscription of another archive.
        """
        return self._subscriptions.add(log_group)

    @checked
    def add_all_log_groups(self, *, except_for: Sequence[logs.ILogGroup | str] = ()) -> logs.CfnAccountPolicy:
        """Ship every log group of the account and region, also later ones, except the archive's own.

        An account has one such policy in a region. A log group that also has a subscription to this archive is shipped
        twice.

        Args:
            except_for: Log groups not to ship, or patterns of their names, such as `/aws/lambda/*`. Name the log groups
                of everything that writes a line for each shipped line. An account policy takes no patterns: the
                archive's function receives the log groups that match one, and drops them.

        Raises:
            TypeError: If *except_for* is not a list.
            ValueError: If a log group was added before, if one of *except_for* is in another region or account or is
                not a pattern, or if their names do not fit into the function's environment or the policy.
        """
        return self._subscriptions.add_all(except_for)

    @checked
    def ignore_log_group(self, log_group: logs.ILogGroup | str) -> None:
        """Never ship a log group, also if something else subscribes it: one with a line for each shipped line.

        The archive's own log groups are ignored already.

        Args:
            log_group: The log group, or a pattern of names, in which `*` matches any characters: `/aws/lambda/*`.

        Raises:
            ValueError: If it was added before, is in another region or account, or is not a pattern; or if the ignored
                names do not fit into the 4 KB of a function's environment.
        """
        self._subscriptions.ignore(log_group)

    @checked
    def log_router(self, log_group: logs.ILogGroup, *, image: ecs.ContainerImage | None = None) -> LogRouter:
        """Return a router that sends tasks' logs straight to the bucket, without CloudWatch Logs: cheaper, with risks.

        Args:
            log_group: The lines are archived under its name. It receives only the router's own log.
            image: The router's image: AWS's for Fluent Bit, 3.0.1 or later, in your repository. By default 3.4.8 of
                `public.ecr.aws`, which tasks in an isolated network cannot pull.

        Raises:
            TypeError: If *log_group* is a name, or *image* is a string.
            ValueError: If the name has characters that would be percent-encoded, such as a slash: Fluent Bit cannot
                write such keys.
        """
        return LogRouter(
            bucket=self.bucket,
            log_group=log_group,
            image=image,
            on_grant=lambda role, statement: self._bucket_grants.append((role, statement)),
        )

    @checked
    def add_alarm(self, id: str, metric: cloudwatch.IMetric, meaning: str, *, threshold: float = 1) -> cloudwatch.Alarm:
        """Add an alarm with the archive's actions that goes off as soon as a metric reaches a threshold.

        Args:
            id: The beginning of the alarm's ID.
            metric: The metric.
            meaning: What has happened, for the person who reads the alarm.
            threshold: The value. By default 1, for what should never happen.
        """
        return self._alarms.add(id, metric, meaning, threshold=threshold)

    def metric_lag(self) -> cloudwatch.Metric:
        """How many milliseconds late logs are shipped, at most; there is no data while they are less than a minute."""
        return self.function.metric_lag()

    def metric_oldest_failure_age(self) -> cloudwatch.Metric:
        """For how many seconds the oldest batch waits that could not be stored; measured after each replay."""
        return self.replay.metric_oldest_failure_age()

    def metric_quarantined_batches(self) -> cloudwatch.Metric:
        """How many batches could not be read and were put aside; counted again if one is delivered again."""
        return self.function.metric_quarantined_batches()

    def _adopt(self, scheduled: ScheduledFunction, bucket_grants: list[tuple[iam.Role, iam.PolicyStatement]]) -> None:
        """Give what maintains the archive the same actions, bucket policy and rule that its log is not shipped."""
        self._bucket_grants += bucket_grants
        self._alarms.adopt(scheduled.alarm)
        self._subscriptions.ignore_own(scheduled.function.own_log_group)

    def _make_subscriptions(self, shipping: Shipping, delivery: Delivery) -> Subscriptions:
        subscriptions = Subscriptions(self, shipping.subscription_target(delivery))
        for function in shipping.functions:
            subscriptions.publish_to(function)
        for log_group in shipping.own_log_groups:
            subscriptions.ignore_own(log_group)
        return subscriptions

    def _make_alarms(self, actions: Sequence[cloudwatch.IAlarmAction]) -> Alarms:
        alarms = Alarms(self, actions)
        alarms.watch_shipper(self.function, self.failure_queue)
        alarms.watch_replay(self.replay)
        alarms.watch_subscriptions(self._subscriptions.filter_name)
        if self.firehose:
            alarms.watch_firehose(self.firehose)
        return alarms
