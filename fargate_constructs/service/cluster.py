"""The cluster in which services run, with the transcripts of shells in their tasks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct, IDependable

from fargate_constructs._core.arguments import checked
from fargate_constructs._core.asked_once import asked_once
from fargate_constructs._core.construct_paths import keep_place, path_of
from fargate_constructs._core.lazy_cdk import aws_kms as kms
from fargate_constructs._core.log_group_attributes import name_of
from fargate_constructs._core.nag_suppressions import LOG_GROUP, acknowledge
from fargate_constructs._core.unresolved import is_known
from fargate_constructs.service.capacity import Capacity
from fargate_constructs.service.exec_access import ExecAccess, log_streams

# What an `AuditedCluster` runs tasks on.
PROVIDERS = ("FARGATE", "FARGATE_SPOT")


class AuditedCluster(ecs.Cluster):
    """A cluster with Container Insights on, that keeps the transcript of each ECS Exec session for a year.

    Tasks run on demand or on Spot. A session is encrypted in transit (TLS), and its transcript at rest.

    ```python
    cluster = AuditedCluster(stack, "Cluster", vpc=network.vpc, encryption_key=kms.Key(stack, "Sessions"))
    ```
    """

    @checked
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        vpc: ec2.IVpc,
        capacity: Capacity | None = None,
        container_insights: ecs.ContainerInsights = ecs.ContainerInsights.ENABLED,
        encryption_key: kms.IKey | None = None,
        ephemeral_storage_key: kms.IKey | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR,
    ) -> None:
        """A cluster with Container Insights on, that keeps the transcript of each ECS Exec session for a year.

        Args:
            scope: The construct that owns the cluster.
            id: The cluster's ID.
            vpc: The VPC of its tasks.
            capacity: Where tasks run that have no capacity of their own, also tasks that others start in the cluster.
                By default on demand.
            container_insights: `ecs.ContainerInsights.ENABLED` (default), `ENHANCED` with the metrics of each task and
                container, or `DISABLED`. Each metric costs by the month (https://aws.amazon.com/cloudwatch/pricing/).
            encryption_key: A key of your own for sessions and transcripts. Tasks may decrypt with it; people who open a
                shell need the same permission. The policy of an imported key must let CloudWatch Logs use it. By
                default keys of AWS, which cost nothing.
            ephemeral_storage_key: A key of your own for the disks of tasks. The policy of an imported key must let
                Fargate use it
                (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-create-storage-key.html). Running
                tasks keep the key that they have. Windows tasks cannot run in a cluster with such a key. By default a
                key of AWS.
            log_retention: How long transcripts are kept. By default a year.

        Raises:
            ValueError: If *encryption_key* is an alias, for which no policy can allow tasks to decrypt; if
                *ephemeral_storage_key* is an alias or a multi-Region key, which Fargate does not take.
        """
        _validate_session_key(encryption_key)
        _validate_storage_key(ephemeral_storage_key)
        transcripts = logs.LogGroup(
            scope,
            f"{id}ExecLogs",
            retention=log_retention,
            removal_policy=RemovalPolicy.RETAIN,
            encryption_key=encryption_key,
        )
        keep_place(transcripts, scope, f"{id}ExecLogs")
        if encryption_key:
            allow_cloudwatch_logs(encryption_key, Stack.of(scope))
        else:
            acknowledge(transcripts, LOG_GROUP)
        super().__init__(
            scope,
            id,
            vpc=vpc,
            container_insights_v2=container_insights,
            execute_command_configuration=ecs.ExecuteCommandConfiguration(
                kms_key=encryption_key,
                logging=ecs.ExecuteCommandLogging.OVERRIDE,
                log_configuration=ecs.ExecuteCommandLogConfiguration(
                    cloud_watch_log_group=transcripts,
                    cloud_watch_encryption_enabled=True if encryption_key else None,
                ),
            ),
            managed_storage_configuration=ecs.ManagedStorageConfiguration(
                fargate_ephemeral_storage_kms_key=ephemeral_storage_key
            )
            if ephemeral_storage_key
            else None,
        )
        self.log_group: logs.ILogGroup = transcripts
        """Where the transcripts are, such as for `archive.add_log_group`."""
        # A property of the cluster, because CloudFormation cannot delete a separate resource before the last service.
        cast(ecs.CfnCluster, self.node.default_child).capacity_providers = list(PROVIDERS)
        self._exec_access = ExecAccess(log_streams=log_streams(self, name_of(transcripts)), key=encryption_key)
        self._strategies: Sequence[ecs.CapacityProviderStrategy] = Capacity.on_demand()._strategies()
        self._has_tasks = False
        self._has_storage_key = ephemeral_storage_key is not None
        if capacity:
            self.add_default_capacity_provider_strategy(capacity._strategies())

    @checked
    def add_default_capacity_provider_strategy(
        self, default_capacity_provider_strategy: Sequence[ecs.CapacityProviderStrategy | dict[str, Any]]
    ) -> None:
        """Say where tasks run that have no capacity of their own, as CDK does; `capacity=` says it in one word.

        Args:
            default_capacity_provider_strategy: Of `FARGATE` and `FARGATE_SPOT`, which the cluster has.

        Raises:
            ValueError: If there is another capacity provider, or a task of the cluster has got its capacity already.
        """
        strategies = [
            each if isinstance(each, ecs.CapacityProviderStrategy) else ecs.CapacityProviderStrategy(**each)
            for each in default_capacity_provider_strategy
        ]
        others = [each.capacity_provider for each in strategies if each.capacity_provider not in PROVIDERS]
        if others:
            raise ValueError(
                f"capacity providers must be of {list(PROVIDERS)}, got: {others}; for others make an ecs.Cluster"
            )
        if self._has_tasks:
            raise ValueError(
                f"the default capacity must be known before tasks get it, got: {self.node.path} with tasks; write "
                "AuditedCluster(..., capacity=...)"
            )
        self._strategies = strategies
        cast(ecs.CfnCluster, self.node.default_child).default_capacity_provider_strategy = [
            ecs.CfnCluster.CapacityProviderStrategyItemProperty(
                capacity_provider=each.capacity_provider, base=each.base, weight=each.weight
            )
            for each in strategies
        ]

    def enable_fargate_capacity_providers(self) -> None:
        """Do nothing: the cluster has both. CDK's method would add them again, in a resource of its own."""

    def add_asg_capacity_provider(
        self,
        provider: object,  # noqa: ARG002 - of CDK's method
        *,
        machine_image_type: object = None,  # noqa: ARG002
        spot_instance_draining: object = None,  # noqa: ARG002
        topic_encryption_key: object = None,  # noqa: ARG002
    ) -> None:
        """Refuse EC2 capacity: CDK would associate the cluster with it alone, and its services would have none.

        Args:
            provider: EC2 capacity.
            machine_image_type: As CDK's method takes it.
            spot_instance_draining: As CDK's method takes it.
            topic_encryption_key: As CDK's method takes it.

        Raises:
            ValueError: Always.
        """
        raise ValueError(f"the tasks of {self.node.path} run on Fargate, got: EC2 capacity; make an ecs.Cluster for it")


def default_strategies(cluster: ecs.ICluster) -> Sequence[ecs.CapacityProviderStrategy]:
    """Return where tasks of a cluster run that have no capacity of their own; none for the launch type Fargate.

    CDK's service has a launch type also if the cluster has a default strategy, and so ignores it
    (https://github.com/aws/aws-cdk/issues/24961).
    """
    if isinstance(cluster, AuditedCluster):
        cluster._has_tasks = True
        return cluster._strategies
    if isinstance(cluster, ecs.Cluster):
        strategies = cluster.default_capacity_provider_strategy
        if all(each.capacity_provider in PROVIDERS for each in strategies):
            return strategies
    return []


def validate_windows_cluster(cluster: ecs.ICluster | None, capacity: Capacity | None) -> None:
    """Refuse a cluster in which Windows tasks would run on Spot, or could not start."""
    providers = [each.capacity_provider for each in default_strategies(cluster)] if cluster and not capacity else []
    if "FARGATE_SPOT" in providers:
        raise ValueError("capacity must be Capacity.on_demand() for Windows tasks, got: none, and a cluster with Spot")
    # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-create-storage-key.html
    if isinstance(cluster, AuditedCluster) and cluster._has_storage_key:
        raise ValueError("cluster must have no ephemeral_storage_key for Windows tasks: give them another cluster")


def capacity_dependencies(cluster: ecs.ICluster, task: Construct) -> Sequence[IDependable]:
    """Return what must exist before tasks get capacity providers of a cluster, and must be deleted after them.

    CDK associates other clusters than `AuditedCluster` with their capacity providers in a separate resource, which it
    adds during synthesis: it is below the cluster
    (https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ecs-clustercapacityproviderassociations.html).
    """
    is_separate = isinstance(cluster, ecs.Cluster) and not isinstance(cluster, AuditedCluster)
    is_within = path_of(task).startswith(f"{path_of(cluster)}/")
    return [cluster] if is_separate and not is_within else []


def allow_cloudwatch_logs(key: kms.IKey, stack: Stack) -> None:
    """Let CloudWatch Logs encrypt with a key, for log groups of this account and region.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
    """
    log_groups = f"arn:{stack.partition}:logs:{stack.region}:{stack.account}:log-group:*"
    key.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal(f"logs.{stack.region}.amazonaws.com")],
            actions=[
                "kms:Decrypt",
                "kms:DescribeKey",
                "kms:Encrypt",
                "kms:GenerateDataKey",
                "kms:GenerateDataKeyWithoutPlaintext",
                "kms:ReEncryptFrom",
                "kms:ReEncryptTo",
            ],
            resources=["*"],  # in a key's policy: the key
            conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": log_groups}},
        )
    )


