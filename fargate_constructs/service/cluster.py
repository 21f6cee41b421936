"""The cluster in which services run, with the transcripts of shells in their tasks."""

from __future__ import annotations

from typing import cast
from weakref import WeakKeyDictionary

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from fargate_constructs._core.arguments import checked
from fargate_constructs._core.lazy_cdk import aws_kms as kms
from fargate_constructs._core.nag_suppressions import LOG_GROUP, acknowledge
from fargate_constructs.service.exec_access import ExecAccess, log_streams


class AuditedCluster(ecs.Cluster):
    """A cluster with Container Insights on, that keeps the transcript of each ECS Exec session for a year.

    Tasks run on demand or on Spot. A session is encrypted in transit (TLS), and its transcript at rest.

    ```python
    cluster = AuditedCluster(stack, "Cluster", vpc=network.vpc, encryption_key=kms.Key(stack, "Sessions"))
    ```

    Args:
        scope: The construct that owns the cluster.
        id: The cluster's ID.
        vpc: The VPC of its tasks.
        encryption_key: A key of your own for sessions and transcripts. Tasks may decrypt with it; people who open a
            shell need the same permission. The policy of an imported key must let CloudWatch Logs use it. By default
            keys of AWS, which cost nothing.
    """

    @checked
    def __init__(self, scope: Construct, id: str, *, vpc: ec2.IVpc, encryption_key: kms.IKey | None = None) -> None:
        transcripts = logs.LogGroup(
            scope,
            f"{id}ExecLogs",
            retention=logs.RetentionDays.ONE_YEAR,
            removal_policy=RemovalPolicy.RETAIN,
            encryption_key=encryption_key,
        )
        if encryption_key:
            allow_cloudwatch_logs(encryption_key, Stack.of(scope))
        else:
            acknowledge(transcripts, LOG_GROUP)
        super().__init__(
            scope,
            id,
            vpc=vpc,
            container_insights_v2=ecs.ContainerInsights.ENABLED,
            execute_command_configuration=ecs.ExecuteCommandConfiguration(
                kms_key=encryption_key,
                logging=ecs.ExecuteCommandLogging.OVERRIDE,
                log_configuration=ecs.ExecuteCommandLogConfiguration(
                    cloud_watch_log_group=transcripts,
                    cloud_watch_encryption_enabled=True if encryption_key else None,
                ),
            ),
        )
        # A property of the cluster, because CloudFormation cannot delete a separate resource before the last service.
        cast(ecs.CfnCluster, self.node.default_child).capacity_providers = ["FARGATE", "FARGATE_SPOT"]
        self._exec_access = ExecAccess(log_streams=log_streams(self, transcripts.log_group_name), key=encryption_key)


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


def exec_access_of(cluster: ecs.ICluster) -> ExecAccess:
    """Return what tasks of a cluster need for shells, and let CloudWatch Logs use the key of an encrypted log group.

    CDK's L2 does the same for the log group of another cluster.
    """
    if isinstance(cluster, AuditedCluster):
        return cluster._exec_access
    if cluster not in _EXEC_ACCESS:
        _EXEC_ACCESS[cluster] = access = ExecAccess.of(cluster)
        if access.key and access.is_log_encrypted:
            allow_cloudwatch_logs(access.key, Stack.of(cluster))
    return _EXEC_ACCESS[cluster]


# The answers for other clusters than `AuditedCluster`; each is read once.
_EXEC_ACCESS: WeakKeyDictionary[ecs.ICluster, ExecAccess] = WeakKeyDictionary()
