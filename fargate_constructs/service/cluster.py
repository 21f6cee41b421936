"""Where services run, and where it is written down what was typed in their shells.

```
aws ecs execute-command ──> [cluster] ──> a shell in a task
                               │ what was typed
                               v
                           log group
```
"""

from typing import cast

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from fargate_constructs.arguments import checked
from fargate_constructs.findings import LOG_GROUP, acknowledge


class AuditedCluster(ecs.Cluster):
    """A cluster with Container Insights on, that keeps the transcript of each ECS Exec session for a year.

    Tasks run on demand or on Spot. A session is encrypted on its way (TLS), and its transcript where it is kept.

    ```python
    cluster = AuditedCluster(stack, "Cluster", vpc=network.vpc, encryption_key=kms.Key(stack, "Sessions"))
    ```

    Args:
        scope: The construct that owns the cluster.
        id: The cluster's ID.
        vpc: Where its tasks run.
        encryption_key: A key of your own for sessions and transcripts; tasks may decrypt with it, and so must whoever
            opens a shell. The policy of an imported one must let CloudWatch Logs use it. By default keys of AWS's,
            which cost nothing.
    """

    @checked
    def __init__(self, scope: Construct, id: str, *, vpc: ec2.IVpc, encryption_key: kms.IKey | None = None) -> None:
        sessions = logs.LogGroup(
            scope,
            f"{id}ExecLogs",
            retention=logs.RetentionDays.ONE_YEAR,
            removal_policy=RemovalPolicy.RETAIN,
            encryption_key=encryption_key,
        )
        if encryption_key:
            _let_logs_use(encryption_key, Stack.of(scope))
        else:
            acknowledge(sessions, LOG_GROUP)
        super().__init__(
            scope,
            id,
            vpc=vpc,
            container_insights_v2=ecs.ContainerInsights.ENABLED,
            execute_command_configuration=ecs.ExecuteCommandConfiguration(
                kms_key=encryption_key,
                logging=ecs.ExecuteCommandLogging.OVERRIDE,
                log_configuration=ecs.ExecuteCommandLogConfiguration(
                    cloud_watch_log_group=sessions,
                    cloud_watch_encryption_enabled=True if encryption_key else None,
                ),
            ),
        )
        # On the cluster itself: as a resource of their own they could not be removed before the last service is.
        cast(ecs.CfnCluster, self.node.default_child).capacity_providers = ["FARGATE", "FARGATE_SPOT"]
        self._session_log_arns = [_log_streams(self, sessions.log_group_name)]


def _let_logs_use(key: kms.IKey, stack: Stack) -> None:
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


def session_log_arns(cluster: ecs.ICluster) -> list[str]:
    """Return the ARN patterns that CDK lets tasks write their session transcripts to, if the cluster keeps any."""
    return cluster._session_log_arns if isinstance(cluster, AuditedCluster) else _session_log_arns(cluster)


def _session_log_arns(cluster: ecs.ICluster) -> list[str]:
    configuration = cluster.execute_command_configuration
    log_configuration = configuration.log_configuration if configuration else None
    log_group = log_configuration.cloud_watch_log_group if log_configuration else None
    bucket = log_configuration.s3_bucket if log_configuration else None
    arns = []
    if log_group:
        arns.append(_log_streams(cluster, log_group.log_group_ref.log_group_name))
    if bucket:
        arns.append(f"arn:{Stack.of(cluster).partition}:s3:::{bucket.bucket_ref.bucket_name}/*")
    return arns


def _log_streams(cluster: ecs.ICluster, log_group_name: str) -> str:
    stack = Stack.of(cluster)
    return f"arn:{stack.partition}:logs:{stack.region}:{stack.account}:log-group:{log_group_name}:*"