@asked_once
def exec_access_of(cluster: ecs.ICluster) -> ExecAccess:
    """Return what tasks of a cluster need for shells, and let CloudWatch Logs use the key of an encrypted log group.

    CDK's L2 does the same for the log group of another cluster.
    """
    if isinstance(cluster, AuditedCluster):
        return cluster._exec_access
    access = ExecAccess.of(cluster)
    if access.key and access.is_log_encrypted:
        allow_cloudwatch_logs(access.key, Stack.of(cluster))
    return access


def _validate_session_key(key: kms.IKey | None) -> None:
    """Refuse an alias: CDK would write it into the policy of the tasks, where IAM takes keys only.

    https://docs.aws.amazon.com/kms/latest/developerguide/cmks-in-iam-policies.html
    """
    if key and _is_alias(key):
        raise ValueError(
            f"encryption_key must be the key itself, got: the alias {path_of(key)}; make a kms.Key, or import it by "
            "kms.Key.from_lookup(..., alias_name=...)"
        )


def _validate_storage_key(key: kms.IKey | None) -> None:
    """Refuse a key that Fargate does not take for the disks of tasks."""
    if key is None:
        return
    is_multi_region = getattr(key.node.default_child, "multi_region", False)
    if is_multi_region or _is_alias(key) or (is_known(key.key_id) and key.key_id.startswith("mrk-")):
        raise ValueError(
            f"ephemeral_storage_key must be of one region, and no alias, got: {path_of(key)}; make a kms.Key"
        )


def _is_alias(key: kms.IKey) -> bool:
    """Whether a key is an alias, of this app or imported; one in a token is not known."""
    return isinstance(key, kms.Alias) or (is_known(key.key_id) and key.key_id.startswith("alias/"))
